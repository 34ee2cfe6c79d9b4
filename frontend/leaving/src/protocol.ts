/** What is said on a page before another one takes its place; every component hears it by the window. */
export const LEAVING = "layerwise:leaving";
const GONE = "layerwise:gone";
/** Who has not left by then stays, and sends again. */
export const LEFT_MS = 2500;

/** `until`: the way waits for this. */
export interface Leaving { until: (work: Promise<unknown>) => void }

/** `leaving`: what was written is to be told now. `gone`: what a component sends from here on comes too late. */
export function onLeaving(leaving: (said: Leaving) => void, gone: () => void): void {
  window.addEventListener(LEAVING, (event) => leaving((event as CustomEvent<Leaving>).detail));
  window.addEventListener(GONE, gone);
}

/** Tells everybody that the page shall be left; what is to be waited for. */
export function sayLeaving(): Promise<unknown>[] {
  const works: Promise<unknown>[] = [];
  const detail: Leaving = { until: (work) => works.push(work) };
  window.dispatchEvent(new CustomEvent(LEAVING, { detail }));
  return works;
}

export const sayGone = (): void => void window.dispatchEvent(new CustomEvent(GONE));
