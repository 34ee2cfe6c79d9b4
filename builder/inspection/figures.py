"""The figures of the pages, drawn by plotly with one theme: curves, heatmaps, histograms, filters.

Each takes plain numbers and gives a `plotly.graph_objects.Figure`. `dark` chooses the page's side.
Show them in Streamlit with `theme=None`.
"""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from builder.inspection import theme

MOST_CURVE_POINTS = 500  # per line: more cannot be told apart, and each is sent to the browser

Array: TypeAlias = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of a chart. `split` is "train", "validation" or "test"; None in `y` leaves a gap.

    `label`: in the legend; `hover`: before the value under the pointer, where that is another.
    """

    split: str
    x: Sequence[float]
    y: Sequence[float | None]
    label: str = ""
    hover: str = ""


def curves(
    lines: Sequence[Curve],
    *,
    y_title: str,
    x_title: str = "Epoch",
    dark: bool = False,
    log_y: bool = False,
    height: int = 340,
) -> go.Figure:
    """Train and validation curves over epochs or steps, always in the same two colours."""
    figure = _empty(dark, height)
    for line in lines:
        figure.add_trace(
            _line(
                line,
                name=plain(line.label or line.split.capitalize()),
                colour=theme.split_colour(line.split, dark),
                dash="solid" if line.split == "train" else "dash",
            )
        )
    return _named_axes(figure, x_title, y_title, log_y)


def compare_runs(
    runs: Mapping[str, Sequence[Curve]],
    *,
    y_title: str,
    x_title: str = "Epoch",
    dark: bool = False,
    log_y: bool = False,
    height: int = 380,
) -> go.Figure:
    """One colour a run; train is drawn thin and dotted, validation (or test) full."""
    figure = _empty(dark, height)
    for index, (name, lines) in enumerate(runs.items()):
        only_train = all(line.split == "train" for line in lines)
        for line in lines:
            quiet = line.split == "train" and not only_train
            trace = _line(
                line,
                name=plain(name if len(lines) == 1 else f"{name} · {line.split}"),
                colour=theme.run_colour(index, dark),
                dash="dot" if quiet else theme.run_dash(index),
            )
            trace.update(opacity=0.6 if quiet else 1.0, legendgroup=str(index))
            figure.add_trace(trace)
    return _named_axes(figure, x_title, y_title, log_y)


def heatmap(
    values: Array,
    *,
    x_title: str,
    y_title: str,
    dark: bool = False,
    limit: float | None = None,
    first_row: int = 0,
    first_column: int = 0,
    height: int = 420,
    title: str = "",
) -> go.Figure:
    """A matrix (rows, columns) in colours around zero; row 0 on top, as torch prints it.

    `limit`: the value at full colour (both signs), given to set two pictures to one scale; by
    default the largest absolute value. Values that are not finite are left blank.
    """
    matrix = np.asarray(values, dtype=np.float64)
    scale = limit if limit else largest(matrix)
    rows, columns = matrix.shape
    figure = _empty(dark, height, title)
    figure.add_trace(
        go.Heatmap(
            z=np.where(np.isfinite(matrix), matrix, np.nan),
            x0=first_column,
            dx=1,
            y0=first_row,
            dy=1,
            zmin=-scale,
            zmax=scale,
            colorscale=[list(stop) for stop in theme.DIVERGING[dark]],
            colorbar=_colour_bar("Value"),
            hovertemplate=_place_words(x_title, y_title) + "<br>%{z:.6g}<extra></extra>",
        )
    )
    figure.update_layout(hovermode="closest", margin={"t": 48 if title else 12})
    figure.update_xaxes(title_text=plain(x_title), showgrid=False, **_whole_ticks(columns))
    figure.update_yaxes(
        title_text=plain(y_title), showgrid=False, autorange="reversed", **_whole_ticks(rows)
    )
    return figure


def _place_words(x_title: str, y_title: str) -> str:
    """out_features 3, in_features 7; "row" and "column" where an axis stands for several."""
    one_each = "×" not in x_title
    across, down = (x_title, y_title) if one_each else ("column", y_title)
    down = f"{plain(down.split(':')[0])} %{{y}}, " if down else ""
    return f"{down}{plain(across or 'column')} %{{x}}"


def heatmap_height(rows: int) -> int:
    """Pixels in which `rows` can be told apart, within what a page has room for."""
    return max(200, min(520, 130 + 14 * rows))


def histogram(
    series: Mapping[str, tuple[Array, Array]],
    *,
    x_title: str = "Value",
    y_title: str = "Count",
    dark: bool = False,
    height: int = 320,
) -> go.Figure:
    """Counted bins, one series a name: `(counts, edges)` with one edge more than counts."""
    figure = _empty(dark, height)
    for index, (name, (counts, edges)) in enumerate(series.items()):
        edges = np.asarray(edges, dtype=np.float64)
        figure.add_trace(
            go.Bar(
                x=(edges[:-1] + edges[1:]) / 2,
                y=counts,
                width=np.diff(edges),
                name=plain(name),
                marker={"color": theme.run_colour(index, dark), "line": {"width": 0}},
                opacity=1.0 if len(series) == 1 else 0.62,
                customdata=np.stack([edges[:-1], edges[1:]], axis=1),
                hovertemplate="%{customdata[0]:.4g} to %{customdata[1]:.4g}: %{y:,}",
            )
        )
    figure.update_layout(barmode="overlay", bargap=0, showlegend=len(series) > 1)
    figure.update_layout(hovermode="closest" if len(series) == 1 else "x")
    return _named_axes(figure, x_title, y_title, log_y=False)


def filter_grid(
    images: Array, *, labels: Sequence[str] = (), dark: bool = False, columns: int = 0
) -> go.Figure:
    """Small pictures in a grid: (count, height, width) grey or (count, height, width, 3) colour.

    Values lie in 0…1 already; see `builder.inspection.filters`.
    """
    count = len(images)
    columns = columns or max(1, min(count, 8 if count <= 32 else 12))
    rows = max(1, math.ceil(count / columns))
    # Written out as one value: plotly's own way, a call an axis, takes half a second for 64 pictures.
    across, down = 0.08 / columns, min(0.3 / rows, 0.12)
    width, height = (1 - across * (columns - 1)) / columns, (1 - down * (rows - 1)) / rows
    # A frame around each: a white corner of a filter must not run into a white page.
    frame = {
        "showline": True,
        "mirror": True,
        "linecolor": theme.ink(dark).quiet,
        "linewidth": 1,
        "showgrid": False,
        "zeroline": False,
        "showticklabels": False,
        "ticks": "",
        "constrain": "domain",
    }
    layout: dict[str, Any] = {"annotations": []}
    traces: list[dict[str, Any]] = []
    for index, image in enumerate(images):
        row, column = divmod(index, columns)
        left, bottom = column * (width + across), 1 - row * (height + down) - height
        number = "" if index == 0 else str(index + 1)
        layout[f"xaxis{number}"] = frame | {
            "domain": [left, min(1.0, left + width)],
            "anchor": f"y{number}",
        }
        layout[f"yaxis{number}"] = frame | {
            "domain": [max(0.0, bottom), min(1.0, bottom + height)],
            "anchor": f"x{number}",
            "autorange": "reversed",
            "scaleanchor": f"x{number}",
            "scaleratio": 1,
        }
        traces.append(_filter(image) | {"xaxis": f"x{number}", "yaxis": f"y{number}"})
        if index < len(labels):
            layout["annotations"].append(
                {
                    "text": plain(labels[index]),
                    "x": left + width / 2,
                    "y": min(1.0, bottom + height),
                    "xref": "paper",
                    "yref": "paper",
                    "xanchor": "center",
                    "yanchor": "bottom",
                    "showarrow": False,
                    "font": {"size": theme.FONT_SIZE - 3},
                }
            )
    look = {
        "template": theme.template(dark),
        "height": 60 + 90 * rows,
        "hovermode": "closest",
        "showlegend": False,
        "margin": {"t": 30, "b": 6},
    }
    return go.Figure({"data": traces, "layout": layout | look})


def _filter(image: Array) -> dict[str, Any]:
    """One picture of the grid as a trace: grey from 0 to 1, or in its own colours."""
    if image.ndim == 3:
        return {
            "type": "image",
            "z": np.round(image * 255).astype(np.uint8),
            "hoverinfo": "skip",
        }
    return {
        "type": "heatmap",
        "z": image,
        "zmin": 0,
        "zmax": 1,
        "colorscale": "Greys_r",
        "showscale": False,
        "hovertemplate": "row %{y}, column %{x}<br>%{z:.3f}<extra></extra>",
    }


def scatter(
    points: Array,
    groups: Sequence[str],
    *,
    x_title: str,
    y_title: str,
    dark: bool = False,
    height: int = 420,
) -> go.Figure:
    """Points (count, 2), coloured and shaped by the group each belongs to."""
    figure = _empty(dark, height)
    symbols = ("circle", "diamond", "square", "triangle-up", "x", "cross", "star", "hexagon")
    names = list(dict.fromkeys(groups))
    kind = np.asarray(groups, dtype=object)
    for index, name in enumerate(names):
        chosen = np.asarray(points)[kind == name]
        figure.add_trace(
            go.Scatter(
                x=chosen[:, 0],
                y=chosen[:, 1],
                mode="markers",
                name=plain(name),
                marker={
                    "color": theme.run_colour(index, dark),
                    "symbol": symbols[index % len(symbols)],
                    "size": 8,
                    "opacity": 0.8,
                },
                hovertemplate="%{x:.4g}, %{y:.4g}",
            )
        )
    figure.update_layout(hovermode="closest", showlegend=len(names) > 1)
    return _named_axes(figure, x_title, y_title, log_y=False)


def largest(*arrays: Array) -> float:
    """The largest finite absolute value of all arrays, 1 where there is none: a shared scale."""
    finite = [np.abs(a[np.isfinite(a)]) for a in map(np.asarray, arrays)]
    top = max((float(a.max()) for a in finite if a.size), default=0.0)
    return top or 1.0


def plain(text: str) -> str:
    """A person's text for plotly, which reads a few HTML tags in its labels: shown as written."""
    return html.escape(text, quote=False)


