import { describe, expect, it } from "vitest";
import { NETWORKS } from "../dev/networks";
import { framesAlong, membersOf } from "./frames";
import { meets, pointsOn } from "./geometry";
import { arrange, closeGaps, endsOf, freePlace, gapFor, makeRoom, nodeSize, overlaps, type Box } from "./layout";
import { placed } from "./placing";
import { EMPTY, provisional } from "./replay";
import { curveOf, routes } from "./route";
import { wireId, type Document, type FrameData, type LayerData, type Point } from "./types";

const SHAPE = "N×16×26×26";

/** x, conv1, relu1, pool1, conv2, add1, flatten1, linear1, output, with or without a skip from pool1 to add1. */
function chain(skip: "none" | "first" | "second" = "none"): Document {
  const doc: Document = { ...EMPTY, nodes: {}, wires: {}, order: [] };
  const layer = (id: string, type: string, reads: string[]): void => {
    const ports = type === "add" ? ["input", "other"] : ["input"];
    const node: LayerData = { ...provisional(id, { key: type, name: type, family: "other" }, type, [0, 0], ports), name: id, at: null, shape: SHAPE, words: type === "Conv2d" ? "16 → 16, kernel_size=3" : "" };
    doc.nodes[id] = { ...node, ins: node.ins.map((port, at) => ({ ...port, slots: reads[at] ? 1 : 0 })) };
    doc.order.push(id);
    reads.forEach((from, at) => {
      doc.wires[wireId([id, ports[at] ?? "input", 0])] = { from: [from, []], to: [id, ports[at] ?? "input", 0], shape: SHAPE, axes: "", bytes: null, ok: true };
    });
  };
  layer("x", "Input", []);
  layer("conv1", "Conv2d", ["x"]);
  layer("relu1", "ReLU", ["conv1"]);
  layer("pool1", "MaxPool2d", ["relu1"]);
  layer("conv2", "Conv2d", ["pool1"]);
  if (skip !== "none") layer("add1", "add", skip === "second" ? ["conv2", "pool1"] : ["pool1", "conv2"]);
  layer("flatten1", "Flatten", [skip === "none" ? "conv2" : "add1"]);
  layer("linear1", "Linear", ["flatten1"]);
  layer("output", "Output", ["linear1"]);
  return doc;
}

function boxesOf(doc: Document, at: Record<string, Point>): Map<string, Box> {
  return new Map(doc.order.map((id) => {
    const [x, y] = at[id] ?? [0, 0];
    return [id, { x, y, ...nodeSize(doc.nodes[id] as LayerData) }];
  }));
}

const wide = (boxes: Map<string, Box>): number => Math.max(...[...boxes.values()].map((box) => box.x + box.w));

describe("rows", () => {
  it.each(["none", "first", "second"] as const)("are made of a line that does not fit (skip: %s), however it stands now", (skip) => {
    const doc = chain(skip);
    for (const room of [{ w: 725, h: 533 }, { w: 780, h: 480 }, { w: 900, h: 640 }]) {
      const once = boxesOf(doc, arrange(doc, "rows", undefined, room));
      expect(wide(once) * 0.7).toBeLessThan(room.w);
      // Where layers stand now, and in which direction, says nothing of where they shall stand.
      const again = arrange(doc, "rows", boxesOf(doc, arrange(doc, "LR")), room);
      expect(boxesOf(doc, again)).toEqual(once);
      expect(arrange(doc, "rows", once, room)).toEqual(again);
    }
  });

  it("begin with no lone layer, and with no value that the row reads in several places", () => {
    const boxes = boxesOf(chain("second"), arrange(chain("second"), "rows", undefined, { w: 780, h: 480 }));
    expect(boxes.get("pool1")?.x).toBe(boxes.get("x")?.x);
    expect(Math.abs((boxes.get("pool1")?.y ?? 0) - (boxes.get("conv2")?.y ?? 99))).toBeLessThan(1);
  });
});

