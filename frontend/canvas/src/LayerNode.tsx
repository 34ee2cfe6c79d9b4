/** One layer on the canvas: who it is, what it makes of what it reads, and what is wrong with it. */
import { Handle, Position, type Node, type NodeProps } from "@xyflow/react";
import { memo, useEffect, useRef, type CSSProperties } from "react";
import { useController } from "./context";
import { Icon } from "./icons";
import { batchApart } from "./labels";
import { axisOf, nameApart, nodeSize, portRows, portSlots, ROW, shownIns, wordsHeight, type Direction } from "./layout";
import { QuickNumbers } from "./QuickNumbers";
import { Rename } from "./Rename";
import { inHandle, outHandle, type InPort, type LayerData, type OutPort, type Point } from "./types";
import { SHAPE, ShapeField } from "./ShapeField";
import { useUi } from "./ui";
import { givesWords, readsWords, reasonAgainst } from "./wiring";
import { inputWords, outputWords, portName } from "./words";

export type LayerNodeType = Node<{ node: LayerData; unfolded: boolean; direction: Direction }, "layer">;

/** Lower than this a layer has no line for its numbers. */
const SLIM = 80;

export const LayerNode = memo(function LayerNode({ data, selected }: NodeProps<LayerNodeType>) {
  const { node, unfolded, direction } = data;
  const controller = useController();
  const { ui } = controller;
  const editing = useUi(ui, (state) => state.editing === node.id);
  const shaping = useUi(ui, (state) => state.editing === SHAPE + node.id);
  const over = useUi(ui, (state) => state.overNode === node.id);
  const lit = useUi(ui, (state) => state.lit.has(node.id));
  const wiring = useUi(ui, (state) => state.wireFrom === node.id);
  const effect = useUi(ui, (state) => (state.effect?.node === node.id ? state.effect.text : ""));
  const size = nodeSize(node, unfolded);
  const [batch, rest] = batchApart(node.shape);
  const [start, end] = nameApart(node.name || node.type);
  const errors = node.problems.filter((problem) => problem.severity === "error").length;
  const look = [
    "layer", `kind-${node.kind}`,
    node.problems.length ? (errors ? "has-error" : "has-warning") : "",
    node.bypassed ? "bypassed" : "", node.repeat > 1 ? "stacked" : "", over ? "over" : "", lit ? "lit" : "", wiring ? "wiring" : "",
    direction === "TB" ? "down" : "", node.shape ? "" : "new", size.h < SLIM ? "slim" : "",
  ].filter(Boolean).join(" ");
  return (
    <div className={look} style={{ width: size.w, height: size.h, "--family": `var(--family-${node.family})`, "--family-fill": `var(--fill-${node.family})` } as CSSProperties} data-testid={`layer-${node.id}`}>
      <div className="strip" />
      <div className="head">
        <div className="title">
          {editing
            ? <Rename id={node.id} name={node.name || node.type} />
            : <b className="name" title={node.name || node.type} onDoubleClick={(event) => {
              if (node.kind === "block") return;
              event.stopPropagation();
              ui.set({ editing: node.id });
            }}>{start && <span className="start">{start}</span>}<span className="end">{end}</span></b>}
          <Marks node={node} selected={selected} />
        </div>
        <div className="sub"><span className="type" title={node.type}>{node.kind === "input" || node.kind === "output" ? node.kind : node.type}</span>{told(node).map((mark) => <span className="told" key={mark}>{mark}</span>)}</div>
      </div>
      {wordsHeight(node) > 0 && (
        <div className="middle">
          <div className="words" title={node.words}>{node.words}</div>
          {node.quick.length > 0 && <QuickNumbers node={node} />}
        </div>
      )}
      <PortNames node={node} unfolded={unfolded} />
      <div className="foot">
        <span className="weights" title={node.weights ? `${node.weights} weights` : ""}>{node.weights}</span>
        {shaping ? <ShapeField node={node} /> : <span className={node.kind === "input" ? "shape written" : "shape"} title={shapeTitle(node)} onDoubleClick={(event) => {
          if (node.kind !== "input") return;
          event.stopPropagation();
          ui.set({ editing: SHAPE + node.id });
        }}>{batch && <span className="batch">{batch}</span>}{rest || "…"}</span>}
      </div>
      <Ports node={node} unfolded={unfolded} direction={direction} />
      {node.problems.length > 0 && (
        <button
          type="button"
          className="badge nodrag"
          aria-label={`${node.problems.length === 1 ? "1 problem" : `${node.problems.length} problems`} of ${node.name || node.type}`}
          onClick={(event) => {
            event.stopPropagation();
            ui.set({ problem: ui.state.problem === node.id ? null : node.id });
          }}
        >{node.problems.length === 1 ? "!" : node.problems.length}</button>
      )}
      {node.note && <div className="note-text" title={node.note}>{node.note}</div>}
      {effect && <div className="effect" role="status">{effect}</div>}
    </div>
  );
});

const shapeTitle = (node: LayerData): string =>
  [node.axes ? `${node.shape}: ${node.axes}` : node.shape, node.kind === "input" ? "Double-click to change it" : ""].filter(Boolean).join(". ");

/** What stands behind the type: the name has its line for itself. */
const told = (node: LayerData): string[] => node.marks.filter((mark) => mark !== "bypassed" && mark !== "frozen" && !mark.startsWith("×"));

