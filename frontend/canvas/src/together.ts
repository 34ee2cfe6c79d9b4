/** Where layers stand that came as a whole, as out of a block, and where others move on to for them. */
import { around, arrange, boxesAt, freePlace, gapFor, GAP_DOWN, GRID, makeRoom, overlaps, snapped, type Box, type Direction } from "./layout";
import type { Room } from "./rows";
import type { Document, Point } from "./types";
import { readersOf } from "./wiring";

/** Fewer than these find their places one by one. */
const A_WHOLE = 3;
/** Layers of one row differ in height by less. */
const NEAR = 60;

/** Of nodes without a place those that hang together, as what came out of a block. */
export function wholesOf(doc: Document, ids: string[]): string[][] {
  const apart = new Map(ids.map((id) => [id, [id]]));
  for (const wire of Object.values(doc.wires)) {
    const [one, other] = [apart.get(wire.from[0]), apart.get(wire.to[0])];
    if (!one || !other || one === other) continue;
    one.push(...other);
    for (const id of other) apart.set(id, one);
  }
  return [...new Set(apart.values())].filter((whole) => whole.length >= A_WHOLE);
}

/** Where nodes stand that came as a whole, behind what they read; and others that move on for them. */
export function placeTogether(doc: Document, whole: string[], boxes: Map<string, Box>, direction: Direction, room?: Room): Record<string, Point> {
  const own = new Set(whole);
  const [wires, order] = [Object.values(doc.wires), doc.order.filter((id) => own.has(id))];
  const inner = Object.fromEntries(Object.entries(doc.wires).filter(([, wire]) => own.has(wire.from[0]) && own.has(wire.to[0])));
  const at = arrange({ ...doc, order, wires: inner, frames: {} }, direction === "TB" ? "TB" : "rows", undefined, room);
  const inside = boxesAt(doc, at);
  const all = around(inside.values());
  if (!all) return {};
  const came = wires.find((wire) => own.has(wire.to[0]) && boxes.has(wire.from[0]));
  const goes = wires.find((wire) => own.has(wire.from[0]) && boxes.has(wire.to[0]));
  const [source, reader] = [came && boxes.get(came.from[0]), goes && boxes.get(goes.to[0])];
  const lr = direction === "LR";
  const gap = lr ? gapFor(came?.shape) : GAP_DOWN;
  const first = inside.get(came?.to[0] ?? "") ?? all;
  const beside = source ?? (reader && { ...reader, x: reader.x - (lr ? all.w + 2 * gap + reader.w : 0), y: reader.y - (lr ? 0 : all.h + 2 * gap + reader.h) });
  const wish: Point = !beside ? [0, 0] : lr ? [beside.x + beside.w + gap, beside.y - (first.y - all.y)] : [beside.x - (first.x - all.x), beside.y + beside.h + gap];
  const box = { ...all, x: snapped(wish[0]), y: Math.round(wish[1]) };
  const move = roomFor(box, boxes, new Set(whole.flatMap((id) => [...readersOf(doc, id)]).filter((id) => !own.has(id))), direction, gap);
  const corner = move ? [box.x, box.y] as const : freePlace([box.x, box.y], box, [...boxes.values()]);
  for (const [id, [x, y]] of Object.entries(at)) at[id] = [x + corner[0] - all.x, y + corner[1] - all.y];
  return { ...move, ...at };
}

/** Where others move on to: along the line, or, where it goes on in a further row and less is moved by that, all a row down. */
function roomFor(box: Box, boxes: Map<string, Box>, behind: ReadonlySet<string>, direction: Direction, gap: number): Record<string, Point> | null {
  const along = makeRoom(box, boxes, behind, direction, gap);
  const rows = [...behind].some((id) => before(boxes.get(id), box, direction));
  const across = rows || !along ? rowsOn(box, boxes, direction) : null;
  if (!along || !across) return along ?? across;
  const far = (move: Record<string, Point>): number =>
    Object.entries(move).reduce((sum, [id, [x, y]]) => sum + Math.abs(x - (boxes.get(id)?.x ?? x)) + Math.abs(y - (boxes.get(id)?.y ?? y)), 0);
  return far(across) < far(along) ? across : along;
}

const before = (one: Box | undefined, box: Box, direction: Direction): boolean =>
  one !== undefined && (direction === "LR" ? one.x + one.w <= box.x : one.y + one.h <= box.y);

/** All further rows go on, and of its own row what stands behind it; null where something would still be covered. */
function rowsOn(box: Box, boxes: Map<string, Box>, direction: Direction): Record<string, Point> | null {
  const lr = direction === "LR";
  const [top, bottom] = lr ? [box.y, box.y + box.h] : [box.x, box.x + box.w];
  const start = (one: Box): number => (lr ? one.y : one.x);
  const end = (one: Box): number => (lr ? one.y + one.h : one.x + one.w);
  const row = [...boxes.values()].filter((one) => before(one, box, direction) && start(one) < bottom && end(one) > top);
  const level = Math.max(top, ...row.filter((one) => start(one) < top + NEAR).map(end));
  const moved = [...boxes].filter(([, one]) => end(one) > top && !(before(one, box, direction) && start(one) < level));
  const push = Math.ceil((bottom + GAP_DOWN - Math.min(...moved.map(([, one]) => start(one)))) / GRID) * GRID;
  if (!moved.length || push <= 0 || moved.some(([, one]) => start(one) < top - NEAR)) return null;
  const left = [...boxes].filter(([id]) => !moved.some(([one]) => one === id));
  if (left.some(([, one]) => overlaps(one, box, 4))) return null;
  return Object.fromEntries(moved.map(([id, { x, y }]) => [id, lr ? [x, y + push] : [x + push, y]] as [string, Point]));
}
