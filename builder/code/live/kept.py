"""Which parts of one sequence are in another, in order: the fewest others are left.

After Eugene W. Myers, "An O(ND) Difference Algorithm and Its Variations", Algorithmica 1 (1986). The
standard library's difflib takes the third power of the length on lines that repeat; what is compared here
was sent by anybody, so its work is counted and ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_STEPS: Final = 2_000_000  # about a second


class TooDifferent(Exception):
    """Two sequences that differ too much to be compared in the time there is."""


class Budget:
    """The work that is left for some comparisons together."""

    def __init__(self, steps: int = _STEPS) -> None:
        self.left = steps

    def spend(self, steps: int) -> None:
        """Errors: TooDifferent."""
        self.left -= steps
        if self.left < 0:
            raise TooDifferent


def kept(one: Sequence[str], other: Sequence[str], budget: Budget) -> list[tuple[int, int]]:
    """Pairs of places, rising in both, at which the two sequences are the same.

    Errors: TooDifferent.
    """
    start, end = 0, 0
    least = min(len(one), len(other))
    while start < least and one[start] == other[start]:
        start += 1
    while end < least - start and one[-1 - end] == other[-1 - end]:
        end += 1
    budget.spend(start + end)
    inner = _inner(one[start : len(one) - end], other[start : len(other) - end], budget)
    return [
        *((i, i) for i in range(start)),
        *((start + i, start + j) for i, j in inner),
        *((len(one) - i, len(other) - i) for i in range(end, 0, -1)),
    ]


def _inner(one: Sequence[str], other: Sequence[str], budget: Budget) -> list[tuple[int, int]]:
    """The same for sequences that begin and end differently.

    `reach[k]`: how far into `one` the best way with d insertions and deletions comes on the diagonal k
    (place in `one` minus place in `other`); `rows[d]` is that for k = -d, -d + 2, … d.
    """
    n, m = len(one), len(other)
    if not n or not m:
        return []
    reach, rows = [0] * (2 * (n + m) + 3), list[list[int]]()
    for d in range(n + m + 1):
        row = []
        for k in range(-d, d + 1, 2):
            down = k == -d or (k != d and reach[k - 1] < reach[k + 1])
            x = begun = reach[k + 1] if down else reach[k - 1] + 1
            while x < n and x - k < m and one[x] == other[x - k]:
                x += 1
            budget.spend(1 + x - begun)
            reach[k] = x
            row.append(x)
            if x >= n and x - k >= m:
                return _way_back(rows, n, m)
        rows.append(row)
    raise AssertionError("n + m insertions and deletions are always enough")


def _way_back(rows: list[list[int]], x: int, y: int) -> list[tuple[int, int]]:
    """The pairs on the way whose ends the rows know, from (x, y) to the beginning."""
    pairs: list[tuple[int, int]] = []
    for d in range(len(rows), 0, -1):
        row, k = rows[d - 1], x - y
        last = (k + d) // 2  # of k + 1 in the row; k - 1 stands before it
        down = k == -d or (k != d and row[last - 1] < row[last])
        from_x = row[last] if down else row[last - 1]
        from_y = from_x - (k + 1 if down else k - 1)
        while x > from_x and y > from_y:
            x, y = x - 1, y - 1
            pairs.append((x, y))
        x, y = from_x, from_y
    pairs += [(i, i) for i in range(x - 1, -1, -1)]
    return pairs[::-1]
