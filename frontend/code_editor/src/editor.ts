/** The editor itself: CodeMirror with Python's grammar, the marks of layers and the line that was not read. */
import { defaultKeymap, history, historyField, historyKeymap, indentWithTab } from "@codemirror/commands";
import { python } from "@codemirror/lang-python";
import { bracketMatching, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, setDiagnostics, type Diagnostic } from "@codemirror/lint";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { Annotation, Compartment, EditorState, StateEffect, StateField, type ChangeSet, type Extension } from "@codemirror/state";
import { Decoration, drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers, type DecorationSet } from "@codemirror/view";
import { tags as t } from "@lezer/highlight";

const fromPython = Annotation.define<boolean>();
interface Marked { selected: number[]; near: number[]; differs: number[] }
const setMarks = StateEffect.define<Marked>();

const SELECTED = Decoration.line({ class: "lw-selected" });
const NEAR = Decoration.line({ class: "lw-near" });
const DIFFERS = Decoration.line({ class: "lw-differs" });

const marks = StateField.define<Marked & { drawn: DecorationSet }>({
  create: () => ({ selected: [], near: [], differs: [], drawn: Decoration.none }),
  update(value, transaction) {
    for (const effect of transaction.effects) if (effect.is(setMarks)) return { ...effect.value, drawn: drawn(transaction.state, effect.value) };
    return transaction.docChanged ? { ...value, drawn: value.drawn.map(transaction.changes) } : value;
  },
  provide: (field) => EditorView.decorations.from(field, (value) => value.drawn),
});

function drawn(state: EditorState, { selected, near, differs }: Marked): DecorationSet {
  const lines = new Map<number, Decoration>();
  for (const line of differs) lines.set(line, DIFFERS);
  for (const line of near) lines.set(line, NEAR);
  for (const line of selected) lines.set(line, SELECTED);
  const ranges = [...lines].filter(([line]) => line >= 1 && line <= state.doc.lines).sort(([a], [b]) => a - b);
  return Decoration.set(ranges.map(([line, mark]) => mark.range(state.doc.line(line).from)));
}

const colours = HighlightStyle.define([
  { tag: [t.keyword, t.operatorKeyword, t.modifier], color: "var(--lw-keyword)" },
  { tag: [t.string, t.docString], color: "var(--lw-string)" },
  { tag: [t.comment, t.lineComment], color: "var(--lw-comment)", fontStyle: "italic" },
  { tag: [t.number, t.bool, t.null], color: "var(--lw-number)" },
  { tag: [t.definition(t.className), t.className], color: "var(--lw-class)" },
  { tag: [t.function(t.variableName), t.function(t.propertyName), t.function(t.definition(t.variableName))], color: "var(--lw-function)" },
  { tag: t.self, color: "var(--lw-number)" },
]);

/** Pixels at the top of the window that Streamlit's header covers, and what is left free at the bottom. */
const HEADER = 64, MARGIN = 12;

/** What scrolls the page around an element. */
function scrolled(element: Element): Element | null {
  for (let at: Element | null = element; at; at = at.parentElement ?? hostOf(at)) {
    const { overflowY } = getComputedStyle(at);
    if ((overflowY === "auto" || overflowY === "scroll") && at.scrollHeight > at.clientHeight + 1) return at;
  }
  return document.scrollingElement;
}

function hostOf(element: Element): Element | null {
  const root = element.getRootNode();
  return root instanceof ShadowRoot ? root.host : null;
}

export interface Heard {
  typed: (text: string) => void;
  rested: () => void;
  at: (line: number) => void;
  over: (line: number | null) => void;
}

/** A text with its cursor and its history. */
export interface KeptText { doc: string }
const FIELDS = { history: historyField };

export interface Fault { line: number | null; text: string }

export class Editor {
  readonly view: EditorView;
  private fault: Fault | null = null;
  private readonly editable = new Compartment();
  private readonly wrapping = new Compartment();
  private readonly extensions: Extension;
  private line = 0;

