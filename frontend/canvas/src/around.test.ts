import { describe, expect, it } from "vitest";
import { NETWORKS } from "../dev/networks";
import { wayAround } from "./around";
import { meets, pointsOn } from "./geometry";
import { arrange, endsOf, nodeSize, type Box } from "./layout";
import { EMPTY } from "./replay";
import { curveOf, routes } from "./route";
import { wireId, type Document, type Point } from "./types";

function boxesOf(doc: Document, at: Record<string, Point>): Map<string, Box> {
  return new Map(doc.order.flatMap((id): [string, Box][] => {
    const [node, place] = [doc.nodes[id], at[id]];
    return node && place ? [[id, { x: place[0], y: place[1], ...nodeSize(node) }]] : [];
  }));
}

/** The layers that a wire runs behind, but its ends. */
function behind(doc: Document, boxes: Map<string, Box>, wire: string): string[] {
  const { from, to } = doc.wires[wire] as Document["wires"][string];
  const [ends, route] = [endsOf(doc, { from, to } as Document["wires"][string], boxes, "LR", new Set()), routes(doc, boxes, "LR").get(wire)];
  if (!ends || !route) throw new Error(wire);
  const line = pointsOn(curveOf(ends, route, "LR"), 24);
  return [...boxes].filter(([id, { x, y, w, h }]) => id !== from[0] && id !== to[0] && meets(line, { x: x + 2, y: y + 2, w: w - 4, h: h - 4 }) !== null).map(([id]) => id);
}

function wired(name: string, source: string, reader: string): [Document, string] {
  const doc = NETWORKS[name]?.() ?? EMPTY;
  const node = doc.nodes[reader];
  const to = [reader, node?.ins[0]?.name ?? "input", 0] as const;
  const id = wireId([...to]);
  return [{ ...doc, wires: { ...doc.wires, [id]: { from: [source, []], to: [...to], shape: "N×16×4×4", axes: "", bytes: null, ok: true } } }, id];
}

describe("a wire drawn by hand", () => {
  it("runs behind no layer on its way, ahead or back", () => {
    const doc = NETWORKS["resnet"]?.() ?? EMPTY;
    const boxes = boxesOf(doc, arrange(doc, "rows", undefined, { w: 1345, h: 813 }));
    const inner = doc.order.filter((id) => doc.nodes[id]?.ins.length && doc.nodes[id]?.outs.length);
    for (let at = 0; at < 24; at++) {
      const [source, reader] = [inner[(at * 17) % inner.length] ?? "", inner[(at * 31 + 5) % inner.length] ?? ""];
      if (source === reader) continue;
      const [with_, wire] = wired("resnet", source, reader);
      expect(behind(with_, boxes, wire), `${source} to ${reader}`).toEqual([]);
    }
  });

  it("finds its way where no lane leads to both ends", () => {
    // A row of three, and two under it that stand in the way on both sides.
    const spans = [[0, 100, 0, 80], [200, 300, 0, 80], [120, 260, 140, 220], [-60, 60, 140, 220], [100, 200, 300, 380]].map(([a = 0, b = 0, c = 0, d = 0]) => ({ a, b, c, d }));
    const way = wayAround([300, 40], [100, 340], spans, []) ?? [];
    const line: Point[] = [[300, 40], ...way, [100, 340]];
    expect(way.length).toBeGreaterThan(1);
    for (const { a, b, c, d } of spans) expect(meets(line, { x: a + 2, y: c + 2, w: b - a - 4, h: d - c - 4 })).toBeNull();
    expect(way[0]?.[1]).toBe(40);
    expect(way.at(-1)?.[1]).toBe(340);
  });

  it("has none where it is walled in", () => {
    const spans = [{ a: 0, b: 100, c: 0, d: 80 }, { a: 105, b: 140, c: -20, d: 100 }];
    expect(wayAround([100, 40], [400, 40], spans, [])).toBeNull();
  });
});

describe("a skip from the end of the row above", () => {
  it("comes from over its reader, not from under it", () => {
    const doc = NETWORKS["resnet"]?.() ?? EMPTY;
    const [id, skip] = Object.entries(doc.wires).find(([, { from, to }]) => to[2] === 1 && doc.nodes[from[0]]?.type === "ReLU") ?? ["", null];
    const boxes = boxesOf(doc, arrange(doc, "rows", undefined, { w: 725, h: 533 }));
    const [source, reader] = [boxes.get(skip?.from[0] ?? "") as Box, boxes.get(skip?.to[0] ?? "") as Box];
    // At the right end of a row above, with room for its wires between the two.
    const right = Math.max(...[...boxes.values()].map((box) => box.x + box.w));
    for (const [other, box] of boxes) if (box.y + box.h > reader.y - 40) boxes.set(other, { ...box, y: box.y + 400 });
    boxes.set(skip?.from[0] ?? "", { ...source, x: right + 80, y: reader.y });
    const lane = routes(doc, boxes, "LR").get(id)?.lane ?? Infinity;
    expect(lane).toBeLessThan(reader.y + 400);
  });
});
