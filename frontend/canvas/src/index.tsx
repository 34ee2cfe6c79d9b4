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
/** One store for each project while this page lives: a switch of pages loses nothing, and counts go on. */
const stores = new Map<string, CanvasStore>();

const project = (canvas: string): string => canvas.split("/")[0] ?? canvas;

function storeOf(name: string): CanvasStore {
  const known = stores.get(name);
  if (known) return known;
  const fresh = new CanvasStore();
  stores.set(name, fresh);
  void fresh.resume(name);
  return fresh;
}

/** Presses the page's own button for a full run; false where that would not arrive, or is not needed. */
function askAnew(): boolean {
  const app = document.querySelector<HTMLElement>('[data-testid="stApp"]')?.dataset;
  if ((app?.["testConnectionState"] ?? "CONNECTED") !== "CONNECTED" || app?.["testScriptState"] === "running") return false;
  const button = document.querySelector<HTMLButtonElement>(".st-key-lw_again button");
  button?.click();
  return button !== null;
}

function open(host: HTMLElement, message: Message): Instance {
  const style = document.createElement("style");
  style.textContent = flowCss + css + levelStyles();
  host.before(style);
  const instance = { store: storeOf(project(message.canvas)), root: createRoot(host) };
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
  const { root } = instance;
  const store = storeOf(project(data.canvas));
  const other = store !== instance.store;
  if (other) instance.store.close();
  instance.store = store;
  store.askAnew = askAnew;
  store.send = (box) => setStateValue("ops", box);
  store.room = roomIn(host) ?? store.room;
  store.receive(data);
  if (!known || other) {
    store.reopen();
    root.render(<Canvas key={project(data.canvas)} store={store} />);
  }
  return () => {
    // Streamlit may run a stale clean-up while the element lives on: leave only when it is gone.
    setTimeout(() => {
      if (host.isConnected || instances.get(host) !== instance) return;
      root.unmount();
      instances.delete(host);
      instance.store.close();
    });
  };
};

export default render;
