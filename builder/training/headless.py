"""`train(...)` from a script, a notebook or the command line: the worker's code, in this process."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.errors import JobRefused
from builder.graph.model import Graph
from builder.graph.project import Project
from builder.home import home
from builder.training.folder import RunFolder
from builder.training.limits import WORKER_THREADS
from builder.training.prepare import make_plan, run_data, write_run
from builder.training.processes import this_process
from builder.training.run import Run, open_run
from builder.training.settings import GENERAL, TrainingSettings
from builder.training.tensors import RunData

if TYPE_CHECKING:
    from builder.data import Dataset
    from builder.training.callbacks import Callback
    from builder.training.callbacks.progress import Progress


def train(
    model: Graph | Project,
    data: Dataset | RunData | str,
    *,
    folder: str | Path | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_warning: Callable[[str], None] | None = None,
    callbacks: Sequence[Callback] = (),
    weights: str | Path | None = None,
    **settings: Any,
) -> Run:
    """Trains a network and gives the run, however it ended (`run.state`, `run.sentence`).

    Args:    data: a loaded set, or the name of one. folder: a new folder for the run; by default one
             in the home of Layerwise. on_warning: gets each sentence that is good to know before it
             starts, such as a softmax too many. weights: a checkpoint (.safetensors, .pt) to start
             from instead of those the seed draws. settings: fields of `TrainingSettings`, flat: lr, momentum, …;
             what is left out comes from the project.
    Errors:  JobRefused with every problem that would stop it, WeightsRefused for weights that do not
             fit, before anything is written.
    """
    from builder.training.check import check_plan

    project = model if isinstance(model, Project) else Project(model.name, model)
    if isinstance(data, str):
        from builder.data import load_dataset

        data = load_dataset(data)
    rows = data if isinstance(data, RunData) else run_data(data)
    chosen = chosen_settings(project, settings)
    problems = check_plan(project, rows, chosen)
    errors = [p.message for p in problems if p.severity == "error"]
    if errors:
        raise JobRefused(" ".join(errors))
    if on_warning is not None:
        for problem in problems:
            on_warning(problem.message)
    start = Path(weights) if weights is not None else None
    plan = make_plan(project, rows, chosen, weights=start)
    path = Path(folder) if folder is not None else _new_folder()
    written = write_run(path, plan)
    return _train_here(written, on_progress, callbacks)


def resume_run(
    path: str | Path,
    *,
    on_progress: Callable[[Progress], None] | None = None,
    epochs: int | None = None,
) -> Run:
    """Goes on with a run that was interrupted or stopped, in this process.

    Args:   epochs: train until this epoch instead, for a run that is to go on further.
    Errors: JobRefused when it trains in another process, or is complete.
    """
    run = open_run(path)
    if run.state == "running":
        raise JobRefused("This run is being trained already, by another process.")
    prepare_resume(run.folder, epochs)
    return _train_here(run.folder, on_progress, ())


def prepare_resume(folder: RunFolder, epochs: int | None = None) -> None:
    """Clears the old ending, so that the next worker goes on. Errors: JobRefused when complete."""
    job = folder.job()
    settings = TrainingSettings.from_json(job["settings"])
    ending = folder.ending()
    total = epochs or settings.epochs
    if ending is not None and ending.epoch >= total:
        raise JobRefused(
            f"All {ending.epoch} epochs of this run are done. Give it more epochs to go on."
        )
    if total != settings.epochs:
        changed = replace(settings, epochs=total)
        folder.write_job({**job, "settings": changed.to_json()})
    folder.forget_end()


def chosen_settings(project: Project, settings: Mapping[str, Any]) -> TrainingSettings:
    """The project's own settings with some changed, by flat names.

    With another optimizer those that belonged to the old one go, with another goal its loss.
    Errors: JobRefused, as `TrainingSettings.of`.
    """
    usual = dict(project.training or {})
    before = usual.get("optimizer", TrainingSettings.optimizer)
    if settings.get("optimizer", before) != before:
        usual = {name: usual[name] for name in GENERAL if name in usual and name != "lr"}
    before = usual.get("goal", TrainingSettings.goal)
    if settings.get("goal", before) != before:
        usual.pop("loss", None)
    return TrainingSettings.of(**{**usual, **settings})


def _train_here(
    folder: RunFolder,
    on_progress: Callable[[Progress], None] | None,
    callbacks: Sequence[Callback],
) -> Run:
    from builder.training.callbacks import ProgressReport
    from builder.training.session import run_session

    attempt = folder.attempts + 1
    if not folder.begin(attempt, this_process()):
        raise JobRefused("This run is being trained already, by another process.")
    told = (ProgressReport(on_progress),) if on_progress is not None else ()
    with as_in_a_worker():
        run_session(folder, attempt, callbacks=(*callbacks, *told))
    return open_run(folder.path)


@contextlib.contextmanager
def as_in_a_worker() -> Iterator[None]:
    """One thread, and random numbers of its own; the caller's settings come back afterwards."""
    import torch

    threads, state = torch.get_num_threads(), torch.get_rng_state()
    torch.set_num_threads(WORKER_THREADS)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_rng_state(state)


def _new_folder() -> Path:
    stamp = time.strftime("%Y%m%d-%H%M%S")
    base = home() / "headless"
    for number in range(1, 1000):
        path = base / (stamp if number == 1 else f"{stamp}-{number}")
        if not path.exists():
            return path
    raise JobRefused(f"{base} has no free name left. Give folder=….")
