"""Two changes of one text brought together: line by line, and within a line word by word."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from builder.code.live.kept import Budget, TooDifferent, kept

_WORD: Final = re.compile(r"\w+|[ \t]+|\n|[^\w\s]")


def merge(base: str, one: str, other: str) -> str | None:
    """The text with both changes; None where they change the same words otherwise, or far too much."""
    try:
        found = _merge(_lines(base), _lines(one), _lines(other), Budget(), words=True)
    except TooDifferent:
        return None
    return None if found is None else "".join(found)


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def _merge(
    base: Sequence[str], one: Sequence[str], other: Sequence[str], budget: Budget, *, words: bool
) -> list[str] | None:
    """By the parts that are the same in all three; between two of these, who changed it decides."""
    result: list[str] = []
    at = at_one = at_other = 0
    for b, o, t, size in [*_common(base, one, other, budget), (len(base), len(one), len(other), 0)]:
        was, mine, theirs = base[at:b], one[at_one:o], other[at_other:t]
        if mine in (was, theirs):
            result += theirs
        elif theirs == was:
            result += mine
        elif not words or (inner := _within(was, mine, theirs, budget)) is None:
            return None
        else:
            result += inner
        result += base[b : b + size]
        at, at_one, at_other = b + size, o + size, t + size
    return result


def _within(
    was: Sequence[str], mine: Sequence[str], theirs: Sequence[str], budget: Budget
) -> list[str] | None:
    base, one, other = (_WORD.findall("".join(lines)) for lines in (was, mine, theirs))
    return _merge(base, one, other, budget, words=False)


def _common(
    base: Sequence[str], one: Sequence[str], other: Sequence[str], budget: Budget
) -> list[tuple[int, int, int, int]]:
    """Stretches of `base` that are in both others: where they begin in each, and how long they are."""
    places = [dict(kept(base, text, budget)) for text in (one, other)]
    runs: list[tuple[int, int, int, int]] = []
    for i in range(len(base)):
        if i not in places[0] or i not in places[1]:
            continue
        o, t = places[0][i], places[1][i]
        if runs and runs[-1][:3] == tuple(at - runs[-1][3] for at in (i, o, t)):
            runs[-1] = (*runs[-1][:3], runs[-1][3] + 1)
        else:
            runs.append((i, o, t, 1))
    return runs
