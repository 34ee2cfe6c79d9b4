/** The layer under the pointer lights up wherever it is shown: in the code and on the canvas. Said by the window. */
const LIT = "layerwise:lit";

/**
 * `block`: the block it stands in, "" for the network itself; `within`: the blocks that this one is part of.
 * `node`: null where the pointer has left.
 */
export interface LitLayer { block: string; within: string[]; node: string | null }

/** `beside`: the other layers on the line of code that the pointer is at. */
export interface Lit extends LitLayer { by: "canvas" | "code"; project: string; beside?: LitLayer[] }

export const sayLit = (detail: Lit): void => void window.dispatchEvent(new CustomEvent(LIT, { detail }));

/** Hears what others say; gives the function that ends it. */
export function onLit(me: Lit["by"], heard: (lit: Lit) => void): () => void {
  const listen = (event: Event): void => {
    const { detail } = event as CustomEvent<Lit>;
    if (detail.by !== me) heard(detail);
  };
  window.addEventListener(LIT, listen);
  return () => window.removeEventListener(LIT, listen);
}
