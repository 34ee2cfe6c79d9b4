/** Everything a person can do on the canvas, whichever way: mouse, touch, keys, menus. */
import type { Node, ReactFlowInstance } from "@xyflow/react";
import { align, around, arrange, directionOf, distribute, freePlace, makeRoom, nodeSize, snapped, type Box, type Direction, type Edge, type Style } from "./layout";
import { nextReader } from "./replay";
import { MARGIN, READABLE } from "./rows";
import type { CanvasStore } from "./store";
import { wireId, type Answer, type Document, type FrameData, type Point, type Slot, type Value } from "./types";
import { Ui } from "./ui";
import { closesCircle, isLoose, label, readersOf, reasonAgainst, slotOnBody, slotTaken, sourcesOf } from "./wiring";

export type Flow = ReactFlowInstance<Node>;
export const FRAME = "frame:";
const SMOOTH_MS = 220;
/** A line that is not broken into rows is begun at this zoom, at least. */
const LEAST_ZOOM = 0.2;
/** Between layers on one line: a wire's label has room. */
const ROOM = 96;
const WIDE_NODE = 176;
const NEW_NODE = { w: 144, h: 88 };

const uid = (): string => Math.random().toString(36).slice(2, 8);

export class Controller {
  readonly ui = new Ui();
  flow: Flow | null = null;
  /** The canvas's outermost element: it holds the focus between actions. */
  box: HTMLElement | null = null;
  /** The element React Flow draws in. */
  stage: HTMLElement | null = null;
  /** Wires that are selected: they are the browser's matter alone. */
  wires = new Set<string>();
  /** So are frames and notes. */
  frames = new Set<string>();
  pointer: Point | null = null;

  constructor(readonly store: CanvasStore) {
    store.onAnswer = (answer) => this.answered(answer);
  }

  get doc(): Document {
    return this.store.doc;
  }

  get selected(): string[] {
    return this.doc.selected.filter((id) => this.doc.nodes[id]);
  }

  // ------------------------------------------------------------------ adding

  newId(key: string): string {
    const type = key.slice(key.lastIndexOf(".") + 1).replace(/^block:/, "").toLowerCase().replace(/\W+/g, "_");
    return `${type}_${uid()}`;
  }

  /** Adds behind the selected layer, or where the view is, if nothing is selected. */
  addBehind(key: string, name: string): void {
    const after = key === "input" ? null : (this.selected.at(-1) ?? this.lastNode());
    const beside = after ? this.boxOf(after) : null;
    const wish: Point = beside ? this.behind(beside) : this.centre();
    const reader = after && key !== "output" ? nextReader(this.doc, after) : null;
    const at = this.roomAt(wish, reader ? (this.doc.wires[reader]?.to[0] ?? null) : null) ?? freePlace(wish, NEW_NODE, this.boxes());
    this.store.dispatch({ op: "add", key, id: this.newId(key), at, after, on: null, from: null, to: null });
    this.ui.say(after ? `${name} added behind ${this.name(after)}` : `${name} added`);
    this.reveal(at);
  }

  /** A place between a layer and its reader: what comes behind moves on, silently, as nothing was edited by that. */
  private roomAt(wish: Point, reader: string | null, node: string | null = null): Point | null {
    if (!reader) return null;
    const boxes = new Map(this.doc.order.filter((id) => id !== node).map((id) => [id, this.boxOf(id)] as const).filter((pair): pair is [string, Box] => pair[1] !== null));
    const at: Point = [snapped(wish[0]), snapped(wish[1])];
    const size = (node ? this.boxOf(node) : null) ?? { ...NEW_NODE, w: WIDE_NODE };
    const moves = makeRoom({ x: at[0], y: at[1], w: size.w, h: size.h }, boxes, readersOf(this.doc, reader), this.direction(), ROOM);
    if (!moves) return null;
    if (Object.keys(moves).length) this.store.dispatch({ op: "pin", at: { ...this.store.placement.at, ...moves } });
    return at;
  }

