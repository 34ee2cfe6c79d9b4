/** The canvas: React Flow between what Python says and what a person does. */
import {
  applyNodeChanges, Background, BackgroundVariant, MiniMap, ReactFlow, ReactFlowProvider, useReactFlow, useStoreApi, useUpdateNodeInternals,
  type Connection, type Edge, type EdgeChange, type FinalConnectionState, type Node, type NodeChange, type OnConnectStartParams, type Viewport,
} from "@xyflow/react";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState, useSyncExternalStore, type CSSProperties, type MouseEvent, type PointerEvent } from "react";
import { ControllerProvider, useController } from "./context";
import { ContextMenu } from "./ContextMenu";
import { Controller, FRAME, type Flow } from "./controller";
import { ByHand } from "./dragging";
import { Footer } from "./Footer";
import { focusIsLost, isElsewhere } from "./focus";
import { useFollowing } from "./following";
import { FrameNode } from "./FrameNode";
import { Keys } from "./Keys";
import { commandFor } from "./keys";
import { LayerNode } from "./LayerNode";
import { useLighting } from "./lighting";
import { directionOf, GRID, nodeSize, type Box } from "./layout";
import { FAR, levelOf } from "./levels";
import { AskBar, CursorReason, Folds, MessageBar, PortChoice, RepeatChoice, SlotChoice } from "./Overlays";
import { Palette } from "./Palette";
import { Problems } from "./Problems";
import { none } from "./replay";
import { routes } from "./route";
import { Search } from "./Search";
import { ShapeEdge } from "./ShapeEdge";
import { shownBoxes, shownEdges, shownNodes } from "./shown";
import type { CanvasStore } from "./store";
import { watchTheme } from "./theme";
import { SelectionBar, Toolbar } from "./Toolbar";
import { projectOf, readIn, readOut, wireId, type Point, type Slot, type Value } from "./types";
import { useUi } from "./ui";
import { MAP } from "./view";
import { reasonAgainst } from "./wiring";

const nodeTypes = { layer: LayerNode, frame: FrameNode };
const edgeTypes = { shape: ShapeEdge };
/** Where each canvas was looked at; the module outlives a switch of pages. */
const viewports = new Map<string, Viewport>();
/** Of more than these only what is in view is in the page. */
const MANY_NODES = 40;
const SELECT_MS = 40;
const SEVERAL = ["Shift", "Meta", "Control"];
const OTHER_BUTTONS = [1, 2];
const SNAP: [number, number] = [GRID * 2, GRID * 2];

/** `place`: the element it stands in; another one where Streamlit has drawn its place anew. */
export function Canvas({ store, place }: { store: CanvasStore; place: HTMLElement }) {
  const [controller] = useState(() => new Controller(store));
  return (
    <ControllerProvider value={controller}>
      <ReactFlowProvider><Frame place={place} /></ReactFlowProvider>
    </ControllerProvider>
  );
}

