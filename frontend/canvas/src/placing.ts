/** Where every node of a document is shown: at its own place, or at one found for it. */
import { arrange, freePlace, nodeSize, type Box } from "./layout";
import { copied, none } from "./replay";
import type { Room } from "./rows";
import type { Document, Point } from "./types";

export interface Placement {
  at: Record<string, Point>;
  /** Nodes that Python knows no place for. */
  loose: string[];
}

const GAP = 96;
/** What was worked out per canvas, so that a document drawn again stands where it stood. */
const remembered = new Map<string, { drawn: string; at: Record<string, Point> }>();

export function placed(canvas: string, doc: Document, room?: Room): Placement {
  const loose = doc.order.filter((id) => !doc.nodes[id]?.at);
  const at = none<Point>();
  for (const id of doc.order) {
    const own = doc.nodes[id]?.at;
    if (own) at[id] = own;
  }
  if (!loose.length) return { at, loose };
  const old = remembered.get(canvas);
  if (loose.length === doc.order.length) {
    const drawn = `${doc.order.join()}|${Object.entries(doc.wires).map(([id, wire]) => `${wire.from[0]}>${id}`).join()}`;
    const found = old?.drawn === drawn ? old.at : arrange(doc, doc.settings["direction"] === "TB" ? "TB" : "rows", undefined, room);
    remembered.set(canvas, { drawn, at: found });
    return { at: copied(found), loose };
  }
  placeBeside(doc, loose, at, old?.at ?? none());
  const known = copied(old?.at ?? none<Point>());
  for (const id of loose) known[id] = at[id] as Point;
  remembered.set(canvas, { drawn: old?.drawn ?? "", at: known });
  return { at, loose };
}

/** Each loose node next to what it reads, where it covers nothing. */
function placeBeside(doc: Document, loose: string[], at: Record<string, Point>, before: Record<string, Point>): void {
  const boxes: Box[] = [];
  const boxOf = (id: string): Box | null => {
    const point = at[id];
    const node = doc.nodes[id];
    return point && node ? { x: point[0], y: point[1], ...nodeSize(node) } : null;
  };
  for (const id of Object.keys(at)) {
    const box = boxOf(id);
    if (box) boxes.push(box);
  }
  const wires = Object.values(doc.wires);
  for (const id of loose) {
    const node = doc.nodes[id];
    if (!node) continue;
    const kept = before[id];
    const source = wires.find((wire) => wire.to[0] === id && at[wire.from[0]])?.from[0];
    const reader = wires.find((wire) => wire.from[0] === id && at[wire.to[0]])?.to[0];
    const beside = source ? boxOf(source) : null;
    const ahead = reader ? boxOf(reader) : null;
    const size = nodeSize(node);
    const last = boxes.at(-1);
    const wish: Point = kept
      ?? (beside ? [beside.x + beside.w + GAP, beside.y + (beside.h - size.h) / 2]
        : ahead ? [ahead.x - GAP - size.w, ahead.y]
          : last ? [last.x, last.y + last.h + 32] : [0, 0]);
    at[id] = kept ?? freePlace(wish, size, boxes);
    boxes.push({ x: (at[id] as Point)[0], y: (at[id] as Point)[1], ...size });
  }
}
