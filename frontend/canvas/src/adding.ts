/** How layers come onto the canvas, and where they find room. */
import { framesAlong } from "./frames";
import { meets, pointsOn } from "./geometry";
import { around, axisOf, endsOf, freePlace, gapFor, GAP_DOWN, makeRoom, overlaps, snapped, type Box } from "./layout";
import { nextReader, none } from "./replay";
import { curveOf } from "./route";
import type { Frames, Point, Slot, Value } from "./types";
import { NEW_NODE, uid, View } from "./view";
import { closesCircle, isLoose, readersOf } from "./wiring";

/** A layer that is new until its words are known; a joining one has two inputs under each other. */
const PLAIN: Shape = { w: 176, h: NEW_NODE.h, axis: 37 };
const JOIN: Shape = { w: 144, h: 118, axis: 61 };
/** Ports this far apart across are on one line. */
const IN_LINE = 60;
const PREVIEW_MS = 120;

interface Shape { w: number; h: number; axis: number }
/** A place, and where others move on to so that it is free. */
interface Spot { at: Point; move: Record<string, Point>; frames: Frames }

export class Adding extends View {
  /** A layer whose real size is not known yet: once it is, it is put on the line. */
  private fresh: { id: string; at: Point } | null = null;
  private previewing: ReturnType<typeof setTimeout> | undefined;
  private lines: { of: unknown; all: [id: string, line: Point[]][] } = { of: null, all: [] };

  newId(key: string): string {
    const type = key.slice(key.lastIndexOf(".") + 1).replace(/^block:/, "").toLowerCase().replace(/\W+/g, "_");
    return `${type}_${uid()}`;
  }

  /** Adds behind the selected layer, or where the view is, if nothing is selected. */
  addBehind(key: string, name: string): void {
    const after = key === "input" ? null : (this.selected.at(-1) ?? this.lastNode());
    const reader = after && key !== "output" ? nextReader(this.doc, after) : null;
    const wish = after ? this.behind(after, PLAIN) : this.centre();
    const spot = this.spot(wish, PLAIN, reader);
    const id = this.newId(key);
    this.store.dispatch({ op: "add", key, id, after, on: null, from: null, to: null, ...spot });
    this.ui.say(after ? `${name} added behind ${this.name(after)}` : `${name} added`);
    this.came(id, spot.at);
  }

  /** A place, free of others; on the way to a reader those behind it move on. */
  protected spot(wish: Point, size: { w: number; h: number }, on: string | null, node: string | null = null): Spot {
    const boxes = this.boxMap(node);
    const wire = on ? this.doc.wires[on] : undefined;
    const at: Point = [snapped(wish[0]), Math.round(wish[1])];
    const lr = this.direction() === "LR";
    const move = wire ? makeRoom({ x: at[0], y: at[1], w: size.w, h: size.h }, boxes, readersOf(this.doc, wire.to[0]), this.direction(), lr ? gapFor(wire.shape) : GAP_DOWN) : null;
    if (!move) return { at: freePlace(at, size, [...boxes.values()], 16), move: {}, frames: {} };
    return { at, move, frames: this.framesFor(boxes, move) };
  }

  protected framesFor(boxes: Map<string, Box>, move: Record<string, Point>): Frames {
    if (!Object.keys(move).length || !Object.keys(this.doc.frames).length) return {};
    const after = new Map(boxes);
    for (const [id, [x, y]] of Object.entries(move)) {
      const box = after.get(id);
      if (box) after.set(id, { ...box, x, y });
    }
    return framesAlong(this.doc, boxes, after);
  }

  /** Where a layer goes that is put on a wire: on the line of its neighbours, where it was dropped if that is free. */
  protected onWire(on: string, middle: Point | null, shape: Shape, node: string | null = null): Spot {
    const wire = this.doc.wires[on];
    const boxes = this.boxMap(node);
    const [from, to] = [wire && boxes.get(wire.from[0]), wire && boxes.get(wire.to[0])];
    const ends = wire ? endsOf(this.doc, wire, boxes, this.direction(), this.ui.state.unfolded) : null;
    const dropped: Point = middle ? [middle[0] - shape.w / 2, middle[1] - shape.h / 2] : [0, 0];
    if (!wire || !from || !to || !ends) return this.spot(dropped, shape, null, node);
    const gap = gapFor(wire.shape);
    if (this.direction() === "TB") {
      const straight = Math.abs(ends.sx - ends.tx) < IN_LINE * 2 && to.y > from.y + from.h;
      if (!straight && middle) return this.spot(dropped, shape, null, node);
      return this.spot([ends.sx - shape.w / 2, Math.max(straight && middle ? Math.min(dropped[1], to.y - GAP_DOWN - shape.h) : 0, from.y + from.h + GAP_DOWN)], shape, on, node);
    }
    const next = to.x > from.x + from.w;
    const straight = next && Math.abs(ends.sy - ends.ty) < IN_LINE && (!middle || Math.abs(middle[1] - ends.sy) < IN_LINE * 2);
    // Around others, or from one row to the next: it stays where it was dropped, else it stands behind its source.
    if (!straight && middle && (next || Math.abs(middle[1] - ends.sy) > IN_LINE * 2)) return this.spot(dropped, shape, null, node);
    const least = from.x + from.w + gap;
    const most = to.x - gap - shape.w;
    const x = straight && middle ? Math.max(least, Math.min(dropped[0], most)) : least;
    return this.spot([x, ends.sy - shape.axis], shape, on, node);
  }

