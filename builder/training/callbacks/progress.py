"""Tells the caller of `train` how far it is, ten times a second at most."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TypedDict

from builder.training.callbacks.base import Callback
from builder.training.limits import STEP_REPORTS_PER_SECOND
from builder.training.loop import EpochResult, Training


class Progress(TypedDict):
    """How far a training is. `epoch`: complete ones; `share`: 0…1; `metrics`: "loss", "accuracy",
    "validation loss", … of the last complete epoch, within the first one the loss alone."""

    epoch: int
    epochs: int
    step: int
    share: float
    seconds: float
    metrics: dict[str, float]


class ProgressReport(Callback):
    """Calls a function with a `Progress`: throttled within an epoch, always at its end."""

    def __init__(self, tell: Callable[[Progress], None]) -> None:
        self._tell = tell
        self._next = 0.0
        self._metrics: dict[str, float] = {}

    def on_step(self, training: Training) -> None:
        now = time.monotonic()
        if now < self._next or training.last_loss is None:
            return
        self._next = now + 1 / STEP_REPORTS_PER_SECOND
        if not self._metrics:
            self._tell(_progress(training, {"loss": training.last_loss.item()}))
        else:
            self._tell(_progress(training, self._metrics))

    def on_epoch(self, training: Training, result: EpochResult) -> None:
        held_out: Mapping[str, float] = result.validation or {}
        self._metrics = {
            **result.train,
            **{f"validation {name}": value for name, value in held_out.items()},
        }
        self._tell(_progress(training, self._metrics, whole=True))


def _progress(training: Training, metrics: dict[str, float], whole: bool = False) -> Progress:
    steps = len(training.train)
    done = training.epoch - 1 + (1.0 if whole else training.step_in_epoch / max(1, steps))
    return {
        "epoch": training.epoch - (0 if whole else 1),
        "epochs": training.epochs,
        "step": training.step,
        "share": done / training.epochs,
        "seconds": training.seconds,
        "metrics": dict(metrics),
    }
