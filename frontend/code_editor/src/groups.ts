/**
 * The layers that stand in a line, each by its lines: the one with the fewest, and those that the line
 * is shared with, as in `x = F.relu(self.fc1(x))`. What only reaches around the line is left out.
 */
export function layersAt(groups: readonly number[][], line: number): number[] {
  const here = groups.flatMap((lines, at) => (lines.includes(line) ? [at] : []));
  const least = Math.min(...here.map((at) => groups[at]?.length ?? 0));
  const smallest = here.find((at) => groups[at]?.length === least);
  return here.filter((at) => at === smallest || !reachesAround(groups[at] ?? [], line));
}

const reachesAround = (lines: readonly number[], line: number): boolean => lines.includes(line - 1) || lines.includes(line + 1);
