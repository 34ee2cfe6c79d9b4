"""How a result of several parts is taken apart: what stands left of the `=`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from builder.graph.model import Value

Path: TypeAlias = tuple[int, ...]
Pattern: TypeAlias = "Path | list[Pattern] | None"
"""What stands left of the `=`: a leaf's path, None for what nothing reads, or a list to unpack."""

_WIDEST_UNPACKING = 8


def leaf_of(pattern: Pattern, path: Path) -> Path | None:
    """The leaf of a pattern that holds a path."""
    for index in path:
        if not isinstance(pattern, list):
            break
        pattern = pattern[index] if index < len(pattern) else None
    return pattern if isinstance(pattern, tuple) else None


def parts_in(pattern: Pattern) -> int:
    """Into how many parts a pattern unpacks, 0 where it does not."""
    return len(pattern) if isinstance(pattern, list) else 0


def leaves(pattern: Pattern) -> Iterator[Path]:
    """The leaves of a pattern, left to right."""
    if isinstance(pattern, tuple):
        yield pattern
    elif pattern is not None:
        for part in pattern:
            yield from leaves(part)


def pattern_of(value: Value | None, paths: set[Path], at: Path) -> Pattern:
    """What to unpack of a result, so that each path read has a name or is part of one."""
    if not any(path[: len(at)] == at for path in paths):
        return () if not at else None
    if at in paths or not isinstance(value, tuple):
        return at
    parts = [pattern_of(part, paths, (*at, i)) for i, part in enumerate(value)]
    inside = [path for path in paths if path[: len(at)] == at]
    beyond = any(path[len(at)] >= len(value) for path in inside)
    if beyond or len(parts) > _WIDEST_UNPACKING or len(parts) == 1:
        return at
    return parts
