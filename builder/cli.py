"""`python -m builder …`: what the pages do, without a browser.

Results go to standard output, messages to standard error. Exit codes: 0 done, 1 the network has
problems or the run did not finish, 2 what was asked for cannot be done.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import builder
from builder.errors import InspectionRefused, LayerwiseError, NotFound, quote

if TYPE_CHECKING:
    from builder.graph.diagnostics import Diagnostic
    from builder.graph.project import Project

DONE, PROBLEMS, REFUSED = 0, 1, 2

# The options of `train` that are training settings of the same name.
_SETTINGS = [
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


def main(argv: list[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    arguments = _parser().parse_args(argv)
    command: Callable[[argparse.Namespace], int] = arguments.command
    try:
        return command(arguments)
    except LayerwiseError as error:
        _say(str(error))
        return REFUSED
    except BrokenPipeError:  # `… | head` closed the pipe: nothing is left to tell
        sys.stderr.close()
        return DONE
    except OSError as error:
        name = f" ({quote(error.filename)})" if error.filename else ""
        _say(f"{error.strerror or error}{name}.")
        return REFUSED
    except KeyboardInterrupt:
        _say("Stopped.")
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m builder",
        description="Build, check, write and train PyTorch networks without a browser.",
        epilog="Exit codes: 0 done, 1 problems in the network or the run, 2 cannot be done.",
    )
    parser.add_argument("--version", action="version", version=f"Layerwise {builder.__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def add(name: str, command: Callable[[argparse.Namespace], int], text: str) -> Any:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(command=command)
        return sub

    layers = add("layers", _layers, "List the layers and operations a network can hold.")
    layers.add_argument("text", nargs="*", help="search, e.g. 'fully connected'")
    layers.add_argument("--json", action="store_true", help="with every parameter, as JSON")

    gallery = add("gallery", _gallery, "List the starter designs, or write one to a project file.")
    gallery.add_argument("name", nargs="?", help="a design's key, e.g. digits_mlp")
    gallery.add_argument("-o", "--output", type=Path, metavar="FILE", help="where to write it")

    check = add("check", _check, "Shapes, parameters and problems of a project file.")
    check.add_argument("file", type=Path, metavar="FILE")
    check.add_argument("--json", action="store_true", help="the same as JSON")

    code = add("code", _code, "Write a project file's network as PyTorch code.")
    code.add_argument("file", type=Path, metavar="FILE")
    code.add_argument("--style", default="module", help="sequential or module (default: module)")
    code.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: print it")

    draw = add("draw", _draw, "Draw a project file's network, or a gallery design, as SVG or PNG.")
    draw.add_argument("file", metavar="FILE|NAME", help="a project file, or a design's key")
    draw.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE", help="net.svg or net.png"
    )
    draw.add_argument(
        "--direction", choices=("right", "down"), default="right", help="default: right"
    )
    draw.add_argument("--dark", action="store_true", help="for a dark page")
    draw.add_argument("--unfold", action="store_true", help="blocks with their insides")
    draw.add_argument(
        "--wrap",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="a long network in several rows (default: where it would be a thread)",
    )
    draw.add_argument(
        "--scale", type=float, default=2.0, metavar="S", help="pixels of a PNG (default: 2)"
    )

    train = add("train", _train, "Train a project file's network; the run folder keeps everything.")
    train.add_argument("file", type=Path, metavar="FILE")
    train.add_argument("--data", required=True, metavar="NAME|PATH", help="digits, moons, my.csv …")
    train.add_argument("--target", metavar="COLUMN", help="what to predict, in a file of your own")
    train.add_argument(
        "--task",
        metavar="TASK",
        help="what the target is: classes, binary (yes or no from one output), number, or auto",
    )
    train.add_argument("--run", type=Path, required=True, metavar="DIR", help="a new folder")
    train.add_argument("--epochs", type=int, metavar="N")
    train.add_argument("--lr", type=float, metavar="RATE", help="learning rate")
    train.add_argument("--batch-size", type=int, metavar="N")
    train.add_argument("--optimizer", metavar="NAME", help="sgd, adam, adamw, rmsprop, adagrad")
    train.add_argument("--loss", metavar="NAME", help="default: suggested from the target")
    train.add_argument(
        "--goal",
        metavar="GOAL",
        help="target (default), or input: an autoencoder, which gives back what it takes in",
    )
    train.add_argument("--momentum", type=float, metavar="M", help="sgd and rmsprop")
    train.add_argument("--nesterov", action="store_true", default=None, help="sgd")
    train.add_argument("--weight-decay", type=float, metavar="D")
    train.add_argument("--seed", type=int, metavar="N")
    train.add_argument("--device", metavar="NAME", help="cpu, cuda, cuda:1, mps")
    train.add_argument("--fit", action="store_true", help="fit input and output to the data first")
    train.add_argument("--quiet", action="store_true", help="no progress bar")
    return parser


def _layers(arguments: argparse.Namespace) -> int:
    from builder import catalogue

    text = " ".join(arguments.text)
    found = catalogue.search(text) if text else list(catalogue.entries().values())
    if not found:
        raise NotFound(f"No layer or operation is found by {quote(text)}.")
    if arguments.json:
        _print_json(
            [
                {
                    "key": entry.key,
                    "family": entry.family,
                    "help": entry.help,
                    "link": entry.link,
                    "parameters": {
                        p.name: {"type": p.type, "default": str(p.default), "help": p.help}
                        for p in (*entry.parameters, *entry.call_parameters)
                    },
                }
                for entry in found
            ]
        )
        return DONE
    width = max(len(entry.key) for entry in found)
    for entry in found:
        print(f"{entry.key:<{width}}  {entry.family:<13}  {entry.help}")
    return DONE


def _gallery(arguments: argparse.Namespace) -> int:
    from builder import gallery

    if not arguments.name:
        width = max(map(len, gallery.designs()))
        for design in gallery.designs().values():
            print(f"{design.key:<{width}}  {design.title}: {design.lesson}")
        return DONE
    project = gallery.project(arguments.name)
    if arguments.output:
        builder.save_project(project, arguments.output)
        _say(f"Wrote {arguments.output}.")
        return DONE
    from builder.graph.project import to_json

    print(to_json(project))
    return DONE


def _check(arguments: argparse.Namespace) -> int:
    from builder.graph.model import format_value
    from builder.graph.size import format_bytes, format_count

    graph = builder.load_project(arguments.file).graph
    checked = builder.check(graph)
    report = checked.report
    problems = [p for p in report.problems if p.severity == "error"]
    if arguments.json:
        _print_json(
            {
                "layers": {
                    graph.label(i): {
                        "shape": format_value(node.result),
                        "parameters": node.parameters,
                    }
                    for i, node in report.nodes.items()
                },
                "parameters": report.totals.parameters,
                "trainable": report.totals.trainable,
                "flops": report.totals.flops,
                "problems": [
                    {
                        "layer": _place(graph, p),
                        "severity": p.severity,
                        "message": p.message,
                        "repairs": [
                            {"label": r.label, "parameters": r.parameters_delta}
                            for r in checked.repairs.get(p, ())
                        ],
                    }
                    for p in report.problems
                ],
            }
        )
        return PROBLEMS if problems else DONE
    width = max([len(graph.label(i)) for i in report.nodes] or [0])
    for i, node in report.nodes.items():
        weights = f"{node.parameters:>12,} parameters" if node.parameters else ""
        print(f"{graph.label(i):<{width}}  {format_value(node.result):<24}{weights}".rstrip())
    totals = report.totals
    print(
        f"{format_count(totals.parameters)} parameters, {format_count(totals.trainable)} trainable; "
        f"{format_bytes(totals.memory_bytes)} of memory to train"
    )
    for problem in report.problems:
        _say(f"{problem.severity}: {problem.message}")
        for repair in checked.repairs.get(problem, ()):
            _say(f"  repair: {repair.label} ({repair.parameters_delta:+,} parameters)")
    return PROBLEMS if problems else DONE


def _place(graph: Any, problem: Diagnostic) -> str:
    return " / ".join((*problem.scope, problem.node))


def _code(arguments: argparse.Namespace) -> int:
    text = builder.write_code(builder.load_project(arguments.file).graph, arguments.style)
    if arguments.output is None:
        print(text, end="")
        return DONE
    arguments.output.write_text(text, encoding="utf-8")
    _say(f"Wrote {arguments.output}.")
    return DONE


def _draw(arguments: argparse.Namespace) -> int:
    from builder import gallery
    from builder.graph.shapes import infer_shapes
    from builder.inspection.drawing import draw

    ending = arguments.output.suffix.lower()
    if ending not in (".svg", ".png"):
        raise InspectionRefused(
            f"A picture is written as .svg or .png, not as {quote(arguments.output.name)}."
        )
    if not Path(arguments.file).exists() and arguments.file in gallery.designs():
        graph = gallery.project(arguments.file).graph
    else:
        graph = builder.load_project(Path(arguments.file)).graph
    report = infer_shapes(graph)
    picture = draw(
        graph,
        report,
        direction=arguments.direction,
        dark=arguments.dark,
        unfold=arguments.unfold,
        wrap=arguments.wrap,
    )
    if ending == ".png":
        arguments.output.write_bytes(picture.png(arguments.scale))
    else:
        arguments.output.write_text(picture.svg, encoding="utf-8")
    for problem in report.problems:
        _say(f"{problem.severity}: {problem.message}")
    _say(f"Wrote {arguments.output}.")
    return DONE if report.ok else PROBLEMS


def _train(arguments: argparse.Namespace) -> int:
    project = builder.load_project(arguments.file)
    settings = {n: v for n in _SETTINGS if (v := getattr(arguments, n)) is not None}
    asked = {"target": arguments.target, "task": arguments.task}
    data = _data_for(project, arguments.data, asked)
    if arguments.fit:
        project, data = _fitted(project, data, settings, arguments.data, asked)
    bar = None if arguments.quiet else _Bar()
    run = builder.train(
        project,
        data,
        folder=arguments.run,
        on_progress=bar,
        on_warning=lambda text: _say(f"warning: {text}"),
        **settings,
    )
    if bar:
        bar.close()
    _say(run.sentence)
    print(arguments.run)
    return DONE if run.state == "finished" else PROBLEMS


def _data_for(project: Project, name: str, asked: Mapping[str, Any]) -> Any:
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
    _say(fit.sentence)
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
                _say(text)
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


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False))


def _say(text: str) -> None:
    print(text, file=sys.stderr)
