"""Whether work is kept: the sentence for a disk that takes nothing, and the project as a file."""

from __future__ import annotations

import streamlit as st

from builder.errors import LayerwiseError
from builder.home import why_nothing_is_kept
from builder.ui import state
from builder.ui.markdown import plain


def say_if_nothing_is_kept() -> None:
    """One warning on top of a page whose server's disk is full or may not be written to."""
    refusal = why_nothing_is_kept()
    if refusal is not None:
        st.warning(
            f"Nothing new is kept at the moment. {plain(str(refusal))}",
            icon=":material/cloud_off:",
        )


def download_project() -> None:
    """The button that hands out the open project; one that cannot be written says why instead.

    The text is made here and not when it is asked for: Streamlit would do that outside this session.
    """
    try:
        text, refusal = state.export_project(), None
    except LayerwiseError as error:
        text, refusal = "", plain(str(error))
    st.download_button(
        "Download this project",
        text,
        file_name=state.file_name(".json"),
        mime="application/json",
        icon=":material/download:",
        key="lw_download",
        on_click="ignore",
        disabled=refusal is not None,
        help=refusal,
    )
