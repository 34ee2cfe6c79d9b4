/** Where nodes stand: sizes known before they are drawn, dagre, free places, lining up. */
import { Graph, layout as dagreLayout } from "@dagrejs/dagre";
import { shortName } from "./numbers";
import { none } from "./replay";
import { MARGIN, READABLE, rows, type Room } from "./rows";
import { close, pointOf, readers, skips, straightened, type Sized } from "./spine";
import type { Document, LayerData, Point, WireData } from "./types";

export interface Box { x: number; y: number; w: number; h: number }
export type Direction = "LR" | "TB";
export const GRID = 8;

export const ROW = 18;
const HEAD = 48;
/** Down to the ports of a layer that has no rows for their names: in its head, so that layers of one line stand level. */
const AXIS = 37;
/** Where wires end that follow from a size. */
const CORNER = 12;
/** What is left of a strip that became empty: between columns, and between rows. */
const GAP_ALONG = 112;
const GAP_ACROSS = 72;
/** Of a wire, seen on both sides of its text. */
const SEEN = 11;
const FOOT = 26;
const WORDS = 20;
/** Cards are of few widths, so that they stand under each other. */
const WIDTHS = [144, 184, 232];
const WIDEST = 232;
/** A name in two parts is no reason for a card wider than this many letters. */
const SHORTENED = 14;

/** Ports that stand on the node: required, wired, or all once unfolded. */
export function shownIns(node: LayerData, unfolded: boolean): LayerData["ins"] {
  return unfolded ? node.ins : node.ins.filter((port) => !port.optional || port.slots > 0 || port.many);
}

/** Whether a port that takes several values takes one more: an LSTM begins with two states. */
export const takesMore = (port: LayerData["ins"][number]): boolean => port.many && port.slots < (port.most ?? Infinity);

export function portSlots(node: LayerData, unfolded: boolean): { port: LayerData["ins"][number]; index: number; empty: boolean }[] {
  return shownIns(node, unfolded).flatMap((port) => {
    const wired = port.slots;
    const count = takesMore(port) ? wired + 1 : Math.max(1, wired);
    return Array.from({ length: count }, (_, index) => ({ port, index, empty: index >= wired }));
  });
}

/** Rows for the names of ports, where there is more than one to tell apart. */
export function portRows(node: LayerData, unfolded: boolean): number {
  const ins = portSlots(node, unfolded).length;
  const outs = node.outs.length;
  const folded = node.ins.length - shownIns(node, unfolded).length;
  const rows = Math.max(ins > 1 ? ins : 0, outs > 1 ? outs : 0);
  return rows + (folded > 0 || (unfolded && node.ins.some((port) => port.optional)) ? 1 : 0);
}

/** A long name in two: what it shares with its neighbours may be cut short, what tells it from them not. */
export function nameApart(name: string): [start: string, end: string] {
  const cut = Math.max(name.lastIndexOf("_"), name.lastIndexOf("."));
  const end = name.length - cut - 1;
  return name.length > 9 && cut > 0 && end > 0 && end <= SHORTENED ? [name.slice(0, cut + 1), name.slice(cut + 1)] : ["", name];
}

/** A node's size, by the text in it: known before it is drawn, the same on every machine. */
export function nodeSize(node: LayerData, unfolded = false): Readonly<Size> {
  const known = SIZES[unfolded ? 1 : 0].get(node);
  if (known) return known;
  const size = measured(node, unfolded);
  SIZES[unfolded ? 1 : 0].set(node, size);
  return size;
}

interface Size { w: number; h: number }
/** Sizes worked out already, of folded and of unfolded layers: what is said of a layer never changes in place. */
const SIZES = [new WeakMap<LayerData, Size>(), new WeakMap<LayerData, Size>()] as const;

