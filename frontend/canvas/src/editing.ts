/** What is done to layers that stand there: deleted, copied, grouped, moved. */
import { put, refusal } from "./clipboard";
import { Connecting } from "./connecting";
import { reasonNot } from "./able";
import { focusOn } from "./focus";
import { FRAME_EDGE, FRAME_HEAD, frameBox, framesAlong } from "./frames";
import { align, around, arrange, axisOf, closeGaps, distribute, freePlace, GAP_DOWN, overlaps, snapped, type Box, type Edge, type Style } from "./layout";
import { none } from "./replay";
import type { Along, FrameData, Frames, Point } from "./types";
import { FRAME, NEW_NODE, uid } from "./view";

/** So long after a paste key the browser's event is waited for. */
const PASTE_MS = 250;
const samePoint = (one: Point | undefined, other: Point | undefined): boolean => one?.[0] === other?.[0] && one?.[1] === other?.[1];
/** A block that was just made. */
const BLOCK = { w: 184, h: 74, axis: 37 };

export class Editing extends Connecting {
  /** Of blocks made here: how all stood before. */
  private grouped = new Map<string, { at: Point; was: Record<string, Point>; move: Record<string, Point>; frames: Record<string, FrameData> }>();

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
    if (!nodes.length && !frames.length) {
      this.store.dispatch({ op: "disconnect", wires });
      this.ui.say(wires.length === 1 ? "Wire cut" : `${wires.length} wires cut`);
      this.onMarks();
      if (this.stood && this.doc.nodes[this.stood]) this.select([this.stood]);
      else this.focus();
      return;
    }
    this.store.dispatch({ op: "delete", nodes, wires, frames, sure });
    this.ui.set({ problem: null, said: nodes.length === 1 ? `${this.name(nodes[0] ?? "")} deleted` : "Deleted" });
    if (next && nodes.every((id) => !this.doc.nodes[id])) this.select([next]);
    this.focus();
  }

  protected neighbour(nodes: string[]): string | null {
    const gone = new Set(nodes);
    return Object.values(this.doc.wires).find((wire) => gone.has(wire.to[0]) && !gone.has(wire.from[0]))?.from[0] ?? null;
  }

  confirm(): void {
    const { asked } = this.ui.state;
    if (!asked) return;
    this.ui.set({ asked: null });
    if (asked.op.op === "delete") this.store.dispatch({ ...asked.op, sure: true });
    else if (asked.op.op === "sure") this.store.dispatch({ op: "sure", id: asked.op.id });
    this.focus();
  }

  /** Set by the drawing: a selection by mouse that waits to be sent is overtaken. Whether there was one. */
  dropChosen: () => boolean = () => false;

  select(nodes: string[], andFocus = true): void {
    const overtaken = this.dropChosen();
    if (nodes.join() !== this.doc.selected.join()) this.store.dispatch({ op: "select", nodes });
    else if (overtaken) this.onMarks();
    if (andFocus && nodes.length === 1) requestAnimationFrame(() => focusOn(this.nodeElement(nodes[0] ?? "")));
  }

  /** Frames, notes and wires are no longer selected; Python knows only of layers. */
  clearMarks(): void {
    this.stood = null;
    this.wires.clear();
    this.frames.clear();
    this.onMarks();
  }

  /** Set by the view: its marks are to be drawn again. */
  onMarks: () => void = () => {};

  selectAll(): void {
    this.select([...this.doc.order]);
  }

  /** Whether what was copied here last is on the system's clipboard; if not, the server still has it. */
  private copied: "nothing" | "on its way" | "there" | "not there" = "nothing";
  private pasting: { keep: boolean; timer: ReturnType<typeof setTimeout> } | null = null;

  undo(): void {
    this.goBy("undo", this.doc.undo, "Undone");
  }

  redo(): void {
    this.goBy("redo", this.doc.redo, "Done again");
  }

  private goBy(op: "undo" | "redo", label: string | null, said: string): void {
    this.store.dispatch({ op });
    this.ui.say(label === null ? `Nothing to ${op}` : `${said}: ${label}`);
  }

  onNodes(op: "bypass" | "freeze" | "duplicate" | "copy" | "cut"): void {
    const nodes = this.selected;
    if (!nodes.length) return;
    const reason = op === "bypass" || op === "freeze" ? reasonNot(op, this.doc, nodes) : "";
    if (reason) return this.refuse(reason, null);
    if (op === "copy" || op === "cut") {
      const text = this.store.ask({ op, nodes }).then((answer) => answer?.copied ?? "");
      this.copied = "on its way";
      void put(text).then((done) => {
        this.copied = done ? "there" : "not there";
      });
    } else if (op === "duplicate") this.store.dispatch({ op, nodes, at: this.beside(nodes) });
    else this.store.dispatch({ op, nodes });
    this.ui.say({ bypass: "Bypass switched", freeze: "Freeze switched", duplicate: "Duplicated", copy: "Copied", cut: "Cut" }[op]);
    if (op === "cut") this.focus();
  }

  /** A free place below layers, as large as they are. */
  private beside(nodes: string[]): Point {
    const all = around(nodes.map((id) => this.boxOf(id)).filter((box) => box !== null));
    return all ? freePlace([all.x, all.y + all.h + GAP_DOWN], all, [...this.boxes(), ...Object.values(this.doc.frames).map(frameBox)], 28) : this.centre();
  }

  /** After a paste key: the browser will bring what is on the clipboard; where it does not, the server's copy is taken. */
  expectPaste(keep: boolean): void {
    if (this.pasting) clearTimeout(this.pasting.timer);
    this.pasting = { keep, timer: setTimeout(() => this.pasted(""), PASTE_MS) };
  }

  /** What the browser brought, "" for nothing. */
  pasted(text: string): void {
    const keep = this.pasting?.keep ?? false;
    if (this.pasting) clearTimeout(this.pasting.timer);
    this.pasting = null;
    const ours = !text || this.copied === "on its way" || this.copied === "not there";
    const reason = ours ? "" : refusal(text);
    if (reason) return this.refuse(reason, this.pointer);
    const at = freePlace(this.pointed() ?? this.centre(), NEW_NODE, this.boxes(), 8);
    this.store.dispatch({ op: "paste", at, keep_inputs: keep, ...(ours ? {} : { text }) });
    this.ui.say("Pasted");
  }

  group(): void {
    const nodes = this.selected;
    if (!nodes.length) return;
    const id = `block_${uid()}`;
    const closed = this.closed(nodes, id);
    this.grouped.set(id, { at: closed.at, was: { ...this.store.placement.at }, move: closed.move, frames: this.doc.frames });
    this.store.dispatch({ op: "group", nodes, name: null, id, ...closed });
    this.ui.say(`${nodes.length} layers grouped into a block`);
  }

  /** How all stood before layers were grouped, where nothing was moved since. */
  private asBefore(block: string): { stay: boolean } & Along {
    const known = this.grouped.get(block);
    const { at } = this.store.placement;
    const still = known && this.doc.order.every((id) => samePoint(at[id], id === block ? known.at : (known.move[id] ?? known.was[id])));
    if (!known || !still) return { stay: false };
    const move = Object.fromEntries(Object.keys(known.move).flatMap((id) => (known.was[id] ? [[id, known.was[id]] as const] : [])));
    const frames = Object.fromEntries(Object.entries(known.frames).map(([id, frame]) => [id, [...frame.at, ...frame.size] as Frames[string]]));
    return { stay: true, move, frames };
  }

  /** Makes one block of what repeats. */
  fold(index: number): void {
    const fold = this.doc.folds[index];
    if (!fold) return;
    const id = `block_${uid()}`;
    this.store.dispatch({ op: "fold", index, name: "", id, ...this.closed(fold.nodes.flat(), id) });
    this.ui.say(`${fold.text} folded into a block`);
  }

  /** Where a block stands that takes layers in, and what moves up to it. */
  private closed(nodes: string[], block: string): { at: Point; move: Record<string, Point>; frames: Frames } {
    const before = this.boxMap();
    const gone = new Set(nodes);
    const first = nodes.map((id) => before.get(id)).find((box) => box !== undefined);
    const lr = this.direction() === "LR";
    const all = around(nodes.map((id) => before.get(id)).filter((box) => box !== undefined));
    if (!first || !all) return { at: this.centre(), move: {}, frames: {} };
    const head = this.doc.nodes[nodes.find((id) => before.has(id)) ?? ""];
    const wish: Point = lr ? [first.x, first.y + (head ? axisOf(head, this.ui.state.unfolded.has(head.id)) : 0) - BLOCK.axis] : [first.x + first.w / 2 - BLOCK.w / 2, first.y];
    const left = new Map([...before].filter(([id]) => !gone.has(id)));
    const at = [...left.values()].some((box) => overlaps({ x: wish[0], y: wish[1], w: BLOCK.w, h: BLOCK.h }, box)) ? freePlace(wish, BLOCK, [...left.values()]) : wish;
    left.set(block, { x: at[0], y: at[1], w: BLOCK.w, h: BLOCK.h });
    const { [block]: own, ...move } = closeGaps(left, all);
    const after = new Map([...left].map(([id, box]) => {
      const [x, y] = id === block ? (own ?? at) : (move[id] ?? [box.x, box.y]);
      return [id, { ...box, x, y }];
    }));
    return { at: own ?? at, move, frames: framesAlong(this.doc, before, after, { gone, by: block }) };
  }

  ungroup(): void {
    for (const id of this.selected) {
      if (this.doc.nodes[id]?.kind !== "block") continue;
      this.store.dispatch({ op: "ungroup", node: id, ...this.asBefore(id) });
      this.ui.say(`${this.name(id)} ungrouped`);
    }
  }

  /** The menu of what was clicked with the other button, or of what is selected. */
  menuAt(kind: "layer" | "wire" | "frame" | "ground", id: string, screen: Point): void {
    if (kind === "layer" && !this.selected.includes(id)) this.select([id], false);
    this.ui.set({ context: { kind, id, screen: this.local(screen) }, menu: null, search: null, slotMenu: null, problem: null });
  }

  menuByKey(): void {
    const id = this.selected.at(-1);
    const box = id ? this.boxOf(id) : null;
    if (id && box) return this.menuAt("layer", id, this.inside(this.toScreen([box.x + 16, box.y + box.h])));
    const [wire] = this.wires;
    const [frame] = this.frames;
    const at = this.inside(this.toScreen(this.centre()));
    if (wire) this.menuAt("wire", wire, at);
    else if (frame) this.menuAt("frame", frame, at);
    else this.menuAt("ground", "", at);
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
    const size: Point = chosen ? [chosen.w + 2 * FRAME_EDGE, chosen.h + FRAME_HEAD + FRAME_EDGE] : kind === "note" ? [200, 80] : [320, 200];
    const at: Point = chosen ? [chosen.x - FRAME_EDGE, chosen.y - FRAME_HEAD] : this.freeFor(size);
    const id = `${kind}_${uid()}`;
    this.putFrame(id, { title: kind === "frame" ? "Part" : "", colour: kind === "frame" ? "blue" : "grey", at: [snapped(at[0]), snapped(at[1])], size, text: kind === "note" ? "" : "", kind });
    this.ui.set({ editing: FRAME + id });
    this.bring({ x: at[0], y: at[1], w: size[0], h: size[1] });
  }

  /** Room for a note: under the selected layers, else where one points at on the ground, else in the middle. */
  private freeFor([w, h]: Point): Point {
    const beside = around(this.selected.map((id) => this.boxOf(id)).filter((box) => box !== null));
    const taken = [...this.boxes(), ...Object.values(this.doc.frames).filter((one) => one.kind === "note").map(frameBox)];
    if (beside) return freePlace([beside.x, beside.y + beside.h + 16], { w, h }, taken, 12);
    const pointed = this.pointed();
    if (pointed) return pointed;
    const [x, y] = this.centre();
    return freePlace([x - w / 2, y - h / 2], { w, h }, taken, 12);
  }

  putFrame(id: string, frame: FrameData): void {
    this.store.dispatch({ op: "frame", id, ...frame });
  }

  moveSelected(dx: number, dy: number): void {
    const at = none<Point>();
    const frames = none<Point>();
    const moving = new Set(this.selected);
    for (const id of this.frames) {
      const frame = this.doc.frames[id];
      if (!frame) continue;
      frames[id] = [frame.at[0] + dx, frame.at[1] + dy];
      if (frame.kind === "frame") for (const inside of this.standingIn(frame)) moving.add(inside);
    }
    for (const id of moving) {
      const point = this.store.placement.at[id];
      if (point) at[id] = [point[0] + dx, point[1] + dy];
    }
    if (!Object.keys(at).length && !Object.keys(frames).length) return;
    this.store.dispatch({ op: "move", at, frames });
    this.ui.say(`Moved ${dx ? `${Math.abs(dx)} ${dx > 0 ? "right" : "left"}` : `${Math.abs(dy)} ${dy > 0 ? "down" : "up"}`}`);
  }

  /** What a frame carries with it. */
  standingIn({ at, size }: FrameData): string[] {
    return this.doc.order.filter((id) => {
      const box = this.boxOf(id);
      return box !== null && box.x >= at[0] && box.y >= at[1] && box.x + box.w <= at[0] + size[0] && box.y + box.h <= at[1] + size[1];
    });
  }

  align(edge: Edge): void {
    this.moveTo(align(this.chosenBoxes(), edge));
    this.ui.say(`Aligned ${edge}`);
  }

  distribute(across: boolean): void {
    this.moveTo(distribute(this.chosenBoxes(), across));
    this.ui.say(`Distributed ${across ? "across" : "down"}`);
  }

  protected chosenBoxes(): Record<string, Box> {
    const boxes = none<Box>();
    for (const id of this.selected) {
      const box = this.boxOf(id);
      if (box) boxes[id] = box;
    }
    return boxes;
  }

  protected moveTo(at: Record<string, Point>): void {
    if (Object.keys(at).length) this.store.dispatch({ op: "move", at, frames: {} });
  }

  arrange(style: Style): void {
    const sizes = new Map<string, { w: number; h: number }>();
    for (const id of this.doc.order) {
      const box = this.boxOf(id);
      if (box) sizes.set(id, box);
    }
    const at = arrange(this.doc, style, sizes, this.store.room);
    const after = new Map(Object.entries(at).map(([id, [x, y]]) => [id, { x, y, w: sizes.get(id)?.w ?? 0, h: sizes.get(id)?.h ?? 0 }]));
    const frames = framesAlong(this.doc, this.boxMap(), after);
    this.store.dispatch({ op: "arrange", at, frames, direction: style === "TB" ? "TB" : "LR", rows: style === "rows" });
    this.ui.say({ LR: "Arranged from left to right", rows: "Arranged in rows", TB: "Arranged from top to bottom" }[style]);
    this.fit();
  }
}
