/** A coloured frame around layers, or a note on the ground; both edited in place. */
import { NodeResizer, type Node, type NodeProps } from "@xyflow/react";
import { memo, type CSSProperties } from "react";
import { useController } from "./context";
import { FRAME } from "./controller";
import type { FrameData } from "./types";
import { useUi } from "./ui";

export type FrameNodeType = Node<{ id: string; frame: FrameData }, "frame">;
/** As many characters as a project keeps: builder/graph/limits.py. */
const MOST_TEXT = 10_000;
const MOST_TITLE = 200;
const COLOURS = ["grey", "blue", "teal", "green", "yellow", "orange", "red", "purple"];

export const FrameNode = memo(function FrameNode({ data, selected }: NodeProps<FrameNodeType>) {
  const { id, frame } = data;
  const controller = useController();
  const editing = useUi(controller.ui, (state) => state.editing === FRAME + id);
  const put = (change: Partial<FrameData>): void => controller.putFrame(id, { ...frame, ...change });
  const edit = (): void => controller.ui.set({ editing: FRAME + id });
  const done = (text: string, keep: boolean, byKey = false): void => {
    if (controller.ui.state.editing !== FRAME + id) return;
    controller.ui.set({ editing: null });
    const old = frame.kind === "note" ? frame.text : frame.title;
    if (keep && text !== old) put(frame.kind === "note" ? { text } : { title: text });
    if (byKey) controller.focusNode(FRAME + id);
  };
  const style = { "--family": `var(--frame-${frame.colour || "grey"})` } as CSSProperties;
  return (
    <div className={`frame ${frame.kind}`} style={style} data-testid={`frame-${id}`} onDoubleClick={(event) => {
      event.stopPropagation();
      edit();
    }}>
      <NodeResizer isVisible={selected} minWidth={80} minHeight={40} color="var(--st-primary-color)"
        onResizeEnd={(_, { x, y, width, height }) => put({ at: [Math.round(x), Math.round(y)], size: [Math.round(width), Math.round(height)] })} />
      {editing ? (
        <textarea className="nodrag" rows={frame.kind === "note" ? 3 : 1} aria-label={frame.kind === "note" ? "Text of the note" : "Title of the frame"}
          maxLength={frame.kind === "note" ? MOST_TEXT : MOST_TITLE} defaultValue={frame.kind === "note" ? frame.text : frame.title}
          ref={(element) => {
            if (element) requestAnimationFrame(() => {
              element.focus();
              element.select();
            });
          }}
          onBlur={(event) => done(event.currentTarget.value, true)}
          onKeyDown={(event) => {
            event.stopPropagation();
            if (event.key === "Escape") done("", false, true);
            if (event.key === "Enter" && !event.shiftKey) done(event.currentTarget.value, true, true);
          }} />
      ) : frame.kind === "note" ? <div className="frame-text">{frame.text || "Double-click to write"}</div> : <div className="frame-title">{frame.title || "Frame"}</div>}
      {selected && (
        <div className="frame-colours nodrag" role="group" aria-label="Colour">
          {COLOURS.map((colour) => (
            <button key={colour} type="button" aria-label={colour} aria-pressed={frame.colour === colour}
              style={{ background: `var(--frame-${colour})` }} onClick={() => put({ colour })} />
          ))}
        </div>
      )}
    </div>
  );
});
