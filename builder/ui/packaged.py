"""Registers the components that are built into this package with Streamlit.

Streamlit finds a packaged component only when a distribution and its import package bear one name;
ours are `layerwise` and `builder`, so the scan of installed packages passes an editable install by.
We hand it the same manifest ourselves, through the manager the scan itself calls.
`tests/inspection/test_graph_view.py` guards this inner door against new Streamlits.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2.get_bidi_component_manager import get_bidi_component_manager
from streamlit.components.v2.manifest_scanner import ComponentConfig, ComponentManifest

_PROJECT = "layerwise"


def packaged(name: str, folder: Path, html: str) -> Callable[..., Any]:
    """The component whose built bundle is `folder`/assets/index-*.js, ready to be drawn.

    Call it when a page runs, not at import: before the server runs there is nothing to register
    with. `html` is our own markup; no text of a person may stand in it.
    """
    manager = get_bidi_component_manager()  # each runtime has its own; a test has one a run
    if manager.get_component_asset_root(f"{_PROJECT}.{name}") is None:
        manifest = ComponentManifest(_PROJECT, "0.1.0", [ComponentConfig(name, "assets")])
        manager.register_from_manifest(manifest, folder)
    return _component(name, html)


@functools.cache
def _component(name: str, html: str) -> Callable[..., Any]:
    component: Callable[..., Any] = st.components.v2.component(
        f"{_PROJECT}.{name}", html=html, js="index-*.js", isolate_styles=True
    )
    return component
