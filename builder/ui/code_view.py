"""The Code page's parts: sources in every style, what print(model) shows, the parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeVar

import streamlit as st

from builder.code import (
    Style,
    Written,
    describe_model,
    parameter_table,
    write_with_lines,
)
from builder.code.registry import MANUAL
from builder.errors import LayerwiseError
from builder.graph.model import Graph
from builder.graph.size import format_exact
from builder.graph.words import type_name
from builder.ui import state
from builder.ui.code_editor import code_editor, code_shown
from builder.ui.code_editor.texts import lines_at, shown_text
from builder.ui.code_editor.typed import unread_style
from builder.ui.markdown import plain
from builder.ui.places import go_to
from builder.ui.worded import worded

_T = TypeVar("_T")
_PRINTED_HEIGHT: Final = 420  # pixels; longer ones scroll
_LINE_HEIGHT: Final = 20
_FINDER_WIDTH: Final = 300
_TABLE_HEIGHT: Final = 420
_ROWS_SHOWN: Final = 11


def broken_warning() -> bool:
    """The first error of the network, with a button to it, above code that cannot run; whether one is."""
    errors = [problem for problem in state.problems() if problem.severity == "error"]
    if not errors:
        return False
    first, more = errors[0], len(errors) - 1
    others = f" {more} more problem{'' if more == 1 else 's'} on the Build page." if more else ""
    with st.container(key="lw_code_broken", horizontal=True, vertical_alignment="center"):
        st.warning(
            f"**This code does not run yet.** {plain(first.message)}{others}",
            icon=":material/error:",
        )
        if st.button("Show it", key="lw_code_to_problem", icon=":material/layers:"):
            state.select(first.node or None, first.scope)
            go_to("Build")
    return True


def style_text(graph: Graph, style: Style) -> Written | LayerwiseError:
    """The network in a style, or why it cannot be written in it."""
    try:
        return _remembered(f"code.{style.key}", graph, lambda g: write_with_lines(g, style.key))
    except LayerwiseError as refusal:
        return refusal


def text_shown(written: Written, style: Style, *, edited: bool = False) -> str:
    """The text that `source` shows of a style."""
    return shown_text(style.key, written).text if edited and style.key != MANUAL else written.text


def source(
    written: Written,
    style: Style,
    file_name: str,
    *,
    edited: bool = False,
    differs: tuple[int, ...] = (),
) -> None:
    """Code, highlighted, copied by its corner button, downloaded by another.

    `edited`: in an editor, where the style can be read. `differs`: lines that the text beside has not.
    """
    editable = edited and style.key != MANUAL
    shown = shown_text(style.key, written) if editable else None
    with st.container(
        key=f"lw_code_title_{style.key}",
        horizontal=True,
        vertical_alignment="center",
        gap="small",
    ):
        st.markdown(f"**{plain(style.title)}**", help=plain(style.when), width="content")
        if shown is not None and unread_style() == style.key:
            st.caption(
                ":material/edit_off: As before: what you typed is not read",  # in one row beside a style
                help="The network and this file are as they were when your text was read last.",
                width="stretch",
            )
        else:
            st.space("stretch")
        st.download_button(
            "Download",
            shown.text if shown else written.text,
            file_name=f"{file_name.removesuffix('.py')}_{style.key}.py",
            mime="text/x-python",
            icon=":material/download:",
            key=f"lw_code_{style.key}",
            on_click="ignore",
        )
    here = (state.scope(), state.selected() or "")
    if shown is not None:
        code_editor(style, shown, written, differs)
        _stands_in(lines_at(shown, written).get(here, ()))  # below: the text must not move
        return
    code_shown(style, written, differs)
    _stands_in(written.lines.get("/".join(filter(None, here)), ()))


def _stands_in(lines: tuple[int, ...]) -> None:
    """Where the selected layer stands."""
    selected = state.selected()
    if selected and lines:
        name = plain(state.scoped_graph().label(selected))
        st.caption(f":material/arrow_right_alt: **{name}** stands in {_in_words(lines)}")


def _in_words(lines: tuple[int, ...]) -> str:
    return f"line {lines[0]}" if len(lines) == 1 else "lines " + ", ".join(map(str, lines))


def layer_lines(graph: Graph) -> None:
    """Choose a layer, and the code says in which lines it stands; the same selection everywhere."""
    nodes = list(graph.nodes)
    key = worded("lw_code_layer", (_named(graph, n) for n in nodes))
    now = state.selected() if not state.scope() and state.selected() in nodes else None
    state.follow(key, now)
    st.selectbox(
        "Find a layer in the code",
        nodes,
        index=None,
        key=key,
        format_func=lambda n: _named(graph, n),
        placeholder="Find a layer",
        label_visibility="collapsed",
        on_change=lambda: state.select(state.widget(key), ()),
        width=_FINDER_WIDTH,
    )


def _named(graph: Graph, node_id: str) -> str:
    node = graph.nodes.get(node_id)
    return f"{graph.label(node_id)} · {type_name(graph, node)}" if node else node_id


def printed_model(graph: Graph, style: Style, named: bool = False) -> None:
    """What print(model) shows, by hand the tensors; nothing where there is no code of it.

    `named`: with the style's name, as another one stands beside it.
    """
    try:
        text = _remembered(f"printed.{style.key}", graph, lambda g: describe_model(g, style.key))
    except LayerwiseError:
        return
    what = "The tensors" if style.key == MANUAL else "What `print(model)` shows"
    st.markdown(f"**{what}**" + (f" in {plain(style.title)}" if named else ""))
    tall = (text.count("\n") + 1) * _LINE_HEIGHT > _PRINTED_HEIGHT
    st.code(text, language=None, height=_PRINTED_HEIGHT if tall else "content")


def parameters_table(graph: Graph) -> None:
    """Every parameter by name, by index, with shape and count; and the sum."""
    try:
        rows = _remembered("parameters", graph, parameter_table)
    except LayerwiseError:
        return  # said above already
    total = sum(row.count for row in rows)
    learn = sum(row.count for row in rows if row.trainable)
    st.markdown(
        f"**Parameters**   {format_exact(total)} in all"
        + ("" if learn == total else f", {format_exact(learn)} of them learn")
    )
    if not rows:
        st.caption("No layer of this network has weights.")
        return
    st.dataframe(
        {
            "Name": [row.name for row in rows],
            "In a Sequential": [row.sequential_name or "" for row in rows],
            "Shape": [" × ".join(map(str, row.shape)) or "one number" for row in rows],
            "Numbers": [format_exact(row.count) for row in rows],
            "Learns": [row.trainable for row in rows],
        },
        hide_index=True,
        height=_TABLE_HEIGHT if len(rows) > _ROWS_SHOWN else "content",
        key="lw_parameters",
    )


def _remembered(what: str, graph: Graph, work: Callable[[Graph], _T]) -> _T:
    """What was worked out for this very graph, once a graph."""
    kept: Mapping[str, tuple[Graph, _T]] = state.recall("code.kept", {})
    if what in kept and kept[what][0] is graph:
        return kept[what][1]
    found = work(graph)
    state.keep("code.kept", {**kept, what: (graph, found)})
    return found
