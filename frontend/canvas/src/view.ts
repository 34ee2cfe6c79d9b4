/** Where things are: on the drawing, on the screen, and what of it is looked at. */
import { getViewportForBounds, type Node, type ReactFlowInstance } from "@xyflow/react";
import { focusOn } from "./focus";
import type { Route } from "./route";
import { around, directionOf, nodeSize, type Box, type Direction } from "./layout";
import { MARGIN, READABLE } from "./rows";
import type { CanvasStore } from "./store";
import type { Document, Point } from "./types";
import { Ui } from "./ui";

export type Flow = ReactFlowInstance<Node>;
export const FRAME = "frame:";
const SMOOTH_MS = 220;
/** As wide as the window is shown what can be read then; else its beginning, this near. */
const LEAST_ZOOM = 0.33;
const START_ZOOM = 0.45;
/** Around what is brought into view; below it are the bars. */
const SIDE = 56;
const TOP = 32;
const BOTTOM = 72;
/** The map in the corner, with its margin. */
export const MAP = { w: 148, h: 96 };
const MAP_EDGE = 16;
/** Neighbours are shown as well, if that leaves them this large. */
const SHOWN_ZOOM = 0.5;
/** A layer that was just added, until its words are known. */
export const NEW_NODE = { w: 144, h: 74 };

export const uid = (): string => Math.random().toString(36).slice(2, 8);

export class View {
  readonly ui = new Ui();
  flow: Flow | null = null;
  /** The canvas's outermost element: it holds the focus between actions. */
  box: HTMLElement | null = null;
  /** The element React Flow draws in. */
  stage: HTMLElement | null = null;
  /** How large that is. Asking the element would hold up the browser in the middle of a change. */
  size: () => { width: number; height: number } = () => ({ width: 0, height: 0 });
  /** Wires that are selected: they are the browser's matter alone. */
  wires = new Set<string>();
  /** So are frames and notes. */
  frames = new Set<string>();
  pointer: Point | null = null;
  /** How the wires run, as they are drawn. */
  ways: { direction: Direction; found: Map<string, Route> } | null = null;
  /** The layer whose wire is selected by keys. */
  stood: string | null = null;

  constructor(readonly store: CanvasStore) {}

  get doc(): Document {
    return this.store.doc;
  }

  /** Set by the drawing: sends a selection by mouse that was not sent yet. */
  sendChosen: () => void = () => {};

  /** What is selected now, also where Python was not told of it yet. */
  get selected(): string[] {
    this.sendChosen();
    return this.doc.selected.filter((id) => this.doc.nodes[id]);
  }

  direction(): Direction {
    return directionOf(this.doc, this.boxMap());
  }

  boxOf(id: string): Box | null {
    const at = this.store.placement.at[id];
    const node = this.doc.nodes[id];
    return at && node ? { x: at[0], y: at[1], ...nodeSize(node, this.ui.state.unfolded.has(id)) } : null;
  }

  boxes(): Box[] {
    return this.doc.order.map((id) => this.boxOf(id)).filter((box) => box !== null);
  }

  /** The last look at all of it, and in how large a frame: while nobody has moved, another size of frame gets another one. */
  private looked: { x: number; y: number; zoom: number; wide: number; high: number; first: boolean } | null = null;

  /** The frame has another size: all that was in view as a whole is so again. */
  resized(): void {
    const { looked, flow } = this, frame = this.stage?.getBoundingClientRect();
    if (!looked || !flow || !frame?.width || !frame.height) return;
    if (Math.abs(frame.width - looked.wide) < 2 && Math.abs(frame.height - looked.high) < 2) return;
    const now = flow.getViewport();
    const moved = Math.abs(now.x - looked.x) > 1 || Math.abs(now.y - looked.y) > 1 || Math.abs(now.zoom - looked.zoom) > 0.005;
    if (moved) this.looked = null;
    else if (looked.first) this.firstLook();
    else this.fit();
  }

  private look(to: { x: number; y: number; zoom: number }, frame: DOMRect, first: boolean): void {
    this.looked = { ...to, wide: frame.width, high: frame.height, first };
    void this.flow?.setViewport(to, first ? undefined : { duration: this.smooth() });
  }

