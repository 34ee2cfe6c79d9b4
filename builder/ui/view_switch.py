"""Canvas or stack: two views of one graph, and which of them a person likes."""

from __future__ import annotations

from typing import Final

import streamlit as st

from builder.ui import state
from builder.ui.preferences import prefer, preference

CANVAS: Final = "Canvas"
STACK: Final = "Stack"
_PREFERENCE: Final = "build.view"
_KEY: Final = "lw_view"


def view_chosen() -> str:
    """The view to draw: CANVAS until the person chose the other one, also after a reload."""
    return preference(_PREFERENCE, (CANVAS, STACK))


def view_switch() -> None:
    """Draws the switch between the two."""
    state.follow(_KEY, view_chosen())
    st.segmented_control(
        "View",
        [CANVAS, STACK],
        key=_KEY,
        required=True,
        label_visibility="collapsed",
        on_change=_chosen,
        help="The canvas draws the network; the stack lists its layers, one under another",
    )


def _chosen() -> None:
    prefer(_PREFERENCE, str(state.widget(_KEY)))
