/** A wire with the shape of what runs through it. */
import type { Edge, EdgeProps } from "@xyflow/react";
import { memo } from "react";
import { batchApart, inTwo } from "./labels";
import { labelWidth, type Direction } from "./layout";
import { wirePath, type Ends, type Route } from "./route";
import type { WireData } from "./types";

export type ShapeEdgeType = Edge<{ wire: WireData; route: Route; direction: Direction; width: number; over: boolean }, "shape">;

export const ShapeEdge = memo(function ShapeEdge({ data, source, sourceX, sourceY, targetX, targetY, selected }: EdgeProps<ShapeEdgeType>) {
  if (!data) return null;
  const { wire, route, width, over } = data;
  const { path, label } = drawnWire(data, { sx: sourceX, sy: sourceY, tx: targetX, ty: targetY });
  const { forms } = route;
  const look = ["wire", selected ? "selected" : "", wire.ok ? "" : "bad", wire.fixed ? "fixed" : "", over ? "over" : "", route.quiet ? "quiet" : "", `full${forms.full}`, `short${forms.short}`, `two${forms.two}`].filter(Boolean).join(" ");
  return (
    <g className={look} data-from={source}>
      {wire.axes && <title>{`${wire.shape}: ${wire.axes}`}</title>}
      <path className="wire-halo" d={path} style={{ strokeWidth: width + 4 }} />
      <path className="react-flow__edge-path" d={path} style={{ strokeWidth: width }} />
      <path className="react-flow__edge-interaction" d={path} strokeWidth={20} fill="none" strokeOpacity={0} />
      {wire.shape && <Label shape={wire.shape} at={label} />}
    </g>
  );
});

/** The shape in one line on the wire, and in two around it for where there is little room; the style says which is seen. */
function Label({ shape, at }: { shape: string; at: string }) {
  const [batch, rest] = batchApart(shape);
  const [over, under] = inTwo(shape);
  const [whole, w] = [labelWidth(shape), labelWidth(rest)];
  return (
    <g className="wire-text" transform={at}>
      <g className="wire-label">
        <rect className="whole" x={-whole / 2} y={-8} width={whole} height={16} rx={4} />
        {batch && <rect className="rest" x={-w / 2} y={-8} width={w} height={16} rx={4} />}
        <text y={4}>{batch && <tspan className="batch">{batch}</tspan>}{rest}</text>
      </g>
      <g className="wire-two" aria-hidden="true">
        <text y={-4}>{over}</text>
        {under && <text y={12}>{under}</text>}
      </g>
    </g>
  );
}

/** The path of a wire between two ends, and where its label goes. */
export function drawnWire({ route, direction }: Pick<NonNullable<ShapeEdgeType["data"]>, "route" | "direction">, ends: Ends): { path: string; label: string } {
  const { path, x, y } = wirePath(ends, route, direction);
  return { path, label: `translate(${Math.round(x)} ${Math.round(y)})` };
}

const PLAIN = 1.5;

/** How thick a wire is: by what it carries where that is asked for, from kB to GB. */
export function wireWidth(bytes: number | null, byBytes: boolean): number {
  if (!byBytes || !bytes) return PLAIN;
  return Math.min(9, Math.max(1, (Math.log10(bytes) - 2.5) * 1.9));
}
