"""The command that trains, with its progress bar."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import builder
from builder.cli.answers import DONE, PROBLEMS, say
from builder.errors import WeightsRefused

if TYPE_CHECKING:
    from builder.graph.project import Project

# The options of `train` and `export` that are training settings of the same name.
SETTINGS = [
    "batch_size",
    "device",
    "epochs",
    "goal",
    "loss",
    "lr",
    "momentum",
    "nesterov",
    "optimizer",
    "seed",
    "weight_decay",
]


def train(arguments: argparse.Namespace) -> int:
    """`train`: a run in a folder of its own."""
    project = builder.load_project(arguments.file)
    settings = {n: v for n in SETTINGS if (v := getattr(arguments, n)) is not None}
    asked = {"target": arguments.target, "task": arguments.task}
    data = data_for(project, arguments.data, asked)
    if arguments.fit:
        project, data = _fitted(project, data, settings, arguments.data, asked)
    weights = weights_for(project, arguments.file, arguments)
    bar = None if arguments.quiet else _Bar()
    run = builder.train(
        project,
        data,
        folder=arguments.run,
        on_progress=bar,
        weights=weights,
        on_warning=lambda text: say(f"warning: {text}"),
        **settings,
    )
    if bar:
        bar.close()
    say(run.sentence)
    print(arguments.run)
    return DONE if run.state == "finished" else PROBLEMS


def weights_for(project: Project, file: Path, arguments: argparse.Namespace) -> Path | None:
    """The weights that are meant: the file named, else the one beside the project, where there is one.

    Errors: WeightsRefused where they do not fit.
    """
    from builder.training.own_weights import find_weights, refuse_unfit, weights_beside

    if arguments.no_weights:
        if arguments.weights is not None:
            raise WeightsRefused("--weights names a file, and --no-weights takes none: choose one.")
        return None
    named: Path | None = arguments.weights
    beside = weights_beside(file)
    drawn = (project.training or {}).get("start") == "drawn"
    if named is None and (drawn or find_weights(beside) is None):
        return None
    try:
        refuse_unfit(named or beside, project.graph)
    except WeightsRefused as refusal:
        if named is not None:
            raise
        raise WeightsRefused(
            f"{beside}: {refusal} --no-weights leaves it out, --weights names another file."
        ) from None
    say(f"Weights: {named or beside}.")
    return named or beside


def data_for(project: Project, name: str, asked: Mapping[str, Any]) -> Any:
    """The set as the project chose it, where it did; else as it comes, cut to the model's input
    where that holds as many numbers (digits as 64 numbers or as 1×8×8 pictures).

    `asked`: fields of the choice that are set here, None where they are not.
    """
    import math

    data = _load(project, name, asked)
    if project.data and project.data.get("source") == name:
        return data
    first = next(iter(project.graph.inputs), None)
    wanted = (
        tuple(n for n in first.spec.shape[1:] if isinstance(n, int)) if first and first.spec else ()
    )
    given = tuple(n for n in data.input_spec.shape[1:] if isinstance(n, int))
    if not wanted or wanted == given or math.prod(wanted) != math.prod(given):
        return data
    return _load(project, name, {**asked, "shape": wanted})


def _load(project: Project, name: str, asked: Mapping[str, Any]) -> Any:
    from builder.data import DataChoice

    if project.data and project.data.get("source") == name:
        return builder.load_dataset(DataChoice.from_json(project.data), **asked)
    return builder.load_dataset(name, **asked)


def _fitted(
    project: Project,
    data: Any,
    settings: Mapping[str, Any],
    name: str,
    asked: Mapping[str, Any],
) -> tuple[Project, Any]:
    """Network and data as the Data page's Fit makes them; what it does is told on standard error."""
    import dataclasses

    from builder.data import plan_fit
    from builder.graph.edits import apply
    from builder.training.headless import chosen_settings

    fit = plan_fit(project.graph, data, chosen_settings(project, settings).goal)
    say(fit.sentence)
    if fit.choice != data.choice:
        data = _load(project, name, {**asked, "task": fit.choice.task, "shape": fit.choice.shape})
    if fit.edit is None:
        return project, data
    return dataclasses.replace(project, graph=apply(project.graph, fit.edit)), data


class _Bar:
    """A progress bar of one line on standard error; plain lines where that is no terminal."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._epoch = -1

    def __call__(self, progress: Mapping[str, Any]) -> None:
        epoch, epochs = int(progress["epoch"]), int(progress["epochs"])
        text = f"epoch {epoch}/{epochs}  " + "  ".join(
            f"{name} {value:.4g}"
            for name, value in progress["metrics"].items()
            if isinstance(value, float)
        )
        if not self._live:
            if epoch != self._epoch:
                say(text)
            self._epoch = epoch
            return
        room = shutil.get_terminal_size().columns
        filled = round(20 * float(progress["share"]))
        line = f"[{'#' * filled}{'.' * (20 - filled)}] {text}"
        sys.stderr.write("\r" + line[: room - 1].ljust(room - 1))
        sys.stderr.flush()

    def close(self) -> None:
        if self._live:
            sys.stderr.write("\n")
