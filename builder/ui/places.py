"""The pages there are: file, title, icon, what each is for, and which comes next."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import streamlit as st

from builder.ui import state

_ROOT: Final = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Place:
    """One page. `file`: relative to app.py. `purpose`: one line under its title."""

    file: str
    title: str
    icon: str
    purpose: str

    @property
    def exists(self) -> bool:
        return (_ROOT / self.file).is_file()


PLACES: Final = (
    Place(
        "pages/gallery.py",
        "Gallery",
        ":material/grid_view:",
        "Start from a network that works, or go on where you left off.",
    ),
    Place(
        "pages/build.py",
        "Build",
        ":material/layers:",
        "Stack and wire layers. Every shape is worked out as you go.",
    ),
    Place(
        "pages/code.py",
        "Code",
        ":material/code:",
        "The PyTorch code of this network, exactly as it is trained.",
    ),
    Place(
        "pages/graph.py",
        "Graph",
        ":material/account_tree:",
        "The autograd graph of a real forward pass, and the architecture.",
    ),
    Place(
        "pages/data.py",
        "Data",
        ":material/table_chart:",
        "Choose what the network learns from, and how it is split.",
    ),
    Place(
        "pages/train.py",
        "Train",
        ":material/model_training:",
        "Train in the background and watch the curves move.",
    ),
    Place(
        "pages/inspect.py",
        "Inspect",
        ":material/query_stats:",
        "Look at what was learned, layer by layer.",
    ),
)


def place(title: str) -> Place | None:
    """The page of that title."""
    return next((p for p in PLACES if p.title == title), None)


def next_place(title: str) -> Place | None:
    """The page that follows, None after the last one or where it is not there."""
    titles = [p.title for p in PLACES]
    following = PLACES[titles.index(title) + 1 :] if title in titles else ()
    return next((p for p in following if p.exists), None)


def go_to(title: str) -> None:
    """Switches to another page with the open project in its URL; a page not there changes nothing."""
    target = place(title)
    if target and target.exists:
        st.switch_page(target.file, query_params={"project": state.project_id() or ""})
