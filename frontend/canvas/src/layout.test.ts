import { describe, expect, it } from "vitest";
import { NETWORKS } from "../dev/networks";
import { align, arrange, directionOf, distribute, freePlace, makeRoom, nodeSize, overlaps, type Box } from "./layout";
import { placed } from "./placing";
import { routes, wirePath } from "./route";
import { EMPTY } from "./replay";
import type { Document, LayerData, Point, WireData } from "./types";

const draw = (name: string): Document => NETWORKS[name]?.() ?? EMPTY;

function boxesOf(doc: Document, at: Record<string, Point>): Map<string, Box> {
  return new Map(doc.order.map((id) => {
    const node = doc.nodes[id];
    const [x, y] = at[id] ?? [0, 0];
    return [id, { x, y, ...(node ? nodeSize(node) : { w: 0, h: 0 }) }];
  }));
}

/** One layer behind the other, each tenth added to the one ten before. */
function chain(count: number): Document {
  const { nodes, order } = draw("hundred");
  const like = nodes[order[1] ?? ""] as LayerData;
  const doc: Document = { ...EMPTY, nodes: {}, wires: {}, order: [] };
  for (let at = 0; at < count; at++) {
    const id = `n${at}`;
    doc.order.push(id);
    doc.nodes[id] = { ...like, id };
    const wire = (from: number, slot: number): void => void (doc.wires[`${id}:input:${slot}`] = { from: [`n${from}`, []], to: [id, "input", slot], shape: "N×8×8×8", kind: "image", size: 1, fixed: false } as unknown as WireData);
    if (at) wire(at - 1, 0);
    if (at && at % 10 === 0) wire(at - 10, 1);
  }
  return doc;
}

const width = (at: Record<string, Point>): number => Math.max(...Object.values(at).map(([x]) => x));
const small = (x: number): Box => ({ x, y: 0, w: 10, h: 10 });

describe("arranging", () => {
  it.each(["resnet", "unet", "hundred", "parts"])("puts no layer of %s on another", (name) => {
    const doc = draw(name);
    for (const style of ["LR", "TB", "rows"] as const) {
      const boxes = [...boxesOf(doc, arrange(doc, style)).values()];
      boxes.forEach((box, at) => boxes.slice(at + 1).forEach((other) => expect(overlaps(box, other)).toBe(false)));
    }
  });

  it("draws what is too long for dagre, in order and without covering", () => {
    const doc = chain(5000);
    for (const style of ["LR", "rows"] as const) {
      const at = arrange(doc, style);
      const boxes = [...boxesOf(doc, at).values()].sort((one, other) => one.y - other.y || one.x - other.x);
      boxes.forEach((box, i) => boxes.slice(i + 1, i + 12).forEach((other) => expect(overlaps(box, other)).toBe(false)));
      if (style === "LR") for (const { from, to } of Object.values(doc.wires)) expect(at[from[0]]?.[0]).toBeLessThan(at[to[0]]?.[0] ?? 0);
    }
  });

  it("is told by its places again", () => {
    const doc = draw("unet");
    expect(directionOf(doc, boxesOf(doc, arrange(doc, "LR")))).toBe("LR");
    expect(directionOf(doc, boxesOf(doc, arrange(doc, "TB")))).toBe("TB");
  });

  it("breaks a long line into rows that fit a window better", () => {
    const doc = draw("resnet");
    expect(width(arrange(doc, "rows"))).toBeLessThan(width(arrange(doc, "LR")) / 2);
    const starts = Object.values(arrange(doc, "rows", undefined, { w: 725, h: 533 })).map(([x]) => x);
    expect(new Set(starts).size).toBeLessThan(12); // layers stand under each other
    const [narrow, wide] = [600, 1500].map((w) => width(arrange(doc, "rows", undefined, { w, h: 600 })));
    expect(narrow).toBeLessThanOrEqual(wide ?? 0);
  });
});

