"""`python -m builder …`: what the pages do, without a browser.

Results go to standard output, messages to standard error. Exit codes: 0 done, 1 the network has
problems or the run did not finish, 2 what was asked for cannot be done.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import builder
from builder.cli import exporting, networks, reading, training
from builder.cli.answers import DONE, REFUSED, say
from builder.errors import LayerwiseError, quote

__all__ = ["main"]

_STYLES = "sequential, ordered, module, functional, mixed or manual (default: module)"

_FORMATS = "py, zip, ipynb, safetensors, pt2, onnx, svg or png"


def main(argv: list[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    arguments = _parser().parse_args(argv)
    command: Callable[[argparse.Namespace], int] = arguments.command
    try:
        return command(arguments)
    except LayerwiseError as error:
        say(str(error))
        return REFUSED
    except BrokenPipeError:  # `… | head` closed the pipe: nothing is left to tell
        sys.stderr.close()
        return DONE
    except OSError as error:
        name = f" ({quote(error.filename)})" if error.filename else ""
        say(f"{error.strerror or error}{name}.")
        return REFUSED
    except KeyboardInterrupt:
        say("Stopped.")
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

    layers = add("layers", networks.layers, "List the layers and operations a network can hold.")
    layers.add_argument("text", nargs="*", help="search, e.g. 'fully connected'")
    layers.add_argument("--json", action="store_true", help="with every parameter, as JSON")

    gallery = add(
        "gallery", networks.gallery, "List the starter designs, or write one to a project file."
    )
    gallery.add_argument("name", nargs="?", help="a design's key, e.g. digits_mlp")
    gallery.add_argument("-o", "--output", type=Path, metavar="FILE", help="where to write it")

    check = add("check", networks.check, "Shapes, parameters and problems of a project file.")
    check.add_argument("file", type=Path, metavar="FILE")
    check.add_argument("--json", action="store_true", help="the same as JSON")

    read = add(
        "import",
        reading.import_code,
        "Read PyTorch code into a project file. The code is read, never run.",
    )
    read.add_argument("file", type=Path, metavar="FILE", help="a .py file, a notebook, - for stdin")
    read.add_argument("--target", metavar="CALL", help="which network, e.g. 'Net(784, 10)' or Net")
    read.add_argument(
        "--input",
        action="append",
        metavar="SPEC",
        help="e.g. 1,28,28 for one sample, or 'float32[N,1,28,28]', N where the batch stands; once for "
        "each input",
    )
    read.add_argument(
        "--weights",
        type=Path,
        metavar="FILE",
        help="a .safetensors or .pt checkpoint, kept beside the project (exit code 1: does not fit)",
    )
    read.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: print it")

    code = add("code", networks.code, "Write a project file's network as PyTorch code.")
    code.add_argument("file", type=Path, metavar="FILE")
    code.add_argument("--style", default="module", help=_STYLES)
    code.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: print it")

    draw = add(
        "draw", networks.draw, "Draw a project file's network, or a gallery design, as SVG or PNG."
    )
    draw.add_argument("file", metavar="FILE|NAME", help="a project file, or a design's key")
    draw.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE", help="net.svg or net.png"
    )
    draw.add_argument(
        "--direction", choices=("right", "down"), help="laid out anew this way (default: right)"
    )
    draw.add_argument(
        "--arrange",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="lay it out anew, also where all layers have a place on the canvas "
        "(default: only with --direction, --unfold or --wrap)",
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

    train = add(
        "train", training.train, "Train a project file's network; the run folder keeps everything."
    )
    train.add_argument("file", type=Path, metavar="FILE")
    train.add_argument("--data", required=True, metavar="NAME|PATH", help="digits, moons, my.csv …")
    train.add_argument("--run", type=Path, required=True, metavar="DIR", help="a new folder")
    _add_training_options(train)
    _add_weights(train)
    train.add_argument("--device", metavar="NAME", help="cpu, cuda, cuda:1, mps")
    train.add_argument("--fit", action="store_true", help="fit input and output to the data first")
    train.add_argument("--quiet", action="store_true", help="no progress bar")

    export = add(
        "export",
        exporting.export,
        "Write a network as a file to take along, after it was run in a clean interpreter.",
    )
    export.add_argument(
        "file", metavar="FILE|NAME", help="a project file, a design's key, or the folder of a run"
    )
    export.add_argument("--to", required=True, metavar="FORMAT", help=_FORMATS)
    export.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="default: the project's name, here"
    )
    export.add_argument("--style", default="module", help=_STYLES)
    export.add_argument(
        "--run", type=Path, metavar="DIR", help="a run's weights, data and settings"
    )
    _add_weights(export)
    export.add_argument(
        "--epoch", type=int, metavar="N", help="of the run (default: the last kept)"
    )
    export.add_argument(
        "--data", metavar="NAME|PATH", help="for zip and ipynb (default: the project's choice)"
    )
    _add_training_options(export)
    export.set_defaults(device=None)
    return parser


def _add_weights(command: argparse.ArgumentParser) -> None:
    """Where the first weights come from."""
    command.add_argument(
        "--weights",
        type=Path,
        metavar="FILE",
        help="a .safetensors or .pt checkpoint (default: PROJECT.weights.safetensors, where it is)",
    )
    command.add_argument(
        "--no-weights",
        action="store_true",
        help="fresh weights, also where a file lies beside the project",
    )


def _add_training_options(command: argparse.ArgumentParser) -> None:
    """What is learned, and how."""
    command.add_argument(
        "--target", metavar="COLUMN", help="what to predict, in a file of your own"
    )
    command.add_argument(
        "--task",
        metavar="TASK",
        help="what the target is: classes, binary (yes or no from one output), number, or auto",
    )
    command.add_argument("--epochs", type=int, metavar="N")
    command.add_argument("--lr", type=float, metavar="RATE", help="learning rate")
    command.add_argument("--batch-size", type=int, metavar="N")
    command.add_argument("--optimizer", metavar="NAME", help="sgd, adam, adamw, rmsprop, adagrad")
    command.add_argument("--loss", metavar="NAME", help="default: suggested from the target")
    command.add_argument(
        "--goal",
        metavar="GOAL",
        help="target (default), or input: an autoencoder, which gives back what it takes in",
    )
    command.add_argument("--momentum", type=float, metavar="M", help="sgd and rmsprop")
    command.add_argument("--nesterov", action="store_true", default=None, help="sgd")
    command.add_argument("--weight-decay", type=float, metavar="D")
    command.add_argument("--seed", type=int, metavar="N")
