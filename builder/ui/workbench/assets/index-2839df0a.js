// The palette and the stack of the Build page: drawn here, decided in Python.
//
// Two components share this file; the markup Python mounts says which one it is. What a person does
// becomes an operation with a number. All operations not yet acknowledged travel in one state value,
// so a quick second click, a rerun or a dropped line loses none; Python applies each once, in order.
// Every text of a person is set by textContent, never as HTML.

const RESEND_MS = 2000;
const QUIET_MS = 120;
const LEFT_MS = 2500;
const SEARCH_LIMIT = 40;
const ENTRY_TYPE = "application/x-layerwise-entry";
const ROW_TYPE = "application/x-layerwise-row";

const CSS = `
:host, .lw { font-family: var(--st-font); color: var(--st-text-color); font-size: 0.93rem; line-height: 1.4; }
.lw *, .lw *::before { box-sizing: border-box; }
.lw button { font: inherit; color: inherit; background: none; border: 0; padding: 0; cursor: pointer; text-align: left; }
.lw button:disabled { opacity: .35; cursor: default; }
.lw :focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 1px; }
.lw [hidden] { display: none !important; }
.lw .quiet { color: color-mix(in srgb, var(--st-text-color) 66%, transparent); }
.lw .icon { font-family: "Material Symbols Rounded"; font-size: 1.2rem; line-height: 1; font-weight: 400;
  font-feature-settings: "liga"; white-space: nowrap; overflow: hidden; width: 1em; height: 1em; display: inline-block; flex: none; }
.lw .scroll { overflow-y: auto; overscroll-behavior: contain; scrollbar-width: thin; }
.lw.panel, .lw .panel { border: 1px solid var(--st-border-color); border-radius: var(--st-base-radius); background: var(--st-background-color); }

.palette { display: flex; flex-direction: column; overflow: hidden; }
.palette .search { display: flex; align-items: center; gap: .4rem; padding: .5rem .6rem; border-bottom: 1px solid var(--st-border-color); }
.palette .search input { flex: 1; min-width: 0; border: 0; background: none; color: inherit; font: inherit; outline: none; }
.palette .search:focus-within { box-shadow: inset 0 0 0 2px var(--st-primary-color); border-radius: var(--st-base-radius) var(--st-base-radius) 0 0; }
.palette .scroll { padding: .3rem .3rem .6rem; flex: 1; }
.palette summary { display: flex; align-items: center; gap: .45rem; padding: .32rem .4rem; cursor: pointer; list-style: none; border-radius: .35rem; font-weight: 550; }
.palette summary::-webkit-details-marker { display: none; }
.palette summary:hover, .palette .entry:hover { background: var(--st-secondary-background-color); }
.palette summary .n { margin-left: auto; font-weight: 400; font-size: .8rem; }
.palette .dot { width: .6rem; height: .6rem; border-radius: 50%; flex: none; }
.palette .entry { display: flex; align-items: baseline; gap: .45rem; width: 100%; padding: .26rem .4rem; border-radius: .35rem; }
.palette .group .entry { padding-left: 1.45rem; }
.palette .entry .dot { width: .5rem; height: .5rem; align-self: center; }
.palette .entry .hint { font-size: .8rem; margin-left: auto; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.palette .entry .name { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.palette h4 { font-size: .75rem; font-weight: 600; margin: .5rem .4rem .2rem; letter-spacing: .02em; }
.palette .none { padding: .6rem; }

.stack { display: flex; flex-direction: column; overflow: hidden; }
.stack .bar { display: flex; align-items: center; gap: .2rem; padding: .35rem .5rem .35rem .75rem; border-bottom: 1px solid var(--st-border-color); min-height: 2.6rem; flex-wrap: wrap; }
.stack .crumbs { display: flex; align-items: center; gap: .3rem; flex: 1; min-width: 8rem; font-weight: 550; overflow: hidden; }
.stack .crumbs button { color: var(--st-link-color); }
.stack .crumbs button:hover { text-decoration: underline; }
.stack .tools { display: flex; gap: .1rem; }
.stack .tools button { padding: .3rem; border-radius: .35rem; display: inline-flex; }
.stack .tools button:hover:not(:disabled) { background: var(--st-secondary-background-color); }
.stack .tools button[aria-pressed="true"] { background: color-mix(in srgb, var(--st-primary-color) 16%, transparent); }
.stack .tools .gap { width: .5rem; }
.stack .list { padding: .7rem .75rem; flex: 1; outline-offset: -3px; position: relative; }
.stack .row { position: relative; display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: .1rem .75rem; align-items: baseline;
  padding: .42rem .7rem .42rem .95rem; border: 1px solid var(--st-border-color); border-radius: .5rem; cursor: pointer;
  background: var(--st-background-color); scroll-margin: 3rem; }
.stack .row::before { content: ""; position: absolute; left: 0; top: 0; bottom: 0; width: .32rem; border-radius: .5rem 0 0 .5rem; background: var(--mark); }
.stack .row:hover { border-color: color-mix(in srgb, var(--st-text-color) 35%, transparent); }
.stack .row[aria-selected="true"] { border-color: var(--st-primary-color); box-shadow: 0 0 0 1px var(--st-primary-color);
  background: color-mix(in srgb, var(--st-primary-color) 7%, var(--st-background-color)); }
.stack .row.bypassed .main > :not(.mark) { opacity: .5; text-decoration: line-through; }
.stack .row.edge { border-style: dashed; }
.stack .row.error { border-color: var(--st-red-color); }
.stack .main { display: flex; align-items: baseline; gap: .55rem; min-width: 0; flex-wrap: wrap; }
.stack .name { font-weight: 600; overflow-wrap: anywhere; }
.stack .type { padding: 0 .4rem; border-radius: .3rem; font-size: .84rem; background: var(--fill); white-space: nowrap; }
.stack .params { font-size: .87rem; overflow-wrap: anywhere; }
.stack .count { font-size: .87rem; font-variant-numeric: tabular-nums; white-space: nowrap; }
.stack .tags { grid-column: 1 / -1; display: flex; gap: .3rem .6rem; flex-wrap: wrap; font-size: .82rem; }
.stack .tags .source { display: inline-flex; align-items: center; gap: .25rem; }
.stack .tags .icon { font-size: .95rem; }
.stack .mark { font-size: .82rem; white-space: nowrap; border: 1px solid var(--st-border-color); border-radius: .3rem; padding: 0 .35rem; }
.stack .problem { grid-column: 1 / -1; display: flex; gap: .35rem; font-size: .88rem; color: var(--st-red-text-color, var(--st-red-color)); overflow-wrap: anywhere; }
.stack .problem.warning { color: var(--st-orange-text-color, var(--st-orange-color)); }
.stack .problem .icon { font-size: 1.05rem; margin-top: .1rem; }
.stack .wire { display: flex; align-items: center; gap: .5rem; height: 1.55rem; padding-left: 1.1rem; font-size: .82rem; position: relative; }
.stack .wire .line { width: 1px; height: 100%; background: color-mix(in srgb, var(--st-text-color) 35%, transparent); }
.stack .wire .shape { font-variant-numeric: tabular-nums; font-family: var(--st-code-font); font-size: .8rem; }
.stack .wire.apart .line { visibility: hidden; }
.stack .wire .elsewhere { display: inline-flex; align-items: center; gap: .25rem; min-width: 0; margin-left: -.35rem; font-variant-numeric: tabular-nums; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.stack .wire .elsewhere .icon { font-size: .95rem; }
.stack .wire .insert { opacity: 0; margin-left: auto; font-size: .8rem; display: inline-flex; align-items: center; gap: .15rem; padding: 0 .4rem; border-radius: .3rem; }
.stack .wire:hover .insert, .stack .wire .insert:focus-visible { opacity: 1; }
.stack .wire .insert:hover { background: var(--st-secondary-background-color); }
.stack .wire.drop::after { content: ""; position: absolute; left: 0; right: 0; top: 50%; height: 3px; border-radius: 2px; background: var(--st-primary-color); }
.stack .fold { width: 100%; text-align: center; padding: .5rem; border: 1px dashed var(--st-border-color); border-radius: .5rem; }
.stack .fold:hover { background: var(--st-secondary-background-color); }
.stack .foot { display: flex; gap: .3rem 1.1rem; flex-wrap: wrap; padding: .45rem .75rem; border-top: 1px solid var(--st-border-color); font-size: .86rem; }
.stack .foot b { font-weight: 600; font-variant-numeric: tabular-nums; }
.stack .empty { padding: 1.2rem .5rem; text-align: center; }
.stack .keys { position: absolute; right: .5rem; top: 2.7rem; z-index: 5; padding: .7rem .9rem; max-width: 20rem; font-size: .86rem; box-shadow: 0 6px 24px rgba(0,0,0,.18); }
.stack .keys dl { display: grid; grid-template-columns: auto 1fr; gap: .2rem .8rem; margin: 0; }
.stack .keys dt { font-family: var(--st-code-font); font-size: .8rem; } .stack .keys dd { margin: 0; }
.stack { position: relative; }
.sr { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (prefers-reduced-motion: no-preference) { .stack .row, .stack .wire .insert { transition: border-color .1s, opacity .1s; } }
`;

