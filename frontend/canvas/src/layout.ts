/** Where nodes stand: sizes known before they are drawn, dagre, free places, lining up. */
import { Graph, layout as dagreLayout } from "@dagrejs/dagre";
import type { Document, LayerData, Point } from "./types";

export interface Box { x: number; y: number; w: number; h: number }
export type Direction = "LR" | "TB";
export const GRID = 8;

const ROW = 16;
const HEAD = 44;
const FOOT = 24;
const WORDS = 20;

/** Ports that stand on the node: required, wired, or all once unfolded. */
export function shownIns(node: LayerData, unfolded: boolean): LayerData["ins"] {
  return unfolded ? node.ins : node.ins.filter((port) => !port.optional || port.slots > 0 || port.many);
}

export function portSlots(node: LayerData, unfolded: boolean): { port: LayerData["ins"][number]; index: number; empty: boolean }[] {
  return shownIns(node, unfolded).flatMap((port) => {
    const wired = port.slots;
    const count = port.many ? wired + 1 : 1;
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

/** A node's size, by the text in it: known before it is drawn, the same on every machine. */
export function nodeSize(node: LayerData, unfolded = false): { w: number; h: number } {
  const head = Math.max((node.name || node.type).length * 8.2, node.type.length * 6.4) + 40 + node.marks.length * 14;
  const words = node.words.length * 6 + 30;
  const foot = node.weights.length * 6.6 + node.shape.length * 6.8 + 40;
  const quick = node.quick.reduce((sum, field) => sum + field.name.length * 5.6 + 52, 20);
  const w = Math.min(248, Math.max(132, head, words, foot, Math.min(quick, 232)));
  const rows = portRows(node, unfolded);
  return { w: Math.ceil(w / GRID) * GRID, h: HEAD + WORDS + FOOT + rows * ROW + (rows ? GRID : 0) };
}

export function labelWidth(text: string): number {
  return text.length * 6 + 10;
}

export type Style = Direction | "rows";
/** A line of layers longer than this is broken into rows, as text is. */
const LONG = 1500;
const ROW_GAP = 72;
const WINDOW = 1.9; // width by height of the usual view

/** dagre's places for all nodes; "rows" breaks a long line where a single value passes. */
export function arrange(doc: Document, style: Style, sizes?: Map<string, { w: number; h: number }>): Record<string, Point> {
  const at = layered(doc, style === "TB" ? "TB" : "LR", sizes);
  return style === "rows" ? rows(doc, at, sizes) : at;
}

function rows(doc: Document, at: Record<string, Point>, sizes?: Map<string, { w: number; h: number }>): Record<string, Point> {
  const boxes = Object.entries(at).map(([id, [x, y]]) => {
    const node = doc.nodes[id];
    return { id, x, y, ...(sizes?.get(id) ?? (node ? nodeSize(node) : { w: 0, h: 0 })) };
  }).sort((a, b) => a.x - b.x);
  const all = around(boxes);
  if (!all || all.w < LONG) return at;
  const wide = Math.max(LONG / 2, Math.sqrt(all.w * (all.h + ROW_GAP) * WINDOW));
  const found: Record<string, Point> = {};
  let row: typeof boxes = [];
  let top = 0;
  const finish = (): void => {
    const box = around(row);
    if (!box) return;
    for (const one of row) found[one.id] = [snapped(one.x - box.x), snapped(one.y - box.y + top)];
    top += box.h + ROW_GAP;
    row = [];
  };
  for (const box of boxes) {
    const start = row[0]?.x ?? box.x;
    const before = new Set(row.map((one) => one.id));
    if (box.x + box.w - start > wide && singleFile(doc, at, box.x, before)) finish();
    row.push(box);
  }
  finish();
  return found;
}

/** Whether only one value passes a place from left to right, so that a line may be broken there. */
function singleFile(doc: Document, at: Record<string, Point>, x: number, row: Set<string>): boolean {
  const passing = new Set<string>();
  for (const wire of Object.values(doc.wires)) {
    const from = at[wire.from[0]];
    const to = at[wire.to[0]];
    if (from && to && from[0] < x && to[0] >= x) passing.add(JSON.stringify(wire.from));
  }
  return passing.size <= 1 && row.size > 0;
}

function layered(doc: Document, direction: Direction, sizes?: Map<string, { w: number; h: number }>): Record<string, Point> {
  const graph = new Graph({ multigraph: true });
  graph.setGraph({ rankdir: direction, nodesep: direction === "LR" ? 32 : 40, ranksep: direction === "LR" ? 24 : 20, edgesep: 20, marginx: 0, marginy: 0 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const id of doc.order) {
    const node = doc.nodes[id];
    if (!node) continue;
    const size = sizes?.get(id) ?? nodeSize(node);
    graph.setNode(id, { width: size.w, height: size.h });
  }
  for (const [id, wire] of Object.entries(doc.wires)) {
    if (!graph.hasNode(wire.from[0]) || !graph.hasNode(wire.to[0])) continue;
    const width = direction === "LR" ? Math.max(40, labelWidth(wire.shape) + 16) : labelWidth(wire.shape);
    graph.setEdge(wire.from[0], wire.to[0], { width, height: 16, labelpos: "c", weight: wire.fixed ? 0 : 1 }, id);
  }
  dagreLayout(graph);
  const at: Record<string, Point> = {};
  for (const id of graph.nodes()) {
    const place = graph.node(id) as { x: number; y: number; width: number; height: number };
    at[id] = [snapped(place.x - place.width / 2), snapped(place.y - place.height / 2)];
  }
  return at;
}

export const snapped = (value: number): number => Math.round(value / GRID) * GRID;

export const overlaps = (a: Box, b: Box, gap = 0): boolean =>
  a.x < b.x + b.w + gap && b.x < a.x + a.w + gap && a.y < b.y + b.h + gap && b.y < a.y + a.h + gap;

/** The free place nearest to the one wished for, looked for in growing rings. */
export function freePlace(wish: Point, size: { w: number; h: number }, boxes: Box[], gap = 24): Point {
  const free = (x: number, y: number): boolean => !boxes.some((box) => overlaps({ x, y, ...size }, box, gap));
  const [x, y] = [snapped(wish[0]), snapped(wish[1])];
  for (let ring = 0; ring < 60; ring++) {
    const step = ring * 24;
    const tries: Point[] = [[x, y + step], [x, y - step], [x + step, y], [x + step, y + step], [x + step, y - step]];
    for (const [tx, ty] of tries) if (free(tx, ty)) return [snapped(tx), snapped(ty)];
  }
  return [x, y];
}

/**
 * Room for a layer between two on one line: what comes behind it moves on. Null where that would
 * push layers onto others.
 *
 * Args: boxes: all layers. behind: those that may move on, as they come after the new one.
 */
export function makeRoom(box: Box, boxes: Map<string, Box>, behind: ReadonlySet<string>, direction: Direction, gap: number): Record<string, Point> | null {
  const along = direction === "LR";
  const start = along ? box.x : box.y;
  const end = start + (along ? box.w : box.h) + gap;
  const middle = along ? box.y + box.h / 2 : box.x + box.w / 2;
  const row = [...boxes].filter(([id, b]) => behind.has(id)
    && (along ? b.x + b.w : b.y + b.h) > start
    && Math.abs((along ? b.y + b.h / 2 : b.x + b.w / 2) - middle) < (along ? 120 : 200));
  const first = Math.min(...row.map(([, b]) => (along ? b.x : b.y)));
  const push = row.length ? Math.max(0, Math.ceil((end - first) / GRID) * GRID) : 0;
  const moves: Record<string, Point> = {};
  const placed: Box[] = [box];
  for (const [id, b] of row) {
    if (!push) break;
    moves[id] = along ? [b.x + push, b.y] : [b.x, b.y + push];
    placed.push(along ? { ...b, x: b.x + push } : { ...b, y: b.y + push });
  }
  const still = [...boxes].filter(([id]) => !(id in moves)).map(([, b]) => b);
  return still.some((b) => placed.some((p) => overlaps(b, p, 4))) ? null : moves;
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
  const at: Record<string, Point> = {};
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
