/** The one or two numbers of a layer that are changed most, edited on the layer itself. */
import { useEffect, useRef, useState, type KeyboardEvent } from "react";
import { useController } from "./context";
import { bounded, read, reasonAgainst, shortName } from "./numbers";
import type { LayerData, Quick } from "./types";

const ASK_MS = 180;

export function QuickNumbers({ node }: { node: LayerData }) {
  return (
    <div className="quick">
      {node.quick.slice(0, 2).map((field) => <Field key={field.name} node={node} field={field} />)}
    </div>
  );
}

function Field({ node, field }: { node: LayerData; field: Quick }) {
  const { store, ui } = useController();
  const [typed, setTyped] = useState<string | null>(null);
  const [wrong, setWrong] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  /** The value whose cost stands under the layer: whoever goes on with it has read it. */
  const seen = useRef<number | null>(null);
  const element = useRef<HTMLInputElement>(null);
  useEffect(() => () => clearTimeout(timer.current), []);

  const change = (text: string): void => {
    setTyped(text);
    const value = read(text, field);
    setWrong(value === null);
    clearTimeout(timer.current);
    if (value === null || value === field.value) return ui.set({ effect: null });
    timer.current = setTimeout(() => {
      void store.ask({ op: "effect", node: node.id, name: field.name, value }).then((answer) => {
        if (!answer || !element.current?.matches(":focus")) return;
        seen.current = value;
        ui.set({ effect: answer.text ? { node: node.id, name: field.name, text: answer.text } : null });
      });
    }, ASK_MS);
  };
  const leave = (): void => {
    clearTimeout(timer.current);
    const value = typed === null ? null : read(typed, field);
    if (typed !== null && value === null) return tell(typed);
    if (value !== null && String(value) !== String(field.value)) {
      store.dispatch({ op: "set", node: node.id, name: field.name, value, sure: seen.current === value });
      ui.say(`${field.name} of ${node.name || node.type} is now ${value}`);
    }
    seen.current = null;
    setTyped(null);
    setWrong(false);
    ui.set({ effect: null });
  };
  /** What was typed stays, with the reason, until Esc. */
  const tell = (text: string): void => {
    setWrong(true);
    const why = reasonAgainst(text, field);
    ui.set({ effect: { node: node.id, name: field.name, text: why }, said: why });
  };
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>): void => {
    event.stopPropagation();
    if (event.key === "Enter") {
      if (typed !== null && read(typed, field) === null) tell(typed);
      else event.currentTarget.blur();
    } else if (event.key === "Escape") {
      setTyped(null);
      setWrong(false);
      ui.set({ effect: null });
      const input = event.currentTarget;
      requestAnimationFrame(() => input.blur());
    } else if (field.kind === "int" && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
      event.preventDefault();
      const now = read(typed ?? String(field.value), field);
      if (now !== null) change(String(bounded(now + (event.key === "ArrowUp" ? 1 : -1), field)));
    }
  };
  return (
    <label title={field.name}>
      <span>{shortName(field.name)}</span>
      <input
        ref={element} type="text" inputMode={field.kind === "int" ? "numeric" : "decimal"} size={5}
        className={typed === null ? "" : "nodrag"} aria-label={`${field.name} of ${node.name || node.type}`} aria-invalid={wrong}
        value={typed ?? String(field.value)}
        onFocus={(event) => {
          if (!wrong) setTyped(String(field.value));
          event.currentTarget.select();
        }}
        onChange={(event) => change(event.currentTarget.value)} onBlur={leave} onKeyDown={onKeyDown}
      />
    </label>
  );
}
