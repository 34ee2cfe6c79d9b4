"""Adds up an epoch's losses and figures without waiting for the device at every batch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from torch import Tensor

    from builder.training.metrics import MetricSet

Figures: TypeAlias = dict[str, float]
"""{"loss": 0.31, "accuracy": 0.94}; NaN where a figure is not defined."""

_HELD_NUMBERS: Final = 1_000_000  # outputs kept before they are summed: a few MB at most


class Tally:
    """Keeps each batch's loss, and its outputs until there are many, then sums them at once."""

    def __init__(self, metrics: MetricSet) -> None:
        self._metrics = metrics
        self._losses: list[Tensor] = []
        self._rows: list[int] = []
        self._outputs: list[Tensor] = []
        self._targets: list[Tensor] = []
        self._held = 0
        self._sums: Tensor | None = None

    def add(self, loss: Tensor, output: Tensor, y: Tensor) -> None:
        """One batch: its mean loss, what the network gave and what was wanted."""
        self._losses.append(loss)
        self._rows.append(len(y))
        self._outputs.append(output)
        self._targets.append(y)
        self._held += output.numel()
        if self._held > _HELD_NUMBERS:
            self._sum_up()

    def results(self) -> tuple[tuple[float, ...], Figures]:
        """Every batch's loss, and the figures over all rows. Waits for the device, once."""
        import torch

        if not self._losses:
            return (), {"loss": math.nan}
        self._sum_up()
        losses = torch.stack(self._losses).tolist()
        rows = self._rows
        mean = sum(v * n for v, n in zip(losses, rows, strict=True)) / max(1, sum(rows))
        assert self._sums is not None
        return tuple(losses), {"loss": mean, **self._metrics.figures(self._sums.tolist())}

    def _sum_up(self) -> None:
        import torch

        if self._outputs:
            sums = self._metrics.sums(torch.cat(self._outputs), torch.cat(self._targets))
            self._sums = sums if self._sums is None else self._sums + sums
        self._outputs, self._targets, self._held = [], [], 0
