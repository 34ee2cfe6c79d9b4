"""Beside the canvas where several layers are selected: what can be done to all of them, no single form."""

from __future__ import annotations

import secrets
import time
from typing import Final

import streamlit as st

from builder.graph.edits import DeleteNodes
from builder.graph.model import Graph
from builder.graph.size import format_layers
from builder.ui import state
from builder.ui.canvas.abilities import can_bypass, can_freeze
from builder.ui.canvas.holding import edit_or_ask
from builder.ui.canvas.operations import handle
from builder.ui.markdown import plain

_NAMED: Final = 12


def several_form(nodes: tuple[str, ...]) -> None:
    """Draws how many layers are selected, which, and the verbs for all of them."""
    graph = state.scoped_graph()
    st.markdown(f"**{format_layers(len(nodes))} selected**")
    more = f" and {len(nodes) - _NAMED} more" if len(nodes) > _NAMED else ""
    st.caption(plain(", ".join(graph.label(node) for node in nodes[:_NAMED]) + more))
    able, weighted = _able(graph, nodes)
    with st.container(horizontal=True, gap="xsmall"):
        _verb(
            "Use again" if able and all(graph.nodes[n].bypassed for n in able) else "Bypass",
            ":material/redo:",
            nodes,
            "What they read goes on unchanged" if able else "Inputs and outputs pass nothing on",
            disabled=not able,
        )
        frozen = [o.frozen for n in weighted if (o := graph.owner_of(graph.nodes[n])) is not None]
        _verb(
            "Unfreeze" if frozen and all(frozen) else "Freeze",
            ":material/ac_unit:",
            nodes,
            "Their weights are not trained" if weighted else "None of them has weights",
            disabled=not weighted,
        )
        _verb("Group into a block", ":material/select_all:", nodes, "One layer made of these")
        _verb("Delete", ":material/delete:", nodes, "What read them reads what they read")
    st.caption("Select one of them to edit its numbers.")


def _able(graph: Graph, nodes: tuple[str, ...]) -> tuple[list[str], list[str]]:
    report = state.scoped_report()
    return (
        [n for n in nodes if can_bypass(graph.nodes[n])],
        [n for n in nodes if can_freeze(graph, graph.nodes[n], report)],
    )


def _verb(
    word: str, icon: str, nodes: tuple[str, ...], help_words: str, *, disabled: bool = False
) -> None:
    names = {"Bypass": "bypass", "Use again": "bypass", "Freeze": "freeze", "Unfreeze": "freeze"}
    verb = names.get(word, word.split()[0].lower())
    st.button(
        word,
        key=f"lw_all_{verb}",
        icon=icon,
        help=help_words,
        disabled=disabled,
        on_click=_do,
        args=(verb, nodes),
    )


def _do(verb: str, nodes: tuple[str, ...]) -> None:
    if verb == "delete":
        if edit_or_ask(DeleteNodes(nodes, scope=state.scope())):
            state.select(None)
        return
    new = f"block_{secrets.token_hex(3)}"
    handle({"op": verb, "nodes": list(nodes), "id": new, "seq": time.time_ns() // 1_000_000})
