"""What a person chose: data set and training settings (saved with the project), and the run looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.errors import LayerwiseError
from builder.ui.saving import save
from builder.ui.session import current, whole, work

if TYPE_CHECKING:
    from builder.data import DataChoice
    from builder.training.settings import TrainingSettings


def data_choice() -> DataChoice | None:
    """The chosen data set with its options, split and target; None before one is chosen."""
    from builder.data import DataChoice

    stored = work().data
    if stored is None:
        return None
    try:
        return DataChoice.from_json(stored)
    except LayerwiseError:
        return None  # written by another version: as if none were chosen


@whole
def set_data_choice(choice: DataChoice | None) -> None:
    """Chooses a data set for the open project (saved with it), or none."""
    opened = work()
    stored = None if choice is None else choice.to_json()
    if stored != opened.data:
        opened.data = stored
        save()


def training_settings() -> TrainingSettings:
    """The open project's training settings; the usual ones until some were set."""
    from builder.training.settings import TrainingSettings

    stored = work().training
    if stored is None:
        return TrainingSettings()
    try:
        return TrainingSettings.from_json(stored)
    except LayerwiseError:
        return TrainingSettings.usable(stored)[0]  # told when the project was opened


@whole
def set_training_settings(settings: TrainingSettings) -> None:
    """Keeps the training settings with the open project."""
    opened = work()
    stored = settings.to_json()
    if stored != opened.training:
        opened.training = stored
        save()


def chosen_run() -> tuple[str, int | None] | None:
    """The run (and the epoch, None for its last) that the Train and Inspect pages show."""
    return current().run


@whole
def choose_run(run_id: str | None, epoch: int | None = None) -> None:
    """Chooses the run, and the epoch, to look at."""
    current().run = None if run_id is None else (run_id, epoch)
