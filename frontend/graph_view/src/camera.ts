/** Where a person looks at the drawing from: moved by pointer, wheel, touch, keys and buttons. */
export type Place = { x: number; y: number; scale: number };

const LEAST = 0.02;
const MOST = 8;
const MARGIN = 16;
const STEP = 1.25;
const LEAST_READABLE = 0.6; // below this zoom the words of a box cannot be read

export class Camera {
  place: Place = { x: 0, y: 0, scale: 1 };
  private size = { width: 1, height: 1 };
  private fitted = true;
  private begin = 0;
  private opening: (() => void) | null = null;
  private pointers = new Map<number, { x: number; y: number }>();
  private dragged = false;
  private readonly watcher: ResizeObserver;

  constructor(private readonly stage: HTMLElement, private readonly moved: (place: Place) => void) {
    stage.addEventListener("wheel", this.wheel, { passive: false });
    stage.addEventListener("pointerdown", this.down);
    stage.addEventListener("pointermove", this.move);
    stage.addEventListener("pointerup", this.up);
    stage.addEventListener("pointercancel", this.up);
    this.watcher = new ResizeObserver(() => {
      if (!stage.clientWidth) return; // in a tab that is not shown
      if (this.opening) this.opening();
      else if (this.fitted) this.fit();
    });
    this.watcher.observe(stage);
  }

  /** True when the last press moved the drawing: then it was no click. */
  get wasDrag(): boolean {
    return this.dragged;
  }

  /**
   * Tells the drawing's own size in pixels at scale 1, and shows the whole of it; or, where words
   * would be too small to read, its beginning at true size: `begin` says where across that lies.
   */
  look(width: number, height: number, begin: () => number): void {
    this.size = { width: Math.max(width, 1), height: Math.max(height, 1) };
    const open = (): void => {
      this.opening = null;
      this.begin = begin();
      this.fit();
      if (this.place.scale < LEAST_READABLE) this.readable();
    };
    if (this.stage.clientWidth) open();
    else this.opening = open;
  }

  fit(): void {
    const { clientWidth, clientHeight } = this.stage;
    if (!clientWidth || !clientHeight) return;
    const across = (clientWidth - 2 * MARGIN) / this.size.width;
    const down = (clientHeight - 2 * MARGIN) / this.size.height;
    // A small graph is not blown up: two boxes that fill a screen read worse than at their own size.
    const scale = clamp(Math.min(across, down, 1.25));
    this.fitted = true;
    this.go({
      scale,
      x: (clientWidth - this.size.width * scale) / 2,
      y: (clientHeight - this.size.height * scale) / 2,
    });
  }

  /** True size from the top: where a graph too tall to read as a whole begins. */
  readable(): void {
    const { clientWidth } = this.stage;
    const wide = this.size.width + 2 * MARGIN > clientWidth;
    this.fitted = false;
    this.go({ scale: 1, x: clientWidth / 2 - (wide ? this.begin : this.size.width / 2), y: MARGIN });
  }

  zoom(factor: number, at = { x: this.stage.clientWidth / 2, y: this.stage.clientHeight / 2 }): void {
    const scale = clamp(this.place.scale * factor);
    const by = scale / this.place.scale;
    this.fitted = false;
    this.go({ scale, x: at.x - (at.x - this.place.x) * by, y: at.y - (at.y - this.place.y) * by });
  }

  pan(dx: number, dy: number): void {
    this.fitted = false;
    this.go({ ...this.place, x: this.place.x + dx, y: this.place.y + dy });
  }

  /** Brings a rectangle of the screen into the stage, without changing the zoom. */
  reveal(box: DOMRect): void {
    const stage = this.stage.getBoundingClientRect();
    const inside = box.left >= stage.left && box.right <= stage.right && box.top >= stage.top && box.bottom <= stage.bottom;
    if (inside) return;
    this.pan(
      stage.left + stage.width / 2 - (box.left + box.width / 2),
      stage.top + stage.height / 2 - (box.top + box.height / 2),
    );
  }

  /** Keys: + and − zoom, 0 fits, 1 shows true size, arrows move. True when the key was one of them. */
  key(key: string): boolean {
    const step = 60;
    const actions: Record<string, () => void> = {
      "+": () => this.zoom(STEP),
      "=": () => this.zoom(STEP),
      "-": () => this.zoom(1 / STEP),
      "0": () => this.fit(),
      "1": () => this.readable(),
      ArrowLeft: () => this.pan(step, 0),
      ArrowRight: () => this.pan(-step, 0),
      ArrowUp: () => this.pan(0, step),
      ArrowDown: () => this.pan(0, -step),
    };
    const action = actions[key];
    action?.();
    return action !== undefined;
  }

  close(): void {
    this.watcher.disconnect();
  }

  private go(place: Place): void {
    this.place = place;
    this.moved(place);
  }

  private readonly wheel = (event: WheelEvent): void => {
    const factor = Math.exp(-event.deltaY * (event.deltaMode === 1 ? 0.05 : 0.0015));
    // At either end of the zoom the wheel belongs to the page again.
    if (clamp(this.place.scale * factor) === this.place.scale) return;
    event.preventDefault();
    const box = this.stage.getBoundingClientRect();
    this.zoom(factor, { x: event.clientX - box.left, y: event.clientY - box.top });
  };

  private readonly down = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    if (this.pointers.size === 0) this.dragged = false;
    this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  };

  private readonly move = (event: PointerEvent): void => {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const now = { x: event.clientX, y: event.clientY };
    if (!this.dragged) {
      if (Math.hypot(now.x - before.x, now.y - before.y) < 4) return;
      this.dragged = true;
      this.stage.setPointerCapture(event.pointerId);
      this.stage.classList.add("moving");
    }
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const factor = distance(now, other) / Math.max(distance(before, other), 1);
      const box = this.stage.getBoundingClientRect();
      this.zoom(factor, { x: (now.x + other.x) / 2 - box.left, y: (now.y + other.y) / 2 - box.top });
    } else {
      this.pan(now.x - before.x, now.y - before.y);
    }
    this.pointers.set(event.pointerId, now);
  };

  private readonly up = (event: PointerEvent): void => {
    this.pointers.delete(event.pointerId);
    if (this.pointers.size === 0) this.stage.classList.remove("moving");
  };
}

function clamp(scale: number): number {
  return Math.min(MOST, Math.max(LEAST, scale));
}

function distance(a: { x: number; y: number }, b: { x: number; y: number }): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}
