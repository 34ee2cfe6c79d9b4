"""Which style of code is shown, and which one beside it; when one chooses which."""

from __future__ import annotations

from typing import Final

import streamlit as st

from builder.code import Style, StyleRefused, Written, difference, lines_that_differ, styles
from builder.errors import LayerwiseError
from builder.graph.model import Graph
from builder.ui import state
from builder.ui.code_view import layer_lines, style_text, text_shown
from builder.ui.markdown import plain
from builder.ui.preferences import prefer_for_project, project_preference

_STYLE: Final = "code.style"
_BESIDE: Final = "code.beside"
_STYLE_KEY: Final = "lw_code_style"
_BESIDE_KEY: Final = "lw_code_beside"
_NOTHING: Final = "nothing"
CANVAS: Final = "canvas"
"""What can stand beside a style too: the network itself."""


def show_style(key: str | None) -> None:
    """Makes a style the one the Code page opens with; None for the first that can be written."""
    state.keep(_STYLE, key)


def canvas_beside() -> bool:
    """Whether the canvas stands beside the code."""
    return _beside() == CANVAS


def _chosen() -> str | None:
    """The style chosen for this project, also before a reload; else the one looked at last."""
    return project_preference(_STYLE, tuple(styles())) or state.recall(_STYLE)


def choose_style(key: str) -> None:
    """Makes a style the one the Code page shows of the open project."""
    show_style(key)
    prefer_for_project(_STYLE, key)


def _beside() -> str | None:
    """What stands beside: a style, CANVAS, or None."""
    among = (_NOTHING, CANVAS, *styles())
    found = project_preference(_BESIDE, among) or state.recall(_BESIDE)
    return found if found in among[1:] else None


def _choose_beside(key: str | None) -> None:
    state.keep(_BESIDE, key)
    prefer_for_project(_BESIDE, key or _NOTHING)


def style_choice(graph: Graph) -> tuple[Style, Style | None]:
    """Draws the choice of a style, of what stands beside it, and of a layer to find; gives the styles.

    Until a person chose, the first is the shortest one in which the network can be written. The second
    is None also where the canvas stands beside the first.
    """
    offered = styles()
    first = style_looked_at(graph)
    with st.container(key="lw_code_choice", horizontal=True, vertical_alignment="center"):
        state.follow(_STYLE_KEY, first.key)
        st.segmented_control(
            "Style",
            list(offered),
            key=_STYLE_KEY,
            required=True,
            format_func=lambda key: offered[key].title,
            label_visibility="collapsed",
            on_change=lambda: choose_style(str(state.widget(_STYLE_KEY))),
        )
        others = [CANVAS, *(key for key in offered if key != first.key)]
        beside = _beside()
        beside = beside if beside in others else None
        state.follow(_BESIDE_KEY, beside)
        st.selectbox(
            "Beside it",
            others,
            key=_BESIDE_KEY,
            placeholder="Beside it: nothing",
            label_visibility="collapsed",
            format_func=lambda key: "The canvas" if key == CANVAS else offered[key].title,
            on_change=lambda: _choose_beside(state.widget(_BESIDE_KEY)),
            width=200,
        )
        layer_lines(graph)
    return first, offered.get(beside or "")


def style_looked_at(graph: Graph) -> Style:
    """The style a person chose, until then the shortest in which the network can be written."""
    return styles().get(str(_chosen())) or _first_written(graph)


def _first_written(graph: Graph) -> Style:
    offered = list(styles().values())
    return next(
        (s for s in offered if not isinstance(style_text(graph, s), LayerwiseError)), offered[0]
    )


def refusal_note(refusal: LayerwiseError, style: Style) -> None:
    """Why a style cannot write the network, with a button to the nearest one that can."""
    if not isinstance(refusal, StyleRefused):
        st.info(plain(refusal), icon=":material/call_split:")
        return
    st.info(plain(refusal.why), icon=":material/call_split:")  # the button says which style can
    instead = styles()[refusal.instead]
    st.button(
        f"Show it as {plain(instead.title)}",
        key=f"lw_code_instead_{style.key}",
        icon=":material/arrow_forward:",
        on_click=_take_instead,
        args=(style.key, instead.key),
    )


def _take_instead(refused: str, instead: str) -> None:
    """Puts the style that can in the place of the one that cannot."""
    if _beside() == refused:
        _choose_beside(instead if _chosen() != instead else None)
    else:
        choose_style(instead)


def what_differs(graph: Graph, first: Style, second: Style) -> None:
    """The lines that only one of two texts has, marked as programmers mark them."""
    one, other = style_text(graph, first), style_text(graph, second)
    if isinstance(one, LayerwiseError) or isinstance(other, LayerwiseError):
        return
    names = plain(first.title), plain(second.title)
    st.markdown(f"**What differs** between {names[0]} and {names[1]}")
    found = difference(one.text, other.text)
    if found is None:
        st.caption("The two are too long to be compared here.")
    elif not found.text:
        st.caption("Nothing: for this network both are the same text.")
    else:
        st.caption(
            f"− only in {names[0]}: {_lines(found.only_first)}; "
            f"+ only in {names[1]}: {_lines(found.only_second)}. Above these lines are coloured."
        )
        st.code(found.text, language="diff")


def differing_lines(
    graph: Graph, first: Style, second: Style | None
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The lines that only one of the two texts on the page has, of each."""
    one = style_text(graph, first)
    other = style_text(graph, second) if second else None
    if not isinstance(one, Written) or not isinstance(other, Written):
        return (), ()
    return lines_that_differ(text_shown(one, first, edited=True), other.text)


def _lines(count: int) -> str:
    return f"{count} line{'' if count == 1 else 's'}"


def when_which(shown: tuple[Style | None, ...]) -> None:
    """A table: each style, when one chooses it, what one gives up for it."""
    rows = ["| Style | When | Its price |", "|---|---|---|"]
    for style in styles().values():
        title = f"**{plain(style.title)}**" if style in shown else plain(style.title)
        rows.append(f"| {title} | {_cell(style.when)} | {_cell(style.price)} |")
    with st.expander("When one chooses which", icon=":material/help:"):
        st.markdown("\n".join(rows))


def _cell(words: str) -> str:
    return plain(words).replace("|", "&#124;")
