/**
 * One text that is edited: what Python knows of it, what a person has made of it, and what was sent.
 * A text that comes from elsewhere is put under what was typed meanwhile; nothing typed is lost.
 */
import { ChangeSet } from "@codemirror/state";
import { changesBetween } from "./diff";
import { forget, keep, readKept } from "./kept";
import type { Outbox, Way, Word, Message } from "./types";
import type { Post } from "./post";

export const REST_MS = 300;

export type Status =
  | { kind: "read" | "waiting" | "readonly"; text: string }
  | { kind: "refused" | "asks"; text: string; line: number | null; help: string; ways: Way[] };

const NO_ANSWER: Status = { kind: "refused", text: "the server did not say how this text fared.", line: null, help: "Type on, or load the page anew.", ways: [] };

export class Session {
  /** What Python has, and its name. */
  base = "";
  rev = "";
  /** What stands in the editor. */
  text = "";
  word: Word | null = null;
  note = "";
  readonly = "";
  private sent: { seq: number; text: string } | null = null;
  /** What was sent and not answered yet: the next answer may be about any of them. */
  private under: { seq: number; text: string }[] = [];
  private timer: ReturnType<typeof setTimeout> | null = null;
  /** The last of ours that is answered. */
  private seen = 0;
  /** What was sent once more as nothing was said of it. */
  private repeated = "";

  constructor(readonly doc: string, private readonly post: Post) {}

  /** A person has typed; what stands there now is sent after a moment of rest. */
  typed(text: string): void {
    this.text = text;
    this.keep();
    if (this.timer) clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), REST_MS);
  }

  /** Sends now what was typed. */
  flush(): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    if (this.readonly || this.text === (this.sent?.text ?? this.base)) return;
    const seq = this.post.add({ op: "text", text: this.text, rev: this.rev, seen: this.seen }, this.doc);
    this.sent = { seq, text: this.text };
    this.under.push(this.sent);
  }

  /** The cursor stands in another line. */
  at(line: number): void {
    if (!this.dirty) this.post.add({ op: "line", line }, this.doc);
  }

  /** Takes what Python says; gives what is to be changed in the editor. */
  receive(message: Message): ChangeSet | null {
    const done = message.ack[this.post.client] ?? 0;
    this.seen = done;
    if (this.rev === "" && !message.still && !message.readonly) this.comeBack(message.text);
    const changes = this.taken(message, done);
    this.keep();
    this.repeat();
    return changes;
  }

  /** What a reload interrupted stands here again. */
  private comeBack(known: string): void {
    const kept = readKept(this.doc);
    if (kept && kept.text !== known) [this.base, this.rev, this.text] = [kept.base, kept.rev, kept.text];
  }

  private keep(): void {
    if (this.dirty) keep(this.doc, this);
    else forget(this.doc);
  }

  private taken(message: Message, done: number): ChangeSet | null {
    const first = this.rev === "";
    this.readonly = message.readonly;
    this.note = message.note;
    if (message.word?.client === this.post.client || !message.word) this.word = message.word;
    const known = this.answered(message, done) ?? this.base;
    if (message.rev === this.rev && known === this.base) return null;
    this.rev = message.rev;
    this.base = message.text;
    if (first) {
      this.text = message.text;
      return null;
    }
    const changes = over(known, message.text, this.text);
    if (!changes) return null;
    this.text = applied(this.text, message.text, changes);
    return changes;
  }

  /**
   * Sends again, once, what stands here and nothing is said of any more: the text it was made of is
   * another one now, or the word was about another style, or was lost with the server.
   */
  private repeat(): void {
    if (!this.dirty || this.timer || (this.sent && !this.unanswered)) return;
    const now = `${this.rev}\n${this.text}`;
    if (this.repeated === now) return;
    this.repeated = now;
    this.sent = null;
    this.typed(this.text);
  }

  /** Whether what was sent was carried out, and nothing is known of how it fared. */
  private get unanswered(): boolean {
    return !!this.sent && this.sent.seq <= this.seen && this.word?.seq !== this.sent.seq;
  }

  /** The text of ours that Python has taken with this answer, null where it took none. */
  private answered(message: Message, done: number): string | null {
    const own = this.under.filter((one) => one.seq <= done).at(-1);
    const read = own && this.word?.seq === own.seq && this.word.kind === "read";
    const moved = message.rev !== this.rev;
    const same = moved ? this.under.filter((one) => one.text === message.text).at(-1) : undefined;
    this.under = this.under.filter((one) => one.seq > done);
    // One that was refused is not sent again as it is.
    if (this.sent && this.sent.seq <= done && (moved || (read && own?.seq === this.sent.seq))) this.sent = null;
    return same?.text ?? (read ? own.text : null);
  }

  /** Whether the editor holds what Python has not taken. */
  get dirty(): boolean {
    return this.text !== this.base;
  }

  get status(): Status {
    if (this.readonly) return { kind: "readonly", text: this.readonly };
    if (!this.dirty) {
      const word = this.word;
      if (word?.kind === "asks") return asked(word);
      return { kind: "read", text: this.note || (word?.kind === "read" ? word.text : "") };
    }
    if (this.word && this.sent?.seq === this.word.seq && this.sent.text === this.text && this.word.kind !== "read") return asked(this.word);
    if (!this.timer && (!this.sent || this.unanswered)) return NO_ANSWER;
    return { kind: "waiting", text: "" };
  }
}

const asked = (word: Word): Status => ({ kind: word.kind as "refused" | "asks", text: word.text, line: word.line ?? null, help: word.help ?? "", ways: word.ways ?? [] });

/** The change from one text to another, for a text that was made of the first by somebody else. */
function over(from: string, to: string, mine: string): ChangeSet | null {
  const theirs = changesBetween(from, to);
  if (!theirs.length) return null;
  const change = ChangeSet.of(theirs, from.length);
  return mine === from ? change : change.map(ChangeSet.of(changesBetween(from, mine), from.length));
}

function applied(text: string, _to: string, changes: ChangeSet): string {
  let result = "", at = 0;
  changes.iterChanges((fromA, toA, _fromB, _toB, inserted) => {
    result += text.slice(at, fromA) + inserted.toString();
    at = toA;
  });
  return result + text.slice(at);
}

export type { Outbox };
