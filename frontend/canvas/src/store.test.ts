import { beforeEach, describe, expect, it, vi } from "vitest";
import { FakePython } from "../dev/python";
import { EMPTY, provisional } from "./replay";
import { litIn } from "./lighting";
import { CanvasStore } from "./store";
import { wireId, type Document, type Group, type Message, type Outbox, type Point, type Slot } from "./types";

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
  ({ canvas: "p/", block: "", ack: {}, rev: 1, height: 600, catalogue: { version: 1, groups: GROUPS }, colours: {}, ...change });

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

describe("a page that is left", () => {
  it("waits for what was done on it", async () => {
    const { store } = opened();
    expect(store.answered()).toBeNull();
    store.dispatch(add("x"));
    let answered = false;
    void store.answered()?.then(() => void (answered = true));
    await vi.advanceTimersByTimeAsync(10);
    expect(answered).toBe(false);
    store.receive(message({ rev: 2, full: chain(), ack: { [store.client]: 1 } }));
    await vi.advanceTimersByTimeAsync(1);
    expect(answered).toBe(true);
  });

  it("sends nothing more, and what is done meanwhile once it is opened again", async () => {
    const { store, sent } = opened();
    store.close();
    store.dispatch(add("x"));
    await vi.advanceTimersByTimeAsync(20_000);
    expect([sent.length, store.pending.length, "x" in store.doc.nodes]).toEqual([0, 1, true]);
    store.reopen();
    await vi.advanceTimersByTimeAsync(1);
    expect(sent.map((box) => box.ops.map((one) => one.op))).toEqual([["add"]]);
  });
});

const claimed = async (): Promise<boolean> => true;

describe("a server that was started anew", () => {
  it("gets again what was acknowledged but not on disk", async () => {
    const { store, sent } = opened();
    store.dispatch(add("x"));
    await vi.advanceTimersByTimeAsync(1);
    const { client } = store;
    store.receive(message({ rev: 2, full: chain(), ack: { [client]: 1 }, written: { [client]: 0 } }));
    expect([store.pending.length, store.held.length]).toEqual([0, 1]);
    await vi.advanceTimersByTimeAsync(2100);
    expect(store.unsaved).toBe(1);
    store.receive(message({ rev: 3, full: chain(), ack: {} }));
    await vi.advanceTimersByTimeAsync(1);
    expect(sent.at(-1)?.ops.map((op) => op.op)).toEqual(["add"]);
    store.receive(message({ rev: 4, full: chain(), ack: { [client]: 1 } }));
    expect([store.pending.length, store.held.length, store.unsaved]).toEqual([0, 0, 0]);
  });

  it("is asked for the whole page where it does not answer, apart from what is sent, and ever more rarely", async () => {
    const { store, sent } = opened();
    const asked: number[] = [];
    store.askAnew = () => asked.push(sent.length) > 0;
    store.dispatch(add("x"));
    await vi.advanceTimersByTimeAsync(6100);
    expect([asked, sent.length]).toEqual([[3], 3]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked.length).toBeGreaterThan(2);
    expect(asked.length).toBeLessThan(6);
    expect(store.unsaved).toBe(1);
  });
});

const kept = (value: unknown): void => {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  vi.stubGlobal("sessionStorage", { getItem: () => text, setItem: () => {} });
};
const reloaded = async (claim: () => Promise<boolean>): Promise<{ store: CanvasStore; sent: Outbox[] }> => {
  const store = new CanvasStore();
  const sent: Outbox[] = [];
  store.send = (box) => void sent.push(structuredClone(box));
  const resumed = store.resume("p", claim);
  store.receive(message({ full: chain() }));
  store.dispatch(add("x"));
  await resumed;
  await vi.advanceTimersByTimeAsync(1);
  return { store, sent };
};