  /** Where a layer goes that is put on a wire at a point: on the line of its neighbours. */
  private onWire(on: string, middle: Point, node: string | null = null): Point {
    const wire = this.doc.wires[on];
    const from = wire ? this.boxOf(wire.from[0]) : null;
    const to = wire ? this.boxOf(wire.to[0]) : null;
    const own = (node ? this.boxOf(node) : null) ?? NEW_NODE;
    const wish: Point = [middle[0] - own.w / 2, middle[1] - own.h / 2];
    if (!from || !to) return wish;
    const lr = this.direction() === "LR";
    const inLine = lr ? Math.abs(from.y + from.h / 2 - middle[1]) < 60 : Math.abs(from.x + from.w / 2 - middle[0]) < 60;
    if (inLine && lr) [wish[0], wish[1]] = [Math.max(wish[0], from.x + from.w + ROOM), from.y + from.h / 2 - own.h / 2];
    if (inLine && !lr) [wish[0], wish[1]] = [from.x + from.w / 2 - own.w / 2, Math.max(wish[1], from.y + from.h + ROOM / 2)];
    return this.roomAt(wish, wire?.to[0] ?? null, node) ?? wish;
  }

  private behind(box: Box): Point {
    return this.direction() === "LR"
      ? [box.x + box.w + ROOM, box.y + box.h / 2 - NEW_NODE.h / 2]
      : [box.x + box.w / 2 - NEW_NODE.w / 2, box.y + box.h + 56];
  }

  private lastNode(): string | null {
    const order = this.doc.order.filter((id) => this.doc.nodes[id]?.kind !== "output");
    return order.at(-1) ?? null;
  }

  /** Adds at a place of the drawing: on a wire, reading a value, feeding a slot, or unwired. */
  addAt(key: string, name: string, middle: Point, wiring: { on?: string | null; from?: Value | null; to?: Slot | null } = {}): void {
    const wish: Point = [middle[0] - NEW_NODE.w / 2, middle[1] - NEW_NODE.h / 2];
    const at: Point = wiring.on ? this.onWire(wiring.on, middle) : freePlace(wish, NEW_NODE, this.boxes(), 8);
    this.store.dispatch({ op: "add", key, id: this.newId(key), at, after: null, on: wiring.on ?? null, from: wiring.from ?? null, to: wiring.to ?? null });
    this.ui.say(wiring.on ? `${name} put on the wire` : `${name} added`);
  }

  /** Opens the search where a layer shall stand. */
  search(screen: Point, wiring: { from?: Value | null; to?: Slot | null; on?: string | null } = {}): void {
    const flow = this.toFlow(screen);
    const from = wiring.from ?? null;
    const to = wiring.to ?? null;
    this.ui.set({ search: { screen: this.local(screen), flow, from, to, on: wiring.on ?? null, keys: null }, menu: null, cursor: null });
    if (!from && !to) return;
    const asked = from ? this.store.ask({ op: "fits", from }) : to ? this.store.ask({ op: "fits", from: null, to }) : null;
    void asked?.then((answer) => {
      const open = this.ui.state.search;
      if (open && open.from === from && open.to === to && answer?.keys) this.ui.set({ search: { ...open, keys: answer.keys } });
    });
  }

  /** The search at the pointer, or in the middle; a selected layer gives the value to fit. */
  searchHere(): void {
    const one = this.selected.length === 1 ? this.doc.nodes[this.selected[0] ?? ""] : undefined;
    const path = one?.outs[0]?.path;
    const box = one ? this.boxOf(one.id) : null;
    const screen = box ? this.toScreen(this.behind(box)) : (this.pointer ?? this.toScreen(this.centre()));
    this.search(this.inside(screen), one && path ? { from: [one.id, path] } : {});
  }

  chosen(key: string, name: string): void {
    const { search } = this.ui.state;
    if (!search) return;
    this.ui.set({ search: null });
    const half: Point = search.from ? [search.flow[0] + NEW_NODE.w / 2, search.flow[1]] : search.to ? [search.flow[0] - NEW_NODE.w / 2, search.flow[1]] : search.flow;
    this.addAt(key, name, half, search);
    this.focus();
  }

  // ------------------------------------------------------------------ wiring

  connect(from: Value, to: Slot, screen: Point | null, instead: string | null = null): void {
    const { doc } = this;
    const reason = reasonAgainst(doc, from, to, this.ui.state.fits);
    if (reason) return this.refuse(reason, screen);
    const present = doc.wires[wireId(to)];
    if (present && JSON.stringify(present.from) === JSON.stringify(from)) return;
    if (present && wireId(to) !== instead) {
      const port = doc.nodes[to[0]]?.ins.find((one) => one.name === to[1]);
      if (port?.many) to = [to[0], to[1], port.slots];
      else {
        const at = screen ?? this.toScreen(this.store.placement.at[to[0]] ?? [0, 0]);
        return this.ui.set({ slotMenu: { screen: this.local(at), from, to, instead } });
      }
    }
    this.store.dispatch({ op: "connect", from, to, instead: instead === wireId(to) ? null : instead });
    this.ui.say(`${this.name(from[0])} connected to ${this.name(to[0])}`);
  }

