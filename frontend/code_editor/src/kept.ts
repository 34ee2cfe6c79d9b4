/** What stands in an editor and is not read, kept for a reload of this tab. Anything at all may stand there. */

/** `base`: the text of which it was made, `rev` its name. */
export interface Kept { base: string; rev: string; text: string }

const key = (doc: string): string => `layerwise.code.${doc}`;

export function keep(doc: string, { base, rev, text }: Kept): void {
  try {
    sessionStorage.setItem(key(doc), JSON.stringify({ base, rev, text }));
  } catch {
    // A browser that keeps nothing loses only what a reload interrupts.
  }
}

export function forget(doc: string): void {
  try {
    sessionStorage.removeItem(key(doc));
  } catch {
    // Nothing was kept.
  }
}

/** What was kept, where it is that; null where it is something else. */
export function readKept(doc: string): Kept | null {
  try {
    const { base, rev, text } = JSON.parse(sessionStorage.getItem(key(doc)) ?? "{}") as Record<string, unknown>;
    return typeof base === "string" && typeof rev === "string" && rev && typeof text === "string" ? { base, rev, text } : null;
  } catch {
    return null;
  }
}
