"""Outputs that a network gives in one mode only: auxiliary heads while it trains, boxes while it does not.

An output node says so by its argument "when". One without it is given in both modes.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from builder.errors import quote
from builder.graph.model import Argument, Graph, Node

WHEN: Final = "when"
WhenGiven: TypeAlias = Literal["training", "evaluation"]
CHOICES: Final[tuple[WhenGiven, ...]] = ("training", "evaluation")
_WORDS: Final = {"training": "only while training", "evaluation": "only in evaluation"}


def mode_of(node: Node) -> WhenGiven | None:
    """The one mode in which an output is given; None for both, and for every other node."""
    when = node.arguments.get(WHEN) if node.kind == "output" else None
    return next((choice for choice in CHOICES if choice == when), None)


def mode_words(node: Node) -> str:
    """“only while training”, “only in evaluation”, or nothing."""
    return _WORDS.get(mode_of(node) or "", "")


def given_in(graph: Graph, training: bool) -> list[Node]:
    """The outputs that a network gives in one mode, in the order in which it gives them."""
    other = CHOICES[1] if training else CHOICES[0]
    return [node for node in graph.outputs if mode_of(node) != other]


def has_modes(graph: Graph) -> bool:
    """Whether a network gives other outputs while it trains."""
    return any(mode_of(node) is not None for node in graph.outputs)


def refuse_when(value: Argument) -> str | None:
    """Why this is no mode; None where it is one."""
    if value in CHOICES:
        return None
    words = " or ".join(quote(choice) for choice in CHOICES)
    return f"{quote(value)} is no mode: {words}, or leave it out."


def main_output(graph: Graph) -> Node | None:
    """The output that a loss compares with a target: the one of evaluation, if training gives it too."""
    evaluated = given_in(graph, training=False)
    alone = len(evaluated) == 1 and mode_of(evaluated[0]) is None
    return evaluated[0] if alone else None


def main_place(graph: Graph) -> int | None:
    """Where the main output stands in the tuple given while training; None where it is given alone."""
    trained, main = given_in(graph, training=True), main_output(graph)
    return trained.index(main) if main is not None and len(trained) > 1 else None


def compared_outputs(graph: Graph) -> list[Node]:
    """What is held against a target: the main output, all where there is none."""
    main = main_output(graph)
    return graph.outputs if main is None else [main]
