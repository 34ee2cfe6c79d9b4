"""The editor of the Code page: a packaged component in which the text of a style is edited.

    code_editor(style, shown, written)    # draws a text of state.graph(), and takes what is typed in it
    code_shown(style, written)            # draws one that is only looked at

Its sources are in `frontend/code_editor`, its built bundle in `assets`. What is typed comes as numbered
operations (`builder.ui.received`); `builder.code.live` says what they mean.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import streamlit as st

from builder.code import Style
from builder.code.live import Shown
from builder.code.registry import MANUAL
from builder.code.writing.page import Written
from builder.graph.blocks import blocks_inside, graphs
from builder.graph.model import OPAQUE, Graph
from builder.ui import state
from builder.ui.anew import draw_anew
from builder.ui.canvas.holding import decide, drop, held
from builder.ui.code_editor.texts import Lines, lines_at, revision, written_lines
from builder.ui.code_editor.typed import KEY, typed, word_of
from builder.ui.markdown import plain
from builder.ui.packaged import packaged
from builder.ui.reader_process import warm_soon
from builder.ui.received import acknowledged, receive, sender, waits

_FOLDER: Final = Path(__file__).parent
_OWN_CODE: Final = "This network holds a layer of your own code, so its text can only be read here."
_BY_HAND: Final = "Code by hand is only shown: edit the network in another style, and this follows."
_BESIDE: Final = "Only shown: it follows what is edited on the left."
_SHOWN_KEY: Final = "lw_code_shown_{}"


def receive_editor() -> None:
    """Carries out what waits in the browser; a project must be open."""
    with state.undisturbed(), state.saving_soon():  # a step and its text are one write
        receive({KEY: typed}, frozenset({"line"}))


def code_editor(
    style: Style, shown: Shown, written: Written, differs: tuple[int, ...] = ()
) -> None:
    """Draws the text of the network in a style, and carries out what is typed in it.

    `written`: as the style writes the network, where a person did not. `differs`: lines to be marked.
    """
    warm_soon()
    _component()(key=KEY, data=editor_data(shown, written, differs), on_ops_change=receive_editor)
    if waits(
        KEY
    ):  # a new session knows what the browser has only now, and calls nobody back for it
        receive_editor()
        draw_anew()
    _question()


def code_shown(style: Style, written: Written, differs: tuple[int, ...] = ()) -> None:
    """Draws the text of a style as the editor does, only to be looked at."""
    lines = written_lines(written)
    by_hand = style.key == MANUAL
    data = {
        "doc": f"{state.project_id()}/shown {style.key}",
        "text": written.text,
        "rev": revision(written.text),
        "ack": {},
        "word": None,
        "note": "",
        **_marks(lines, differs),
        "readonly": _BY_HAND if by_hand else _BESIDE,
        "still": True,
        "wrap": by_hand,
    }
    _component()(key=_SHOWN_KEY.format(style.key), data=data, on_ops_change=_nothing)


def _component() -> Callable[..., Any]:
    return packaged("code_editor", _FOLDER, '<div class="lw-code-editor"></div>')


def _nothing() -> None:
    """What is only looked at tells nothing."""


def editor_data(shown: Shown, written: Written, differs: tuple[int, ...] = ()) -> dict[str, Any]:
    """The message to the browser."""
    client, done = sender(KEY), acknowledged(KEY)
    return {
        "doc": f"{state.project_id()}/{shown.style}",
        "text": shown.text,
        "rev": revision(shown.text),
        "ack": {client: done.get(client, 0)} if client is not None else {},
        "word": word_of(shown.style),
        "note": shown.note,
        **_marks(lines_at(shown, written), differs),
        "readonly": _OWN_CODE if _has_own_code(state.graph()) else "",
        "still": False,
        "wrap": False,
    }


def _marks(lines: Lines, differs: tuple[int, ...]) -> dict[str, Any]:
    """Which layer stands in which lines, and which lines only this text has."""
    here = (state.scope(), state.selected() or "")
    return {
        "marks": list(lines.get(here, ())),
        "groups": [list(each) for each in lines.values()],
        "layers": [list(layer) for layer in lines],
        "within": _within(state.graph()),
        "differs": list(differs),
    }


def _within(root: Graph) -> dict[str, list[str]]:
    """Of each block those that it is part of: a layer in it is shown by their calls, too."""
    found: dict[str, list[str]] = {}
    for outer in root.blocks:
        for inner in blocks_inside(root, outer) - {outer}:
            found.setdefault(inner, []).append(outer)
    return found


def _has_own_code(root: Graph) -> bool:
    return any(o.target == OPAQUE for _, graph in graphs(root) for o in graph.owners.values())


def _question() -> None:
    """What was typed and costs trained weights waits for a yes."""
    waiting = held()
    if waiting is None:
        return
    with st.container(key="lw_code_question", horizontal=True, vertical_alignment="center"):
        st.warning(f"**{plain(waiting['title'])}** It {plain(waiting['text'])}.")
        st.button(
            "Change it", key="lw_code_yes", on_click=_undisturbed(decide), args=(waiting["id"],)
        )
        st.button("Leave it", key="lw_code_no", on_click=_undisturbed(drop))


def _undisturbed(act: Callable[..., None]) -> Callable[..., None]:
    def done(*given: Any) -> None:
        with state.undisturbed():
            act(*given)

    return done
