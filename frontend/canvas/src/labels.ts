/** Where the text of a wire stands, and how much of it can be read from how far away. */
import { labelWidth, overlaps, type Box, type Direction } from "./layout";
import { GROWN } from "./levels";
import type { Point } from "./types";

/** The last step of the zoom on which a form of the text has room; -1: on none. */
export interface Forms { full: number; short: number; two: number }
export interface Place { label: number; forms: Forms }
/** A wire that bears a text: from `start` to `end` along, from `out` to `back` across. */
export interface Bearer { start: number; end: number; out: number; back: number; lane: number | null; text: string; value?: string }

const PLACES = [0.5, 0.4, 0.6, 0.3, 0.7, 0.22, 0.78];
/** Text without its margin, as high as its digits, and from line to line: at the zoom 1. */
const LETTER = 6.6;
const DIGIT = 9;
const LINE = 12;
/** Ports stand out from layers. */
const PORT = 2;
const CELL = 320;
/** More cells than there are in a column. */
const FAR = 2 ** 24;
export const NOWHERE: Forms = { full: GROWN.length - 1, short: -1, two: -1 };

/** A shape without its batch: "N×16×28×28" is ["N×", "16×28×28"]. */
export function batchApart(shape: string): [batch: string, rest: string] {
  return shape.startsWith("N×") && shape.length > 2 && !shape.includes(",") ? ["N×", shape.slice(2)] : ["", shape];
}

/** A shape in two lines, one over the wire and one under it: channels, then what they are spread over. */
export function inTwo(shape: string): [over: string, under: string] {
  const [, rest] = batchApart(shape);
  const cut = rest.indexOf("×");
  return cut < 0 || !rest.includes("×", cut + 1) ? [rest, ""] : [rest.slice(0, cut), rest.slice(cut + 1)];
}

/** What stands on the drawing, found by where it is. */
class Ground<T extends Box = Box> {
  private cells = new Map<number, T[]>();

  put(box: T): void {
    someCell(box, (key) => {
      const cell = this.cells.get(key);
      if (cell) cell.push(box);
      else this.cells.set(key, [box]);
      return false;
    });
  }

  /** `but`: what may stand there. */
  free(box: Box, gap: number, but: (other: T) => boolean = () => false): boolean {
    return !someCell(box, (key) => this.cells.get(key)?.some((other) => overlaps(box, other, gap) && !but(other)) ?? false);
  }
}

/** Whether something holds in a cell that a box covers; each is said as one number. */
function someCell({ x, y, w, h }: Box, holds: (key: number) => boolean): boolean {
  const [right, bottom] = [Math.floor((x + w + 8) / CELL), Math.floor((y + h + 8) / CELL)];
  for (let across = Math.floor((x - 8) / CELL); across <= right; across++) {
    for (let down = Math.floor((y - 8) / CELL); down <= bottom; down++) if (holds(across * FAR + down)) return true;
  }
  return false;
}

/** Finds places for the texts of wires, one after the other, none on another or on a layer. */
export class Labels {
  private nodes = new Ground();
  /** What is written already, by the step of the zoom. */
  private written = GROWN.map(() => new Ground());

  private wires = new Ground<Box & { value: string }>();

  /** A wire that no text shall stand on, but that of the same value. */
  cross(line: Point[], value: string): void {
    for (let at = 1; at < line.length; at++) {
      const [[x, y], [tx, ty]] = [line[at - 1] as Point, line[at] as Point];
      this.wires.put({ x: Math.min(x, tx), y: Math.min(y, ty), w: Math.abs(tx - x), h: Math.abs(ty - y), value });
    }
  }

  constructor(nodes: Iterable<Box>, private direction: Direction) {
    for (const box of nodes) this.nodes.put(box);
  }

  /** Whether only wires of one value pass through a box. */
  private uncrossed(box: Box, value: string): boolean {
    return this.wires.free(box, 2, (other) => other.value === value);
  }

  /** The first place that is free and that no other wire passes; else the first that is free. */
  private first(wire: Bearer, at: (place: number, wide: number, grown: number, lines: number) => Box, free: (box: Box, level: number) => boolean): number {
    let second: number | null = null;
    for (const place of PLACES) {
      const box = at(place, labelWidth(wire.text), 1, 1);
      if (!free({ ...box, y: box.y + box.h / 2 - 8, h: 16 }, 0)) continue;
      if (this.uncrossed(at(place, labelWidth(wire.text) - 8, 1, 1), wire.value ?? "")) return place;
      second ??= place;
    }
    return second ?? 0.5;
  }

  place(wire: Bearer): Place {
    if (!wire.text) return { label: 0.5, forms: NOWHERE };
    const [, rest] = batchApart(wire.text);
    const [over, under] = inTwo(wire.text);
    const at = (place: number, wide: number, grown: number, lines: number): Box => {
      const along = wire.start + (wire.end - wire.start) * place;
      const across = wire.lane ?? wire.out + (wire.back - wire.out) * place;
      const [x, y] = this.direction === "LR" ? [along, across] : [across, along];
      const [w, h] = [wide * grown, (DIGIT + LINE * (lines - 1)) * grown];
      return { x: x - w / 2, y: y - h / 2, w, h };
    };
    const free = (box: Box, level: number): boolean => this.nodes.free(box, level ? PORT : -4) && (this.written[level]?.free(box, 0) ?? false);
    const label = this.first(wire, at, free);
    const forms: Forms = { full: -1, short: -1, two: -1 };
    const tries: [keyof Forms, number, number][] = [["full", wire.text.length * LETTER, 1], ["short", rest.length * LETTER, 1]];
    // Across the direction of reading a line more costs nothing; along it, it does.
    if (this.direction === "LR") tries.push(["two", Math.max(over.length, under.length) * LETTER, under ? 2 : 1.6]);
    let first = 0;
    for (const [level, grown] of GROWN.entries()) {
      for (; first < tries.length; first++) {
        const [form, wide, lines] = tries[first] ?? ["full", 0, 1];
        const box = at(label, wide, grown, lines);
        if (level && !free(box, level)) continue;
        this.written[level]?.put(box);
        forms[form] = level;
        break;
      }
      if (first === tries.length) break;
    }
    return { label, forms: { full: forms.full, short: Math.max(forms.full, forms.short), two: Math.max(forms.full, forms.short, forms.two) } };
  }
}
