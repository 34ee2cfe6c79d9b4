"""The gallery's cards and the list of a person's own projects."""

from __future__ import annotations

import functools
import logging
from itertools import groupby
from pathlib import Path
from typing import Final

import streamlit as st

from builder.gallery import Design, designs, project
from builder.graph.size import format_layers
from builder.graph.summary import facts
from builder.inspection.sketch import MOST_NODES, sketch
from builder.ui import state
from builder.ui.markdown import plain
from builder.ui.projects import ProjectCard, read_file, read_project
from builder.ui.times import moment

_LOG: Final = logging.getLogger("layerwise")
_STYLE: Final = Path(__file__).with_name("assets") / "cards.css"
_OWN_SHOWN: Final = 4  # a line of them, so that the designs stay in sight


def cards_style() -> None:
    """What cards look like; for a page that shows any."""
    st.html(_STYLE)


def design_cards(search: str = "") -> str | None:
    """Draws the gallery, group by group. Returns the key of the design a person opened."""
    opened = None
    wanted = [d for d in designs().values() if _matches(d, search)]
    if not wanted:
        st.caption("No design is called so. Clear the search to see all of them.")
    for place, (group, members) in enumerate(groupby(wanted, key=lambda d: d.group)):
        st.subheader(group, anchor=False)
        with st.container(key=f"lw_grid_{place}"):
            for design in members:
                if _design_card(design):
                    opened = design.key
    return opened


def own_projects() -> str | None:
    """Draws a person's projects, newest first. Returns the id of the one to open."""
    cards = state.list_projects()
    opened = None
    with st.container(key="lw_grid_own"):
        for card in cards[:_OWN_SHOWN]:
            if _own_card(card):
                opened = card.id
    if len(cards) > _OWN_SHOWN:
        with (
            st.expander(
                "One older"
                if len(cards) == _OWN_SHOWN + 1
                else f"{len(cards) - _OWN_SHOWN} older ones",
                key="lw_older",
            ),
            st.container(key="lw_grid_older"),
        ):
            for card in cards[_OWN_SHOWN:]:
                if _own_card(card):
                    opened = card.id
    return opened


def unreadable_projects() -> None:
    """Draws those of a person's projects that cannot be opened: why, and the file to take along."""
    for card in state.unreadable_projects():
        name = plain(card.name) or card.id
        with st.container(key=f"lw_unreadable_{card.id}", border=True, gap="xsmall"):
            st.markdown(f":orange[:material/error:] **{name}** cannot be opened.")
            st.caption(plain(card.unreadable))
            with st.container(horizontal=True, gap="xsmall"):
                st.download_button(
                    "Download its file",
                    data=functools.partial(read_file, state.owner(), card.id),
                    file_name=f"{card.id}.json",
                    mime="application/json",
                    key=f"lw_take_{card.id}",
                    icon=":material/download:",
                )
                _delete(card)


def _design_card(design: Design) -> bool:
    with st.container(key=f"lw_card_{design.key}", border=True, gap="xsmall"):
        _picture(design.key, _design_sketch(design.key, state.dark()))
        clicked = st.button(
            plain(design.title), key=f"lw_open_{design.key}", type="tertiary", width="stretch"
        )
        st.markdown(plain(design.lesson))
        st.caption(_facts(design.key))
    return clicked


def _picture(key: str, svg: str) -> None:
    if svg:
        with st.container(key=f"lw_picture_{key}"):
            st.image(svg, width="stretch")


@st.cache_data(show_spinner=False)
def _design_sketch(key: str, dark: bool) -> str:
    return sketch(project(key).graph, dark)


@st.cache_data(show_spinner=False, max_entries=500)
def _own_sketch(owner: str, project_id: str, saved_at: float, dark: bool) -> str:
    """A person's network as a picture; "" where it cannot be drawn, for the card does without."""
    del saved_at  # part of what it is remembered by: a saved change is a new picture
    try:
        return sketch(read_project(owner, project_id)[0].graph, dark)
    except Exception:
        _LOG.warning("Project %s could not be drawn for its card", project_id, exc_info=True)
        return ""


@st.cache_data(show_spinner=False)
def _facts(key: str) -> str:
    """N×784 → N×10 · 5 layers · 102k parameters."""
    from builder.graph.check import check

    graph = project(key).graph
    return facts(graph, check(graph).report)


def _own_card(card: ProjectCard) -> bool:
    current = card.id == state.project_id()
    with st.container(key=f"lw_own_{card.id}", border=True, gap="xsmall"):
        if card.layers <= MOST_NODES:
            _picture(card.id, _own_sketch(state.owner(), card.id, card.saved_at, state.dark()))
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False):
            clicked = st.button(
                plain(card.name) or "Untitled network",
                key=f"lw_mine_{card.id}",
                type="tertiary",
                width="stretch",
            )
            _delete(card)
        st.caption(
            f"{format_layers(card.layers)} · saved {moment(card.saved_at)}{' · open' if current else ''}"
        )
    return clicked


def _delete(card: ProjectCard) -> None:
    with st.popover("", icon=":material/delete:", type="tertiary", help="Delete this project"):
        st.markdown(f"Delete **{plain(card.name) or card.id}** for good?")
        st.button(
            "Delete",
            key=f"lw_delete_{card.id}",
            type="primary",
            on_click=state.delete_project,
            args=(card.id,),
        )


def _matches(design: Design, search: str) -> bool:
    text = f"{design.title} {design.lesson} {design.group}".lower()
    return all(word in text for word in search.lower().split())
