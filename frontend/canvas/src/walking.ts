/** Going about without a mouse: from layer to layer, along the wires, to frames and to what stands around. */
import { Editing } from "./editing";
import type { Point } from "./types";
import { FRAME } from "./view";
import { describe, wireWords } from "./words";

const REGIONS = [".toolbar button:not(:disabled)", ".palette input", ".react-flow__node-layer[tabindex='0']", ".footer button, .over-stage button"];

export class Walking extends Editing {
  /** The node nearest in a direction: along wires first, else by place. */
  step(key: "ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown", extend: boolean): void {
    const from = this.selected.at(-1) ?? this.stood;
    this.clearMarks();
    if (!from || !this.doc.nodes[from]) {
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

  /** The next wire of the layer one stands at: Delete cuts it, "/" puts a layer on it. */
  nextWire(): void {
    const at = this.selected.at(-1) ?? this.stood;
    const all = Object.entries(this.doc.wires).filter(([, wire]) => !wire.fixed && (wire.to[0] === at || wire.from[0] === at)).map(([id]) => id);
    if (!at || !all.length) return this.refuse(at ? `${this.name(at)} has no wire.` : "Select the layer whose wires you want.", null);
    const next = all[(all.indexOf([...this.wires].at(-1) ?? "") + 1) % all.length] ?? "";
    this.select([]);
    this.clearMarks();
    this.stood = at;
    this.wires.add(next);
    this.onMarks();
    this.focus();
    const wire = this.doc.wires[next];
    if (wire) this.ui.say(wireWords(this.doc, wire));
  }

  /** A frame or note that the focus came to is the one that keys mean. */
  takeFrame(id: string): void {
    if (this.frames.has(id) || !this.doc.frames[id]) return;
    this.select([], false);
    this.clearMarks();
    this.frames.add(id);
    this.onMarks();
  }

  /** Its name, or its text, is written. */
  rename(): void {
    const frame = [...this.frames].at(-1);
    this.ui.set({ editing: this.selected.at(-1) ?? (frame === undefined ? null : FRAME + frame) });
  }

  resizeFrames(dx: number, dy: number): void {
    for (const id of this.frames) {
      const frame = this.doc.frames[id];
      if (!frame) continue;
      const size: Point = [Math.max(80, frame.size[0] + dx), Math.max(40, frame.size[1] + dy)];
      this.putFrame(id, { ...frame, size });
      this.ui.say(`${size[0]} by ${size[1]}`);
    }
  }

  /** To the toolbar, the list of layers, the drawing, the footer, in turn. */
  nextRegion(): void {
    const root = this.box?.getRootNode();
    const active = root instanceof ShadowRoot ? root.activeElement : null;
    const places = REGIONS.map((where) => [...(this.box?.querySelectorAll<HTMLElement>(where) ?? [])].find((one) => one.checkVisibility()));
    const holders = [".toolbar", ".palette", ".react-flow", ".footer, .over-stage"];
    const here = holders.findIndex((holder) => active?.closest(holder));
    for (let step = 1; step <= places.length; step++) {
      const place = places[(here + step) % places.length];
      if (place) return place.focus({ preventScroll: true });
    }
  }
}