  /** Behind a layer, on its line. */
  protected behind(id: string, shape: Shape = PLAIN): Point {
    const [box, node] = [this.boxOf(id), this.doc.nodes[id]];
    if (!box || !node) return this.centre();
    const gap = gapFor(node.outs[0]?.shape ?? node.shape);
    return this.direction() === "LR"
      ? [box.x + box.w + gap, box.y + axisOf(node, this.ui.state.unfolded.has(id)) - shape.axis]
      : [box.x + box.w / 2 - shape.w / 2, box.y + box.h + GAP_DOWN];
  }

  /** A layer came: it is brought into view with its neighbours, and put on the line once its size is known. */
  protected came(id: string, at: Point): void {
    this.fresh = { id, at };
    this.show([id]);
  }

  /** Whether a layer was just added here: its way into view is cared for. */
  looksAt(id: string): boolean {
    return this.fresh?.id === id;
  }

  /** Whether Python has said what the new layer is. */
  settles(): boolean {
    return this.fresh !== null && !this.store.pending.length && this.store.server.nodes[this.fresh.id] !== undefined;
  }

  /** Once Python has said what a new layer is: its port on the line of what it reads, its readers clear of it. */
  settle(): void {
    const { fresh, store } = this;
    if (!fresh || !this.settles()) return;
    this.fresh = null;
    const [own, boxes, direction] = [this.boxOf(fresh.id), this.boxMap(), this.direction()];
    if (own && own.x === fresh.at[0] && own.y === fresh.at[1]) {
      const wires = Object.values(this.doc.wires);
      const came = wires.find((wire) => wire.to[0] === fresh.id);
      const goes = wires.find((wire) => wire.from[0] === fresh.id);
      const ends = came ? endsOf(this.doc, came, boxes, direction, this.ui.state.unfolded) : null;
      const [dx, dy] = !ends ? [0, 0] : direction === "LR" ? [0, ends.sy - ends.ty] : [ends.sx - ends.tx, 0];
      const near = Math.abs(dx) + Math.abs(dy) < IN_LINE;
      const box = near ? { ...own, x: own.x + dx, y: own.y + dy } : own;
      const others = this.boxMap(fresh.id);
      const move = goes ? makeRoom(box, others, readersOf(this.doc, goes.to[0]), direction, direction === "LR" ? gapFor(goes.shape) : GAP_DOWN) : null;
      const at: Record<string, Point> = { ...move };
      if (box.x !== own.x || box.y !== own.y) at[fresh.id] = [box.x, box.y];
      if (Object.keys(at).length) store.dispatch({ op: "pin", at, frames: this.framesFor(others, move ?? {}), keep: true });
    }
    this.show([fresh.id]);
  }

  /** Several came at once, as from a block: what would stand under them moves on, or they go where they cover nothing. */
  clear(ids: string[]): void {
    const own = new Set(ids);
    const boxes = this.boxMap();
    const all = around(ids.map((id) => boxes.get(id)).filter((box) => box !== undefined));
    const others = new Map([...boxes].filter(([id]) => !own.has(id)));
    if (!all || ids.length < 2 || ![...others.values()].some((box) => overlaps(box, all, 4))) return;
    const behind = new Set(ids.flatMap((id) => [...readersOf(this.doc, id)]).filter((id) => !own.has(id)));
    const move = makeRoom(all, others, behind, this.direction(), this.direction() === "LR" ? gapFor() : GAP_DOWN);
    const stay = together(ids.filter((id) => !this.doc.nodes[id]?.at), boxes, all, [all.x, all.y]); // else each looks for a place again
    const at = move ? { ...stay, ...move } : together(ids, boxes, all, freePlace([all.x, all.y], all, [...others.values()]));
    if (Object.keys(at).length) this.store.dispatch({ op: "pin", at, frames: move ? this.framesFor(others, move) : {}, keep: true });
  }

