"""The form of an output: in which mode the network gives it."""

from __future__ import annotations

from typing import Final

import streamlit as st

from builder.graph.edits import UNSET, SetCallArgument, Unset
from builder.graph.model import Graph, Node
from builder.graph.modes import CHOICES, WHEN, WhenGiven, compared_outputs, has_modes, mode_of
from builder.ui import state
from builder.ui.canvas.holding import edit_or_ask

_WORDS: Final = {
    "": "in both modes",
    "training": "only while training",
    "evaluation": "only in evaluation",
}


def output_fields(graph: Graph, node: Node, key: str) -> None:
    """Draws the choice of the mode; a block gives the same in both, and has none."""
    if state.scope() or (len(graph.outputs) < 2 and mode_of(node) is None):
        return
    chosen = mode_of(node) or ""
    when_key = state.followed(f"{key}.when", chosen)

    def changed() -> None:
        wanted: WhenGiven | Unset = state.widget(when_key) or UNSET
        edit_or_ask(SetCallArgument(node.id, WHEN, wanted, scope=state.scope()))

    choices = ["", *CHOICES]
    st.selectbox(
        "Given",
        choices,
        choices.index(chosen),
        format_func=lambda choice: _WORDS[choice],
        key=when_key,
        on_change=state.by_hand(when_key, changed),
        help="What only such outputs read runs in that mode only: a plain `if self.training` in the code.",
    )
    if has_modes(graph) and node not in compared_outputs(graph):
        st.caption("Auxiliary: no loss reads it when you train here.")
