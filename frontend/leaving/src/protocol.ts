/** What is said on a page before another one takes its place; every component hears it by the window. */
export const LEAVING = "layerwise:leaving";

/** Who has not left by then stays, and sends again. */
export const LEFT_MS = 2500;

/** `until`: the way waits for this; what a component sends after it would come too late. */
export interface Leaving { until: (work: Promise<unknown>) => void }

export function onLeaving(listener: (leaving: Leaving) => void): void {
  window.addEventListener(LEAVING, (event) => listener((event as CustomEvent<Leaving>).detail));
}

/** Tells everybody; what is to be waited for. */
export function sayLeaving(): Promise<unknown>[] {
  const works: Promise<unknown>[] = [];
  const detail: Leaving = { until: (work) => works.push(work) };
  window.dispatchEvent(new CustomEvent(LEAVING, { detail }));
  return works;
}