  /** From one layer's first free result into the first port of another that fits. */
  connectNodes(from: string, to: string, screen: Point | null): void {
    const source = this.doc.nodes[from];
    const reader = this.doc.nodes[to];
    const path = source?.outs[0]?.path;
    if (!source || !reader || !path) return;
    this.toBody([from, path], to, screen);
  }

  toBody(from: Value, to: string, screen: Point | null, instead: string | null = null): void {
    const reader = this.doc.nodes[to];
    if (!reader) return;
    const slot = slotOnBody(this.doc, from, reader, this.ui.state.fits);
    if (slot) return this.connect(from, slot, screen, instead);
    const first = reader.ins[0];
    this.refuse(first ? reasonAgainst(this.doc, from, [to, first.name, 0], this.ui.state.fits) || `No port of ${label(reader)} fits.` : `${label(reader)} reads nothing.`, screen);
  }

  pickSlot(how: "replace" | "add" | "cat"): void {
    const menu = this.ui.state.slotMenu;
    if (!menu) return;
    this.ui.set({ slotMenu: null });
    this.focus();
    const { from, to, instead } = menu;
    if (how === "replace") {
      this.store.dispatch({ op: "connect", from, to, instead });
      return this.ui.say("Wire replaced");
    }
    const present = this.doc.wires[wireId(to)];
    const reader = this.boxOf(to[0]);
    if (!present || !reader) return;
    const at = freePlace([reader.x - NEW_NODE.w - 64, reader.y], NEW_NODE, this.boxes());
    this.store.dispatch({ op: "join", a: present.from, b: from, how, id: this.newId(how), at, to });
    this.ui.say(how === "add" ? "Added" : "Concatenated");
  }

  pull(value: Value | null, slot: Slot | null): void {
    this.ui.set({ pulling: { value, slot }, fits: null, slotMenu: null, barred: value ? sourcesOf(this.doc, value[0]) : new Set() });
    if (!value) return;
    void this.store.ask({ op: "fits", from: value }).then((answer) => {
      if (this.ui.state.pulling?.value === value && answer?.slots) this.ui.set({ fits: answer.slots });
    });
  }

  letGo(): void {
    this.ui.set({ pulling: null, fits: null, barred: new Set(), overNode: null });
  }

  /** The sentence at the cursor; it goes by itself. */
  refuse(text: string, screen: Point | null): void {
    const cursor = { screen: this.local(screen ?? this.toScreen(this.centre())), text, good: false };
    this.ui.set({ cursor, said: text });
    setTimeout(() => {
      if (this.ui.state.cursor === cursor) this.ui.set({ cursor: null });
    }, 4000);
  }

  wireMode(): void {
    const from = this.ui.state.wireFrom ? null : (this.selected.at(-1) ?? null);
    if (!from && !this.ui.state.wireFrom) return this.refuse("Select the layer the wire shall start from.", null);
    this.ui.set({ wireFrom: from, said: from ? `Wire from ${this.name(from)}: choose the layer to connect to` : "" });
  }

  cutInputs(): void {
    const chosen = new Set(this.selected);
    const wires = Object.entries(this.doc.wires).filter(([, wire]) => chosen.has(wire.to[0]) && !wire.fixed).map(([id]) => id);
    if (wires.length) this.store.dispatch({ op: "disconnect", wires });
  }

  // ------------------------------------------------------------------ editing

  delete(sure = false): void {
    const { asked } = this.ui.state;
    if (asked) return this.confirm();
    const nodes = this.selected;
    const frames = [...this.frames].filter((id) => this.doc.frames[id]);
    const wires = [...this.wires].filter((id) => this.doc.wires[id] && !this.doc.wires[id]?.fixed);
    if (!nodes.length && !wires.length && !frames.length) return;
    const next = this.neighbour(nodes);
    this.wires.clear();
    this.frames.clear();
    if (!nodes.length && !frames.length) this.store.dispatch({ op: "disconnect", wires });
    else this.store.dispatch({ op: "delete", nodes, wires, frames, sure });
    this.ui.set({ problem: null, said: nodes.length === 1 ? `${this.name(nodes[0] ?? "")} deleted` : "Deleted" });
    if (next && nodes.every((id) => !this.doc.nodes[id])) this.select([next]);
    this.focus();
  }

