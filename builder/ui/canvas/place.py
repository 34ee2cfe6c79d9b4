"""Where on the canvas a person is: which graph is shown, and what is selected in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from builder.graph.limits import MAX_NESTED
from builder.ui import state

_SELECTED: Final = "canvas.selected"
_LOOKS: Final = "canvas.looks"
_LONGEST: Final = 8_000  # characters of a canvas's name: as many ids as blocks stand in each other


def canvas_id() -> str:
    """The name of the graph shown: the project, and the nodes entered. Ids hold no slash."""
    return "/".join([state.project_id() or "", *state.scope_path()])


def selected() -> tuple[str, ...]:
    """The selected nodes of the graph shown. Other pages know the first of them."""
    one = state.selected()
    if one is None:
        return ()
    where, several = state.recall(_SELECTED, ("", ()))
    here = state.scoped_graph().nodes
    several = tuple(n for n in several if n in here)
    return several if where == canvas_id() and one in several else (one,)


def select(nodes: tuple[str, ...]) -> None:
    """Selects nodes of the graph shown; the form shows the first."""
    state.select(nodes[0] if nodes else None)
    state.keep(_SELECTED, (canvas_id(), nodes))


def look_at_first_problem() -> None:
    """Has the canvas go to the first problem and open its repairs, wherever it looks now."""
    state.keep(_LOOKS, looks() + 1)


def looks() -> int:
    """How often it was sent there: the browser follows when this grows."""
    return int(state.recall(_LOOKS, 0))


@contextmanager
def looking_at(canvas: object) -> Iterator[bool]:
    """Looks, for a moment, at the graph that an operation was made on; whether it is in this project.

    An operation may arrive when the person is elsewhere: after a reload, which begins at the root, or
    when a block was opened right behind it. Nothing said means the graph shown.
    """
    if not isinstance(canvas, str) or not canvas or canvas == canvas_id():
        yield True
        return
    project, *path = canvas.split("/", MAX_NESTED + 2) if len(canvas) <= _LONGEST else [""]
    if project != state.project_id() or len(path) > MAX_NESTED:
        yield False
        return
    before, was = state.scope_path(), state.selected()
    state.select(None, tuple(path))
    if state.scope_path() != tuple(path):  # the block has gone meanwhile
        state.select(was, before)
        yield False
        return
    try:
        yield True
    finally:
        if state.scope_path() == tuple(path):  # it did not mean to go elsewhere
            state.select(was, before)