describe("a skip", () => {
  it.each([["first", -1], ["second", 1]] as const)("into the %s input runs on that side of the layers", (skip, side) => {
    const doc = chain(skip);
    const boxes = boxesOf(doc, arrange(doc, "LR"));
    const lane = routes(doc, boxes, "LR").get(wireId(["add1", skip === "first" ? "input" : "other", 0]))?.lane ?? 0;
    const between = boxes.get("conv2") as Box;
    if (side < 0) expect(lane).toBeLessThan(between.y);
    else expect(lane).toBeGreaterThan(between.y + between.h);
  });

  it.each(["resnet", "unet", "parts"])("of %s runs behind no layer", (name) => {
    const doc = NETWORKS[name]?.() ?? EMPTY;
    for (const style of ["LR", "rows"] as const) {
      const boxes = boxesOf(doc, arrange(doc, style, undefined, { w: 725, h: 533 }));
      const found = routes(doc, boxes, "LR");
      for (const [id, wire] of Object.entries(doc.wires)) {
        const [ends, route] = [endsOf(doc, wire, boxes, "LR", new Set()), found.get(id)];
        if (!ends || !route) continue;
        const line = pointsOn(curveOf(ends, route, "LR"), 24);
        for (const [other, { x, y, w, h }] of boxes) {
          const inner = { x: x + 3, y: y + 3, w: w - 6, h: h - 6 };
          if (other !== wire.from[0] && other !== wire.to[0]) expect(meets(line, inner), `${id} behind ${other}`).toBeNull();
        }
      }
    }
  });
});

describe("a box on wires", () => {
  const line: Point[] = [[0, 0], [300, 0]];
  it("covers one that runs through it, wherever the pointer is", () => {
    expect(meets(line, { x: 100, y: -60, w: 100, h: 70 })).toBe(25);
    expect(meets(line, { x: 100, y: 1, w: 100, h: 70 })).toBeNull();
    expect(meets(line, { x: 320, y: -10, w: 100, h: 70 })).toBeNull();
  });
  it("is nearer to the one by its middle", () => {
    const box = { x: 100, y: -20, w: 100, h: 70 };
    const [far, near] = [meets(line, box), meets([[0, 10], [300, 20]], box)];
    expect(near ?? 99).toBeLessThan(far ?? 0);
  });
});

describe("room", () => {
  it("is made by pushing on what comes behind, and what that would cover", () => {
    const boxes = new Map([["a", { x: 0, y: 0, w: 100, h: 80 }], ["b", { x: 200, y: 0, w: 100, h: 80 }], ["beside", { x: 320, y: 60, w: 100, h: 80 }]]);
    expect(makeRoom({ x: 200, y: 0, w: 100, h: 80 }, boxes, new Set(["b"]), "LR", 96)).toEqual({ b: [400, 0], beside: [520, 60] });
  });
  it("is closed where layers became one block", () => {
    const boxes = new Map([["a", { x: 0, y: 0, w: 100, h: 80 }], ["block", { x: 200, y: 0, w: 100, h: 80 }], ["b", { x: 1000, y: 0, w: 100, h: 80 }]]);
    expect(closeGaps(boxes, { x: 200, y: 0, w: 700, h: 80 })).toEqual({ b: [416, 0] });
    expect(closeGaps(boxes, { x: 0, y: 300, w: 10, h: 10 })).toEqual({});
  });
  it("is found for a layer that Python put between two, on their line", () => {
    const doc = chain();
    const at = arrange(doc, "LR");
    const nodes = Object.fromEntries(doc.order.map((id) => [id, { ...doc.nodes[id], at: id === "flatten1" ? null : at[id] } as LayerData]));
    const tight: Document = { ...doc, nodes: { ...nodes, linear1: { ...nodes["linear1"], at: at["flatten1"] } as LayerData } };
    const found = placed("between", tight);
    const boxes = boxesOf(tight, found.at);
    const all = [...boxes.values()];
    all.forEach((box, i) => all.slice(i + 1).forEach((other) => expect(overlaps(box, other)).toBe(false)));
    expect(boxes.get("flatten1")?.y).toBe(boxes.get("conv2")?.y);
    expect(found.moved).toContain("linear1");
    expect((boxes.get("linear1")?.x ?? 0) - wide(new Map([["f", boxes.get("flatten1") as Box]]))).toBeGreaterThanOrEqual(gapFor(SHAPE));
  });
  it("is looked for as large as it is, also where a place is given along", () => {
    const box = { x: 0, y: 0, w: 100, h: 80 };
    expect(overlaps({ ...box, ...Object.fromEntries(["x", "y"].map((key, at) => [key, freePlace([0, 10], box, [box])[at]])) }, box)).toBe(false);
  });
});

const frame = (kind: "frame" | "note", at: Point, size: Point): FrameData => ({ title: "", text: "", colour: "blue", kind, at, size });

