"""A data set at a glance, for its card: a small SVG of points or pictures, without words.

Drawn by hand: a dozen plotly charts on one page would cost a second and a half.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from builder.inspection import theme
from builder.inspection.samples import Array, everything, is_pictures, one_of_each, telling_pair

if TYPE_CHECKING:
    from builder.data import Dataset

WIDTH, HEIGHT = 300, 130
_MARGIN: Final = 10
_MOST_DOTS: Final = 260


def thumbnail(dataset: Dataset, dark: bool = False) -> str:
    """An SVG of `WIDTH` × `HEIGHT`; nothing of a person's own text is in it."""
    body = _pictures(dataset, dark) if is_pictures(dataset) else _dots(dataset, dark)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}">{body}</svg>'
    )


def _dots(dataset: Dataset, dark: bool) -> str:
    x, y = everything(dataset)
    step = -(-len(x) // _MOST_DOTS)
    x, y = x[::step].reshape(len(x[::step]), -1), y[::step]
    by_value = dataset.target.kind == "number"
    if x.shape[1] == 1:
        across, up, by_value = x[:, 0], y.astype(np.float64), False
        colours = [theme.run_colour(0, dark)] * len(x)
    else:
        first, second = telling_pair(dataset)
        across, up = x[:, first], x[:, second]
        colours = [theme.run_colour(int(code), dark) for code in y]
    if by_value:
        low, high = np.quantile(y, [0.02, 0.98])
        share = np.clip((y - low) / max(float(high - low), 1e-12), 0, 1)
        ends = theme.split_colour("validation", dark), theme.split_colour("train", dark)
        colours = [theme.mix(ends[0], ends[1], float(s)) for s in share]
    square = dataset.card.family == "generated" and x.shape[1] > 1
    left, top = _placed(across, up, square)
    return "".join(
        f'<circle cx="{a:.1f}" cy="{b:.1f}" r="2.6" fill="{c}" fill-opacity="0.85"/>'
        for a, b, c in zip(left, top, colours, strict=True)
    )


def _placed(across: Array, up: Array, square: bool) -> tuple[Array, Array]:
    """Places on the card; `square` keeps both axes to one scale."""
    spans = [max(float(np.ptp(values)), 1e-12) for values in (across, up)]
    room = (WIDTH - 2 * _MARGIN, HEIGHT - 2 * _MARGIN)
    scales = [room[i] / spans[i] for i in (0, 1)]
    if square:
        scales = [min(scales)] * 2
    left = WIDTH / 2 + (across - (across.min() + across.max()) / 2) * scales[0]
    top = HEIGHT / 2 - (up - (up.min() + up.max()) / 2) * scales[1]
    return left, top


def _pictures(dataset: Dataset, dark: bool) -> str:
    """Two rows of pictures, a square for every pixel that is not paper."""
    rows = one_of_each(dataset, 10)
    x = dataset.train.x[rows].numpy()
    grey = (dataset.scale.undo(x) if dataset.scale else x).mean(1)
    grey = (grey - grey.min()) / max(float(np.ptp(grey)), 1e-12)
    tall, wide = grey.shape[1:]
    size = min((WIDTH - 2 * _MARGIN) / (5 * (wide + 1)), (HEIGHT - 2 * _MARGIN) / (2 * (tall + 1)))
    ink = theme.run_colour(0, dark)
    start = (WIDTH - size * (5 * (wide + 1) - 1)) / 2
    squares = []
    for i, picture in enumerate(grey):
        left, top = start + (i % 5) * (wide + 1) * size, _MARGIN + (i // 5) * (tall + 1) * size
        for r, c in np.argwhere(picture > 0.06).tolist():
            squares.append(
                f'<rect x="{left + c * size:.1f}" y="{top + r * size:.1f}" width="{size:.2f}" '
                f'height="{size:.2f}" fill="{ink}" fill-opacity="{picture[r, c]:.2f}"/>'
            )
    return "".join(squares)
