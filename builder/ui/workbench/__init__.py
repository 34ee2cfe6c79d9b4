"""The palette and the stack of the Build page: one packaged component in two shapes.

A stack of plain widgets costs 140 ms at ten layers; this one is a single message that the browser
draws. JavaScript sends numbered operations, all those not yet acknowledged; Python applies each once
and in order, and says so. See `assets/` for the drawing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from builder.ui.packaged import packaged
from builder.ui.palette import family_palette
from builder.ui.received import Handler, acknowledged, receive

_FOLDER: Final = Path(__file__).parent
_PALETTE_KEY: Final = "lw_palette"
_STACK_KEY: Final = "lw_stack"


def palette(groups: Sequence[Mapping[str, Any]], handle: Handler, *, above: int) -> None:
    """Draws the palette. `groups`: titles with entries, the first one the most used.

    `above`: pixels of the page above it. `handle` gets {"op": "add", "key": …} for each click.
    """
    receive_all(handle)
    _draw(
        _PALETTE_KEY,
        '<div class="lw palette panel"></div>',
        handle,
        {
            "groups": groups,
            "colours": family_palette(),
            "above": above,
            "ack": acknowledged(_PALETTE_KEY),
        },
    )


def stack(data: Callable[[], Mapping[str, Any]], handle: Handler, *, above: int) -> None:
    """Draws the rows of `builder.ui.workbench.rows` and reports what is done with them.

    `data` gives rows, selected, crumbs, totals and hint once operations are applied. Operations:
    select, add, move, delete, duplicate, bypass, freeze, group, open, leave, show; each with the ids
    it is about.
    """
    receive_all(handle)
    _draw(
        _STACK_KEY,
        '<div class="lw stack panel"></div>',
        handle,
        {**data(), "colours": family_palette(), "above": above, "ack": acknowledged(_STACK_KEY)},
    )


def receive_all(handle: Handler) -> None:
    """Carries out what waits in both components, before anything is drawn; see `received`."""
    receive({_STACK_KEY: handle, _PALETTE_KEY: handle})


def _draw(key: str, html: str, handle: Handler, data: Mapping[str, Any]) -> None:
    def changed() -> None:
        receive_all(handle)

    component = packaged(key.removeprefix("lw_"), _FOLDER, html)
    component(key=key, data=data, on_ops_change=changed)
