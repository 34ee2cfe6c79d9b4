/** What is wrong with a layer, and the repairs that were tried already; beside the layer itself. */
import { NodeToolbar, Position } from "@xyflow/react";
import { useEffect } from "react";
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
  if (!node?.problems.length) return null;
  const close = (): void => {
    controller.ui.set({ problem: null });
    controller.focusNode(node.id);
  };
  return (
    <NodeToolbar nodeId={node.id} isVisible position={Position.Bottom} offset={10}>
      <div className="problems popup nodrag nowheel" role="dialog" aria-label={`Problems of ${node.name || node.type}`} tabIndex={-1}
        ref={(element) => {
          if (element && !element.contains((element.getRootNode() as ShadowRoot).activeElement)) requestAnimationFrame(() => {
            if (!element.contains((element.getRootNode() as ShadowRoot).activeElement)) element.focus({ preventScroll: true });
          });
        }} onKeyDown={(event) => {
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
                  ref={index === 0 && place === 0 ? (element) => {
                    if (element) requestAnimationFrame(() => element.focus({ preventScroll: true }));
                  } : null}
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
