/**
 * A name for each living tab. "Duplicate tab" copies sessionStorage, the name with it: who bears a name
 * holds it as long as it lives, and who finds it held takes another.
 */
const PREFIX = "layerwise.canvas ";
/** A page that is being reloaded lets go of its name a moment after the new one asks. */
const PATIENCE_MS = 2000;
/** A busy machine answers late, and two tabs under one name lose edits; who waits is only a page reloaded. */
const ANSWER_MS = 1000;

export type Claim = (name: string) => Promise<boolean>;

/** Holds a name for life; false where another tab holds it. */
export const claim: Claim = (name) => {
  if (globalThis.navigator?.locks) return byLock(name);
  if (typeof BroadcastChannel === "function") return byAsking(name);
  return Promise.resolve(true);
};

/** Only where the page came by https or from this machine are there locks. */
function byLock(name: string): Promise<boolean> {
  return new Promise((resolve) => {
    const held = (): Promise<never> => {
      resolve(true);
      return new Promise(() => {});
    };
    const waiting = (): void => {
      const patience = { signal: AbortSignal.timeout(PATIENCE_MS) };
      navigator.locks.request(PREFIX + name, patience, held).catch(() => resolve(false));
    };
    // What is free is had however busy the machine is; only what is held is waited for.
    navigator.locks.request(PREFIX + name, { ifAvailable: true }, (lock) => (lock ? held() : waiting())).catch(() => resolve(false));
  });
}

interface Word { ask?: string; taken?: string; from: string }
/** What this page bears or asks for, with its lot: of two that ask at once the lower one has it. */
const borne = new Map<string, string>();
let channel: BroadcastChannel | null = null;
const refused = new Map<string, () => void>();

/** Asks all other tabs; one that bears the name says so. */
export function byAsking(name: string): Promise<boolean> {
  channel ??= listening();
  const lot = `1${Math.random().toString(36).slice(2)}`;
  borne.set(name, lot);
  channel.postMessage({ ask: name, from: lot } satisfies Word);
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      refused.delete(name);
      borne.set(name, "0");
      resolve(true);
    }, ANSWER_MS);
    refused.set(name, () => {
      clearTimeout(timer);
      refused.delete(name);
      borne.delete(name);
      resolve(false);
    });
  });
}

function listening(): BroadcastChannel {
  const opened = new BroadcastChannel(PREFIX.trim());
  opened.onmessage = ({ data }: MessageEvent<Word>) => {
    if (data.taken !== undefined && borne.get(data.taken) === data.from) refused.get(data.taken)?.();
    const own = data.ask === undefined ? undefined : borne.get(data.ask);
    if (data.ask !== undefined && own !== undefined && own < data.from) opened.postMessage({ taken: data.ask, from: data.from } satisfies Word);
  };
  return opened;
}