  private neighbour(nodes: string[]): string | null {
    const gone = new Set(nodes);
    return Object.values(this.doc.wires).find((wire) => gone.has(wire.to[0]) && !gone.has(wire.from[0]))?.from[0] ?? null;
  }

  confirm(): void {
    const { asked } = this.ui.state;
    if (!asked) return;
    this.ui.set({ asked: null });
    if (asked.op.op === "delete") this.store.dispatch({ ...asked.op, sure: true });
    this.focus();
  }

  private answered(answer: Answer): void {
    if (answer.ask && answer.op) {
      const many = answer.op.op === "delete" ? answer.op.nodes.length : 1;
      this.ui.set({ asked: { text: answer.ask, op: answer.op, title: many > 1 ? `Delete ${many} layers?` : "Delete this layer?" }, said: answer.ask });
    }
    for (const file of answer.files ?? []) download(file);
  }

  select(nodes: string[], andFocus = true): void {
    if (nodes.join() !== this.doc.selected.join()) this.store.dispatch({ op: "select", nodes });
    if (andFocus && nodes.length === 1) requestAnimationFrame(() => this.nodeElement(nodes[0] ?? "")?.focus({ preventScroll: true }));
  }

  /** Frames, notes and wires are no longer selected; Python knows only of layers. */
  clearMarks(): void {
    this.wires.clear();
    this.frames.clear();
    this.onMarks();
  }

  /** Set by the view: its marks are to be drawn again. */
  onMarks: () => void = () => {};

  selectAll(): void {
    this.select([...this.doc.order]);
  }

  onNodes(op: "bypass" | "freeze" | "duplicate" | "copy" | "cut"): void {
    const nodes = this.selected;
    if (!nodes.length) return;
    this.store.dispatch({ op, nodes });
    this.ui.say({ bypass: "Bypass switched", freeze: "Freeze switched", duplicate: "Duplicated", copy: "Copied", cut: "Cut" }[op]);
  }

  paste(keep: boolean): void {
    const at = this.pointer ? this.toFlow(this.pointer) : this.centre();
    this.store.dispatch({ op: "paste", at: [snapped(at[0]), snapped(at[1])], keep_inputs: keep });
    this.ui.say("Pasted");
  }

  group(): void {
    const nodes = this.selected;
    if (!nodes.length) return;
    this.store.dispatch({ op: "group", nodes, name: null, id: `block_${uid()}` });
    this.ui.say(`${nodes.length} layers grouped into a block`);
  }

  ungroup(): void {
    for (const id of this.selected) if (this.doc.nodes[id]?.kind === "block") this.store.dispatch({ op: "ungroup", node: id });
  }

  openBlock(id: string): boolean {
    if (this.doc.nodes[id]?.kind !== "block") return false;
    this.store.dispatch({ op: "open", node: id });
    this.ui.set({ problem: null, wireFrom: null });
    return true;
  }

  leave(depth = this.doc.crumbs.length - 2): boolean {
    if (depth < 0 || depth >= this.doc.crumbs.length - 1) return false;
    this.store.dispatch({ op: "leave", depth });
    return true;
  }

  addFrame(kind: "frame" | "note"): void {
    const chosen = kind === "frame" ? around(this.selected.map((id) => this.boxOf(id)).filter((box) => box !== null)) : null;
    const at: Point = chosen ? [chosen.x - 24, chosen.y - 48] : this.pointer ? this.toFlow(this.pointer) : this.centre();
    const size: Point = chosen ? [chosen.w + 48, chosen.h + 72] : kind === "note" ? [200, 80] : [320, 200];
    const id = `${kind}_${uid()}`;
    this.putFrame(id, { title: kind === "frame" ? "Part" : "", colour: kind === "frame" ? "blue" : "grey", at: [snapped(at[0]), snapped(at[1])], size, text: kind === "note" ? "" : "", kind });
    this.ui.set({ editing: FRAME + id });
  }

  putFrame(id: string, frame: FrameData): void {
    this.store.dispatch({ op: "frame", id, ...frame });
  }

