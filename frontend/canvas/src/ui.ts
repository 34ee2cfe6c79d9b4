/** What is open, armed or hovered: the canvas's own passing state, of which Python knows nothing. */
import { useSyncExternalStore } from "react";
import type { Op, Point, Slot, Value } from "./types";

export interface SearchState { screen: Point; flow: Point; from: Value | null; to: Slot | null; on: string | null; keys: string[] | null }
export interface SlotMenu { screen: Point; from: Value; to: Slot; instead: string | null }
/** A few ways to go on: which port, which result. */
export interface Choosing { screen: Point; title: string; items: { name: string; hint: string; barred: boolean; run: () => void }[]; first: number }
export interface Asked { text: string; op: Op; title: string; yes: string }

export interface UiState {
  search: SearchState | null;
  slotMenu: SlotMenu | null;
  choosing: Choosing | null;
  menu: string | null;
  /** What was clicked with the other button. */
  context: { kind: "layer" | "wire" | "frame" | "ground"; id: string; screen: Point } | null;
  keys: boolean;
  palette: boolean;
  problem: string | null;
  editing: string | null;
  wireFrom: string | null;
  /** Which part of its result. */
  wirePath: (number | string)[];
  pulling: { value: Value | null; slot: Slot | null } | null;
  fits: Record<string, string> | null;
  /** Nodes that the pulled value is made of: they cannot read it. */
  barred: ReadonlySet<string>;
  overWire: string | null;
  /** Where layers would move on to, if what hovers over a wire were dropped. */
  making: Record<string, Point> | null;
  overNode: string | null;
  /** Under the pointer in the code. */
  lit: ReadonlySet<string>;
  cursor: { screen: Point; text: string; good: boolean } | null;
  asked: Asked | null;
  effect: { node: string; name: string; text: string } | null;
  frameTool: boolean;
  bytes: boolean;
  minimap: boolean;
  snap: boolean;
  unfolded: ReadonlySet<string>;
  said: string;
}

export class Ui {
  state: UiState = {
    search: null, slotMenu: null, choosing: null, context: null, menu: null, keys: false, palette: false, problem: null, editing: null, wireFrom: null, wirePath: [],
    pulling: null, fits: null, barred: new Set(), overWire: null, making: null, overNode: null, lit: new Set(), cursor: null, asked: null, effect: null, frameTool: false,
    bytes: false, minimap: false, snap: false, unfolded: new Set(), said: "",
  };
  private listeners = new Set<() => void>();

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  };

  set(change: Partial<UiState>): void {
    const keys = Object.keys(change) as (keyof UiState)[];
    if (keys.every((key) => Object.is(this.state[key], change[key]))) return;
    this.state = { ...this.state, ...change };
    for (const listener of this.listeners) listener();
  }

  /** Tells what happened to people who do not see it. */
  say(said: string): void {
    // The same words again are said again only if they are others.
    this.set({ said: said && said === this.state.said ? `${said}\u00a0` : said });
  }
}

/** A part of the passing state; the component draws again only when that part is another. */
export function useUi<T>(ui: Ui, pick: (state: UiState) => T): T {
  return useSyncExternalStore(ui.subscribe, () => pick(ui.state));
}
