"""A tensor as something to look at: a matrix, the part of it that fits a page, filters as images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from builder.graph.size import format_exact

if TYPE_CHECKING:
    import pandas as pd

Array: TypeAlias = npt.NDArray[Any]

HEATMAP_ROWS, HEATMAP_COLUMNS = 256, 512
TABLE_ROWS, TABLE_COLUMNS = 200, 64
MOST_FILTERS = 64


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of a tensor laid out as a matrix.

    `values` (rows, columns); `first_row`, `first_column`: where it begins; `rows`, `columns`: how
    many the whole has. `says`: in words what is shown, "" when that is everything.
    """

    values: Array
    first_row: int
    first_column: int
    rows: int
    columns: int
    y_title: str
    x_title: str
    says: str


@dataclass(frozen=True, slots=True)
class Filters:
    """Convolution filters as pictures: (count, height, width) or (count, height, width, 3), in 0…1."""

    images: Array
    labels: tuple[str, ...]
    says: str


def as_matrix(values: Array) -> Array:
    """Rows are the first axis, columns all others in row-major order; a vector is one row."""
    values = np.asarray(values)
    if values.ndim == 0:
        return values.reshape(1, 1)
    if values.ndim == 1:
        return values.reshape(1, -1)
    return values.reshape(values.shape[0], math.prod(values.shape[1:]))


def tile(
    values: Array,
    axes: Sequence[str] = (),
    *,
    first_row: int = 0,
    first_column: int = 0,
    rows: int = HEATMAP_ROWS,
    columns: int = HEATMAP_COLUMNS,
) -> Tile:
    """At most `rows` × `columns` of a tensor, from a place that is moved inside when it lies outside.

    `axes`: what each axis of the tensor counts, from `builder.inspection.axes`.
    """
    matrix = as_matrix(values)
    height, width = matrix.shape
    top = max(0, min(first_row, height - rows))
    left = max(0, min(first_column, width - columns))
    part = matrix[top : top + rows, left : left + columns]
    y_title, x_title = _titles(np.ndim(values), axes)
    says = ""
    if part.shape != matrix.shape:
        says = (
            f"Shown are rows {_span(top, part.shape[0])} of {format_exact(height)} and columns "
            f"{_span(left, part.shape[1])} of {format_exact(width)}."
        )
    return Tile(part, top, left, height, width, y_title, x_title, says)


def table(part: Tile) -> pd.DataFrame:
    """A tile as a table: row and column numbers are places in the whole tensor."""
    import pandas as pd

    height, width = part.values.shape
    return pd.DataFrame(
        part.values,
        index=range(part.first_row, part.first_row + height),
        columns=[str(part.first_column + i) for i in range(width)],
    )


def has_filters(values: Array, family: str) -> bool:
    """Whether a tensor holds convolution filters that can be shown as pictures."""
    return family == "convolution" and np.ndim(values) in (3, 4, 5) and np.size(values) > 0


def filters(
    values: Array, *, channel: int | None = None, scaled_with: Array | None = None
) -> Filters:
    """Each filter as a picture from its own darkest to its own brightest value.

    Args:    values: (filters, channels, [depth,] [height,] width). Three channels give colour, one
             grey; of more, `channel` is shown, or their mean. A 1-D kernel is shown as a picture of
             channels × width; of a 3-D one its middle slice.
             scaled_with: another tensor of the same shape (another epoch); both are then scaled by
             the extremes of the pair, so that the pictures can be compared.
    """
    images, says = _pictures(np.asarray(values, dtype=np.float64), channel)
    other = (
        images
        if scaled_with is None
        else _pictures(np.asarray(scaled_with, np.float64), channel)[0]
    )
    count = min(len(images), MOST_FILTERS)
    if count < len(images):
        says = f"{says} The first {count} of {format_exact(len(images))} filters.".strip()
    images, other = images[:count], other[:count]
    axes = tuple(range(1, images.ndim))
    both = np.stack([images, other])
    both = np.where(np.isfinite(both), both, np.nan)
    inside = (0, *(axis + 1 for axis in axes))
    low = np.nanmin(both, axis=inside, initial=np.inf)
    high = np.nanmax(both, axis=inside, initial=-np.inf)
    low, high = np.where(low <= high, low, 0), np.where(low <= high, high, 0)
    shape = (-1, *(1 for _ in axes))
    low, span = low.reshape(shape), (high - low).reshape(shape)
    # A filter of one value has no dark and no bright: middle grey.
    scaled = np.where(span > 0, (images - low) / np.where(span > 0, span, 1), 0.5)
    return Filters(np.nan_to_num(scaled, nan=0.5), tuple(map(str, range(count))), says)


def _pictures(values: Array, channel: int | None) -> tuple[Array, str]:
    """Filters as (count, height, width[, 3]), unscaled, and what was chosen."""
    if values.ndim == 3:
        return values, "Each picture is input channels × kernel width."
    chosen = ""
    if values.ndim == 5:
        middle = values.shape[2] // 2
        values = values[:, :, middle]
        chosen = f"Slice {middle} of the kernel's depth."
    channels = values.shape[1]
    if channel is None and channels == 3:
        return np.moveaxis(
            values, 1, -1
        ), f"{chosen} The three channels as red, green and blue.".strip()
    if channel is not None:
        index = max(0, min(channel, channels - 1))
        return values[:, index], f"{chosen} Input channel {index} of {channels}.".strip()
    if channels == 1:
        return values[:, 0], chosen
    return values.mean(axis=1), f"{chosen} The mean of {channels} input channels.".strip()


def _titles(ndim: int, axes: Sequence[str]) -> tuple[str, str]:
    names = axes if len(axes) == ndim else [f"axis {i}" for i in range(ndim)]
    if ndim < 2:
        return "", names[0] if names else ""
    return names[0], " × ".join(names[1:])


def _span(first: int, count: int) -> str:
    return f"{format_exact(first)} to {format_exact(first + count - 1)}"
