/** Layerwise's code editor as a Streamlit component: shows the network's code, tells what is made of it. */
import type { FrontendRenderer } from "@streamlit/component-v2-lib";
import { watchTheme } from "../../canvas/src/theme";
import { onLit, sayLit, type Lit } from "../../canvas/src/lit";
import { LEFT_MS, onLeaving } from "../../leaving/src/protocol";
import { Editor, type KeptText } from "./editor";
import { changesBetween } from "./diff";
import { layersAt } from "./groups";
import { Post } from "./post";
import { Session } from "./session";
import css from "./style.css?inline";
import type { Message, Outbox, Way } from "./types";

const AT_REST_MS = 350;
const SLOW_MS = 4000;
const COPIED_MS = 1600;
const client = `e${Math.random().toString(36).slice(2, 10)}${Date.now().toString(36)}`;
/** While this page lives: a switch of pages or styles loses nothing. */
const posts = new Map<string, Post>();
const sessions = new Map<string, Session>();
const texts = new Map<string, KeptText>();
const panes = new WeakMap<Element, Pane>();
const shown = new Set<Pane>();

onLeaving(({ until }) => {
  for (const pane of shown) {
    const answered = pane.told();
    if (answered) until(answered);
  }
}, () => shown.forEach((pane) => pane.leaves()));
window.addEventListener("popstate", () => {
  for (const pane of shown) if (pane.page !== location.pathname) pane.leaves();
});

const projectOf = (doc: string): string => doc.slice(0, Math.max(0, doc.lastIndexOf("/")));

function known<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key) ?? make();
  map.set(key, found);
  return found;
}

class Pane {
  session: Session | null = null;
  post: Post | null = null;
  readonly page = location.pathname;
  private readonly editor: Editor;
  private readonly status: HTMLElement;
  private readonly unwatch: () => void;
  private readonly unlit: () => void;
  /** Under the pointer on the canvas beside. */
  private lit: Lit | null = null;
  private said: string | null = null;
  private message: Message | null = null;
  private over: number | null = null;
  private readonlyNow = false;
  private wrapped = false;
  private revealed = "";
  private timer: ReturnType<typeof setTimeout> | null = null;
  /** Runs while a text is being read. */
  private patience: ReturnType<typeof setTimeout> | null = null;
  private slow = false;

  constructor(host: HTMLElement) {
    const root = host.getRootNode();
    const style = document.createElement("style");
    style.textContent = css;
    host.before(style);
    const box = document.createElement("div");
    box.className = "box";
    this.status = document.createElement("div");
    this.status.className = "status";
    this.status.setAttribute("role", "status");
    this.status.dataset["testid"] = "code-status";
    box.append(this.copying());
    host.append(box, this.status);
    host.dataset["testid"] = "code-editor";
    // Streamlit's own shortcuts (r, c) are not meant while one types.
    host.addEventListener("keydown", (event) => event.stopPropagation());
    this.editor = new Editor(box, root instanceof ShadowRoot ? root : document, {
      typed: (text) => {
        this.session?.typed(text);
        this.hurry(false);
        this.tell();
      },
      rested: () => {
        this.session?.flush();
        this.tell();
      },
      at: (line) => this.later(line),
      over: (line) => {
        if (line === this.over) return;
        this.over = line;
        this.mark();
        this.light();
      },
    });
    shown.add(this);
    this.unlit = onLit("code", (lit) => {
      this.lit = lit;
      this.mark();
    });
    this.unwatch = watchTheme(host, (dark) => host.classList.toggle("dark", dark));
  }

  show(message: Message, send: (box: Outbox) => void): void {
    const project = projectOf(message.doc);
    // What is only looked at has a post of its own, on which nothing is ever sent.
    const post = message.still ? new Post(client) : known(posts, project, () => new Post(client));
    const session = known(sessions, message.doc, () => new Session(message.doc, post));
    if (!message.still) post.send = send;
    if (post !== this.post && !message.still) post.open();
    this.post = message.still ? null : post;
    post.acknowledged(message.ack);
    const other = session !== this.session;
    const changes = session.receive(message);
    if (other) {
      if (this.session) texts.set(this.session.doc, this.editor.kept());
      this.session = session;
      this.editor.show(session.text, texts.get(message.doc));
    } else if (changes) this.editor.change(changes);
    this.message = message;
    const readonly = message.readonly !== "";
    if (other || readonly !== this.readonlyNow) this.editor.setReadonly(readonly);
    if (other || message.wrap !== this.wrapped) this.editor.setWrapped(message.wrap);
    [this.readonlyNow, this.wrapped] = [readonly, message.wrap];
    if (post.pending.length && other) post.flush();
    this.mark();
    this.tell();
  }

  /** Tells what was written; when that is answered, null where it is. */
  told(): Promise<void> | null {
    this.post?.open();
    this.session?.flush();
    return this.post?.answered() ?? null;
  }

  /** Nothing more is told: it would come after the change of pages. */
  leaves(): void {
    const { post } = this;
    post?.close();
    setTimeout(() => {
      if (shown.has(this)) post?.open();
    }, LEFT_MS);
  }

  close(): void {
    shown.delete(this);
    if (this.timer) clearTimeout(this.timer);
    if (this.patience) clearTimeout(this.patience);
    // Another pane may show the same project by now: what is typed there is told.
    if (![...shown].some((pane) => pane.post === this.post)) this.post?.close();
    this.session?.flush();
    if (this.session) texts.set(this.session.doc, this.editor.kept());
    this.unwatch();
    this.unlit();
    this.editor.view.destroy();
  }

