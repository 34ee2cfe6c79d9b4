"""`open_run(folder)`: a run as it lies on disk, trained or still training: its code, curves, weights."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.training import checkpoints
from builder.training.folder import Ending, RunFolder, RunState
from builder.training.losses import Loss, get_loss
from builder.training.metrics_log import Points, read_points
from builder.training.settings import TrainingSettings
from builder.training.tensors import RunData, load_data

if TYPE_CHECKING:
    from torch import Tensor, nn

    from builder.graph.model import Graph
    from builder.graph.project import Project


@dataclass(frozen=True)
class Run:
    """One run. What is asked for is read from its own folder: never from today's network."""

    path: Path

    @property
    def folder(self) -> RunFolder:
        """The names of its files."""
        return RunFolder(self.path)

    @cached_property
    def job(self) -> Mapping[str, Any]:
        """What job.json says."""
        return self.folder.job()

    @property
    def name(self) -> str:
        return str(self.job["name"])

    @cached_property
    def settings(self) -> TrainingSettings:
        return TrainingSettings.from_json(self.job["settings"])

    @cached_property
    def loss(self) -> Loss:
        """The loss that was used, also where the settings said "auto"."""
        return get_loss(self.job["loss"])

    @property
    def start(self) -> str | None:
        """The file it started from, as its owner called it; None where the seed drew its weights."""
        found = self.job.get("start")
        return str(found) if found and self.folder.start.exists() else None

    @cached_property
    def project(self) -> Project:
        """The project as it was."""
        from builder.graph.project import load_project

        return load_project(self.folder.project)

    @property
    def graph(self) -> Graph:
        """The network as it was."""
        return self.project.graph

    @property
    def code(self) -> str:
        """The text of the model.py that was trained."""
        return self.folder.model.read_text("utf-8")

    def dataset(self) -> RunData:
        """The rows it learned from, with the names of the classes."""
        return load_data(self.folder.data)

    @property
    def ending(self) -> Ending | None:
        """How it ended; None while it waits or trains, and after a kill."""
        return self.folder.ending()

    @property
    def state(self) -> RunState:
        """Worked out from the folder: whether its process lives, and how it ended."""
        ending, attempt = self.ending, self.folder.attempts
        if ending is not None and ending.attempt >= attempt:
            return ending.state
        mark = self.folder.worker(attempt)
        if mark is None:
            return "queued"
        return "running" if mark.alive else "interrupted"

    @property
    def sentence(self) -> str:
        """How it stands, in one sentence for the screen."""
        ending = self.ending
        if ending is not None:
            return ending.sentence
        return {
            "queued": "Waiting for its turn.",
            "running": "Training.",
        }.get(self.state, KILLED)

    def metrics(self) -> list[dict[str, Any]]:
        """One record an epoch: {"epoch": 1, "train": {"loss": …}, "validation": {…}, "seconds": …}."""
        return list(self.points().epochs)

    def points(self, since: str = "") -> Points:
        """What was reported since the last look (`Points.position`)."""
        return read_points(self.folder.metrics, since)

    def epochs(self) -> list[int]:
        """Epochs whose weights are kept, ascending; 0 is before training."""
        return checkpoints.kept_epochs(self.folder.checkpoints)

    def state_dict(self, epoch: int | None = None) -> dict[str, Tensor]:
        """The weights after an epoch (default: the last kept), on the CPU. Errors: NotFound."""
        kept = self.epochs()
        wanted = epoch if epoch is not None else (kept[-1] if kept else 0)
        return checkpoints.load_weights(self.folder.checkpoints, wanted)

    def module(self, epoch: int | None = None) -> nn.Module:
        """The trained model: its own model.py with the weights of an epoch, in eval mode."""
        from builder.training.session import build_model

        with _random_state_kept():
            model = build_model(self.folder.model)
        model.load_state_dict(self.state_dict(epoch))
        return model.eval()


KILLED = (
    "Interrupted: its process was ended from outside. It can go on from the last complete epoch."
)
DISK_FULL = (
    "Interrupted: the disk is full. Free some space; it can go on from the last complete epoch."
)


def open_run(path: str | Path) -> Run:
    """The run in a folder. Errors: NotFound when the folder holds none."""
    run = Run(Path(path).absolute())
    run.folder.job()
    return run


@contextlib.contextmanager
def _random_state_kept() -> Any:
    import torch

    state = torch.get_rng_state()
    try:
        yield
    finally:
        torch.set_rng_state(state)
