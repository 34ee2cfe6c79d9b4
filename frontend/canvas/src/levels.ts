/** How far away one looks: in steps, so that a zoom changes the style of the page a few times only. */

/** The text of a wire at the zoom 1, and what it keeps on the screen, in pixels. */
export const TEXT = 11.5;
const LEAST = 10;
/** From this zoom on a step begins; beyond the last wires bear no text. */
const STEPS = [0.87, 0.72, 0.6, 0.5, 0.42, 0.34, 0.29];
/** How much larger than at the zoom 1 text is drawn on each step: it stays readable. */
export const GROWN = STEPS.map((zoom) => Math.max(1, Math.round((LEAST / TEXT / zoom) * 100) / 100));
/** Shadows and other fine things are left out from here on. */
export const FAR = 4;
/** How many steps there are before the last. */
export const LEVELS = STEPS.length;

/** The step a zoom is on, 0 nearest; LEVELS beyond the last. */
export function levelOf(zoom: number): number {
  const level = STEPS.findIndex((least) => zoom >= least - 1e-6);
  return level < 0 ? LEVELS : level;
}

/** Which form of a wire's text is seen on which step: one style sheet for all of them. */
export function levelStyles(): string {
  const rules = GROWN.map((grown, level) => `[data-step="${level}"]{--grown:${grown}}`);
  rules.push(`[data-step="${LEVELS}"]{--grown:${((GROWN.at(-1) ?? 1) * 1.2).toFixed(2)}}`);
  for (let level = 0; level <= LEVELS; level++) {
    const past = (form: string): string[] => Array.from({ length: level + 1 }, (_, last) => `.${form}${last - 1}`);
    rules.push(`[data-step="${level}"] :is(${past("full").join()}) :is(.batch,.whole){display:none}`, `[data-step="${level}"] :is(${past("full").join()}) .rest{display:inline}`);
    rules.push(`[data-step="${level}"] :is(${past("short").join()}) .wire-label{display:none}`);
    rules.push(`[data-step="${level}"] :is(${past("two").join()}) .wire-two{display:none}`);
    const before = Array.from({ length: LEVELS - level + 1 }, (_, more) => `.short${level + more}`);
    rules.push(`[data-step="${level}"] :is(${before.join()}) .wire-two{display:none}`);
  }
  return rules.join("\n");
}
