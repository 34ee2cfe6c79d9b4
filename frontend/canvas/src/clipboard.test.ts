import { describe, expect, it } from "vitest";
import { isFragment, refusal } from "./clipboard";

describe("what is pasted", () => {
  it("is a piece of a network only if it begins like one", () => {
    expect(isFragment('  {"layerwise_fragment": 1, "nodes": []}')).toBe(true);
    for (const other of ["", "hunter2", '{"layerwise": 1}', '[{"layerwise_fragment"']) expect(isFragment(other)).toBe(false);
  });
  it("is refused in one sentence", () => {
    expect(refusal('{"layerwise_fragment": 1}')).toBe("");
    expect(refusal("hunter2")).toMatch(/holds no layers/);
    expect(refusal(`{"layerwise_fragment": "${"x".repeat(4_000_000)}"}`)).toMatch(/too much/);
  });
});
