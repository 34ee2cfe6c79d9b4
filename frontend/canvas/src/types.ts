/** The words of the contract between Python and the canvas: what arrives, and what is sent. */

export type Point = [x: number, y: number];
/** A node's result, or a part of it. */
export type Value = [node: string, path: (number | string)[]];
/** Where a node reads: argument name, and the place in a tuple argument. */
export type Slot = [node: string, port: string, index: number];

export type PortKind =
  | "image" | "sequence" | "features" | "tokens" | "volume" | "signal" | "state" | "scalar" | "mask" | "any";

export interface InPort { name: string; kind: PortKind; wanted: PortKind; many: boolean; optional: boolean; slots: number; most?: number }
export interface OutPort { path: (number | string)[]; name: string; kind: PortKind; shape: string }
export interface Quick { name: string; value: number | string; kind: "int" | "float"; min?: number | null; max?: number | null }
export interface RepairOffer { id: string; label: string; cost: string; deletes?: boolean }
export interface Problem { message: string; severity: string; port: string | null; repairs: RepairOffer[] | null }

export interface LayerData {
  id: string;
  kind: "input" | "layer" | "operation" | "branch" | "weight" | "output" | "block";
  type: string;
  name: string;
  family: string;
  words: string;
  weights: string;
  trained: boolean;
  shape: string;
  axes: string;
  ins: InPort[];
  outs: OutPort[];
  at: Point | null;
  marks: string[];
  bypassed: boolean;
  frozen: boolean;
  shared: boolean;
  repeat: number;
  block: string | null;
  note: string;
  quick: Quick[];
  problems: Problem[];
}

export interface WireData { from: Value; to: Slot; shape: string; axes: string; bytes: number | null; ok: boolean; fixed?: boolean }
export interface FrameData { title: string; colour: string; at: Point; size: Point; text: string; kind: "frame" | "note" }
export interface Fold { nodes: string[][]; text: string }
export interface Totals {
  layers: string; parameters: string; flops: string; memory: string;
  words: [number: string, word: string, meaning: string][];
  problems: number;
  errors?: number;
}

export interface Document {
  nodes: Record<string, LayerData>;
  order: string[];
  wires: Record<string, WireData>;
  frames: Record<string, FrameData>;
  selected: string[];
  crumbs: string[];
  totals: Totals;
  first_problem: { node: string; scope: string } | null;
  /** Grows when the page sends one to the first problem. */
  look: number;
  undo: string | null;
  redo: string | null;
  /** The newest steps, where one stands, and the number of the first of them. */
  history: [labels: string[], position: number, first?: number];
  folds: Fold[];
  settings: Record<string, unknown>;
  message: { tone: string; text: string; seq?: number; offer?: { label: string; op: Op } } | null;
  /** What waits for a yes: it would cost trained weights. */
  asked: { id: number; title: string; text: string } | null;
}

export interface Patch {
  from: number;
  nodes?: Record<string, Partial<LayerData> | null>;
  order?: string[];
  wires?: Record<string, Partial<WireData> | null>;
  frames?: Record<string, Partial<FrameData> | null>;
  rest?: Partial<Document>;
}

export interface Entry { key: string; name: string; help?: string; words?: string; family: string; hint?: string; dot?: boolean }
export interface Group { title: string; family: string; entries: Entry[] }
/** Of a family: mark light, mark dark, fill light, fill dark. */
export type FamilyColours = Record<string, [string, string, string, string]>;

export interface Answer {
  seq: number;
  slots?: Record<string, string>;
  keys?: string[];
  text?: string;
  copied?: string;
  ask?: string;
  op?: Op;
  files?: { name: string; type: string; text?: string; base64?: string }[];
}

export interface Message {
  canvas: string;
  /** The block that is shown, "" for the network itself. */
  block: string;
  ack: Record<string, number>;
  /** What of it is on disk, where that is not all. */
  written?: Record<string, number>;
  rev: number;
  full?: Document;
  patch?: Patch;
  catalogue?: { version: string | number; groups: Group[] } | null;
  colours?: FamilyColours;
  answer?: Answer | null;
  height: number;
  /** Pixels of the page above the canvas: it is as high as the window leaves it. */
  above?: number;
}

