"""The graph view: a DOT text drawn in the browser, to zoom, move, select in, and take along.

A packaged `st.components.v2` component: its sources are in `frontend/graph_view`, its built bundle
in `assets`. No `dot` program is needed: Graphviz runs as WebAssembly in a worker of the browser.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from builder.ui import state
from builder.ui.packaged import packaged


def graph_view(
    dot: str,
    *,
    file: str = "",
    above: int = 240,
    name: str = "graph",
    key: str,
    label: str = "Graph",
) -> str | None:
    """Draws a directed graph and returns the name of the node that was clicked, None without one.

    Args:    dot: Graphviz's text; a mistake in it is shown as a sentence in the view.
             file: the text downloads are made of, where that is another one: the light drawing.
             above: pixels of the page around it; the view is as high as the window leaves it.
             name: file name of downloads, without an ending.
             label: what a screen reader calls the drawing.
    """
    value: dict[str, Any] = state.widget(key) or {}
    component = packaged("graph_view", Path(__file__).parent, '<div class="graph-view"></div>')
    result = component(
        key=key,
        data={
            "dot": dot,
            "file": file or dot,
            "above": above,
            "name": name,
            "label": label,
            "selected": value.get("node"),
        },
        on_node_change=_nothing,
    )
    node = result.get("node")
    return node if isinstance(node, str) else None


def _nothing() -> None:
    """Streamlit reports a value back only where a callback asks for it; the rerun is all we need."""
