/** A way around layers where neither a straight line nor one lane is free: along and across, with few corners. */
import type { Point } from "./types";

/** What a layer covers: along a..b, across c..d. */
export interface Span { a: number; b: number; c: number; d: number }
/** A stretch along that another value has taken. */
export interface Lane { a: number; b: number; at: number; value: string }

const CLEAR = 14;
const LANE = 16;
/** Out of a port and into one. */
const STUB = 12;
/** Nearer to a layer than this a wire may not run. */
const NEAR = 4;
const CORNER = 60;
const SHARED = 200;
/** More places than these in one direction are not looked at. */
const MOST = 120;

/** Corners of the cheapest way from one port to another, each [along, across]; null: there is none. */
export function wayAround(from: Point, to: Point, spans: readonly Span[], lanes: readonly Lane[]): Point[] | null {
  const [start, end]: [Point, Point] = [[from[0] + STUB, from[1]], [to[0] - STUB, to[1]]];
  const along = places([start[0], end[0]], spans.flatMap(({ a, b }) => [a - CLEAR, b + CLEAR]), start[0], end[0]);
  const across = places([start[1], end[1]], spans.flatMap(({ c, d }) => [c - CLEAR, d + CLEAR, c - CLEAR - LANE, d + CLEAR + LANE]), start[1], end[1]);
  const [wide, high] = [along.length, across.length];
  // By cell: whether one can go on from there along, and across.
  const shut = [new Uint8Array(wide * high), new Uint8Array(wide * high)] as const;
  const dear = new Uint8Array(wide * high);
  for (const { a, b, c, d } of spans) {
    eachBetween(along, a - NEAR, b + NEAR, true, (x) => eachBetween(across, c - NEAR, d + NEAR, false, (y) => (shut[0][y * wide + x] = 1)));
    eachBetween(along, a - NEAR, b + NEAR, false, (x) => eachBetween(across, c - NEAR, d + NEAR, true, (y) => (shut[1][y * wide + x] = 1)));
  }
  for (const lane of lanes) eachBetween(across, lane.at - LANE + 4, lane.at + LANE - 4, false, (y) => eachBetween(along, lane.a, lane.b, true, (x) => (dear[y * wide + x] = 1)));
  const cell = ([x, y]: Point): number => across.indexOf(y) * wide + along.indexOf(x);
  const [first, last] = [cell(start), cell(end)];
  // A state is a cell and how it was come to: along (0) or across (1).
  const costs = new Float64Array(2 * wide * high).fill(Infinity);
  const came = new Int32Array(2 * wide * high).fill(-1);
  const heap = new Heap();
  costs[2 * first] = 0;
  heap.put(2 * first, 0);
  for (let state = heap.take(); state !== null; state = heap.take()) {
    const cost = costs[state] ?? Infinity;
    const [at, way] = [state >> 1, state & 1];
    if (at === last && way === 0) return cornersOf([from, ...lineTo(state, came, along, across), to]);
    const [x, y] = [at % wide, Math.floor(at / wide)];
    const go = (next: number, turned: 0 | 1, edge: number, far: number): void => {
      if (shut[turned][edge]) return;
      const price = cost + far + (turned === way ? 0 : CORNER) + (turned === 0 && dear[edge] ? SHARED : 0);
      const into = 2 * next + turned;
      if (price >= (costs[into] ?? 0)) return;
      costs[into] = price;
      came[into] = state;
      heap.put(into, price);
    };
    const [here, level] = [along[x] ?? 0, across[y] ?? 0];
    if (x + 1 < wide) go(at + 1, 0, at, (along[x + 1] ?? 0) - here);
    // Out of a port and into one it runs ahead.
    if (x > 0 && at !== first && at - 1 !== last) go(at - 1, 0, at - 1, here - (along[x - 1] ?? 0));
    if (y + 1 < high) go(at + wide, 1, at, (across[y + 1] ?? 0) - level);
    if (y > 0) go(at - wide, 1, at - wide, level - (across[y - 1] ?? 0));
  }
  return null;
}

/** Places to turn at, in order: those that must be, and of the others the nearest to both ends. */
function places(must: number[], others: number[], one: number, other: number): number[] {
  const far = (at: number): number => Math.abs(at - one) + Math.abs(at - other);
  const near = [...new Set(others.map(Math.round))].sort((x, y) => far(x) - far(y)).slice(0, MOST);
  return [...new Set([...must, ...near])].sort((x, y) => x - y);
}

/** By index: places between two others, or the steps from one place to the next that touch what is between. */
function eachBetween(sorted: number[], low: number, high: number, steps: boolean, act: (at: number) => void): void {
  for (let at = 0; at < sorted.length - (steps ? 1 : 0); at++) {
    if ((sorted[at] ?? 0) >= high) break;
    if ((sorted[steps ? at + 1 : at] ?? 0) > low) act(at);
  }
}

function lineTo(state: number, came: Int32Array, along: number[], across: number[]): Point[] {
  const wide = along.length;
  const line: Point[] = [];
  for (let one = state; one >= 0; one = came[one] ?? -1) line.unshift([along[(one >> 1) % wide] ?? 0, across[Math.floor((one >> 1) / wide)] ?? 0]);
  return line;
}

/** Where a line turns, without its ends. */
function cornersOf(line: Point[]): Point[] {
  const apart = line.filter(([x, y], at) => line[at + 1]?.[0] !== x || line[at + 1]?.[1] !== y);
  return apart.filter(([x, y], at) => {
    const [before, after] = [apart[at - 1], apart[at + 1]];
    return before && after && !(before[0] === x && after[0] === x) && !(before[1] === y && after[1] === y);
  });
}

/** The cheapest first. */
class Heap {
  private all: [state: number, price: number][] = [];

  put(state: number, price: number): void {
    const { all } = this;
    let at = all.push([state, price]) - 1;
    for (let up = (at - 1) >> 1; at > 0 && this.price(up) > price; up = (at - 1) >> 1) at = this.swap(at, up);
  }

  take(): number | null {
    const { all } = this;
    const top = all[0];
    const last = all.pop();
    if (!top || !last) return null;
    if (all.length) {
      all[0] = last;
      for (let at = 0; ;) {
        const [left, right] = [2 * at + 1, 2 * at + 2];
        const less = this.price(right) < this.price(left) ? right : left;
        if (this.price(less) >= this.price(at)) break;
        at = this.swap(at, less);
      }
    }
    return top[0];
  }

  private price(at: number): number {
    return this.all[at]?.[1] ?? Infinity;
  }

  private swap(at: number, other: number): number {
    const { all } = this;
    [all[at], all[other]] = [all[other] as [number, number], all[at] as [number, number]];
    return other;
  }
}
