/**
 * Layers of a large network while they are dragged: their elements and their wires are moved by hand.
 * Told of every step, React Flow would ask 300 layers and as many wires whether they are concerned; it
 * hears of the first step and of the last.
 */
import { Position, type Edge, type InternalNode, type Node, type NodeChange, type NodePositionChange, type ReactFlowInstance, type XYPosition } from "@xyflow/react";
import { drawnWire, type ShapeEdgeType } from "./ShapeEdge";

type Step = NodePositionChange & { position: XYPosition };
type Bound = NonNullable<NonNullable<InternalNode["internals"]["handleBounds"]>["source"]>[number];

const TELL_MS = 300;

const isStep = (change: NodeChange): change is Step => change.type === "position" && change.dragging === true && change.position !== undefined;

export class ByHand {
  /** Where the layers are that React Flow believes to be elsewhere. */
  private at = new Map<string, XYPosition>();
  private held = new Map<string, HTMLElement>();
  private wires: Edge[] = [];
  private told = 0;

  /** Carries out the steps of layers that are held already, and gives the changes left for React Flow. */
  take(changes: NodeChange[], flow: ReactFlowInstance<Node>, stage: HTMLElement): NodeChange[] {
    const steps = changes.filter(isStep);
    if (!steps.length || !steps.every((step) => this.held.has(step.id))) {
      for (const change of changes) if (change.type === "position") this.at.delete(change.id);
      if (steps.length) this.hold(steps, flow, stage);
      return changes;
    }
    for (const { id, position } of steps) {
      this.at.set(id, position);
      const element = this.held.get(id);
      if (element) element.style.transform = `translate(${position.x}px,${position.y}px)`;
    }
    for (const wire of this.wires) this.draw(wire.id, flow, stage);
    return changes.filter((change) => !isStep(change));
  }

  /**
   * What React Flow has to hear now and then while the view goes along with the drag: where it has a
   * layer decides whether it is in the page at all.
   */
  due(): Map<string, XYPosition> | null {
    const now = performance.now();
    if (!this.at.size || now - this.told < TELL_MS) return null;
    this.told = now;
    return new Map(this.at);
  }

  letGo(): void {
    this.at.clear();
    this.held.clear();
    this.wires = [];
  }

  private hold(steps: Step[], flow: ReactFlowInstance<Node>, stage: HTMLElement): void {
    this.letGo();
    for (const { id } of steps) {
      const element = stage.querySelector<HTMLElement>(`.react-flow__node[data-id="${CSS.escape(id)}"]`);
      if (element) this.held.set(id, element);
    }
    this.told = performance.now();
    this.wires = flow.getEdges().filter((edge) => this.held.has(edge.source) || this.held.has(edge.target));
  }

  private draw(id: string, flow: ReactFlowInstance<Node>, stage: HTMLElement): void {
    const edge = flow.getEdge(id) as ShapeEdgeType | undefined;
    const drawing = stage.querySelector(`.react-flow__edge[data-id="${CSS.escape(id)}"] .wire`);
    const source = edge && this.endOf(flow.getInternalNode(edge.source), "source", edge.sourceHandle);
    const target = edge && this.endOf(flow.getInternalNode(edge.target), "target", edge.targetHandle);
    if (!edge?.data || !drawing || !source || !target) return;
    const { path, label } = drawnWire(edge.data, { sx: source.x, sy: source.y, tx: target.x, ty: target.y });
    for (const one of drawing.querySelectorAll("path")) one.setAttribute("d", path);
    drawing.querySelector(".wire-text")?.setAttribute("transform", label);
  }

  private endOf(node: InternalNode | undefined, type: "source" | "target", handle: string | null | undefined): XYPosition | null {
    const bound = node?.internals.handleBounds?.[type]?.find((one) => one.id === handle);
    return node && bound ? endAt(this.at.get(node.id) ?? node.internals.positionAbsolute, bound) : null;
  }
}

/** Where a wire meets a port: in the middle of its outer edge. */
function endAt({ x, y }: XYPosition, bound: Bound): XYPosition {
  const [left, top, w, h] = [x + bound.x, y + bound.y, bound.width, bound.height];
  if (bound.position === Position.Left) return { x: left, y: top + h / 2 };
  if (bound.position === Position.Right) return { x: left + w, y: top + h / 2 };
  if (bound.position === Position.Top) return { x: left + w / 2, y: top };
  return { x: left + w / 2, y: top + h };
}
