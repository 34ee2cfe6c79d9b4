/** How wires run: straight where nothing stands in the way, else in a lane of their own around it. */
import { wayAround, type Lane, type Span } from "./around";
import { pointsOn, rounded, svgPath, type Curve } from "./geometry";
import { Labels, NOWHERE, type Forms } from "./labels";
import { endsOf, type Box, type Direction, type Ends } from "./layout";
import type { Document, Point } from "./types";

export type { Ends };

export interface Route {
  /** Across the direction of reading: where the wire runs while it passes other nodes; null: straight. */
  lane: number | null;
  /** Along the direction of reading: room to turn into the lane and out of it. */
  turn: [out: number, back: number];
  /** Where no lane leads to both ends: where the wire turns on its way around, [along, across]. */
  corners?: Point[] | undefined;
  /** How far along the wire its label stands, 0 to 1. */
  label: number;
  /** From how far away it can be read. */
  forms: Forms;
  /** Another wire near by says the same: its label is seen when it is pointed at. */
  quiet: boolean;
}

interface Way {
  id: string; from: Span; to: Span; start: number; end: number; out: number; back: number; text: string; value: string; reader: string; quiet: boolean;
  /** Other wires end at the same layer, before and behind this one across. */
  over: boolean; under: boolean;
  ends: Ends;
}
type Course = Pick<Route, "lane" | "turn" | "corners">;

const CLEAR = 14;
const LANE = 16;
/** Along: so much a wire needs to get into a lane, or around to go back. */
const TURN = 32;
const BACK = 22;
/** Beside a layer: so far out a wire swings that goes back. */
const SWING = 30;
/** What it costs to cross another wire of the same layer, to come back to it from its far side, and to run behind a layer on the way to a lane. */
const CROSSING = 160;
const LOOP = 600;
const BEHIND = 2000;
/** Room between a wire and a layer it passes. */
const NEAR = 5;
const STEPS = [0, -1, 1, -2, 2, -3, 3].map((step) => step * LANE);

const span = (box: Box, direction: Direction): Span =>
  direction === "LR" ? { a: box.x, b: box.x + box.w, c: box.y, d: box.y + box.h } : { a: box.y, b: box.y + box.h, c: box.x, d: box.x + box.w };

export function routes(doc: Document, boxes: Map<string, Box>, direction: Direction, unfolded: ReadonlySet<string> = new Set()): Map<string, Route> {
  const spans = new Map<string, Span>();
  for (const [id, box] of boxes) spans.set(id, span(box, direction));
  const ways = waysOf(doc, boxes, spans, direction, unfolded);
  const lanes: Lane[] = [];
  const labels = new Labels(boxes.values(), direction);
  const all = new Spans(spans.values());
  const found = new Map<string, Route>();
  for (const way of ways) {
    const course = laneOf(way, all, lanes);
    const { lane, corners } = course;
    if (corners) for (const [one, other] of stretches(way, corners)) lanes.push({ a: Math.min(one[0], other[0]), b: Math.max(one[0], other[0]), at: one[1], value: way.value });
    else if (lane !== null) {
      way.quiet ||= lanes.some((used) => used.value === way.value && used.at === lane);
      lanes.push({ a: Math.min(way.start, way.end), b: Math.max(way.start, way.end), at: lane, value: way.value });
    }
    found.set(way.id, { ...course, quiet: way.quiet, label: 0.5, forms: NOWHERE });
    labels.cross(pointsOn(curveOf(way.ends, course, direction), 6), way);
  }
  for (const way of ways) {
    const route = found.get(way.id);
    if (!route || way.quiet) continue;
    const [one, other] = route.corners ? longest(way, route.corners) : [];
    Object.assign(route, labels.place(one && other ? { ...way, start: one[0], end: other[0], lane: one[1] } : { ...way, lane: route.lane }));
  }
  return found;
}

/** Short ones first, next to the layers they pass; then those that go back, the longest first, as the others join them. */
function waysOf(doc: Document, boxes: Map<string, Box>, spans: Map<string, Span>, direction: Direction, unfolded: ReadonlySet<string>): Way[] {
  const lr = direction === "LR";
  const ways: Way[] = [];
  const readers = new Map<string, Way[]>();
  const pairs = new Map<string, Way[]>();
  const put = (map: Map<string, Way[]>, key: string, way: Way): void => {
    const list = map.get(key);
    if (list) list.push(way);
    else map.set(key, [way]);
  };
  for (const [id, wire] of Object.entries(doc.wires)) {
    const [from, to] = [spans.get(wire.from[0]), spans.get(wire.to[0])];
    const ends = endsOf(doc, wire, boxes, direction, unfolded);
    if (!from || !to || !ends) continue;
    const way: Way = {
      id, from, to, start: from.b, end: to.a, out: lr ? ends.sy : ends.sx, back: lr ? ends.ty : ends.tx,
      text: wire.shape, value: JSON.stringify(wire.from), reader: wire.to[0], quiet: false, over: false, under: false, ends,
    };
    ways.push(way);
    put(readers, way.reader, way);
    put(pairs, way.value + way.reader, way);
  }
  for (const same of readers.values()) if (same.length > 1) for (const way of same) {
    way.over = same.some((other) => other.back < way.back - 1);
    way.under = same.some((other) => other.back > way.back + 1);
  }
  for (const same of pairs.values()) same.forEach((way, at) => {
    way.quiet = at !== Math.floor((same.length - 1) / 2);
  });
  const rank = (way: Way): number => (way.end < way.start + 4 ? way.end - way.start + 1e6 : way.end - way.start);
  return ways.sort((x, y) => rank(x) - rank(y));
}

