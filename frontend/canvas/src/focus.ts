/**
 * Where the focus is among what is ours, and what it is given back to: a canvas may be taken from the page
 * and drawn anew (`standing.ts`), and what held the focus may be gone (a layer deleted, undone).
 */

/** The class of the element that all of one canvas stands in. */
export const BODY = "canvas-body";
/** The canvas that was the last thing clicked or focused; null where that was something else. */
let ours: HTMLElement | null = null;
/** At which address that was: on another page, or in another project, no key is meant for it. */
let page = "";
/** What of it had the focus as last. */
let last: HTMLElement | null = null;
/** What of its text was selected when it lost it. */
let marked: { in: HTMLInputElement | HTMLTextAreaElement; from: number; to: number } | null = null;

/** The page and the project that are shown. */
export const address = (): string => location.pathname + location.search;

/** Whether the address names another project: its canvas is on the way, and this one takes no keys any more. */
export function isElsewhere(project: string): boolean {
  const named = new URLSearchParams(location.search).get("project");
  return named !== null && named !== project;
}

const isBody = (one: EventTarget): one is HTMLElement => one instanceof HTMLElement && one.classList.contains(BODY);
const bodyOf = (element: Element | null): HTMLElement | null => element?.closest<HTMLElement>(`.${BODY}`) ?? null;

/** What is clicked or focused on the whole page; it lives as long as the page. */
function look(event: Event): void {
  ours = event.composedPath().find(isBody) ?? null;
  if (ours) page = address();
  else if (event.type === "focusin") last = null;
}

let followed = false;
function follow(): void {
  if (followed) return;
  followed = true;
  window.addEventListener("pointerdown", look, true);
  window.addEventListener("focusin", look, true);
}

/** Whether the page has a focus that was this canvas's: what held it is gone, and a key would mean nothing. */
export const focusIsLost = (within: Element | null): boolean =>
  ours !== null && ours === bodyOf(within) && page === address() && document.activeElement === document.body;

/** The layer or frame that had the focus. */
export const focusedNode = (): string | null => last?.closest<HTMLElement>(".react-flow__node")?.dataset["id"] ?? null;

/** Notes what of a canvas has the focus, before it is moved and loses it. */
export function noteFocus(body: HTMLElement): void {
  let one = document.activeElement;
  while (one?.shadowRoot?.activeElement) one = one.shadowRoot.activeElement;
  if (one instanceof HTMLElement && body.contains(one)) last = one;
}

/** Gives the focus back to what had it in a canvas, where that still stands. */
export function giveFocusBack(body: HTMLElement): void {
  if (!focusIsLost(body) || !last?.isConnected || !body.contains(last)) return;
  last.focus({ preventScroll: true });
  if (marked?.in === last) marked.in.setSelectionRange(marked.from, marked.to);
}

/** Gives an element the focus; later, where the canvas has no place on the page at the moment. */
export function focusOn(element: HTMLElement | null | undefined): void {
  if (!element) return;
  if (element.isConnected) element.focus({ preventScroll: true });
  else last = element;
}

/**
 * Taken from the page an element loses the focus, and the browser says so as if a person had gone on:
 * what is being written would be closed. Said is it only where the canvas stays; where it is gone,
 * that is told at once, before the next key.
 */
export function keepFromMoves(body: HTMLElement, gone: () => void): void {
  follow();
  // Here, for what moves within one shadow root is not seen outside of it.
  body.addEventListener("focusin", (event) => {
    last = event.target as HTMLElement;
  }, true);
  body.addEventListener("focusout", (event) => {
    if (!event.isTrusted || event.relatedTarget) return;
    event.stopPropagation();
    const element = event.target as HTMLElement;
    marked = markIn(element);
    queueMicrotask(() => {
      if (!body.isConnected) return gone();
      if ((element.getRootNode() as ShadowRoot).activeElement !== element) leftOff(element);
    });
  }, true);
}

/** What was being written in a canvas that goes for good is taken as it is. */
export function endWriting(body: HTMLElement): void {
  if (last && body.contains(last)) leftOff(last);
}

const leftOff = (element: HTMLElement): void => void element.dispatchEvent(new FocusEvent("focusout", { bubbles: true, composed: true }));

function markIn(element: HTMLElement): typeof marked {
  if (!(element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement)) return null;
  const { selectionStart: from, selectionEnd: to } = element; // null where it is a number
  return from === null || to === null ? null : { in: element, from, to };
}
