/** Everything a person can do on the canvas, whichever way: mouse, touch, keys, menus. */
import type { CanvasStore } from "./store";
import { axisOf } from "./layout";
import type { Answer, Point } from "./types";
import { Walking } from "./walking";

export { FRAME, type Flow } from "./view";
export { describe } from "./words";

export class Controller extends Walking {
  constructor(store: CanvasStore) {
    super(store);
    store.onAnswer = (answer) => this.answered(answer);
    store.subscribe(() => this.listen());
  }

  private heard = 0;

  /** A question that Python asks before it does what was done in the form, or on a number. */
  private listen(): void {
    const { asked } = this.doc;
    if (!asked || asked.id === this.heard) return;
    this.heard = asked.id;
    this.ui.set({ asked: { text: asked.text, title: asked.title, op: { op: "sure", id: asked.id }, yes: "Do it" }, said: `${asked.title} ${asked.text}` });
  }

  protected answered(answer: Answer): void {
    if (answer.ask && answer.op) {
      const many = answer.op.op === "delete" ? answer.op.nodes.length : 1;
      this.ui.set({ asked: { text: answer.ask, op: answer.op, title: many > 1 ? `Delete ${many} layers?` : "Delete this layer?", yes: "Delete" }, said: answer.ask });
    }
    for (const file of answer.files ?? []) download(file);
  }

  firstProblem(): void {
    const first = this.doc.first_problem;
    if (first && !this.openFirstProblem()) this.store.dispatch({ op: "show_problem", node: first.node, scope: first.scope });
  }

  /** Goes to the first problem and opens its repairs; false where it is in another block. */
  openFirstProblem(): boolean {
    const node = this.doc.first_problem?.node;
    if (!node || !this.doc.nodes[node]?.problems.length) return false;
    this.showNode(node);
    this.select([node]);
    this.ui.set({ problem: node });
    return true;
  }

  picture(format: "svg" | "png"): void {
    const lr = this.direction() === "LR";
    const at: Record<string, Point> = {}; // middles: a card of the picture has a size of its own
    for (const [id, node] of Object.entries(this.doc.nodes)) {
      const box = this.boxOf(id);
      if (box) at[id] = [box.x + box.w / 2, box.y + (lr ? axisOf(node, this.ui.state.unfolded.has(id)) : box.h / 2)];
    }
    void this.store.ask({ op: "picture", at, dark: this.box?.dataset["dark"] === "true", format });
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
