/** Layerwise's canvas as a Streamlit component: draws what Python says, tells what a person does. */
import type { FrontendRenderer } from "@streamlit/component-v2-lib";
import { createRoot, type Root } from "react-dom/client";
import flowCss from "@xyflow/react/dist/style.css?inline";
import { Canvas } from "./Canvas";
import { levelStyles } from "./levels";
import { CanvasStore } from "./store";
import css from "./style.css?inline";
import type { Message, Outbox } from "./types";

interface Instance { store: CanvasStore; root: Root }
const instances = new WeakMap<Element, Instance>();
/** Stores that were left with something unsaid: a page switch must not lose it. */
const left = new Map<string, CanvasStore>();

const project = (canvas: string): string => canvas.split("/")[0] ?? canvas;

function open(host: HTMLElement, message: Message): Instance {
  const style = document.createElement("style");
  style.textContent = flowCss + css + levelStyles();
  host.before(style);
  const store = left.get(project(message.canvas)) ?? new CanvasStore();
  left.delete(project(message.canvas));
  store.resume(message);
  const root = createRoot(host);
  const instance = { store, root };
  instances.set(host, instance);
  return instance;
}

const LEAST_HEIGHT = 420;
const BELOW = 16;
const wished = new WeakMap<Element, Message>();

/** As high as the window leaves it; Streamlit's wrapper has no height of its own. */
function fit(host: HTMLElement, message: Message): void {
  if (!wished.has(host)) {
    const again = (): void => {
      const last = wished.get(host);
      if (host.isConnected && last) fit(host, last);
      else if (!host.isConnected) window.removeEventListener("resize", again);
    };
    window.addEventListener("resize", again);
  }
  wished.set(host, message);
  const height = message.above === undefined ? message.height : Math.max(LEAST_HEIGHT, window.innerHeight - message.above - BELOW);
  host.style.height = `${height}px`;
}

const PALETTE = 184;
const NARROW = 700;
/** Head and foot of the canvas. */
const BARS = 74;

/** What the drawing has of it. */
function roomIn(host: HTMLElement): { w: number; h: number } | undefined {
  const { clientWidth, clientHeight } = host;
  if (!clientWidth) return undefined;
  return { w: clientWidth - (clientWidth > NARROW ? PALETTE : 0), h: clientHeight - BARS };
}

const render: FrontendRenderer<{ ops: Outbox }, Message> = ({ data, parentElement, setStateValue }) => {
  const host = parentElement.querySelector<HTMLElement>(".canvas-root");
  if (!host) return;
  fit(host, data);
  const known = instances.get(host);
  const instance = known ?? open(host, data);
  const { store, root } = instance;
  store.send = (box) => setStateValue("ops", box);
  store.room = roomIn(host) ?? store.room;
  store.receive(data);
  if (!known) root.render(<Canvas store={store} />);
  return () => {
    // Streamlit may run a stale clean-up while the element lives on: leave only when it is gone.
    setTimeout(() => {
      if (host.isConnected || instances.get(host) !== instance) return;
      root.unmount();
      instances.delete(host);
      store.close();
      if (store.pending.length) left.set(project(store.canvas), store);
    });
  };
};

export default render;
