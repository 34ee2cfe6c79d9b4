"""The loss that goes with the chosen data and the open network."""

from __future__ import annotations

from builder.errors import LayerwiseError
from builder.training.losses import Loss, losses, suggest_loss
from builder.training.settings import TrainingSettings
from builder.ui import data_cache, state


def suggested_loss(settings: TrainingSettings) -> Loss | None:
    """The loss for the goal of these settings; None where no data set can be looked at."""
    choice = state.data_choice()
    if settings.goal == "input":
        return losses()["mse"]
    if choice is None:
        return None
    try:
        target = data_cache.load(choice, state.owner_dir()).target
    except LayerwiseError:
        return None
    return suggest_loss(target.kind, state.graph(), settings.goal)
