"""An edit that would cost trained weights waits until the person has read so, and said yes.

    edit_or_ask(edit)     # done at once, unless trained weights go with it
    held()                # what the canvas asks, None where nothing waits
    decide(number)        # yes: the one with this number is done

What is asked stands in the canvas and stops nothing: whoever goes on with something else has said no.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any, Final

from builder.graph.edits import Edit, Rewrite, describe
from builder.graph.model import Graph
from builder.ui import state
from builder.ui.canvas.losses import effect_words, loses_trained_weights
from builder.ui.view_switch import CANVAS, view_chosen

_HELD: Final = "canvas.held"


@dataclass(frozen=True)
class _Held:
    """`graph`: the network it was asked about; the question is void once that is another."""

    number: int
    edit: Edit
    graph: Graph
    title: str
    text: str
    select_new: bool = False


def edit_or_ask(edit: Edit, *, select_new: bool = False, here: bool = False) -> bool:
    """Does an edit, or has the canvas ask first (`here`: the page it comes from does). Whether it was
    done. Errors: EditRefused.
    """
    drop()
    if (here or view_chosen() == CANVAS) and loses_trained_weights(edit):
        graph = state.graph()
        title = f"{describe(edit, graph)}?"
        if isinstance(edit, Rewrite):
            edit = replace(edit, goes_on="")  # what was asked about is a step of its own
        number = time.time_ns() // 1_000_000  # another one for each question, also after a restart
        state.keep(_HELD, _Held(number, edit, graph, title, effect_words(edit), select_new))
        return False
    return state.edit(edit, select_new=select_new)


def held() -> dict[str, Any] | None:
    """The question to ask: {"id", "title", "text"}."""
    waiting: _Held | None = state.recall(_HELD)
    if waiting is None or waiting.graph is not state.graph():
        return None
    return {"id": waiting.number, "title": waiting.title, "text": waiting.text}


def decide(number: int) -> None:
    """Does what waits, if it is still what the person was asked about."""
    waiting: _Held | None = state.recall(_HELD)
    drop()
    if waiting is None or waiting.number != number or waiting.graph is not state.graph():
        state.say("The network has changed meanwhile. Do that again.", "info")
        return
    state.edit(waiting.edit, select_new=waiting.select_new)


def drop() -> None:
    """Forgets what waits."""
    if state.recall(_HELD) is not None:
        state.keep(_HELD, None)
