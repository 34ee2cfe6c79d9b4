"""The loss within an epoch: the first step at once, then ten times a second at most."""

from __future__ import annotations

import time
from typing import Any, Final

from builder.training.callbacks.base import Callback
from builder.training.limits import STEP_REPORTS_PER_SECOND
from builder.training.loop import Training
from builder.training.metrics_log import MetricsLog

_LOSSES_OF_A_FAILURE: Final = 100


class StepReports(Callback):
    """Appends a line to metrics.jsonl. A report a step would cost up to half of the time."""

    def __init__(self, log: MetricsLog) -> None:
        self._log = log
        self._next = 0.0
        self._last_step = 0
        self._last_time = 0.0

    def on_start(self, training: Training) -> None:
        self._last_step, self._last_time = training.step, time.perf_counter()

    def on_step(self, training: Training) -> None:
        now = time.perf_counter()
        if now < self._next or training.last_loss is None:
            return
        self._next = now + 1 / STEP_REPORTS_PER_SECOND
        steps, seconds = training.step - self._last_step, now - self._last_time
        self._last_step, self._last_time = training.step, now
        speed = round(steps * training.train.batch_size / max(seconds, 1e-9), 1)
        loss = training.last_loss.item()
        self._log.append(_line(training, training.step_in_epoch, loss, rows_per_second=speed))

    def report_epoch(self, training: Training) -> None:
        """Every loss of the epoch that failed (of many some), to be seen on the chart."""
        losses = training.tally.results()[0] if training.tally else ()
        stride = max(1, len(losses) // _LOSSES_OF_A_FAILURE)
        self._log.append(
            *(
                _line(training, place, loss)
                for place, loss in enumerate(losses, 1)
                if place % stride == 0 or place == 1
            )
        )


def _line(training: Training, step_in_epoch: int, loss: float, **more: float) -> dict[str, Any]:
    return {
        "kind": "step",
        "epoch": training.epoch,
        "step": training.step - training.step_in_epoch + step_in_epoch,
        "step_in_epoch": step_in_epoch,
        "loss": loss,
        "seconds": round(training.seconds, 4),
        **more,
    }
