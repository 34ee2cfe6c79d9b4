/** What an operation will do, as far as it can be shown before Python has answered. */
import {
  wireId, type Along, type Document, type Entry, type Frames, type Group, type LayerData, type Op, type Patch, type Point, type Slot,
  type Value, type WireData,
} from "./types";

export const EMPTY: Document = {
  nodes: none(), order: [], wires: none(), frames: none(), selected: [], crumbs: [],
  totals: { layers: "", parameters: "", flops: "", memory: "", words: [], problems: 0 },
  first_problem: null, look: 0, undo: null, redo: null, history: [[], 0, 0], folds: [], settings: {}, message: null, asked: null,
};

/** Ids are any words, "constructor" among them: what they index has no such word of its own. */
export function none<T>(): Record<string, T> {
  return Object.create(null) as Record<string, T>;
}

export function copied<T>(record: Record<string, T>): Record<string, T> {
  return Object.assign(none<T>(), record);
}

/** A document whose nodes, wires and frames are found by their ids alone. */
export function bare(document: Document): Document {
  return { ...document, nodes: copied(document.nodes), wires: copied(document.wires), frames: copied(document.frames) };
}

/** The document after a patch; `base` is left as it was, and what did not change is shared with it. */
export function patched(base: Document, patch: Patch): Document {
  return {
    ...base,
    ...patch.rest,
    nodes: merged(base.nodes, patch.nodes),
    wires: merged(base.wires, patch.wires),
    frames: merged(base.frames, patch.frames),
    order: patch.order ?? base.order,
  };
}

/** A part of a patch holds the fields that changed; of a new member all. */
function merged<T extends object>(old: Record<string, T>, change: Record<string, Partial<T> | null> | undefined): Record<string, T> {
  if (!change) return old;
  const next = copied(old);
  for (const [key, value] of Object.entries(change)) {
    if (value === null) delete next[key];
    else next[key] = { ...old[key], ...value } as T;
  }
  return next;
}

/** The document with an operation done, as well as the browser can tell. */
export function replay(doc: Document, op: Op, groups: Group[]): Document {
  switch (op.op) {
    case "add":
      return add(doc, op, groups);
    case "insert": {
      const wire = doc.wires[op.on];
      const node = doc.nodes[op.node];
      if (!wire || !node) return doc;
      const placed = withFrames(withAt(withAt(doc, op.move ?? {}), { [op.node]: op.at }), op.frames);
      return between(placed, op.on, op.node, node.ins[0]?.name ?? "input", node.outs[0]?.path ?? []);
    }
    case "connect":
      if (!doc.nodes[op.from[0]] || !doc.nodes[op.to[0]]) return doc;
      return connected(op.instead ? { ...doc, wires: without(doc.wires, [op.instead]) } : doc, op.from, op.to);
    case "disconnect":
      return { ...doc, wires: without(doc.wires, op.wires) };
    case "join": {
      const entry = findEntry(groups, op.how === "add" ? "operator.add" : "torch.cat");
      let next = withNode(along(doc, op), provisional(op.id, entry, op.how === "add" ? "+" : "cat", op.at, ["a", "b"]));
      next = connected(next, op.a, [op.id, "a", 0]);
      next = connected(next, op.b, [op.id, "b", 0]);
      return op.to ? connected(next, [op.id, []], op.to) : next;
    }
    case "delete":
      return removed(doc, op.nodes.filter((id) => op.sure || plainDelete(doc, id)), op.wires, op.frames);
    case "move": {
      const frames = copied(doc.frames);
      for (const [id, at] of Object.entries(op.frames)) if (frames[id]) frames[id] = { ...frames[id], at };
      return { ...withAt(doc, op.at), frames };
    }
    case "pin":
    case "arrange":
      return withFrames(withAt(doc, op.at), op.frames);
    case "set": {
      const { node, name, value } = op;
      return changed(doc, [node], (n) => ({ ...n, quick: n.quick.map((q) => (q.name === name ? { ...q, value } : q)) }));
    }
    case "rename":
      return changed(doc, [op.node], (n) => ({ ...n, name: op.name }));
    case "bypass": {
      const on = !op.nodes.every((id) => doc.nodes[id]?.bypassed);
      return changed(doc, op.nodes, (n) => ({ ...n, bypassed: on }));
    }
    case "freeze": {
      const on = !op.nodes.every((id) => doc.nodes[id]?.frozen || !doc.nodes[id]?.weights);
      return changed(doc, op.nodes, (n) => (n.weights ? { ...n, frozen: on } : n));
    }
    case "note":
      return changed(doc, [op.node], (n) => ({ ...n, note: op.text }));
    case "repeat":
      return changed(doc, [op.node], (n) => ({ ...n, repeat: op.repeat, shared: op.shared }));
    case "frame": {
      const { title, colour, at, size, text, kind } = op;
      return { ...doc, frames: put(doc.frames, op.id, { title, colour, at, size, text, kind }) };
    }
    case "cut":
      return removed(doc, op.nodes, [], []);
    case "select":
      return { ...doc, selected: op.nodes };
    default:
      return doc; // only Python knows what comes of it
  }
}

