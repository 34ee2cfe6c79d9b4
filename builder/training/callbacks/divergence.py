"""Notices a loss that is no number any more, or grows without end, and says why that happens."""

from __future__ import annotations

import math
import time

from builder.training.callbacks.base import Callback
from builder.training.limits import DIVERGED_AT, STEP_REPORTS_PER_SECOND
from builder.training.loop import EpochResult, Training, TrainingEnds


class Divergence(Callback):
    """Looks at the loss ten times a second, and at every step's loss when an epoch is over.

    Ends training as failed, before anything of that epoch is saved.
    `largest_input`: the largest value of the data, named as a cause when it is far from 1.
    """

    def __init__(self, lr: float, suggested_lr: float, largest_input: float) -> None:
        self._lr, self._suggested_lr, self._largest_input = lr, suggested_lr, largest_input
        self._first: float | None = None
        self._next = 0.0

    def on_step(self, training: Training) -> None:
        now = time.monotonic()
        if now < self._next or training.last_loss is None:
            return
        self._next = now + 1 / STEP_REPORTS_PER_SECOND
        loss = training.last_loss.item()
        if self._first is None:
            self._first = loss
        if not math.isfinite(loss):
            # An earlier step of this epoch may have been the first: they are all at hand.
            losses = training.tally.results()[0] if training.tally else (loss,)
            self._refuse(training.epoch, losses)

    def on_epoch(self, training: Training, result: EpochResult) -> None:
        if self._first is None and result.losses:
            self._first = result.losses[0]
        self._refuse(result.epoch, result.losses)
        held_out = result.validation["loss"] if result.validation else 0.0
        if not math.isfinite(held_out):
            raise TrainingEnds(
                "failed",
                f"Training diverged in epoch {result.epoch}: the validation loss is "
                f"{_word(held_out)}. {self._causes()}",
            )
        usual = max(1.0, abs(self._first or 0.0))
        if result.train["loss"] > DIVERGED_AT * usual:
            raise TrainingEnds(
                "failed",
                f"Training diverged in epoch {result.epoch}: the loss grew from {self._first:.3g} "
                f"to {result.train['loss']:.3g}. {self._causes()}",
            )

    def _refuse(self, epoch: int, losses: tuple[float, ...]) -> None:
        for step, loss in enumerate(losses, 1):
            if not math.isfinite(loss):
                raise TrainingEnds(
                    "failed",
                    f"Training diverged in epoch {epoch} at batch {step}: the loss is "
                    f"{_word(loss)}. {self._causes()}",
                )

    def _causes(self) -> str:
        causes = []
        if self._lr > self._suggested_lr:
            causes.append(
                f"The learning rate of {self._lr:g} is the likely cause: try {self._suggested_lr:g}."
            )
        if self._largest_input > 100:
            causes.append(
                f"The inputs reach {self._largest_input:.3g}: standardise them on the Data page."
            )
        if not causes:
            causes.append(
                f"Try a learning rate of {self._lr / 10:g}, and look for a logarithm, a division or "
                "a root in the network that can meet a zero."
            )
        return " ".join((*causes, "The weights from before are kept."))


def _word(loss: float) -> str:
    return "not a number" if math.isnan(loss) else "infinite"
