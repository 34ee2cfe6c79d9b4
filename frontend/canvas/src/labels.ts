/** Where the text of a wire stands, and how much of it can be read from how far away. */
import { labelWidth, overlaps, type Box, type Direction } from "./layout";
import { GROWN } from "./levels";
import type { Point } from "./types";

/** The last step of the zoom on which a form of the text has room; -1: on none. */
export interface Forms { full: number; short: number; two: number }
export interface Place { label: number; forms: Forms }
/** A wire that bears a text: from `start` to `end` along, from `out` to `back` across. */
export interface Bearer { start: number; end: number; out: number; back: number; lane: number | null; text: string; id?: string; value?: string }
interface Wire { id: string; value: string }

const PLACES = [0.5, 0.4, 0.6, 0.3, 0.7, 0.22, 0.78];
/** How far from the nearer end the second place is. */
const ASIDE = 0.4;
/** Text without its margin, as high as its digits, and from line to line: at the zoom 1. */
const LETTER = 6.6;
const DIGIT = 9;
const LINE = 12;
/** Of a wire, on each side of the text on it: its margin, and what of the line is seen beside the port. */
const SEEN = 14;
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

  private wires = new Ground<Box & Wire>();

  /** A wire that no text shall stand on but its own. */
  cross(line: Point[], { id, value }: Wire): void {
    for (let at = 1; at < line.length; at++) {
      const [[x, y], [tx, ty]] = [line[at - 1] as Point, line[at] as Point];
      this.wires.put({ x: Math.min(x, tx), y: Math.min(y, ty), w: Math.abs(tx - x), h: Math.abs(ty - y), id, value });
    }
  }

  constructor(nodes: Iterable<Box>, private direction: Direction) {
    for (const box of nodes) this.nodes.put(box);
  }

  /** Whether no other wire passes through a box, but one of the same value on the same line. */
  private uncrossed(box: Box, { id, value }: Bearer): boolean {
    const lr = this.direction === "LR";
    const middle = lr ? box.y + box.h / 2 : box.x + box.w / 2;
    return this.wires.free(box, 2, (other) => other.value === value && (other.id === id || (lr ? other.h < 1 && Math.abs(other.y - middle) < 1 : other.w < 1 && Math.abs(other.x - middle) < 1)));
  }

  /** The first place that is free and that no other wire passes; else the first that is free. */
  private first(wire: Bearer, at: (place: number, wide: number, grown: number, lines: number) => Box, free: (box: Box, level: number) => boolean): number {
    let second: number | null = null;
    const wide = labelWidth(wire.text);
    // Between two layers near each other it has one place only.
    if (this.direction === "LR" && wire.lane === null && (wire.end - wire.start) * ASIDE < wide / 2 - 4) return 0.5;
    for (const place of PLACES) {
      const { x, y, w, h } = at(place, wide, 1, 1);
      if (!free({ x, y: y + h / 2 - 8, w, h: 16 }, 0)) continue;
      if (this.uncrossed({ x: x + 4, y, w: w - 8, h }, wire)) return place;
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
    const lr = this.direction === "LR";
    const tries: [keyof Forms, number, number][] = [["full", wire.text.length * LETTER, 1], ["short", rest.length * LETTER, 1]];
    // Across the direction of reading a line more costs nothing; along it, it does.
    if (lr) tries.push(["two", Math.max(over.length, under.length) * LETTER, under ? 2 : 1.6]);
    const middle = at(label, 0, 1, 1);
    const [x, y] = [middle.x, middle.y + middle.h / 2];
    // To the nearer end of a straight wire.
    const room = lr && wire.lane === null && Math.abs(wire.out - wire.back) < 1 ? (wire.end - wire.start) * Math.min(label, 1 - label) - PORT : Infinity;
    let first = 0;
    for (const [level, grown] of GROWN.entries()) {
      const written = this.written[level];
      let box: Box | null = null;
      for (let place = first; place < tries.length; place++) {
        const [form, wide, lines] = tries[place] ?? ["full", 0, 1];
        const [w, h] = [wide * grown, (DIGIT + LINE * (lines - 1)) * grown];
        // On its wire a text leaves some of it to be seen; around it, it may be as long as the wire.
        const aside = lr && form !== "two" ? SEEN * grown : 0;
        if (w / 2 + aside > room) continue;
        const tried = { x: x - w / 2, y: y - h / 2, w, h };
        if (!written?.free(tried, 0) || !this.nodes.free(aside ? { x: tried.x - aside, y: tried.y, w: w + 2 * aside, h } : tried, PORT)) continue;
        [box, first] = [tried, place];
        break;
      }
      const form = tries[first]?.[0];
      // Near by it is read in any case.
      if (!form || (!box && level)) break;
      written?.put(box ?? at(label, tries[first]?.[1] ?? 0, 1, 1));
      forms[form] = level;
    }
    return { label, forms: { full: forms.full, short: Math.max(forms.full, forms.short), two: Math.max(forms.full, forms.short, forms.two) } };
  }
}
