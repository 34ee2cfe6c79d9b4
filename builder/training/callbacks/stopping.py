"""Stop works at once: a request is noticed after the batch that is running."""

from __future__ import annotations

import time
from collections.abc import Callable

from builder.training.callbacks.base import Callback
from builder.training.limits import STOP_CHECK_SECONDS
from builder.training.loop import EpochResult, Training, TrainingEnds


class StopListener(Callback):
    """Asks `wanted()` every 20 ms at most, and ends training when it says so.

    `interrupted()` is the machine's wish, not a person's: the run ends as interrupted and can go on.
    """

    def __init__(self, wanted: Callable[[], bool], interrupted: Callable[[], bool]) -> None:
        self._wanted = wanted
        self._interrupted = interrupted
        self._next = 0.0

    def on_step(self, training: Training) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + STOP_CHECK_SECONDS
        self._end_if_asked(training)

    def on_validation_step(self, training: Training) -> None:
        self.on_step(training)

    def on_epoch(self, training: Training, result: EpochResult) -> None:
        if result.epoch < training.epochs:
            self._end_if_asked(training)

    def _end_if_asked(self, training: Training) -> None:
        place = f"epoch {training.epoch} of {training.epochs}"
        if self._wanted():
            raise TrainingEnds("stopped", f"Stopped in {place}. What was learned is kept.")
        if self._interrupted():
            raise TrainingEnds(
                "interrupted",
                f"Interrupted in {place}: the process was asked to end. It can go on from the last "
                "complete epoch.",
            )
