"""The Code page's parts: sources in every style, what print(model) shows, the parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeVar

import streamlit as st

from builder.code import describe_model, parameter_table, styles, why_not_chain, write_with_lines
from builder.errors import LayerwiseError
from builder.graph.model import Graph
from builder.graph.size import format_count, format_exact
from builder.ui import state
from builder.ui.markdown import plain

_T = TypeVar("_T")
_PRINTED_HEIGHT: Final = 420  # pixels; longer ones scroll
_TABLE_HEIGHT: Final = 420


def source_tabs(graph: Graph, file_name: str) -> None:
    """A tab for each style: highlighted, copied by its corner button, downloaded by another.

    A style the network cannot be written in keeps its tab and says why.
    """
    offered = styles()
    tabs = st.tabs([style.title for style in offered.values()], key="lw_styles")
    for tab, (key, style) in zip(tabs, offered.items(), strict=True):
        with tab:
            _source(graph, key, style.when, file_name)


def _source(graph: Graph, style: str, when: str, file_name: str) -> None:
    why_not = _remembered("chain", graph, why_not_chain) if style == "sequential" else None
    if why_not:
        st.info(plain(why_not), icon=":material/call_split:")
        return
    try:
        written = _remembered(f"code.{style}", graph, lambda g: write_with_lines(g, style))
    except LayerwiseError as refusal:
        st.warning(plain(refusal), icon=":material/error:")
        return
    source, lines = written
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(plain(when), width="stretch")
        st.download_button(
            "Download",
            source,
            file_name=file_name,
            mime="text/x-python",
            icon=":material/download:",
            key=f"lw_code_{style}",
            on_click="ignore",
        )
    at = lines.get(state.selected() or "")
    if at:
        span = f"line {at[0]}" if len(at) == 1 else f"lines {', '.join(map(str, at))}"
        name = plain(graph.label(state.selected() or ""))
        st.caption(f":material/arrow_right_alt: **{name}** stands in {span}")
    st.code(source, language="python", line_numbers=True)


def layer_lines(graph: Graph) -> None:
    """Choose a layer, and the tabs say in which lines it stands; the same selection everywhere."""
    nodes = list(graph.nodes)
    key = "lw_code_layer"
    now = state.selected() if not state.scope() and state.selected() in nodes else None
    if st.session_state.get(key) != now:
        st.session_state[key] = now
    st.selectbox(
        "Find a layer in the code",
        nodes,
        index=None,
        key=key,
        format_func=lambda n: graph.label(n) if n in graph.nodes else str(n),
        placeholder="Choose a layer",
        on_change=lambda: state.select(st.session_state[key], ()),
    )


def printed_model(graph: Graph) -> None:
    """What print(model) shows."""
    st.markdown("**What `print(model)` shows**")
    try:
        text = _remembered("printed", graph, describe_model)
    except LayerwiseError as refusal:
        st.warning(plain(refusal), icon=":material/error:")
        return
    lines = text.count("\n") + 1
    tall = lines * 20 > _PRINTED_HEIGHT
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
            "Numbers": [format_count(row.count) for row in rows],
            "Learns": [row.trainable for row in rows],
        },
        hide_index=True,
        height=_TABLE_HEIGHT if len(rows) > 11 else "content",
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
