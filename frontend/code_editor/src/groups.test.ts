import { expect, it } from "vitest";
import { layersAt } from "./groups";

it("a line with one layer is that layer's", () => {
  expect(layersAt([[3, 9], [4, 10]], 9)).toEqual([0]);
  expect(layersAt([[3, 9], [4, 10]], 5)).toEqual([]);
});

it("two layers in a line are both in it", () => {
  expect(layersAt([[3, 9], [9], [4, 10]], 9)).toEqual([0, 1]);
  expect(layersAt([[3, 9], [9], [4, 10]], 3)).toEqual([0]);
});

it("an nn.Sequential around a line is not in it, but in its own first line and in its call", () => {
  const around = [[3, 4, 5, 6, 9], [4], [5]];
  expect(layersAt(around, 4)).toEqual([1]);
  expect(layersAt(around, 3)).toEqual([0]);
  expect(layersAt(around, 9)).toEqual([0]);
});