function Marks({ node, selected }: { node: LayerData; selected: boolean }) {
  return (
    <span className="marks">
      {(node.repeat > 1 || (node.kind === "block" && selected)) && <Repeat node={node} />}
      {node.frozen && <span className="mark" title="Frozen: its weights are not trained"><Icon name="frozen" /></span>}
      {node.bypassed && <span className="mark" title="Bypassed: what it reads goes on unchanged"><Icon name="bypass" /></span>}
    </span>
  );
}

function Repeat({ node }: { node: LayerData }) {
  const { ui } = useController();
  return (
    <button type="button" className="mark repeat" title={node.shared ? "Repeated with the same weights" : "Repeated, each with weights of its own"}
      onClick={(event) => {
        event.stopPropagation();
        ui.set({ menu: `repeat:${node.id}` });
      }}>×{node.repeat}{node.shared ? " shared" : ""}</button>
  );
}

function PortNames({ node, unfolded }: { node: LayerData; unfolded: boolean }) {
  const { ui } = useController();
  const rows = portRows(node, unfolded);
  if (!rows) return null;
  const slots = portSlots(node, unfolded);
  const hidden = node.ins.length - shownIns(node, unfolded).length;
  const optional = node.ins.some((port) => port.optional);
  return (
    <div className="port-names">
      <div className="left">
        {slots.length > 1 && slots.map(({ port, index, empty }) => <span key={inHandle(port.name, index)} className={empty ? "empty" : ""}>{port.many ? `${port.name} ${index + 1}` : portName(node.kind, port.name)}</span>)}
        {optional && (hidden > 0 || unfolded) && (
          <button type="button" className="more nodrag" onClick={(event) => {
            event.stopPropagation();
            const next = new Set(ui.state.unfolded);
            if (!next.delete(node.id)) next.add(node.id);
            ui.set({ unfolded: next });
          }}>{hidden > 0 ? `+${hidden} optional` : "fewer"}</button>
        )}
      </div>
      <div className="right">{node.outs.length > 1 && node.outs.map((out) => <span key={outHandle(out.path)}>{out.name}</span>)}</div>
    </div>
  );
}

function Ports({ node, unfolded, direction }: { node: LayerData; unfolded: boolean; direction: Direction }) {
  const slots = portSlots(node, unfolded);
  const lr = direction === "LR";
  const axis = axisOf(node, unfolded);
  const place = (index: number, count: number): CSSProperties =>
    !lr ? { left: `${((index + 1) * 100) / (count + 1)}%` } : { top: axis + (count > 1 ? index * ROW : 0) };
  return (
    <>
      {slots.map(({ port, index, empty }, at) => (
        <Port key={inHandle(port.name, index)} node={node} port={port} index={index} empty={empty}
          position={lr ? Position.Left : Position.Top} style={place(at, slots.length)} named={slots.length < 2} />
      ))}
      <Handle id="~" type="target" position={lr ? Position.Left : Position.Top} className="port fixed" isConnectable={false} style={lr ? { top: 12 } : { left: 12 }} />
      {node.outs.map((out, at) => (
        <OutPortMark key={outHandle(out.path)} node={node} out={out} position={lr ? Position.Right : Position.Bottom} style={place(at, node.outs.length)} />
      ))}
    </>
  );
}

function Port({ node, port, index, empty, position, style, named }: {
  node: LayerData; port: InPort; index: number; empty: boolean; position: Position; style: CSSProperties; named: boolean;
}) {
  const controller = useController();
  const failing = node.problems.find((problem) => problem.port === port.name);
  const reason = useUi(controller.ui, (state) =>
    !state.pulling?.value ? "" : state.barred.has(node.id)
      ? reasonAgainst(controller.doc, state.pulling.value, [node.id, port.name, index], null)
      : (state.fits?.[`${node.id}:${port.name}`] ?? ""));
  const open = useUi(controller.ui, (state) => state.pulling?.value !== null && state.pulling !== null);
  // Python's word may come when the pointer is there already, and still.
  const under = useRef<Point | null>(null);
  useEffect(() => {
    if (reason && under.current) controller.ui.set({ cursor: { screen: under.current, text: reason, good: false } });
  }, [reason, controller]);
  const look = ["port", `k-${port.wanted === "any" ? port.kind : port.wanted}`, empty ? "empty" : "", failing ? "failing" : "", port.optional ? "optional" : "", open ? (reason ? "refuses" : "takes") : ""];
  return (
    <Handle id={inHandle(port.name, index)} type="target" position={position} className={look.filter(Boolean).join(" ")} style={style}
      title={reason || failing?.message || readsWords(port, node.kind)}
      role="img" aria-label={inputWords(node, port, !empty && controller.slotTaken([node.id, port.name, index]), failing)}
      onPointerEnter={(event) => {
        under.current = controller.local([event.clientX, event.clientY]);
        if (reason) controller.ui.set({ cursor: { screen: under.current, text: reason, good: false } });
      }}
      onPointerLeave={() => {
        under.current = null;
        if (controller.ui.state.pulling) controller.ui.set({ cursor: null });
      }}>
      {named && <span className="port-label">{readsWords(port, node.kind)}</span>}
    </Handle>
  );
}

function OutPortMark({ node, out, position, style }: { node: LayerData; out: OutPort; position: Position; style: CSSProperties }) {
  return (
    <Handle id={outHandle(out.path)} type="source" position={position} className={`port k-${out.kind}`} style={style}
      role="img" aria-label={outputWords(node, out)} title={givesWords(out)}>
      {node.outs.length < 2 && <span className="port-label">{givesWords(out)}</span>}
    </Handle>
  );
}
