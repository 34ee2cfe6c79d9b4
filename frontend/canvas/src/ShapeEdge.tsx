/** A wire with the shape of what runs through it. */
import type { Edge, EdgeProps } from "@xyflow/react";
import { memo } from "react";
import { labelWidth, type Direction } from "./layout";
import { wirePath, type Ends, type Route } from "./route";
import type { WireData } from "./types";

export type ShapeEdgeType = Edge<{ wire: WireData; route: Route; direction: Direction; width: number; over: boolean }, "shape">;

export const ShapeEdge = memo(function ShapeEdge({ data, sourceX, sourceY, targetX, targetY, selected }: EdgeProps<ShapeEdgeType>) {
  if (!data) return null;
  const { wire, route, width, over } = data;
  const { path, label, w } = drawnWire(data, { sx: sourceX, sy: sourceY, tx: targetX, ty: targetY });
  const look = ["wire", selected ? "selected" : "", wire.ok ? "" : "bad", wire.fixed ? "fixed" : "", over ? "over" : "", route.quiet ? "quiet" : ""].filter(Boolean).join(" ");
  return (
    <g className={look}>
      {wire.axes && <title>{`${wire.shape}: ${wire.axes}`}</title>}
      <path className="wire-halo" d={path} style={{ strokeWidth: width + 4 }} />
      <path className="react-flow__edge-path" d={path} style={{ strokeWidth: width }} />
      <path className="react-flow__edge-interaction" d={path} strokeWidth={20} fill="none" strokeOpacity={0} />
      {wire.shape && (
        <g className="wire-label" transform={label}>
          <rect width={w} height={16} rx={4} />
          <text x={w / 2} y={12}>{wire.shape}</text>
        </g>
      )}
    </g>
  );
});

/** The path of a wire between two ends, and where its label goes. */
export function drawnWire({ wire, route, direction }: Pick<NonNullable<ShapeEdgeType["data"]>, "wire" | "route" | "direction">, ends: Ends): { path: string; label: string; w: number } {
  const { path, x, y } = wirePath(ends, route, direction);
  const w = labelWidth(wire.shape);
  return { path, label: `translate(${Math.round(x - w / 2)} ${Math.round(y - 8)})`, w };
}

const PLAIN = 1.5;

/** How thick a wire is: by what it carries where that is asked for, from kB to GB. */
export function wireWidth(bytes: number | null, byBytes: boolean): number {
  if (!byBytes || !bytes) return PLAIN;
  return Math.min(9, Math.max(1, (Math.log10(bytes) - 2.5) * 1.9));
}