/** Those drawn. What leads to another page waits for them (frontend/leaving); what they send later undoes it. */
const channels = new Set();
window.addEventListener("layerwise:leaving", ({ detail }) => channels.forEach((channel) => channel.tell(detail)));
window.addEventListener("layerwise:gone", () => channels.forEach((channel) => channel.leave()));

/** Operations on their way to Python, resent until they are acknowledged. */
class Channel {
  constructor() {
    this.client = Array.from({ length: 4 }, () => Math.floor(Math.random() * 2 ** 32).toString(36)).join("");
    this.waiting = [];
    this.seq = 0;
    this.send = () => {};
    this.timer = 0;
    this.shut = false;
    this.idle = [];
    channels.add(this);
  }
  tell({ until }) {
    this.open();
    if (this.waiting.length) until(new Promise((done) => this.idle.push(done)));
  }
  leave() {
    this.shut = true;
    setTimeout(() => this.open(), LEFT_MS);
  }
  open() {
    if (!this.shut) return;
    this.shut = false;
    this.flush();
  }
  push(op) {
    this.seq += 1;
    this.waiting.push({ seq: this.seq, at: performance.now(), ...op });
    this.flush();
    return this.seq;
  }
  flush() {
    if (this.shut || !this.waiting.length) return;
    this.send("ops", { client: this.client, ops: this.waiting.slice() });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), RESEND_MS);
  }
  acknowledged(ack) {
    const upTo = (ack && ack[this.client]) || 0;
    this.waiting = this.waiting.filter((op) => op.seq > upTo);
    if (!this.waiting.length) {
      clearTimeout(this.timer);
      for (const done of this.idle.splice(0)) done();
    }
    return upTo;
  }
  close() {
    clearTimeout(this.timer);
    channels.delete(this);
    this.send = () => {};
  }
}

