/** What is wrong with a layer, and the repairs that were tried already; beside the layer itself. */
import { NodeToolbar, Position, useViewport } from "@xyflow/react";
import { useEffect, useRef, type CSSProperties, type ReactNode } from "react";
import { useController } from "./context";
import { Icon } from "./icons";
import type { Box } from "./layout";
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
    <Beside id={node.id}>{(style) => (
      <div className="problems popup nodrag nowheel" style={style} role="dialog" aria-label={`Problems of ${node.name || node.type}`} tabIndex={-1} ref={dialog} onKeyDown={(event) => {
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
                <button key={repair.id} type="button" className={index === 0 && place === 0 && !repair.deletes ? "primary" : ""}
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
    )}</Beside>
  );
}

const OFFSET = 10;
const WIDTH = 320;
const HEIGHT = 300;
const MARGIN = 8;

/** Under the layer, or over it where there is more room, and within the drawing. */
function Beside({ id, children }: { id: string; children: (style: CSSProperties) => ReactNode }) {
  const controller = useController();
  const { x, y, zoom } = useViewport();
  const box = controller.boxOf(id);
  const stage = controller.stage?.getBoundingClientRect();
  if (!box || !stage) return null;
  const { up, high, aside } = roomBeside({ x: box.x * zoom + x, y: box.y * zoom + y, w: box.w * zoom, h: box.h * zoom }, { w: stage.width, h: stage.height });
  return (
    <NodeToolbar nodeId={id} isVisible position={up ? Position.Top : Position.Bottom} offset={OFFSET}>
      {children({ maxHeight: high, translate: `${aside}px 0` })}
    </NodeToolbar>
  );
}

/** Where a popover beside a box of the screen finds room: over or under it, how high, moved how far. */
export function roomBeside(box: Box, stage: { w: number; h: number }): { up: boolean; high: number; aside: number } {
  const below = stage.h - box.y - box.h - OFFSET - MARGIN;
  const above = box.y - OFFSET - MARGIN;
  const up = below < HEIGHT && above > below;
  const middle = box.x + box.w / 2;
  const aside = Math.max(MARGIN + WIDTH / 2, Math.min(stage.w - MARGIN - WIDTH / 2, middle)) - middle;
  return { up, high: Math.max(120, Math.min(HEIGHT, up ? above : below)), aside };
}
