/** Lays a graph out away from the page, so that a big one never freezes it. */
import { Graphviz } from "@hpcc-js/wasm-graphviz";

export type Answer = { id: number; svg: string } | { id: number; error: string };

const ready = Graphviz.load();

self.onmessage = async (event: MessageEvent<{ id: number; dot: string }>) => {
  const { id, dot } = event.data;
  let answer: Answer;
  try {
    answer = { id, svg: (await ready).layout(dot, "svg", "dot") };
  } catch (problem) {
    answer = { id, error: problem instanceof Error ? problem.message : String(problem) };
  }
  self.postMessage(answer);
};
