/** Layerwise's canvas as a Streamlit component: draws what Python says, tells what a person does. */
import type { FrontendRenderer } from "@streamlit/component-v2-lib";
import { canvasOf, leave, placeIn } from "./standing";
import { projectOf, type Message, type Outbox } from "./types";

/** Presses the page's own button for a full run; false where that would not arrive, or is not needed. */
function askAnew(): boolean {
  const app = document.querySelector<HTMLElement>('[data-testid="stApp"]')?.dataset;
  if ((app?.["testConnectionState"] ?? "CONNECTED") !== "CONNECTED" || app?.["testScriptState"] === "running") return false;
  const button = document.querySelector<HTMLButtonElement>(".st-key-lw_again button");
  button?.click();
  return button !== null;
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
  if (!host?.isConnected) return; // the bundle was still being loaded when it was taken from the page
  fit(host, data);
  const canvas = canvasOf(projectOf(data.canvas));
  const { store } = canvas;
  store.askAnew = askAnew;
  store.send = (box) => setStateValue("ops", box);
  store.room = roomIn(host) ?? store.room;
  store.receive(data);
  placeIn(host, canvas);
  // Streamlit may run a stale clean-up while the element lives on: it leaves only when that is gone.
  return () => void setTimeout(() => leave(canvas));
};

export default render;
