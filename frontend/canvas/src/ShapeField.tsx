/** The shape of an input, written where it stands. */
import { useState } from "react";
import { useController } from "./context";
import { readsAsShape } from "./numbers";
import type { LayerData } from "./types";

/** What is being edited, where it is the shape of a node and not its name. */
export const SHAPE = "shape:";

export function ShapeField({ node }: { node: LayerData }) {
  const controller = useController();
  const { store, ui } = controller;
  const [wrong, setWrong] = useState(false);
  const close = (): void => {
    if (ui.state.editing !== SHAPE + node.id) return;
    ui.set({ editing: null, effect: null });
    controller.focus();
  };
  const done = (text: string): void => {
    if (text.trim() === node.shape || (!text.trim() && store.doc.crumbs.length < 2)) return close();
    if (text.trim() && !readsAsShape(text)) {
      const why = `“${text.trim().slice(0, 20)}” is no shape: N×1×28×28, or 1, 28, 28.`;
      setWrong(true);
      return ui.set({ effect: { node: node.id, name: "shape", text: why }, said: why });
    }
    store.dispatch({ op: "shape", node: node.id, text: text.trim() });
    close();
  };
  return (
    <input
      className="rename shape-field nodrag" aria-label={`Shape of ${node.name || node.type}`} aria-invalid={wrong} defaultValue={node.shape === "?" ? "" : node.shape} spellCheck={false} placeholder="N×1×28×28"
      ref={(element) => {
        if (!element || element.dataset["open"]) return;
        element.dataset["open"] = "yes";
        requestAnimationFrame(() => {
          element.focus();
          element.select();
        });
      }}
      onChange={() => setWrong(false)}
      onBlur={(event) => {
        if (!wrong) done(event.currentTarget.value);
      }}
      onDoubleClick={(event) => event.stopPropagation()}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === "Enter") done(event.currentTarget.value);
        if (event.key === "Escape") close();
      }}
    />
  );
}
