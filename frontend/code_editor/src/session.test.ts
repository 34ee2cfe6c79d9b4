import { beforeEach, describe, expect, it, vi } from "vitest";
import { changesBetween } from "./diff";
import { Post } from "./post";
import { REST_MS, Session } from "./session";
import type { Message, Outbox, Word } from "./types";

const says = (text: string, rest: Partial<Message> = {}): Message =>
  ({ doc: "p/module", text, rev: text, ack: {}, word: null, note: "", marks: [], groups: [], layers: [], within: {}, readonly: "", still: false, wrap: false, differs: [], ...rest });
const read = (seq: number, kind: Word["kind"] = "read"): Partial<Message> => ({ ack: { me: seq }, word: { client: "me", seq, kind, text: "said", line: 2 } });

function applied(before: string, after: string): string {
  let result = "", at = 0;
  for (const { from, to, insert } of changesBetween(before, after)) {
    result += before.slice(at, from) + insert;
    at = to;
  }
  return result + before.slice(at);
}

describe("what differs", () => {
  it("makes one text of the other", () => {
    for (const [a, b] of [["", "a\n"], ["a\nb\nc\n", "a\nx\nc\n"], ["a\nb\n", "b\na\n"], ["a", ""], ["1\n2\n3\n4", "0\n1\n3\n4\n5"]] as const) expect(applied(a, b)).toBe(b);
  });
  it("touches only the number that is another", () => {
    expect(changesBetween("a\nConv2d(1, 16)\nb\n", "a\nConv2d(1, 24)\nb\n")).toEqual([{ from: 12, to: 14, insert: "24" }]);
  });
  it("keeps lines between two changes", () => {
    expect(changesBetween("a\nkeep\nb\n", "x\nkeep\ny\n")).toHaveLength(2);
  });
});

