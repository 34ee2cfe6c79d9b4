"""Stretches of the graph shown that repeat, offered to be folded into one block.

Looking for them costs 10 ms at 100 layers, too much for every edit: right after one, those found before
are offered as far as they still stand, and the next run looks again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from builder.graph.edits import FoldRepeats
from builder.graph.model import Graph
from builder.graph.repeats import Repeat, find_repeats
from builder.ui import state
from builder.ui.canvas.place import canvas_id

_KEPT: Final = "canvas.folds"
_MOST: Final = 20


@dataclass(frozen=True)
class _Found:
    """`seen`: the graph drawn last; `searched`: the one looked through."""

    canvas: str
    seen: Graph
    searched: Graph
    repeats: tuple[Repeat, ...]


def folds() -> list[dict[str, Any]]:
    """What could be folded, for the document."""
    return [
        {"nodes": [list(ids) for ids in repeat.nodes], "text": str(repeat)} for repeat in _current()
    ]


def fold(index: int, name: str | None, new: str | None = None) -> FoldRepeats | None:
    """The edit that folds one of them, None where there is no such. `new`: id of the block's call."""
    known: _Found | None = state.recall(_KEPT)
    if known is None or known.canvas != canvas_id() or not 0 <= index < len(known.repeats):
        return None
    if new in state.scoped_graph().nodes:
        new = None
    return FoldRepeats(known.repeats[index].nodes, name or None, new, scope=state.scope())


def _current() -> tuple[Repeat, ...]:
    root, here = state.graph(), canvas_id()
    known: _Found | None = state.recall(_KEPT)
    if known is None or known.canvas != here:
        known = _search(root, here)
    elif known.seen is not root:
        nodes = state.scoped_graph().nodes
        standing = [r for r in known.repeats if all(n in nodes for ids in r.nodes for n in ids)]
        known = _Found(here, root, known.searched, tuple(standing))
    elif known.searched is not root:
        known = _search(root, here)
    state.keep(_KEPT, known)
    return known.repeats


def _search(root: Graph, here: str) -> _Found:
    return _Found(here, root, root, find_repeats(root, state.scope())[:_MOST])