describe("what a reload interrupted", () => {
  const op = { op: "rename", node: "a", name: "first", seq: 4, at_ms: 1, in: "p/" };

  it("is sent before what is done since, under the old name", async () => {
    kept({ client: "tab12345", seq: 4, ops: [op] });
    const { store, sent } = await reloaded(claimed);
    expect(store.client).toBe("tab12345");
    expect(sent.map((box) => box.ops.map((one) => [one.seq, one.op]))).toEqual([[[4, "rename"], [5, "add"]]]);
    expect(store.doc.nodes["a"]?.name).toBe("first");
  });

  it("is left to the tab that this one is a copy of", async () => {
    kept({ client: "tab12345", seq: 4, ops: [op] });
    const { store, sent } = await reloaded(async () => false);
    expect(store.client).not.toBe("tab12345");
    expect(sent.at(-1)?.ops.map((one) => one.op)).toEqual(["add"]);
  });

  it.each([
    "null", "5", '"x"', "{", "[]", '{"client":"tab12345","seq":"a","ops":5}', '{"client":"tab12345","seq":1e300,"ops":[]}', '{"client":7,"seq":1,"ops":[]}',
    '{"client":"tab12345","seq":99,"ops":[null]}', '{"client":"tab12345","seq":99,"ops":{"length":3}}', '{"client":"tab12345","seq":9,"ops":[{"op":"add","seq":"x"}]}',
  ])("is nothing where something else stands there: %s", async (text) => {
    kept(text);
    const { store, sent } = await reloaded(claimed);
    expect(store.client).not.toBe("tab12345");
    expect(sent.at(-1)?.ops.map((one) => one.op)).toEqual(["add"]);
  });

  it.each([{ op: "connect" }, { op: "delete" }, { op: "move" }, { op: "group", nodes: null }, { op: "join", id: "j" }])("is shown as far as it makes sense: %j", async (broken) => {
    kept({ client: "tab12345", seq: 9, ops: [{ seq: 9, at_ms: 1, in: "p/", ...broken }] });
    const { store } = await reloaded(claimed);
    expect(store.doc.nodes["x"]).toBeDefined();
  });
});

const WORDS = ["constructor", "toString", "valueOf", "__proto__", "hasOwnProperty"];
const named = (at: Point | null): Document => {
  const text = WORDS.map((id) => `${JSON.stringify(id)}: ${JSON.stringify({ ...provisional(id, undefined, "torch.nn.ReLU", [0, 0], ["input"]), at })}`);
  return { ...EMPTY, nodes: JSON.parse(`{${text.join()}}`) as Document["nodes"], order: WORDS };
};

describe("ids that every object knows", () => {
  it("are placed like others", () => {
    for (const [name, at] of [["unplaced", null], ["placed", [5, 5]]] as const) {
      const store = new CanvasStore();
      store.receive(message({ canvas: `${name}/`, full: named(at as Point | null) }));
      for (const id of WORDS) expect(store.placement.at[id]).toHaveLength(2);
    }
  });

  it("are patched, moved and found, or not, like others", () => {
    const store = new CanvasStore();
    store.receive(message({ full: named([5, 5]) }));
    store.receive(message({ rev: 2, patch: { from: 1, nodes: { toString: null, valueOf: { name: "v" } } } }));
    expect([store.doc.nodes["toString"], store.doc.nodes["valueOf"]?.name, store.doc.nodes["isPrototypeOf"]]).toEqual([undefined, "v", undefined]);
    store.dispatch({ op: "move", at: JSON.parse('{"__proto__": [8, 8], "constructor": [9, 9]}') as Record<string, Point>, frames: {} });
    expect([store.doc.nodes["__proto__"]?.at, store.doc.nodes["constructor"]?.at]).toEqual([[8, 8], [9, 9]]);
    store.dispatch(add("toString"));
    expect(store.doc.nodes["toString"]?.type).toBe("ReLU");
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

it("what the pointer is at in the code lights its layer, or the calls of its block", () => {
  const { store } = opened();
  const [first] = store.doc.order as [string];
  expect(litIn(store, { by: "code", project: "p", block: "", within: [], node: first })).toEqual(new Set([first]));
  expect(litIn(store, { by: "code", project: "other", block: "", within: [], node: first })).toEqual(new Set());
  expect(litIn(store, { by: "code", project: "p", block: "", within: [], node: null })).toEqual(new Set());
  const second = store.doc.order[1] as string;
  expect(litIn(store, { by: "code", project: "p", block: "", within: [], node: first, beside: [{ block: "", within: [], node: second }] })).toEqual(new Set([first, second]));
  const doc = chain();
  Object.assign(doc.nodes[first] ?? {}, { block: "Inner" });
  store.receive(message({ rev: 2, full: doc }));
  expect(litIn(store, { by: "code", project: "p", block: "Inner", within: [], node: "x" })).toEqual(new Set([first]));
  expect(litIn(store, { by: "code", project: "p", block: "Innermost", within: ["Inner"], node: "x" })).toEqual(new Set([first]));
  expect(litIn(store, { by: "code", project: "p", block: "Other", within: [""], node: "x" })).toEqual(new Set());
});