function Frame({ place }: { place: HTMLElement }) {
  const controller = useController();
  const { store, ui } = controller;
  useSyncExternalStore(store.subscribe, store.snapshot);
  const box = useRef<HTMLDivElement>(null);
  const [dark, setDark] = useState(false);
  useLayoutEffect(() => {
    const element = box.current;
    controller.box = element;
    if (!element) return;
    return watchTheme(element, setDark);
  }, [controller, store.colours, place]);
  const family = useMemo(() => {
    const style: Record<string, string> = {};
    for (const [name, [light, night, fill, nightFill]] of Object.entries(store.colours)) {
      style[`--family-${name}`] = dark ? night : light;
      style[`--fill-${name}`] = dark ? nightFill : fill;
    }
    return style as CSSProperties;
  }, [store.colours, dark]);

  // What held the focus may be gone (a layer deleted, undone, drawn anew): the page then has it, and a
  // key would mean nothing, or the head's own. Until something else is clicked or focused it is ours.
  useEffect(() => {
    const lost = (event: KeyboardEvent): void => {
      if (!focusIsLost(box.current)) return;
      controller.focus();
      controller.sendChosen();
      act(controller, event);
    };
    window.addEventListener("keydown", lost, true);
    return () => window.removeEventListener("keydown", lost, true);
  }, [controller]);
  const onPointerDown = (event: PointerEvent): void => {
    const target = event.nativeEvent.composedPath()[0] as HTMLElement;
    const { state } = ui;
    if (state.menu && !target.closest(".menu, .repeat-choice, .repeat")) ui.set({ menu: null });
    if ((state.slotMenu || state.choosing) && !target.closest(".slot-choice")) ui.set({ slotMenu: null, choosing: null });
    if (state.context && !target.closest(".context-menu")) ui.set({ context: null });
    if (state.cursor && !state.pulling) ui.set({ cursor: null });
    if (target.closest("input, textarea, button, select")) return;
    const own = event.currentTarget as HTMLElement;
    setTimeout(() => {
      const active = (own.getRootNode() as ShadowRoot).activeElement;
      if (!active || !own.contains(active)) own.focus({ preventScroll: true });
    });
  };
  return (
    <div
      ref={box} className={`canvas${store.leaving ? " leaving" : ""}`} style={family} tabIndex={-1} role="application" aria-label="Canvas of the network"
      data-dark={dark} data-pending={store.pending.length} data-testid="canvas"
      onKeyDownCapture={() => controller.sendChosen()} onPointerDownCapture={() => controller.sendChosen()} onKeyDown={(event) => act(controller, event.nativeEvent)} onPointerDown={onPointerDown}
      onPaste={(event) => {
        if ((event.nativeEvent.composedPath()[0] as HTMLElement).closest("input, textarea")) return;
        event.preventDefault();
        controller.pasted(event.clipboardData.getData("text/plain"));
      }}
      onPointerMove={(event) => {
        controller.pointer = [event.clientX, event.clientY];
      }}
      onPointerLeave={() => {
        controller.pointer = null;
      }}
    >
      <Toolbar doc={store.doc} />
      <div className="middle-row">
        <Palette groups={store.groups} />
        <Stage key={store.canvas} />
      </div>
      <Footer doc={store.doc} pending={store.pending.length} unsaved={store.unsaved} />
      <Search groups={store.groups} />
      <SlotChoice />
      <PortChoice />
      <RepeatChoice doc={store.doc} />
      <ContextMenu />
      <CursorReason />
      <Keys />
    </div>
  );
}

/** A key pressed on the canvas, unless something is being written. */
function act(controller: Controller, event: KeyboardEvent): void {
  if (isElsewhere(projectOf(controller.store.canvas))) return;
  const key = event.key.toLowerCase();
  const target = event.composedPath()[0] as HTMLElement;
  // Streamlit's own keys: r runs again, c clears caches.
  if ((key === "r" || key === "c") && !event.ctrlKey && !event.metaKey) event.stopPropagation();
  if (target.closest("input, textarea, select")) return;
  if ((key === "enter" || key === " ") && target.closest("button")) return;
  const command = commandFor(event);
  if (!command) return;
  if (!command.goesOn) event.preventDefault();
  event.stopPropagation();
  command.run(controller, event);
}

function valueOf(connection: { source: string; sourceHandle: string | null }): Value {
  return [connection.source, readOut(connection.sourceHandle ?? "o")];
}

function slotOf(connection: { target: string; targetHandle: string | null }): Slot {
  return [connection.target, ...readIn(connection.targetHandle ?? "input:0")];
}

const pointOf = (event: globalThis.MouseEvent | TouchEvent): Point => {
  const at = "changedTouches" in event ? event.changedTouches[0] : event;
  return [at?.clientX ?? 0, at?.clientY ?? 0];
};

