"""The palette and the stack of the Build page: one packaged component in two shapes.

A stack of plain widgets costs 140 ms at ten layers; this one is a single message that the browser
draws. JavaScript sends numbered operations, all those not yet acknowledged; Python applies each once
and in order, and says so. See `assets/` for the drawing.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from builder.catalogue.families import FAMILIES
from builder.inspection.theme import family_colours
from builder.ui import state
from builder.ui.packaged import packaged

_FOLDER: Final = Path(__file__).parent
_PALETTE_KEY: Final = "lw_palette"
_STACK_KEY: Final = "lw_stack"
_MOST_OPERATIONS: Final = 200  # in one message; a browser that sends more is not ours

Operation = Mapping[str, Any]
Handler = Callable[[Operation], None]


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
            "ack": _acknowledged(_PALETTE_KEY),
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
        {**data(), "colours": family_palette(), "above": above, "ack": _acknowledged(_STACK_KEY)},
    )


def receive_all(handle: Handler) -> None:
    """Applies what waits in both components, in the order it was done, before anything is drawn.

    A click on a row and one in the palette can arrive in one message: what was done first counts
    first, or a layer would be added behind the row selected before. A project must be open.
    """
    with state.undisturbed():
        waiting = [
            (operation.get("at", 0), key, client, operation)
            for key in (_STACK_KEY, _PALETTE_KEY)
            for client, operation in _unseen(key)
        ]
        for _, key, client, operation in sorted(waiting, key=lambda item: item[0]):
            # Acknowledged first: an operation that fails is not repeated.
            state.keep(f"ack.{key}", {client: operation["seq"]})
            handle(operation)


def _acknowledged(key: str) -> dict[str, int]:
    done: dict[str, int] = state.recall(f"ack.{key}", {})
    return done


def _unseen(key: str) -> list[tuple[str, Operation]]:
    """What the browser sent and nobody applied yet, with its client; repeats are left out."""
    value = state.widget(key)
    sent = value.get("ops") if isinstance(value, Mapping) else None
    if not isinstance(sent, Mapping) or not isinstance(sent.get("client"), str):
        return []
    client, operations = sent["client"][:80], sent.get("ops")
    if not isinstance(operations, list):
        return []
    seen = _acknowledged(key).get(client, 0)
    found: list[tuple[str, Operation]] = []
    for operation in operations[:_MOST_OPERATIONS]:
        number = operation.get("seq") if isinstance(operation, Mapping) else None
        moment = operation.get("at", 0) if isinstance(operation, Mapping) else None
        if isinstance(number, int) and number > seen and isinstance(moment, int | float):
            seen = number
            found.append((client, operation))
    return found


@functools.cache
def family_palette() -> dict[str, tuple[str, str, str, str]]:
    """For each family: its mark on a light and a dark page, and the fill behind text on each."""
    found: dict[str, tuple[str, str, str, str]] = {}
    for family in FAMILIES:
        light, dark = family_colours(family, False), family_colours(family, True)
        found[family] = (light.mark, dark.mark, light.fill, dark.fill)
    return found


def _draw(key: str, html: str, handle: Handler, data: Mapping[str, Any]) -> None:
    def changed() -> None:
        receive_all(handle)

    component = packaged(key.removeprefix("lw_"), _FOLDER, html)
    component(key=key, data=data, on_ops_change=changed)
