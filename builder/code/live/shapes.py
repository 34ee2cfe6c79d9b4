"""The shapes that stand in a text as comments, after the text was edited."""

from __future__ import annotations

import re
from typing import Final

from builder.code.live.kept import Budget, TooDifferent, kept

_COMMENT: Final = re.compile(r"  # .*$")
_MAPS: Final = re.compile(r'^(\s*"""Maps ).*$')


def with_shapes(text: str, before: str, after: str) -> str:
    """A person's text with the shapes of now.

    Args: before, after: the network as it is written, before the edit and after it. A line that stands
          in the text as it was written, and is now written with another comment, gets that one; what a
          person has changed stays.
    """
    lines, was, now = (one.split("\n") for one in (text, before, after))
    budget = Budget()
    try:
        there = dict(kept(was, lines, budget))
        same = kept([*map(_code, was)], [*map(_code, now)], budget)
    except TooDifferent:
        return text
    for i, j in same:
        if was[i] != now[j] and i in there:
            lines[there[i]] = now[j]
    return "\n".join(lines)


def without_shapes(text: str) -> str:
    """A written text without what it says of shapes."""
    return "\n".join(map(_code, text.split("\n")))


def _code(line: str) -> str:
    """A line without what it says of shapes."""
    return _MAPS.sub(r"\1", _COMMENT.sub("", line))
