"""What differs between two texts of code, line by line."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Final

AROUND: Final = 2  # equal lines shown around those that differ
LEFT_OUT: Final = "⋯"
MOST_LINES: Final = 3_000  # of both texts; comparing takes the square of it at worst


@dataclass(frozen=True, slots=True)
class Difference:
    """`text`: lines only in the first begin with "-", only in the second with "+", others with a space.

    `only_first`, `only_second`: how many of each, empty lines aside.
    """

    text: str
    only_first: int
    only_second: int


def lines_that_differ(first: str, second: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The lines, from 1, that only one of two texts has; none of texts too long to be compared."""
    one, other = first.splitlines(), second.splitlines()
    if len(one) + len(other) > MOST_LINES:
        return (), ()
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    changed = [found for found in matcher.get_opcodes() if found[0] != "equal"]
    mine = [i for _, i1, i2, _, _ in changed for i in range(i1, i2) if one[i].strip()]
    theirs = [j for _, _, _, j1, j2 in changed for j in range(j1, j2) if other[j].strip()]
    return tuple(i + 1 for i in mine), tuple(j + 1 for j in theirs)


def difference(first: str, second: str) -> Difference | None:
    """What differs, with a few lines around it and ⋯ for what is left out.

    None where the texts are too long to be compared while a person waits.
    """
    one, other = first.splitlines(), second.splitlines()
    if len(one) + len(other) > MOST_LINES:
        return None
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    lines: list[str] = []
    counts = {"-": 0, "+": 0}
    end = 0
    for group in matcher.get_grouped_opcodes(AROUND):
        if group[0][1] > end or (lines and group[0][1] >= end):
            lines.append(LEFT_OUT)
        for kind, i1, i2, j1, j2 in group:
            if kind == "equal":
                lines += [f"  {line}".rstrip() for line in one[i1:i2]]
                continue
            for mark, changed in (("-", one[i1:i2]), ("+", other[j1:j2])):
                lines += [f"{mark} {line}".rstrip() for line in changed]
                counts[mark] += sum(bool(line.strip()) for line in changed)
        end = group[-1][2]
    if lines and end < len(one):
        lines.append(LEFT_OUT)
    return Difference("\n".join(lines), counts["-"], counts["+"])
