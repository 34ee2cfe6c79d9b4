import { describe, expect, it } from "vitest";
import { NETWORKS } from "../dev/networks";
import { COMMANDS, comboOf } from "./keys";
import { read } from "./numbers";
import { EMPTY, replay } from "./replay";
import { luminance } from "./theme";
import { inHandle, outHandle, readIn, readOut, type Document, type Group } from "./types";
import { closesCircle, isLoose, ranked, reasonAgainst, slotOnBody } from "./wiring";

const doc = NETWORKS["parts"]?.() ?? EMPTY;

describe("a wire", () => {
  it("that would make a cycle is refused with a sentence", () => {
    expect(closesCircle(doc, "linear6", "embedding2")).toBe(true);
    expect(closesCircle(doc, "embedding2", "linear6")).toBe(false);
    expect(reasonAgainst(doc, ["linear6", []], ["embedding2", "input", 0], null)).toBe("“linear6” already reads “embedding2”: this wire would make a cycle.");
  });

  it("that Python says cannot fit is refused with Python's reason", () => {
    expect(reasonAgainst(doc, ["embedding2", []], ["linear6", "input", 0], { "linear6:input": "No." })).toBe("No.");
  });

  it("dropped on a body takes the first free port meant for it, else the first that fits", () => {
    const lstm = doc.nodes["lstm3"];
    const input = doc.nodes["input1"];
    if (!lstm || !input) throw new Error("no such layers");
    expect(slotOnBody(doc, ["input1", []], lstm, null)).toEqual(["lstm3", "input", 0]);
    const state: Document = { ...doc, nodes: { ...doc.nodes, input1: { ...input, outs: [{ path: [], name: "", kind: "state", shape: "1×N×256" }] } } };
    expect(slotOnBody(state, ["input1", []], lstm, null)).toEqual(["lstm3", "hx", 0]);
    expect(slotOnBody(doc, ["linear6", []], lstm, null)).toBeNull();
  });
});

describe("an operation shown before Python answers", () => {
  it("deletes a layer and rejoins its neighbours", () => {
    const next = replay(doc, { op: "delete", nodes: ["dropout4"], wires: [], frames: [], sure: false }, []);
    expect(next.nodes["dropout4"]).toBeUndefined();
    expect(next.wires["encoder5:input:0"]?.from[0]).toBe("lstm3");
  });

  it("does not show a delete that Python will ask about", () => {
    const next = replay(doc, { op: "delete", nodes: ["embedding2"], wires: [], frames: [], sure: false }, []);
    expect(next.nodes["embedding2"]).toBeDefined();
  });

  it("puts a loose layer on a wire", () => {
    const loose = replay(doc, { op: "add", key: "torch.nn.ReLU", id: "r", at: [0, 0], after: null, on: null, from: null, to: null }, []);
    expect(isLoose(loose, "r")).toBe(true);
    const next = replay(loose, { op: "insert", node: "r", on: "linear6:input:0", at: [5, 5] }, []);
    expect(next.wires["r:input:0"]?.from[0]).toBe("encoder5");
    expect(next.wires["linear6:input:0"]?.from[0]).toBe("r");
  });

  it("moves a wire's end in one go", () => {
    const next = replay(doc, { op: "connect", from: ["linear6", []], to: ["lstm3", "hx", 0], instead: "output7:input:0" }, []);
    expect(next.wires["output7:input:0"]).toBeUndefined();
    expect(next.wires["lstm3:hx:0"]?.from[0]).toBe("linear6");
  });
});

describe("the search", () => {
  const groups: Group[] = [{ title: "", family: "other", entries: [
    { key: "torch.nn.Linear", name: "Linear", family: "linear", words: "dense" }, { key: "torch.nn.Bilinear", name: "Bilinear", family: "linear" },
    { key: "torch.nn.ReLU", name: "ReLU", family: "activation" }, { key: "operator.add", name: "Add", family: "merge", hint: "+" },
  ] }];
  const names = (typed: string, keys: string[] | null = null): string[] => ranked(groups, typed, keys).map((entry) => entry.name);

  it("finds by name, by word and by symbol, the nearest first", () => {
    expect(names("lin")).toEqual(["Linear", "Bilinear"]);
    expect(names("dense")).toEqual(["Linear"]);
    expect(names("+")).toEqual(["Add"]);
    expect(names("zzz")).toEqual([]);
  });

  it("puts what fits first, in Python's order", () => {
    expect(names("", ["torch.nn.ReLU", "torch.nn.Bilinear"])).toEqual(["ReLU", "Bilinear", "Linear", "Add"]);
  });
});

describe("small things", () => {
  it("handles say their end and come back whole", () => {
    expect(readOut(outHandle([1, 0]))).toEqual([1, 0]);
    expect(readOut(outHandle([]))).toEqual([]);
    expect(readOut(outHandle(["a.b\"c", 2]))).toEqual(["a.b\"c", 2]);
    expect(outHandle(["a\"b"])).not.toContain("\"");
    expect(readIn(inHandle("input", 3))).toEqual(["input", 3]);
  });

  it("no key does two things", () => {
    const keys = COMMANDS.flatMap((command) => command.keys);
    expect(new Set(keys).size).toBe(keys.length);
    expect(comboOf({ key: "V", ctrlKey: true, metaKey: false, altKey: false, shiftKey: true })).toBe("ctrl+shift+v");
    expect(comboOf({ key: "?", ctrlKey: false, metaKey: false, altKey: false, shiftKey: true })).toBe("?");
  });

  it("a number on a layer keeps to its kind and bounds", () => {
    const field = { name: "k", value: 3, kind: "int" as const, min: 1, max: 9 };
    expect([read("4", field), read("4.5", field), read("0", field), read("", field), read("x", field)]).toEqual([4, null, null, null, null]);
  });

  it("tells a dark ground from a light one", () => {
    expect(luminance("#0e1117")).toBeLessThan(0.4);
    expect(luminance("rgb(255, 255, 255)")).toBeCloseTo(1);
    expect(luminance("#fff")).toBeCloseTo(1);
  });
});
