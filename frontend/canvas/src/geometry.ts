/** The curves a wire is drawn with, and what stands on them. */
import type { Box } from "./layout";
import type { Point } from "./types";

/** From a point: straight on, or by two controls. */
export type Step = [to: Point] | [first: Point, second: Point, to: Point];
export interface Curve { start: Point; steps: Step[] }

const SAMPLES = 12;
const r = (value: number): number => Math.round(value * 10) / 10;
const said = (point: Point): string => `${r(point[0])},${r(point[1])}`;

export const svgPath = ({ start, steps }: Curve): string =>
  `M${said(start)}${steps.map((step) => `${step.length === 1 ? "L" : "C"}${step.map(said).join(" ")}`).join("")}`;

const ROUND = 18;

/** A line with its corners rounded. */
export function rounded([start, ...rest]: [Point, ...Point[]]): Curve {
  const steps: Step[] = [];
  let before = start;
  rest.forEach((corner, at) => {
    const after = rest[at + 1];
    if (!after) return steps.push([corner]);
    const near = Math.min(ROUND, apart(before, corner) / (at ? 2 : 1), apart(corner, after) / (at + 2 < rest.length ? 2 : 1));
    const [into, out] = [toward(corner, before, near), toward(corner, after, near)];
    steps.push([into], [toward(corner, before, near * 0.45), toward(corner, after, near * 0.45), out]);
    before = corner;
  });
  return { start, steps };
}

const apart = (one: Point, other: Point): number => Math.hypot(other[0] - one[0], other[1] - one[1]);

function toward(from: Point, to: Point, by: number): Point {
  const share = by / (apart(from, to) || 1);
  return [from[0] + (to[0] - from[0]) * share, from[1] + (to[1] - from[1]) * share];
}

/** Points on a curve, near enough to each other for a line. */
export function pointsOn({ start, steps }: Curve, samples = SAMPLES): Point[] {
  const found: Point[] = [start];
  let from = start;
  for (const step of steps) {
    if (step.length === 1) found.push(step[0]);
    else {
      const [first, second, to] = step;
      for (let one = 1; one <= samples; one++) {
        const t = one / samples;
        const u = 1 - t;
        const at = (i: 0 | 1): number => u ** 3 * from[i] + 3 * u * u * t * first[i] + 3 * u * t * t * second[i] + t ** 3 * to[i];
        found.push([at(0), at(1)]);
      }
    }
    from = step.at(-1) as Point;
  }
  return found;
}

/** How far a box's middle is from a line; null where the line does not meet the box. */
export function meets(line: Point[], box: Box): number | null {
  let met = false;
  let nearest = Infinity;
  const middle: Point = [box.x + box.w / 2, box.y + box.h / 2];
  for (let at = 1; at < line.length; at++) {
    const [from, to] = [line[at - 1] as Point, line[at] as Point];
    met ||= crosses(from, to, box);
    nearest = Math.min(nearest, fromLine(from, to, middle));
  }
  return met ? nearest : null;
}

/** Whether a straight line meets a box (Liang and Barsky). */
function crosses([x, y]: Point, [tx, ty]: Point, box: Box): boolean {
  let [low, high] = [0, 1];
  const cut = (way: number, room: number): boolean => {
    if (!way) return room >= 0;
    const share = room / way;
    if (way < 0) low = Math.max(low, share);
    else high = Math.min(high, share);
    return low <= high;
  };
  return cut(x - tx, x - box.x) && cut(tx - x, box.x + box.w - x) && cut(y - ty, y - box.y) && cut(ty - y, box.y + box.h - y);
}

function fromLine([x, y]: Point, [tx, ty]: Point, [px, py]: Point): number {
  const [dx, dy] = [tx - x, ty - y];
  const long = dx * dx + dy * dy;
  const share = long ? Math.min(1, Math.max(0, ((px - x) * dx + (py - y) * dy) / long)) : 0;
  return Math.hypot(px - x - share * dx, py - y - share * dy);
}
