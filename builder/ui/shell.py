"""The frame around every page: navigation, style, and one sentence instead of a traceback."""

from __future__ import annotations

import logging
import secrets
from pathlib import Path
from typing import Final

import streamlit as st

from builder.errors import LayerwiseError
from builder.ui.leaving import wait_for_what_is_written
from builder.ui.markdown import plain
from builder.ui.places import PLACES

_LOG: Final = logging.getLogger("layerwise")
_DAY: Final = 24 * 60 * 60  # seconds
_STYLE: Final = Path(__file__).with_name("style.css")
_ICON: Final = (
    Path(__file__).with_name("assets") / "icon.svg"
)  # a Material name is fetched from afar
_LOGO: Final = Path(__file__).with_name("assets") / "logo.svg"


def run_page() -> None:
    """Draws the page the person is on. The body of app.py when it runs as a script."""
    st.set_page_config(page_title="Layerwise", page_icon=str(_ICON), layout="wide")
    st.html(_STYLE)
    st.logo(str(_LOGO), size="large")
    pages = [
        st.Page(p.file, title=p.title, icon=p.icon, default=p.title == "Gallery", help=p.purpose)
        for p in PLACES
        if p.exists
    ]
    page = st.navigation(pages, position="top")
    _ask_anew()
    wait_for_what_is_written()
    try:
        page.run()
    except Exception as trouble:
        explain(trouble)


@st.fragment(run_every=_DAY)
def _ask_anew() -> None:
    """Draws nothing; lets the browser ask for the whole page when it finds its server again.

    A server that was started anew, or waited two minutes, gives it a new session, which knows none of
    the page's fragments and widgets: what is done there would be passed over in silence. Streamlit asks
    by itself only where a fragment runs at times. tests/browser/test_canvas_restart.py guards this.
    """


def explain(trouble: Exception) -> bool:
    """Shows one sentence for an exception; what was not foreseen is logged under a number.

    Streamlit's own rerun and stop are no `Exception` and pass by. Returns True, which tells
    `st.App` that the screen is taken care of.
    """
    if isinstance(trouble, LayerwiseError):
        st.warning(plain(str(trouble)), icon=":material/error:")
        return True
    number = secrets.token_hex(4)
    _LOG.error("Unexpected error %s", number, exc_info=trouble)
    st.error(
        f"Something went wrong on our side (error {number}). Your work is saved. "
        "Reload the page; if it comes back, tell whoever runs this server the number.",
        icon=":material/report:",
    )
    return True
