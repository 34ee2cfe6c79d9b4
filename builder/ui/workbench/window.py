"""Which rows of a long network are drawn: its ends, and what is around the place looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

_SHOWN_WHOLE: Final = 120  # rows up to which nothing is folded
_AT_THE_ENDS: Final = 12
_AROUND: Final = 40  # on each side of the place looked at


def fold(rows: Sequence[dict[str, Any]], at: int | None) -> list[dict[str, Any]]:
    """The rows with far parts folded into {"fold": how many, "at": where to look to see them}.

    `at`: the index of the row looked at, None for the start. A fold of one row is not worth one.
    """
    count = len(rows)
    if count <= _SHOWN_WHOLE:
        return list(rows)
    centre = 0 if at is None else max(0, min(count - 1, at))
    shown = {
        i
        for i in range(count)
        if i < _AT_THE_ENDS or i >= count - _AT_THE_ENDS or abs(i - centre) <= _AROUND
    }
    folded: list[dict[str, Any]] = []
    start: int | None = None
    for i in [*range(count), count]:
        if i < count and i not in shown:
            start = i if start is None else start
            continue
        if start is not None:
            hidden = i - start
            # From above one comes upon a fold's first rows, from below upon its last.
            look_at = start + _AROUND if start > centre else max(start, i - _AROUND)
            folded.append({"fold": hidden, "at": min(look_at, i - 1)})
            start = None
        if i < count:
            folded.append(rows[i])
    return folded
