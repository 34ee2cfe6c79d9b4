"""Numbers that sum a tensor up: mean, deviation, norm, share of zeros, and its histogram."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from builder.graph.size import format_exact

if TYPE_CHECKING:
    import pandas as pd

    from builder.inspection.weights import Weight

Array: TypeAlias = npt.NDArray[Any]

MOST_COUNTED = 4_000_000  # numbers in a histogram; of more, evenly spaced ones are taken
BINS = 60


@dataclass(frozen=True, slots=True)
class Statistics:
    """Of all finite numbers of a tensor, worked out in double precision.

    `deviation` divides by one less than the count, as `Tensor.std()` does; None for a single
    number. `norm`: the root of the sum of squares. `zeros`: share of exact zeros, 0 to 1.
    `not_finite`: how many numbers are NaN or infinite. Everything is None for an empty tensor.
    """

    count: int
    mean: float | None
    deviation: float | None
    minimum: float | None
    maximum: float | None
    norm: float | None
    zeros: float | None
    not_finite: int


def statistics(values: Array) -> Statistics:
    """Sums a tensor up; booleans count as 0 and 1."""
    flat = np.asarray(values).reshape(-1)
    numbers = flat.astype(np.float64, copy=False)
    finite = numbers[np.isfinite(numbers)]
    lost = numbers.size - finite.size
    if finite.size == 0:
        return Statistics(numbers.size, None, None, None, None, None, None, lost)
    return Statistics(
        count=numbers.size,
        mean=float(finite.mean()),
        deviation=float(finite.std(ddof=1)) if finite.size > 1 else None,
        minimum=float(finite.min()),
        maximum=float(finite.max()),
        norm=float(np.sqrt(np.dot(finite, finite))),
        zeros=float(np.count_nonzero(finite == 0) / numbers.size),
        not_finite=lost,
    )


def histograms(
    arrays: Mapping[str, Array], bins: int = BINS
) -> tuple[dict[str, tuple[Array, Array]], str]:
    """Counts per bin of several tensors over the same bins, and a sentence where it was sampled.

    Returns: by name (counts, edges), as `figures.histogram` takes them.
    """
    samples = {name: _sample(np.asarray(values).reshape(-1)) for name, values in arrays.items()}
    finite = {name: s[np.isfinite(s)] for name, s in samples.items()}
    kept = [values for values in finite.values() if values.size]
    low = min((float(v.min()) for v in kept), default=0.0)
    high = max((float(v.max()) for v in kept), default=1.0)
    if low == high:
        margin = max(abs(low) * 0.01, 1e-6)
        low, high = low - margin, high + margin
    edges = np.linspace(low, high, bins + 1)
    counted = {name: (np.histogram(values, edges)[0], edges) for name, values in finite.items()}
    whole = max((np.asarray(v).size for v in arrays.values()), default=0)
    taken = max((s.size for s in samples.values()), default=0)
    note = (
        f"Counted over {format_exact(taken)} evenly spaced values of {format_exact(whole)}."
        if taken < whole
        else ""
    )
    return counted, note


def statistics_table(weights: Sequence[Weight], before: Sequence[Weight] = ()) -> pd.DataFrame:
    """One row a parameter; with `before` (the same run, another epoch) also how far it has moved.

    The change is ‖now − before‖ / ‖before‖, None where there is nothing to compare with.
    """
    import pandas as pd

    earlier = {weight.name: weight for weight in before}
    rows = []
    for weight in weights:
        found = statistics(weight.array)
        row: dict[str, object] = {
            "Parameter": weight.name,
            "Index": weight.indexed_name,
            "Layer": weight.layer,
            "Shape": "×".join(map(str, weight.shape)) or "scalar",
            "Count": found.count,
            **_columns(found),
        }
        if before:
            row["Change"] = change(
                weight.array, earlier[weight.name].array if weight.name in earlier else None
            )
        if found.not_finite:
            row["Not finite"] = found.not_finite
        rows.append(row)
    return pd.DataFrame(rows)


def summary(shown: Mapping[str, Weight]) -> pd.DataFrame:
    """The statistics of one parameter at several epochs, a row each."""
    import pandas as pd

    rows = []
    for title, weight in shown.items():
        found = statistics(weight.array)
        row: dict[str, object] = {"": title, **_columns(found)}
        if found.not_finite:
            row["Not finite"] = found.not_finite
        rows.append(row)
    return pd.DataFrame(rows)


def _columns(found: Statistics) -> dict[str, object]:
    return {
        "Mean": found.mean,
        "Deviation": found.deviation,
        "Minimum": found.minimum,
        "Maximum": found.maximum,
        "Norm": found.norm,
        "Zeros": found.zeros,
    }


def change(now: Array, before: Array | None) -> float | None:
    """‖now − before‖ / ‖before‖; None where shapes differ or there was nothing but zeros."""
    if before is None or before.shape != now.shape or now.size == 0:
        return None
    start = before.astype(np.float64, copy=False).reshape(-1)
    moved = now.astype(np.float64, copy=False).reshape(-1) - start
    length = math.sqrt(float(np.dot(start, start)))
    value = math.sqrt(float(np.dot(moved, moved))) / length if length else math.nan
    return value if math.isfinite(value) else None


def change_words(now: Array, before: Array, since: str = "epoch 0") -> str:
    """How far the numbers moved, and where most, as one sentence; "" where shapes differ.

    "Since epoch 0 a value changed by 0.0121 on average (mean |Δ|), most at [3, 7]: 0.11 → −0.42."
    """
    if before.shape != now.shape or now.size == 0:
        return ""
    start, end = before.astype(np.float64, copy=False), now.astype(np.float64, copy=False)
    moved = np.abs(end - start)
    finite = np.isfinite(moved)
    if not finite.any():
        return ""
    mean = float(moved[finite].mean())
    if mean == 0:
        return f"Nothing changed since {since}."
    place = np.unravel_index(int(np.argmax(np.where(finite, moved, -1.0))), moved.shape)
    where = f"at [{', '.join(str(int(i)) for i in place)}]" if place else "here"
    first, last = (f"{float(side[place]):.4g}".replace("-", "−") for side in (start, end))
    return (
        f"Since {since} a value changed by {mean:.3g} on average (mean |Δ|), "
        f"most {where}: {first} → {last}."
    )


def _sample(flat: Array) -> Array:
    step = -(-flat.size // MOST_COUNTED)
    return flat[::step].astype(np.float64, copy=False) if flat.size else flat.astype(np.float64)
