/** How wires run: straight where nothing stands in the way, else in a lane of their own around it. */
import { Labels, NOWHERE, type Forms } from "./labels";
import { inAxis, outAxis, type Box, type Direction } from "./layout";
import type { Document } from "./types";

export interface Route {
  /** Across the direction of reading: where the wire runs while it passes other nodes; null: straight. */
  lane: number | null;
  /** Along the direction of reading: room to turn into the lane and out of it. */
  turn: [out: number, back: number];
  /** How far along the wire its label stands, 0 to 1. */
  label: number;
  /** From how far away it can be read. */
  forms: Forms;
  /** Another wire near by says the same: its label is seen when it is pointed at. */
  quiet: boolean;
}

interface Way { id: string; from: Span; to: Span; start: number; end: number; out: number; back: number; text: string; value: string; reader: string; quiet: boolean }
interface Lane { a: number; b: number; at: number; value: string }
interface Span { a: number; b: number; c: number; d: number } // along a..b, across c..d

const CLEAR = 14;
const LANE = 16;
const TURN = 44;
const STEPS = [0, -1, 1, -2, 2, -3, 3].map((step) => step * LANE);

const span = (box: Box, direction: Direction): Span =>
  direction === "LR" ? { a: box.x, b: box.x + box.w, c: box.y, d: box.y + box.h } : { a: box.y, b: box.y + box.h, c: box.x, d: box.x + box.w };

export function routes(doc: Document, boxes: Map<string, Box>, direction: Direction, unfolded: ReadonlySet<string> = new Set()): Map<string, Route> {
  const spans = new Map<string, Span>();
  for (const [id, box] of boxes) spans.set(id, span(box, direction));
  const ways: Way[] = [];
  const lr = direction === "LR";
  for (const [id, wire] of Object.entries(doc.wires)) {
    const [source, reader] = [doc.nodes[wire.from[0]], doc.nodes[wire.to[0]]];
    const from = spans.get(wire.from[0]);
    const to = spans.get(wire.to[0]);
    if (!from || !to || !source || !reader) continue;
    const out = from.c + (lr ? outAxis(source, wire.from[1], unfolded.has(source.id)) : (from.d - from.c) / 2);
    const back = to.c + (lr ? inAxis(reader, wire.to[1], wire.to[2], unfolded.has(reader.id)) : (to.d - to.c) / 2);
    ways.push({ id, from, to, start: from.b, end: to.a, out, back, text: wire.shape, value: JSON.stringify(wire.from), reader: reader.id, quiet: false });
  }
  const pairs = new Map<string, Way[]>();
  for (const way of ways) pairs.set(way.value + way.reader, [...(pairs.get(way.value + way.reader) ?? []), way]);
  for (const same of pairs.values()) same.forEach((way, at) => {
    way.quiet = at !== Math.floor((same.length - 1) / 2);
  });
  // Short ones first; before them those that go back, the longest first, as the others join them.
  const rank = (way: Way): number => (way.end < way.start + 4 ? way.end - way.start - 1e6 : way.end - way.start);
  ways.sort((x, y) => rank(x) - rank(y));
  const lanes: Lane[] = [];
  const labels = new Labels(boxes.values(), direction);
  const all = [...spans.values()];
  const found = new Map<string, Route>();
  for (const way of ways) {
    const { lane, turn } = laneOf(way, all, lanes);
    if (lane !== null) {
      way.quiet ||= lanes.some((used) => used.value === way.value && used.at === lane);
      lanes.push({ a: Math.min(way.start, way.end), b: Math.max(way.start, way.end), at: lane, value: way.value });
    }
    found.set(way.id, { lane, turn, quiet: way.quiet, ...(way.quiet ? { label: 0.5, forms: NOWHERE } : labels.place({ ...way, lane })) });
  }
  return found;
}