def _empty(dark: bool, height: int, title: str = "") -> go.Figure:
    figure = go.Figure()
    figure.update_layout(template=theme.template(dark), height=height)
    if title:
        figure.update_layout(title_text=plain(title), margin={"t": 48})
    return figure


def _line(line: Curve, name: str, colour: str, dash: str) -> go.Scatter:
    step = max(1, math.ceil(len(line.x) / MOST_CURVE_POINTS))
    # The last point is kept: it is the one people look at.
    kept = sorted({*range(0, len(line.x), step), *([len(line.x) - 1] if len(line.x) else [])})
    y = [line.y[i] for i in kept]
    return go.Scatter(
        x=[line.x[i] for i in kept],
        y=[v if v is not None and math.isfinite(v) else None for v in y],
        name=name,
        mode="lines+markers" if len(kept) <= 40 else "lines",
        line={"color": colour, "dash": dash, "width": 2.5},
        marker={"size": 6},
        hovertemplate="%{y:.5g}" + (f"<extra>{plain(line.hover)}</extra>" if line.hover else ""),
    )


def _named_axes(figure: go.Figure, x_title: str, y_title: str, log_y: bool) -> go.Figure:
    figure.update_xaxes(title_text=plain(x_title))
    figure.update_yaxes(title_text=plain(y_title), type="log" if log_y else "linear")
    return figure


def _colour_bar(title: str) -> dict[str, object]:
    """A narrow scale that says what its colours mean, without taking the picture's room."""
    return {
        "outlinewidth": 0,
        "thickness": 12,
        "nticks": 5,
        "tickfont": {"size": theme.FONT_SIZE - 3},
        "title": {"text": title, "font": {"size": theme.FONT_SIZE - 2}},
    }


def _whole_ticks(count: int) -> dict[str, object]:
    """Ticks on whole numbers: an axis that counts rows must not offer half ones."""
    return {"dtick": 1} if count <= 12 else {"tickformat": "d"}
