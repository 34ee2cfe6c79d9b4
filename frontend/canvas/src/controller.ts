/** Everything a person can do on the canvas, whichever way: mouse, touch, keys, menus. */
import type { CanvasStore } from "./store";
import type { Answer } from "./types";
import { Walking } from "./walking";

export { FRAME, type Flow } from "./view";
export { describe } from "./words";

export class Controller extends Walking {
  constructor(store: CanvasStore) {
    super(store);
    store.onAnswer = (answer) => this.answered(answer);
  }

  protected answered(answer: Answer): void {
    if (answer.ask && answer.op) {
      const many = answer.op.op === "delete" ? answer.op.nodes.length : 1;
      this.ui.set({ asked: { text: answer.ask, op: answer.op, title: many > 1 ? `Delete ${many} layers?` : "Delete this layer?" }, said: answer.ask });
    }
    for (const file of answer.files ?? []) download(file);
  }

  firstProblem(): void {
    const first = this.doc.first_problem;
    if (!first) return;
    if (this.doc.nodes[first.node]?.problems.length) {
      this.showNode(first.node);
      this.select([first.node]);
      return this.ui.set({ problem: first.node });
    }
    this.store.dispatch({ op: "show_problem", node: first.node, scope: first.scope });
  }

  picture(format: "svg" | "png"): void {
    void this.store.ask({ op: "picture", at: this.store.placement.at, dark: this.box?.dataset["dark"] === "true", format });
    this.ui.set({ menu: null, said: "The picture is being drawn" });
  }
}

function download(file: NonNullable<Answer["files"]>[number]): void {
  const bytes = file.base64 === undefined ? new TextEncoder().encode(file.text ?? "") : Uint8Array.from(atob(file.base64), (one) => one.charCodeAt(0));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes], { type: file.type }));
  link.download = file.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