function measured(node: LayerData, unfolded: boolean): Size {
  const name = node.name || node.type;
  const head = Math.max((nameApart(name)[0] ? Math.min(name.length, SHORTENED) : name.length) * 7.8, node.type.length * 6.8) + 34 + node.marks.length * 14;
  const words = node.words.length * 6.2 + 28;
  const foot = node.weights.length * 6.8 + node.shape.length * 7 + 36;
  const quick = node.quick.reduce((sum, field) => sum + shortName(field.name).length * 6 + 52, 20);
  const wanted = Math.max(head, Math.min(words, 184), foot, Math.min(quick, 184));
  const rows = portRows(node, unfolded);
  return { w: WIDTHS.find((one) => one >= wanted) ?? WIDEST, h: HEAD + wordsHeight(node) + FOOT + rows * ROW + (rows ? GRID : 0) };
}

/** A layer that nothing is said of has no line for it. */
export const wordsHeight = (node: LayerData): number => (node.words || node.quick.length ? WORDS : 0);

/** Where the line through a node runs: by its first port. */
export function axisOf(node: LayerData, unfolded = false): number {
  const rows = portRows(node, unfolded);
  return rows ? nodeSize(node, unfolded).h - FOOT - 4 - rows * ROW + ROW / 2 : AXIS;
}

/** Across a card: where a wire ends that reads at a slot. */
export function inAxis(node: LayerData, port: string, index: number, unfolded: boolean): number {
  const slots = portSlots(node, unfolded);
  const at = slots.findIndex((slot) => slot.port.name === port && slot.index === index);
  return axisOf(node, unfolded) + (slots.length > 1 ? Math.max(0, at) * ROW : 0);
}

/** Across a card: where a part of its result leaves. */
export function outAxis(node: LayerData, path: (number | string)[], unfolded: boolean): number {
  const said = path.join();
  const at = node.outs.findIndex((out) => out.path.join() === said);
  return axisOf(node, unfolded) + (node.outs.length > 1 ? Math.max(0, at) * ROW : 0);
}

export interface Ends { sx: number; sy: number; tx: number; ty: number }

const share = (place: number, count: number): number => (place < 0 ? 0.5 : (place + 1) / (count + 1));

/** Where a wire leaves and where it ends, as the layers stand. */
export function endsOf(doc: Document, wire: Document["wires"][string], boxes: Map<string, Box>, direction: Direction, unfolded: ReadonlySet<string>): Ends | null {
  const [source, reader] = [doc.nodes[wire.from[0]], doc.nodes[wire.to[0]]];
  const [from, to] = [boxes.get(wire.from[0]), boxes.get(wire.to[0])];
  if (!source || !reader || !from || !to) return null;
  const fixed = wire.to[1].startsWith("~");
  if (direction === "LR") {
    return { sx: from.x + from.w, sy: from.y + outAxis(source, wire.from[1], unfolded.has(source.id)), tx: to.x, ty: to.y + (fixed ? CORNER : inAxis(reader, wire.to[1], wire.to[2], unfolded.has(reader.id))) };
  }
  const out = source.outs.findIndex((one) => one.path.join() === wire.from[1].join());
  const slots = portSlots(reader, unfolded.has(reader.id));
  const at = slots.findIndex((slot) => slot.port.name === wire.to[1] && slot.index === wire.to[2]);
  return { sx: from.x + from.w * share(out, source.outs.length), sy: from.y + from.h, tx: to.x + (fixed ? CORNER : to.w * share(at, slots.length)), ty: to.y };
}

export function labelWidth(text: string): number {
  return text.length * 6.6 + 10;
}

/** Between two layers: a wire's text has room, and the wire is seen on both sides of it. */
export const gapFor = (shape = ""): number => Math.max(64, Math.ceil((labelWidth(shape) + 28) / 8) * 8);
export const GAP_DOWN = 48;

export const boxesAt = (doc: Document, at: Record<string, Point>): Map<string, Box> =>
  new Map(Object.entries(at).flatMap(([id, [x, y]]) => (doc.nodes[id] ? [[id, { x, y, ...nodeSize(doc.nodes[id]) }] as const] : [])));

export type Style = Direction | "rows";
type Sizes = Map<string, { w: number; h: number }>;
const USUAL: Room = { w: 900, h: 640 };

