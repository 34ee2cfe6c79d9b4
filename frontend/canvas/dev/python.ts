/** A stand-in for Python: keeps a document, does operations loosely, answers questions. For trying and tests only. */
import { EMPTY, replay } from "../src/replay";
import type { Answer, Document, Group, Message, Outbox, Sent } from "../src/types";
import { NETWORKS } from "./networks";

const entry = (key: string, name: string, family: string, words = "", hint = "") => ({ key, name, family, words, help: `${name}: as torch.nn.${name} does it`, ...(hint ? { hint } : {}) });
const LAYERS = [
  entry("torch.nn.Linear", "Linear", "linear", "dense fully connected"), entry("torch.nn.ReLU", "ReLU", "activation"),
  entry("torch.nn.Conv2d", "Conv2d", "convolution"), entry("torch.nn.MaxPool2d", "MaxPool2d", "pooling"),
  entry("torch.nn.BatchNorm2d", "BatchNorm2d", "normalization"), entry("torch.nn.Dropout", "Dropout", "dropout"),
  entry("torch.nn.Flatten", "Flatten", "shape"), entry("torch.nn.LSTM", "LSTM", "recurrent", "rnn"),
  entry("operator.add", "Add", "merge", "sum residual", "+"), entry("torch.cat", "Concatenate", "merge", "", "torch.cat"),
];
const GROUPS: Group[] = [
  { title: "Often used", family: "other", entries: LAYERS },
  { title: "Inputs, outputs, branches", family: "other", entries: [entry("input", "Input", "other"), entry("output", "Output", "other")] },
  { title: "Convolution", family: "convolution", entries: [entry("torch.nn.Conv1d", "Conv1d", "convolution"), entry("torch.nn.Conv2d", "Conv2d", "convolution"), entry("torch.nn.ConvTranspose2d", "ConvTranspose2d", "convolution")] },
  { title: "Activation", family: "activation", entries: [entry("torch.nn.GELU", "GELU", "activation"), entry("torch.nn.Sigmoid", "Sigmoid", "activation"), entry("torch.nn.Tanh", "Tanh", "activation")] },
];
const MARKS: Record<string, [string, string]> = {
  linear: ["#1039a1", "#5a6fe2"], convolution: ["#c03e0a", "#b06504"], pooling: ["#c9800e", "#f0ca01"], activation: ["#047b50", "#63f09a"],
  normalization: ["#7e5cd2", "#cc92ff"], dropout: ["#a18b85", "#c2d8eb"], recurrent: ["#944e93", "#f56a96"], transformer: ["#3d2e5d", "#6e5c8e"],
  embedding: ["#3699ca", "#08acbf"], shape: ["#515d6c", "#b2c1ad"], merge: ["#752006", "#b13a42"], other: ["#51485c", "#8a947d"],
};

export class FakePython {
  private past: { label: string; document: Document }[] = [];
  private future: { label: string; document: Document }[] = [];
  private revisions = new Map<number, Document>();
  private done: Record<string, number> = {};
  private answer: Answer | null = null;
  private seen: number | null = null;
  private rev = 1;
  private catalogue = false;
  document: Document;
  taken = 0;

  constructor(name: string) {
    this.document = NETWORKS[name]?.() ?? EMPTY;
  }

  message(height: number): Message {
    const document: Document = { ...this.document, undo: this.past.at(-1)?.label ?? null, redo: this.future.at(-1)?.label ?? null, history: [[...this.past.map((step) => step.label), ...this.future.map((step) => step.label).reverse()], this.past.length] };
    this.revisions.set(this.rev, document);
    const base = this.seen === null ? undefined : this.revisions.get(this.seen);
    const first = !this.catalogue;
    this.catalogue = true;
    return {
      canvas: "demo/", block: "", ack: { ...this.done }, rev: this.rev, height, answer: this.answer,
      ...(base && this.seen !== null ? { patch: { from: this.seen, ...difference(base, document) } } : { full: document }),
      ...(first ? { catalogue: { version: 1, groups: GROUPS } } : {}),
      colours: Object.fromEntries(Object.entries(MARKS).map(([name, [light, dark]]) => [name, [light, dark, `${light}22`, `${dark}38`]])),
    };
  }

