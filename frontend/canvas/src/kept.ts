/** What a tab did and nobody has on disk yet, kept for a reload. Anything at all may stand there. */
import type { Sent } from "./types";

export interface Kept { client: string; seq: number; ops: Sent[] }

const MOST = 200;
const key = (project: string): string => `layerwise.canvas.${project}`;

export function keep(project: string, kept: Kept): void {
  try {
    sessionStorage.setItem(key(project), JSON.stringify({ ...kept, ops: kept.ops.slice(-MOST) }));
  } catch {
    // A browser that keeps nothing loses only what a reload interrupts.
  }
}

/** What was kept, where it is that; null where it is something else. */
export function readKept(project: string): Kept | null {
  try {
    const found: unknown = JSON.parse(sessionStorage.getItem(key(project)) ?? "null");
    if (!isRecord(found)) return null;
    const { client, seq, ops } = found;
    if (typeof client !== "string" || !/^[a-z0-9]{8,40}$/.test(client) || !isNumber(seq)) return null;
    if (!Array.isArray(ops) || !ops.every(isSent)) return null;
    return { client, seq: Math.max(seq, ...ops.map((op) => op.seq)), ops };
  } catch {
    return null;
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);
const isNumber = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isSent = (value: unknown): value is Sent =>
  isRecord(value) && typeof value["op"] === "string" && typeof value["in"] === "string" && isNumber(value["seq"]) && isNumber(value["at_ms"]);
