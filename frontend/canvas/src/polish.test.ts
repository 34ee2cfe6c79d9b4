import { describe, expect, it } from "vitest";
import { NETWORKS } from "../dev/networks";
import { reasonNot } from "./able";
import { readsAsShape, reasonAgainst, shortName } from "./numbers";
import { takesMore } from "./layout";
import { roomBeside } from "./Problems";
import { EMPTY } from "./replay";
import type { Quick } from "./types";
import { freeIndex, givesWords, readsWords } from "./wiring";

describe("numbers on a layer", () => {
  it("are called by whole words", () => {
    expect(["out_channels", "kernel_size", "num_layers", "embedding_dim", "negative_slope", "p", "dim"].map(shortName))
      .toEqual(["out", "kernel", "layers", "embedding", "slope", "p", "dim"]);
  });
  it("say why one is refused", () => {
    const field: Quick = { name: "kernel_size", value: 3, kind: "int", min: 1, max: 9 };
    expect(reasonAgainst("abc", field)).toBe("“abc” is not a whole number. Esc brings 3 back.");
    expect(reasonAgainst("1.5", field)).toContain("not a whole number");
    expect(reasonAgainst("0", field)).toBe("kernel_size is at least 1.");
    expect(reasonAgainst("12", field)).toBe("kernel_size is at most 9.");
  });
  it("read shapes as people write them", () => {
    expect(["N×1×28×28", "1,28,28", "n 784", "(3, 32, 32)", "1x28x28"].every(readsAsShape)).toBe(true);
    expect(["", "wide", "N×0", "3.5", "-1"].some(readsAsShape)).toBe(false);
  });
});

describe("the popover of problems", () => {
  const stage = { w: 800, h: 600 };
  it("stands under a layer where there is room, else over it", () => {
    expect(roomBeside({ x: 300, y: 40, w: 150, h: 90 }, stage)).toEqual({ up: false, high: 300, aside: 0 });
    expect(roomBeside({ x: 300, y: 450, w: 150, h: 90 }, stage).up).toBe(true);
  });
  it("keeps within the drawing", () => {
    expect(roomBeside({ x: 700, y: 40, w: 90, h: 90 }, stage).aside).toBe(-113);
    expect(roomBeside({ x: 0, y: 40, w: 100, h: 90 }, stage).aside).toBe(118);
    expect(roomBeside({ x: 300, y: 200, w: 100, h: 90 }, { w: 800, h: 480 }).high).toBeLessThan(200);
  });
});

describe("what can be done", () => {
  const doc = NETWORKS["parts"]?.() ?? EMPTY;
  const input = doc.order.find((id) => doc.nodes[id]?.kind === "input") ?? "";
  it("is told where it cannot", () => {
    expect(reasonNot("bypass", doc, [input])).toContain("passes nothing on");
    expect(reasonNot("freeze", doc, [input])).toContain("nothing to freeze");
    expect(reasonNot("bypass", doc, doc.order)).toBe("");
  });
});

describe("ports", () => {
  it("say what they are for", () => {
    expect(readsWords({ name: "input", kind: "any", wanted: "image", many: false, optional: false, slots: 1 }, "layer")).toBe("input reads images, N×C×H×W");
    expect(givesWords({ path: [], name: "", kind: "image", shape: "N×16×13×13" })).toBe("gives images, N×16×13×13");
  });
  it("take no more values than they have places for", () => {
    const states = { name: "hx", kind: "any", wanted: "any", many: true, optional: true } as const;
    expect([0, 1, 2].map((slots) => takesMore({ ...states, slots, most: 2 }))).toEqual([true, true, false]);
    expect(takesMore({ ...states, slots: 9 })).toBe(true);
    expect(freeIndex({ ...states, slots: 2, most: 2 })).toBe(0);
  });
});
