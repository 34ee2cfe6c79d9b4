/** The numbers that are edited on a layer: how they are called, what can stand there. */
import type { Quick } from "./types";

/** A parameter's name in one word: whole words are read, cut ones are not. */
export const shortName = (name: string): string =>
  name.replace(/^(num|dim)_(?=.)/, "").replace(/_(channels|features|size|dim|factor|slope)$/, "").replace(/^negative$/, "slope");

/** Why a text is none of the numbers that can stand there. */
export function reasonAgainst(text: string, field: Quick): string {
  const value = Number(text.trim());
  const kind = field.kind === "int" ? "a whole number" : "a number";
  if (!text.trim()) return `${field.name} is ${kind}. Esc brings ${field.value} back.`;
  if (!Number.isFinite(value) || (field.kind === "int" && !Number.isInteger(value))) return `“${text.trim().slice(0, 20)}” is not ${kind}. Esc brings ${field.value} back.`;
  return value < (field.min ?? -Infinity) ? `${field.name} is at least ${field.min ?? ""}.` : `${field.name} is at most ${field.max ?? ""}.`;
}

export function bounded(value: number, field: Quick): number {
  return Math.min(field.max ?? Infinity, Math.max(field.min ?? -Infinity, value));
}

/** The number typed, null where it is none or out of bounds. */
export function read(text: string, field: Quick): number | null {
  const value = Number(text.trim());
  if (!text.trim() || !Number.isFinite(value) || (field.kind === "int" && !Number.isInteger(value))) return null;
  return bounded(value, field) === value ? value : null;
}

/** Whether a text is a shape: N for the batch and whole numbers, as Python reads it too. */
export const readsAsShape = (text: string): boolean => {
  const parts = text.split(/[×x*,;\s()[\]]+/).filter(Boolean);
  return parts.length > 0 && parts.every((part) => /^(\d*N|[1-9]\d{0,9})$/i.test(part));
};
