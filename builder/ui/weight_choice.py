"""Choosing what to look at on the Inspect page: a run, an epoch, a parameter."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

import streamlit as st

from builder.errors import InspectionRefused, LayerwiseError
from builder.graph.changes import change_words
from builder.inspection.layers import Layer
from builder.inspection.weights import Weight, look_up
from builder.training import Run, RunCard, Store
from builder.ui import state
from builder.ui.markdown import plain
from builder.ui.own_weights import Kept
from builder.ui.worded import worded

OWN_WANTED: Final = "inspect.own"
"""Of this session: the project whose own weights are looked at."""
_OWN: Final = "own"
_LIST_HEIGHT: Final = 560  # pixels
_LISTED_WHOLE: Final = 10  # parameters that fit without scrolling


def nothing_trained() -> None:
    """What to do when there is no run yet, and no weights were brought."""
    st.info(
        "Nothing has been trained yet. Train a network, and its weights can be looked at here, "
        "epoch by epoch; or bring weights of your own."
        if state.is_open()
        else "Nothing has been trained yet. Train a network, and its weights can be looked at here, "
        "epoch by epoch.",
        icon=":material/query_stats:",
    )
    st.page_link("pages/train.py", label="Go to Train", icon=":material/model_training:")


def choose_run(cards: Sequence[RunCard], kept: Kept | None = None) -> Run | None:
    """The run to look at, the one chosen elsewhere first; None for the open project's own weights."""
    names = {card.id: f"{card.name} · {card.state}" for card in cards}
    if kept is not None:
        names = {_OWN: f"Your weights · {kept.title}", **names}
    ids = list(names)
    run_id = st.selectbox(
        "Run",
        ids,
        index=ids.index(_wanted(cards, kept)),
        format_func=names.__getitem__,
        key=worded("inspect_run", names.values()),
    )
    state.keep(OWN_WANTED, state.project_id() if run_id == _OWN else None)
    if run_id == _OWN:
        return None
    if run_id != (state.chosen_run() or (None,))[0]:
        state.choose_run(run_id)
    return Store().open(run_id, state.owner())


def _wanted(cards: Sequence[RunCard], kept: Kept | None) -> str:
    """What is looked at before a person chooses: own weights where the project has no run yet."""
    chosen, _ = state.chosen_run() or (None, None)
    ids, project = [card.id for card in cards], state.project_id()
    asked = state.recall(OWN_WANTED) == project
    trained = any(card.summary.get("project") == project for card in cards)
    if kept is not None and (asked or (chosen not in ids and not trained)):
        return _OWN
    return chosen if chosen is not None and chosen in ids else ids[0]


def say_if_changed_since(run: Run, cards: Sequence[RunCard]) -> None:
    """One caption where the open project's network is another by now than the one that was trained."""
    run_id, _ = state.chosen_run() or (None, None)
    card = next((card for card in cards if card.id == run_id), None)
    if card is None or not state.is_open() or card.summary.get("project") != state.project_id():
        return
    try:
        before = run.graph
    except LayerwiseError:
        return  # a run without its project.json: the rest of the page says what there is
    if changed := change_words(before, state.graph()):
        st.caption(f":material/history: This run was made before {plain(changed)}.")


def choose_epoch(run: Run) -> int | None:
    """The epoch to look at, 0 is before training; None while no weights are kept."""
    kept = run.epochs()
    run_id, wanted = state.chosen_run() or (None, None)
    if len(kept) < 2:
        return kept[0] if kept else None
    epoch: int = st.select_slider(
        "Epoch",
        kept,
        value=wanted if wanted in kept else kept[-1],
        key=f"inspect_epoch_{run_id}",
        help="0 is before training. Of long runs not every epoch is kept.",
    )
    state.choose_run(run_id, epoch)
    return epoch


def look_up_field(listed: Sequence[Weight], layers: Sequence[Layer]) -> None:
    """Takes model[2].weight or model.fc1.weight, and shows what it names."""

    def find() -> None:
        text = state.widget("inspect_look_up", "")
        state.keep("inspect.index", ())
        if not text.strip():
            return
        try:
            found = look_up(text, listed, layers)
        except InspectionRefused as refusal:
            state.keep("inspect.answer", ("warning", str(refusal)))
            return
        if not found.weights and found.layer is not None:
            answer = f"{found.layer.words} has no weights."
            state.keep("inspect.answer", ("info", answer))
            return
        state.follow("inspect_weight", found.weights[0].name)
        state.keep("inspect.index", found.index)
        if found.index:
            state.follow("inspect_view", "Printed")

    st.text_input(
        "Look up",
        key="inspect_look_up",
        on_change=find,
        max_chars=300,
        placeholder=_example(listed),
        help="By index or by name, as in Python: model[2].weight, model.fc1.weight, "
        "model.fc1.weight[0, :5], model[1].",
    )


def show_answer() -> None:
    """Why a look-up showed nothing; gone with the next click."""
    tone, words = state.recall("inspect.answer") or ("", "")
    state.keep("inspect.answer", None)
    if tone == "warning":
        st.warning(plain(words), icon=":material/search_off:")
    elif words:
        st.info(plain(words), icon=":material/info:")


def choose_weight(listed: Sequence[Weight]) -> Weight:
    """The parameter to look at, from the list in the network's order."""
    by_name = {weight.name: weight for weight in listed}
    if state.widget("inspect_weight") not in by_name:
        state.follow("inspect_weight", next(iter(by_name)))
    long = len(listed) > _LISTED_WHOLE
    with st.container(height=_LIST_HEIGHT if long else "content", border=True):
        name = st.radio(
            "Parameter",
            list(by_name),
            format_func=plain,
            captions=[_caption(weight) for weight in listed],
            key="inspect_weight",
            on_change=partial(state.keep, "inspect.index", ()),
        )
    return by_name[name]


def _caption(weight: Weight) -> str:
    shape = "×".join(map(str, weight.shape)) or "scalar"
    if len(weight.shape) < 2:
        return shape
    return f"{shape} · {weight.array.size:,} numbers".replace(",", "\u2009")


def _example(listed: Sequence[Weight]) -> str:
    indexed = next((w.indexed_name for w in listed if w.indexed_name), None)
    names = [name for name in (indexed, listed[0].attribute) if name]
    return " or ".join(names)