/** An element with attributes and children; strings become text nodes, never markup. */
function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [k, v] of Object.entries(value)) element.style.setProperty(k, v);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat()) {
    if (child !== null && child !== undefined && child !== false) element.append(child);
  }
  return element;
}

const icon = (name) => h("span", { class: "icon", "aria-hidden": "true" }, name);

function isDark(host) {
  const colour = getComputedStyle(host).getPropertyValue("--st-background-color").trim();
  const hex = /^#([0-9a-f]{6})/i.exec(colour);
  const rgb = hex ? [0, 2, 4].map((i) => parseInt(hex[1].slice(i, i + 2), 16)) : (colour.match(/\d+/g) || [255, 255, 255]).map(Number);
  return 0.3 * rgb[0] + 0.59 * rgb[1] + 0.11 * rgb[2] < 128;
}

function height(host, data) {
  // The panes scroll by themselves where the window is tall enough, else the page does.
  const room = window.innerHeight >= 620 ? `max(26rem, calc(100vh - ${data.above}px))` : "";
  host.style.maxHeight = room || "none";
  if (host.classList.contains("palette")) host.style.height = room; // it does not jump while one searches
}

// --- the palette ---------------------------------------------------------------------------------

class Palette {
  constructor(host, channel) {
    this.host = host;
    this.channel = channel;
    this.data = null;
    this.text = "";
    this.open = new Set();
    this.input = h("input", {
      type: "search", placeholder: "Search layers", "aria-label": "Search layers and operations", autocomplete: "off", spellcheck: "false",
      oninput: () => { this.text = this.input.value; this.fill(); },
      onkeydown: (event) => this.keys(event),
    });
    this.list = h("div", { class: "scroll", onkeydown: (event) => this.walk(event) });
    this.status = h("div", { class: "sr", role: "status" });
    host.append(h("div", { class: "search" }, icon("search"), this.input), this.list, this.status);
    host.setAttribute("data-lw-palette", "");
    host.addEventListener("lw-search", () => this.input.focus());
  }
  receive(data) {
    height(this.host, data);
    const dark = isDark(this.host);
    const same = this.data && JSON.stringify(this.data.groups) === JSON.stringify(data.groups) && this.dark === dark;
    this.data = data;
    this.dark = dark;
    if (!same) this.fill();
  }
  colour(family) {
    return (this.data.colours[family] || this.data.colours.other)[this.dark ? 1 : 0];
  }
  fill() {
    const words = this.text.toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length) {
      const found = this.found(words);
      this.list.replaceChildren(
        ...(found.length ? found.map((entry) => this.entry(entry, true)) : [h("div", { class: "none quiet" }, "Nothing is called so. Try the word for what it does.")]),
      );
      this.status.textContent = `${found.length} found`;
      return;
    }
    this.status.textContent = "";
    const [first, ...rest] = this.data.groups;
    this.list.replaceChildren(
      h("h4", { class: "quiet" }, first.title),
      ...first.entries.map((entry) => this.entry(entry, false)),
      h("h4", { class: "quiet" }, "Everything"),
      ...rest.map((group) => {
        const details = h("details", { class: "group", open: this.open.has(group.title) },
          h("summary", {}, h("span", { class: "dot", style: { background: this.colour(group.family) } }), group.title,
            h("span", { class: "n quiet" }, String(group.entries.length))));
        const draw = () => { if (details.open && details.children.length === 1) details.append(...group.entries.map((e) => this.entry(e, false))); };
        details.addEventListener("toggle", () => { this.open[details.open ? "add" : "delete"](group.title); draw(); });
        draw();
        return details;
      }),
    );
  }
  found(words) {
    // Every word must be met; a name that starts so stands first, then names, then everyday words.
    const scored = [];
    const seen = new Set();
    for (const group of this.data.groups.slice(1)) {
      for (const entry of group.entries) {
        if (seen.has(entry.key)) continue;
        seen.add(entry.key);
        const name = entry.name.toLowerCase();
        const everyday = `${entry.words || ""} ${group.title}`.toLowerCase();
        const whole = words.join(" ");
        let score = 0;
        for (const word of words) {
          const met = name === word ? 100 : name.startsWith(word) ? 60 : name.includes(word) ? 40 : everyday.includes(word) ? 20 : (entry.help || "").toLowerCase().includes(word) ? 4 : 0;
          if (!met) { score = 0; break; }
          score += met;
        }
        if (words.length > 1 && everyday.includes(whole)) score += 50;
        if (score) scored.push([score - name.length / 100, entry]);
      }
    }
    return scored.sort((a, b) => b[0] - a[0]).slice(0, SEARCH_LIMIT).map(([, entry]) => entry);
  }
  entry(entry, flat) {
    return h("button", {
      class: "entry", type: "button", title: entry.help, draggable: "true", "data-testid": `add-${entry.key}`,
      "aria-label": `Add ${entry.name}. ${entry.help || ""}`,
      onclick: () => this.channel.push({ op: "add", key: entry.key }),
      ondragstart: (event) => { event.dataTransfer.setData(ENTRY_TYPE, entry.key); event.dataTransfer.effectAllowed = "copy"; },
    },
      (flat || entry.dot) && h("span", { class: "dot", style: { background: this.colour(entry.family) } }),
      h("span", { class: "name" }, entry.name),
      entry.hint && h("span", { class: "hint quiet" }, entry.hint));
  }
  keys(event) {
    event.stopPropagation(); // Streamlit listens for r and c on the page
    if (event.key === "Enter" && this.text.trim()) {
      this.list.querySelector(".entry")?.click();
      this.input.value = this.text = "";
      this.fill();
      event.preventDefault();
    } else if (event.key === "ArrowDown") {
      this.list.querySelector(".entry, summary")?.focus();
      event.preventDefault();
    } else if (event.key === "Escape") {
      this.input.value = this.text = "";
      this.fill();
    }
  }
  walk(event) {
    event.stopPropagation();
    const stops = [...this.list.querySelectorAll(".entry, summary")].filter((e) => e.offsetParent !== null);
    const at = stops.indexOf(event.target);
    if (event.key === "ArrowDown" && at + 1 < stops.length) stops[at + 1].focus();
    else if (event.key === "ArrowUp") (at > 0 ? stops[at - 1] : this.input).focus();
    else if (event.key === "Escape" || event.key === "/") this.input.focus();
    else return;
    event.preventDefault();
  }
}

