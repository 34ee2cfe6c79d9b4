"""Reads a text in this process: `read_here`. Others go through `builder.code.reading.read`."""

from __future__ import annotations

import gc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from builder import catalogue
from builder.code.reading import (
    comprehensions,
    expressions,
    generating,
    imports,
    packing,
    statements,
)
from builder.code.reading.choices import choices
from builder.code.reading.exchanged import check_exchanged
from builder.code.reading.inputs import Attempt, candidates, parse_inputs
from builder.code.reading.limits import Budget
from builder.code.reading.loose import gathered
from builder.code.reading.own_layers import tries
from builder.code.reading.reader import Reader
from builder.code.reading.running import run
from builder.code.reading.source import line_of, tree_of
from builder.code.reading.structure import Position, build
from builder.code.reading.target import Found, find_target
from builder.code.reading.torch_names import check_settings
from builder.code.reading.trace import Frame
from builder.code.reading.values import Tensor, plain
from builder.errors import CodeRefused
from builder.graph.model import Graph

__all__ = [
    "Read",
    "Refusal",
    "comprehensions",
    "expressions",
    "generating",
    "imports",
    "read_here",
    "statements",
]


@dataclass(frozen=True)
class Refusal:
    """One thing that could not be read, and what would help."""

    reason: str
    line: int | None = None
    help: str = ""


@dataclass(frozen=True)
class Read:
    """A network that was read. `assumptions`: what was not in the text and was chosen.

    `notes`: what was left out or changed, with its line. `lines`: (block or "", node) → where it
    stands in the text. `target`: the call that made the network, as Python writes it. `choices`: the
    networks of the text, each as a target. `fixed`: constructor arguments, "depth=3", that are numbers
    in the graph and no settings of it.
    """

    graph: Graph
    assumptions: tuple[str, ...] = ()
    notes: tuple[tuple[int | None, str], ...] = ()
    lines: Mapping[tuple[str, str], Sequence[Position]] = field(default_factory=dict)
    refusals: tuple[Refusal, ...] = ()
    target: str = ""
    choices: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()


def read_here(
    source: str,
    target: str | None = None,
    inputs: Sequence[str] | None = None,
    *,
    budget: Budget | None = None,
) -> Read:
    """The network in a text.

    Args:    target: "Net(784, 10)", "Net", or the name of a variable. inputs: "float32[N,1,28,28]".
    Returns: the graph, and what was assumed.
    Errors:  CodeRefused with line, reason and help.
    """
    given = parse_inputs(inputs)
    catalogue.entries()  # made once, and not at the expense of this text
    enabled = gc.isenabled()
    gc.disable()  # the walk makes much that lives until its end
    reader: Reader | None = None
    try:
        tree = tree_of(source)
        loose = gathered(tree)
        reader = Reader(loose.tree, budget)
        check_settings(reader)
        check_exchanged(reader)
        found = find_target(reader, target)
        done = [*getattr(tree, "sentences", ()), loose.sentence]
        found.assumptions = (*filter(None, done), *found.assumptions)
        return replace(_first_that_fits(reader, found, given), choices=choices(reader))
    except CodeRefused as refusal:
        refusal.code = line_of(source, refusal.line)
        refusal.choices = choices(reader) if reader is not None else ()
        raise
    except (RecursionError, MemoryError):
        raise CodeRefused(
            "The text is nested too deeply to be read.", kind="limit",
            help="Paste only the part with the network.",
        ) from None  # fmt: skip
    except OverflowError:
        raise CodeRefused(
            "A number is too large to be worked with.", kind="limit",
            line=reader.budget.line if reader is not None else None,
            help="Read a smaller part of it, or a smaller network.",
        ) from None  # fmt: skip
    finally:
        if enabled:
            gc.enable()


def _first_that_fits(reader: Reader, found: Found, given: list[object] | None) -> Read:
    refusal: CodeRefused | None = None
    guess: Attempt | None = None  # what was tried where the refusal comes from
    for attempt in candidates(reader, found, given):
        for choice in found.others(reader) if refusal is not None else ():
            found = choice
        try:
            frame = _run(reader, found, attempt.values)
        except CodeRefused as error:
            if error.kind == "limit":
                raise
            # The batch as N says it best, but where only a batch of one size gets further.
            if refusal is None or (attempt.sure and error.line != refusal.line):
                refusal, guess = error, None if attempt.sure else attempt
            continue
        built = build(reader, found.module, frame, found.name)
        if packing.is_counted(reader):
            shorter = _for_shorter(reader, found, attempt.values, built.graph)
            packing.hold_shorter(reader, built.graph, shorter)
            packing.tell(reader, built.graph, built.lines)
        usual = tuple(f"It is taken to begin with: {i}." for i in _imports(reader))
        assumed = (*usual, *found.assumptions, *attempt.assumptions)
        fixed = tuple(
            f"{name}={plain(value)!r}"
            for name, value in found.module.given.items()
            if name not in built.graph.settings
        )
        return Read(
            built.graph,
            assumed,
            tuple(reader.notes),
            built.lines,
            target=found.text,
            fixed=fixed,
        )
    if refusal is None:
        refusal = CodeRefused(
            "It is not known what goes into this network.",
            help="Give its inputs, such as float32[N, 3, 32, 32].",
        )
    if guess is not None and refusal.kind == "shape":
        tried = [v.spec for v in guess.values if isinstance(v, Tensor)]
        shapes = (f"{spec.dtype}[{', '.join(map(str, spec.shape))}]" for spec in tried)
        refusal = _of_a_guess(refusal, " and ".join(shapes))
    raise refusal


def _of_a_guess(refusal: CodeRefused, shapes: str) -> CodeRefused:
    """A refusal that may only mean that the inputs were guessed wrongly."""
    told = CodeRefused(
        refusal.reason, line=refusal.line, kind=refusal.kind,
        help=f"Nothing in the text says what goes in: {shapes} was tried first, and others. "
        "Say it as an input, such as float32[N, 1, 8, 8], or change this line.",
    )  # fmt: skip
    told.misfit = refusal.misfit
    return told


def _for_shorter(reader: Reader, found: Found, values: list[Any], graph: Graph) -> Graph | None:
    """The network as it is read where the longest sequence of a batch does not fill the input.

    `graph`: where it does; the same is given where torch itself takes no shorter ones. None where
    nothing can be said.
    """
    notes = list(reader.notes)
    packing.expect_shorter(reader, True)
    try:
        return build(reader, found.module, _run(reader, found, values), found.name).graph
    except CodeRefused as refusal:
        if refusal.kind == "limit":
            raise
        return graph if refusal.kind in ("shape", "raised") else None
    finally:
        packing.expect_shorter(reader, False)
        reader.notes[:] = notes


def _imports(reader: Reader) -> list[str]:
    """The usual imports that the text lacks and uses."""
    return ["; ".join(reader.state["usual"].values())] if reader.state.get("usual") else []


def _run(reader: Reader, found: Found, values: list[Any]) -> Frame:
    """Runs the network; where layers of own code stand in it, with each shape that they may give."""
    reader.state["try"] = 0
    reader.state.pop("shapes to try", None)
    while True:
        try:
            return run(reader, found.module, list(values))
        except CodeRefused as refusal:
            reader.state["try"] += 1
            if refusal.kind != "shape" or reader.state["try"] >= tries(reader):
                first: CodeRefused | None = reader.state.get("stood in")
                if first is None or refusal.kind == "limit":
                    raise
                raise first from None  # without that layer nothing behind it can be said