function Stage() {
  const controller = useController();
  const { store, ui } = controller;
  const version = useSyncExternalStore(store.subscribe, store.snapshot);
  const flow = useReactFlow();
  const drawing = useStoreApi();
  const updateInternals = useUpdateNodeInternals();
  const stage = useRef<HTMLDivElement>(null);
  const frameTool = useUi(ui, (state) => state.frameTool);
  const bytes = useUi(ui, (state) => state.bytes);
  const minimap = useUi(ui, (state) => state.minimap);
  const snap = useUi(ui, (state) => state.snap);
  const unfolded = useUi(ui, (state) => state.unfolded);
  const overWire = useUi(ui, (state) => state.overWire);
  const making = useUi(ui, (state) => state.making);
  const wireMode = useUi(ui, (state) => state.wireFrom !== null);
  const pulling = useUi(ui, (state) => state.pulling !== null);
  const [nodes, setNodes] = useState<Node[]>([]);
  const [edges, setEdges] = useState<Edge[]>([]);
  const [marks, setMarks] = useState(0);
  const { doc, placement } = store;
  const canvas = store.canvas;
  const [start] = useState(() => viewports.get(canvas));
  const dragging = useRef(false);
  const [byHand] = useState(() => new ByHand());
  const carried = useRef<{ from: Point; at: Map<string, Point> } | null>(null);
  const reconnecting = useRef<Edge | null>(null);
  const selecting = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const chosen = useRef(new Set<string>());

  const sendChosen = useCallback(() => {
    if (selecting.current === undefined) return;
    clearTimeout(selecting.current);
    selecting.current = undefined;
    const now = [...chosen.current];
    const shown = store.doc.selected;
    if (now.length === shown.length && now.every((id) => shown.includes(id))) return;
    store.dispatch({ op: "select", nodes: now });
  }, [store]);

  useLayoutEffect(() => {
    controller.flow = flow;
    controller.size = () => drawing.getState();
    controller.ways = ways.current;
    controller.stage = stage.current;
    controller.onMarks = () => setMarks((count) => count + 1);
    controller.sendChosen = sendChosen;
    controller.dropChosen = () => {
      const waits = selecting.current !== undefined;
      clearTimeout(selecting.current);
      selecting.current = undefined;
      return waits;
    };
  });
  useEffect(() => {
    const seen = new ResizeObserver(() => controller.resized());
    if (stage.current) seen.observe(stage.current);
    return () => seen.disconnect();
  }, [controller]);
  useEffect(() => () => {
    controller.clearMarks();
    ui.set({ search: null, slotMenu: null, context: null, choosing: null, problem: null, editing: null, wireFrom: null, asked: null });
  }, [controller, ui]);

  // The wires' ways are worked out when places or wires change, never while a node is being dragged.
  const boxes = useMemo(() => shownBoxes(doc, placement.at, unfolded), [doc, placement, unfolded]);
  const drawn = useMemo(() => `${JSON.stringify([...boxes].map(([id, b]) => [id, b.x, b.y, b.w, b.h]))}${Object.entries(doc.wires).map(([id, wire]) => `${wire.from[0]}>${id}:${wire.shape}`).join()}${String(doc.settings["direction"])}`, [boxes, doc]);
  const ways = useRef<{ drawn: string; direction: "LR" | "TB"; found: ReturnType<typeof routes> } | null>(null);
  if (ways.current?.drawn !== drawn) {
    const direction = directionOf(doc, boxes);
    ways.current = { drawn, direction, found: routes(doc, boxes, direction, unfolded) };
  }
  const { direction, found } = ways.current;

  useLayoutEffect(() => {
    if (selecting.current === undefined) chosen.current = new Set(store.doc.selected);
    const seen = { ...store.doc, selected: [...chosen.current] };
    const at = making ? { ...store.placement.at, ...making } : store.placement.at;
    setNodes((previous) => shownNodes(previous, seen, at, direction, unfolded, controller.frames));
  }, [version, direction, unfolded, marks, making, store, controller]);
  useLayoutEffect(() => {
    setEdges((previous) => shownEdges(previous, store.doc, found, direction, bytes, overWire, controller.wires));
  }, [version, found, direction, bytes, overWire, marks, store, controller]);
  const ports = useMemo(() => doc.order.map((id) => {
    const node = doc.nodes[id];
    return node ? `${id}|${node.ins.map((port) => `${port.name}${port.slots}`).join()}|${node.outs.length}|${nodeSize(node).h}|${nodeSize(node).w}` : "";
  }), [doc]);
  const measured = useRef<{ ports: string[]; direction: string; unfolded: ReadonlySet<string> }>({ ports: [], direction, unfolded });
  useEffect(() => {
    const before = new Set(measured.current.ports);
    const all = measured.current.direction !== direction || measured.current.unfolded !== unfolded;
    const changed = doc.order.filter((_, at) => all || !before.has(ports[at] ?? ""));
    measured.current = { ports, direction, unfolded };
    if (changed.length) requestAnimationFrame(() => updateInternals(changed));
  }, [ports, direction, unfolded, doc.order, updateInternals]);

  const count = doc.order.length;
  useFollowing(controller, version, nodes.length > 0, start !== undefined);

  const onNodesChange = useCallback((changes: NodeChange[]) => {
    let touched = false;
    for (const change of changes) {
      if (change.type !== "select") continue;
      touched = true;
      if (change.id.startsWith(FRAME)) {
        const id = change.id.slice(FRAME.length);
        if (change.selected) controller.frames.add(id);
        else controller.frames.delete(id);
      } else if (change.selected) chosen.current.add(change.id);
      else chosen.current.delete(change.id);
    }
    const many = store.doc.order.length > MANY_NODES;
    const left = (many && stage.current ? byHand.take(changes, flow, stage.current) : changes).filter((change) => change.type !== "remove");
    if (left.length) setNodes((now) => applyNodeChanges(left, now));
    if (!touched) return;
    // Not while something is dragged: the page that is drawn for it would hold up the drag.
    const told = (): void => {
      if (dragging.current) selecting.current = setTimeout(told, SELECT_MS);
      else sendChosen();
    };
    clearTimeout(selecting.current);
    selecting.current = setTimeout(told, SELECT_MS);
  }, [byHand, controller, flow, sendChosen, store]);

  const onEdgesChange = useCallback((changes: EdgeChange[]) => {
    for (const change of changes) {
      if (change.type !== "select") continue;
      if (change.selected) controller.wires.add(change.id);
      else controller.wires.delete(change.id);
    }
    controller.onMarks();
  }, [controller]);

  const isValidConnection = useCallback((connection: Connection | Edge) => {
    const full = { ...connection, sourceHandle: connection.sourceHandle ?? null, targetHandle: connection.targetHandle ?? null };
    return reasonAgainst(store.doc, valueOf(full), slotOf(full), ui.state.fits) === "";
  }, [store, ui]);

  const onConnectStart = useCallback((_: unknown, from: OnConnectStartParams) => {
    if (!from.nodeId || !from.handleId) return;
    if (from.handleType === "source") controller.pull([from.nodeId, readOut(from.handleId)], null);
    else controller.pull(null, [from.nodeId, ...readIn(from.handleId)]);
  }, [controller]);

  const endAt = useCallback((event: globalThis.MouseEvent | TouchEvent, state: FinalConnectionState, instead: string | null) => {
    const { pulling } = ui.state;
    const at = pointOf(event);
    const over = controller.nodeAt(at);
    const value = pulling?.value ?? null;
    const slot = pulling?.slot ?? null;
    ui.set({ cursor: null });
    if (state.isValid || !pulling) return;
    if (state.toHandle && value && state.toHandle.type === "target") {
      const [port, index] = readIn(state.toHandle.id ?? "input:0");
      controller.connect(value, [state.toHandle.nodeId, port, index], at, instead);
    } else if (over && value && over !== value[0]) controller.toBody(value, over, at, instead);
    else if (over && slot && over !== slot[0]) {
      const path = store.doc.nodes[over]?.outs[0]?.path;
      if (path) controller.connect([over, path], slot, at, wireId(slot));
    } else if (!over && controller.onStage(at)) {
      const pulled = instead ?? (slot && controller.slotTaken(slot) ? wireId(slot) : null);
      if (pulled) store.dispatch({ op: "disconnect", wires: [pulled] });
      else controller.search(at, { from: value, to: slot });
    }
  }, [controller, store, ui]);

  /** The second port of two that were tapped: React Flow has joined what fits, and says nothing of what does not. */
  const onTapEnd = useCallback((event: globalThis.MouseEvent | TouchEvent) => {
    const port = event.target as HTMLElement;
    const { pulling } = ui.state;
    const { nodeid, handleid } = port.closest<HTMLElement>(".react-flow__handle")?.dataset ?? {};
    if (pulling && nodeid && handleid) {
      const place = port.getBoundingClientRect();
      const value = pulling.value ?? (port.classList.contains("source") ? valueOf({ source: nodeid, sourceHandle: handleid }) : null);
      const slot = pulling.slot ?? (port.classList.contains("target") ? slotOf({ target: nodeid, targetHandle: handleid }) : null);
      const reason = value && slot ? reasonAgainst(store.doc, value, slot, ui.state.fits) : "";
      if (reason) controller.refuse(reason, [place.x, place.y]);
    }
    controller.letGo();
  }, [controller, store, ui]);
  // What React Flow gets stays the same object: of each that is new it tells every layer and every wire.
  const onConnect = useCallback((connection: Connection) => {
    const slot = slotOf(connection);
    controller.connect(valueOf(connection), slot, controller.pointer, ui.state.pulling?.slot ? wireId(slot) : null);
  }, [controller, ui]);
  const onConnectEnd = useCallback((event: globalThis.MouseEvent | TouchEvent, state: FinalConnectionState) => {
    if (!reconnecting.current) endAt(event, state, null);
    controller.letGo();
  }, [controller, endAt]);
  const onReconnectStart = useCallback((_: unknown, edge: Edge) => {
    reconnecting.current = edge;
    const wire = store.doc.wires[edge.id];
    if (wire) controller.pull(wire.from, null);
  }, [controller, store]);
  const onReconnect = useCallback((edge: Edge, connection: Connection) => {
    controller.connect(valueOf(connection), slotOf(connection), controller.pointer, edge.id);
  }, [controller]);
  const onReconnectEnd = useCallback((event: globalThis.MouseEvent | TouchEvent, edge: Edge, _: unknown, state: FinalConnectionState) => {
    endAt(event, state, edge.id);
    reconnecting.current = null;
    controller.letGo();
  }, [controller, endAt]);
  const onNodeDoubleClick = useCallback((_: unknown, node: Node) => controller.openBlock(node.id), [controller]);
  const onEdgeDoubleClick = useCallback((event: MouseEvent, edge: Edge) => controller.search([event.clientX, event.clientY], { on: edge.id }), [controller]);
  const light = useLighting(store, ui);
  const onNodeMouseEnter = useCallback((_: unknown, node: Node) => {
    if (ui.state.pulling?.value && node.type === "layer") ui.set({ overNode: node.id });
    if (node.type === "layer") light(node.id);
  }, [light, ui]);
  const onNodeMouseLeave = useCallback(() => {
    ui.set({ overNode: null });
    light(null);
  }, [light, ui]);
  const onPaneClick = useCallback(() => {
    controller.select([]);
    controller.clearMarks();
    ui.set({ problem: null, asked: null, search: null });
    if (ui.state.pulling) controller.letGo();
  }, [controller, ui]);
  const onNodeContextMenu = useCallback((event: MouseEvent, node: Node) => {
    event.preventDefault();
    if (node.type === "frame") controller.menuAt("frame", node.id.slice(FRAME.length), [event.clientX, event.clientY]);
    else controller.menuAt("layer", node.id, [event.clientX, event.clientY]);
  }, [controller]);
  const onEdgeContextMenu = useCallback((event: MouseEvent, edge: Edge) => {
    event.preventDefault();
    if (!store.doc.wires[edge.id]?.fixed) controller.menuAt("wire", edge.id, [event.clientX, event.clientY]);
  }, [controller, store]);
  const onPaneContextMenu = useCallback((event: globalThis.MouseEvent | MouseEvent) => {
    event.preventDefault();
    controller.menuAt("ground", "", [event.clientX, event.clientY]);
  }, [controller]);
  const onDoubleClick = useCallback((event: MouseEvent) => {
    if ((event.target as HTMLElement).classList.contains("react-flow__pane")) controller.search([event.clientX, event.clientY]);
  }, [controller]);

  const onNodeDragStart = useCallback((_: unknown, node: Node) => {
    dragging.current = true;
    byHand.letGo();
    carried.current = null;
    if (node.type !== "frame" || store.doc.frames[node.id.slice(FRAME.length)]?.kind !== "frame") return;
    const area: Box = { x: node.position.x, y: node.position.y, w: node.width ?? 0, h: node.height ?? 0 };
    const inside = new Map<string, Point>();
    for (const [id, one] of shownBoxes(store.doc, store.placement.at, ui.state.unfolded)) {
      if (one.x >= area.x && one.y >= area.y && one.x + one.w <= area.x + area.w && one.y + one.h <= area.y + area.h && !chosen.current.has(id)) inside.set(id, [one.x, one.y]);
    }
    carried.current = { from: [node.position.x, node.position.y], at: inside };
  }, [byHand, store, ui]);

  const onNodeDrag = useCallback((_: unknown, node: Node, dragged: Node[]) => {
    const load = carried.current;
    if (load?.at.size) {
      const [dx, dy] = [node.position.x - load.from[0], node.position.y - load.from[1]];
      setNodes((now) => now.map((one) => {
        const place = load.at.get(one.id);
        return place ? { ...one, position: { x: place[0] + dx, y: place[1] + dy }, dragging: true } : one;
      }));
    }
    if (dragged.length !== 1 || node.type !== "layer") return;
    controller.hover({ ...node.position, w: node.width ?? 0, h: node.height ?? 0 }, node.id);
  }, [controller]);

  const onNodeDragStop = useCallback((_: unknown, node: Node, dragged: Node[]) => {
    dragging.current = false;
    byHand.letGo();
    sendChosen();
    const round = (one: { x: number; y: number }): Point => [Math.round(one.x), Math.round(one.y)];
    const at = none<Point>();
    const frames = none<Point>();
    for (const one of dragged.length ? dragged : [node]) {
      if (one.type === "frame") frames[one.id.slice(FRAME.length)] = round(one.position);
      else at[one.id] = round(one.position);
    }
    const load = carried.current;
    carried.current = null;
    if (load) for (const [id, place] of load.at) at[id] = round({ x: place[0] + node.position.x - load.from[0], y: place[1] + node.position.y - load.from[1] });
    setNodes((now) => now.map((one) => (one.dragging ? { ...one, dragging: false } : one)));
    const still = Object.entries(at).every(([id, [x, y]]) => store.placement.at[id]?.[0] === x && store.placement.at[id]?.[1] === y)
      && Object.entries(frames).every(([id, [x, y]]) => store.doc.frames[id]?.at[0] === x && store.doc.frames[id]?.at[1] === y);
    if (still) return controller.hover(null);
    if (dragged.length === 1 && node.type === "layer" && controller.dropOnWire(node.id, round(node.position))) return;
    controller.hover(null);
    store.dispatch({ op: "move", at, frames });
  }, [byHand, controller, sendChosen, store]);

  const onNodeClick = useCallback((event: MouseEvent, node: Node) => {
    const before = store.doc.selected.filter((id) => store.doc.nodes[id] && id !== node.id).at(-1);
    const from = ui.state.wireFrom ?? (event.altKey ? before : undefined);
    const plain = !event.shiftKey && !event.metaKey && !event.ctrlKey;
    if (!from && plain && node.type === "layer" && chosen.current.size > 1) {
      // One of several: it alone. React Flow would leave them all selected.
      return controller.select([node.id]);
    }
    if (!from || node.type !== "layer" || from === node.id) return;
    const path = ui.state.wireFrom ? ui.state.wirePath : store.doc.nodes[from]?.outs[0]?.path;
    ui.set({ wireFrom: null });
    if (path) controller.toBody([from, path], node.id, [event.clientX, event.clientY]);
  }, [controller, store, ui]);

  const onMove = useCallback((_: unknown, viewport: Viewport) => {
    const element = stage.current;
    if (!element) return;
    const level = levelOf(viewport.zoom);
    // Not by its classes: React writes those.
    if (element.dataset["step"] !== String(level)) {
      element.dataset["step"] = String(level);
      element.toggleAttribute("data-far", level >= FAR);
    }
    const at = byHand.due();
    if (at) setNodes((now) => now.map((one) => {
      const position = at.get(one.id);
      return position ? { ...one, position } : one;
    }));
  }, [byHand]);
  const onMoveEnd = useCallback((_: unknown, viewport: Viewport) => void viewports.set(canvas, viewport), [canvas]);
  const onInit = useCallback((instance: Flow) => onMove(null, instance.getViewport()), [onMove]);

  return (
    <main
      className={`stage${wireMode ? " wire-mode" : ""}${pulling ? " pulling" : ""}`} ref={stage}
      onFocus={(event) => {
        const { dataset, classList } = event.target as HTMLElement;
        if (classList.contains("react-flow__node-frame") && (event.target as HTMLElement).matches(":focus-visible")) controller.takeFrame(dataset["id"]?.slice(FRAME.length) ?? "");
      }}
    >
      <ReactFlow
        nodes={nodes} edges={edges} nodeTypes={nodeTypes} edgeTypes={edgeTypes}
        onNodesChange={onNodesChange} onEdgesChange={onEdgesChange}
        onConnectStart={onConnectStart} onClickConnectStart={onConnectStart} onClickConnectEnd={onTapEnd}
        onConnect={onConnect} onConnectEnd={onConnectEnd}
        isValidConnection={isValidConnection}
        onReconnectStart={onReconnectStart} onReconnect={onReconnect} onReconnectEnd={onReconnectEnd}
        onNodeDragStart={onNodeDragStart} onNodeDrag={onNodeDrag} onNodeDragStop={onNodeDragStop}
        onNodeClick={onNodeClick}
        onNodeDoubleClick={onNodeDoubleClick} onEdgeDoubleClick={onEdgeDoubleClick}
        onNodeMouseEnter={onNodeMouseEnter} onNodeMouseLeave={onNodeMouseLeave}
        onNodeContextMenu={onNodeContextMenu} onEdgeContextMenu={onEdgeContextMenu} onPaneContextMenu={onPaneContextMenu}
        onPaneClick={onPaneClick} onDoubleClick={onDoubleClick}
        onMove={onMove} onMoveEnd={onMoveEnd}
        onInit={onInit}
        {...(start ? { defaultViewport: start } : {})}
        deleteKeyCode={null} selectionKeyCode="Shift" multiSelectionKeyCode={SEVERAL} panActivationKeyCode="Space"
        selectionOnDrag={frameTool} panOnDrag={frameTool ? OTHER_BUTTONS : true} zoomOnDoubleClick={false}
        disableKeyboardA11y nodesFocusable edgesFocusable={false} edgesReconnectable={false}
        nodeDragThreshold={3} connectionRadius={22} reconnectRadius={12} minZoom={0.05} maxZoom={2.5}
        snapToGrid={snap} snapGrid={SNAP} elevateNodesOnSelect={false}
        onlyRenderVisibleElements={count > MANY_NODES} attributionPosition="top-right"
      >
        <Background variant={BackgroundVariant.Dots} gap={GRID * 3} size={1.4} />
        {minimap && <MiniMap style={{ width: MAP.w, height: MAP.h }} pannable zoomable ariaLabel="Map of the network" nodeColor={(node) => (node.type === "layer" ? `var(--family-${(node.data as { node: { family: string } }).node.family})` : "transparent")} />}
        <Problems nodes={doc.nodes} />
      </ReactFlow>
      {!count && (
        <div className="nothing">
          <b>An empty network</b>
          <p>Drag a layer here, click one in the list, or double-click to search.</p>
        </div>
      )}
      <div className="over-stage">
        <MessageBar doc={doc} />
        <AskBar />
        <Folds doc={doc} />
        <SelectionBar doc={doc} />
      </div>
    </main>
  );
}
