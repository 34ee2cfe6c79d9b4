"""What leads to another page waits in the browser for what was just written on this one.

    wait_for_what_is_written()    # once in each run, before the page

Draws nothing. Its source, with the reason, is in `frontend/leaving`, its built bundle in `assets`.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from builder.ui.packaged import packaged

_FOLDER = Path(__file__).parent


def wait_for_what_is_written() -> None:
    """Lets no change of pages overtake what a field of this page tells when it is left."""
    with st.container(key="lw_leaving"):
        packaged("leaving", _FOLDER, "<span hidden></span>")(key="lw_leaving_waits")
