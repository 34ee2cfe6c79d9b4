"""What is asked for when a person clicks on Train: `JobRequest`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from builder.errors import JobRefused
from builder.graph.project import Project
from builder.training.settings import TrainingSettings
from builder.training.tensors import RunData

if TYPE_CHECKING:
    from builder.data import DataChoice, Dataset


@dataclass(frozen=True)
class JobRequest:
    """One training to be started. `data`: a choice of the owner's, or rows that are loaded already.

    `name`: how the list calls it; by default the project's name. `project_id`: which project it is
    of, so that its page finds it again. `weights`: those kept with the project, to start from.
    """

    project: Project
    data: DataChoice | Dataset | RunData | None
    settings: TrainingSettings
    owner: str
    name: str = ""
    project_id: str = ""
    weights: Path | None = None

    def dataset(self) -> Dataset | RunData:
        """The rows. Errors: DataRefused, NotFound; JobRefused when no data is chosen."""
        from builder.data.choice import DataChoice

        if self.data is None:
            raise JobRefused("No data is chosen. Choose a data set on the Data page.")
        if not isinstance(self.data, DataChoice):
            return self.data
        from builder.data import load_dataset
        from builder.home import owner_folder

        return load_dataset(self.data, owner_dir=owner_folder(self.owner))


def too_many_wait(most: int) -> JobRefused:
    """What an owner is told whose places in the queue are all taken."""
    return JobRefused(f"{most} of your trainings are waiting already. Stop some first.")
