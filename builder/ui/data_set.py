"""The chosen set: what it looks like, how it is cut and prepared, and how the network stands to it."""

from __future__ import annotations

from typing import Literal

import pandas as pd
import streamlit as st

from builder.data import (
    Card,
    DataChoice,
    Dataset,
    Fit,
    Upload,
    card_of,
    disagreements,
    open_upload,
    plan_fit,
)
from builder.errors import DataRefused, LayerwiseError, quote
from builder.graph.model import format_shape
from builder.graph.size import format_count
from builder.inspection.samples import can_be_drawn, is_pictures, sample_figure
from builder.ui import state
from builder.ui.anew import draw_anew
from builder.ui.data_cache import load, loaded
from builder.ui.markdown import plain
from builder.ui.places import go_to

_PREVIEW_ROWS = 20
_MOST_AXES = 200


def chosen_set(choice: DataChoice) -> tuple[Card, Upload | None]:
    """The card of a choice, and the upload where it is one. Errors: NotFound, DataRefused."""
    if choice.upload_id is None:
        return card_of(choice.source, dict(choice.options)), None
    upload = open_upload(state.owner_dir(), choice.upload_id)
    return upload.card, upload


def show(view: Literal["all", "set"]) -> None:
    """Goes to all data sets or to the chosen one, from its top, and draws the page again."""
    state.keep("data.view", view)
    state.keep("data.top", state.recall("data.top", 0) + 1)
    draw_anew()


def begin_at_the_top() -> None:
    """Scrolls up once after `show`: a card chosen far down would open a page scrolled far down."""
    turn = state.recall("data.top", 0)
    if turn:
        st.html(
            f"<script>/* {int(turn)} */ document.querySelector('[data-testid=\"stMain\"]')"
            "?.scrollTo(0, 0)</script>",
            unsafe_allow_javascript=True,
        )


def try_to_load(choice: DataChoice) -> Dataset | None:
    """The tensors of a choice; a refusal is told here and gives None."""
    at_hand = loaded(choice, state.owner_dir()) is not None
    try:
        dataset = load(choice, state.owner_dir())
    except LayerwiseError as refusal:
        st.error(plain(refusal), icon=":material/report:")
        return None
    if not at_hand and disagreements(state.graph(), dataset, state.check().report):
        draw_anew()  # the head was drawn before anybody could say that they do not fit
    return dataset


def heading(card: Card) -> None:
    """The set's name, what it is about, and the way back to the others."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(plain(card.title), anchor=False, width="content")
        st.caption(plain(card.description), width="stretch")
        if st.button("All data sets", icon=":material/grid_view:", key="data_all"):
            show("all")


def picture(dataset: Dataset) -> None:
    """Points, a curve or a sheet of pictures; the axes can be chosen where there are more than two."""
    if not can_be_drawn(dataset):
        st.caption("Rows of this shape have no picture. The table below shows them.")
        return
    axes = None
    names = dataset.features
    if 2 < len(names) <= _MOST_AXES and not is_pictures(dataset):
        from builder.inspection.samples import telling_pair

        first, second = telling_pair(dataset)
        left, right = st.columns(2)
        axes = (
            left.selectbox("Across", names, first, key=f"data_x_{dataset.card.key}"),
            right.selectbox("Up", names, second, key=f"data_y_{dataset.card.key}"),
        )
    st.plotly_chart(
        sample_figure(dataset, dark=state.dark(), axes=axes),
        theme=None,
        width="stretch",
        config={"displayModeBar": False},
        key="data_picture",
    )


def facts(card: Card, dataset: Dataset | None) -> None:
    """The card's lines: rows, shapes, classes, units, origin, licence."""
    shown = dataset.card if dataset else card
    with st.container(key="lw_data_facts", gap=None):
        for label, text in shown.facts:
            with st.container(horizontal=True, gap="small", wrap=False):
                st.caption(label, width=72)
                st.markdown(plain(text), width="stretch")
        if card.link:
            st.link_button(
                "Where it comes from", card.link, icon=":material/open_in_new:", type="tertiary"
            )


