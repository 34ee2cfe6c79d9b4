"""What a callback may listen to. Raise `TrainingEnds` in any of them to end training."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from builder.training.loop import EpochResult, Training


class Callback:
    """Listens to nothing; override what you need. Called in the order they are given."""

    def on_start(self, training: Training) -> None:
        """Before the first batch of this process."""

    def on_step(self, training: Training) -> None:
        """After every batch: keep it to a look at the clock, and do not read the loss each time."""

    def on_validation_step(self, training: Training) -> None:
        """After every batch of validation rows."""

    def on_epoch(self, training: Training, result: EpochResult) -> None:
        """After every epoch, validation included."""
