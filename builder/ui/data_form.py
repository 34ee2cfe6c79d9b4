"""How the chosen set is cut and prepared: every field shows the choice, and changes it at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import streamlit as st

from builder.data import Card, DataChoice, Option, Upload
from builder.data.choice import (
    MISSING_CATEGORIES,
    MISSING_NUMBERS,
    TASKS,
    parse_shape,
    split_at,
)
from builder.errors import LayerwiseError
from builder.graph.size import format_exact
from builder.ui import state

_MOST_COLUMNS = 300


def set_form(choice: DataChoice, card: Card, upload: Upload | None) -> None:
    """Draws the fields that this set has: its options, its columns, its split, its preparation."""
    if card.options:
        st.markdown("**Options**")
        for option in card.options:
            _option(choice, option)
    if upload is not None:
        st.markdown("**Target and columns**")
        _target(choice, upload)
    elif card.target.count == 2:
        _task(choice, ("auto", "binary"))
    if upload is None and len(card.features) > 1:
        _columns(choice, card.features)
    st.markdown("**Split**")
    _split(choice)
    st.markdown("**Preparation**")
    _preparation(choice, card, upload)


def _option(choice: DataChoice, option: Option) -> None:
    key = f"data_{choice.source}_{option.name}"
    state.follow(key, choice.options.get(option.name, option.default))
    title = option.title or option.name

    def changed() -> None:
        _set(replace(choice, options={**choice.options, option.name: state.widget(key)}))

    common: dict[str, Any] = {"key": key, "help": option.help or None, "on_change": changed}
    if option.type == "bool":
        st.toggle(title, **common)
    elif option.type == "choice":
        st.segmented_control(
            title, option.choices, format_func=str.capitalize, required=True, **common
        )
    else:
        kind = int if option.type == "int" else float
        st.number_input(
            title,
            min_value=None if option.minimum is None else kind(option.minimum),
            max_value=None if option.maximum is None else kind(option.maximum),
            step=_step(option),
            **common,
        )


def _step(option: Option) -> Any:
    if option.type == "float":
        return 0.05
    return 100 if isinstance(option.default, int) and option.default >= 100 else 1


def _target(choice: DataChoice, upload: Upload) -> None:
    target = choice.target or upload.target

    def new_target(name: str) -> None:
        kept = None if choice.columns is None else tuple(c for c in choice.columns if c != name)
        _set(replace(choice, target=name, columns=kept or None, task="auto"))

    _select("Target: the column to learn", "data_target", upload.names, target, new_target)
    _task(choice, tuple(TASKS))
    _columns(choice, tuple(name for name in upload.names if name != target))


def _task(choice: DataChoice, offered: tuple[str, ...]) -> None:
    def new_task(task: Any) -> None:
        _set(replace(choice, task=task))

    _select("Task", "data_task", offered, choice.task, new_task, TASKS.__getitem__)


def _columns(choice: DataChoice, names: tuple[str, ...]) -> None:
    if len(names) > _MOST_COLUMNS:
        st.caption(f"All {format_exact(len(names))} other columns are features.")
        return
    key = f"data_columns_{choice.source}"
    state.follow(key, list(choice.columns or names))

    def changed() -> None:
        chosen = tuple(name for name in names if name in state.widget(key))
        _set(replace(choice, columns=None if chosen in ((), names) else chosen))

    with st.expander(f"Features: {len(choice.columns or names)} of {len(names)} columns"):
        st.multiselect("Features", names, key=key, on_change=changed, label_visibility="collapsed")


def _split(choice: DataChoice) -> None:
    key = f"data_split_{choice.source}"
    cuts = (round(choice.split[0] * 100), round((choice.split[0] + choice.split[1]) * 100))
    state.follow(key, cuts)

    def changed() -> None:
        validation_from, test_from = state.widget(key)
        _set(replace(choice, split=split_at(max(validation_from, 1), test_from)))

    st.slider(
        "Training | validation | test, in percent",
        0,
        100,
        key=key,
        on_change=changed,
        help="Left of the first handle trains, between them validates, right of the second tests.",
    )
    seed_key = "data_split_seed"
    state.follow(seed_key, choice.split_seed)

    def new_seed() -> None:
        _set(replace(choice, split_seed=state.widget(seed_key)))

    st.number_input(
        "Seed of the split",
        0,
        2**31 - 1,
        key=seed_key,
        on_change=new_seed,
        help="The same seed, the same rows in each part. Classes keep their shares.",
    )


def _preparation(choice: DataChoice, card: Card, upload: Upload | None) -> None:
    key = "data_standardise"
    state.follow(key, card.standardise if choice.standardise is None else choice.standardise)

    def changed() -> None:
        _set(replace(choice, standardise=state.widget(key)))

    st.toggle(
        "Standardise",
        key=key,
        on_change=changed,
        help="Mean 0 and deviation 1, measured on the training part only.",
    )
    if upload is not None:
        _missing(choice, upload)
        _shape(choice)


def _missing(choice: DataChoice, upload: Upload) -> None:
    holes = {c.kind for c in upload.columns if c.missing}
    if holes - {"text"}:

        def numbers(policy: Any) -> None:
            _set(replace(choice, missing_numbers=policy))

        _select(
            "Missing numbers",
            "data_missing_numbers",
            tuple(MISSING_NUMBERS),
            choice.missing_numbers,
            numbers,
            MISSING_NUMBERS.__getitem__,
        )
    if "text" in holes:

        def texts(policy: Any) -> None:
            _set(replace(choice, missing_categories=policy))

        _select(
            "Missing texts",
            "data_missing_categories",
            tuple(MISSING_CATEGORIES),
            choice.missing_categories,
            texts,
            MISSING_CATEGORIES.__getitem__,
        )


def _shape(choice: DataChoice) -> None:
    key = "data_shape"
    state.follow(key, "×".join(map(str, choice.shape or ())))

    def changed() -> None:
        try:
            _set(replace(choice, shape=parse_shape(state.widget(key) or "")))
        except LayerwiseError as refusal:
            state.say(str(refusal), "warning")

    st.text_input(
        "Shape of a row",
        key=key,
        on_change=changed,
        max_chars=40,
        placeholder="as it comes, a flat row",
        help="Cuts a row of pixels into a picture: 1×28×28 for 784 columns.",
    )


def _select(
    label: str,
    key: str,
    offered: tuple[str, ...],
    value: str,
    change: Callable[[Any], None],
    words: Callable[[Any], str] = str,
) -> None:
    state.follow(key, value if value in offered else offered[0])

    def changed() -> None:
        change(state.widget(key))

    st.selectbox(label, offered, key=key, on_change=changed, format_func=words)


def _set(choice: DataChoice) -> None:
    state.set_data_choice(choice)
