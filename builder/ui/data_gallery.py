"""Choosing data: the cards of the sets there are, a person's own files, and bringing another one."""

from __future__ import annotations

from typing import Final

import streamlit as st

from builder.data import (
    Card,
    DataChoice,
    Upload,
    cards,
    check_upload,
    delete_upload,
    list_uploads,
)
from builder.data.limits import MAX_FILE_BYTES, MIB
from builder.errors import LayerwiseError, NotFound
from builder.graph.model import format_shape
from builder.graph.size import format_count
from builder.ui import state
from builder.ui.cards import cards_style
from builder.ui.data_cache import card_picture
from builder.ui.markdown import plain

_PER_ROW: Final = 4
_ENDINGS: Final = ["csv", "tsv", "txt", "data", "parquet", "pq"]


def gallery() -> DataChoice | None:
    """Draws everything there is to choose from. Returns the choice a person made."""
    cards_style()
    brought = _own_files()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.subheader("Ready to use", anchor=False, width="content")
        st.caption(
            "Real tables and pictures, and sets drawn from a seed. All of them work offline."
        )
    chosen = None
    known = list(cards().values())
    for start in range(0, len(known), _PER_ROW):
        columns = st.columns(_PER_ROW, gap="small")
        for column, card in zip(columns, known[start : start + _PER_ROW], strict=False):
            with column:
                if _set_card(card):
                    chosen = DataChoice(card.key)
    return brought or chosen


def _set_card(card: Card) -> bool:
    with st.container(key=f"lw_card_data_{card.key}", border=True, gap="xsmall", height="stretch"):
        st.image(card_picture(card.key, state.dark()), width="stretch")
        clicked = st.button(
            card.title, key=f"lw_open_data_{card.key}", type="tertiary", width="stretch"
        )
        st.markdown(card.description)
        st.caption(_facts(card))
    return clicked


def _facts(card: Card) -> str:
    goal = "number" if card.target.kind == "number" else f"{card.target.count} classes"
    return f"{format_count(card.rows)} rows · {format_shape(card.spec.shape)} · {goal}"


def _own_files() -> DataChoice | None:
    st.subheader("Your own", anchor=False)
    mine = list_uploads(state.owner_dir())
    left, right = st.columns([1, 1] if mine else [1, 0.001], gap="medium")
    with left:
        brought = _bring()
    chosen = None
    with right:
        for upload in mine:
            if _own_row(upload):
                chosen = DataChoice(upload.source)
    return brought or chosen


def _bring() -> DataChoice | None:
    """The field for a file. A refused one is not read again until it is another one."""
    file = st.file_uploader(
        "Bring a table: CSV, TSV or parquet",
        type=_ENDINGS,
        key="data_file",
        max_upload_size=MAX_FILE_BYTES // MIB,
    )
    if file is None:
        return None
    refused_id, refusal = state.recall("data.refused", ("", ""))
    if refused_id != file.file_id:
        with st.spinner("Reading the file…"):
            try:
                return DataChoice(
                    check_upload(file.getvalue(), file.name, state.owner_dir()).source
                )
            except LayerwiseError as error:
                refusal = str(error)
                state.keep("data.refused", (file.file_id, refusal))
    st.error(plain(refusal), icon=":material/report:")
    return None


def _own_row(upload: Upload) -> bool:
    with (
        st.container(key=f"lw_own_data_{upload.id}", border=True),
        st.container(horizontal=True, vertical_alignment="center", gap="small", wrap=False),
    ):
        clicked = st.button(
            plain(upload.filename),
            key=f"lw_mine_data_{upload.id}",
            type="tertiary",
            width="stretch",
        )
        st.caption(
            f"{format_count(upload.rows)} rows · {format_count(len(upload.columns))} columns",
            width="content",
        )
        with st.popover("", icon=":material/delete:", type="tertiary", help="Delete this file"):
            st.markdown(f"Delete **{plain(upload.filename)}** for good? Runs keep their own copy.")
            st.button(
                "Delete",
                key=f"data_delete_{upload.id}",
                type="primary",
                on_click=_delete,
                args=(upload.id,),
            )
    return clicked


def _delete(upload_id: str) -> None:
    choice = state.data_choice()
    try:
        delete_upload(state.owner_dir(), upload_id)
    except NotFound:
        pass  # deleted in another tab: what was asked for is so
    except LayerwiseError as refusal:
        state.say(f"The file was not deleted: {refusal}", "error")
        return
    if choice is not None and choice.upload_id == upload_id:
        state.set_data_choice(None)