describe("a text that is edited", () => {
  let sent: Outbox[], post: Post, session: Session;
  beforeEach(() => {
    vi.useFakeTimers();
    const stored = new Map<string, string>();
    vi.stubGlobal("sessionStorage", {
      getItem: (key: string) => stored.get(key) ?? null,
      setItem: (key: string, value: string) => stored.set(key, value),
      removeItem: (key: string) => stored.delete(key),
    });
    sent = [];
    post = new Post("me");
    post.send = (box) => sent.push(box);
    session = new Session("p/module", post);
    session.receive(says("one\ntwo\n"));
  });

  it("is sent once the person rests, and only the newest of it", () => {
    session.typed("one\ntwo \n");
    vi.advanceTimersByTime(REST_MS - 1);
    session.typed("one\ntwo!\n");
    vi.advanceTimersByTime(REST_MS);
    expect(sent).toHaveLength(1);
    expect(sent[0]?.ops).toMatchObject([{ op: "text", text: "one\ntwo!\n", seq: 1 }]);
  });
  it("is sent again until it is acknowledged", () => {
    session.typed("one\n");
    vi.advanceTimersByTime(REST_MS + 2000);
    expect(sent).toHaveLength(2);
    post.acknowledged({ me: 1 });
    vi.advanceTimersByTime(5000);
    expect(sent).toHaveLength(2);
  });
  it("stays as it is where it was read", () => {
    session.typed("one\n2\n");
    session.flush();
    expect(session.receive(says("one\n2\n", read(1)))).toBeNull();
    expect(session.dirty).toBe(false);
    expect(session.status).toEqual({ kind: "read", text: "said" });
  });
  it("stays where it was refused, with the line", () => {
    session.typed("one\n2 +\n");
    session.flush();
    expect(session.receive(says("one\ntwo\n", read(1, "refused")))).toBeNull();
    expect(session.text).toBe("one\n2 +\n");
    expect(session.status).toMatchObject({ kind: "refused", line: 2 });
    vi.advanceTimersByTime(3000);
    post.acknowledged({ me: 1 });
    expect(session.status).toMatchObject({ kind: "refused" });
  });
  it("keeps what is typed while the first part is read", () => {
    session.typed("one\n2\n");
    session.flush();
    session.typed("one\n2\nthree\n");
    session.receive(says("one\n2\n", read(1)));
    expect(session.text).toBe("one\n2\nthree\n");
    expect(session.status.kind).toBe("waiting");
    vi.advanceTimersByTime(REST_MS);
    expect(sent.at(-1)?.ops).toMatchObject([{ text: "one\n2\nthree\n", rev: "one\n2\n" }]);
  });
  it("is not mixed up by an answer to an earlier part", () => {
    session.typed("one\n1\n");
    session.flush();
    session.typed("one\n12\n");
    session.flush();
    expect(session.receive(says("one\n1\n", read(1)))).toBeNull();
    expect(session.receive(says("one\n12\n", read(2)))).toBeNull();
    expect(session.text).toBe("one\n12\n");
    expect(session.status.kind).toBe("read");
  });
  it("takes what changed elsewhere under what was typed", () => {
    session.typed("one\ntwo\nmine\n");
    const changes = session.receive(says("ONE\ntwo\n"));
    expect(changes).not.toBeNull();
    expect(session.text).toBe("ONE\ntwo\nmine\n");
    vi.advanceTimersByTime(REST_MS);
    expect(sent.at(-1)?.ops).toMatchObject([{ text: "ONE\ntwo\nmine\n", rev: "ONE\ntwo\n" }]);
  });
  it("is not sent where it may only be read", () => {
    session.receive(says("one\ntwo\n", { readonly: "no" }));
    session.typed("x");
    vi.advanceTimersByTime(REST_MS);
    expect(sent).toHaveLength(0);
  });
  it("is sent anew where the text below it was taken, and it was refused in the same answer", () => {
    session.typed("one\n2\n");
    session.flush();
    session.typed("one\n2 +\n");
    session.flush();
    session.receive(says("one\n2\n", read(2, "refused")));
    expect(session.status.kind).toBe("waiting");
    vi.advanceTimersByTime(REST_MS);
    expect(sent.at(-1)?.ops).toMatchObject([{ text: "one\n2 +\n", seq: 3, rev: "one\n2\n", seen: 2 }]);
    session.receive(says("one\n2\n", read(3, "refused")));
    expect(session.status.kind).toBe("refused");
  });
  it("says up to where its answers have come", () => {
    session.typed("one\n2\n");
    session.flush();
    session.typed("one\n23\n");
    session.flush();
    session.receive(says("one\n2\n", read(1)));
    session.typed("one\n234\n");
    session.flush();
    expect(sent.map((box) => box.ops.at(-1))).toMatchObject([{ seq: 1, seen: 0 }, { seq: 2, seen: 0 }, { seq: 3, seen: 1 }]);
  });
  it("is sent once more where nothing is said of it, and then says so", () => {
    session.typed("one\n2 +\n");
    session.flush();
    session.receive(says("one\ntwo\n", read(1, "refused")));
    session.receive(says("one\ntwo\n", { ack: { me: 1 } }));
    expect(session.status.kind).toBe("waiting");
    vi.advanceTimersByTime(REST_MS);
    expect(sent.at(-1)?.ops.at(-1)).toMatchObject({ text: "one\n2 +\n", seq: 2 });
    session.receive(says("one\ntwo\n", { ack: { me: 2 } }));
    vi.advanceTimersByTime(5000);
    expect(session.status).toMatchObject({ kind: "refused", text: "the server did not say how this text fared." });
  });
  it("comes back after a reload where it was not read, and is sent anew", () => {
    session.typed("one\n2 +\n");
    session.flush();
    session.receive(says("one\ntwo\n", read(1, "refused")));
    const again = loaded();
    expect(again.receive(says("one\ntwo\n"))).toBeNull();
    expect(again.text).toBe("one\n2 +\n");
    expect(again.status.kind).toBe("waiting");
    vi.advanceTimersByTime(REST_MS);
    expect(sent.at(-1)?.ops).toMatchObject([{ text: "one\n2 +\n", rev: "one\ntwo\n", seq: 1, by: "next" }]);
  });
  it("comes back over what changed elsewhere meanwhile", () => {
    session.typed("one\ntwo\nmine +\n");
    const again = loaded();
    again.receive(says("ONE\ntwo\n"));
    expect(again.text).toBe("ONE\ntwo\nmine +\n");
  });
  it("does not come back where it was read, or taken back, or is of another text", () => {
    session.typed("one\n2\n");
    session.flush();
    const interrupted = loaded(); // it was taken, and the page was left before its answer came
    interrupted.receive(says("one\n2\n"));
    expect(interrupted.text).toBe("one\n2\n");
    session.receive(says("one\n2\n", read(1)));
    session.typed("one\n");
    session.typed("one\n2\n");
    for (const doc of ["p/module", "p/ordered", "q/module"]) {
      const again = loaded(doc);
      again.receive(says("anew\n"));
      expect(again.text).toBe("anew\n");
    }
  });
  it("takes nothing that is no kept text", () => {
    for (const odd of ["{", "null", "[]", "3", '{"base":1,"rev":"a","text":"b"}', '{"base":"a","rev":"","text":"b"}']) {
      sessionStorage.setItem("layerwise.code.p/module", odd);
      const again = loaded();
      again.receive(says("one\n"));
      expect(again.text).toBe("one\n");
    }
  });
  function loaded(doc = "p/module"): Session {
    const next = new Post("next");
    next.send = (box) => sent.push(box);
    return new Session(doc, next);
  }
});