/** How far across a curve without a lane is, by how far along. */
const SHARES = Array.from({ length: 33 }, (_, at) => {
  const u = at / 32;
  return [1.5 * u * (1 - u) + u ** 3, 3 * u * u - 2 * u ** 3] as const;
});

function shareAcross(along: number): number {
  if (along <= 0) return 0;
  if (along >= 1) return 1;
  const at = SHARES.findIndex(([x]) => x >= along);
  const [before, after] = [SHARES[at - 1] ?? [0, 0], SHARES[at] ?? [1, 1]];
  return before[1] + ((along - before[0]) / (after[0] - before[0] || 1)) * (after[1] - before[1]);
}

/** Whether a layer stands where a wire would go straight. */
function blocks(other: Span, { start, end, out, back }: Way): boolean {
  const [low, high] = [Math.min(out, back) - NEAR, Math.max(out, back) + NEAR];
  if (other.b <= start + 4 || other.a >= end - 4 || other.d <= low || other.c >= high) return false;
  const across = (at: number): number => out + (back - out) * shareAcross((at - start) / (end - start));
  const [one, two] = [across(other.a - NEAR), across(other.b + NEAR)];
  return Math.max(one, two) > other.c - NEAR && Math.min(one, two) < other.d + NEAR;
}

/** Spans, found by where they are along; those of one place by where they are across. */
class Spans {
  readonly all: readonly Span[];
  private readonly longest: number;

  constructor(spans: Iterable<Span>) {
    this.all = [...spans].sort((x, y) => x.a - y.a || x.c - y.c);
    this.longest = Math.max(0, ...this.all.map(({ a, b }) => b - a));
  }

  /** Those that have something between two places. */
  between(low: number, high: number): Span[] {
    const found: Span[] = [];
    for (let at = this.first(low - this.longest); at < this.all.length; at++) {
      const one = this.all[at] as Span;
      if (one.a >= high) break;
      if (one.b > low) found.push(one);
    }
    return found;
  }

