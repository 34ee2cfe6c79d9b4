/** The line of a network: its longest path stands straight, what branches off stands beside it. */
import { none } from "./replay";
import type { Document, Point } from "./types";

export interface Sized { w: number; h: number; /** Across: where the line enters and leaves the box. */ axis: number }
interface Span { low: number; high: number; from: number; to: number }

const BESIDE = 32;
const DEEPER = 40;
/** So much farther a branch goes to the side on which it is read. */
const OTHER_SIDE = 120;
/** More room between the levels of a U, for wires that turn there. */
const TURNING = 24;

/** What reads what, each pair once. */
export function readers(doc: Document): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>(doc.order.map((id) => [id, new Set<string>()]));
  for (const wire of Object.values(doc.wires)) {
    if (doc.nodes[wire.to[0]] && wire.from[0] !== wire.to[0]) found.get(wire.from[0])?.add(wire.to[0]);
  }
  return found;
}

/** The pairs that a longer way joins too: skips. They are drawn around the layers between. */
export function skips(doc: Document, next: Map<string, Set<string>>): Set<string> {
  const place = new Map(doc.order.map((id, at) => [id, at]));
  const placeOf = (id: string): number => place.get(id) ?? 0;
  const found = new Set<string>();
  for (const id of doc.order) {
    const near = [...(next.get(id) ?? [])].sort((a, b) => placeOf(a) - placeOf(b));
    const end = placeOf(near.at(-1) ?? id);
    if (near.length < 2) continue;
    const reached = new Set<string>();
    for (const one of near) {
      if (reached.has(one)) found.add(`${id}>${one}`);
      const stack = [one];
      for (let at = stack.pop(); at !== undefined; at = stack.pop()) for (const to of next.get(at) ?? []) {
        if (reached.has(to) || placeOf(to) > end) continue;
        reached.add(to);
        stack.push(to);
      }
    }
  }
  return found;
}

/** The longest path through some of the nodes. */
export function spine(ids: string[], next: Map<string, Set<string>>): string[] {
  const own = new Set(ids);
  const best = new Map<string, { length: number; to: string | null }>();
  for (const id of [...ids].reverse()) {
    let found: { length: number; to: string | null } = { length: 1, to: null };
    for (const to of next.get(id) ?? []) {
      const after = own.has(to) ? best.get(to) : undefined;
      if (after && after.length + 1 > found.length) found = { length: after.length + 1, to };
    }
    best.set(id, found);
  }
  let start: string | null = null;
  for (const id of ids) if (start === null || (best.get(id)?.length ?? 0) > (best.get(start)?.length ?? 0)) start = id;
  const path: string[] = [];
  for (let one = start; one !== null; one = best.get(one)?.to ?? null) path.push(one);
  return path;
}

/**
 * How deep each node of the line stands below the first: skips nested in each other, each the middle
 * part of the one around it, make a U.
 */
export function depths(path: string[], skipped: Set<string>): Map<string, number> {
  const place = new Map(path.map((id, at) => [id, at]));
  const all: [number, number][] = [];
  for (const pair of skipped) {
    const [from, to] = pair.split(">").map((id) => place.get(id));
    if (from !== undefined && to !== undefined && to - from > 3) all.push([from, to]);
  }
  const chain: [number, number][] = [];
  for (let around: [number, number] = [-1, path.length]; ;) {
    const [low, high] = around;
    const inside = all.filter(([a, b]) => a > low && b < high).sort((x, y) => y[1] - y[0] - x[1] + x[0])[0];
    if (!inside || (chain.length && inside[1] - inside[0] < (high - low) * 0.35)) break;
    chain.push(inside);
    around = inside;
  }
  if (chain.length < 2 || (chain[0] && chain[0][1] - chain[0][0] < path.length / 2)) return new Map();
  return new Map(path.map((id, at) => [id, chain.filter(([a, b]) => at > a && at < b).length]));
}

/**
 * Places across the direction of reading, from 0 on; along it they stay.
 *
 * Args: at: along. size: of each node, `w` along, `h` across.
 */
export function straightened(doc: Document, at: Map<string, number>, size: Map<string, Sized>, next: Map<string, Set<string>>, skipped: Set<string>): { across: Map<string, number>; path: string[]; deep: Map<string, number> } {
  const direct = new Map([...next].map(([id, all]) => [id, new Set([...all].filter((to) => !skipped.has(`${id}>${to}`)))]));
  const both = new Map<string, string[]>(doc.order.map((id) => [id, []]));
  for (const [id, all] of direct) for (const to of all) {
    both.get(id)?.push(to);
    both.get(to)?.push(id);
  }
  const first = spine(doc.order, direct);
  const deep = depths(first, skipped);
  const step = Math.max(0, ...first.map((id) => size.get(id)?.h ?? 0)) + DEEPER;
  const ports = new Map<string, number>();
  for (const { from, to } of Object.values(doc.wires)) {
    const port = doc.nodes[to[0]]?.ins.findIndex((one) => one.name === to[1]) ?? 0;
    const key = `${from[0]}>${to[0]}`;
    ports.set(key, Math.min(ports.get(key) ?? Infinity, port + to[2] / 100));
  }
  const across = component(doc.order, (id) => (deep.get(id) ?? 0) * step, { at, size, direct, both, ports });
  const top = Math.min(...across.values());
  for (const [id, value] of across) across.set(id, value - top);
  return { across, path: first, deep };
}

