/** The menu of a layer, a wire, a frame or the ground: what the bar and the keys do there. */
import { useLayoutEffect, useRef } from "react";
import { reasonNot } from "./able";
import type { Controller } from "./controller";
import { useController } from "./context";
import { FRAME } from "./controller";
import { SHAPE } from "./ShapeField";
import type { Point } from "./types";
import { useUi } from "./ui";

export interface Item { label: string; keys?: string; why?: string; run: () => void }
export interface Asked { kind: "layer" | "wire" | "frame" | "ground"; id: string; screen: Point }

const MARGIN = 8;

export function itemsFor(controller: Controller, { kind, id, screen }: Asked): Item[] {
  const { doc, store, ui } = controller;
  const at = controller.outOf(screen);
  if (kind === "wire") {
    return [
      { label: "Put a layer here…", keys: "/", run: () => controller.search(at, { on: id }) },
      { label: "Cut the wire", keys: "Delete", run: () => store.dispatch({ op: "disconnect", wires: [id] }) },
    ];
  }
  if (kind === "frame") {
    const frame = doc.frames[id];
    return [
      { label: frame?.kind === "note" ? "Write…" : "Rename…", keys: "F2", run: () => ui.set({ editing: FRAME + id }) },
      { label: "Delete", keys: "Delete", run: () => store.dispatch({ op: "delete", nodes: [], wires: [], frames: [id], sure: false }) },
    ];
  }
  if (kind === "ground") {
    return [
      { label: "Add a layer…", keys: "/", run: () => controller.search(at) },
      { label: "Write a note", keys: "N", run: () => controller.addFrame("note") },
      { label: "Select all", keys: "Ctrl+A", run: () => controller.selectAll() },
      { label: "Arrange left to right", run: () => controller.arrange("LR") },
      { label: "Fit all", keys: "0", run: () => controller.fit() },
    ];
  }
  const nodes = controller.selected;
  const one = nodes.length === 1 ? doc.nodes[id] : undefined;
  return [
    ...(one?.problems.length ? [{ label: "Show its problems", keys: "Enter", run: () => ui.set({ problem: id }) }] : []),
    ...(one?.kind === "block" ? [{ label: "Into the block", keys: "Enter", run: () => void controller.openBlock(id) }, { label: "Repeat…", run: () => ui.set({ menu: `repeat:${id}` }) }] : []),
    ...(one ? [{ label: "Rename…", keys: "F2", run: () => ui.set({ editing: id }) }] : []),
    ...(one?.kind === "input" ? [{ label: "Change its shape…", run: () => ui.set({ editing: SHAPE + id }) }] : []),
    ...(one ? [{ label: "Wire from here", keys: "W", run: () => controller.wireMode() }] : []),
    { label: nodes.every((each) => doc.nodes[each]?.bypassed) ? "Use again" : "Bypass", keys: "Ctrl+B", why: reasonNot("bypass", doc, nodes), run: () => controller.onNodes("bypass") },
    { label: nodes.every((each) => doc.nodes[each]?.frozen) ? "Unfreeze" : "Freeze", keys: "F", why: reasonNot("freeze", doc, nodes), run: () => controller.onNodes("freeze") },
    { label: "Copy", keys: "Ctrl+C", run: () => controller.onNodes("copy") },
    { label: "Duplicate", keys: "Ctrl+D", run: () => controller.onNodes("duplicate") },
    { label: "Group into a block", keys: "Ctrl+G", run: () => controller.group() },
    ...(nodes.some((each) => doc.nodes[each]?.kind === "block") ? [{ label: "Ungroup", keys: "Ctrl+Shift+G", run: () => controller.ungroup() }] : []),
    { label: "Delete", keys: "Delete", run: () => controller.delete() },
  ];
}

export function ContextMenu() {
  const controller = useController();
  const asked = useUi(controller.ui, (state) => state.context);
  const list = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const element = list.current;
    const frame = controller.box?.getBoundingClientRect();
    if (!asked || !element || !frame) return;
    const { width, height } = element.getBoundingClientRect();
    element.style.left = `${Math.max(MARGIN, Math.min(asked.screen[0], frame.width - width - MARGIN))}px`;
    element.style.top = `${Math.max(MARGIN, Math.min(asked.screen[1], frame.height - height - MARGIN))}px`;
    element.querySelector<HTMLButtonElement>("button:not(:disabled)")?.focus({ preventScroll: true });
  }, [asked, controller]);
  if (!asked) return null;
  const close = (): void => {
    controller.ui.set({ context: null });
    controller.focus();
  };
  return (
    <div className="popup menu-list context-menu" role="menu" aria-label="What can be done here" tabIndex={-1} ref={list}
      onKeyDown={(event) => {
        event.stopPropagation();
        const all = [...event.currentTarget.querySelectorAll<HTMLButtonElement>("button:not(:disabled)")];
        const at = all.findIndex((one) => one.matches(":focus"));
        const step = { ArrowDown: 1, ArrowUp: all.length - 1 }[event.key];
        if (event.key === "Escape" || event.key === "Tab") close();
        if (step === undefined && event.key !== "Escape" && event.key !== "Tab") return;
        event.preventDefault();
        if (step !== undefined) all[(at + step) % all.length]?.focus();
      }}>
      {itemsFor(controller, asked).map(({ label, keys, why, run }) => (
        <button key={label} type="button" role="menuitem" disabled={Boolean(why)} title={why} onClick={() => {
          close();
          run();
        }}><span>{label}</span>{keys && <kbd>{keys}</kbd>}</button>
      ))}
    </div>
  );
}
