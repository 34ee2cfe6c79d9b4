/** What is looked at follows what happens: a layer that came, a problem that was asked for, the first look. */
import { useEffect, useRef } from "react";
import type { Controller } from "./controller";
import { focusedNode, focusIsLost } from "./focus";
import { projectOf } from "./types";

/** More new layers than these at once are not looked for. */
const MOST_SHOWN = 40;
const FIRST_MS = 80;
const PIN_MS = 300;
/** How often the page had sent one to the first problem, by project. */
const looks = new Map<string, number>();

/** Does something once what is drawn now is on the screen; the function it gives calls it off. */
function afterPaint(work: () => void): () => void {
  let later: ReturnType<typeof setTimeout> | undefined;
  const frame = requestAnimationFrame(() => {
    later = setTimeout(work);
  });
  return () => {
    cancelAnimationFrame(frame);
    clearTimeout(later);
  };
}

/** `drawn`: whether the layers are. `looked`: whether this canvas was looked at before, and is seen from there. */
export function useFollowing(controller: Controller, version: number, drawn: boolean, looked: boolean): void {
  const { store } = controller;
  const { doc, canvas } = store;
  const known = useRef<ReadonlySet<string> | null>(null);
  const fitted = useRef(looked);

  // What came is brought into view, whoever brought it: a repair, a copy, a way back.
  useEffect(() => {
    const before = known.current;
    known.current = new Set(doc.order);
    const fresh = before?.size ? doc.order.filter((id) => !before.has(id)) : [];
    if (!fresh.length || !fitted.current) return;
    if (doc.undo !== null && doc.redo === null) controller.clear(fresh);
    const unseen = fresh.filter((id) => !controller.looksAt(id));
    if (unseen.length && fresh.length <= MOST_SHOWN) afterPaint(() => controller.show(unseen)); // not called off: it is said once
  }, [doc, controller]);
  // First the shapes are on the screen, then a new layer goes to its line.
  useEffect(() => (controller.settles() ? afterPaint(() => controller.settle()) : undefined), [version, controller]);

  // The page's head leads here as well, from other pages too: then what is drawn first comes before it.
  useEffect(() => {
    const project = projectOf(canvas);
    const seen = looks.get(project) ?? 0;
    looks.set(project, doc.look);
    if (doc.look > seen) setTimeout(() => controller.openFirstProblem(), fitted.current ? 0 : FIRST_MS);
  }, [doc.look, canvas, controller]);

  const count = doc.order.length;
  useEffect(() => {
    if (fitted.current || !count || !drawn) return;
    fitted.current = true;
    requestAnimationFrame(() => controller.firstLook());
  }, [count, drawn, controller]);
  useEffect(() => {
    const held = focusedNode();
    if (drawn && held !== null && focusIsLost(controller.box)) controller.focusNode(held);
  }, [drawn, controller]);
  useEffect(() => {
    const timer = setTimeout(() => store.pinLoose(), PIN_MS);
    return () => clearTimeout(timer);
  }, [version, store]);
}
