/** What is wrong with a layer, and the repairs that were tried already; beside the layer itself. */
import { NodeToolbar, Position } from "@xyflow/react";
import { useEffect, useRef } from "react";
import { useController } from "./context";
import { Icon } from "./icons";
import type { LayerData } from "./types";
import { useUi } from "./ui";

export function Problems({ nodes }: { nodes: Record<string, LayerData> }) {
  const controller = useController();
  const id = useUi(controller.ui, (state) => state.problem);
  const node = id ? nodes[id] : undefined;
  const untried = node?.problems.some((problem) => problem.repairs === null) ?? false;
  useEffect(() => {
    if (id && untried && !controller.doc.selected.includes(id)) controller.select([id], false);
  }, [controller, id, untried]);
  // Once: what is drawn again while one goes through it takes no focus.
  const dialog = useRef<HTMLDivElement>(null);
  const open = node !== undefined && node.problems.length > 0;
  useEffect(() => {
    if (!open) return undefined;
    const frame = requestAnimationFrame(() => {
      const own = dialog.current;
      const active = (own?.getRootNode() as ShadowRoot | undefined)?.activeElement;
      if (!own || (active !== own && own.contains(active ?? null))) return;
      (own.querySelector<HTMLElement>(".repairs button") ?? own).focus({ preventScroll: true });
    });
    return () => cancelAnimationFrame(frame);
  }, [id, open, untried]);
  if (!node?.problems.length) return null;
  const close = (): void => {
    controller.ui.set({ problem: null });
    controller.focusNode(node.id);
  };
  return (
    <NodeToolbar nodeId={node.id} isVisible position={Position.Bottom} offset={10}>
      <div className="problems popup nodrag nowheel" role="dialog" aria-label={`Problems of ${node.name || node.type}`} tabIndex={-1} ref={dialog} onKeyDown={(event) => {
        if (event.key === "Escape") {
          event.stopPropagation();
          close();
        }
      }}>
        <button type="button" className="close" aria-label="Close" onClick={close}><Icon name="close" /></button>
        {node.problems.map((problem, index) => (
          <div key={`${problem.message}${index}`} className={`problem ${problem.severity}`}>
            <p>{problem.message}</p>
            <div className="repairs">
              {problem.repairs === null && <small>Repairs are being tried…</small>}
              {problem.repairs?.map((repair, place) => (
                <button key={repair.id} type="button" className={place === 0 ? "primary" : ""}
                  onClick={() => {
                    controller.store.dispatch({ op: "repair", id: repair.id });
                    controller.ui.set({ problem: null, said: repair.label });
                    controller.focusNode(node.id);
                  }}>{repair.label}{repair.cost && <small>{repair.cost}</small>}</button>
              ))}
            </div>
          </div>
        ))}
      </div>
    </NodeToolbar>
  );
}
