/** How a text that was sent has fared. */
export interface Word {
  client: string;
  seq: number;
  kind: "read" | "refused" | "asks";
  /** A sentence: what changed, or why it was not read. */
  text: string;
  help?: string;
  line?: number | null;
  /** What would be read: each a text, with what it does. */
  ways?: Way[];
}

export interface Way { title: string; text: string }

/** What Python sends. */
export interface Message {
  /** "project/style": whose text it is. */
  doc: string;
  text: string;
  /** Names the text: another one, another name. */
  rev: string;
  ack: Record<string, number>;
  word: Word | null;
  /** What has become of a person's own text, "" for nothing. */
  note: string;
  /** Lines of the layer that is selected. */
  marks: number[];
  /** The lines of each layer: those that belong together light up together. */
  groups: number[][];
  /** Which layer each of these is: the block it stands in ("" for none), and its id there. */
  layers: [block: string, node: string][];
  /** Of each block those that it is part of. */
  within: Record<string, string[]>;
  /** Why it cannot be edited, "" where it can. */
  readonly: string;
  /** Whether it stands beside another one, only to be looked at: nothing of it is sent. */
  still: boolean;
  /** Whether long lines are broken. */
  wrap: boolean;
  /** Lines that the text beside does not have. */
  differs: number[];
  dark?: boolean;
}

export type Edit = { op: "text"; text: string; rev: string; seen: number } | { op: "line"; line: number };
export type Sent = Edit & { seq: number; at_ms: number; doc: string; by: string };
export interface Outbox { client: string; ops: Sent[]; again: number }
