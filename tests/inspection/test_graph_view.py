"""The packaged component: found by Streamlit through the door we use, built, small to send, licensed."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import streamlit as st
from streamlit.components.v2.component_manager import BidiComponentManager
from streamlit.components.v2.manifest_scanner import ComponentConfig, ComponentManifest

import builder.ui.graph_view

FOLDER = Path(builder.ui.graph_view.__file__).parent
ASSETS = FOLDER / "assets"
SOURCES = Path(__file__).parents[2] / "frontend" / "graph_view"


def test_streamlit_still_takes_a_manifest_by_hand() -> None:
    """`builder.ui.packaged` uses this inner door; a new Streamlit that shuts it must fail here."""
    manager = BidiComponentManager()
    manager.register_from_manifest(
        ComponentManifest("layerwise", "0", [ComponentConfig("graph_view", "assets")]), FOLDER
    )
    assert manager.get_component_asset_root("layerwise.graph_view") == ASSETS.resolve()
    definition = manager.build_definition_with_validation(
        component_key="layerwise.graph_view", html="<div></div>", css=None, js="index-*.js"
    )
    assert definition.js_url and definition.js_url.startswith("index-")


def test_the_public_door_takes_what_we_give_it() -> None:
    assert {"name", "html", "js", "isolate_styles"} <= set(
        inspect.signature(st.components.v2.component).parameters
    )


def test_one_bundle_is_committed_with_the_licences_of_what_is_in_it() -> None:
    assert len(list(ASSETS.glob("index-*.js"))) == 1
    licences = (ASSETS / "LICENCES.txt").read_text("utf-8")
    for words in ("Apache License", "Eclipse Public License", "Permission is hereby granted"):
        assert words in licences


def test_the_drawing_never_goes_through_inner_html() -> None:
    for source in SOURCES.glob("src/*.ts"):
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(",
            source.read_text("utf-8"),
        ), source