describe("frames and notes", () => {
  it("go with their layers when all are arranged", () => {
    const doc = chain("second");
    const before = boxesOf(doc, arrange(doc, "LR"));
    const [conv, add, linear] = ["conv2", "add1", "linear1"].map((id) => before.get(id) as Box) as [Box, Box, Box];
    const framed: Document = { ...doc, frames: {
      block: frame("frame", [conv.x - 24, add.y - 48], [add.x + add.w - conv.x + 48, 200]),
      note: frame("note", [linear.x, linear.y + linear.h + 16], [200, 60]),
      inside: frame("note", [conv.x, conv.y + conv.h + 4], [80, 20]),
    } };
    expect(membersOf(framed.frames["block"] as FrameData, before).sort()).toEqual(["add1", "conv2"]);
    for (const style of ["rows", "TB"] as const) {
      const after = boxesOf(doc, arrange(doc, style, undefined, { w: 780, h: 480 }));
      const found = framesAlong(framed, before, after);
      const [x, y, w, h] = found["block"] ?? [0, 0, 0, 0];
      const moved: Document = { ...framed, frames: { block: frame("frame", [x, y], [w, h]) } };
      expect(membersOf(moved.frames["block"] as FrameData, after).sort()).toEqual(["add1", "conv2"]);
      const [nx, ny, nw, nh] = found["note"] ?? [0, 0, 0, 0];
      const now = after.get("linear1") as Box;
      expect(Math.hypot(nx - now.x, ny - now.y)).toBeLessThan(400);
      for (const box of after.values()) expect(overlaps(box, { x: nx, y: ny, w: nw, h: nh })).toBe(false);
    }
  });
  it("close in on a block that took layers in", () => {
    const before = new Map([["a", { x: 0, y: 0, w: 100, h: 80 }], ["b", { x: 200, y: 0, w: 100, h: 80 }]]);
    const doc: Document = { ...EMPTY, frames: { f: frame("frame", [-24, -48], [348, 152]) } };
    const after = new Map([["block", { x: 0, y: 0, w: 184, h: 74 }]]);
    expect(framesAlong(doc, before, after, { gone: new Set(["a", "b"]), by: "block" })["f"]).toEqual([-24, -48, 232, 146]);
  });
});

/** The chain as it stands in rows or in one line, and ten layers without a place between pool1 and flatten1. */
function opened(style: "rows" | "LR"): Document {
  const doc = chain();
  const at = arrange(doc, style, undefined, { w: 780, h: 480 });
  for (const id of doc.order) doc.nodes[id] = { ...(doc.nodes[id] as LayerData), at: at[id] as Point };
  const read = (from: string, to: string): void => {
    doc.wires[wireId([to, "input", 0])] = { from: [from, []], to: [to, "input", 0], shape: SHAPE, axes: "", bytes: null, ok: true };
  };
  const came = Array.from({ length: 10 }, (_, index) => `came${index}`);
  for (const [index, id] of came.entries()) {
    doc.nodes[id] = { ...(doc.nodes["relu1"] as LayerData), id, name: id, at: null };
    read(came[index - 1] ?? "pool1", id);
  }
  read("came9", "flatten1");
  delete doc.nodes["conv2"];
  delete doc.wires[wireId(["conv2", "input", 0])];
  doc.order = [...doc.order.filter((id) => id !== "conv2"), ...came];
  return doc;
}

describe("layers that come as a whole", () => {
  it.each(["rows", "LR"] as const)("cover nothing and stand close together (%s)", (style) => {
    const doc = opened(style);
    const boxes = boxesOf(doc, placed(`whole ${style}`, doc, { w: 780, h: 480 }).at);
    for (const [id, box] of boxes) for (const [other, one] of boxes) if (id < other) expect(overlaps(box, one), `${id} ${other}`).toBe(false);
    const own = [...boxes].filter(([id]) => id.startsWith("came")).map(([, box]) => box);
    expect(Math.max(...own.map((box) => box.x + box.w)) - Math.min(...own.map((box) => box.x))).toBeLessThan(1500);
  });

  it("leave further rows where they are along, and push what follows in a line", () => {
    for (const style of ["rows", "LR"] as const) {
      const doc = opened(style);
      const { at } = placed(`sent ${style}`, doc, { w: 780, h: 480 });
      const [was, is] = [doc.nodes["linear1"]?.at as Point, at["linear1"] as Point];
      expect([is[0] > was[0], is[1] >= was[1]]).toEqual([style === "LR", true]);
      for (const id of ["x", "conv1", "relu1", "pool1"]) expect(at[id]).toEqual(doc.nodes[id]?.at);
    }
  });
});
