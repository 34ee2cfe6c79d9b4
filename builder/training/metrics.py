"""How good the predictions are, in words people use: accuracy, or the size of the error.

Each set turns outputs and targets into sums that can be added over batches, and sums into figures:
so an epoch is measured without waiting for the device at every batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Metric:
    """How a figure is named and shown. `better`: which way is progress."""

    key: str
    title: str
    better: Literal["higher", "lower"]
    share: bool = False  # 0…1, shown as a percentage


@dataclass(frozen=True, slots=True)
class MetricSet:
    """The figures that go with a loss; the first is the one drawn beside it.

    `sums(output, y)`: a tensor of sums over one batch, float64 where the device has it.
    `figures(sums)`: the figures of all batches together; NaN where one is not defined.
    """

    metrics: tuple[Metric, ...]
    sums: Callable[[Tensor, Tensor], Tensor]
    figures: Callable[[list[float]], dict[str, float]]


def metric_set(key: str) -> MetricSet:
    """The set a `Loss` names."""
    return _SETS[key]


def metric(key: str) -> Metric:
    """How a figure that stands in a run is named: "accuracy", "mae", … or "loss"."""
    return _METRICS.get(key) or Metric(key, key.replace("_", " ").capitalize(), "lower")


def _wide(tensor: Tensor) -> Tensor:
    import torch

    return tensor.to(torch.float32 if tensor.device.type == "mps" else torch.float64)


def _pair(wide: Tensor) -> Tensor:
    import torch

    return torch.stack([wide.sum(), wide.new_full((), float(wide.numel()))])


def _class_sums(output: Tensor, y: Tensor) -> Tensor:
    return _pair(_wide(output.argmax(1) == y))


def _logit_sums(output: Tensor, y: Tensor) -> Tensor:
    return _pair(_wide((output > 0) == (y > 0.5)))


def _probability_sums(output: Tensor, y: Tensor) -> Tensor:
    return _pair(_wide((output > 0.5) == (y > 0.5)))


def _number_sums(output: Tensor, y: Tensor) -> Tensor:
    """Rows, the absolute misses, and for each column the squared misses, y and y squared."""
    import torch

    target = _wide(y).reshape(len(y), -1)
    miss = _wide(output).reshape(len(y), -1) - target
    rows = target.new_full((1,), float(len(y)))
    columns = [(miss * miss).sum(0), target.sum(0), (target * target).sum(0)]
    return torch.cat([rows, miss.abs().sum().reshape(1), *columns])


def _accuracy(sums: list[float]) -> dict[str, float]:
    right, count = sums
    return {"accuracy": right / count if count else math.nan}


def _errors(sums: list[float]) -> dict[str, float]:
    rows, absolute = sums[:2]
    width = (len(sums) - 2) // 3
    count = rows * width
    if not count:
        return {"mae": math.nan, "rmse": math.nan, "r2": math.nan}
    squared, total, total_squared = (sums[2 + i * width : 2 + (i + 1) * width] for i in range(3))
    mean_square = math.fsum(squared) / count
    return {
        "mae": absolute / count,
        "rmse": math.sqrt(mean_square) if mean_square >= 0 else math.nan,
        "r2": _r2(rows, squared, total, total_squared),
    }


def _r2(rows: float, squared: list[float], total: list[float], total_squared: list[float]) -> float:
    """The mean over columns, as scikit-learn's r2_score; NaN where every column is constant.

    A constant column among others counts 1 when it is met exactly, else 0, as it does there.
    """
    scores, varies = [], False
    for missed, added, added_squares in zip(squared, total, total_squared, strict=True):
        spread = added_squares - added * added / rows
        if spread > _ROUNDING * added_squares:
            varies = True
            scores.append(1 - missed / spread)
        else:
            scores.append(0.0 if missed else 1.0)
    return sum(scores) / len(scores) if varies else math.nan


_ROUNDING: Final = 1e-13
"""Of a sum of squares: less spread than this is what float64 loses, and the column is constant."""

_METRICS: Final[Mapping[str, Metric]] = {
    m.key: m
    for m in (
        Metric("loss", "Loss", "lower"),
        Metric("accuracy", "Accuracy", "higher", share=True),
        Metric("mae", "Mean absolute error", "lower"),
        Metric("rmse", "Root mean squared error", "lower"),
        Metric("r2", "R²", "higher"),
    )
}

_ACCURACY = (_METRICS["accuracy"],)
_ERRORS = (_METRICS["mae"], _METRICS["rmse"], _METRICS["r2"])

_SETS: Final[Mapping[str, MetricSet]] = {
    "classes": MetricSet(_ACCURACY, _class_sums, _accuracy),
    "logits": MetricSet(_ACCURACY, _logit_sums, _accuracy),
    "probabilities": MetricSet(_ACCURACY, _probability_sums, _accuracy),
    "numbers": MetricSet(_ERRORS, _number_sums, _errors),
}
