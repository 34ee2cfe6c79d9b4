"""The Inspect page: what a run had learned after an epoch, parameter by parameter."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import streamlit as st

from builder.errors import InspectionRefused, LayerwiseError
from builder.inspection import export, figures, statistics, tiles
from builder.inspection.layers import Layer, layers_of
from builder.inspection.weights import Weight, look_up, printed, weights
from builder.training import Run, Store
from builder.ui import state
from builder.ui.head import page_head
from builder.ui.markdown import plain

LIST_HEIGHT = 560
NUMBERS = "%.4g"


def choose_run() -> Run | None:
    """The run to look at, among those that have kept weights."""
    store = Store()
    cards = store.runs(state.owner())
    if not cards:
        st.info(
            "Nothing has been trained yet. Train a network, and its weights can be looked at here, "
            "epoch by epoch.",
            icon=":material/query_stats:",
        )
        st.page_link("pages/train.py", label="Go to Train", icon=":material/model_training:")
        return None
    names = {card.id: f"{card.name} · {card.state}" for card in cards}
    wanted, _ = state.chosen_run() or (None, None)
    ids = list(names)
    run_id = st.selectbox(
        "Run",
        ids,
        index=ids.index(wanted) if wanted in ids else 0,
        format_func=names.__getitem__,
        key="inspect_run",
    )
    if run_id != wanted:
        state.choose_run(run_id)
    return store.open(run_id, state.owner())


def choose_epoch(run: Run) -> int | None:
    """The epoch to look at; 0 is before training."""
    kept = run.epochs()
    if not kept:
        st.info(
            plain(f"This run has kept no weights yet. {run.sentence}"),
            icon=":material/hourglass_empty:",
        )
        return None
    run_id, wanted = state.chosen_run() or (None, None)
    if len(kept) == 1:
        return kept[0]
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
        text = st.session_state["inspect_look_up"]
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
        st.session_state["inspect_weight"] = found.weights[0].name
        state.keep("inspect.index", found.index)
        if found.index:
            st.session_state["inspect_view"] = "Printed"

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
    if st.session_state.get("inspect_weight") not in by_name:
        st.session_state["inspect_weight"] = next(iter(by_name))
    with st.container(height=LIST_HEIGHT, border=True):
        name = st.radio(
            "Parameter",
            list(by_name),
            format_func=plain,
            captions=[_caption(weight) for weight in listed],
            key="inspect_weight",
            on_change=partial(state.keep, "inspect.index", ()),
        )
    return by_name[name]


def show_weight(weight: Weight, before: Weight | None, layers: Sequence[Layer], epoch: int) -> None:
    """One parameter: how it is called, its statistics, a picture of it, and the files."""
    layer = next((one for one in layers if one.holds(weight.name)), None)
    names = [weight.attribute, *([weight.indexed_name] if weight.indexed_name else [])]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for name in names:
            st.code(name, language="python", width="content")
        st.space("stretch")
        downloads(weight, epoch)
    kind = "learned" if weight.learned else "a buffer: kept, not learned"
    st.caption(plain(" · ".join([layer.words if layer else weight.layer, weight.dtype, kind])))
    st.dataframe(
        statistics.summary({**({"Epoch 0": before} if before else {}), f"Epoch {epoch}": weight}),
        column_config=_number_columns(),
        hide_index=True,
    )
    views = ["Heatmap", "Table", "Histogram", "Printed"]
    if tiles.has_filters(weight.array, weight.family):
        views.insert(0, "Filters")
    if st.session_state.get("inspect_view") not in views:
        st.session_state["inspect_view"] = views[0]
    view = st.segmented_control(
        "View", views, key="inspect_view", required=True, label_visibility="collapsed"
    )
    sides = [("Epoch 0", before), (f"Epoch {epoch}", weight)] if before else [("", weight)]
    shown = [(title, side) for title, side in sides if side is not None]
    if view == "Filters":
        show_filters(shown)
    elif view == "Histogram":
        show_histogram(shown, epoch)
    elif view == "Printed":
        show_printed(shown)
    else:
        show_matrix(shown, as_table=view == "Table")


def show_matrix(shown: Sequence[tuple[str, Weight]], *, as_table: bool) -> None:
    """The numbers as colours or as digits; of a big tensor the part the person chose."""
    weight = shown[0][1]
    rows, columns = (
        (tiles.TABLE_ROWS, tiles.TABLE_COLUMNS)
        if as_table
        else (tiles.HEATMAP_ROWS, tiles.HEATMAP_COLUMNS)
    )
    whole = tiles.as_matrix(weight.array).shape
    top, left = 0, 0
    if whole[0] > rows or whole[1] > columns:
        first, second, _ = st.columns([1, 1, 2])
        top = first.number_input("First row", 0, whole[0] - 1, key=f"inspect_row_{weight.name}")
        left = second.number_input(
            "First column", 0, whole[1] - 1, key=f"inspect_column_{weight.name}"
        )
    parts = [
        tiles.tile(
            side.array, side.family, first_row=top, first_column=left, rows=rows, columns=columns
        )
        for _, side in shown
    ]
    limit = figures.largest(*(part.values for part in parts))
    for place, (title, _), part in zip(st.columns(len(shown)), shown, parts, strict=True):
        with place:
            if title:
                st.markdown(f"**{title}**")
            if as_table:
                st.dataframe(tiles.table(part), height=420)
            else:
                st.plotly_chart(
                    figures.heatmap(
                        part.values,
                        x_title=part.x_title,
                        y_title=part.y_title,
                        dark=state.dark(),
                        limit=limit,
                        first_row=part.first_row,
                        first_column=part.first_column,
                        height=figures.heatmap_height(part.values.shape[0]),
                    ),
                    theme=None,
                    key=f"inspect_heatmap_{title}",
                )
    says = parts[0].says
    scale = "" if as_table or len(shown) == 1 else "Both pictures share one colour scale."
    if says or scale:
        st.caption(f"{says} {scale}".strip())


def show_filters(shown: Sequence[tuple[str, Weight]]) -> None:
    """Convolution filters as images; two epochs share the scale of each filter."""
    channels = shown[0][1].shape[1]
    channel = None
    if channels > 3 and len(shown[0][1].shape) > 3:
        choice = st.selectbox(
            "Input channel", ["Mean of all", *range(channels)], key="inspect_channel", width=220
        )
        channel = choice if isinstance(choice, int) else None
    for place, (title, side), (_, other) in zip(
        st.columns(len(shown)), shown, reversed(shown), strict=True
    ):
        with place:
            if title:
                st.markdown(f"**{title}**")
            drawn = tiles.filters(
                side.array, channel=channel, scaled_with=other.array if len(shown) > 1 else None
            )
            st.plotly_chart(
                figures.filter_grid(drawn.images, labels=drawn.labels, dark=state.dark()),
                theme=None,
                key=f"inspect_filters_{title}",
                config={"displayModeBar": False},
            )
    scale = "black is its smallest value, white its largest" + (
        " of both epochs" if len(shown) > 1 else ""
    )
    st.caption(f"Each filter has its own scale: {scale}. {drawn.says}")


def show_histogram(shown: Sequence[tuple[str, Weight]], epoch: int) -> None:
    """How often which value occurs, before and after over the same bins."""
    counted, note = statistics.histograms(
        {title or f"Epoch {epoch}": side.array for title, side in shown}
    )
    st.plotly_chart(
        figures.histogram(counted, x_title="Value of the weight", dark=state.dark()),
        theme=None,
        key="inspect_histogram",
    )
    if note:
        st.caption(note)


def show_printed(shown: Sequence[tuple[str, Weight]]) -> None:
    """What PyTorch prints for it, of the part that was looked up."""
    index = state.recall("inspect.index") or ()
    for title, side in shown:
        if title:
            st.markdown(f"**{title}**")
        st.code(printed(side, index), language="text", height=None if index else 320)


def downloads(weight: Weight, epoch: int) -> None:
    """The whole tensor as CSV and as npy."""
    file = f"{weight.name}-epoch-{epoch}"
    fits = weight.array.size <= export.MOST_NUMBERS_IN_CSV
    st.download_button(
        "CSV",
        partial(export.to_csv, weight.array, weight.name) if fits else b"",
        f"{file}.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
        disabled=not fits,
        help=None if fits else "Too many numbers for text. Take the npy file.",
    )
    st.download_button(
        "npy",
        partial(export.to_npy, weight.array),
        f"{file}.npy",
        "application/octet-stream",
        icon=":material/download:",
        on_click="ignore",
    )


def show_all(listed: Sequence[Weight], start: Sequence[Weight]) -> None:
    """Statistics of every parameter; with the first epoch also how far each has moved."""
    st.subheader("All parameters")
    st.dataframe(
        statistics.statistics_table(listed, start),
        column_config=_number_columns(),
        hide_index=True,
    )
    if start:
        st.caption(
            "Change is the length of what was added since epoch 0, as a share of where it began."
        )


def _number_columns() -> dict[str, Any]:
    names = ("Mean", "Deviation", "Minimum", "Maximum", "Norm")
    shares = ("Zeros", "Change")
    return {
        **{name: st.column_config.NumberColumn(format=NUMBERS) for name in names},
        **{name: st.column_config.NumberColumn(format="percent") for name in shares},
    }


def _caption(weight: Weight) -> str:
    shape = "×".join(map(str, weight.shape)) or "scalar"
    return f"{shape} · {weight.array.size:,}".replace(",", "\u2009")


def _example(listed: Sequence[Weight]) -> str:
    indexed = next((w.indexed_name for w in listed if w.indexed_name), None)
    names = [name for name in (indexed, listed[0].attribute) if name]
    return " or ".join(names)


def inspect_run() -> None:
    run_field, epoch_field, side_field, find_field = st.columns(
        [2, 2.4, 1.3, 2], vertical_alignment="bottom", gap="medium"
    )
    with run_field:
        run = choose_run()
    if run is None:
        return
    with epoch_field:
        epoch = choose_epoch(run)
    if epoch is None:
        return
    beside = side_field.toggle(
        "Beside epoch 0",
        value=True,
        key="inspect_beside",
        persist_state="session",
        disabled=epoch == 0,
        help="Shows the weights before training next to these, with one scale.",
    )
    layers = layers_of(run.graph)
    listed = weights(run, epoch)
    if not listed:
        st.info("This network has no weights: there is nothing it could learn.")
        return
    start = weights(run, 0) if beside and epoch > 0 and 0 in run.epochs() else []
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
try:
    inspect_run()
except LayerwiseError as refusal:
    st.warning(plain(refusal), icon=":material/error:")