/** dagre's places along the line, its longest path straight; "rows" breaks a long line as the window is wide. */
export function arrange(doc: Document, style: Style, sizes?: Sizes, room: Room = USUAL): Record<string, Point> {
  const { at, path, deep, size } = layered(doc, style === "TB" ? "TB" : "LR", sizes);
  if (style !== "rows") return at;
  const places = Object.entries(at).map(([id, [x, y]]) => {
    const { w, h } = sizeOf(doc, id, sizes);
    return { id, x, y, w, h };
  });
  if (deep.size) {
    const wide = Math.max(...places.map((one) => one.x + one.w)) * READABLE > room.w - 2 * MARGIN;
    return (wide ? close(path, deep, at, size) : null) ?? at;
  }
  return rows(doc, places, room) ?? at;
}

function sizeOf(doc: Document, id: string, sizes?: Sizes): { w: number; h: number } {
  const node = doc.nodes[id];
  return sizes?.get(id) ?? (node ? nodeSize(node) : { w: 0, h: 0 });
}

/** dagre keeps its nodes in plain objects: "constructor" would be there before it is added. */
const named = (id: string): string => `#${id}`;

/** dagre goes down a chain by recursion, and a long one ends its stack; its time grows with the square. */
const MOST_FOR_DAGRE = 800;

function layered(doc: Document, direction: Direction, sizes?: Sizes): { at: Record<string, Point>; path: string[]; deep: Map<string, number>; size: Map<string, Sized> } {
  const lr = direction === "LR";
  const size = new Map<string, Sized>();
  for (const id of doc.order) {
    const node = doc.nodes[id];
    if (!node) continue;
    const { w, h } = sizeOf(doc, id, sizes);
    size.set(id, lr ? { w, h, axis: axisOf(node) } : { w: h, h: w, axis: w / 2 });
  }
  const next = readers(doc);
  const skipped = skips(doc, next);
  const wires = Object.entries(doc.wires).filter(([, { from, to }]) => size.has(from[0]) && size.has(to[0]) && !skipped.has(`${from[0]}>${to[0]}`));
  const along = size.size > MOST_FOR_DAGRE ? ranked(size, wires, lr) : byDagre(size, wires, direction);
  const { across, path, deep } = straightened(doc, along, size, next, skipped);
  const at = none<Point>();
  for (const [id, value] of along) at[id] = pointOf(snapped(value), Math.round(across.get(id) ?? 0), lr);
  return { at, path, deep, size };
}

