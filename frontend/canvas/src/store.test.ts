import { beforeEach, describe, expect, it, vi } from "vitest";
import { FakePython } from "../dev/python";
import { EMPTY, provisional } from "./replay";
import { CanvasStore } from "./store";
import { wireId, type Document, type Group, type Message, type Outbox, type Slot } from "./types";

const GROUPS: Group[] = [{ title: "Layers", family: "other", entries: [{ key: "torch.nn.ReLU", name: "ReLU", family: "activation" }] }];

/** a → b → c */
function chain(): Document {
  const doc: Document = { ...EMPTY, nodes: {}, wires: {}, order: ["a", "b", "c"] };
  for (const [place, id] of doc.order.entries()) doc.nodes[id] = { ...provisional(id, undefined, "torch.nn.Linear", [place * 200, 0], ["input"]), name: id, shape: "N×4" };
  for (const [from, to] of [["a", "b"], ["b", "c"]] as const) {
    const slot: Slot = [to, "input", 0];
    doc.wires[wireId(slot)] = { from: [from, []], to: slot, shape: "N×4", axes: "", bytes: null, ok: true };
  }
  return doc;
}

const message = (change: Partial<Message>): Message =>
  ({ canvas: "p/", ack: {}, rev: 1, height: 600, catalogue: { version: 1, groups: GROUPS }, colours: {}, ...change });

function opened(): { store: CanvasStore; sent: Outbox[] } {
  const store = new CanvasStore();
  const sent: Outbox[] = [];
  store.send = (box) => void sent.push(structuredClone(box));
  store.receive(message({ full: chain() }));
  return { store, sent };
}

const add = (id: string) => ({ op: "add" as const, key: "torch.nn.ReLU", id, at: [0, 200] as [number, number], after: "a", on: null, from: null, to: null });

beforeEach(() => void vi.useFakeTimers());

describe("what is shown", () => {
  it("shows a new layer at once, behind the one named, and its readers read it", () => {
    const { store } = opened();
    store.dispatch(add("new"));
    expect(store.doc.wires["new:input:0"]?.from).toEqual(["a", []]);
    expect(store.doc.wires["b:input:0"]?.from).toEqual(["new", []]);
    expect(store.doc.selected).toEqual(["new"]);
  });

  it("is sent before it is drawn: Python begins while the browser draws", async () => {
    const { store, sent } = opened();
    const drawn: number[] = [];
    store.subscribe(() => drawn.push(sent.length));
    store.dispatch(add("new"));
    expect(drawn).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(drawn).toEqual([1]);
  });

  it("keeps an operation on top of a document that does not know it yet", () => {
    const { store } = opened();
    store.dispatch({ op: "move", at: { a: [9, 9] }, frames: {} });
    store.receive(message({ rev: 2, full: chain(), ack: { [store.client]: 0 } }));
    expect(store.doc.nodes["a"]?.at).toEqual([9, 9]);
  });

  it("lets go of what Python has acknowledged and shows Python's word", () => {
    const { store } = opened();
    store.dispatch({ op: "move", at: { a: [9, 9] }, frames: {} });
    store.receive(message({ rev: 2, full: chain(), ack: { [store.client]: 1 } }));
    expect(store.pending).toEqual([]);
    expect(store.doc.nodes["a"]?.at).toEqual([0, 0]);
  });

  it("shares what did not change, so that nothing is drawn twice", () => {
    const { store } = opened();
    const before = store.doc.nodes["b"];
    store.receive(message({ rev: 2, patch: { from: 1, nodes: { a: null }, order: ["b", "c"] } }));
    expect(store.doc.nodes["b"]).toBe(before);
    expect(store.doc.nodes["a"]).toBeUndefined();
  });
});

describe("patches", () => {
  it("build on the revision they name, though a newer one has come since", () => {
    const { store } = opened();
    store.receive(message({ rev: 2, patch: { from: 1, rest: { selected: ["a"] } } }));
    store.receive(message({ rev: 3, patch: { from: 1, rest: { selected: ["b"] }, wires: { "b:input:0": null } } }));
    expect(store.doc.selected).toEqual(["b"]);
    expect(Object.keys(store.doc.wires)).toEqual(["c:input:0"]);
    expect(store.rev).toBe(3);
  });

  it("hold of a layer only what changed", () => {
    const { store } = opened();
    store.receive(message({ rev: 2, patch: { from: 1, nodes: { a: { shape: "N×8" } }, wires: { "b:input:0": { shape: "N×8" } } } }));
    expect([store.doc.nodes["a"]?.shape, store.doc.nodes["a"]?.name]).toEqual(["N×8", "a"]);
    expect(store.doc.wires["b:input:0"]?.from).toEqual(["a", []]);
  });

  it("of an unknown revision are refused, and the whole is asked for", () => {
    const { store } = opened();
    expect(store.receive(message({ rev: 9, patch: { from: 7, nodes: { a: null } } }))).toBe(false);
    expect(store.doc.nodes["a"]).toBeDefined();
    expect(store.pending.map((op) => op.op)).toEqual(["resync"]);
  });
});

