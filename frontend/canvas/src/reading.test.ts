import { describe, expect, it } from "vitest";
import { keysOf } from "./Keys";
import { COMMANDS, comboOf, commandFor } from "./keys";
import { batchApart, inTwo, Labels } from "./labels";
import { nameApart } from "./layout";
import { GROWN, levelOf, LEVELS, TEXT } from "./levels";

const card = (x: number): { x: number; y: number; w: number; h: number } => ({ x, y: 0, w: 144, h: 94 });
const between = (gap: number, text: string): ReturnType<Labels["place"]> =>
  new Labels([card(0), card(144 + gap)], "LR").place({ start: 144, end: 144 + gap, out: 47, back: 47, lane: null, text });

describe("steps of the zoom", () => {
  it("keep the text of wires at ten pixels, on all but the last", () => {
    for (const zoom of [1.5, 1, 0.87, 0.75, 0.6, 0.51, 0.45, 0.36, 0.3]) expect(TEXT * zoom * (GROWN[levelOf(zoom)] ?? 0)).toBeGreaterThan(9.9);
    expect(levelOf(0.1)).toBe(LEVELS);
  });
});

describe("the text of a wire", () => {
  it("has a form without its batch, and one in two lines", () => {
    expect(batchApart("N×16×28×28")).toEqual(["N×", "16×28×28"]);
    expect(inTwo("N×16×28×28")).toEqual(["16", "28×28"]);
    expect(inTwo("N×32×64")).toEqual(["32×64", ""]);
    expect(inTwo("N×10")).toEqual(["10", ""]);
    expect(batchApart("?")).toEqual(["", "?"]);
    expect(batchApart("N×4, N×5")).toEqual(["", "N×4, N×5"]);
  });

  it("is whole where there is room, short from further away, in two lines from afar", () => {
    const { forms } = between(112, "N×16×28×28");
    expect(forms.full).toBeLessThan(forms.short);
    expect(forms.short).toBeLessThan(forms.two);
    expect(between(900, "N×16×28×28").forms.full).toBe(GROWN.length - 1);
  });

  it("leaves some of its wire to be seen on both sides, or stands around it", () => {
    const tight = between(80, "N×16×28×28").forms;
    expect([tight.full, tight.short]).toEqual([-1, -1]);
    expect(tight.two).toBeGreaterThan(0);
    // One number has no second line: it stands over the wire.
    const one = between(40, "N×10").forms;
    expect(one.short).toBeLessThan(one.two);
  });

  it("does not stand where another wire of its value branches off, if there is another place", () => {
    const labels = new Labels([], "LR");
    const wire = { start: 0, end: 600, out: 0, back: 0, lane: null, text: "N×16×28×28", id: "own", value: "v" };
    labels.cross([[0, 0], [600, 0]], { id: "own", value: "v" });
    labels.cross([[280, 0], [320, 60]], { id: "skip", value: "v" });
    labels.cross([[0, 0], [260, 0]], { id: "along", value: "v" });
    expect(labels.place(wire).label).toBe(0.4);
  });

  it("does not stand on another", () => {
    const labels = new Labels([], "LR");
    const wire = { start: 0, end: 400, out: 0, back: 0, lane: null, text: "N×16×28×28" };
    expect(labels.place(wire).label).toBe(0.5);
    expect(labels.place(wire).label).not.toBe(0.5);
  });
});

describe("names", () => {
  it("keep the end that tells them from their neighbours", () => {
    expect(nameApart("layer1_0_conv1")).toEqual(["layer1_0_", "conv1"]);
    expect(nameApart("encoder.layers.0.attention")).toEqual(["encoder.layers.0.", "attention"]);
    expect(nameApart("fc_1")).toEqual(["", "fc_1"]);
    expect(nameApart("___________")).toEqual(["", "___________"]);
  });
});

const press = (key: string, held: Partial<Record<"ctrlKey" | "metaKey" | "altKey" | "shiftKey", boolean>> = {}): KeyboardEvent =>
  ({ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...held }) as KeyboardEvent;

describe("keys", () => {
  it("mean one thing each, and are all on the sheet", () => {
    const keys = COMMANDS.flatMap((command) => command.keys);
    expect(new Set(keys).size).toBe(keys.length);
    for (const command of COMMANDS) expect(keysOf(command).length).toBeGreaterThan(0);
    const sheet = COMMANDS.flatMap((command) => keysOf(command));
    expect(sheet).toContain("Ctrl + Shift + G");
    expect(sheet).toContain("Alt + arrows");
    expect(new Set(sheet).size).toBe(sheet.length);
  });

  it("are found as they are pressed", () => {
    expect(commandFor(press("?", { shiftKey: true }))?.label).toBe("This sheet");
    expect(commandFor(press("G", { ctrlKey: true, shiftKey: true }))?.label).toBe("Ungroup");
    expect(comboOf(press("ArrowUp", { altKey: true, shiftKey: true }))).toBe("alt+shift+arrowup");
  });
});
