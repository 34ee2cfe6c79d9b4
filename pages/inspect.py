"""The Inspect page: what a run had learned after an epoch, parameter by parameter."""

from __future__ import annotations

import streamlit as st

from builder.errors import LayerwiseError
from builder.inspection.layers import Layer, layers_of
from builder.inspection.weights import Weight, weights, weights_of
from builder.training import Run, Store
from builder.ui import state
from builder.ui.head import page_head
from builder.ui.keeping import say_if_nothing_is_kept
from builder.ui.markdown import plain
from builder.ui.own_weights import Kept, own_tensors, own_weights
from builder.ui.weight_choice import (
    choose_epoch,
    choose_run,
    choose_weight,
    look_up_field,
    nothing_trained,
    say_if_changed_since,
    show_answer,
)
from builder.ui.weights_panel import weights_button
from builder.ui.weights_view import show_all, show_weight


def look_inside(
    layers: list[Layer], listed: list[Weight], start: list[Weight], moment: str
) -> None:
    """Everything below the first row."""
    if not listed:
        st.info("This network has no weights: there is nothing it could learn.")
        return
    with find_field:
        look_up_field(listed, layers)
    show_answer()
    left, right = st.columns([1, 3.2], gap="medium")
    with left:
        weight = choose_weight(listed)
    with right:
        before = next((w for w in start if w.name == weight.name and w.shape == weight.shape), None)
        show_weight(weight, before, layers, moment)
    show_all(listed, start)


def look_inside_run(run: Run) -> None:
    """The weights of a run after an epoch, beside those before training."""
    with epoch_field:
        epoch = choose_epoch(run)
    say_if_changed_since(run, cards)
    if epoch is None:
        st.info(plain(f"This run has kept no weights yet. {run.sentence}"), icon=":material/info:")
        st.stop()
    beside = side_field.toggle(
        "Beside epoch 0",
        value=True,
        key="inspect_beside",
        persist_state="session",
        disabled=epoch == 0,
        help="Shows the weights before training next to these, with one scale.",
    )
    start = weights(run, 0) if beside and epoch > 0 and 0 in run.epochs() else []
    look_inside(layers_of(run.graph), weights(run, epoch), start, f"Epoch {epoch}")


def look_inside_own(kept: Kept) -> None:
    """The weights that a person brought for the open project."""
    if not kept.fits:
        st.warning(plain(kept.sentence), icon=":material/error:")
        st.stop()
    epoch_field.caption("Your file, before any training here.")
    layers = layers_of(state.graph())
    try:
        listed = weights_of(own_tensors(kept), layers)
    except LayerwiseError as refusal:
        st.warning(plain(str(refusal)), icon=":material/error:")
        st.stop()
    look_inside(layers, listed, [], "Your file")


page_head("Inspect", needs_project=False, beside=lambda: weights_button("inspect"))
say_if_nothing_is_kept()
cards, kept = Store().runs(state.owner()), own_weights()
if not cards and kept is None:
    nothing_trained()
    st.stop()
run_field, epoch_field, side_field, find_field = st.columns(
    [2, 2.4, 1.3, 2], vertical_alignment="bottom", gap="medium"
)
with run_field:
    run = choose_run(cards, kept)
if run is not None:
    look_inside_run(run)
elif kept is not None:
    look_inside_own(kept)
