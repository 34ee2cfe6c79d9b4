/** Where the focus is among what is ours, and where it was when the canvas was taken from the page. */

/** Whether the canvas was the last thing clicked or focused; it may be drawn anew meanwhile. */
let ours = false;
/** On which page that was: on another one no key is meant for it. */
let page = "";
/** What of it had the focus as last. */
let last: HTMLElement | null = null;
/** What of its text was selected when it lost it. */
let marked: { in: HTMLInputElement | HTMLTextAreaElement; from: number; to: number } | null = null;

/** Follows the focus from and to the canvas whose outermost element that is; returns the way to stop. */
export function followFocus(box: () => HTMLElement | null): () => void {
  const look = (event: Event): void => {
    const own = box();
    ours = own !== null && event.composedPath().includes(own);
    if (ours) page = location.pathname;
    else if (event.type === "focusin") last = null;
  };
  window.addEventListener("pointerdown", look, true);
  window.addEventListener("focusin", look, true);
  return () => {
    window.removeEventListener("pointerdown", look, true);
    window.removeEventListener("focusin", look, true);
  };
}

/** Whether the page has a focus that was ours: what held it is gone, and a key would mean nothing. */
export const focusIsLost = (): boolean => ours && page === location.pathname && document.activeElement === document.body;

/** The layer or frame that had the focus. */
export const focusedNode = (): string | null => last?.closest<HTMLElement>(".react-flow__node")?.dataset["id"] ?? null;

/** Notes what of ours has the focus, before it is moved and loses it. */
export function noteFocus(): void {
  let one = document.activeElement;
  while (one?.shadowRoot?.activeElement) one = one.shadowRoot.activeElement;
  if (ours && one instanceof HTMLElement && one !== document.body) last = one;
}

/** Gives the focus back to what had it, where that still stands. */
export function giveFocusBack(): void {
  if (!focusIsLost() || !last?.isConnected) return;
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
  let again = false;
  // Here, for what moves within one shadow root is not seen outside of it.
  body.addEventListener("focusin", (event) => {
    last = event.target as HTMLElement;
  }, true);
  body.addEventListener("focusout", (event) => {
    if (again || event.relatedTarget) return;
    event.stopPropagation();
    const element = event.target as HTMLElement;
    marked = markIn(element);
    queueMicrotask(() => {
      if (!body.isConnected) return gone();
      if ((element.getRootNode() as ShadowRoot).activeElement === element) return;
      again = true;
      element.dispatchEvent(new FocusEvent("focusout", { bubbles: true, composed: true }));
      again = false;
    });
  }, true);
}

function markIn(element: HTMLElement): typeof marked {
  if (!(element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement)) return null;
  const { selectionStart: from, selectionEnd: to } = element; // null where it is a number
  return from === null || to === null ? null : { in: element, from, to };
}