  /** The first look: all of it where that can be read, else as much as is wide, from its beginning. */
  firstLook(): void {
    const frame = this.stage?.getBoundingClientRect();
    const all = around(this.boxes());
    if (!frame || !all || !this.flow) return;
    const wide = (frame.width - 2 * MARGIN) / all.w;
    const whole = Math.min(wide, (frame.height - 64) / all.h);
    const zoom = Math.min(1, whole >= READABLE ? whole : wide >= LEAST_ZOOM ? wide : START_ZOOM);
    const x = all.w * zoom > frame.width - MARGIN ? MARGIN - all.x * zoom : (frame.width - all.w * zoom) / 2 - all.x * zoom;
    const y = all.h * zoom > frame.height - 64 ? 40 - all.y * zoom : (frame.height - all.h * zoom) / 2 - all.y * zoom;
    if (all.h * zoom > frame.height || all.w * zoom > frame.width) this.ui.set({ minimap: true });
    this.look({ x, y, zoom }, frame, true);
  }

  fit(): void {
    setTimeout(() => {
      const frame = this.stage?.getBoundingClientRect();
      const all = around([...this.boxes(), ...Object.values(this.doc.frames).map(({ at, size }) => ({ x: at[0], y: at[1], w: size[0], h: size[1] }))]);
      if (!frame || !all || !this.flow) return;
      // Wires turn beside the layers.
      const bounds = { x: all.x - MARGIN, y: all.y - MARGIN / 2, width: all.w + 2 * MARGIN, height: all.h + MARGIN };
      this.look(getViewportForBounds(bounds, frame.width, frame.height, 0.05, 1, 0.02), frame, false);
    }, 30);
  }