function laneOf(way: Way, spans: readonly Span[], lanes: Lane[]): Pick<Route, "lane" | "turn"> {
  const { from, to, start, end, out, back } = way;
  const backwards = end < start + 4;
  const [low, high] = backwards ? [to.a - TURN / 2, from.b + TURN / 2] : [start, end];
  // Most wires meet nothing: what stands between is gathered only for those that do.
  let blocked = backwards;
  for (let i = 0; i < spans.length && !blocked; i++) {
    const other = spans[i] as Span;
    if (other.b <= low + 4 || other.a >= high - 4 || other === from || other === to) continue;
    const share = ((other.a + other.b) / 2 - start) / (end - start);
    const at = out + (back - out) * Math.min(1, Math.max(0, share < 0.5 ? share * share * 2 : 1 - (1 - share) * (1 - share) * 2));
    const nearest = Math.min(Math.max(at, other.c), other.d);
    blocked = Math.abs(nearest - at) < 6;
  }
  if (!blocked) return { lane: null, turn: [TURN, TURN] };
  const own = (other: Span): boolean => other === from || other === to;
  const between = spans.filter((other) => (own(other) ? backwards : other.b > low + 4 && other.a < high - 4));
  const near = lanes.filter((used) => used.a < high && used.b > low);
  const joined = near.filter((used) => used.value === way.value).map((used) => used.at);
  const walls = merged(between);
  // The cheapest lane that is free. Whether one is free costs more than its price, so that is asked last.
  let best: number | null = null;
  let least = Infinity;
  const consider = (lane: number, price: number): void => {
    if (price >= least || walls.some(([top, bottom]) => lane > top + 2 && lane < bottom - 2)) return;
    if (near.some((used) => used.value !== way.value && Math.abs(used.at - lane) < LANE - 4)) return;
    [best, least] = [lane, price];
  };
  for (const lane of joined) consider(lane, Math.abs(lane - out) + Math.abs(lane - back) - 2 * LANE);
  for (const [top, bottom] of walls) for (const step of STEPS) for (const lane of [top + step, bottom + step]) {
    consider(lane, Math.abs(lane - out) + Math.abs(lane - back) + (lane > out ? 1 : 0));
  }
  const first = Math.min(...between.map((other) => other.a));
  const last = Math.max(...between.map((other) => other.b));
  const clamp = (room: number): number => Math.min(TURN, Math.max(16, room - 4));
  return { lane: best, turn: backwards ? [TURN / 2, TURN / 2] : [clamp(first - start), clamp(end - last)] };
}

/** What stands in the way, across: boxes with their room, those that touch taken together. */
function merged(between: Span[]): [number, number][] {
  const found: [number, number][] = [];
  for (const { c, d } of [...between].sort((x, y) => x.c - y.c)) {
    const last = found.at(-1);
    if (last && c - CLEAR < last[1] - 4) last[1] = Math.max(last[1], d + CLEAR);
    else found.push([c - CLEAR, d + CLEAR]);
  }
  return found;
}

export interface Ends { sx: number; sy: number; tx: number; ty: number }

/** The SVG path of a wire, and where its label stands. */
export function wirePath(ends: Ends, route: Pick<Route, "lane" | "turn" | "label">, direction: Direction): { path: string; x: number; y: number } {
  const flip = direction === "TB";
  const [s, sc, t, tc] = flip ? [ends.sy, ends.sx, ends.ty, ends.tx] : [ends.sx, ends.sy, ends.tx, ends.ty];
  const at = (along: number, across: number): string => (flip ? `${r(across)},${r(along)}` : `${r(along)},${r(across)}`);
  const { lane, label } = route;
  if (lane === null && t >= s + 4) {
    const bend = Math.max(16, (t - s) / 2);
    const u = 1 - label;
    const along = u ** 3 * s + 3 * u * u * label * (s + bend) + 3 * u * label * label * (t - bend) + label ** 3 * t;
    const across = (u ** 3 + 3 * u * u * label) * sc + (3 * u * label * label + label ** 3) * tc;
    const path = Math.abs(sc - tc) < 1 ? `M${at(s, sc)}L${at(t, tc)}` : `M${at(s, sc)}C${at(s + bend, sc)} ${at(t - bend, tc)} ${at(t, tc)}`;
    return { path, ...(flip ? { x: across, y: along } : { x: along, y: across }) };
  }
  const [out, back] = route.turn;
  const way = lane ?? Math.max(sc, tc) + 80;
  const [a, b] = t >= s + 4 ? [s + out, t - back] : [s, t];
  const path = t >= s + 4
    ? `M${at(s, sc)}C${at(s + out * 0.6, sc)} ${at(a - out * 0.6, way)} ${at(a, way)}L${at(Math.max(a, b), way)}C${at(b + back * 0.6, way)} ${at(t - back * 0.6, tc)} ${at(t, tc)}`
    : `M${at(s, sc)}C${at(s + 40, sc)} ${at(s + 40, way)} ${at(a, way)}L${at(b, way)}C${at(t - 40, way)} ${at(t - 40, tc)} ${at(t, tc)}`;
  const along = s + (t - s) * label;
  return { path, ...(flip ? { x: way, y: along } : { x: along, y: way }) };
}

const r = (value: number): number => Math.round(value * 10) / 10;