  /** The wire that a box covers, the nearest to its middle where there are several. */
  wireUnder(box: Box): string | null {
    const { ways, doc } = this;
    if (!ways) return null;
    if (this.lines.of !== ways) {
      const boxes = this.boxMap();
      const all = Object.entries(doc.wires).flatMap(([id, wire]): [string, Point[]][] => {
        const [route, ends] = [ways.found.get(id), endsOf(doc, wire, boxes, ways.direction, this.ui.state.unfolded)];
        return wire.fixed || !route || !ends ? [] : [[id, pointsOn(curveOf(ends, route, ways.direction))]];
      });
      this.lines = { of: ways, all };
    }
    let found: string | null = null;
    let least = Infinity;
    for (const [id, line] of this.lines.all) {
      const far = meets(line, box);
      if (far !== null && far < least) [found, least] = [id, far];
    }
    return found;
  }

  /** A layer hovers over the drawing: the wire it would be put on is lit, and its neighbours make room. */
  hover(box: Box | null, node: string | null = null): void {
    const over = box && (!node || this.spliced(node)) ? this.wireUnder(box) : null;
    if (over === this.ui.state.overWire) return;
    clearTimeout(this.previewing);
    this.ui.set({ overWire: over, making: null });
    if (!over || !box) return;
    const [x, y] = [box.x + box.w / 2, box.y + box.h / 2];
    this.previewing = setTimeout(() => {
      if (this.ui.state.overWire === over) this.ui.set({ making: this.onWire(over, [x, y], this.shapeOf(node), node).move });
    }, PREVIEW_MS);
  }

  /** What a palette's entry covers that is dropped with its middle at a point. */
  ghostBox([x, y]: Point): Box {
    return { x: x - NEW_NODE.w / 2, y: y - NEW_NODE.h / 2, ...NEW_NODE };
  }

  private shapeOf(id: string | null): Shape {
    const [box, node] = id ? [this.boxOf(id), this.doc.nodes[id]] : [null, undefined];
    return box && node ? { w: box.w, h: box.h, axis: axisOf(node, this.ui.state.unfolded.has(node.id)) } : PLAIN;
  }

  /** Whether a layer can be put on a wire: it has none yet, and something goes in and comes out. */
  spliced(id: string): boolean {
    const node = this.doc.nodes[id];
    return node !== undefined && node.ins.length > 0 && node.outs.length > 0 && isLoose(this.doc, id);
  }

  protected lastNode(): string | null {
    const order = this.doc.order.filter((id) => this.doc.nodes[id]?.kind !== "output");
    return order.at(-1) ?? null;
  }

  /** Adds at a place of the drawing: on a wire, reading a value, feeding a slot, or unwired. */
  addAt(key: string, name: string, middle: Point, wiring: { on?: string | null; from?: Value | null; to?: Slot | null } = {}): void {
    const wish: Point = [middle[0] - NEW_NODE.w / 2, middle[1] - NEW_NODE.h / 2];
    const spot = wiring.on ? this.onWire(wiring.on, middle, PLAIN) : { at: freePlace(wish, NEW_NODE, this.boxes(), 8), move: {}, frames: {} };
    const id = this.newId(key);
    this.store.dispatch({ op: "add", key, id, after: null, on: wiring.on ?? null, from: wiring.from ?? null, to: wiring.to ?? null, ...spot });
    this.ui.say(wiring.on ? `${name} put on the wire` : `${name} added`);
    if (wiring.on) this.came(id, spot.at);
    else this.show([id], false);
  }

  /** Two values are joined in front of a slot, on the line of what went into it. */
  protected joinAt(on: string, id: string): Spot {
    const spot = this.onWire(on, null, JOIN);
    this.fresh = { id, at: spot.at };
    return spot;
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
    const screen = box && one ? this.toScreen(this.behind(one.id)) : (this.pointer ?? this.toScreen(this.centre()));
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
    this.hover(null);
    if (!on || !this.spliced(id)) return false;
    const wire = this.doc.wires[on];
    if (!wire || closesCircle(this.doc, wire.from[0], id)) return false;
    const spot = this.onWire(on, [at[0] + (this.boxOf(id)?.w ?? 0) / 2, at[1] + (this.boxOf(id)?.h ?? 0) / 2], this.shapeOf(id), id);
    this.store.dispatch({ op: "insert", node: id, on, ...spot });
    this.ui.say(`${this.name(id)} put on the wire`);
    this.came(id, spot.at);
    return true;
  }
}

/** Where nodes stand once what is around them has its corner there. */
function together(ids: string[], boxes: Map<string, Box>, all: Box, corner: Point): Record<string, Point> {
  const at = none<Point>();
  for (const id of ids) {
    const box = boxes.get(id);
    if (box) at[id] = [box.x + corner[0] - all.x, box.y + corner[1] - all.y];
  }
  return at;
}
