/** Light between the canvas and the code beside it. */
import { useCallback, useEffect } from "react";
import { onLit, sayLit, type Lit, type LitLayer } from "./lit";
import type { CanvasStore } from "./store";
import { projectOf } from "./types";
import type { Ui } from "./ui";

const NONE: ReadonlySet<string> = new Set();

/** Lights what is under the pointer in the code; gives what says which layer is under it here. */
export function useLighting(store: CanvasStore, ui: Ui): (node: string | null) => void {
  useEffect(() => onLit("canvas", (lit) => ui.set({ lit: litIn(store, lit) })), [store, ui]);
  return useCallback((node) => sayLit({ by: "canvas", project: projectOf(store.canvas), block: store.block, within: [], node }), [store]);
}

/** The layers that show what is lit. */
export function litIn(store: CanvasStore, lit: Lit): ReadonlySet<string> {
  if (lit.node === null || lit.project !== projectOf(store.canvas)) return NONE;
  return new Set([lit, ...(lit.beside ?? [])].flatMap((layer) => showing(store, layer)));
}

/** The layer itself, or the calls of the blocks it stands in. */
function showing(store: CanvasStore, { block, within, node }: LitLayer): string[] {
  if (block === store.block) return node === null ? [] : [node];
  return Object.values(store.doc.nodes).filter((one) => one.block !== null && (one.block === block || within.includes(one.block))).map((one) => one.id);
}
