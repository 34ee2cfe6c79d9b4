/** The editor itself: CodeMirror with Python's grammar, the marks of layers and the line that was not read. */
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { python } from "@codemirror/lang-python";
import { bracketMatching, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, setDiagnostics, type Diagnostic } from "@codemirror/lint";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { Annotation, Compartment, EditorState, StateEffect, StateField, type ChangeSet, type Extension } from "@codemirror/state";
import { Decoration, drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers, type DecorationSet } from "@codemirror/view";
import { tags as t } from "@lezer/highlight";

const fromPython = Annotation.define<boolean>();
const setMarks = StateEffect.define<{ selected: number[]; near: number[] }>();

const SELECTED = Decoration.line({ class: "lw-selected" });
const NEAR = Decoration.line({ class: "lw-near" });

const marks = StateField.define<{ selected: number[]; near: number[]; drawn: DecorationSet }>({
  create: () => ({ selected: [], near: [], drawn: Decoration.none }),
  update(value, transaction) {
    for (const effect of transaction.effects) if (effect.is(setMarks)) return { ...effect.value, drawn: drawn(transaction.state, effect.value) };
    return transaction.docChanged ? { ...value, drawn: value.drawn.map(transaction.changes) } : value;
  },
  provide: (field) => EditorView.decorations.from(field, (value) => value.drawn),
});

function drawn(state: EditorState, { selected, near }: { selected: number[]; near: number[] }): DecorationSet {
  const lines = new Map<number, Decoration>();
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

export interface Heard {
  typed: (text: string) => void;
  rested: () => void;
  at: (line: number) => void;
  over: (line: number | null) => void;
}

export interface Fault { line: number | null; text: string }

export class Editor {
  readonly view: EditorView;
  private fault: Fault | null = null;
  private readonly editable = new Compartment();
  private readonly extensions: Extension;
  private line = 0;

  constructor(parent: HTMLElement, root: Document | ShadowRoot, heard: Heard) {
    this.extensions = [
      lineNumbers(), lintGutter(), history(), drawSelection(), indentOnInput(), bracketMatching(), highlightActiveLine(), highlightActiveLineGutter(),
      highlightSelectionMatches(), search({ top: true }), python(), indentUnit.of("    "), syntaxHighlighting(colours), marks,
      EditorState.tabSize.of(4), this.editable.of([]),
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
  fresh(text: string): EditorState {
    return EditorState.create({ doc: text, extensions: this.extensions });
  }

  show(state: EditorState): void {
    this.view.setState(state);
    this.fault = null;
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

  mark(selected: number[], near: number[]): void {
    const now = this.view.state.field(marks);
    if (String(now.selected) === String(selected) && String(now.near) === String(near)) return;
    this.view.dispatch({ effects: setMarks.of({ selected, near }) });
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