/**
 * A U drawn close: each step down or up goes straight under or over the layer before, the levels
 * further apart, as the wires turn between them. Null where layers would stand on each other.
 */
export function close(path: string[], deep: Map<string, number>, places: Record<string, Point>, size: Map<string, Sized>): Record<string, Point> | null {
  const found = none<Point>();
  let back = 0;
  let before: string | null = null;
  for (const id of path) {
    const place = places[id];
    if (!place) return null;
    const last: Point | undefined = before === null ? undefined : found[before];
    if (before !== null && last && deep.get(before) !== deep.get(id)) back = place[0] - last[0];
    found[id] = [place[0] - back, place[1] + (deep.get(id) ?? 0) * TURNING];
    before = id;
  }
  if (path.length < Object.keys(places).length) return null;
  for (const [at, one] of path.entries()) for (const other of path.slice(at + 1)) {
    const [a, b, sa, sb] = [found[one], found[other], size.get(one), size.get(other)];
    if (!a || !b || !sa || !sb) return null;
    if (a[0] < b[0] + sb.w && b[0] < a[0] + sa.w && a[1] < b[1] + sb.h && b[1] < a[1] + sa.h) return null;
  }
  return found;
}

interface Known { at: Map<string, number>; size: Map<string, Sized>; direct: Map<string, Set<string>>; both: Map<string, string[]>; /** By pair: which input of the second reads the first. */ ports: Map<string, number> }

function component(ids: string[], level: (id: string) => number, known: Known): Map<string, number> {
  const { size, direct, both } = known;
  const path = spine(ids, direct);
  const across = new Map<string, number>();
  for (const id of path) across.set(id, level(id) - (size.get(id)?.axis ?? 0));
  const rest = new Set(ids.filter((id) => !across.has(id)));
  const taken: Span[] = path.map((id) => spanOf(id, across.get(id) ?? 0, known));
  for (const seed of ids) {
    if (!rest.has(seed)) continue;
    const members = new Set([seed]);
    const stack = [seed];
    rest.delete(seed);
    for (let one = stack.pop(); one !== undefined; one = stack.pop()) {
      for (const near of both.get(one) ?? []) {
        if (!rest.delete(near)) continue;
        members.add(near);
        stack.push(near);
      }
    }
    const part = component(ids.filter((id) => members.has(id)), () => 0, known);
    const spans = [...part].map(([id, value]) => spanOf(id, value, known));
    const push = aside(spans, taken, sideOf(members, path, known));
    for (const [id, value] of part) across.set(id, value + push);
    for (const span of spans) taken.push({ ...span, low: span.low + push, high: span.high + push });
  }
  return across;
}

function spanOf(id: string, across: number, { at, size }: Known): Span {
  const own = size.get(id) ?? { w: 0, h: 0, axis: 0 };
  const start = at.get(id) ?? 0;
  return { low: across, high: across + own.h, from: start, to: start + own.w };
}

/** Whether a branch ends at inputs before (-1) or behind (1) those that the line goes into. */
function sideOf(members: Set<string>, path: string[], { direct, ports }: Known): number {
  let side = 0;
  for (const id of members) for (const to of direct.get(id) ?? []) {
    const place = path.indexOf(to);
    if (place < 1 || members.has(to)) continue;
    const [own, line] = [ports.get(`${id}>${to}`) ?? 0, ports.get(`${path[place - 1]}>${to}`)];
    if (line !== undefined) side += Math.sign(own - line);
  }
  return Math.sign(side);
}

/** How far a branch moves aside to be free of what stands there: below, or above where that is nearer. */
function aside(spans: Span[], taken: Span[], side: number): number {
  const from = Math.min(...spans.map((one) => one.from)) - BESIDE;
  const to = Math.max(...spans.map((one) => one.to)) + BESIDE;
  const near = taken.filter((other) => other.from < to && other.to > from);
  const low = Math.min(...spans.map((one) => one.low));
  const high = Math.max(...spans.map((one) => one.high));
  const free = (push: number): boolean => !near.some((other) => other.low < high + push + BESIDE && other.high > low + push - BESIDE);
  const tries = near.flatMap((other) => [other.high + BESIDE - low, other.low - BESIDE - high]);
  tries.push(0);
  const price = (push: number): number => Math.abs(push) + (push * side < 0 ? OTHER_SIDE : 0);
  tries.sort((a, b) => price(a) - price(b) || b - a);
  return tries.find(free) ?? Math.max(0, ...near.map((other) => other.high)) + BESIDE - low;
}

export const pointOf = (along: number, across: number, lr: boolean): Point => (lr ? [along, across] : [across, along]);
