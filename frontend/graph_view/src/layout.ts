import type { Answer } from "./layout.worker";
import LayoutWorker from "./layout.worker?worker&inline";

const PATIENCE_MS = 30_000;
const MOST_REMEMBERED = 12;

// One worker serves every graph on the page: Graphviz is compiled once.
let worker: Worker | null = null;
let asked = 0;
const waiting = new Map<number, { done: (svg: string) => void; failed: (problem: Error) => void }>();
const drawn = new Map<string, string>();

/** The SVG of a DOT text; rejects with a sentence for the screen. */
export function layOut(dot: string): Promise<string> {
  const known = drawn.get(dot);
  if (known !== undefined) return Promise.resolve(known);
  return new Promise<string>((done, failed) => {
    const id = ++asked;
    const patience = setTimeout(() => {
      stop(new Error("This graph took longer than 30 seconds to lay out. Fold its blocks or use a smaller network."));
    }, PATIENCE_MS);
    waiting.set(id, {
      done: (svg) => {
        clearTimeout(patience);
        remember(dot, svg);
        done(svg);
      },
      failed: (problem) => {
        clearTimeout(patience);
        failed(problem);
      },
    });
    (worker ??= start()).postMessage({ id, dot });
  });
}

function start(): Worker {
  const fresh = new LayoutWorker();
  fresh.onmessage = (event: MessageEvent<Answer>) => {
    const answer = event.data;
    const asker = waiting.get(answer.id);
    waiting.delete(answer.id);
    if ("svg" in answer) asker?.done(answer.svg);
    else asker?.failed(new Error(`This graph could not be drawn: ${answer.error.trim()}`));
  };
  fresh.onerror = () => stop(new Error("This graph could not be drawn: the layout stopped. Reload the page."));
  return fresh;
}

/** Ends the worker and tells everybody who waits. The next graph starts a fresh one. */
function stop(problem: Error): void {
  worker?.terminate();
  worker = null;
  const askers = [...waiting.values()];
  waiting.clear();
  for (const asker of askers) asker.failed(problem);
}

function remember(dot: string, svg: string): void {
  drawn.set(dot, svg);
  if (drawn.size > MOST_REMEMBERED) drawn.delete(drawn.keys().next().value ?? "");
}