/** Where frames and notes stand, and how large they are. */
export type Frames = Record<string, [x: number, y: number, w: number, h: number]>;
/** What moves along with something new, in the same step. */
export interface Along { move?: Record<string, Point>; frames?: Frames }

interface Stamp { seq?: number; at_ms?: number; in?: string }
export type Edit =
  | ({ op: "add"; key: string; id: string; at: Point; after: string | null; on: string | null; from: Value | null; to: Slot | null } & Along)
  | ({ op: "insert"; node: string; on: string; at: Point } & Along)
  | { op: "connect"; from: Value; to: Slot; instead: string | null }
  | { op: "disconnect"; wires: string[] }
  | ({ op: "join"; a: Value; b: Value; how: "add" | "cat"; id: string; at: Point; to: Slot | null } & Along)
  | { op: "delete"; nodes: string[]; wires: string[]; frames: string[]; sure: boolean }
  | { op: "move"; at: Record<string, Point>; frames: Record<string, Point> }
  /** `keep`: it belongs to what was just done, and is written as that was. */
  | { op: "pin"; at: Record<string, Point>; frames: Frames; keep: boolean }
  | { op: "arrange"; at: Record<string, Point>; frames: Frames; direction: "LR" | "TB"; rows?: boolean }
  | { op: "set"; node: string; name: string; value: number | string; sure?: boolean }
  | { op: "sure"; id: number }
  | { op: "rename"; node: string; name: string }
  | { op: "shape"; node: string; text: string }
  | { op: "bypass" | "freeze"; nodes: string[] }
  | { op: "note"; node: string; text: string }
  | { op: "frame"; id: string; title: string; colour: string; at: Point; size: Point; text: string; kind: "frame" | "note" }
  | ({ op: "group"; nodes: string[]; name: string | null; id: string; at: Point } & Along)
  /** `stay`: the content stands where it stood when it was grouped. */
  | ({ op: "ungroup"; node: string; stay: boolean } & Along)
  | { op: "open"; node: string }
  | { op: "repeat"; node: string; repeat: number; shared: boolean }
  | { op: "leave"; depth: number }
  | ({ op: "fold"; index: number; name: string; id: string; at: Point } & Along)
  | { op: "duplicate"; nodes: string[]; at: Point }
  | { op: "paste"; at: Point; keep_inputs: boolean; text?: string }
  | { op: "repair"; id: string }
  | { op: "undo" | "redo" | "resync" }
  | { op: "goto"; position: number }
  | { op: "select"; nodes: string[] }
  | { op: "show_problem"; node: string; scope: string };
export type Question =
  | { op: "fits"; from: Value; to?: undefined }
  | { op: "fits"; from: null; to: Slot }
  | { op: "effect"; node: string; name: string; value: number | string }
  | { op: "effect"; nodes: string[] }
  | { op: "copy" | "cut"; nodes: string[] }
  | { op: "picture"; at: Record<string, Point>; dark: boolean; format: "svg" | "png" };
export type Op = (Edit | Question) & Stamp;
export type Sent = (Edit | Question) & { seq: number; at_ms: number; in: string };

export interface Outbox { client: string; seen: number | null; catalogue: string | number | null; ops: Sent[] }

export const wireId = ([node, port, index]: Slot): string => `${node}:${port}:${index}`;
/** A handle's id says all there is to know of its end; it stands in CSS selectors, so no quotes. */
export const outHandle = (path: (number | string)[]): string =>
  `o${path.map((part) => (typeof part === "number" ? `.${part}` : `.~${encodeURIComponent(part).replaceAll(".", "%2E")}`)).join("")}`;
export const readOut = (handle: string): (number | string)[] =>
  handle.split(".").slice(1).map((part) => (part.startsWith("~") ? decodeURIComponent(part.slice(1)) : Number(part)));
export const inHandle = (port: string, index: number): string => (port.startsWith("~") ? "~" : `${port}:${index}`);
export function readIn(handle: string): [port: string, index: number] {
  const cut = handle.lastIndexOf(":");
  return [handle.slice(0, cut), Number(handle.slice(cut + 1))];
}

/** The project of a canvas; behind it stand the nodes entered. */
export const projectOf = (canvas: string): string => canvas.split("/")[0] ?? canvas;