describe("wires", () => {
  it("that skip layers run around them", () => {
    const doc = draw("resnet");
    const boxes = boxesOf(doc, arrange(doc, "LR"));
    const found = routes(doc, boxes, "LR");
    const lanes = [...found].filter(([, route]) => route.lane !== null);
    expect(lanes.length).toBeGreaterThan(3);
    for (const [id, route] of lanes) {
      const wire = doc.wires[id];
      const from = boxes.get(wire?.from[0] ?? "");
      const to = boxes.get(wire?.to[0] ?? "");
      if (!from || !to || route.lane === null) continue;
      for (const box of boxes.values()) {
        if (box === from || box === to || box.x > to.x || box.x + box.w < from.x + from.w) continue;
        expect(route.lane < box.y || route.lane > box.y + box.h).toBe(true);
      }
    }
  });

  it("that are nested in each other make a U: its skips run straight over what is deeper", () => {
    const doc = draw("unet");
    const at = arrange(doc, "LR");
    const found = routes(doc, boxesOf(doc, at), "LR");
    expect(new Set(Object.values(at).map(([, y]) => Math.round(y / 100))).size).toBeGreaterThan(2);
    expect([...found.values()].filter((route) => route.lane !== null).length).toBe(0);
  });

  it("go down into a U that is drawn close where the window is narrow", () => {
    const doc = draw("unet");
    const [open, close] = [arrange(doc, "LR"), arrange(doc, "rows", undefined, { w: 725, h: 533 })];
    expect(width(close)).toBeLessThan(width(open) * 0.75);
    const boxes = [...boxesOf(doc, close).values()];
    boxes.forEach((box, at) => boxes.slice(at + 1).forEach((other) => expect(overlaps(box, other)).toBe(false)));
    expect(arrange(doc, "rows", undefined, { w: 9000, h: 900 })).toEqual(open);
  });

  it("of one value into several ports of one layer bear one label", () => {
    const doc = draw("parts");
    const [id, wire] = Object.entries(doc.wires)[0] ?? [];
    if (!id || !wire) throw new Error("no wire");
    const twice: Document = { ...doc, wires: { [id]: wire, other: { ...wire, to: [wire.to[0], "other", 0] } } };
    expect([...routes(twice, boxesOf(twice, arrange(twice, "LR")), "LR").values()].filter((route) => !route.quiet).length).toBe(1);
  });

  it("between neighbours on one line are straight, with the label in the middle", () => {
    expect(wirePath({ sx: 0, sy: 10, tx: 100, ty: 10 }, { lane: null, turn: [44, 44], label: 0.5 }, "LR")).toEqual({ path: "M0,10L100,10", x: 50, y: 10 });
  });
});

describe("places", () => {
  it("a free one covers nothing and is near the wish", () => {
    const box = { x: 0, y: 0, w: 100, h: 50 };
    const [x, y] = freePlace([0, 0], { w: 100, h: 50 }, [box]);
    expect(overlaps({ x, y, w: 100, h: 50 }, box)).toBe(false);
    expect(Math.hypot(x, y)).toBeLessThan(200);
  });

  it("are found for layers without one, next to what they read", () => {
    const doc = draw("parts");
    const at = arrange(doc, "LR");
    for (const id of doc.order) {
      const node = doc.nodes[id];
      if (node && node.type !== "Dropout") doc.nodes[id] = { ...node, at: at[id] ?? null };
    }
    const found = placed("test/", doc);
    expect(found.loose).toEqual(["dropout4"]);
    const boxes = boxesOf(doc, found.at);
    const own = boxes.get("dropout4");
    for (const [id, box] of boxes) if (own && id !== "dropout4") expect(overlaps(own, box)).toBe(false);
  });

  it("between two on a line come free by moving on what is behind", () => {
    const boxes = new Map([["a", { x: 0, y: 0, w: 100, h: 88 }], ["b", { x: 200, y: 0, w: 100, h: 88 }], ["c", { x: 400, y: 0, w: 100, h: 88 }], ["below", { x: 200, y: 300, w: 100, h: 88 }]]);
    const wish = { x: 196, y: 0, w: 140, h: 88 };
    expect(makeRoom(wish, boxes, new Set(["b", "c", "below"]), "LR", 64)).toEqual({ b: [400, 0], c: [600, 0] });
    expect(makeRoom(wish, boxes, new Set(["c"]), "LR", 64)).toBeNull();
  });

  it("line up along an edge; only those that must are moved", () => {
    expect(align({ a: { x: 0, y: 0, w: 10, h: 10 }, b: { x: 5, y: 40, w: 20, h: 10 } }, "left")).toEqual({ b: [0, 40] });
    expect(align({ a: { x: 0, y: 0, w: 10, h: 10 }, b: { x: 5, y: 40, w: 20, h: 10 } }, "right")).toEqual({ a: [15, 0] });
  });

  it("are spread with equal gaps", () => {
    expect(distribute({ a: small(0), b: small(12), c: small(90) }, true)).toEqual({ b: [45, 0] });
  });
});