  zoomToSelection(): void {
    const nodes = this.selected.map((id) => ({ id }));
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

  /** Where layers stand, by id. */
  boxMap(except: string | null = null): Map<string, Box> {
    return new Map(this.doc.order.filter((id) => id !== except).map((id) => [id, this.boxOf(id)] as const).filter((pair): pair is [string, Box] => pair[1] !== null));
  }

  /** Brings layers into view, and those they are wired to where there is room for them; nothing moves that is in view. */
  show(ids: string[], neighbours = true): void {
    const own = new Set(ids);
    const wires = neighbours ? Object.values(this.doc.wires) : [];
    const near = wires.flatMap(({ from, to }) => (own.has(to[0]) ? [from[0]] : own.has(from[0]) ? [to[0]] : []));
    const one = around(ids.map((id) => this.boxOf(id)).filter((box) => box !== null));
    const all = around([...ids, ...near].map((id) => this.boxOf(id)).filter((box) => box !== null));
    if (one && all) this.bring(one, all);
  }

  /** Brings a part of the drawing into view, and what is around it where there is room. */
  protected bring(one: Box, all: Box = one): void {
    const frame = this.size();
    if (!this.flow || !frame.width) return;
    const zoom = this.flow.getZoom();
    const [w, h] = [frame.width - 2 * SIDE, frame.height - TOP - BOTTOM];
    const fits = (box: Box, at: number): boolean => box.w * at <= w && box.h * at <= h;
    const nearer = Math.min(zoom, w / all.w, h / all.h);
    // Where it is too large itself it is seen smaller: with its neighbours, else alone.
    const own = Math.min(zoom, w / one.w, h / one.h);
    const [box, at] = fits(all, zoom) ? [all, zoom] : nearer >= (own < zoom ? LEAST_ZOOM : SHOWN_ZOOM) ? [all, nearer] : [one, Math.max(own, Math.min(zoom, LEAST_ZOOM))];
    const view = this.flow.getViewport();
    // The least way that brings it in: no farther than its edges need it.
    const shift = (start: number, size: number, offset: number, low: number, high: number): number => {
      const [from, to] = [start * at + offset, (start + size) * at + offset];
      return from < low ? low - from : to > high ? Math.max(high - to, low - from) : 0;
    };
    const middle = (offset: number, size: number): number => (at === zoom ? offset : size / 2 - ((size / 2 - offset) / zoom) * at);
    const [x, y] = [middle(view.x, frame.width), middle(view.y, frame.height)];
    const way = (to: Box, right: number, bottom: number): Point => [shift(to.x, to.w, x, SIDE, right), shift(to.y, to.h, y, TOP, bottom)];
    const [right, bottom] = [frame.width - SIDE, frame.height - BOTTOM];
    const corner: Point = this.ui.state.minimap ? [frame.width - MAP.w - MAP_EDGE, frame.height - MAP.h - MAP_EDGE] : [Infinity, Infinity];
    const clear = (to: Box, [dx, dy]: Point): boolean => (to.x + to.w) * at + x + dx <= corner[0] || (to.y + to.h) * at + y + dy <= corner[1];
    // Nor under the map: to its left or above it, whichever is nearer; of much that is shown, what came.
    const ways = (to: Box): Point[] => [way(to, right, bottom), ...[way(to, corner[0], bottom), way(to, right, corner[1])].sort((a, b) => Math.hypot(...a) - Math.hypot(...b))];
    const [dx, dy] = ways(box).find((move) => clear(box, move)) ?? ways(one).find((move) => clear(one, move)) ?? way(box, right, bottom);
    if (at !== zoom || dx || dy) void this.flow.setViewport({ x: x + dx, y: y + dy, zoom: at }, { duration: this.smooth() });
  }

  /** Where a person points at on the drawing itself, not at a bar or a layer. */
  protected pointed(): Point | null {
    const [top] = this.pointer ? this.elementsAt(this.pointer) : [];
    return this.pointer && top?.classList.contains("react-flow__pane") ? this.toFlow(this.pointer) : null;
  }

  /** Brings a place into view, if it is out of it. */
  protected reveal([x, y]: Point): void {
    if (!this.flow || !this.stage) return;
    const frame = this.stage.getBoundingClientRect();
    const at = this.flow.flowToScreenPosition({ x: x + NEW_NODE.w / 2, y: y + NEW_NODE.h / 2 });
    if (at.x < frame.left + 60 || at.x > frame.right - 60 || at.y < frame.top + 40 || at.y > frame.bottom - 40) {
      void this.flow.setCenter(x + NEW_NODE.w / 2, y + NEW_NODE.h / 2, { zoom: this.flow.getZoom(), duration: this.smooth() });
    }
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

  protected elementsAt([x, y]: Point): Element[] {
    const root = this.box?.getRootNode();
    return root instanceof ShadowRoot || root instanceof window.Document ? root.elementsFromPoint(x, y) : [];
  }

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

  /** A point counted from the canvas's corner, on the screen. */
  outOf([x, y]: Point): Point {
    const frame = this.box?.getBoundingClientRect();
    return [x + (frame?.left ?? 0), y + (frame?.top ?? 0)];
  }

  protected inside([x, y]: Point): Point {
    const frame = this.stage?.getBoundingClientRect();
    if (!frame) return [x, y];
    return [Math.min(Math.max(x, frame.left + 16), frame.right - 40), Math.min(Math.max(y, frame.top + 16), frame.bottom - 60)];
  }

  protected centre(): Point {
    const frame = this.stage?.getBoundingClientRect();
    return frame ? this.toFlow([frame.left + frame.width / 2, frame.top + frame.height / 2]) : [0, 0];
  }

  /** The sentence at the cursor; it goes by itself. */
  refuse(text: string, screen: Point | null): void {
    const cursor = { screen: this.local(screen ?? this.toScreen(this.centre())), text, good: false };
    this.ui.set({ cursor, said: text });
    setTimeout(() => {
      if (this.ui.state.cursor === cursor) this.ui.set({ cursor: null });
    }, 4000);
  }

  focus(): void {
    focusOn(this.box);
  }

  /** Gives a layer the focus, or the canvas where it is not drawn. */
  focusNode(id: string): void {
    requestAnimationFrame(() => focusOn(this.nodeElement(id) ?? this.box));
  }

  nodeElement(id: string): HTMLElement | null {
    return this.stage?.querySelector<HTMLElement>(`.react-flow__node[data-id="${CSS.escape(id)}"]`) ?? null;
  }

  name(id: string): string {
    const node = this.doc.nodes[id];
    return node ? node.name || node.type : id;
  }

  protected smooth(): number {
    return window.matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : SMOOTH_MS;
  }
}