// --- the stack -----------------------------------------------------------------------------------

const KEYS = [
  ["↑ ↓", "select the layer before, behind"],
  ["Shift ↑ ↓", "select several"],
  ["Alt ↑ ↓", "move the layer"],
  ["Delete", "delete"],
  ["Ctrl D", "duplicate"],
  ["Ctrl B", "bypass"],
  ["Ctrl G", "group into a block"],
  ["Enter", "open a block, else edit"],
  ["Esc", "out of the block"],
  ["/", "search the palette"],
  ["Ctrl Z", "undo"],
  ["Ctrl Shift Z", "redo"],
];

class Stack {
  constructor(host, channel) {
    this.host = host;
    this.channel = channel;
    this.data = null;
    this.rows = new Map();
    this.selected = null;
    this.many = [];
    this.pending = 0; // number of the last selection Python has not seen
    this.told = -Infinity; // when a selection was sent last
    this.crumbs = h("nav", { class: "crumbs", "aria-label": "Where you are" });
    this.tools = h("div", { class: "tools", role: "toolbar", "aria-label": "Selected layer" });
    this.list = h("div", {
      class: "list scroll", role: "listbox", tabindex: "0", "aria-label": "Layers, in the order they run", "aria-multiselectable": "true",
      onkeydown: (event) => this.keys(event),
      ondragover: (event) => this.over(event),
      ondragleave: (event) => { if (!this.list.contains(event.relatedTarget)) this.mark(null); },
      ondrop: (event) => this.drop(event),
    });
    this.foot = h("div", { class: "foot", "aria-label": "Totals" });
    this.status = h("div", { class: "sr", role: "status" });
    host.append(h("div", { class: "bar" }, this.crumbs, this.tools), this.list, this.foot, this.status);
    this.buttons();
  }
  buttons() {
    const tool = (name, label, symbol, act) => {
      const button = h("button", { type: "button", title: label, "aria-label": label, "data-testid": `tool-${name}`, onclick: () => { act(); this.list.focus({ preventScroll: true }); } }, icon(symbol));
      this.tools.append(button);
      return button;
    };
    const gap = () => this.tools.append(h("span", { class: "gap" }));
    this.tool = {
      open: tool("open", "Open the block (Enter)", "login", () => this.open()),
      up: tool("up", "Move up (Alt+↑)", "arrow_upward", () => this.move(-1)),
      down: tool("down", "Move down (Alt+↓)", "arrow_downward", () => this.move(1)),
      duplicate: tool("duplicate", "Duplicate (Ctrl+D)", "content_copy", () => this.act("duplicate")),
      bypass: tool("bypass", "Bypass: skip this layer but keep it, to bring it back (Ctrl+B)", "step_over", () => this.act("bypass")),
      freeze: tool("freeze", "Freeze: its weights do not learn", "ac_unit", () => this.act("freeze")),
      group: tool("group", "Group into a block (Ctrl+G). Shift+click selects several", "select_all", () => this.group()),
      remove: tool("delete", "Delete (Delete key)", "delete", () => this.act("delete")),
    };
    gap();
    tool("keys", "Keys", "keyboard", () => this.sheet());
  }
  sheet() {
    if (this.help) { this.help.remove(); this.help = null; return; }
    this.help = h("div", { class: "keys panel", role: "note" }, h("dl", {}, KEYS.flatMap(([key, what]) => [h("dt", {}, key), h("dd", {}, what)])));
    this.host.append(this.help);
    this.host.addEventListener("pointerdown", (event) => { if (this.help && !this.help.contains(event.target) && !this.tools.contains(event.target)) this.sheet(); }, { once: true });
  }
  receive(data) {
    height(this.host, data);
    this.data = data;
    this.dark = isDark(this.host);
    const upTo = this.channel.acknowledged(data.ack);
    if (upTo >= this.pending) {
      const moved = this.selected !== data.selected;
      this.selected = data.selected;
      if (moved && !this.many.includes(this.selected)) this.many = [];
    }
    this.draw();
    if (data.selected && data.selected !== this.shown) {
      this.shown = data.selected;
      this.rows.get(data.selected)?.element.scrollIntoView({ block: "nearest" });
    }
  }
  draw() {
    const { data } = this;
    const last = data.crumbs.length - 1;
    this.crumbs.replaceChildren(...data.crumbs.flatMap((name, depth) => [
      depth > 0 && h("span", { class: "quiet", "aria-hidden": "true" }, "›"),
      depth < last
        ? h("button", { type: "button", onclick: () => this.channel.push({ op: "leave", depth }) }, name)
        : h("span", { "aria-current": "location" }, name),
    ].filter(Boolean)));
    const kept = new Map();
    const children = [];
    data.rows.forEach((row, index) => {
      if (row.fold) {
        children.push(h("button", { type: "button", class: "fold quiet", onclick: () => this.channel.push({ op: "show", row: row.at }) }, `Show ${row.fold} more layers`));
        return;
      }
      const stamp = JSON.stringify(row) + this.dark;
      const old = this.rows.get(row.id);
      const item = old && old.stamp === stamp ? old : { stamp, element: this.row(row), wire: this.wire(row) };
      kept.set(row.id, item);
      children.push(item.element);
      if (index < data.rows.length - 1) children.push(item.wire);
    });
    if (data.hint) children.push(h("div", { class: "empty quiet", role: "presentation" }, data.hint));
    this.rows = kept;
    place(this.list, children);
    this.foot.replaceChildren(...data.totals.map(([number, word, title]) => h("span", { class: "quiet", title }, h("b", {}, number), ` ${word}`)));
    this.highlight();
  }
  row(row) {
    const [mark, fill] = this.colours(row.family);
    const spoken = [
      row.name, row.type, row.parameters, row.sources.join(", "), row.count && `${row.exact} parameters`, row.shape !== "?" && `gives ${row.shape}`,
      row.marks.join(", "), row.problem && `problem: ${row.problem}`,
    ].filter(Boolean).join(". ");
    const tags = [
      ...(row.apart ? [] : row.sources).map((text) => h("span", { class: "source quiet" }, icon("subdirectory_arrow_right"), text)), // else it stands above
      row.below && h("span", { class: "source shape quiet", title: row.axes || null }, `gives ${row.shape}`),
      row.note && h("span", { class: "source quiet" }, icon("sticky_note_2"), row.note),
    ].filter(Boolean);
    return h("div", {
      class: ["row", row.kind === "input" || row.kind === "output" ? "edge" : "", row.marks.includes("bypassed") ? "bypassed" : "", row.severity === "error" ? "error" : ""].join(" "),
      role: "option", id: `lw-row-${row.id}`, "aria-label": spoken, "aria-selected": "false", "data-testid": `row-${row.name}`, draggable: row.kind === "input" ? null : "true",
      style: { "--mark": mark, "--fill": fill },
      onclick: (event) => this.click(row.id, event),
      ondblclick: () => this.open(),
      ondragstart: (event) => { event.dataTransfer.setData(ROW_TYPE, row.id); event.dataTransfer.effectAllowed = "move"; },
    },
      h("div", { class: "main" }, h("span", { class: "name" }, row.name), h("span", { class: "type" }, row.type), row.parameters && h("span", { class: "params quiet" }, row.parameters), row.marks.map((text) => h("span", { class: "mark" }, text))),
      h("div", { class: "count quiet", title: row.count ? `${row.exact} parameters` : null }, row.count),
      tags.length ? h("div", { class: "tags" }, tags) : null,
      row.problem && h("div", { class: `problem ${row.severity}` }, icon(row.severity === "error" ? "error" : "warning"), h("span", {}, row.problem)),
    );
  }
  wire(row) {
    // "below": what the next row reads where it does not read this one; the line stops there.
    const apart = row.below !== undefined;
    return h("div", { class: apart ? "wire apart" : "wire", role: "presentation", "data-after": row.id },
      h("span", { class: "line" }),
      row.below ? h("span", { class: "elsewhere quiet", title: row.below }, icon("subdirectory_arrow_right"), row.below)
        : h("span", { class: "shape quiet", title: row.axes || null }, row.shape),
      h("button", { class: "insert quiet", type: "button", tabindex: "-1", "aria-hidden": "true", onclick: () => { this.select(row.id); this.search(); } }, icon("add"), "insert here"));
  }
  colours(family) {
    const found = this.data.colours[family] || this.data.colours.other;
    return this.dark ? [found[1], found[3]] : [found[0], found[2]];
  }
  highlight() {
    const all = this.chosen();
    for (const [id, { element }] of this.rows) element.setAttribute("aria-selected", String(all.includes(id)));
    if (this.selected && this.rows.has(this.selected)) this.list.setAttribute("aria-activedescendant", `lw-row-${this.selected}`);
    else this.list.removeAttribute("aria-activedescendant");
    const row = this.current();
    const own = Boolean(row) && row.kind !== "input" && row.kind !== "output";
    this.tool.open.hidden = !(row && row.kind === "block");
    for (const name of ["up", "down", "duplicate", "bypass"]) this.tool[name].disabled = !own;
    this.tool.remove.disabled = !row;
    this.tool.freeze.disabled = !(own && (row.kind === "layer" || row.kind === "block"));
    this.tool.group.disabled = !own;
    this.tool.bypass.setAttribute("aria-pressed", String(Boolean(row && row.marks.includes("bypassed"))));
    this.tool.freeze.setAttribute("aria-pressed", String(Boolean(row && row.marks.includes("frozen"))));
  }
  chosen() {
    return this.many.length ? this.many : this.selected ? [this.selected] : [];
  }
  current() {
    return this.data.rows.find((row) => row.id === this.selected) || null;
  }
  order() {
    return this.data.rows.filter((row) => !row.fold).map((row) => row.id);
  }
  select(id) {
    this.selected = this.shown = id;
    this.highlight();
    this.rows.get(id)?.element.scrollIntoView({ block: "nearest" });
    this.tell();
  }
  tell() {
    // The first selection goes at once; those of an arrow key held down become one.
    clearTimeout(this.soon);
    this.since = performance.now();
    if (this.since - this.told > QUIET_MS) this.sendSelection(true);
    else {
      this.pending = Infinity;
      this.soon = setTimeout(() => this.sendSelection(), QUIET_MS / 2);
    }
  }
  click(id, event) {
    if (event.shiftKey && this.selected) this.extend(id);
    else if (event.ctrlKey || event.metaKey) {
      const all = new Set(this.chosen());
      all[all.has(id) ? "delete" : "add"](id);
      this.many = this.order().filter((other) => all.has(other));
      this.highlight();
    } else {
      this.many = [];
      this.select(id);
    }
  }
  extend(id) {
    const order = this.order();
    const anchor = this.anchor && order.includes(this.anchor) && this.many.length ? this.anchor : this.selected;
    this.anchor = anchor;
    const [a, b] = [order.indexOf(anchor), order.indexOf(id)].sort((x, y) => x - y);
    this.many = order.slice(a, b + 1);
    this.selected = id;
    this.highlight();
    this.rows.get(id)?.element.scrollIntoView({ block: "nearest" });
  }
  step(by, extend) {
    const order = this.order();
    const at = order.indexOf(this.selected);
    const next = order[Math.max(0, Math.min(order.length - 1, at < 0 ? (by > 0 ? 0 : order.length - 1) : at + by))];
    if (!next) return;
    if (extend) this.extend(next);
    else { this.many = []; this.select(next); }
  }
  act(op) {
    this.sendSelection();
    for (const node of this.chosen()) this.channel.push({ op, node });
    if (op === "delete") this.many = [];
  }
  sendSelection(now = false) {
    if (!now && this.pending !== Infinity) return; // Python knows it, or will
    clearTimeout(this.soon);
    this.told = performance.now();
    this.pending = this.channel.push({ op: "select", node: this.selected, at: this.since });
  }
  move(by) {
    const order = this.order();
    const at = order.indexOf(this.selected);
    const after = by < 0 ? order[at - 2] : order[at + 1];
    if (at < 0 || !after) return;
    this.sendSelection();
    this.channel.push({ op: "move", node: this.selected, after });
  }
  group() {
    this.sendSelection();
    this.channel.push({ op: "group", nodes: this.chosen() });
    this.many = [];
  }
  open() {
    const row = this.current();
    if (!row) return;
    this.sendSelection();
    if (row.kind === "block") this.channel.push({ op: "open", node: row.id });
    else document.querySelector(".st-key-lw_form input, .st-key-lw_form textarea")?.focus();
  }
  search() {
    for (const element of document.querySelectorAll(".st-key-lw_palette_box *")) {
      const palette = element.shadowRoot?.querySelector("[data-lw-palette]");
      if (palette) palette.dispatchEvent(new Event("lw-search"));
    }
  }
  keys(event) {
    const key = event.key;
    const command = event.ctrlKey || event.metaKey;
    if (key.length === 1 && !command) event.stopPropagation(); // Streamlit's own r and c
    if (event.target !== this.list && (key === "Enter" || key === " ")) return; // a button inside
    const act = {
      ArrowUp: () => (event.altKey ? this.move(-1) : this.step(-1, event.shiftKey)),
      ArrowDown: () => (event.altKey ? this.move(1) : this.step(1, event.shiftKey)),
      Home: () => this.step(-Infinity, event.shiftKey),
      End: () => this.step(Infinity, event.shiftKey),
      Delete: () => this.act("delete"),
      Backspace: () => this.act("delete"),
      Enter: () => this.open(),
      Escape: () => { if (this.help) this.sheet(); else if (this.many.length) { this.many = []; this.highlight(); } else if (this.data.crumbs.length > 1) this.channel.push({ op: "leave", depth: this.data.crumbs.length - 2 }); },
      "/": () => this.search(),
      "?": () => this.sheet(),
      ...(command ? { d: () => this.act("duplicate"), b: () => this.act("bypass"), g: () => this.group() } : {}),
    }[key];
    if (!act || (command && !["d", "b", "g", "Home", "End"].includes(key))) return;
    act();
    event.preventDefault();
    event.stopPropagation();
  }
  gap(event) {
    // The wire nearest to the pointer; the output stays last.
    const wires = [...this.list.querySelectorAll(".wire")];
    let best = null;
    for (const wire of wires) {
      const box = wire.getBoundingClientRect();
      const far = Math.abs(event.clientY - (box.top + box.height / 2));
      if (!best || far < best.far) best = { wire, far };
    }
    return best?.wire || null;
  }
  mark(wire) {
    for (const other of this.list.querySelectorAll(".wire.drop")) other.classList.remove("drop");
    wire?.classList.add("drop");
  }
  over(event) {
    const types = event.dataTransfer.types;
    if (!types.includes(ENTRY_TYPE) && !types.includes(ROW_TYPE)) return;
    event.preventDefault();
    this.mark(this.gap(event));
  }
  drop(event) {
    event.preventDefault();
    const after = this.gap(event)?.dataset.after;
    this.mark(null);
    const entry = event.dataTransfer.getData(ENTRY_TYPE);
    const row = event.dataTransfer.getData(ROW_TYPE);
    if (!after) return;
    if (entry) this.channel.push({ op: "add", key: entry, after });
    else if (row && row !== after) this.channel.push({ op: "move", node: row, after });
  }
}

/** Puts exactly these children into a parent, moving as few as possible (focus and scroll stay). */
function place(parent, children) {
  const wanted = new Set(children);
  for (const child of [...parent.childNodes]) if (!wanted.has(child)) child.remove();
  children.forEach((child, index) => {
    if (parent.childNodes[index] !== child) parent.insertBefore(child, parent.childNodes[index] || null);
  });
}

const instances = new WeakMap();

export default function ({ data, parentElement, setStateValue }) {
  const host = parentElement.querySelector(".lw");
  if (!host || !data) return;
  let instance = instances.get(host);
  if (!instance) {
    const style = document.createElement("style");
    style.textContent = CSS;
    host.before(style);
    const channel = new Channel();
    instance = { channel, view: host.classList.contains("palette") ? new Palette(host, channel) : new Stack(host, channel) };
    instances.set(host, instance);
  }
  instance.channel.send = setStateValue;
  if (instance.view instanceof Palette) instance.channel.acknowledged(data.ack);
  instance.view.receive(data);
  const kept = instance;
  return () => setTimeout(() => { if (!host.isConnected) { kept.channel.close(); instances.delete(host); } });
}
