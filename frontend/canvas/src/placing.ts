/** Where every node of a document is shown: at its own place, or at one found for it. */
import { framesAlong } from "./frames";
import { arrange, boxesAt, directionOf, endsOf, freePlace, gapFor, GAP_DOWN, makeRoom, nodeSize, overlaps, snapped, type Box, type Ends } from "./layout";
import { copied, none } from "./replay";
import type { Room } from "./rows";
import { placeTogether, wholesOf } from "./together";
import type { Document, Frames, Point, WireData } from "./types";
import { readersOf } from "./wiring";

export interface Placement {
  at: Record<string, Point>;
  /** Nodes that Python knows no place for. */
  loose: string[];
  /** Others that move on for those, and frames that go along. */
  moved: string[];
  frames: Frames;
}

const NONE: ReadonlySet<string> = new Set();
/** What was worked out per canvas, so that a document drawn again stands where it stood. */
const remembered = new Map<string, { drawn: string; at: Record<string, Point> }>();

export function placed(canvas: string, doc: Document, room?: Room): Placement {
  const loose = doc.order.filter((id) => !doc.nodes[id]?.at);
  const at = none<Point>();
  for (const id of doc.order) {
    const own = doc.nodes[id]?.at;
    if (own) at[id] = own;
  }
  if (!loose.length) return { at, loose, moved: [], frames: {} };
  const old = remembered.get(canvas);
  if (loose.length === doc.order.length) {
    const drawn = `${doc.order.join()}|${Object.entries(doc.wires).map(([id, wire]) => `${wire.from[0]}>${id}`).join()}`;
    const found = old?.drawn === drawn ? old.at : arrange(doc, doc.settings["direction"] === "TB" ? "TB" : "rows", undefined, room);
    remembered.set(canvas, { drawn, at: found });
    return { at: copied(found), loose, moved: [], frames: {} };
  }
  const stood = copied(at);
  const pushing = placeBeside(doc, loose, at, old?.at ?? none(), room);
  const moved = Object.keys(stood).filter((id) => at[id] !== stood[id]);
  const known = copied(old?.at ?? none<Point>());
  for (const id of loose) if (!pushing.has(id)) known[id] = at[id] as Point;
  remembered.set(canvas, { drawn: old?.drawn ?? "", at: known });
  return { at, loose, moved, frames: moved.length ? framesAlong(doc, boxesAt(doc, stood), boxesAt(doc, at)) : {} };
}

/** Each loose node next to what it reads, where it covers nothing; between two on a line the second moves on. Gives those that others moved on for. */
function placeBeside(doc: Document, loose: string[], at: Record<string, Point>, before: Record<string, Point>, room?: Room): Set<string> {
  const pushing = new Set<string>();
  const boxes = new Map<string, Box>();
  const put = (id: string): void => {
    const [point, node] = [at[id], doc.nodes[id]];
    if (point && node) boxes.set(id, { x: point[0], y: point[1], ...nodeSize(node) });
  };
  for (const id of Object.keys(at)) put(id);
  const direction = directionOf(doc, boxes);
  const wires = Object.values(doc.wires);
  const rest = loose.filter((id) => {
    const kept = before[id];
    if (!kept || !doc.nodes[id]) return !kept;
    at[id] = kept;
    put(id);
    return false;
  });
  for (const whole of wholesOf(doc, rest)) {
    const found = Object.entries(placeTogether(doc, whole, boxes, direction, room));
    for (const [id, point] of found) {
      at[id] = point;
      put(id);
    }
    if (found.length > whole.length) for (const id of whole) pushing.add(id); // others moved on for them
  }
  for (const id of rest) {
    const node = doc.nodes[id];
    if (!node || boxes.has(id)) continue;
    const came = wires.find((wire) => wire.to[0] === id && boxes.has(wire.from[0]));
    const goes = wires.find((wire) => wire.from[0] === id && boxes.has(wire.to[0]));
    const size = nodeSize(node);
    const [source, reader] = [came && boxes.get(came.from[0]), goes && boxes.get(goes.to[0])];
    const ends = (wire: WireData): Ends | null => endsOf(doc, wire, new Map([...boxes, [id, { x: 0, y: 0, ...size }]]), direction, NONE);
    let wish: Point = [0, 0];
    const [into, outof] = [came ? ends(came) : null, goes ? ends(goes) : null];
    if (source && into) wish = direction === "LR" ? [source.x + source.w + gapFor(came?.shape), into.sy - into.ty] : [into.sx - into.tx, source.y + source.h + GAP_DOWN];
    else if (reader && outof) wish = direction === "LR" ? [reader.x - gapFor(goes?.shape) - size.w, outof.ty - outof.sy] : [outof.tx - outof.sx, reader.y - GAP_DOWN - size.h];
    else {
      const last = [...boxes.values()].at(-1);
      if (last) wish = [last.x, last.y + last.h + 32];
    }
    const box = { x: snapped(wish[0]), y: Math.round(wish[1]), ...size };
    const moves = source && reader ? makeRoom(box, boxes, readersOf(doc, goes?.to[0] ?? ""), direction, direction === "LR" ? gapFor(goes?.shape) : GAP_DOWN) : null;
    const free = ![...boxes.values()].some((other) => overlaps(box, other, 8));
    at[id] = moves || free ? [box.x, box.y] : freePlace(wish, size, [...boxes.values()]);
    for (const [moved, point] of Object.entries(moves ?? {})) {
      at[moved] = point;
      put(moved);
      pushing.add(id);
    }
    put(id);
  }
  return pushing;
}
