"""The Inspect page: what a run had learned after an epoch, parameter by parameter."""

from __future__ import annotations

import streamlit as st

from builder.inspection.layers import layers_of
from builder.inspection.weights import weights
from builder.training import Run, Store
from builder.ui import state
from builder.ui.head import page_head
from builder.ui.keeping import say_if_nothing_is_kept
from builder.ui.markdown import plain
from builder.ui.weight_choice import (
    choose_epoch,
    choose_run,
    choose_weight,
    look_up_field,
    nothing_trained,
    say_if_changed_since,
    show_answer,
)
from builder.ui.weights_view import show_all, show_weight


def look_inside(run: Run, epoch: int, beside: bool) -> None:
    """Everything below the first row."""
    layers = layers_of(run.graph)
    listed = weights(run, epoch)
    start = weights(run, 0) if beside and epoch > 0 and 0 in run.epochs() else []
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
        show_weight(weight, before, layers, epoch)
    show_all(listed, start)


page_head("Inspect", needs_project=False)
say_if_nothing_is_kept()
cards = Store().runs(state.owner())
if not cards:
    nothing_trained()
    st.stop()
run_field, epoch_field, side_field, find_field = st.columns(
    [2, 2.4, 1.3, 2], vertical_alignment="bottom", gap="medium"
)
with run_field:
    run = choose_run(cards)
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
look_inside(run, epoch, beside)