  // ------------------------------------------------------------------ places

  moveSelected(dx: number, dy: number): void {
    const at: Record<string, Point> = {};
    for (const id of this.selected) {
      const point = this.store.placement.at[id];
      if (point) at[id] = [point[0] + dx, point[1] + dy];
    }
    if (Object.keys(at).length) this.store.dispatch({ op: "move", at, frames: {} });
  }

  align(edge: Edge): void {
    this.moveTo(align(this.chosenBoxes(), edge));
  }

  distribute(across: boolean): void {
    this.moveTo(distribute(this.chosenBoxes(), across));
  }

  private chosenBoxes(): Record<string, Box> {
    return Object.fromEntries(this.selected.map((id) => [id, this.boxOf(id)] as const).filter((pair): pair is [string, Box] => pair[1] !== null));
  }

  private moveTo(at: Record<string, Point>): void {
    if (Object.keys(at).length) this.store.dispatch({ op: "move", at, frames: {} });
  }

  arrange(style: Style): void {
    const sizes = new Map<string, { w: number; h: number }>();
    for (const id of this.doc.order) {
      const box = this.boxOf(id);
      if (box) sizes.set(id, box);
    }
    this.store.dispatch({ op: "arrange", at: arrange(this.doc, style, sizes, this.store.room), direction: style === "TB" ? "TB" : "LR" });
    this.ui.say({ LR: "Arranged from left to right", rows: "Arranged in rows", TB: "Arranged from top to bottom" }[style]);
    this.fit();
  }

  direction(): Direction {
    return directionOf(this.doc, new Map(this.doc.order.map((id) => [id, this.boxOf(id)] as const).filter((pair): pair is [string, Box] => pair[1] !== null)));
  }

  boxOf(id: string): Box | null {
    const at = this.store.placement.at[id];
    const node = this.doc.nodes[id];
    return at && node ? { x: at[0], y: at[1], ...nodeSize(node, this.ui.state.unfolded.has(id)) } : null;
  }

  boxes(): Box[] {
    return this.doc.order.map((id) => this.boxOf(id)).filter((box) => box !== null);
  }

  // ------------------------------------------------------------------ the view

  /** The first look: all of it where that can be read, else as much as is wide, from its beginning. */
  firstLook(): void {
    const frame = this.stage?.getBoundingClientRect();
    const all = around(this.boxes());
    if (!frame || !all || !this.flow) return;
    const wide = (frame.width - 2 * MARGIN) / all.w;
    const whole = Math.min(wide, (frame.height - 64) / all.h);
    const zoom = Math.min(1, whole >= READABLE ? whole : Math.max(wide, Math.min(LEAST_ZOOM, whole * 2)));
    const x = all.w * zoom > frame.width - MARGIN ? MARGIN - all.x * zoom : (frame.width - all.w * zoom) / 2 - all.x * zoom;
    const y = all.h * zoom > frame.height - 64 ? 40 - all.y * zoom : (frame.height - all.h * zoom) / 2 - all.y * zoom;
    if (all.h * zoom > frame.height || all.w * zoom > frame.width) this.ui.set({ minimap: true });
    void this.flow.setViewport({ x, y, zoom });
  }

  fit(): void {
    setTimeout(() => void this.flow?.fitView({ padding: 0.08, maxZoom: 1, minZoom: 0.05, duration: this.smooth() }), 30);
  }

  zoomToSelection(): void {
    const nodes = this.doc.selected.map((id) => ({ id }));
    if (nodes.length) void this.flow?.fitView({ nodes, padding: 0.3, maxZoom: 1.25, duration: this.smooth() });
    else this.fit();
  }

  zoom(by: number): void {
    void this.flow?.zoomTo((this.flow.getZoom() || 1) * by, { duration: this.smooth() });
  }

