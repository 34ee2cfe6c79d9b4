/**
 * A way to another page waits for what was just written. A field tells what is in it when it loses the
 * focus, by the same click that leads away, and Streamlit sends the change of page before it: then it draws
 * the old page again, or none (a fragment's run of the old page clears the new one away). So the click is
 * held back until that is on its way and everything a component of ours has to tell has been answered.
 */
import type { FrontendRenderer } from "@streamlit/component-v2-lib";
import { nameProjectInPlace } from "./address";
import { sayLeaving } from "./protocol";

/** Whatever leads from page to page: Streamlit's navigation, its page links, the logo. */
const WAYS = ["stTopNavLink", "stTopNavDropdownLink", "stSidebarNavLink", "stPageLink-NavLink", "stLogoLink"].map((id) => `[data-testid="${id}"]`).join(", ");
/** By then what a field told is sent: Streamlit collects it for a moment. */
const TOLD_MS = 60;
const LOOK_MS = 20;
/** A person waits no longer than this; what is not answered by then stays in the browser. */
const MOST_MS = 2000;
/** A wait that is seen. */
const SEEN_MS = 150;

const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));
/** Whether the server has not begun yet with what it was sent last. */
const isAsked = (): boolean => document.querySelector<HTMLElement>('[data-testid="stApp"]')?.dataset["testScriptState"] === "rerunRequested";

function focused(): Element | null {
  let one = document.activeElement;
  while (one?.shadowRoot?.activeElement) one = one.shadowRoot.activeElement;
  return one;
}

const isField = (one: Element | null): boolean =>
  one instanceof HTMLElement && (one.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(one.tagName));

async function told(): Promise<void> {
  await sleep(TOLD_MS);
  while (isAsked()) await sleep(LOOK_MS);
  await sleep(LOOK_MS);
}

/** Whether a field has the focus as this click begins. */
let writes = false;
let letThrough = false;
/** Counts the clicks: of two ways the last one is taken. */
let last = 0;

function clicked(event: MouseEvent): void {
  const way = event.composedPath().find((one): one is HTMLElement => one instanceof HTMLElement && one.matches(WAYS));
  if (letThrough || !way) return;
  const number = ++last;
  const works = sayLeaving();
  if (writes || isAsked()) works.push(told());
  writes = false;
  if (!works.length) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  void wait(works).then(() => {
    if (number === last) go(way);
  });
}

async function wait(works: Promise<unknown>[]): Promise<void> {
  const { style } = document.documentElement;
  const seen = setTimeout(() => void (style.cursor = "progress"), SEEN_MS);
  await Promise.race([Promise.allSettled(works), sleep(MOST_MS)]);
  clearTimeout(seen);
  style.cursor = "";
}

function go(way: HTMLElement): void {
  const address = way.getAttribute("href");
  const drawnAnew = [...document.querySelectorAll<HTMLElement>(WAYS)].find((one) => one.getAttribute("href") === address);
  letThrough = true;
  (way.isConnected ? way : drawnAnew)?.click();
  letThrough = false;
}

let stands = false;

const render: FrontendRenderer = () => {
  if (stands) return;
  stands = true;
  nameProjectInPlace();
  window.addEventListener("pointerdown", () => void (writes = isField(focused())), true);
  window.addEventListener("click", clicked, true);
};

export default render;
