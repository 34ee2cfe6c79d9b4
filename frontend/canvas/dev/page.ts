/** The component in a shadow root, as Streamlit holds it, with the stand-in for Python behind it. */
import render from "../src/index";
import type { Outbox } from "../src/types";
import { FakePython } from "./python";

const query = new URLSearchParams(location.search);
if (query.get("theme") === "dark") document.documentElement.dataset["theme"] = "dark";
const place = document.querySelector<HTMLElement>("#place");
if (!place) throw new Error("no place");
const parentElement = place.attachShadow({ mode: "open" });
parentElement.innerHTML = '<div class="canvas-root"></div>';

const python = new FakePython(query.get("net") ?? "resnet");
const delay = Number(query.get("delay") ?? 30);
const height = Number(query.get("height") ?? window.innerHeight - 26);

function draw(): void {
  render({ data: python.message(height), parentElement, key: "canvas", name: "canvas", setStateValue: take, setTriggerValue: () => {} } as unknown as Parameters<typeof render>[0]);
}
function take(_: string, box: Outbox): void {
  setTimeout(() => {
    python.take(box);
    draw();
  }, delay);
}
draw();
(window as unknown as { python: FakePython }).python = python;
