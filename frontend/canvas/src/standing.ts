/**
 * The canvases that stand on this page, one for each project. Streamlit takes a component from the page
 * and draws it anew a moment later where it was slow to send what it had drawn (a fragment that begins
 * drops what still waits of its own in the queue, also the part of a full run whose end then clears the
 * element away). What is drawn is therefore kept, and moved into the new place as it is: an opened menu,
 * a wire that is being drawn and the focus outlive it.
 */
import { createElement } from "react";
import { createRoot, type Root } from "react-dom/client";
import { LEFT_MS, onLeaving } from "../../leaving/src/protocol";
import flowCss from "@xyflow/react/dist/style.css?inline";
import { Canvas } from "./Canvas";
import { address, BODY, endWriting, giveFocusBack, keepFromMoves, noteFocus } from "./focus";
import { levelStyles } from "./levels";
import { CanvasStore } from "./store";
import css from "./style.css?inline";

export interface Standing { project: string; store: CanvasStore; root: Root; body: HTMLElement; size: [number, number]; seenAt: string; page: string; placed: boolean }

/** So long a canvas without a place is kept as it is. */
const LINGER_MS = 3000;
const standing = new Map<string, Standing>();
/** One store for each project while this page lives: a switch of pages loses nothing, and counts go on. */
const stores = new Map<string, CanvasStore>();

onLeaving(({ until }) => {
  for (const { store, placed } of standing.values()) {
    if (!placed) continue;
    store.reopen();
    const answered = store.answered();
    if (answered) until(answered);
  }
}, () => standing.forEach(hush));
window.addEventListener("popstate", () => {
  for (const canvas of standing.values()) if (canvas.page !== location.pathname) hush(canvas);
});

/** Lets a canvas send nothing more on a page that is being left. */
function hush(canvas: Standing): void {
  const { parentElement: place } = canvas.body;
  canvas.store.close();
  setTimeout(() => {
    if (canvas.placed && canvas.body.parentElement === place) canvas.store.reopen();
  }, LEFT_MS);
}

function storeOf(project: string): CanvasStore {
  const known = stores.get(project);
  if (known) return known;
  const fresh = new CanvasStore();
  stores.set(project, fresh);
  void fresh.resume(project);
  return fresh;
}

/** The canvas of a project, made where none stands. */
export function canvasOf(project: string): Standing {
  const known = standing.get(project);
  if (known) return known;
  const body = document.createElement("div");
  body.className = BODY;
  const style = document.createElement("style");
  style.textContent = flowCss + css + levelStyles();
  const ground = document.createElement("div");
  ground.className = "canvas-ground";
  body.append(style, ground);
  const made: Standing = { project, store: storeOf(project), root: createRoot(ground), body, size: [0, 0], seenAt: "", page: location.pathname, placed: false };
  keepFromMoves(body, () => leave(made));
  standing.set(project, made);
  return made;
}

/** Puts a canvas into its place on the page; what stood there leaves. To be called once its store knows what to draw. */
export function placeIn(host: HTMLElement, canvas: Standing): void {
  if (canvas.body.parentElement !== host) {
    const others = [...standing.values()].filter((one) => one.body.parentElement === host);
    moved(canvas, host);
    for (const one of others) leave(one);
    canvas.store.reopen();
    canvas.root.render(createElement(Canvas, { store: canvas.store, place: host }));
  }
  canvas.placed = true;
  canvas.size = [host.clientWidth, host.clientHeight];
  canvas.seenAt = address();
  canvas.page = location.pathname;
}

/** Lets a canvas go whose place is gone, unless it gets another one soon: on the same page, of the same project. */
export function leave(canvas: Standing): void {
  // Told twice, the second time would silence the store of the canvas that stands in its place by now.
  if (canvas.body.isConnected || standing.get(canvas.project) !== canvas) return;
  canvas.placed = false;
  canvas.store.close();
  if (canvas.seenAt !== address()) return end(canvas);
  const [w, h] = canvas.size;
  const place = waiting();
  place.style.cssText = `width: ${w}px; height: ${h}px`;
  moved(canvas, place);
  // Nobody works in it: nobody shall find a second toolbar there. (The stack may stand in its place.)
  const shadow = place.getRootNode() as ShadowRoot;
  if (!shadow.activeElement) shadow.host.setAttribute("aria-hidden", "true");
  const over = (): void => {
    window.removeEventListener("popstate", over);
    clearTimeout(timer);
    if (canvas.body.parentElement === place) end(canvas);
  };
  const timer = setTimeout(over, LINGER_MS);
  window.addEventListener("popstate", over);
}

function end(canvas: Standing): void {
  if (standing.get(canvas.project) !== canvas) return;
  endWriting(canvas.body);
  standing.delete(canvas.project);
  canvas.root.unmount();
  canvas.body.remove();
}

function moved(canvas: Standing, place: HTMLElement): void {
  noteFocus(canvas.body);
  place.replaceChildren(canvas.body);
  giveFocusBack(canvas.body);
}

/** Where a canvas without a place waits: out of sight, but part of the page, so that it can have the focus. */
function waiting(): HTMLElement {
  const host = document.createElement("div");
  host.style.cssText = "position: fixed; left: -20000px; top: 0; opacity: 0; pointer-events: none";
  const place = document.createElement("div");
  host.attachShadow({ mode: "open" }).append(place);
  document.body.append(host);
  const gone = new MutationObserver(() => {
    if (place.firstChild) return;
    gone.disconnect();
    host.remove();
  });
  gone.observe(place, { childList: true });
  return place;
}
