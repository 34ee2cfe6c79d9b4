/** Layers, ports and wires as they are said aloud. */
import type { Document, InPort, LayerData, OutPort, Problem, WireData } from "./types";
import { kindWords } from "./wiring";

/** What a screen reader says of a node: "Conv2d conv1, N×16×28×28, 1 problem". */
export function describe(node: Document["nodes"][string]): string {
  const problems = node.problems.length;
  return [
    [node.type, node.name].filter(Boolean).join(" "),
    node.shape,
    node.bypassed ? "bypassed" : "",
    node.frozen ? "frozen" : "",
    node.repeat > 1 ? `${node.repeat} times` : "",
    problems ? `${problems} ${problems === 1 ? "problem" : "problems"}` : "",
  ].filter(Boolean).join(", ");
}

/** "Wire from conv1 to input of relu1, N×16×28×28". */
export function wireWords(doc: Document, wire: WireData): string {
  const name = (id: string): string => doc.nodes[id]?.name || doc.nodes[id]?.type || id;
  const reader = doc.nodes[wire.to[0]];
  const port = (reader?.ins.length ?? 0) > 1 ? `${portName(reader?.kind ?? "layer", wire.to[1])} of ` : "";
  return `Wire from ${name(wire.from[0])} to ${port}${name(wire.to[0])}${wire.shape ? `, ${wire.shape}` : ""}${wire.ok ? "" : ", does not fit"}`;
}

/** An argument's name as a port bears it: a branch has two sides. */
export function portName(kind: LayerData["kind"], port: string): string {
  return kind === "branch" ? port.replace(/^if_/, "if ") : port;
}

/** "Input query of attention0: a sequence, not wired". */
export function inputWords(node: LayerData, port: InPort, wired: boolean, failing: Problem | undefined): string {
  const what = `Input ${portName(node.kind, port.name)} of ${node.name || node.type}: ${kindWords(port.wanted)}`;
  return `${what}${port.optional ? ", optional" : ""}${wired ? "" : ", not wired"}${failing ? `. ${failing.message}` : ""}`;
}

export const outputWords = (node: LayerData, out: OutPort): string =>
  `Result ${out.name ? `${out.name} ` : ""}of ${node.name || node.type}: ${out.shape || kindWords(out.kind)}`;
