/** What differs between two texts, as changes of the first: whole lines, and the words within one. */
export interface Change { from: number; to: number; insert: string }

const MOST_CELLS = 4_000_000;

/** The changes that make `after` of `before`, in order; empty where they are the same. */
export function changesBetween(before: string, after: string): Change[] {
  if (before === after) return [];
  const a = before.split(/(?<=\n)/), b = after.split(/(?<=\n)/);
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  const one = a.slice(start, a.length - end), other = b.slice(start, b.length - end);
  const offset = length(a.slice(0, start));
  return blocks(one, other).flatMap(([i, to, j, there]) => {
    const was = one.slice(i, to).join(""), now = other.slice(j, there).join("");
    return [trimmed(offset + length(one.slice(0, i)), was, now)];
  });
}

const length = (lines: string[]): number => lines.reduce((sum, line) => sum + line.length, 0);

/** Only the part of a change that is one: what is the same before and behind it stays. */
function trimmed(at: number, was: string, now: string): Change {
  let start = 0;
  while (start < was.length && start < now.length && was[start] === now[start]) start++;
  let end = 0;
  while (end < was.length - start && end < now.length - start && was[was.length - 1 - end] === now[now.length - 1 - end]) end++;
  return { from: at + start, to: at + was.length - end, insert: now.slice(start, now.length - end) };
}

/** Stretches of lines that differ, as [from, to) in each, by the longest common subsequence. */
function blocks(a: string[], b: string[]): [number, number, number, number][] {
  if (a.length * b.length > MOST_CELLS || !a.length || !b.length) return [[0, a.length, 0, b.length]];
  const width = b.length + 1;
  const best = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      best[i * width + j] = a[i] === b[j] ? 1 + (best[(i + 1) * width + j + 1] ?? 0) : Math.max(best[(i + 1) * width + j] ?? 0, best[i * width + j + 1] ?? 0);
  const found: [number, number, number, number][] = [];
  let i = 0, j = 0, from = 0, there = 0;
  const close = (): void => {
    if (i > from || j > there) found.push([from, i, there, j]);
  };
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) {
      close();
      [i, j] = [i + 1, j + 1];
      [from, there] = [i, j];
    } else if ((best[(i + 1) * width + j] ?? 0) >= (best[i * width + j + 1] ?? 0)) i++;
    else j++;
  }
  [i, j] = [a.length, b.length];
  close();
  return found;
}