  private first(from: number): number {
    let [low, high] = [0, this.all.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.all[middle] as Span).a < from) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function laneOf(way: Way, spans: Spans, lanes: Lane[]): Course {
  const { from, to, start, end, out, back } = way;
  const backwards = end < start + 4;
  const rows = backwards && (to.c > from.d || to.d < from.c);
  const [low, high] = backwards ? [to.a - BACK, from.b + BACK] : [start, end];
  const between = spans.between(low + 4, high - 4).filter((other) => backwards || (other !== from && other !== to));
  if (!backwards && !between.some((other) => blocks(other, way))) return { lane: null, turn: [TURN, TURN] };
  const near = lanes.filter((used) => used.a < high && used.b > low);
  const joined = near.filter((used) => used.value === way.value).map((used) => used.at);
  const walls = merged(between);
  // The cheapest lane that is free. Whether one is free costs more than its price, so that is asked last.
  let best: number | null = null;
  let least = Infinity;
  let turn: Route["turn"] = [TURN, TURN];
  let clear = false;
  const beside = backwards ? spans.between(to.a - SWING, from.b + SWING) : between;
  const consider = (lane: number, price: number): void => {
    if (rows && (lane - back) * (back - out) > 0) price += LOOP;
    if ((lane < back && way.over) || (lane > back && way.under)) price += CROSSING;
    if (price >= least || walls.some(([top, bottom]) => lane > top + 2 && lane < bottom - 2)) return;
    if (near.some((used) => used.value !== way.value && Math.abs(used.at - lane) < LANE)) return;
    const [first, last] = backwards
      ? [roomToSwing(beside, start, start + SWING, out, lane), roomToSwing(beside, end - SWING, end, back, lane)]
      : [roomToTurn(between, start, out, lane, 1), roomToTurn(between, end, back, lane, -1)];
    const through = first !== null && last !== null;
    if (!through) price += BEHIND;
    if (price < least) [best, least, turn, clear] = [lane, price, [first ?? 16, last ?? 16], through];
  };
  for (const lane of joined) consider(lane, Math.abs(lane - out) + Math.abs(lane - back) - 2 * LANE);
  // The nearest first: what is farther costs more than what was found, and is not looked at closely.
  const far = ([top, bottom]: readonly [number, number]): number => Math.abs((top + bottom - out - back) / 2);
  for (const [top, bottom] of [...walls].sort((x, y) => far(x) - far(y))) for (const step of STEPS) for (const lane of [top + step, bottom + step]) {
    consider(lane, Math.abs(lane - out) + Math.abs(lane - back) + (lane > out ? 1 : 0));
  }
  const course: Course = { lane: best, turn: backwards ? [BACK, BACK] : turn };
  const corners = clear ? null : wayAround([start, out], [end, back], spans.all, lanes.filter((used) => used.value !== way.value));
  return corners && corners.length > 1 ? { ...course, corners } : course;
}

/** A wire that goes back swings out beside a layer; null where another stands there. */
function roomToSwing(beside: readonly Span[], low: number, high: number, port: number, lane: number): number | null {
  const [top, bottom] = [Math.min(port, lane), Math.max(port, lane)];
  return beside.some((other) => other.b > low + 2 && other.a < high - 2 && other.d > top && other.c < bottom) ? null : BACK;
}

/** How far along a wire may turn on its way to a lane; null where a layer stands in that way. */
function roomToTurn(between: readonly Span[], from: number, port: number, lane: number, ahead: 1 | -1): number | null {
  const [top, bottom] = [Math.min(port, lane) - NEAR, Math.max(port, lane) + NEAR];
  let room = TURN + 4;
  for (const other of between) {
    if (other.d <= top || other.c >= bottom) continue;
    const [near, far] = ahead > 0 ? [other.a - from, other.b - from] : [from - other.b, from - other.a];
    if (far > 2) room = Math.min(room, near);
  }
  return room < 14 ? null : Math.max(12, room - 4);
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

/** The parts of a way around that run along. */
function stretches({ start, end, out, back }: Pick<Way, "start" | "end" | "out" | "back">, corners: readonly Point[]): [Point, Point][] {
  const line: Point[] = [[start, out], ...corners.map(([x, y], at): Point => [x, at === 0 ? out : at === corners.length - 1 ? back : y]), [end, back]];
  return line.slice(1).map((point, at): [Point, Point] => [line[at] as Point, point]).filter(([one, other]) => one[1] === other[1]);
}

const long = ([one, other]: [Point, Point]): number => Math.abs(one[0] - other[0]);

function longest(way: Pick<Way, "start" | "end" | "out" | "back">, corners: readonly Point[]): [Point, Point] | [] {
  return stretches(way, corners).reduce<[Point, Point] | []>((best, one) => (best.length && long(best) >= long(one) ? best : one), []);
}

/** The curve of a wire between two ends. */
export function curveOf(ends: Ends, { lane, turn, corners }: Course, direction: Direction): Curve {
  const flip = direction === "TB";
  const [s, sc, t, tc] = flip ? [ends.sy, ends.sx, ends.ty, ends.tx] : [ends.sx, ends.sy, ends.tx, ends.ty];
  const at = (along: number, across: number): Point => (flip ? [across, along] : [along, across]);
  if (corners) {
    // A layer that is being dragged takes its end along.
    const last = corners.length - 1;
    return rounded([at(s, sc), ...corners.map(([x, y], place) => at(x, place === 0 ? sc : place === last ? tc : y)), at(t, tc)]);
  }
  if (lane === null && t >= s + 4) {
    const bend = Math.max(16, (t - s) / 2);
    return { start: at(s, sc), steps: [Math.abs(sc - tc) < 1 ? [at(t, tc)] : [at(s + bend, sc), at(t - bend, tc), at(t, tc)]] };
  }
  const [out, back] = turn;
  const way = lane ?? Math.max(sc, tc) + 80;
  if (t < s + 4) {
    return { start: at(s, sc), steps: [[at(s + 40, sc), at(s + 40, way), at(s, way)], [at(t, way)], [at(t - 40, way), at(t - 40, tc), at(t, tc)]] };
  }
  const [a, b] = [s + out, Math.max(s + out, t - back)];
  return { start: at(s, sc), steps: [[at(s + out * 0.6, sc), at(a - out * 0.6, way), at(a, way)], [at(b, way)], [at(b + back * 0.6, way), at(t - back * 0.6, tc), at(t, tc)]] };
}

/** The SVG path of a wire, and where its label stands. */
export function wirePath(ends: Ends, route: Course & Pick<Route, "label">, direction: Direction): { path: string; x: number; y: number } {
  const path = svgPath(curveOf(ends, route, direction));
  const flip = direction === "TB";
  const [s, sc, t, tc] = flip ? [ends.sy, ends.sx, ends.ty, ends.tx] : [ends.sx, ends.sy, ends.tx, ends.ty];
  const { lane, label, corners } = route;
  const [one, other] = corners ? longest({ start: s, out: sc, end: t, back: tc }, corners) : [];
  let [along, across] = [s + (t - s) * label, lane ?? Math.max(sc, tc) + 80];
  if (one && other) [along, across] = [one[0] + (other[0] - one[0]) * label, one[1]];
  else if (lane === null && t >= s + 4) {
    const bend = Math.max(16, (t - s) / 2);
    const u = 1 - label;
    along = u ** 3 * s + 3 * u * u * label * (s + bend) + 3 * u * label * label * (t - bend) + label ** 3 * t;
    across = (u ** 3 + 3 * u * u * label) * sc + (3 * u * label * label + label ** 3) * tc;
  }
  return { path, ...(flip ? { x: across, y: along } : { x: along, y: across }) };
}
