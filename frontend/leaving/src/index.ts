/**
 * A way to another page waits for what was just written. A field tells what is in it when it loses the
 * focus, by the same click that leads away, and Streamlit sends the change of page before it: then it draws
 * the old page again, or none (a fragment's run of the old page clears the new one away). So the click is
 * held back until that is on its way and everything a component of ours has to tell has been answered.
 */
import type { FrontendRenderer } from "@streamlit/component-v2-lib";
import { nameProjectInPlace } from "./address";
import { sayGone, sayLeaving } from "./protocol";

/** Whatever leads from page to page: Streamlit's navigation, its page links, the logo. */
const WAYS = ["stTopNavLink", "stTopNavDropdownLink", "stSidebarNavLink", "stPageLink-NavLink", "stLogoLink"].map((id) => `[data-testid="${id}"]`).join(", ");
/** By then what a field told is sent: Streamlit collects it for a moment. */
const TOLD_MS = 60;
const LOOK_MS = 20;
/** What a field told when it lost the focus so long ago may not be sent yet. */
const JUST_MS = 150;
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
  for (let waited = 0; isAsked() && waited < MOST_MS; waited += LOOK_MS) await sleep(LOOK_MS);
  await sleep(LOOK_MS);
}

/** Whether a field has the focus as this click begins, and when one lost it as last: Tab goes to a link too. */
let writes = false;
let left = -Infinity;
let letThrough = false;
/** The way that is held back; of two the last one is taken. */
let held: HTMLElement | null = null;

const isHere = (way: HTMLElement): boolean =>
  way instanceof HTMLAnchorElement && way.origin === location.origin && way.pathname === location.pathname;

function clicked(event: MouseEvent): void {
  const way = event.composedPath().find((one): one is HTMLElement => one instanceof HTMLElement && one.matches(WAYS));
  if (letThrough || !way || event.button) return;
  const stop = (): void => {
    event.preventDefault();
    event.stopImmediatePropagation();
    held = way;
  };
  if (held) return stop();
  if (isHere(way)) return;
  const works = sayLeaving();
  if (writes || isAsked() || performance.now() - left < JUST_MS) works.push(told());
  writes = false;
  if (!works.length) return sayGone();
  stop();
  void wait(works).then(go);
}

async function wait(works: Promise<unknown>[]): Promise<void> {
  const { style } = document.documentElement;
  const seen = setTimeout(() => void (style.cursor = "progress"), SEEN_MS);
  await Promise.race([Promise.allSettled(works), sleep(MOST_MS)]);
  clearTimeout(seen);
  style.cursor = "";
}

function go(): void {
  const way = held;
  held = null;
  if (!way) return;
  const address = way.getAttribute("href");
  const drawnAnew = [...document.querySelectorAll<HTMLElement>(WAYS)].find((one) => one.getAttribute("href") === address);
  if (!isHere(way)) sayGone();
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
  window.addEventListener("focusout", (event) => {
    const [one] = event.composedPath();
    if (one instanceof Element && isField(one)) left = performance.now();
  }, true);
  window.addEventListener("click", clicked, true);
};

export default render;