def uploaded_table(upload: Upload) -> None:
    """A person's own file: its first rows, what stands in each column, what was noticed in reading."""
    rows, columns = st.tabs(["First rows", "Columns"])
    with rows:
        st.dataframe(upload.head(), hide_index=True, height=250)
    with columns:
        st.dataframe(_column_table(upload), hide_index=True, height=250)
    st.caption("  \n".join(plain(note) for note in upload.notes))


def first_rows(dataset: Dataset) -> None:
    """The first rows of a table as they came; pictures have none."""
    if dataset.head is not None:
        st.dataframe(dataset.preview(_PREVIEW_ROWS), hide_index=True, height=300)


def parts(dataset: Dataset) -> None:
    """How many rows train, validate and test, and what was handled on the way."""
    counts = (
        ("blue", "training", dataset.train),
        ("orange", "validation", dataset.validation),
        ("green", "test", dataset.test),
    )
    st.markdown(
        " ".join(
            f":{colour}-badge[{format_count(len(p.x))} {n}]" for colour, n, p in counts if len(p.x)
        )
        + " rows"
    )
    st.caption("  \n".join(f":material/check: {plain(note)}" for note in dataset.notes))


def planned_fit(dataset: Dataset) -> Fit | DataRefused:
    """What would make the network fit a set, or why nothing simple does; worked out once for both."""
    now = (state.graph(), dataset, state.training_settings().goal)
    known, found = state.recall("data.fit", (None, None))
    if known is None or known[0] is not now[0] or known[1] is not now[1] or known[2] != now[2]:
        try:
            found = plan_fit(*now)
        except DataRefused as refusal:
            found = refusal
        state.keep("data.fit", (now, found))
    planned: Fit | DataRefused = found
    return planned


def fit_panel(dataset: Dataset, fit: Fit | DataRefused) -> None:
    """How the network stands to the set, and the one click that makes it fit."""
    with st.container(border=True, key="lw_data_fit", gap="small"):
        shape = format_shape(dataset.input_spec.shape)
        if isinstance(fit, DataRefused):
            st.markdown(":material/error: **This network does not fit yet**")
            for found in disagreements(state.graph(), dataset, state.check().report):
                st.markdown(plain(found.message))
            st.caption(plain(fit))
            if st.button("Go to the build page", key="data_to_build", icon=":material/layers:"):
                go_to("Build")
            return
        if not fit.changes:
            st.markdown(
                f":material/check_circle: **The network fits**: it takes {shape} and gives what "
                f"{plain(quote(dataset.target.name))} needs."
            )
            if st.button(
                "Go on to Train",
                key="data_to_train",
                type="primary",
                icon=":material/arrow_forward:",
            ):
                go_to("Train")
            return
        st.markdown(":material/tune: **The network does not fit this data yet**")
        for found in disagreements(state.graph(), dataset, state.check().report):
            st.markdown(plain(found.message))
        st.button(
            "Fit the network to this data",
            key="data_fit",
            type="primary",
            icon=":material/auto_fix_high:",
            on_click=_carry_out,
            args=(fit,),
        )
        st.caption(plain(fit.sentence) + " Undo takes it back.")


def _carry_out(fit: Fit) -> None:
    if fit.edit is None or state.edit(fit.edit):
        state.set_data_choice(fit.choice)


def _column_table(upload: Upload) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Column": [c.name for c in upload.columns],
            "Holds": [c.kind for c in upload.columns],
            "Missing": [c.missing for c in upload.columns],
            "Different": [c.different for c in upload.columns],
            "Lowest": [c.low for c in upload.columns],
            "Highest": [c.high for c in upload.columns],
            "Mean": [c.mean for c in upload.columns],
            "Deviation": [c.deviation for c in upload.columns],
            "Examples": [", ".join(c.examples) for c in upload.columns],
        }
    )
