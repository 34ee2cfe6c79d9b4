/**
 * The document as it is shown: Python's last word with the operations on top that it has not
 * acknowledged yet. Sends those, again and again until it has, and keeps them until they are on disk:
 * a server that was started anew acknowledges less than the one before.
 */
import { keep, readKept } from "./kept";
import { claim as claimed } from "./living";
import { placed, type Placement } from "./placing";
import { bare, EMPTY, none, patched, replay } from "./replay";
import type { Room } from "./rows";
import type { Answer, Document, Edit, FamilyColours, Group, Message, Outbox, Point, Question, Sent } from "./types";

const RESEND_MS = 2000;
/** Sent so often without an answer, the whole page is asked for: the session may not know the canvas. */
const ASK_ANEW_AFTER = 3;
const MOST_PATIENCE = 12;
const MOST_HELD = 200;
/** Operations that change nothing that is kept. */
const PASSING = new Set(["select", "pin", "fits", "effect", "picture", "resync", "copy", "open", "leave", "show_problem"]);
const KEPT_REVISIONS = 24;
/** Operations that add nodes or give positions: what is shown is pinned before them. */
const PLACING = new Set(["add", "insert", "join", "move", "arrange", "paste", "duplicate", "group", "ungroup", "fold", "cut", "delete"]);
const SCOPED = new Set(["open", "leave", "show_problem"]);

export class CanvasStore {
  client = `${Math.random().toString(36).slice(2, 10)}${Date.now().toString(36)}`;
  canvas = "";
  rev: number | null = null;
  server: Document = EMPTY;
  doc: Document = EMPTY;
  groups: Group[] = [];
  colours: FamilyColours = {};
  placement: Placement = { at: none(), loose: [], moved: [], frames: {} };
  /** What there is to draw in, where that is known: rows are as long as it is wide. */
  room: Room | undefined;
  /** Grows with every change: what React waits for. */
  version = 0;
  send: (box: Outbox & { again: number }) => void = () => {};
  /** Asks for the whole page; false where the line is cut or Python is at work. */
  askAnew: () => boolean = () => false;
  /** Told of every answer, asked for or not. */
  onAnswer: (answer: Answer) => void = () => {};
  pending: Sent[] = [];
  /** Acknowledged, but not on disk yet. */
  held: Sent[] = [];
  /** Waiting for the document of another block: nothing may be done to this one. */
  leaving = false;

  /** The block that is shown, "" for the network itself. */
  block = "";

