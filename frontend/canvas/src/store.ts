/**
 * The document as it is shown: Python's last word with the operations on top that it has not
 * acknowledged yet. Sends those, again and again until it has.
 */
import { placed, type Placement } from "./placing";
import { EMPTY, patched, replay } from "./replay";
import type { Room } from "./rows";
import type { Answer, Document, Edit, FamilyColours, Group, Message, Outbox, Point, Question, Sent } from "./types";

const RESEND_MS = 2000;
const KEPT_REVISIONS = 24;
/** Operations that add nodes or give positions: what is shown is pinned before them. */
const PLACING = new Set(["add", "insert", "join", "move", "arrange", "paste", "duplicate", "group", "fold", "cut", "delete"]);
/** Operations that change nothing. */
const LOOKING = new Set(["pin", "select", "resync", "open", "leave", "show_problem", "first_problem", "fits", "effect", "picture", "copy"]);
const SCOPED = new Set(["open", "leave", "show_problem", "first_problem"]);

export class CanvasStore {
  client = `${Math.random().toString(36).slice(2, 10)}${Date.now().toString(36)}`;
  canvas = "";
  rev: number | null = null;
  server: Document = EMPTY;
  doc: Document = EMPTY;
  groups: Group[] = [];
  colours: FamilyColours = {};
  placement: Placement = { at: {}, loose: [], moved: [], frames: {} };
  /** What there is to draw in, where that is known: rows are as long as it is wide. */
  room: Room | undefined;
  /** Grows with every change: what React waits for. */
  version = 0;
  send: (box: Outbox & { again: number }) => void = () => {};
  /** Told of every answer, asked for or not. */
  onAnswer: (answer: Answer) => void = () => {};
  pending: Sent[] = [];
  /** Waiting for the document of another block: nothing may be done to this one. */
  leaving = false;

  private seq = 0;
  private again = 0;
  private catalogue: string | number | null = null;
  private revisions = new Map<number, Document>();
  private listeners = new Set<() => void>();
  private waiting = new Map<number, (answer: Answer | null) => void>();
  private queued = false;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private told = 0;
  /** Whether something was done here: only then does a place that was found belong into the file. */
  private edited = false;

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  };
  snapshot = (): number => this.version;

  /** Takes what Python sent; false where a patch builds on a revision that is not here. */
  receive(message: Message): boolean {
    const moved = message.canvas !== this.canvas;
    this.canvas = message.canvas;
    if (message.colours) this.colours = message.colours;
    if (message.catalogue) {
      this.groups = message.catalogue.groups;
      this.catalogue = message.catalogue.version;
    }
    let known = true;
    if (message.full) this.learn(message.rev, message.full);
    else if (message.patch) {
      const base = this.revisions.get(message.patch.from);
      if (base) this.learn(message.rev, patched(base, message.patch));
      else known = false;
    }
    const done = message.ack[this.client] ?? 0;
    this.pending = this.pending.filter((op) => op.seq > done);
    if (moved || !this.pending.some((op) => SCOPED.has(op.op))) this.leaving = false;
    this.settle(message.answer ?? null, done);
    this.update();
    this.tell();
    this.remember();
    if (!known) this.dispatch({ op: "resync" });
    return known;
  }

  /** Does an operation: known at once, sent at once and drawn right after that, repeated until acknowledged. */
  dispatch(edit: Edit | Question): number {
    if (this.leaving && edit.op !== "resync") return 0;
    const last = this.pending.at(-1);
    if (edit.op === "select" && last?.op === "select" && this.queued) this.pending = this.pending.slice(0, -1);
    if (PLACING.has(edit.op) && this.placement.loose.length) this.push({ op: "pin", at: this.looseAt(), frames: this.placement.frames, keep: false });
    this.edited ||= !LOOKING.has(edit.op);
    this.push(edit);
    if (edit.op === "open" || edit.op === "leave") this.leaving = true;
    this.update();
    this.schedule();
    return this.seq;
  }

  /** Asks Python; null where the answer was overtaken by another. */
  ask(question: Question): Promise<Answer | null> {
    const seq = this.dispatch(question);
    if (!seq) return Promise.resolve(null);
    return new Promise((resolve) => this.waiting.set(seq, resolve));
  }

  /** Says where loose nodes were put, where only some had no place. */
  pinLoose(): void {
    const { loose } = this.placement;
    if (!loose.length || loose.length === this.doc.order.length || this.pending.length) return;
    this.dispatch({ op: "pin", at: this.looseAt(), frames: this.placement.frames, keep: this.edited });
  }

  private looseAt(): Record<string, Point> {
    const at: Record<string, Point> = {};
    for (const id of [...this.placement.loose, ...this.placement.moved]) {
      const point = this.placement.at[id];
      if (point) at[id] = point;
    }
    return at;
  }

  /** Takes up operations that a reload interrupted, where Python still knows whose they are. */
  resume(message: Message): void {
    const kept = readKept();
    if (!kept || message.ack[kept.client] === undefined || kept.client === this.client) return;
    this.client = kept.client;
    this.pending = kept.ops;
    this.seq = Math.max(kept.seq, message.ack[kept.client] ?? 0);
    if (this.pending.length) this.schedule();
  }

  close(): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
  }

  flush(): void {
    this.queued = false;
    this.send({ client: this.client, seen: this.rev, catalogue: this.catalogue, ops: this.pending, again: this.again++ });
    this.remember();
    setTimeout(() => this.tell()); // behind Streamlit's own timer that sends: Python begins before we draw
    if (this.timer) clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timer = null;
      if (this.pending.length) this.flush();
    }, RESEND_MS);
  }

  private push(edit: Edit | Question): void {
    this.pending = [...this.pending, { ...edit, seq: ++this.seq, at_ms: Date.now(), in: this.canvas }];
  }

  private schedule(): void {
    if (this.queued) return;
    this.queued = true;
    queueMicrotask(() => this.flush());
  }

  private learn(rev: number, document: Document): void {
    this.rev = rev;
    this.server = document;
    this.revisions.delete(rev);
    this.revisions.set(rev, document);
    for (const old of this.revisions.keys()) {
      if (this.revisions.size <= KEPT_REVISIONS) break;
      this.revisions.delete(old);
    }
  }

  private settle(answer: Answer | null, done: number): void {
    if (answer && answer.seq > this.told && answer.seq <= this.seq) {
      this.told = answer.seq;
      this.waiting.get(answer.seq)?.(answer);
      this.waiting.delete(answer.seq);
      this.onAnswer(answer);
    }
    for (const [seq, resolve] of this.waiting) {
      if (seq > done) continue;
      this.waiting.delete(seq);
      resolve(null);
    }
  }

  private update(): void {
    let doc = this.server;
    for (const op of this.pending) if (op.in === this.canvas) doc = replay(doc, op, this.groups);
    this.doc = doc;
    this.placement = placed(this.canvas, doc, this.room);
  }

  private tell(): void {
    this.version += 1;
    for (const listener of this.listeners) listener();
  }

  private remember(): void {
    try {
      sessionStorage.setItem(KEPT, JSON.stringify({ client: this.client, seq: this.seq, ops: this.pending.slice(-200) }));
    } catch {
      // A browser that keeps nothing loses only what a reload interrupts.
    }
  }
}

const KEPT = "layerwise.canvas.pending";

function readKept(): { client: string; seq: number; ops: Sent[] } | null {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT) ?? "null") as { client: string; seq: number; ops: Sent[] } | null;
  } catch {
    return null;
  }
}
