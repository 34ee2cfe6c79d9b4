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
    import torch

    target = _wide(y)
    miss = _wide(output) - target
    count = target.new_full((), float(target.numel()))
    return torch.stack(
        [miss.abs().sum(), (miss * miss).sum(), target.sum(), (target * target).sum(), count]
    )


def _accuracy(sums: list[float]) -> dict[str, float]:
    right, count = sums
    return {"accuracy": right / count if count else math.nan}


def _errors(sums: list[float]) -> dict[str, float]:
    absolute, squared, total, total_squared, count = sums
    if not count:
        return {"mae": math.nan, "rmse": math.nan, "r2": math.nan}
    spread = total_squared - total * total / count
    return {
        "mae": absolute / count,
        "rmse": math.sqrt(squared / count) if squared >= 0 else math.nan,
        "r2": 1 - squared / spread if spread > 0 else math.nan,
    }


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
