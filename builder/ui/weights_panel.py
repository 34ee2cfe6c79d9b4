"""Weights of a person's own on the screen: brought with code that was read, or for an open project."""

from __future__ import annotations

from typing import Any, Final

import streamlit as st

from builder.code.weight_files import ENDINGS
from builder.errors import LayerwiseError
from builder.graph.model import Graph
from builder.graph.size import format_bytes
from builder.ui import state
from builder.ui.anew import draw_anew
from builder.ui.markdown import plain
from builder.ui.own_weights import Kept, bring, look_into, own_weights, take_away
from builder.ui.places import go_to
from builder.ui.weight_choice import OWN_WANTED

_MIB: Final = 50  # what the server takes (maxUploadSize in .streamlit/config.toml)
_TYPES: Final = [ending.removeprefix(".") for ending in ENDINGS]
_WIDTH: Final = 340  # pixels
_FITTED: Final = "weights.fitted"
_NUMBER: Final = "weights.number"
_HELP: Final = (
    "A checkpoint's names and shapes are held against the network's, strictly. Of a .pt only tensors "
    "are opened (weights_only=True); a whole pickled model is refused. For larger files: python -m "
    "builder import, train and export take --weights FILE."
)


# With code that was read --------------------------------------------------------------------------


def weights_field(place: str, graph: Graph, number: int) -> None:
    """The field for a checkpoint beside a network that was read, and what of it fits.

    `number`: of the answer, which is another one for each text.
    """
    file = st.file_uploader(
        "Its weights (.safetensors or .pt)",
        type=_TYPES,
        key=_field_key(place),
        max_upload_size=_MIB,
        help=_HELP,
    )
    if file is None:
        return
    asked = (file.file_id, number)
    known, tone, sentence = state.recall(_FITTED, (None, "", ""))
    if known != asked:
        with st.spinner("Looking into the file…"):
            tone, sentence = _held_against(file, graph)
        state.keep(_FITTED, (asked, tone, sentence))
    show, icon = {
        "fits": (st.success, ":material/check_circle:"),
        "differs": (st.warning, ":material/error:"),
    }.get(tone, (st.error, ":material/report:"))
    show(plain(sentence), icon=icon)
    if tone == "fits":
        st.caption("They come along: the new project keeps them, and training starts from them.")


def bring_with(place: str) -> None:
    """Keeps the checkpoint of that field with the project that was just opened."""
    file = state.widget(_field_key(place))
    if file is not None:
        with st.spinner("Reading the weights…"):
            bring(file)


def _held_against(file: Any, graph: Graph) -> tuple[str, str]:
    try:
        fit = look_into(file, graph)
    except LayerwiseError as refusal:
        return "refused", str(refusal)
    except OSError as error:
        return "refused", f"The file cannot be looked into: {error.strerror}."
    return "fits" if fit.ok else "differs", fit.sentence


def _field_key(place: str) -> str:
    return f"lw_read_weights_{place}"


# For the open project -----------------------------------------------------------------------------


def weights_button(place: str) -> None:
    """What is kept with the open project, and the field to bring others, behind a button."""
    with (
        st.popover("Weights", icon=":material/database_upload:", help="Bring weights of your own"),
        st.container(width=_WIDTH),
    ):
        weights_panel(place)


def weights_panel(place: str) -> None:
    """What is kept with the open project, and the field to bring others."""
    kept = own_weights()
    if kept is not None:
        _kept(place, kept)
    number = int(state.recall(_NUMBER, 0))
    file = st.file_uploader(
        "Bring others" if kept else "Bring weights (.safetensors or .pt)",
        type=_TYPES,
        key=f"lw_weights_{place}_{number}",
        max_upload_size=_MIB,
        help=_HELP,
    )
    if kept is None:
        st.caption("They stay with the project: training starts from them, Inspect shows them.")
    if file is not None:
        with st.spinner("Reading the weights…"):
            bring(file)
        state.keep(_NUMBER, number + 1)  # an empty field, for the next ones
        draw_anew()


def _kept(place: str, kept: Kept) -> None:
    count = "1 tensor" if kept.weights.tensors == 1 else f"{kept.weights.tensors} tensors"
    st.markdown(f"**{plain(kept.title)}**")
    st.caption(f"{count} · {format_bytes(kept.weights.bytes)}")
    if kept.fits:
        st.caption(":material/check: They fit the network: training starts from them.")
    else:
        st.caption(f":material/error: {plain(kept.sentence)}")
    with st.container(horizontal=True, gap="small"):
        if place != "inspect" and st.button(
            "Look at them",
            key=f"lw_weights_look_{place}",
            icon=":material/query_stats:",
            disabled=not kept.fits,
        ):
            state.keep(OWN_WANTED, state.project_id())
            go_to("Inspect")
        st.button(
            "Take them away",
            key=f"lw_weights_away_{place}",
            icon=":material/delete:",
            on_click=take_away,
            help="Removes them from this project; what was trained from them stays",
        )