  take(box: Outbox): void {
    this.seen = box.seen;
    for (const op of box.ops) {
      if (op.seq <= (this.done[box.client] ?? 0)) continue;
      this.done[box.client] = op.seq;
      this.taken += 1;
      this.apply(op);
    }
    this.rev += 1;
  }

  private apply(op: Sent): void {
    const before = this.document;
    switch (op.op) {
      case "fits":
        this.answer = { seq: op.seq, keys: ["torch.nn.ReLU", "torch.nn.BatchNorm2d"], slots: Object.fromEntries(Object.values(before.nodes).filter((node) => node.type === "Linear").map((node) => [`${node.id}:input`, "Linear expects features in its last axis, 512 of them; this value has 7."])) };
        return;
      case "effect":
        this.answer = { seq: op.seq, text: "changes 3 layers, 1 loses trained weights" };
        return;
      case "picture":
        this.answer = { seq: op.seq, files: [{ name: "net.svg", type: "image/svg+xml", text: "<svg xmlns='http://www.w3.org/2000/svg'/>" }] };
        return;
      case "undo": return this.travel(this.past, this.future);
      case "redo": return this.travel(this.future, this.past);
      case "goto":
        while (this.past.length > op.position) this.travel(this.past, this.future);
        while (this.past.length < op.position && this.future.length) this.travel(this.future, this.past);
        return;
      case "delete":
        if (!op.sure && op.nodes.some((id) => before.nodes[id]?.trained)) {
          this.answer = { seq: op.seq, ask: "Changes 8 layers, 3 lose trained weights.", op: { ...op } };
          return;
        }
        break;
      case "duplicate":
        this.document = { ...before, nodes: { ...before.nodes }, order: [...before.order] };
        for (const id of op.nodes) {
          const node = before.nodes[id];
          if (!node) continue;
          const copy = `${id}_copy${this.rev}`;
          this.document.nodes[copy] = { ...node, id: copy, name: `${node.name}_1`, at: node.at ? [node.at[0] + 32, node.at[1] + 120] : null };
          this.document.order.push(copy);
        }
        this.past.push({ label: "Duplicate", document: before });
        return;
      case "repair":
        this.document = { ...before, nodes: Object.fromEntries(Object.entries(before.nodes).map(([id, node]) => [id, { ...node, problems: [] }])), totals: { ...before.totals, problems: 0 }, first_problem: null };
        this.past.push({ label: "Repair", document: before });
        return;
    }
    let next = replay(before, op, GROUPS);
    if (op.op === "delete") next = replay(before, { ...op, sure: true }, GROUPS);
    if (op.op === "add") next = named(next, op.id);
    this.document = { ...next, totals: { ...next.totals, layers: `${next.order.length} layers`, words: [[String(next.order.length), "layers", "exactly"], ...next.totals.words.slice(1)] } };
    if (op.op !== "select" && op.op !== "pin") {
      this.past.push({ label: op.op[0]?.toUpperCase() + op.op.slice(1), document: before });
      this.future = [];
    }
  }

  private travel(from: typeof this.past, to: typeof this.past): void {
    const step = from.pop();
    if (!step) return;
    to.push({ label: step.label, document: this.document });
    this.document = step.document;
  }
}

function named(document: Document, id: string): Document {
  const node = document.nodes[id];
  if (!node) return document;
  const name = `${node.type.toLowerCase()}${document.order.length}`;
  const layer = { ...node, name, words: "64", weights: "4 160", shape: "N×64×28×28", quick: [{ name: "out_features", value: 64, kind: "int" as const, min: 1, max: 4096 }] };
  const wires = Object.fromEntries(Object.entries(document.wires).map(([key, wire]) => [key, wire.from[0] === id ? { ...wire, shape: layer.shape, axes: "batch × channels × height × width" } : wire]));
  return { ...document, nodes: { ...document.nodes, [id]: layer }, wires };
}

function difference(base: Document, now: Document) {
  const { nodes, wires, frames, order, ...rest } = now;
  return { nodes: changes(base.nodes, nodes), wires: changes(base.wires, wires), frames: changes(base.frames, frames), order, rest };
}

function changes<T>(old: Record<string, T>, fresh: Record<string, T>): Record<string, T | null> {
  const found: Record<string, T | null> = {};
  for (const key of Object.keys(old)) if (!(key in fresh)) found[key] = null;
  for (const [key, value] of Object.entries(fresh)) if (old[key] !== value) found[key] = value;
  return found;
}
