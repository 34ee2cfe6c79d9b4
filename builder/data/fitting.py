"""The sets that fit a network as it is: what it takes and gives, held against their cards."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from builder.data.agreement import output_of, says_yes_or_no, wanted_output
from builder.data.card import Card
from builder.data.choice import MOST_SIZES, DataChoice
from builder.data.registry import cards
from builder.graph.model import Graph, TensorSpec

if TYPE_CHECKING:
    from builder.graph.report import ShapeReport


def choices_that_fit(graph: Graph, report: ShapeReport) -> tuple[DataChoice, ...]:
    """The ready sets that a network can train on without a change, in the order of the gallery.

    Pictures are cut as the network takes them. Nothing is loaded; () where it has problems.
    """
    spec = graph.inputs[0].spec if len(graph.inputs) == 1 else None
    if report.errors or spec is None:
        return ()
    output = output_of(graph, report)
    found = (_choice(card, spec, output) for card in cards().values())
    return tuple(choice for choice in found if choice is not None)


def _choice(card: Card, spec: TensorSpec, output: TensorSpec | None) -> DataChoice | None:
    sizes, own = spec.shape[1:], card.spec.shape[1:]
    if output is None or spec.dtype != card.spec.dtype or spec.shape[:1] != card.spec.shape[:1]:
        return None
    shape = None
    if sizes != own:
        whole = [size for size in sizes if isinstance(size, int)]
        fits = 0 < len(whole) == len(sizes) <= MOST_SIZES and prod(whole) == _numbers(card)
        if card.family != "pictures" or not fits:
            return None
        shape = tuple(whole)
    if output.shape == wanted_output(card.target):
        return DataChoice(card.key, shape=shape)
    if says_yes_or_no(card.target, output):
        return DataChoice(card.key, shape=shape, task="binary")
    return None


def _numbers(card: Card) -> int:
    return prod(size for size in card.spec.shape[1:] if isinstance(size, int))
