"""The command that reads code: import."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import builder
from builder.cli.answers import DONE, PROBLEMS, REFUSED, say
from builder.errors import CodeRefused, ProjectRefused, WeightsRefused
from builder.home import StorageRefused

if TYPE_CHECKING:
    from builder.code.reading import Read
    from builder.graph.own_texts import OwnText
    from builder.graph.project import Project

_MOST_BYTES: Final = 60_000_000  # of a file; a notebook's pictures are most of it
_MOST_NOTES: Final = 20


def import_code(arguments: argparse.Namespace) -> int:
    """`import`: Python text to a project file. The text is read, never run."""
    from builder.code.live import brought_text
    from builder.code.reading import read
    from builder.data import choices_that_fit
    from builder.graph.summary import facts

    name = "<stdin>" if str(arguments.file) == "-" else str(arguments.file)
    try:
        source = _text(arguments.file)
    except CodeRefused as refusal:
        _say_refusal(name, "", refusal)
        return REFUSED
    try:
        found = read(source, arguments.target, arguments.input)
    except CodeRefused as refusal:
        _say_refusal(name, source, refusal)
        return REFUSED
    _say_found(name, source, found)
    report = builder.check(found.graph).report
    for problem in report.problems:
        say(f"{problem.severity}: {problem.message}")
    project = _project(found, arguments.file, brought_text(source, found.graph))
    fits = arguments.weights is None or _weights_fit(found, arguments.weights)
    keep = arguments.weights if fits else None
    if arguments.output is None:
        from builder.graph.project import to_json

        print(to_json(project), end="")
    else:
        builder.save_project(project, arguments.output)
    say(f"{project.name}: {facts(found.graph, report)}")
    if fitting := choices_that_fit(found.graph, report):
        say(f"Ready data that fit it: {', '.join(choice.source for choice in fitting)}.")
    if arguments.output is not None:
        say(f"Wrote {arguments.output}.")
        fits = _keep_weights(found, keep, arguments.output) and fits
    return DONE if fits and not report.errors else PROBLEMS


def _text(path: Path) -> str:
    if str(path) == "-":
        raw = sys.stdin.buffer.read(_MOST_BYTES + 1)
    else:
        if (
            path.exists() and not path.is_file()
        ):  # a pipe would keep it waiting, a device would never end
            raise CodeRefused(
                "This is no file.", help="Give a .py file or a notebook, or - for standard input."
            )
        with path.open("rb") as file:
            raw = file.read(_MOST_BYTES + 1)
    if len(raw) > _MOST_BYTES:
        raise CodeRefused(
            f"The file holds more than {_MOST_BYTES / 1e6:.0f} MB.",
            help="Give only the part with the network.",
        )
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise CodeRefused(
            "The file is not text in UTF-8.", help="Give a .py file or a notebook."
        ) from None


def _where(name: str, source: str, line: int | None) -> str:
    """ "net.py:4", of a notebook "week5.ipynb, cell [7], line 2"."""
    from builder.code.reading.source import is_notebook, place_of

    if line is None:
        return name
    return f"{name}, {place_of(source, line)}" if is_notebook(source) else f"{name}:{line}"


def _say_refusal(name: str, source: str, refusal: CodeRefused) -> None:
    where = _where(name, source, refusal.line)
    say(f"{where}: {refusal.reason}")
    if refusal.code:
        say(f"    {refusal.code}")
    if refusal.help:
        say(refusal.help)
    if len(refusal.choices) > 1:
        say(f"The text holds {', '.join(refusal.choices)}: choose one by --target.")


def _say_found(name: str, source: str, found: Read) -> None:
    for assumption in found.assumptions:
        say(f"assumed: {assumption}")
    if found.fixed:
        say(f"built in from now on: {', '.join(found.fixed)}")
    others = [c for c in found.choices if c != found.graph.name and c != found.target]
    if others and len(found.choices) > 1:  # the only one is the one that was read
        say(f"also in the text, by --target: {', '.join(others)}")
    noted = [*found.notes, *((r.line, f"{r.reason} {r.help}".strip()) for r in found.refusals)]
    for line, words in noted[:_MOST_NOTES]:
        say(f"{_where(name, source, line)}: {words}")
    if len(noted) > _MOST_NOTES:
        say(f"{len(noted) - _MOST_NOTES} more notes.")


def _project(found: Read, path: Path, texts: dict[str, OwnText]) -> Project:
    from builder.graph.project import Project

    try:
        return Project(found.graph.name[:80] or path.stem[:80], found.graph, texts=texts)
    except ProjectRefused:
        return Project("Network", found.graph, texts=texts)


def _weights_fit(found: Read, path: Path) -> bool:
    from builder.code.weight_files import read_shapes
    from builder.code.weight_fit import fit_weights

    try:
        fit = fit_weights(found.graph, read_shapes(path))
    except (CodeRefused, WeightsRefused) as refusal:  # the network is read all the same
        say(str(refusal))
        return False
    say(f"{path.name}: {fit.sentence}")
    return fit.ok


def _keep_weights(found: Read, path: Path | None, project: Path) -> bool:
    """Puts weights that fit beside the project file; whether that went well."""
    from builder.training.own_weights import take_in, weights_beside

    beside = weights_beside(project)
    if path is None:
        if beside.exists():
            say(f"{beside} lies there from before: it is used where it fits the network.")
        return True
    try:
        take_in(path, found.graph, beside)
    except (WeightsRefused, StorageRefused) as refusal:  # the project is written all the same
        say(str(refusal))
        return False
    say(f"Wrote {beside}: train and export take these weights.")
    return True