  showNode(id: string): void {
    const box = this.boxOf(id);
    if (!box || !this.flow) return;
    const zoom = Math.max(0.8, Math.min(1.25, this.flow.getZoom()));
    void this.flow.setCenter(box.x + box.w / 2, box.y + box.h / 2, { zoom, duration: this.smooth() });
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

  /** Brings a place into view, if it is out of it. */
  private reveal([x, y]: Point): void {
    if (!this.flow || !this.stage) return;
    const frame = this.stage.getBoundingClientRect();
    const at = this.flow.flowToScreenPosition({ x: x + NEW_NODE.w / 2, y: y + NEW_NODE.h / 2 });
    if (at.x < frame.left + 60 || at.x > frame.right - 60 || at.y < frame.top + 40 || at.y > frame.bottom - 40) {
      void this.flow.setCenter(x + NEW_NODE.w / 2, y + NEW_NODE.h / 2, { zoom: this.flow.getZoom(), duration: this.smooth() });
    }
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

  private nextInDirection(from: string, key: string): string | null {
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

  // ------------------------------------------------------------------ dropping

  /** The wire under a point of the screen that a layer may be put on. */
  wireAt([x, y]: Point, except: string | null = null): string | null {
    for (const element of this.elementsAt([x, y])) {
      const id = element.closest<HTMLElement>(".react-flow__edge")?.dataset["id"];
      const wire = id ? this.doc.wires[id] : undefined;
      if (id && wire && !wire.fixed && wire.from[0] !== except && wire.to[0] !== except) return id;
    }
    return null;
  }

  nodeAt(point: Point): string | null {
    for (const element of this.elementsAt(point)) {
      const id = element.closest<HTMLElement>(".react-flow__node-layer")?.dataset["id"];
      if (id) return id;
    }
    return null;
  }

  onStage([x, y]: Point): boolean {
    const frame = this.stage?.getBoundingClientRect();
    return frame !== undefined && x > frame.left && x < frame.right && y > frame.top && y < frame.bottom;
  }

  private elementsAt([x, y]: Point): Element[] {
    const root = this.box?.getRootNode();
    return root instanceof ShadowRoot || root instanceof window.Document ? root.elementsFromPoint(x, y) : [];
  }

  /** A node was dragged to the middle of a wire: put it there, if it is loose. */
  dropOnWire(id: string, at: Point): boolean {
    const on = this.ui.state.overWire;
    this.ui.set({ overWire: null });
    if (!on || !isLoose(this.doc, id)) return false;
    const wire = this.doc.wires[on];
    if (!wire || closesCircle(this.doc, wire.from[0], id)) return false;
    const own = this.boxOf(id);
    const place = own ? this.onWire(on, [at[0] + own.w / 2, at[1] + own.h / 2], id) : at;
    this.store.dispatch({ op: "insert", node: id, on, at: place });
    this.ui.say(`${this.name(id)} put on the wire`);
    return true;
  }

  // ------------------------------------------------------------------ places on the screen

  toFlow([x, y]: Point): Point {
    const at = this.flow?.screenToFlowPosition({ x, y }) ?? { x: 0, y: 0 };
    return [at.x, at.y];
  }

  toScreen([x, y]: Point): Point {
    const at = this.flow?.flowToScreenPosition({ x, y }) ?? { x: 0, y: 0 };
    return [at.x, at.y];
  }

  /** A point of the screen, counted from the canvas's corner. */
  local([x, y]: Point): Point {
    const frame = this.box?.getBoundingClientRect();
    return [x - (frame?.left ?? 0), y - (frame?.top ?? 0)];
  }

  private inside([x, y]: Point): Point {
    const frame = this.stage?.getBoundingClientRect();
    if (!frame) return [x, y];
    return [Math.min(Math.max(x, frame.left + 16), frame.right - 40), Math.min(Math.max(y, frame.top + 16), frame.bottom - 60)];
  }

  private centre(): Point {
    const frame = this.stage?.getBoundingClientRect();
    return frame ? this.toFlow([frame.left + frame.width / 2, frame.top + frame.height / 2]) : [0, 0];
  }

  picture(format: "svg" | "png"): void {
    void this.store.ask({ op: "picture", at: this.store.placement.at, dark: this.box?.dataset["dark"] === "true", format });
    this.ui.set({ menu: null, said: "The picture is being drawn" });
  }

  focus(): void {
    this.box?.focus({ preventScroll: true });
  }

  nodeElement(id: string): HTMLElement | null {
    return this.stage?.querySelector<HTMLElement>(`.react-flow__node[data-id="${CSS.escape(id)}"]`) ?? null;
  }

  name(id: string): string {
    const node = this.doc.nodes[id];
    return node ? node.name || node.type : id;
  }

  slotTaken(slot: Slot): boolean {
    return slotTaken(this.doc, slot);
  }

  private smooth(): number {
    return window.matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : SMOOTH_MS;
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