  /** The layer of a line is looked for once the cursor stays there. */
  private later(line: number): void {
    if (this.message?.still) return;
    if (this.timer) clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (!this.message?.marks.includes(line) && this.layersAt(line).length) this.session?.at(line);
    }, AT_REST_MS);
  }

  /** The layers that stand in a line, by their places in the message. */
  private layersAt(line: number): number[] {
    return layersAt(this.message?.groups ?? [], line);
  }

  private mark(): void {
    const dirty = this.session?.dirty ?? false;
    const { marks = [], differs = [] } = this.message ?? {};
    this.editor.mark(dirty ? { selected: [], near: [], differs: [] } : { selected: marks, near: this.near(), differs });
  }

  /** The lines of the layer under the pointer, here or on the canvas. */
  private near(): number[] {
    if (this.over !== null) return this.layersAt(this.over).flatMap((at) => this.message?.groups[at] ?? []);
    const { lit, message } = this;
    if (!lit?.node || !message || projectOf(message.doc) !== lit.project) return [];
    return message.layers.flatMap(([block, node], at) => (block === lit.block && node === lit.node ? (message.groups[at] ?? []) : []));
  }

  /** Tells the canvas which layers the pointer is at. */
  private light(): void {
    const { message } = this;
    if (!message) return;
    const at = this.over === null || this.session?.dirty ? [] : this.layersAt(this.over);
    const layers = at.flatMap((place) => message.layers[place] ?? []);
    const said = layers.length ? layers.join("/") : null;
    if (said === this.said) return;
    this.said = said;
    const [first, ...beside] = at.flatMap((place) => {
      const layer = message.layers[place];
      return layer ? [{ block: layer[0], within: message.within[layer[0]] ?? [], node: layer[1] }] : [];
    });
    sayLit({ by: "code", project: projectOf(message.doc), ...(first ?? { block: "", within: [], node: null }), beside });
  }

  /** A way out of what is not read, by one click. */
  private way({ title }: Way): HTMLElement {
    return pressed("way", title, () => {
      const { session } = this;
      const way = session?.status.kind === "refused" ? session.status.ways.find((one) => one.title === title) : undefined;
      if (!session || !way) return;
      this.editor.write(changesBetween(session.text, way.text));
      session.flush();
      this.tell();
    });
  }

  private copying(): HTMLElement {
    const button = pressed("copy", "Copy", () => {
      void copied(this.editor.view.state.doc.toString()).then((done) => {
        button.textContent = done ? "Copied" : "Press Ctrl+C in the text";
        setTimeout(() => (button.textContent = "Copy"), COPIED_MS);
      });
    });
    return button;
  }

  /** Says after a while that it takes long. */
  private hurry(waiting: boolean): void {
    if (waiting && this.patience) return;
    if (this.patience) clearTimeout(this.patience);
    this.patience = null;
    this.slow = false;
    if (!waiting) return;
    this.patience = setTimeout(() => {
      this.slow = true;
      this.tell();
    }, SLOW_MS);
  }

  private tell(): void {
    const { session } = this;
    if (!session) return;
    const status = session.status;
    const fault = status.kind === "refused" ? [status.text, status.help].filter(Boolean).join(" ") : "";
    this.editor.say(status.kind === "refused" ? { line: status.line, text: fault } : null);
    this.status.dataset["kind"] = status.kind;
    this.hurry(status.kind === "waiting");
    const refused = status.kind === "refused" ? status : null;
    const line = refused?.line ?? null, ways = refused?.ways ?? [];
    const parts = sentence(status, this.slow);
    // The button a person is pressing stays: the editor tells once more as it loses the focus.
    if (this.status.textContent !== parts.join("") + ways.map((one) => one.title).join("")) {
      const [before = "", where = "", behind = ""] = parts;
      const link = where && line ? [pressed("line", where, () => this.editor.goTo(line))] : [];
      this.status.replaceChildren(before, ...link, behind, ...ways.map((one) => this.way(one)));
    }
    if (session.dirty) this.mark();
    const reveal = line ? `${line} ${fault}` : "";
    if (line && reveal !== this.revealed) requestAnimationFrame(() => this.editor.reveal(line, this.status.offsetHeight));
    this.revealed = reveal;
  }
}

/** What is said of a text, in three parts: that in the middle names the line it is about. */
function sentence(status: Session["status"], slow: boolean): string[] {
  switch (status.kind) {
    case "read": return [status.text ? `Read: ${status.text}` : "Read: text and network say the same."];
    case "waiting": return [slow ? "Reading … It takes longer than usual: the server is busy, or is not reached." : "Reading …"];
    case "readonly": return [status.text];
    case "asks": return [status.text];
    case "refused": return ["Not read: ", status.line ? `line ${status.line}` : "", `${status.line ? ": " : ""}${status.text} ${status.help}`.trimEnd()];
  }
}

function pressed(kind: string, title: string, act: () => void): HTMLButtonElement {
  const button = document.createElement("button");
  button.type = "button";
  button.className = kind;
  button.textContent = title;
  button.onclick = act;
  return button;
}

/** Whether a text is on the clipboard; a browser may refuse, as on a page without https. */
async function copied(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

const render: FrontendRenderer<{ ops: Outbox }, Message> = ({ data, parentElement, setStateValue }) => {
  const host = parentElement.querySelector<HTMLElement>(".lw-code-editor");
  if (!host?.isConnected) return; // the bundle was still being loaded when it was taken from the page
  let pane = panes.get(host);
  if (!pane) {
    pane = new Pane(host);
    panes.set(host, pane);
  }
  pane.show(data, (box) => setStateValue("ops", box));
  const drawn = pane;
  return () => {
    // Streamlit may run a stale clean-up while the element lives on: leave only when it is gone.
    setTimeout(() => {
      if (host.isConnected || panes.get(host) !== drawn) return;
      drawn.close();
      panes.delete(host);
    });
  };
};

export default render;
