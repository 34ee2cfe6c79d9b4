"""One parameter of a run on the screen: names, statistics, pictures, table, files."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import streamlit as st

from builder.inspection import export, figures, statistics, tiles
from builder.inspection.axes import axis_names
from builder.inspection.layers import Layer
from builder.inspection.weights import Weight, printed
from builder.ui import state
from builder.ui.markdown import plain

_NUMBERS: Final = "%.4g"


def show_weight(
    weight: Weight, before: Weight | None, layers: Sequence[Layer], moment: str
) -> None:
    """One parameter: how it is called, its statistics, a picture of it, and the files.

    `moment`: when it was so, "Epoch 3".
    """
    layer = next((one for one in layers if one.holds(weight.name)), None)
    names = [weight.attribute, *([weight.indexed_name] if weight.indexed_name else [])]
    with st.container(key="lw_names", horizontal=True, vertical_alignment="center", gap="small"):
        for name in names:
            st.code(name, language="python", width="content")
        st.space("stretch")
        _downloads(weight, moment)
    kind = "learned" if weight.learned else "a buffer: kept, not learned"
    axes = _axes(weight, layer)
    sizes = " × ".join(f"{size} {name}" for size, name in zip(weight.shape, axes, strict=True))
    words = [layer.words if layer else weight.layer, sizes, weight.dtype, kind]
    st.caption(plain(" · ".join(word for word in words if word)))
    st.dataframe(
        statistics.summary({**({"Epoch 0": before} if before else {}), moment: weight}),
        column_config=_number_columns(),
        hide_index=True,
    )
    if before is not None:
        st.markdown(plain(statistics.change_words(weight.array, before.array)))
    views = ["Heatmap", "Table", "Histogram", "Printed"]
    if tiles.has_filters(weight.array, weight.family):
        views.insert(0, "Filters")
    if state.widget("inspect_view") not in views:
        state.follow("inspect_view", views[0])
    view = st.segmented_control(
        "View", views, key="inspect_view", required=True, label_visibility="collapsed"
    )
    sides = [("Epoch 0", before), (moment, weight)] if before else [("", weight)]
    shown = [(title, side) for title, side in sides if side is not None]
    if view == "Filters":
        _filters(shown)
    elif view == "Histogram":
        _histogram(shown, moment)
    elif view == "Printed":
        _printed(shown)
    else:
        _matrix(shown, axes, as_table=view == "Table")


def _axes(weight: Weight, layer: Layer | None) -> tuple[str, ...]:
    """What each axis counts: out_features, in_features."""
    inside = weight.name.removeprefix(f"{layer.path}.") if layer else weight.name
    grouped = layer is not None and "groups=" in layer.words
    return axis_names(layer.kind if layer else "", inside, len(weight.shape), grouped=grouped)


def _matrix(shown: Sequence[tuple[str, Weight]], axes: Sequence[str], *, as_table: bool) -> None:
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
        tiles.tile(side.array, axes, first_row=top, first_column=left, rows=rows, columns=columns)
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
    part = parts[0]
    names = f"Rows: {part.y_title}. Columns: {part.x_title}." if as_table and part.y_title else ""
    scale = "" if as_table or len(shown) == 1 else "Both pictures share one colour scale."
    if words := " ".join(word for word in (names, says, scale) if word):
        st.caption(plain(words))


def _filters(shown: Sequence[tuple[str, Weight]]) -> None:
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


def _histogram(shown: Sequence[tuple[str, Weight]], moment: str) -> None:
    """How often which value occurs, before and after over the same bins."""
    counted, note = statistics.histograms({title or moment: side.array for title, side in shown})
    st.plotly_chart(
        figures.histogram(counted, x_title="Value of the weight", dark=state.dark()),
        theme=None,
        key="inspect_histogram",
    )
    if note:
        st.caption(note)


def _printed(shown: Sequence[tuple[str, Weight]]) -> None:
    """What PyTorch prints for it, of the part that was looked up."""
    index = state.recall("inspect.index") or ()
    for title, side in shown:
        if title:
            st.markdown(f"**{title}**")
        st.code(printed(side, index), language="text", height=None if index else 320)


def _downloads(weight: Weight, moment: str) -> None:
    """The whole tensor as CSV and as npy."""
    file = f"{weight.name}-{moment.lower().replace(' ', '-')}"
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
        **{name: st.column_config.NumberColumn(format=_NUMBERS) for name in names},
        **{name: st.column_config.NumberColumn(format="percent") for name in shares},
    }
