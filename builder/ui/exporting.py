"""The panel *Export* of the Code page: a file to take along, which is given only with its proof."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import streamlit as st

from builder.export.formats import Format
from builder.export.names import file_stem
from builder.export.queue import get_exports
from builder.export.refusing import why_not
from builder.export.wish import Wish
from builder.ui import state
from builder.ui.anew import draw_anew
from builder.ui.export_choice import choose_format, choose_wish
from builder.ui.export_result import ask, export_result
from builder.ui.head import does_not_fit
from builder.ui.markdown import plain
from builder.ui.places import go_to

_OPEN: Final = "export.open"
_STYLE: Final = Path(__file__).with_name("assets") / "export.css"


def export_button() -> None:
    """Opens and closes the panel."""
    opened = bool(state.recall(_OPEN, False))
    st.button(
        "Close export" if opened else "Export",
        key="lw_export_switch",
        icon=":material/close:" if opened else ":material/ios_share:",
        help=None if opened else "A file to take along: code, project, notebook, weights, ONNX …",
        on_click=lambda: state.keep(_OPEN, not opened),
    )


def export_panel() -> None:
    """The panel, where it is open: the formats on the left; on the right the choices and the file."""
    if not state.recall(_OPEN, False):
        return
    with st.container(key="lw_export", border=True):
        st.html(_STYLE)
        with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
            st.markdown("**Export**", width="content")
            st.caption(
                "A file to take along. It is first run in a clean Python and held against the network "
                "here; you get it only with that proof."
            )
        left, right = st.columns([1, 1.3], gap="large")
        with left:
            wanted = choose_format()
        with right:
            name = f"{file_stem(state.project().name)}{wanted.suffix}"
            st.markdown(f"**{wanted.title}**  `{name}`")
            wish = choose_wish(wanted)
            reason = _why_not(wanted, wish)
            _button(wish, reason)
            _shown(wish)


def _why_not(wanted: Format, wish: Wish) -> str:
    """What is in the way, known without running anything."""
    has_data = wish.run is not None or state.data_choice() is not None
    report = state.check().report
    reason = why_not(
        wish.graph, report, wanted.key, wish.style,
        trained=wish.run is not None, has_data=has_data,
    )  # fmt: skip
    if not reason and wanted.trains and wish.run is None:
        reason = does_not_fit()
    return reason


def _button(wish: Wish, reason: str) -> None:
    """*Export*, or what is in the way of it; nothing where the file is there or being made."""
    if reason:
        st.warning(plain(reason), icon=":material/block:")
        lacks_data = wish.to == "zip" and wish.run is None and wish.project.data is None
        if lacks_data and st.button(
            "Choose data", key="lw_export_to_data", icon=":material/table_chart:"
        ):
            go_to("Data")
        return
    # Not by a callback: a quick click after another choice would ask for what was chosen before.
    if get_exports().status(wish) is None and st.button(
        "Export", key="lw_export_go", type="primary", icon=":material/ios_share:"
    ):
        ask(wish)
        draw_anew()


def _shown(wish: Wish) -> None:
    """How it stands; where it was never asked for, the last one of this format, and how that differs."""
    exports = get_exports()
    if exports.status(wish) is not None:
        export_result(wish, wish)
        return
    last = exports.last(state.owner(), state.project_id() or "", wish.to)
    status = exports.status(last) if last is not None else None
    if last is not None and status is not None and status.state != "refused":
        export_result(last, wish)
