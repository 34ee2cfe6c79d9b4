/** Frames and notes go with the layers they belong to. */
import { around, freePlace, overlaps, type Box } from "./layout";
import type { Document, FrameData, Frames, Point } from "./types";

/** Around what a frame holds, and above it for the title. */
export const FRAME_EDGE = 24;
export const FRAME_HEAD = 48;
const MOST_EDGE = 64;
/** A note farther away than this belongs to no layer. */
const NEAR = 400;

export const frameBox = ({ at, size }: FrameData): Box => ({ x: at[0], y: at[1], w: size[0], h: size[1] });

/** What a frame holds: layers whose middle is in it. */
export function membersOf(frame: FrameData, boxes: Map<string, Box>): string[] {
  const own = frameBox(frame);
  return [...boxes].filter(([, b]) => {
    const [x, y] = [b.x + b.w / 2, b.y + b.h / 2];
    return x > own.x && y > own.y && x < own.x + own.w && y < own.y + own.h;
  }).map(([id]) => id);
}

/**
 * Where frames and notes stand once layers have moved: frames around what they held, notes beside what
 * they stood beside.
 *
 * Args: before, after: layers. One that came or went is in one of them only; `instead` names who took its place.
 */
export function framesAlong(doc: Document, before: Map<string, Box>, after: Map<string, Box>, instead?: { gone: ReadonlySet<string>; by: string }): Frames {
  const found: Frames = {};
  const shifts = new Map<string, Point>();
  const now = (ids: string[]): string[] => [...new Set(ids.map((id) => (instead?.gone.has(id) ? instead.by : id)))].filter((id) => after.has(id));
  for (const [id, frame] of Object.entries(doc.frames)) {
    if (frame.kind !== "frame") continue;
    const held = membersOf(frame, before);
    const [was, is] = [around(boxesOf(held, before)), around(boxesOf(now(held), after))];
    if (!was || !is || same(was, is)) continue;
    const own = frameBox(frame);
    const left = edge(was.x - own.x, FRAME_EDGE);
    const top = edge(was.y - own.y, FRAME_HEAD);
    const right = edge(own.x + own.w - was.x - was.w, FRAME_EDGE);
    const bottom = edge(own.y + own.h - was.y - was.h, FRAME_EDGE);
    found[id] = [is.x - left, is.y - top, is.w + left + right, is.h + top + bottom];
    shifts.set(id, [is.x - left - own.x, is.y - top - own.y]);
  }
  const taken = [...after.values()];
  for (const [id, frame] of Object.entries(doc.frames)) {
    if (frame.kind !== "note") continue;
    const shift = shiftOf(doc, frame, before, after, shifts);
    if (!shift || (!shift[0] && !shift[1])) continue;
    const [w, h] = frame.size;
    const wish: Point = [frame.at[0] + shift[0], frame.at[1] + shift[1]];
    const covers = taken.some((box) => overlaps({ x: wish[0], y: wish[1], w, h }, box, 4));
    const [x, y] = covers ? freePlace(wish, { w, h }, taken, 12) : wish;
    found[id] = [x, y, w, h];
    taken.push({ x, y, w, h });
  }
  return found;
}

/** How far what a note belongs to has moved: the frame it is in, or the layer it is nearest to. */
function shiftOf(doc: Document, note: FrameData, before: Map<string, Box>, after: Map<string, Box>, shifts: Map<string, Point>): Point | null {
  const [x, y] = [note.at[0] + note.size[0] / 2, note.at[1] + note.size[1] / 2];
  const inside = Object.entries(doc.frames).find(([, frame]) => frame.kind === "frame" && x > frame.at[0] && y > frame.at[1] && x < frame.at[0] + frame.size[0] && y < frame.at[1] + frame.size[1]);
  if (inside) return shifts.get(inside[0]) ?? null;
  let nearest: [Box, Box] | null = null;
  let least = NEAR;
  const own = frameBox(note);
  for (const [id, box] of before) {
    const [from, to] = [distance(own, box), after.get(id)];
    if (to && from < least) [least, nearest] = [from, [box, to]];
  }
  return nearest ? [nearest[1].x - nearest[0].x, nearest[1].y - nearest[0].y] : null;
}

const boxesOf = (ids: string[], of: Map<string, Box>): Box[] => ids.map((id) => of.get(id)).filter((box) => box !== undefined);

const edge = (room: number, least: number): number => Math.min(Math.max(room, least), MOST_EDGE);

const same = (a: Box, b: Box): boolean => a.x === b.x && a.y === b.y && a.w === b.w && a.h === b.h;

function distance(a: Box, b: Box): number {
  const across = Math.max(0, a.x - b.x - b.w, b.x - a.x - a.w);
  const down = Math.max(0, a.y - b.y - b.h, b.y - a.y - a.h);
  return Math.hypot(across, down);
}
