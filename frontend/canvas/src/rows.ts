/** A long line of layers in rows, as text is: as the window is wide, and broken where a part of it repeats. */
import { none } from "./replay";
import type { Document, Point } from "./types";

export interface Room { w: number; h: number }
interface Place { id: string; x: number; y: number; w: number; h: number }
/** A part of the line that cannot be broken. */
/** `split`: how many more than one read the value that passes in front of it. */
interface Part { places: Place[]; from: number; to: number; sign: string; split: number }
interface Rows { parts: Part[][]; width: number; height: number; gaps: number[] }

/** Around what is drawn: wires turn there. */
export const MARGIN = 48;
const GAP = 64;
const LANE = 16;
/** Networks are seen whole when that leaves them this large, else as wide as the window. */
export const READABLE = 0.5;
/** And no smaller than this, if they can be. */
const ENOUGH = 0.42;
/** Nearer than this, more layers in a row are worth more than larger ones. */
const AMPLE = 0.55;
/** A layer alone in a row, or a value that is read in several places of the next row, is worth smaller layers. */
const ALONE = 0.25;
const SPLIT = 0.3;
const SEEN = [1, 0.9, 0.8, 0.72, 0.64, 0.56, 0.5, 0.45, 0.41, 0.37];
/** A line of more layers than these is broken in one way only: each way costs as much as it is long, times its rows. */
const MOST_TRIED = 800;
/** Rows may be this much wider so that their layers stand under each other. */
const ALIGNED = 1.12;

/** Where the parts of a line go; null: best as one line. */
export function rows(doc: Document, places: Place[], room: Room): Record<string, Point> | null {
  const parts = partsOf(doc, [...places].sort((a, b) => a.x - b.x));
  if (parts.length < 2) return null;
  const tries: Rows[] = [measured(doc, [parts])];
  const signs = new Map<string, number>();
  for (const { sign } of parts) signs.set(sign, (signs.get(sign) ?? 0) + 1);
  const starts = places.length > MOST_TRIED ? [] : [...signs].filter(([, count]) => count > 1).map(([sign]) => sign).slice(0, 24);
  for (const seen of places.length > MOST_TRIED ? SEEN.slice(-1) : SEEN) {
    const width = (room.w - 2 * MARGIN) / seen;
    tries.push(measured(doc, even(parts.map((part) => [part]), width)), measured(doc, even(unsplit(parts), width)));
    for (const sign of starts) tries.push(measured(doc, even(grouped(parts, sign), width)));
  }
  let best = tries[0];
  for (const one of tries) if (best && score(one, room) > score(best, room) + 1e-6) best = one;
  if (!best || best.parts.length < 2) return null;
  const found = none<Point>();
  let y = 0;
  lineUp(best);
  best.parts.forEach((row, at) => {
    const all = row.flatMap((part) => part.places);
    const [left, top] = [Math.min(...all.map((one) => one.x)), Math.min(...all.map((one) => one.y))];
    for (const one of all) found[one.id] = [Math.round(one.x - left), Math.round(one.y - top + y)];
    y += Math.max(...all.map((one) => one.y + one.h)) - top + (best.gaps[at] ?? GAP);
  });
  return found;
}

/** Layers of several rows stand under each other, if that does not make the rows much wider. */
function lineUp({ parts, width }: Rows): void {
  const ranked = parts.map((row) => ranks(row.flatMap((part) => part.places)));
  for (const alike of [ranked, ...byLength(ranked)]) {
    const most = Math.max(...alike.map((row) => row.length));
    const starts: number[] = [];
    let at = 0;
    for (let rank = 0; rank < most; rank++) {
      starts.push(at);
      at += Math.max(...alike.map((row) => wideOf(row[rank]))) + Math.max(0, ...alike.map((row) => gapAfter(row, rank)));
    }
    if (at > width * ALIGNED) continue;
    for (const row of alike) row.forEach((rank, place) => {
      const left = leftOf(rank);
      const stacked = Math.max(...rank.map((one) => one.x)) < Math.min(...rank.map((one) => one.x + one.w));
      for (const one of rank) one.x = (starts[place] ?? left) + (stacked ? 0 : one.x - left);
    });
    if (alike === ranked) return;
  }
}

const leftOf = (rank: Place[]): number => Math.min(...rank.map((one) => one.x));
const rightOf = (rank: Place[]): number => Math.max(...rank.map((one) => one.x + one.w));
const wideOf = (rank: Place[] | undefined): number => (rank ? rightOf(rank) - leftOf(rank) : 0);

function gapAfter(row: Place[][], at: number): number {
  const [rank, next] = [row[at], row[at + 1]];
  return rank && next ? leftOf(next) - rightOf(rank) : 0;
}

/** Rows of equally many columns. */
function byLength(ranked: Place[][][]): Place[][][][] {
  const found = new Map<number, Place[][][]>();
  for (const row of ranked) found.set(row.length, [...(found.get(row.length) ?? []), row]);
  return [...found.values()].filter((alike) => alike.length > 1);
}

/** The columns of a row: what stands over each other, from left to right. */
function ranks(places: Place[]): Place[][] {
  const found: Place[][] = [];
  for (const one of [...places].sort((a, b) => a.x - b.x)) {
    const last = found.at(-1);
    if (last && one.x < rightOf(last)) last.push(one);
    else found.push([one]);
  }
  return found;
}