/** Where each begins along the line, by dagre. */
function byDagre(size: ReadonlyMap<string, Sized>, wires: [string, WireData][], direction: Direction): Map<string, number> {
  const lr = direction === "LR";
  const graph = new Graph({ multigraph: true });
  graph.setGraph({ rankdir: direction, nodesep: 32, ranksep: SEEN * 2, edgesep: 20, marginx: 0, marginy: 0 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const [id, { w, h }] of size) graph.setNode(named(id), lr ? { width: w, height: h } : { width: h, height: w });
  for (const [id, wire] of wires) {
    graph.setEdge(named(wire.from[0]), named(wire.to[0]), { width: labelRoom(wire, lr), height: 16, labelpos: "c", weight: wire.fixed ? 0 : 1 }, named(id));
  }
  dagreLayout(graph);
  return new Map([...size.keys()].map((id) => {
    const place = graph.node(named(id)) as { x: number; y: number; width: number; height: number };
    return [id, lr ? place.x - place.width / 2 : place.y - place.height / 2];
  }));
}

/** The same for very many: each one step behind the last of what it reads, each step as long as its longest layer and label. */
function ranked(size: ReadonlyMap<string, Sized>, wires: [string, WireData][], lr: boolean): Map<string, number> {
  const into = new Map<string, [from: string, label: number][]>();
  for (const [, wire] of wires) {
    const list = into.get(wire.to[0]) ?? [];
    into.set(wire.to[0], [...list, [wire.from[0], lr ? labelRoom(wire, lr) : 16]]);
  }
  const step = new Map<string, number>();
  const longest: { layer: number; label: number }[] = [];
  for (const [id, { w }] of size) { // in the order they run
    const came = into.get(id) ?? [];
    const at = Math.max(0, ...came.map(([from]) => (step.get(from) ?? -1) + 1));
    const one = (longest[at] ??= { layer: 0, label: 0 });
    one.layer = Math.max(one.layer, w);
    one.label = Math.max(one.label, ...came.map(([, label]) => label));
    step.set(id, at);
  }
  const begins: number[] = [];
  for (const [at, { label }] of longest.entries()) begins.push(at ? (begins[at - 1] ?? 0) + (longest[at - 1]?.layer ?? 0) + label + SEEN * 2 : 0);
  return new Map([...step].map(([id, at]) => [id, begins[at] ?? 0]));
}

const labelRoom = (wire: WireData, lr: boolean): number => (lr ? Math.max(48, Math.ceil(labelWidth(wire.shape) / GRID) * GRID) : labelWidth(wire.shape));

export const snapped = (value: number): number => Math.round(value / GRID) * GRID;

export const overlaps = (a: Box, b: Box, gap = 0): boolean =>
  a.x < b.x + b.w + gap && b.x < a.x + a.w + gap && a.y < b.y + b.h + gap && b.y < a.y + a.h + gap;

/** The free place nearest to the one wished for, looked for in growing rings. */
export function freePlace(wish: Point, size: { w: number; h: number }, boxes: Box[], gap = 24): Point {
  const free = (x: number, y: number): boolean => !boxes.some((box) => overlaps({ x, y, w: size.w, h: size.h }, box, gap));
  const [x, y] = [snapped(wish[0]), snapped(wish[1])];
  for (let ring = 0; ring < 60; ring++) {
    const step = ring * 24;
    const tries: Point[] = [[x, y + step], [x, y - step], [x + step, y], [x + step, y + step], [x + step, y - step]];
    for (const [tx, ty] of tries) if (free(tx, ty)) return [snapped(tx), snapped(ty)];
  }
  return [x, y];
}

/**
 * Room for a layer on a line: what comes behind it moves on, and what stands in the way of that too.
 * Null where something stands beside it that cannot move on.
 *
 * Args: boxes: all others. behind: those that may move on, as they come after the new one.
 */
export function makeRoom(box: Box, boxes: Map<string, Box>, behind: ReadonlySet<string>, direction: Direction, gap: number): Record<string, Point> | null {
  const lr = direction === "LR";
  const start = lr ? box.x : box.y;
  const end = start + (lr ? box.w : box.h) + gap;
  const [top, bottom] = lr ? [box.y, box.y + box.h] : [box.x, box.x + box.w];
  const first = (b: Box): number => (lr ? b.x : b.y);
  const last = (b: Box): number => (lr ? b.x + b.w : b.y + b.h);
  const level = (b: Box): boolean => (lr ? b.y < bottom && b.y + b.h > top : b.x < bottom && b.x + b.w > top);
  const waiting = new Map([...boxes].filter(([id, b]) => behind.has(id) && last(b) > start && level(b)));
  const push = Math.max(0, Math.ceil((end - Math.min(...[...waiting.values()].map(first))) / GRID) * GRID);
  const moves = none<Point>();
  const placed: Box[] = [box];
  if (waiting.size && push) for (const [id, b] of waiting) {
    moves[id] = lr ? [b.x + push, b.y] : [b.x, b.y + push];
    placed.push(lr ? { ...b, x: b.x + push } : { ...b, y: b.y + push });
  }
  for (let at = 0; at < placed.length; at++) for (const [id, b] of boxes) {
    if (id in moves || !overlaps(b, placed[at] as Box, 4)) continue;
    if (!push || first(b) < start) return null;
    moves[id] = lr ? [b.x + push, b.y] : [b.x, b.y + push];
    placed.push(lr ? { ...b, x: b.x + push } : { ...b, y: b.y + push });
  }
  return moves;
}

const cutBefore = (cuts: [number, number][], at: number): number => cuts.reduce((sum, [after, gap]) => sum + (at >= after ? gap : 0), 0);

/**
 * What moves up where layers were taken away: a strip that nothing stands in any more becomes as narrow
 * as a wire's label needs it.
 *
 * Args: boxes: those that are left. gone: what was taken away, all of it together.
 */
export function closeGaps(boxes: Map<string, Box>, gone: Box): Record<string, Point> {
  const strips = (from: "x" | "y", size: "w" | "h", least: number): [after: number, by: number][] => {
    const found: [number, number][] = [];
    let reached = -Infinity;
    for (const b of [...boxes.values()].sort((one, other) => one[from] - other[from])) {
      const gap = b[from] - reached;
      if (gap > least && reached < gone[from] + gone[size] && b[from] > gone[from] && reached > -Infinity) found.push([b[from], Math.floor((gap - least) / GRID) * GRID]);
      reached = Math.max(reached, b[from] + b[size]);
    }
    return found;
  };
  const [across, down] = [strips("x", "w", GAP_ALONG), strips("y", "h", GAP_ACROSS)];
  const moves = none<Point>();
  for (const [id, b] of boxes) {
    const [dx, dy] = [cutBefore(across, b.x), cutBefore(down, b.y)];
    if (dx || dy) moves[id] = [b.x - dx, b.y - dy];
  }
  return moves;
}

/** Left to right, or top to bottom: as most wires run. */
export function directionOf(doc: Document, boxes: Map<string, Box>): Direction {
  const said = doc.settings["direction"];
  if (said === "LR" || said === "TB") return said;
  let right = 0;
  let down = 0;
  for (const wire of Object.values(doc.wires)) {
    const from = boxes.get(wire.from[0]);
    const to = boxes.get(wire.to[0]);
    if (!from || !to) continue;
    if (to.x >= from.x + from.w) right += 1;
    if (to.y >= from.y + from.h) down += 1;
  }
  return down > right ? "TB" : "LR";
}

export type Edge = "left" | "centre" | "right" | "top" | "middle" | "bottom";

/** The boxes lined up along an edge of what they cover together; only those that move. */
export function align(boxes: Record<string, Box>, edge: Edge): Record<string, Point> {
  const all = Object.values(boxes);
  const left = Math.min(...all.map((b) => b.x));
  const right = Math.max(...all.map((b) => b.x + b.w));
  const top = Math.min(...all.map((b) => b.y));
  const bottom = Math.max(...all.map((b) => b.y + b.h));
  const place = (b: Box): Point => {
    switch (edge) {
      case "left": return [left, b.y];
      case "centre": return [(left + right - b.w) / 2, b.y];
      case "right": return [right - b.w, b.y];
      case "top": return [b.x, top];
      case "middle": return [b.x, (top + bottom - b.h) / 2];
      case "bottom": return [b.x, bottom - b.h];
    }
  };
  return moved(boxes, place);
}

/** The boxes with equal gaps between them, the outer two left where they are. */
export function distribute(boxes: Record<string, Box>, across: boolean): Record<string, Point> {
  const sorted = Object.entries(boxes).sort(([, a], [, b]) => (across ? a.x - b.x : a.y - b.y));
  const first = sorted[0]?.[1];
  const last = sorted.at(-1)?.[1];
  if (!first || !last || sorted.length < 3) return {};
  const span = across ? last.x + last.w - first.x : last.y + last.h - first.y;
  const filled = sorted.reduce((sum, [, b]) => sum + (across ? b.w : b.h), 0);
  const gap = (span - filled) / (sorted.length - 1);
  const places = new Map<Box, number>();
  let at = across ? first.x : first.y;
  for (const [, box] of sorted) {
    places.set(box, at);
    at += (across ? box.w : box.h) + gap;
  }
  return moved(boxes, (b) => (across ? [places.get(b) ?? b.x, b.y] : [b.x, places.get(b) ?? b.y]));
}

function moved(boxes: Record<string, Box>, place: (box: Box) => Point): Record<string, Point> {
  const at = none<Point>();
  for (const [id, box] of Object.entries(boxes)) {
    const [x, y] = place(box).map(Math.round) as Point;
    if (x !== box.x || y !== box.y) at[id] = [x, y];
  }
  return at;
}

export function around(boxes: Iterable<Box>): Box | null {
  const all = [...boxes];
  if (!all.length) return null;
  const x = Math.min(...all.map((b) => b.x));
  const y = Math.min(...all.map((b) => b.y));
  return { x, y, w: Math.max(...all.map((b) => b.x + b.w)) - x, h: Math.max(...all.map((b) => b.y + b.h)) - y };
}
