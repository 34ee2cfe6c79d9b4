/** Which wires may be drawn, and where a dropped one goes. */
import { shownIns, takesMore } from "./layout";
import type { Document, Entry, Group, InPort, LayerData, OutPort, PortKind, Slot, Value } from "./types";
import { wireId } from "./types";

/** Whether a value of `from` can be reached from `to`: a wire between them would make a cycle. */
export function closesCircle(doc: Document, from: string, to: string): boolean {
  return readersOf(doc, to).has(from);
}

/** A node and all it is made of. */
export const sourcesOf = (doc: Document, node: string): Set<string> => along(doc, node, "to", "from");

/** A node and all that is made of it. */
export const readersOf = (doc: Document, node: string): Set<string> => along(doc, node, "from", "to");

/** A node and all that is found along the wires, from their one end to the other. */
function along(doc: Document, node: string, one: "from" | "to", other: "from" | "to"): Set<string> {
  const next = new Map<string, string[]>();
  for (const wire of Object.values(doc.wires)) {
    const list = next.get(wire[one][0]);
    if (list) list.push(wire[other][0]);
    else next.set(wire[one][0], [wire[other][0]]);
  }
  const found = new Set<string>();
  const stack = [node];
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    if (found.has(at)) continue;
    found.add(at);
    stack.push(...(next.get(at) ?? []));
  }
  return found;
}

const KIND_WORDS: Record<PortKind, string> = {
  image: "images", sequence: "a sequence", features: "features", tokens: "token numbers", volume: "volumes",
  signal: "a signal", state: "a hidden state", scalar: "a number", mask: "a mask", any: "any value",
};

/** Why a value cannot go into a port, in a sentence; "" where it can, as far as the browser knows. */
export function reasonAgainst(doc: Document, from: Value, to: Slot, fits: Record<string, string> | null): string {
  const source = doc.nodes[from[0]];
  const reader = doc.nodes[to[0]];
  if (!source || !reader) return "";
  if (closesCircle(doc, from[0], to[0])) {
    return from[0] === to[0]
      ? `${label(source)} cannot read its own result.`
      : `${label(source)} already reads ${label(reader)}: this wire would make a cycle.`;
  }
  if (to[1].startsWith("~")) return "This wire follows from a size; change the number that reads it.";
  return fits?.[`${to[0]}:${to[1]}`] ?? "";
}

export const label = (node: LayerData): string => `“${node.name || node.type}”`;
export const kindWords = (kind: PortKind): string => KIND_WORDS[kind];

const KIND_SHAPES: Partial<Record<PortKind, string>> = {
  image: "N×C×H×W", sequence: "N×L×F", features: "N×F", tokens: "N×L", volume: "N×C×D×H×W", signal: "N×C×L",
};

/** What a port is for: "input reads images, N×C×H×W"; a branch has two sides. */
export function readsWords(port: InPort, of: LayerData["kind"]): string {
  const shape = KIND_SHAPES[port.wanted];
  return `${of === "branch" ? port.name.replace(/^if_/, "if ") : port.name} reads ${KIND_WORDS[port.wanted]}${shape ? `, ${shape}` : ""}${port.optional ? " (optional)" : ""}`;
}

/** "gives images, N×16×13×13". */
export const givesWords = (out: OutPort): string =>
  `${out.name ? `${out.name}: ` : "gives "}${KIND_WORDS[out.kind]}${out.shape ? `, ${out.shape}` : ""}`;

export const slotTaken = (doc: Document, slot: Slot): boolean => doc.wires[wireId(slot)] !== undefined;

/** The next empty place of a port. */
export const freeIndex = (port: InPort): number => (takesMore(port) ? port.slots : 0);

/**
 * The slot for a wire dropped on a node's body: its first free port that fits and is required or made
 * for this kind of value, else the first that fits though it is taken, else none.
 */
export function slotOnBody(doc: Document, from: Value, node: LayerData, fits: Record<string, string> | null): Slot | null {
  if (closesCircle(doc, from[0], node.id)) return null;
  const ordered = [...shownIns(node, false), ...node.ins.filter((port) => port.optional)];
  const fitting = ordered.filter((port) => !port.name.startsWith("~") && !fits?.[`${node.id}:${port.name}`]);
  // A mask or a first state is meant only by what is one.
  const kind = doc.nodes[from[0]]?.outs.find((out) => out.path.join() === from[1].join())?.kind;
  const meant = fitting.filter((port) => !port.optional || port.wanted === kind);
  for (const port of meant) {
    const slot: Slot = [node.id, port.name, freeIndex(port)];
    if (!slotTaken(doc, slot)) return slot;
  }
  const first = meant[0] ?? fitting[0];
  return first ? [node.id, first.name, 0] : null;
}

/** A node with no wire at all: it may be put on one. */
export const isLoose = (doc: Document, id: string): boolean =>
  !Object.values(doc.wires).some((wire) => wire.from[0] === id || wire.to[0] === id);

/** The catalogue's entries for what was typed; those that fit the value at hand stand first. */
export function ranked(groups: Group[], typed: string, keys: string[] | null): Entry[] {
  const fit = new Map((keys ?? []).map((key, place) => [key, place]));
  const seen = new Set<string>();
  const scored: [score: number, place: number, entry: Entry][] = [];
  let place = 0;
  for (const group of groups) {
    for (const entry of group.entries) {
      if (seen.has(entry.key)) continue;
      seen.add(entry.key);
      const match = matches(entry, typed.trim().toLowerCase());
      if (match === null) continue;
      const fitting = fit.get(entry.key);
      // Typed words decide; what fits comes first among equals only, so that no list changes under a finger.
      scored.push([typed.trim() ? Math.floor(match) * 10 + (fitting === undefined ? 5 : 0) + match % 1 : fitting === undefined ? 0 : fitting - 1000, place++, entry]);
    }
  }
  return scored.sort((a, b) => a[0] - b[0] || a[1] - b[1]).map(([, , entry]) => entry);
}

/** How far an entry is from what was typed, 0 is nearest; null where it does not match at all. */
function matches(entry: Entry, typed: string): number | null {
  if (!typed) return 0;
  const name = entry.name.toLowerCase();
  if (name === typed) return 0;
  if (name.startsWith(typed)) return 1 + name.length / 100;
  if (entry.hint?.toLowerCase() === typed) return 1.5;
  if (name.includes(typed)) return 3 + name.length / 100;
  const words = `${entry.words ?? ""} ${entry.key} ${entry.family}`.toLowerCase();
  if (words.split(/[\s._]+/).some((word) => word.startsWith(typed))) return 5;
  const parts = typed.split(/\s+/);
  if (parts.length > 1 && parts.every((part) => `${name} ${words}`.includes(part))) return 6;
  if (typed.length > 2 && entry.help?.toLowerCase().includes(typed)) return 8;
  return typed.length > 1 && inOrder(typed, name) ? 9 : null;
}

function inOrder(typed: string, name: string): boolean {
  let at = 0;
  for (const letter of name) if (letter === typed[at]) at += 1;
  return at === typed.length;
}
