/** Everything a person can do on the canvas, whichever way: mouse, touch, keys, menus. */
import { Editing } from "./editing";
import type { CanvasStore } from "./store";
import { axisOf } from "./layout";
import type { Answer, Document, Point } from "./types";

export { FRAME, type Flow } from "./view";

export class Controller extends Editing {
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
    if (!first) return;
    if (this.doc.nodes[first.node]?.problems.length) {
      this.showNode(first.node);
      this.select([first.node]);
      return this.ui.set({ problem: first.node });
    }
    this.store.dispatch({ op: "show_problem", node: first.node, scope: first.scope });
  }

  /** The node nearest in a direction: along wires first, else by place. */
  step(key: "ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown", extend: boolean): void {
    const from = this.selected.at(-1);
    if (!from) {
      const first = this.doc.order[0];
      if (first) this.select([first]);
      return;
    }
    const next = this.nextInDirection(from, key);
    if (!next) return;
    this.select(extend ? [...new Set([...this.selected, next])] : [next], !extend);
    this.reveal(this.store.placement.at[next] ?? [0, 0]);
    const node = this.doc.nodes[next];
    if (node) this.ui.say(describe(node));
  }

  protected nextInDirection(from: string, key: string): string | null {
    const lr = this.direction() === "LR";
    const ahead = key === (lr ? "ArrowRight" : "ArrowDown");
    const back = key === (lr ? "ArrowLeft" : "ArrowUp");
    const wires = Object.values(this.doc.wires);
    if (ahead) {
      const found = wires.find((wire) => wire.from[0] === from);
      if (found) return found.to[0];
    }
    if (back) {
      const found = wires.find((wire) => wire.to[0] === from);
      if (found) return found.from[0];
    }
    const own = this.boxOf(from);
    if (!own) return null;
    let best: string | null = null;
    let cost = Infinity;
    for (const id of this.doc.order) {
      const box = id === from ? null : this.boxOf(id);
      if (!box) continue;
      const dx = box.x + box.w / 2 - own.x - own.w / 2;
      const dy = box.y + box.h / 2 - own.y - own.h / 2;
      const along = key === "ArrowRight" ? dx : key === "ArrowLeft" ? -dx : key === "ArrowDown" ? dy : -dy;
      const aside = key === "ArrowRight" || key === "ArrowLeft" ? Math.abs(dy) : Math.abs(dx);
      if (along <= 4) continue;
      if (along + aside * 2 < cost) [best, cost] = [id, along + aside * 2];
    }
    return best;
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

/** What a screen reader says of a node: "Conv2d conv1, N×16×28×28, 1 problem". */
export function describe(node: Document["nodes"][string]): string {
  const problems = node.problems.length;
  return [
    [node.type, node.name].filter(Boolean).join(" "),
    node.shape,
    node.bypassed ? "bypassed" : "",
    node.frozen ? "frozen" : "",
    node.repeat > 1 ? `${node.repeat} times` : "",
    problems ? `${problems} ${problems === 1 ? "problem" : "problems"}` : "",
  ].filter(Boolean).join(", ");
}

function download(file: NonNullable<Answer["files"]>[number]): void {
  const bytes = file.base64 === undefined ? new TextEncoder().encode(file.text ?? "") : Uint8Array.from(atob(file.base64), (one) => one.charCodeAt(0));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes], { type: file.type }));
  link.download = file.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
