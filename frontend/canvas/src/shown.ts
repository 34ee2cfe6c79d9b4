/** React Flow's nodes and edges for a document; what did not change stays the same object. */
import type { Edge, Node } from "@xyflow/react";
import { FRAME } from "./view";
import type { FrameNodeType } from "./FrameNode";
import type { LayerNodeType } from "./LayerNode";
import { nodeSize, type Box, type Direction } from "./layout";
import { NOWHERE } from "./labels";
import { outHandle, inHandle, type Document, type Point } from "./types";
import type { Route } from "./route";
import { describe, wireWords } from "./words";
import { wireWidth, type ShapeEdgeType } from "./ShapeEdge";

export type ShownNode = LayerNodeType | FrameNodeType;

export function shownNodes(
  previous: Node[], doc: Document, at: Record<string, Point>, direction: Direction, unfolded: ReadonlySet<string>, frames: ReadonlySet<string>,
): Node[] {
  const old = new Map(previous.map((node) => [node.id, node]));
  const selected = new Set(doc.selected);
  const nodes: Node[] = [];
  for (const [id, frame] of Object.entries(doc.frames)) {
    const before = old.get(FRAME + id) as FrameNodeType | undefined;
    const marked = frames.has(id);
    if (before?.dragging || before?.resizing || (before && before.data.frame === frame && before.selected === marked)) {
      nodes.push(before);
      continue;
    }
    nodes.push({
      ...before, id: FRAME + id, type: "frame", position: { x: frame.at[0], y: frame.at[1] }, width: frame.size[0], height: frame.size[1],
      data: { id, frame }, selected: marked, zIndex: frame.kind === "note" ? 1 : -1, connectable: false,
      ariaLabel: `${frame.kind === "note" ? "Note" : "Frame"} ${frame.title || frame.text}`,
    });
  }
  const focusable = doc.selected.find((id) => doc.nodes[id]) ?? doc.order[0];
  for (const id of doc.order) {
    const node = doc.nodes[id];
    if (!node) continue;
    const before = old.get(id) as LayerNodeType | undefined;
    const place = at[id] ?? [0, 0];
    const open = unfolded.has(id);
    const stays = before !== undefined && (before.dragging === true || (before.position.x === place[0] && before.position.y === place[1]));
    const sameData = before !== undefined && before.data.node === node && before.data.direction === direction && before.data.unfolded === open;
    const tab = id === focusable ? 0 : -1;
    const marked = selected.has(id);
    if (before && stays && sameData && before.selected === marked && before.domAttributes?.["tabIndex" as never] === tab) {
      nodes.push(before);
      continue;
    }
    const size = nodeSize(node, open);
    nodes.push({
      ...before, id, type: "layer", position: stays ? before.position : { x: place[0], y: place[1] }, width: size.w, height: size.h,
      data: sameData ? before.data : { node, unfolded: open, direction }, selected: marked, zIndex: marked ? 10 : 0, ariaLabel: describe(node),
      domAttributes: { tabIndex: tab } as NonNullable<Node["domAttributes"]>,
    });
  }
  return nodes;
}

export function shownEdges(
  previous: Edge[], doc: Document, found: Map<string, Route>, direction: Direction, bytes: boolean, over: string | null, marked: ReadonlySet<string>,
): Edge[] {
  const old = new Map(previous.map((edge) => [edge.id, edge as ShapeEdgeType]));
  const edges: Edge[] = [];
  // What bears no label of its own is drawn first: it must not strike out another's.
  const quiet = (id: string): number => (found.get(id)?.quiet ? 0 : 1);
  for (const [id, wire] of Object.entries(doc.wires).sort(([a], [b]) => quiet(a) - quiet(b))) {
    if (!doc.nodes[wire.from[0]] || !doc.nodes[wire.to[0]]) continue;
    const route = found.get(id) ?? { lane: null, turn: [44, 44], label: 0.5, forms: NOWHERE, quiet: false };
    const width = wireWidth(wire.bytes, bytes);
    const before = old.get(id);
    const data = before?.data;
    const said = wireWords(doc, wire);
    const same = data && before.ariaLabel === said && data.wire === wire && data.direction === direction && data.width === width && data.over === (over === id)
      && data.route.lane === route.lane && data.route.quiet === route.quiet && data.route.label === route.label && data.route.turn.join() === route.turn.join() && data.route.corners?.join() === route.corners?.join()
      && data.route.forms.full === route.forms.full && data.route.forms.short === route.forms.short && data.route.forms.two === route.forms.two;
    if (same && before.selected === marked.has(id)) {
      edges.push(before);
      continue;
    }
    edges.push({
      id, type: "shape", source: wire.from[0], target: wire.to[0], sourceHandle: outHandle(wire.from[1]), targetHandle: inHandle(wire.to[1], wire.to[2]),
      selected: marked.has(id), selectable: !wire.fixed, reconnectable: wire.fixed ? false : "target", zIndex: over === id ? 20 : 0,
      ariaLabel: said, data: same ? data : { wire, route, direction, width, over: over === id },
    } satisfies ShapeEdgeType);
  }
  return edges;
}

export function shownBoxes(doc: Document, at: Record<string, Point>, unfolded: ReadonlySet<string>): Map<string, Box> {
  const boxes = new Map<string, Box>();
  for (const id of doc.order) {
    const node = doc.nodes[id];
    const place = at[id];
    if (node && place) boxes.set(id, { x: place[0], y: place[1], ...nodeSize(node, unfolded.has(id)) });
  }
  return boxes;
}