  constructor(parent: HTMLElement, root: Document | ShadowRoot, heard: Heard) {
    this.extensions = [
      lineNumbers(), lintGutter(), history(), drawSelection(), indentOnInput(), bracketMatching(), highlightActiveLine(), highlightActiveLineGutter(),
      highlightSelectionMatches(), search({ top: true }), python(), indentUnit.of("    "), syntaxHighlighting(colours), marks,
      EditorState.tabSize.of(4), this.editable.of([]), this.wrapping.of([]),
      keymap.of([
        { key: "Mod-s", preventDefault: true, run: () => (heard.rested(), true) },
        ...defaultKeymap, ...historyKeymap, ...searchKeymap, indentWithTab,
      ]),
      EditorView.contentAttributes.of({ "aria-label": "Code of the network. Escape, then Tab leaves the editor.", spellcheck: "false", autocorrect: "off", autocapitalize: "off" }),
      EditorView.domEventHandlers({
        blur: () => void heard.rested(),
        mousemove: (event, view) => {
          const at = view.posAtCoords({ x: event.clientX, y: event.clientY });
          heard.over(at === null ? null : view.state.doc.lineAt(at).number);
        },
        mouseleave: () => heard.over(null),
      }),
      EditorView.updateListener.of((update) => {
        const own = !update.transactions.some((one) => one.annotation(fromPython));
        if (update.docChanged && own) heard.typed(update.state.doc.toString());
        const line = update.state.doc.lineAt(update.state.selection.main.head).number;
        if (update.selectionSet && own && line !== this.line && update.view.hasFocus) heard.at(line);
        this.line = line;
      }),
    ];
    this.view = new EditorView({ parent, root, state: this.fresh("") });
  }

  /** A text of its own history. */
  private fresh(text: string): EditorState {
    return EditorState.create({ doc: text, extensions: this.extensions });
  }

  show(text: string, kept?: KeptText): void {
    this.view.setState(kept?.doc === text ? this.again(kept) : this.fresh(text));
    this.fault = null;
  }

  /** What stands here, for any editor: one that is gone must not hear what is typed in it later. */
  kept(): KeptText {
    return this.view.state.toJSON(FIELDS) as KeptText;
  }

  private again(kept: KeptText): EditorState {
    return EditorState.fromJSON(kept, { extensions: this.extensions }, FIELDS);
  }

  change(changes: ChangeSet): void {
    this.view.dispatch({ changes, annotations: fromPython.of(true) });
  }

  /** Another text, as if it had been typed. */
  write(changes: { from: number; to: number; insert: string }[]): void {
    this.view.dispatch({ changes, userEvent: "input" });
    this.view.focus();
  }

  setReadonly(readonly: boolean): void {
    this.view.dispatch({ effects: this.editable.reconfigure(readonly ? [EditorState.readOnly.of(true), EditorView.editable.of(false)] : []) });
  }

  mark(marked: Marked): void {
    const now = this.view.state.field(marks);
    if (String([now.selected, "", now.near, "", now.differs]) === String([marked.selected, "", marked.near, "", marked.differs])) return;
    this.view.dispatch({ effects: setMarks.of(marked) });
  }

  setWrapped(wrapped: boolean): void {
    this.view.dispatch({ effects: this.wrapping.reconfigure(wrapped ? EditorView.lineWrapping : []) });
  }

  /** Puts the cursor into a line, which comes into view. */
  goTo(line: number): void {
    const { doc } = this.view.state, place = doc.line(Math.max(1, Math.min(line, doc.lines)));
    this.view.dispatch({ selection: { anchor: place.to }, effects: EditorView.scrollIntoView(place.from, { y: "center" }) });
    this.view.focus();
  }

  /** Brings a line into view where the line that is being written stays in it. `below`: pixels covered at the window's end. */
  reveal(line: number, below: number): void {
    const { view } = this, { doc } = view.state;
    const seen = (at: number): { top: number; bottom: number } => {
      const block = view.lineBlockAt(doc.line(Math.max(1, Math.min(at, doc.lines))).from);
      return { top: view.documentTop + block.top, bottom: view.documentTop + block.bottom };
    };
    const from = HEADER, to = window.innerHeight - below - MARGIN;
    const fault = seen(line), own = seen(doc.lineAt(view.state.selection.main.head).number);
    const by = fault.top < from ? fault.top - from : fault.bottom > to ? fault.bottom - to : 0;
    if (by && (!view.hasFocus || (own.top - by >= from && own.bottom - by <= to))) scrolled(view.dom)?.scrollBy({ top: by });
  }

  say(fault: Fault | null): void {
    if (fault?.line === this.fault?.line && fault?.text === this.fault?.text) return;
    this.fault = fault;
    this.view.dispatch(setDiagnostics(this.view.state, this.diagnostics()));
  }

  private diagnostics(): Diagnostic[] {
    const { fault, view } = this;
    if (!fault?.line) return [];
    const line = view.state.doc.line(Math.max(1, Math.min(fault.line, view.state.doc.lines)));
    const indent = line.text.length - line.text.trimStart().length;
    return [{ from: line.from + indent, to: Math.max(line.to, line.from), severity: "error", message: fault.text }];
  }
}