const along = (doc: Document, { move, frames }: Along): Document => withFrames(move ? withAt(doc, move) : doc, frames);

function withFrames(doc: Document, boxes: Frames | undefined): Document {
  if (!boxes || !Object.keys(boxes).length) return doc;
  const frames = { ...doc.frames };
  for (const [id, [x, y, w, h]] of Object.entries(boxes)) if (frames[id]) frames[id] = { ...frames[id], at: [x, y], size: [w, h] };
  return { ...doc, frames };
}

function add(doc: Document, op: Extract<Op, { op: "add" }>, groups: Group[]): Document {
  if (doc.nodes[op.id]) return doc;
  const entry = findEntry(groups, op.key);
  const node = provisional(op.id, entry, op.key, op.at, op.key === "input" ? [] : ["input"]);
  const port = node.ins[0]?.name ?? "input";
  let next = withNode(along(doc, op), node);
  if (op.on) return between(next, op.on, op.id, port, []);
  if (op.from && node.ins.length) next = connected(next, op.from, [op.id, port, 0]);
  if (op.to) next = connected(next, [op.id, []], op.to);
  const before = op.after ? doc.nodes[op.after] : undefined;
  if (!before?.outs[0] || !node.ins.length) return next;
  if (op.key === "output") return connected(next, [before.id, before.outs[0].path], [op.id, port, 0]);
  const read = nextReader(doc, before.id);
  if (read) return between(next, read, op.id, port, []);
  return connected(next, [before.id, before.outs[0].path], [op.id, port, 0]);
}

/** The wire of the next node in running order that reads a node. */
export function nextReader(doc: Document, source: string): string | null {
  const wires = Object.entries(doc.wires).filter(([, wire]) => wire.from[0] === source && !wire.fixed);
  let best: string | null = null;
  let place = Infinity;
  for (const [id, wire] of wires) {
    const at = doc.order.indexOf(wire.to[0]);
    if (at >= 0 && at < place) [best, place] = [id, at];
  }
  return best;
}

export function findEntry(groups: Group[], key: string): Entry | undefined {
  for (const group of groups) for (const entry of group.entries) if (entry.key === key) return entry;
  return undefined;
}

