/** How big the network is and how many problems it has; a click goes to the first. */
import { useEffect } from "react";
import { useController } from "./context";
import type { Document, Totals } from "./types";
import { useUi } from "./ui";

export function Footer({ doc, pending, unsaved }: { doc: Document; pending: number; unsaved: number }) {
  const controller = useController();
  const said = useUi(controller.ui, (state) => state.said);
  const wireFrom = useUi(controller.ui, (state) => state.wireFrom);
  useEffect(() => {
    document.documentElement.toggleAttribute("data-lw-unsaved", unsaved > 0); // the head then does not say "Saved"
    return () => document.documentElement.removeAttribute("data-lw-unsaved");
  }, [unsaved]);
  const { totals } = doc;
  const counted = totals.words.some(([, word]) => word.startsWith("layer"));
  const [, layers = "", layerWord = ""] = /^(\d[\d\s]*?) (\D.*)$/.exec(totals.layers) ?? [];
  const words: Totals["words"] = counted || !layers ? totals.words : [[layers, layerWord, totals.layers], ...totals.words];
  return (
    <footer className="footer">
      <div className="totals">
        {words.filter(([number, word]) => number || word).map(([number, word, meaning]) => (
          <span key={word} title={meaning}>{number && <b>{number}</b>} {word}</span>
        ))}
      </div>
      {wireFrom && <span className="hint">Wire from <b>{controller.name(wireFrom)}</b>: click a layer, or go there by arrows and press Enter. Esc ends it.</span>}
      {unsaved > 0 && <span className="unsaved" role="status" data-testid="canvas-unsaved">{unsaved === 1 ? "1 change not saved yet" : `${unsaved} changes not saved yet`}</span>}
      <span className={`saving${pending ? " on" : ""}`} title={pending ? "Being worked out" : "All done"} />
      {totals.problems > 0
        ? <button type="button" className={totals.errors === 0 ? "problem-count mild" : "problem-count"} data-testid="canvas-problems" onClick={() => controller.firstProblem()}>{totals.problems === 1 ? "1 problem" : `${totals.problems} problems`}</button>
        : doc.order.length > 0 && <span className="fine">No problems</span>}
      <div className="aloud" aria-live="polite" role="status">{said}</div>
    </footer>
  );
}
