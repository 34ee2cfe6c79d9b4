/** What was done in a project's texts, sent in order and again until it is acknowledged. */
import type { Edit, Outbox, Sent } from "./types";

const RESEND_MS = 2000;

export class Post {
  pending: Sent[] = [];
  send: (box: Outbox) => void = () => {};
  private seq = 0;
  private again = 0;
  private timer: ReturnType<typeof setTimeout> | null = null;
  /** The page is being left: what is sent now would come after the change of pages, and undo it. */
  private shut = false;
  private idle: (() => void)[] = [];

  constructor(readonly client: string) {}

  /** Sends an edit. Of one text only the newest one waits: it holds all before it. */
  add(edit: Edit, doc: string): number {
    this.pending = this.pending.filter((op) => op.doc !== doc || op.op !== edit.op);
    this.pending = [...this.pending, { ...edit, seq: ++this.seq, at_ms: Date.now(), doc, by: this.client }];
    this.flush();
    return this.seq;
  }

  acknowledged(ack: Record<string, number>): void {
    const done = ack[this.client] ?? 0;
    this.pending = this.pending.filter((op) => op.seq > done);
    this.seq = Math.max(this.seq, done);
    if (this.pending.length) return;
    this.rest();
    for (const done of this.idle.splice(0)) done();
  }

  /** When everything is acknowledged; null where it is. */
  answered(): Promise<void> | null {
    return this.pending.length ? new Promise((done) => this.idle.push(done)) : null;
  }

  flush(): void {
    if (this.shut || !this.pending.length) return;
    this.send({ client: this.client, ops: this.pending, again: this.again++ });
    this.rest();
    this.timer = setTimeout(() => this.flush(), RESEND_MS);
  }

  /** Nothing is sent any more until it is opened again: what is done meanwhile waits. */
  close(): void {
    this.shut = true;
    this.rest();
  }

  open(): void {
    if (!this.shut) return;
    this.shut = false;
    this.flush();
  }

  private rest(): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
  }
}
