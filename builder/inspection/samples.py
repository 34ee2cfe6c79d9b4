"""Pictures of a data set: its points, its curve, or its first samples, in the units it came in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from builder.inspection import theme
from builder.inspection.figures import plain

if TYPE_CHECKING:
    from builder.data import Dataset

Array: TypeAlias = npt.NDArray[Any]

MOST_POINTS: Final = 1500
_PICTURES_ACROSS, _PICTURES_DOWN = 10, 4
_MOST_LEGEND = 12


def sample_figure(
    dataset: Dataset,
    *,
    dark: bool = False,
    axes: tuple[str, str] | None = None,
    height: int = 380,
) -> go.Figure:
    """Pictures as a sheet, one feature against a number as a curve, else points of two features.

    `axes`: the two features to draw; by default those that tell most about the target.
    """
    if is_pictures(dataset):
        return _sheet(dataset, dark, height)
    x, y = everything(dataset)
    if len(dataset.features) == 1:
        return _against_target(dataset, x[:, 0], y, dark, height)
    names = list(dataset.features)
    first, second = (names.index(n) for n in axes) if axes else telling_pair(dataset)
    return _points(
        dataset, x[:, first], x[:, second], y, (names[first], names[second]), dark, height
    )


def is_pictures(dataset: Dataset) -> bool:
    """Whether a row is a picture: one or three channels of at least 2×2."""
    shape = dataset.input_spec.shape[1:]
    return len(shape) == 3 and shape[0] in (1, 3) and min(int(s) for s in shape[1:]) >= 2


def can_be_drawn(dataset: Dataset) -> bool:
    """Whether there is a figure for it: pictures, or rows of named features."""
    return is_pictures(dataset) or len(dataset.features) > 0


def everything(dataset: Dataset) -> tuple[Array, Array]:
    """(x, y) of at most `MOST_POINTS` rows over all parts, x as it was before standardising."""
    parts = (dataset.train, dataset.validation, dataset.test)
    x = np.concatenate([part.x.numpy() for part in parts])
    y = np.concatenate([part.y.numpy().reshape(len(part.y)) for part in parts])
    step = -(-len(x) // MOST_POINTS)
    x, y = x[::step], y[::step]
    return (dataset.scale.undo(x) if dataset.scale else x), y


def telling_pair(dataset: Dataset) -> tuple[int, int]:
    """The two features that tell most about the target, each by itself; ties keep their order.

    For classes: how far their means lie apart against the spread within (one-way F). For a number:
    the size of the correlation. Columns of only two values are drawn when there are no others.
    """
    x, y = everything(dataset)
    x = x.astype(np.float64)
    centred = x - x.mean(0)
    if dataset.target.kind == "number":
        other = y.astype(np.float64) - y.mean()
        norms = np.sqrt((centred**2).sum(0) * (other**2).sum())
        score = np.abs(centred.T @ other) / np.maximum(norms, 1e-12)
    else:
        within = np.zeros(x.shape[1])
        for code in np.unique(y):
            rows = x[y == code]
            within += ((rows - rows.mean(0)) ** 2).sum(0)
        score = (centred**2).sum(0) / np.maximum(within, 1e-12)
        score[(centred**2).sum(0) < 1e-12] = 0.0
    score += [0.0 if len(np.unique(column)) > 2 else -np.inf for column in x.T]
    first, second = np.argsort(-score, kind="stable")[:2].tolist()
    return min(first, second), max(first, second)


def _points(
    dataset: Dataset, a: Array, b: Array, y: Array, names: tuple[str, str], dark: bool, height: int
) -> go.Figure:
    figure = _blank(dark, height)
    if dataset.target.kind == "number":
        figure.add_trace(_coloured(a, b, y, dataset.target.name))
    else:
        for code, name in enumerate(dataset.target.names[:50]):
            chosen = y == code
            figure.add_trace(
                go.Scatter(
                    x=a[chosen],
                    y=b[chosen],
                    mode="markers",
                    name=plain(name),
                    marker={
                        "color": theme.run_colour(code, dark),
                        "size": 7,
                        "opacity": 0.85,
                        "line": {"width": 0.5, "color": theme.ink(dark).ground},
                    },
                    showlegend=len(dataset.target.names) <= _MOST_LEGEND,
                )
            )
    figure.update_xaxes(title_text=plain(names[0]))
    figure.update_yaxes(title_text=plain(names[1]))
    if dataset.card.family == "generated":
        figure.update_xaxes(constrain="domain")
        figure.update_yaxes(scaleanchor="x", scaleratio=1, constrain="domain")
    return figure


def _against_target(dataset: Dataset, x: Array, y: Array, dark: bool, height: int) -> go.Figure:
    figure = _blank(dark, height)
    names = dataset.target.names
    figure.add_trace(
        go.Scatter(
            x=x,
            y=[names[int(code)] for code in y] if names else y,
            mode="markers",
            marker={"color": theme.run_colour(0, dark), "size": 6, "opacity": 0.8},
            showlegend=False,
        )
    )
    figure.update_xaxes(title_text=plain(dataset.features[0]))
    figure.update_yaxes(title_text=plain(dataset.target.name))
    return figure


def _coloured(a: Array, b: Array, y: Array, name: str) -> go.Scatter:
    return go.Scatter(
        x=a,
        y=b,
        mode="markers",
        showlegend=False,
        marker={
            "color": y,
            "colorscale": theme.SEQUENTIAL,
            "size": 7,
            "colorbar": {
                "title": {"text": plain(name), "font": {"size": theme.FONT_SIZE}},
                "tickfont": {"size": theme.FONT_SIZE - 1},
                "outlinewidth": 0,
                "thickness": 14,
            },
        },
        hovertemplate="%{x:.4g}, %{y:.4g}<br>%{marker.color:.4g}<extra></extra>",
    )


def _sheet(dataset: Dataset, dark: bool, height: int) -> go.Figure:
    """The first training pictures on one sheet, in the order of their classes, names on hover."""
    shown = _PICTURES_ACROSS * _PICTURES_DOWN
    rows = one_of_each(dataset, shown)
    x = dataset.train.x[rows].numpy()
    x = dataset.scale.undo(x) if dataset.scale else x
    grey = x.mean(1)
    low, high = float(grey.min()), float(grey.max())
    tall, wide = grey.shape[1:]
    gap = max(1, wide // 8)
    across = min(_PICTURES_ACROSS, len(rows))
    down = -(-len(rows) // across)
    sheet = np.full((down * (tall + gap) - gap, across * (wide + gap) - gap), np.nan)
    words = np.full(sheet.shape, "", dtype=object)
    names = dataset.target.names
    for i, picture in enumerate(grey):
        top, left = (i // across) * (tall + gap), (i % across) * (wide + gap)
        sheet[top : top + tall, left : left + wide] = picture
        code = dataset.train.y[rows[i]].item()
        words[top : top + tall, left : left + wide] = plain(
            names[int(code)] if names else f"{code:g}"
        )
    figure = _blank(dark, height)
    ends = ["#161b22", "#f7f7f7"] if dark else ["#ffffff", "#1b2430"]
    figure.add_trace(
        go.Heatmap(
            z=sheet,
            text=words,
            zmin=low,
            zmax=high,
            colorscale=[[0, ends[0]], [1, ends[1]]],
            showscale=False,
            hovertemplate="%{text}<br>%{z:.3g}<extra></extra>",
        )
    )
    hidden = {"visible": False, "showgrid": False, "zeroline": False}
    figure.update_xaxes(**hidden, constrain="domain")
    figure.update_yaxes(**hidden, autorange="reversed", scaleanchor="x", constrain="domain")
    figure.update_layout(
        plot_bgcolor=theme.mix(theme.ink(dark).line, theme.ink(dark).ground, 0.35),
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
    )
    return figure


def one_of_each(dataset: Dataset, count: int) -> list[int]:
    """Rows of the training part: one of each class in turn, again and again."""
    codes = dataset.train.y.flatten().tolist()
    if dataset.target.kind == "number":
        return list(range(min(count, len(codes))))
    by_class: dict[float, list[int]] = {}
    for row, code in enumerate(codes):
        by_class.setdefault(code, []).append(row)
    turns = max(len(rows) for rows in by_class.values())
    order = [by_class[c][t] for t in range(turns) for c in sorted(by_class) if t < len(by_class[c])]
    return order[:count]


def _blank(dark: bool, height: int) -> go.Figure:
    figure = go.Figure()
    figure.update_layout(
        template=theme.template(dark), height=height, hovermode="closest", dragmode=False
    )
    return figure
