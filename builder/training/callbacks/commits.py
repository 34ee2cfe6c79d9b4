"""Makes epochs last: first their weights are on the disk, then the line that says they are done."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.training import checkpoints
from builder.training.callbacks.base import Callback
from builder.training.limits import COMMIT_EVERY_SECONDS
from builder.training.loop import EpochResult, Training
from builder.training.metrics_log import MetricsLog

if TYPE_CHECKING:
    from torch import Tensor


class Commits(Callback):
    """Saves weights and commits epochs, those of the last quarter of a second together.

    A kill at any moment leaves the last committed epoch whole: weights, optimizer, random
    generators. `on_step` and `on_epoch` of other callbacks must come before it: what ends training
    there (a loss that is no number) is not saved.
    """

    def __init__(self, folder: Path, log: MetricsLog) -> None:
        self._folder, self._log = folder, log
        self._kept: frozenset[int] = frozenset()
        self._pending: list[tuple[EpochResult, dict[str, Tensor] | None]] = []
        self._next = 0.0
        self.last: EpochResult | None = None

    def on_start(self, training: Training) -> None:
        size = sum(t.numel() * t.element_size() for t in training.model.state_dict().values())
        self._kept = checkpoints.epochs_to_keep(training.epochs, size)
        if training.done == 0:
            checkpoints.save_weights(self._folder, 0, checkpoints.snapshot(training.model))

    def on_epoch(self, training: Training, result: EpochResult) -> None:
        kept = result.epoch in self._kept
        self._pending.append((result, checkpoints.snapshot(training.model) if kept else None))
        if time.perf_counter() >= self._next or result.epoch == training.epochs:
            self.commit(training)
            self._next = time.perf_counter() + COMMIT_EVERY_SECONDS

    def commit(self, training: Training) -> None:
        """Writes what is pending: weights, then the state to go on from, then the epochs' lines."""
        if not self._pending:
            return
        for result, weights in self._pending:
            if weights is not None:
                checkpoints.save_weights(self._folder, result.epoch, weights)
        last, weights = self._pending[-1]
        stands_at_end = last.epoch == training.epoch  # else stopped within the next one
        if stands_at_end:
            checkpoints.save_resume(
                self._folder,
                last.epoch,
                weights or checkpoints.snapshot(training.model),
                training.optimizer,
                step=training.step,
                seconds=training.seconds,
            )
        self._log.append(*(epoch_line(result) for result, _ in self._pending), durable=True)
        if stands_at_end:
            checkpoints.drop_resume_states(self._folder, keep=last.epoch)
        self.last, self._pending = last, []

    def finish(self, training: Training, keep_partial: bool) -> None:
        """When training ends early: commits what is pending; with `keep_partial` also what the
        epoch that was stopped had learned, beside the last whole one."""
        self.commit(training)
        whole = self.last is not None and self.last.epoch == training.epoch
        if whole or not keep_partial or training.step_in_epoch == 0 or training.tally is None:
            return
        weights = checkpoints.snapshot(training.model)
        checkpoints.save_weights(self._folder, training.epoch, weights, partial=True)
        self._log.append(
            {
                "kind": "epoch",
                "epoch": training.epoch,
                "step": training.step,
                "partial": True,
                "train": training.tally.results()[1],
                "validation": None,
                "seconds": round(training.seconds, 4),
            },
            durable=True,
        )


def epoch_line(result: EpochResult) -> Mapping[str, Any]:
    """The line that commits an epoch."""
    return {
        "kind": "epoch",
        "epoch": result.epoch,
        "step": result.step,
        "train": result.train,
        "validation": result.validation,
        "seconds": round(result.seconds, 4),
        "epoch_seconds": round(result.epoch_seconds, 4),
    }
