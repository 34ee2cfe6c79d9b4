"""Drawing the page anew from within a run."""

from __future__ import annotations

import streamlit as st

from builder.ui import state


def draw_anew() -> None:
    """Ends this run and begins another one, unless the person has gone on meanwhile: that comes first.

    Streamlit joins a bare `st.rerun` with what waits from the browser, and takes the page of the rerun
    for both: a click that led to another page while this run was at work would do nothing. Looking
    into the session state is where a run gives way to what waits.
    """
    state.widget("lw_gives_way")
    st.rerun()
