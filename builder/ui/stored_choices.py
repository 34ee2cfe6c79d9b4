"""What of the data and training choices in a project file can be used; what cannot is told, once.

Choices that no page would have written (another version, a hand, a stranger) must not pass for those
that were made: the session goes on with what stands instead, and says so when the project is opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from builder.errors import LayerwiseError
from builder.ui.session import say

if TYPE_CHECKING:
    from builder.ui.work import Work

_SENTENCES: Final = 4  # at most; more would be a page of them


def take_usable_choices(work: Work) -> None:
    """Leaves in a project just read the choices that can be used, and tells which could not."""
    if work.training is not None:
        from builder.training.settings import TrainingSettings

        settings, refusals = TrainingSettings.usable(work.training)
        if refusals:
            work.training = settings.to_json()
            more = len(refusals) - _SENTENCES
            rest = f" {more} more were not usable either." if more > 0 else ""
            say(
                "Not all training settings of this project could be used. "
                + " ".join(refusals[:_SENTENCES])
                + rest,
                "warning",
            )
    if work.data is not None:
        from builder.data import DataChoice

        try:
            DataChoice.from_json(work.data)
        except LayerwiseError as refusal:
            work.data = None
            say(
                f"The data choice of this project could not be used. {refusal} None is chosen now.",
                "warning",
            )