  private seq = 0;
  private again = 0;
  private catalogue: string | number | null = null;
  private revisions = new Map<number, Document>();
  private listeners = new Set<() => void>();
  private waiting = new Map<number, (answer: Answer | null) => void>();
  private queued = false;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private told = 0;
  private project: string | null = null;
  private claiming = false;
  private message: Message | null = null;
  /** Times sent again since something was acknowledged, and how often the whole page was asked for. */
  private unanswered = 0;
  private asked = 1;
  private late = false;
  /** Whether something was done here: only then does a place that was found belong into the file. */
  private edited = false;
  /** The page is being left: what is sent now would come after the change of pages, and undo it. */
  private shut = false;
  private idle: (() => void)[] = [];

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  };
  snapshot = (): number => this.version;

  /** Takes what Python sent; false where a patch builds on a revision that is not here. */
  receive(message: Message): boolean {
    const moved = message.canvas !== this.canvas;
    this.canvas = message.canvas;
    this.block = message.block;
    if (message.colours) this.colours = message.colours;
    if (message.catalogue) {
      this.groups = message.catalogue.groups;
      this.catalogue = message.catalogue.version;
    }
    let known = true;
    if (message.full) this.learn(message.rev, bare(message.full));
    else if (message.patch) {
      const base = this.revisions.get(message.patch.from);
      if (base) this.learn(message.rev, patched(base, message.patch));
      else known = false;
    }
    this.message = message;
    const done = this.acknowledge();
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
    this.edited ||= !PASSING.has(edit.op);
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
    const at = none<Point>();
    for (const id of [...this.placement.loose, ...this.placement.moved]) {
      const point = this.placement.at[id];
      if (point) at[id] = point;
    }
    return at;
  }

  /** Changes that would be lost with this tab, once that has lasted. */
  get unsaved(): number {
    return this.late ? this.held.length + this.pending.filter((op) => !PASSING.has(op.op)).length : 0;
  }

  /** Takes up what a reload of this tab interrupted. A duplicate of the tab has a copy, and leaves it. */
  async resume(project: string, claim = claimed): Promise<void> {
    this.project = project;
    const kept = readKept(project);
    if (!kept) return void claim(this.client);
    this.claiming = true;
    this.seq = Math.max(this.seq, kept.seq);
    const ours = await claim(kept.client);
    this.claiming = false;
    if (ours) {
      this.client = kept.client;
      this.pending = [...kept.ops, ...this.pending];
    } else void claim(this.client);
    if (this.message) this.acknowledge();
    this.update();
    this.tell();
    if (this.pending.length) this.schedule();
  }

  /** When everything is acknowledged; null where it is. */
  answered(): Promise<void> | null {
    return this.pending.length ? new Promise((done) => this.idle.push(done)) : null;
  }

  /** Python's word on what it did and what is on disk. */
  private acknowledge(): number {
    const done = this.message?.ack[this.client] ?? 0;
    const written = this.message?.written;
    const safe = written ? Math.min(done, written[this.client] ?? 0) : done;
    const all = [...this.held, ...this.pending];
    const before = this.pending.length;
    this.pending = all.filter((op) => op.seq > done);
    this.held = all.filter((op) => op.seq > safe && op.seq <= done && !PASSING.has(op.op)).slice(-MOST_HELD);
    this.seq = Math.max(this.seq, done);
    if (this.pending.length < before) [this.unanswered, this.asked] = [0, 1];
    else if (this.pending.length > before) this.schedule(); // the server forgot what it had not written
    if (!this.pending.length) for (const done of this.idle.splice(0)) done();
    if (!this.pending.length && !this.held.length) {
      [this.unanswered, this.asked] = [0, 1];
      this.late = false;
    }
    return done;
  }

  /** Drawn again after another page: what was not acknowledged is sent. */
  reopen(): void {
    this.shut = false;
    if (this.pending.length) this.schedule();
    else if (this.held.length) this.wait();
  }

  /** Nothing is sent any more until it is opened again: what is done meanwhile is kept. */
  close(): void {
    this.shut = true;
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
  }

  flush(): void {
    this.queued = false;
    if (this.shut) this.remember();
    if (this.claiming || this.shut) return this.tell(); // sent once it is known under which name
    this.send({ client: this.client, seen: this.rev, catalogue: this.catalogue, ops: this.pending, again: this.again++ });
    this.remember();
    setTimeout(() => this.tell()); // behind Streamlit's own timer that sends: Python begins before we draw
    this.wait();
  }

  private wait(): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timer = null;
      this.overdue();
    }, RESEND_MS);
  }

  private overdue(): void {
    if (!this.pending.length && !this.held.length) return;
    this.late = true;
    this.tell();
    // Either of the two: Streamlit takes what is told at once for one message, to the canvas alone. The
    // page's run brings along what was sent last.
    if (++this.unanswered >= ASK_ANEW_AFTER && this.askAnew()) {
      this.unanswered = -Math.min(2 * this.asked++, MOST_PATIENCE);
      this.wait();
    } else if (this.pending.length) this.flush();
    else this.wait();
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
    for (const op of this.pending) if (op.in === this.canvas) doc = replayed(doc, op, this.groups);
    this.doc = doc;
    this.placement = placed(this.canvas, doc, this.room);
  }

  private tell(): void {
    this.version += 1;
    for (const listener of this.listeners) listener();
  }

  private remember(): void {
    if (this.project === null || this.claiming) return; // what is kept there is not taken up yet
    keep(this.project, { client: this.client, seq: this.seq, ops: [...this.held, ...this.pending] });
  }
}

/** What was kept over a reload may be no operation at all: it is sent, for Python to judge, but not shown. */
function replayed(doc: Document, op: Sent, groups: Group[]): Document {
  try {
    return replay(doc, op, groups);
  } catch {
    return doc;
  }
}