describe("what is sent", () => {
  it("is everything unacknowledged, in order, with the revision that is seen", async () => {
    const { store, sent } = opened();
    store.dispatch(add("x"));
    await Promise.resolve();
    store.dispatch({ op: "rename", node: "a", name: "first" });
    await Promise.resolve();
    expect(sent.at(-1)?.ops.map((op) => [op.seq, op.op, op.in])).toEqual([[1, "add", "p/"], [2, "rename", "p/"]]);
    expect(sent.at(-1)?.seen).toBe(1);
    expect(sent.at(-1)?.catalogue).toBe(1);
  });

  it("is sent again every two seconds until it is acknowledged, then no more", async () => {
    const { store, sent } = opened();
    store.dispatch(add("x"));
    await vi.advanceTimersByTimeAsync(4100);
    expect(sent).toHaveLength(3);
    store.receive(message({ rev: 2, full: chain(), ack: { [store.client]: 1 } }));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(sent).toHaveLength(3);
  });

  it("pins what is shown before the first operation that places something", () => {
    const store = new CanvasStore();
    const doc = chain();
    for (const id of doc.order) doc.nodes[id] = { ...(doc.nodes[id] as Document["nodes"][string]), at: null };
    store.receive(message({ canvas: "unplaced/", full: doc }));
    store.dispatch(add("x"));
    expect(store.pending.map((op) => op.op)).toEqual(["pin", "add"]);
    const pin = store.pending[0];
    expect(pin?.op === "pin" && Object.keys(pin.at).sort()).toEqual(["a", "b", "c"]);
  });

  it("joins selections that were not sent yet", () => {
    const { store } = opened();
    store.dispatch({ op: "select", nodes: ["a"] });
    store.dispatch({ op: "select", nodes: ["b"] });
    expect(store.pending).toHaveLength(1);
    expect(store.doc.selected).toEqual(["b"]);
  });

  it("is nothing while a block is being opened", () => {
    const { store } = opened();
    store.dispatch({ op: "open", node: "b" });
    store.dispatch(add("x"));
    expect(store.pending.map((op) => op.op)).toEqual(["open"]);
    store.receive(message({ canvas: "p/b", rev: 2, full: EMPTY, ack: { [store.client]: 1 } }));
    store.dispatch(add("x"));
    expect(store.pending.map((op) => [op.op, op.in])).toEqual([["add", "p/b"]]);
  });
});

describe("questions", () => {
  it("are answered by the answer that bears their number", async () => {
    const { store } = opened();
    const asked = store.ask({ op: "fits", from: ["a", []] });
    store.receive(message({ rev: 1, full: chain(), ack: { [store.client]: 1 }, answer: { seq: 1, keys: ["torch.nn.ReLU"] } }));
    expect((await asked)?.keys).toEqual(["torch.nn.ReLU"]);
  });

  it("that another overtook come back empty", async () => {
    const { store } = opened();
    const first = store.ask({ op: "fits", from: ["a", []] });
    const second = store.ask({ op: "fits", from: ["b", []] });
    store.receive(message({ rev: 1, full: chain(), ack: { [store.client]: 2 }, answer: { seq: 2, keys: [] } }));
    expect(await first).toBeNull();
    expect((await second)?.keys).toEqual([]);
  });
});

it("200 random edits over a line that loses and repeats messages end as Python has them", () => {
  const python = new FakePython("hundred");
  const store = new CanvasStore();
  let seed = 7;
  const random = (below: number): number => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return Math.floor((seed / 2147483648) * below);
  };
  const line: Outbox[] = [];
  store.send = (box) => void line.push(structuredClone(box));
  store.receive(python.message(600));
  for (let edit = 0; edit < 200; edit++) {
    const ids = store.doc.order;
    const id = ids[random(ids.length)] ?? "";
    const kind = random(4);
    if (kind === 0) store.dispatch({ ...add(`new${edit}`), after: id });
    else if (kind === 1) store.dispatch({ op: "move", at: { [id]: [random(900), random(900)] }, frames: {} });
    else if (kind === 2) store.dispatch({ op: "rename", node: id, name: `n${edit}` });
    else store.dispatch({ op: "delete", nodes: [id], wires: [], frames: [], sure: true });
    store.flush();
    if (random(3) === 0) line.pop(); // lost
    if (random(4) === 0) {
      for (const box of line.splice(0)) {
        python.take(box);
        if (random(5) === 0) python.take(box); // arrives twice
        if (random(3) > 0) store.receive(python.message(600));
      }
    }
  }
  store.flush();
  for (const box of line.splice(0)) python.take(box);
  store.receive(python.message(600));
  expect(store.pending).toEqual([]);
  expect(store.doc.order).toEqual(python.document.order);
  expect(store.doc.nodes).toEqual(python.document.nodes);
  expect(store.doc.wires).toEqual(python.document.wires);
});
