"""The command that exports: the file to take along, and its proof."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import builder
from builder.cli.answers import DONE, say
from builder.cli.training import SETTINGS, data_for, weights_for
from builder.errors import ExportRefused

if TYPE_CHECKING:
    from builder.graph.project import Project


def export(arguments: argparse.Namespace) -> int:
    """`export`: one file, proven before it is written."""
    from builder.export.formats import format_for
    from builder.home import write_atomically

    wanted = format_for(arguments.to)
    run = arguments.run
    if run is None and (Path(arguments.file) / "job.json").is_file():
        run = Path(arguments.file)
    project = _project(arguments.file, run)
    settings = {n: v for n in SETTINGS if (v := getattr(arguments, n)) is not None}
    asked = {"target": arguments.target, "task": arguments.task}
    data: Any = None
    if arguments.data is not None:
        data = data_for(project, arguments.data, asked)
    elif any(value is not None for value in asked.values()):
        raise ExportRefused("--target and --task are about a data set: name it with --data.")
    exported = builder.export_project(
        project,
        wanted.key,
        style=arguments.style,
        data=data,
        run=run,
        epoch=arguments.epoch,
        weights=_weights(project, arguments, run),
        **settings,
    )
    output = arguments.output or Path(exported.name)
    if output.is_dir():
        output = output / exported.name
    write_atomically(output, exported.content)
    for sentence in exported.proof.sentences if exported.proof is not None else ():
        say(sentence)
    say(f"Wrote {output}.")
    return DONE


def _weights(project: Project, arguments: argparse.Namespace, run: Path | None) -> Path | None:
    """A run has its own; a picture, and code by hand, take none but those that are named."""
    from builder.code.registry import MANUAL
    from builder.export.formats import format_for

    if arguments.weights is None:
        takes_none = not format_for(arguments.to).proven or arguments.style == MANUAL
        if run is not None or takes_none or arguments.no_weights:
            return None
    return weights_for(project, Path(arguments.file), arguments)


def _project(name: str, run: Path | None) -> Project:
    from builder import gallery

    if run is not None and Path(name) == run:
        return builder.open_run(run).project
    if not Path(name).exists() and name in gallery.designs():
        return gallery.project(name)
    return builder.load_project(Path(name))
