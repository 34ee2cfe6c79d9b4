"""Copy and paste: between blocks, projects, browsers and servers, as text on the system's clipboard.

The browser puts the text there and brings what it finds; text from anywhere is read as strictly as a
project file. Where the browser has no clipboard to give (an old one, a refused permission) the copy in
the server's memory is pasted: bounded in people and in size, forgotten by a restart.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from builder.errors import EditRefused, quote
from builder.graph.edits import PasteFragment
from builder.graph.fragment import Fragment, copy_nodes, fragment_from_text, fragment_to_text
from builder.ui import state
from builder.ui.canvas.place import canvas_id, select

_PEOPLE: Final = 500
_MOST_TEXT: Final = 1_000_000  # characters for the system's clipboard; more stays on the server
_MOST_NODES: Final = 2_000  # of one copy, nodes of blocks counted


@dataclass(frozen=True)
class Copied:
    """What was copied, and from which graph: inputs are kept only where they are the same nodes."""

    fragment: Fragment
    origin: str
    text: str


_copied: Final[OrderedDict[str, Copied]] = OrderedDict()
_lock: Final = threading.Lock()


def copy(nodes: tuple[str, ...]) -> str:
    """Copies nodes of the graph shown; their text, "" where that is too long for a clipboard.

    Errors: EditRefused where they are too many.
    """
    taken = _taken(nodes)
    with _lock:
        _copied[state.owner()] = taken
        _copied.move_to_end(state.owner())
        while len(_copied) > _PEOPLE:
            _copied.popitem(last=False)
    return taken.text if len(taken.text) <= _MOST_TEXT else ""


def paste(at: tuple[float, float] | None, *, keep_inputs: bool, text: str | None = None) -> None:
    """Puts what was copied into the graph shown, and selects it.

    `text`: from the system's clipboard, of whatever origin; None where the browser gave none.
    Errors: ProjectRefused where the text is no part of a network, EditRefused where that is too large.
    """
    with _lock:
        copied = _copied.get(state.owner())
    if text is not None and (copied is None or copied.text != text):
        copied = _read(text)
    if copied is None:
        state.say("Nothing is copied yet. Select layers and copy them first.", "info")
        return
    _put(copied, at, keep_inputs=keep_inputs)


def duplicate(nodes: tuple[str, ...], at: tuple[float, float] | None) -> None:
    """Puts a loose copy of nodes beside them; the clipboard keeps what it holds."""
    _put(_taken(nodes), at, keep_inputs=False)


def _taken(nodes: tuple[str, ...]) -> Copied:
    fragment = copy_nodes(state.scoped_graph(), nodes, state.graph())
    _refuse_more(fragment)
    return Copied(fragment, canvas_id(), fragment_to_text(fragment))


def _read(text: str) -> Copied:
    """A text of unknown origin: what its layers read elsewhere is not to be found here."""
    fragment = fragment_from_text(text)
    _refuse_more(fragment)
    return Copied(fragment, "", text)


def _refuse_more(fragment: Fragment) -> None:
    count = len(fragment.nodes) + sum(len(block.nodes) for block in fragment.blocks.values())
    if count > _MOST_NODES:
        raise EditRefused(f"At most {_MOST_NODES:,} layers are copied at once, not {count:,}.")


def _put(copied: Copied, at: tuple[float, float] | None, *, keep_inputs: bool) -> None:
    there = set(state.scoped_graph().nodes)
    kept = keep_inputs and copied.origin == canvas_id()
    here = state.scoped_graph().settings
    if state.edit(PasteFragment(copied.fragment, at, kept, scope=state.scope())):
        select(tuple(n for n in state.scoped_graph().nodes if n not in there))
        for name, value in copied.fragment.settings.items():
            if name in here and here[name] != value:
                state.say(
                    f"{quote(name)} is {quote(here[name])} here, not {quote(value)} as where it was "
                    "copied: what was pasted uses it.",
                    "info",
                )
