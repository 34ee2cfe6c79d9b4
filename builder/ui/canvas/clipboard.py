"""Copy and paste between blocks, projects and tabs of one person: kept in the server's memory.

A browser's own clipboard asks for permission and would hand us text from anywhere; this one holds what
this server copied. Bounded in people and in size; a restart of the server forgets it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from builder.errors import EditRefused
from builder.graph.edits import PasteFragment
from builder.graph.fragment import Fragment, copy_nodes
from builder.ui import state
from builder.ui.canvas.place import canvas_id, select

_PEOPLE: Final = 500
_MOST_NODES: Final = 2_000  # of one copy, nodes of blocks counted


@dataclass(frozen=True)
class Copied:
    """What was copied, and from which graph: inputs are kept only where they are the same nodes."""

    fragment: Fragment
    origin: str


_copied: Final[OrderedDict[str, Copied]] = OrderedDict()
_lock: Final = threading.Lock()


def copy(nodes: tuple[str, ...]) -> None:
    """Copies nodes of the graph shown. Errors: EditRefused where they are too many."""
    taken = _taken(nodes)
    with _lock:
        _copied[state.owner()] = taken
        _copied.move_to_end(state.owner())
        while len(_copied) > _PEOPLE:
            _copied.popitem(last=False)


def paste(at: tuple[float, float] | None, *, keep_inputs: bool) -> None:
    """Puts what was copied into the graph shown, and selects it."""
    with _lock:
        copied = _copied.get(state.owner())
    if copied is None:
        state.say("Nothing is copied yet. Select layers and copy them first.", "info")
        return
    _put(copied, at, keep_inputs=keep_inputs)


def duplicate(nodes: tuple[str, ...]) -> None:
    """Puts a copy of nodes beside them, reading what they read; the clipboard keeps what it holds."""
    _put(_taken(nodes), None, keep_inputs=True)


def _taken(nodes: tuple[str, ...]) -> Copied:
    fragment = copy_nodes(state.scoped_graph(), nodes, state.graph())
    count = len(fragment.nodes) + sum(len(block.nodes) for block in fragment.blocks.values())
    if count > _MOST_NODES:
        raise EditRefused(f"At most {_MOST_NODES:,} layers are copied at once, not {count:,}.")
    return Copied(fragment, canvas_id())


def _put(copied: Copied, at: tuple[float, float] | None, *, keep_inputs: bool) -> None:
    there = set(state.scoped_graph().nodes)
    kept = keep_inputs and copied.origin == canvas_id()
    if state.edit(PasteFragment(copied.fragment, at, kept, scope=state.scope())):
        select(tuple(n for n in state.scoped_graph().nodes if n not in there))
