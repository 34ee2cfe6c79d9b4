/** What can be done to layers at all; a button that can do nothing says why. */
import type { Document, LayerData } from "./types";

const passesOn = (node: LayerData): boolean => node.kind !== "input" && node.kind !== "output";

/** A layer whose shape is not known yet may have weights that are not known either. */
const hasWeights = (node: LayerData): boolean =>
  (node.kind === "layer" || node.kind === "block") && (node.frozen || node.weights !== "" || node.shape === "" || node.shape === "?");

/** Why these layers cannot be bypassed or frozen, "" where one of them can. */
export function reasonNot(what: "bypass" | "freeze", doc: Document, ids: string[]): string {
  const nodes = ids.map((id) => doc.nodes[id]).filter((node) => node !== undefined);
  const [one] = nodes;
  if (!one) return "";
  const name = nodes.length === 1 ? `“${one.name || one.type}”` : "What is selected";
  if (what === "bypass") return nodes.some(passesOn) ? "" : `${name} passes nothing on, so it cannot be bypassed.`;
  return nodes.some(hasWeights) ? "" : `${name} has no weights of its own: there is nothing to freeze.`;
}