function score({ parts, width, height }: Rows, room: Room): number {
  const wide = Math.min(1, (room.w - 2 * MARGIN) / width);
  const whole = Math.min(wide, (room.h - 64) / height);
  const widths = parts.map((row) => (row.at(-1)?.to ?? 0) - (row[0]?.from ?? 0));
  const filled = widths.reduce((sum, one) => sum + one, 0) / (widths.length * width);
  const kinds = new Set(parts.slice(1).map((row) => row[0]?.sign));
  const alike = parts.length > 2 && kinds.size === 1 ? 0.12 : 0;
  const alone = parts.length > 1 ? parts.filter((row) => row.length === 1 && row[0]?.places.length === 1).length : 0;
  const split = parts.filter((row, at) => at > 0 && (row[0]?.split ?? 0) > 0).length;
  const look = 0.12 * filled + alike - 0.7 * (alone / parts.length) - (alone ? 0.05 : 0);
  const apart = SPLIT * (split / parts.length);
  const odd = (alone ? ALONE : 0) + apart;
  if (whole >= READABLE || (!odd && whole >= ENOUGH)) return 2 + whole + look - odd - 0.012 * parts.length;
  return Math.min(wide, AMPLE) - 2 * Math.max(0, ENOUGH - wide) + 0.4 * whole + look - apart;
}

/** Cut wherever one value alone passes from left to right. */
function partsOf(doc: Document, places: Place[]): Part[] {
  const at = new Map(places.map((one) => [one.id, one]));
  const passing: { from: number; to: number; value: string }[] = [];
  for (const wire of Object.values(doc.wires)) {
    const [from, to] = [at.get(wire.from[0]), at.get(wire.to[0])];
    if (from && to) passing.push({ from: from.x, to: to.x, value: JSON.stringify(wire.from) });
  }
  const parts: Part[] = [];
  let right = -Infinity;
  for (const one of places) {
    const values = new Set(passing.filter((wire) => wire.from < one.x && wire.to >= one.x).map((wire) => wire.value));
    const last = parts.at(-1);
    if (last && (values.size > 1 || one.x < right)) {
      last.places.push(one);
      last.to = Math.max(last.to, one.x + one.w);
    } else {
      const read = passing.filter((wire) => wire.from < one.x && wire.to >= one.x).length;
      parts.push({ places: [one], from: one.x, to: one.x + one.w, sign: "", split: read - 1 });
    }
    right = Math.max(right, one.x + one.w);
  }
  const type = (part: Part | undefined, first: boolean): string => {
    const id = (first ? part?.places[0] : part?.places.at(-1))?.id;
    return id ? (doc.nodes[id]?.type ?? "") : "";
  };
  parts.forEach((part, index) => {
    part.sign = `${type(parts[index - 1], false)}|${type(part, true)}|${part.places.length}|${type(parts[index + 1], true)}`;
  });
  return parts;
}

/** Parts that stay together: no value that several read passes from one group to the next. */
function unsplit(parts: Part[]): Part[][] {
  const groups: Part[][] = [];
  for (const part of parts) {
    const last = groups.at(-1);
    if (!last || part.split <= 0) groups.push([part]);
    else last.push(part);
  }
  return groups;
}

/** Parts that stay together: a new group begins at each part of this sign. */
function grouped(parts: Part[], sign: string): Part[][] {
  const groups: Part[][] = [];
  for (const part of parts) {
    const last = groups.at(-1);
    if (!last || part.sign === sign) groups.push([part]);
    else last.push(part);
  }
  return groups;
}

function packed(groups: Part[][], width: number): Part[][] {
  const found: Part[][] = [];
  let start = 0;
  for (const group of groups) {
    const [from, to] = [group[0]?.from ?? 0, Math.max(...group.map((part) => part.to))];
    const last = found.at(-1);
    if (!last || to - start > width) {
      found.push([...group]);
      start = from;
    } else last.push(...group);
  }
  return found;
}

/** As many rows as fit into a width, none longer than it must be. */
function even(groups: Part[][], width: number): Part[][] {
  const most = packed(groups, width);
  let [low, high] = [0, width];
  let found = most;
  for (let step = 0; step < 12; step++) {
    const middle = (low + high) / 2;
    const tried = packed(groups, middle);
    if (tried.length > most.length) low = middle;
    else [high, found] = [middle, tried];
  }
  return found;
}

function measured(doc: Document, parts: Part[][]): Rows {
  let width = 0;
  let height = 0;
  const gaps: number[] = [];
  parts.forEach((row, at) => {
    const all = row.flatMap((part) => part.places);
    width = Math.max(width, Math.max(...all.map((one) => one.x + one.w)) - Math.min(...all.map((one) => one.x)));
    height += Math.max(...all.map((one) => one.y + one.h)) - Math.min(...all.map((one) => one.y));
    const below = parts[at + 1];
    if (!below) return;
    gaps.push(GAP + LANE * Math.min(4, lanesOf(doc, below)));
    height += gaps.at(-1) ?? 0;
  });
  return { parts, width, height, gaps };
}

/** How many skips run beside each other over a row, at most. */
function lanesOf(doc: Document, row: Part[]): number {
  const at = new Map(row.flatMap((part) => part.places).map((one) => [one.id, one]));
  const spans: [number, number][] = [];
  const seen = new Set<string>();
  for (const wire of Object.values(doc.wires)) {
    const [from, to] = [at.get(wire.from[0]), at.get(wire.to[0])];
    if (!from || !to || to.x - from.x - from.w < 160) continue;
    const value = JSON.stringify(wire.from);
    if (seen.has(value)) continue;
    seen.add(value);
    spans.push([from.x + from.w, to.x]);
  }
  return Math.max(0, ...spans.map(([a]) => spans.filter(([from, to]) => from <= a && to > a).length));
}
