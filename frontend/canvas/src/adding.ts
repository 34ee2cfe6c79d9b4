/** How layers come onto the canvas, and where they find room. */
import { freePlace, makeRoom, snapped, type Box } from "./layout";
import { nextReader } from "./replay";
import type { Point, Slot, Value } from "./types";
import { NEW_NODE, uid, View } from "./view";
import { closesCircle, isLoose, readersOf } from "./wiring";

/** Between layers on one line: a wire's label has room. */
const ROOM = 96;
const WIDE_NODE = 176;
/** A place, and where others move on to so that it is free. */
interface Spot { at: Point; move: Record<string, Point> }

export class Adding extends View {
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
    const { at, move } = this.roomAt(wish, reader ? (this.doc.wires[reader]?.to[0] ?? null) : null) ?? { at: freePlace(wish, NEW_NODE, this.boxes()), move: {} };
    this.store.dispatch({ op: "add", key, id: this.newId(key), at, after, on: null, from: null, to: null, move });
    this.ui.say(after ? `${name} added behind ${this.name(after)}` : `${name} added`);
    this.reveal(at);
  }

  /** A place between a layer and its reader, and where what comes behind moves on to for it. */
  protected roomAt(wish: Point, reader: string | null, node: string | null = null): Spot | null {
    if (!reader) return null;
    const boxes = new Map(this.doc.order.filter((id) => id !== node).map((id) => [id, this.boxOf(id)] as const).filter((pair): pair is [string, Box] => pair[1] !== null));
    const at: Point = [snapped(wish[0]), snapped(wish[1])];
    const size = (node ? this.boxOf(node) : null) ?? { ...NEW_NODE, w: WIDE_NODE };
    const move = makeRoom({ x: at[0], y: at[1], w: size.w, h: size.h }, boxes, readersOf(this.doc, reader), this.direction(), ROOM);
    return move && { at, move };
  }

  /** Where a layer goes that is put on a wire at a point: on the line of its neighbours. */
  protected onWire(on: string, middle: Point, node: string | null = null): Spot {
    const wire = this.doc.wires[on];
    const from = wire ? this.boxOf(wire.from[0]) : null;
    const to = wire ? this.boxOf(wire.to[0]) : null;
    const own = (node ? this.boxOf(node) : null) ?? NEW_NODE;
    const wish: Point = [middle[0] - own.w / 2, middle[1] - own.h / 2];
    if (!from || !to) return { at: wish, move: {} };
    const lr = this.direction() === "LR";
    const inLine = lr ? Math.abs(from.y + from.h / 2 - middle[1]) < 60 : Math.abs(from.x + from.w / 2 - middle[0]) < 60;
    if (inLine && lr) [wish[0], wish[1]] = [Math.max(wish[0], from.x + from.w + ROOM), from.y + from.h / 2 - own.h / 2];
    if (inLine && !lr) [wish[0], wish[1]] = [from.x + from.w / 2 - own.w / 2, Math.max(wish[1], from.y + from.h + ROOM / 2)];
    return this.roomAt(wish, wire?.to[0] ?? null, node) ?? { at: wish, move: {} };
  }

  protected behind(box: Box): Point {
    return this.direction() === "LR"
      ? [box.x + box.w + ROOM, box.y + box.h / 2 - NEW_NODE.h / 2]
      : [box.x + box.w / 2 - NEW_NODE.w / 2, box.y + box.h + 56];
  }

  protected lastNode(): string | null {
    const order = this.doc.order.filter((id) => this.doc.nodes[id]?.kind !== "output");
    return order.at(-1) ?? null;
  }

  /** Adds at a place of the drawing: on a wire, reading a value, feeding a slot, or unwired. */
  addAt(key: string, name: string, middle: Point, wiring: { on?: string | null; from?: Value | null; to?: Slot | null } = {}): void {
    const wish: Point = [middle[0] - NEW_NODE.w / 2, middle[1] - NEW_NODE.h / 2];
    const { at, move } = wiring.on ? this.onWire(wiring.on, middle) : { at: freePlace(wish, NEW_NODE, this.boxes(), 8), move: {} };
    this.store.dispatch({ op: "add", key, id: this.newId(key), at, after: null, on: wiring.on ?? null, from: wiring.from ?? null, to: wiring.to ?? null, move });
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
    const wires = [...this.wires];
    const wire = wires.length === 1 && !this.selected.length ? this.doc.wires[wires[0] ?? ""] : undefined;
    const [start, end] = [wire ? this.boxOf(wire.from[0]) : null, wire ? this.boxOf(wire.to[0]) : null];
    if (start && end) {
      const middle: Point = [(start.x + start.w + end.x) / 2, (start.y + start.h / 2 + end.y + end.h / 2) / 2];
      return this.search(this.inside(this.toScreen(middle)), { on: wires[0] ?? null });
    }
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

  /** A node was dragged to the middle of a wire: put it there, if it is loose. */
  dropOnWire(id: string, at: Point): boolean {
    const on = this.ui.state.overWire;
    this.ui.set({ overWire: null });
    if (!on || !isLoose(this.doc, id)) return false;
    const wire = this.doc.wires[on];
    if (!wire || closesCircle(this.doc, wire.from[0], id)) return false;
    const own = this.boxOf(id);
    const spot = own ? this.onWire(on, [at[0] + own.w / 2, at[1] + own.h / 2], id) : { at, move: {} };
    this.store.dispatch({ op: "insert", node: id, on, ...spot });
    this.ui.say(`${this.name(id)} put on the wire`);
    return true;
  }
}