/** A node as it stands until Python says what it is. */
export function provisional(id: string, entry: Entry | undefined, key: string, at: Point, ports: string[]): LayerData {
  const type = entry?.name ?? key.slice(key.lastIndexOf(".") + 1).replace(/^block:/, "");
  const kind = key === "input" || key === "output" || key === "branch" ? key
    : key.startsWith("block:") ? "block" : key.startsWith("torch.nn.") ? "layer" : "operation";
  return {
    id, kind, type, name: "", family: entry?.family ?? "other", words: "", weights: "", trained: false, shape: "", axes: "",
    ins: ports.map((name) => ({ name, kind: "any", wanted: "any", many: false, optional: false, slots: 1 })),
    outs: key === "output" ? [] : [{ path: [], name: "", kind: "any", shape: "" }],
    at, marks: [], bypassed: false, frozen: false, shared: false, repeat: 1, block: null, note: "", quick: [], problems: [],
  };
}

function withNode(doc: Document, node: LayerData): Document {
  return { ...doc, nodes: put(doc.nodes, node.id, node), order: [...doc.order, node.id], selected: [node.id] };
}

function withAt(doc: Document, at: Record<string, Point>): Document {
  const own = copied(at);
  return changed(doc, Object.keys(at), (node) => ({ ...node, at: own[node.id] ?? node.at }));
}

function put<T>(record: Record<string, T>, id: string, value: T): Record<string, T> {
  const next = copied(record);
  next[id] = value;
  return next;
}

function changed(doc: Document, ids: string[], change: (node: LayerData) => LayerData): Document {
  const nodes = copied(doc.nodes);
  for (const id of ids) {
    const node = nodes[id];
    if (node) nodes[id] = change(node);
  }
  return { ...doc, nodes };
}

function connected(doc: Document, from: Value, to: Slot): Document {
  const wire: WireData = { from, to, shape: shapeOf(doc, from), axes: "", bytes: null, ok: true };
  const reader = doc.nodes[to[0]];
  const nodes = copied(doc.nodes);
  if (reader) {
    const ins = reader.ins.map((port) =>
      port.name === to[1] && port.many ? { ...port, slots: Math.max(port.slots, to[2] + 1) } : port);
    nodes[reader.id] = { ...reader, ins };
  }
  return { ...doc, nodes, wires: put(doc.wires, wireId(to), wire) };
}

function shapeOf(doc: Document, [node, path]: Value): string {
  const said = JSON.stringify(path);
  return doc.nodes[node]?.outs.find((out) => JSON.stringify(out.path) === said)?.shape ?? "";
}

function between(doc: Document, on: string, node: string, port: string, path: Value[1]): Document {
  const wire = doc.wires[on];
  if (!wire) return doc;
  return connected(connected(doc, wire.from, [node, port, 0]), [node, path], wire.to);
}

function without<T>(all: Record<string, T>, keys: Iterable<string>): Record<string, T> {
  const next = copied(all);
  for (const key of keys) delete next[key];
  return next;
}

/** Whether a delete asks nothing: no trained weights go, and who reads the node gets the same shape. */
export function plainDelete(doc: Document, id: string): boolean {
  const node = doc.nodes[id];
  if (!node || node.trained) return false;
  const wires = Object.values(doc.wires);
  if (!wires.some((wire) => wire.from[0] === id)) return true;
  const read = wires.find((wire) => wire.to[0] === id);
  return read !== undefined && (read.shape === node.shape || !node.shape);
}

function removed(doc: Document, nodes: string[], wires: string[], frames: string[]): Document {
  const gone = new Set(nodes);
  let next: Document = { ...doc, wires: without(doc.wires, wires), frames: without(doc.frames, frames) };
  for (const id of nodes) {
    const read = Object.values(next.wires).find((wire) => wire.to[0] === id);
    const kept = none<WireData>();
    for (const [key, wire] of Object.entries(next.wires)) {
      if (wire.to[0] === id) continue;
      if (wire.from[0] !== id) kept[key] = wire;
      else if (read && !wire.fixed) kept[key] = { ...wire, from: read.from };
    }
    next = { ...next, wires: kept };
  }
  return {
    ...next,
    nodes: without(next.nodes, nodes),
    order: next.order.filter((id) => !gone.has(id)),
    selected: next.selected.filter((id) => !gone.has(id)),
  };
}
