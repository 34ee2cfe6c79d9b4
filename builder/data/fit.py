"""One click that makes a network take a data set in and give its target out.

The edits are tried one after the other on the meta device (`builder.data.trial`); what is returned
was seen to work.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Final, Literal

from builder.data.agreement import output_of, says_yes_or_no, wanted_output
from builder.data.choice import DataChoice
from builder.data.trial import Trial, infer
from builder.errors import DataRefused, quote
from builder.graph.edits import Edit, Several
from builder.graph.model import Dim, Graph, TensorSpec, format_shape, format_value
from builder.graph.size import format_count

if TYPE_CHECKING:
    from builder.data.dataset import Dataset
    from builder.graph.report import ShapeReport

Goal = Literal["target", "input"]
_WIDE: Final = 16  # numbers a row from which a network that gives as many is hardly a classifier


@dataclass(frozen=True)
class Fit:
    """What makes a network fit a set.

    `edit`: one step for undo; None when the network fits as it is. `choice`: the data choice to use
    with it, another one only where two classes meet a single output (task "binary") or where only
    flat rows fit (shape). `sentence`:
    what will change, for beside the button. `changes`: the same in parts, () when nothing will.
    """

    edit: Edit | None
    choice: DataChoice
    sentence: str
    changes: tuple[str, ...] = ()


def plan_fit(graph: Graph, dataset: Dataset, goal: Goal = "target") -> Fit:
    """What to change so that a network fits a set; the Data page and `train --fit` do just this.

    Args:    goal: "input" for an autoencoder, which gives back what it takes in.
    Returns: a plan whose edit was tried: the network it makes has no problem, and the right output.
    Errors:  DataRefused when no such change was found, with what stands in the way.
    """
    try:
        return _plan_for(graph, dataset, goal)
    except DataRefused:
        flat = _flat(dataset)
        if flat is None:
            raise
        with contextlib.suppress(DataRefused):
            return _plan_for(graph, flat, goal, dataset.choice)
        raise


def _plan_for(graph: Graph, dataset: Dataset, goal: Goal, before: DataChoice | None = None) -> Fit:
    """`before`: the choice as it is, where the rows are not cut as it says."""
    before = before or dataset.choice
    if goal == "input":
        return _plan(graph, dataset, dataset.input_spec.shape, dataset.choice, before)
    asked = dataset.choice.task == "classes"  # by name: then the network gets an output a class
    if not asked and says_yes_or_no(dataset.target, output_of(graph, infer(graph))):
        choice = replace(dataset.choice, task="binary")
        return _plan(graph, dataset, ("N", 1), choice, before)
    return _plan(graph, dataset, wanted_output(dataset.target), dataset.choice, before)


def _flat(dataset: Dataset) -> Dataset | None:
    """The same set with flat rows, as far as a plan looks at it; None where they are flat."""
    sizes = [size for size in dataset.input_spec.shape[1:] if isinstance(size, int)]
    if len(sizes) < 2:
        return None
    card = replace(dataset.card, spec=TensorSpec(("N", prod(sizes))))
    return replace(dataset, choice=replace(dataset.choice, shape=(prod(sizes),)), card=card)


def _plan(
    graph: Graph,
    dataset: Dataset,
    wanted: tuple[Dim, ...],
    choice: DataChoice,
    before: DataChoice,
) -> Fit:
    _refuse_shape_of_network(graph, dataset)
    trial = Trial(graph)
    trial.take_in(dataset.input_spec, dataset.card.title)
    trial.repair(dataset.card.title)
    trial.give(wanted)
    trial.repair(dataset.card.title)
    if trial.report.errors or trial.output_shape != wanted:
        raise DataRefused(
            f"No simple change makes this network give {format_shape(wanted)}: it would give "
            f"{format_value(output_of(trial.graph, trial.report))}. Let its last layers give one row "
            "of numbers for each row of data."
        )
    changes = list(trial.changes)
    if choice.shape != before.shape:
        changes.insert(0, f"takes each row as {format_shape(dataset.input_spec.shape[1:])} numbers")
    if choice.task != before.task:
        changes.append("takes the two classes as yes or no, for the network's one output")
    sentence = "The network fits this data as it is."
    if changes:
        sentence = f"This {_joined(changes)}. {_cost(graph, trial.report)}".strip()
    if wanted != dataset.input_spec.shape and _gives_back(graph) and changes:
        sentence += (
            " It then no longer gives back its input, as an autoencoder does (goal “input”)."
        )
    label = f"Fit to {dataset.card.title[:40]}"
    edit = Several(tuple(trial.edits), label) if trial.edits else None
    return Fit(edit, choice, sentence, tuple(changes))


def _refuse_shape_of_network(graph: Graph, dataset: Dataset) -> None:
    for nodes, what in ((graph.inputs, "input"), (graph.outputs, "output")):
        if len(nodes) != 1:
            raise DataRefused(
                f"{quote(dataset.card.title)} feeds one input and asks for one output, and this network "
                f"has {len(nodes)} {what}s. Keep one of them to train it here."
            )


def _gives_back(graph: Graph) -> bool:
    """Whether a network gives what it takes in, and more numbers than a classifier has classes."""
    spec, output = graph.inputs[0].spec, output_of(graph, infer(graph))
    if spec is None or output is None or spec.shape != output.shape:
        return False
    return prod(size for size in spec.shape[1:] if isinstance(size, int)) >= _WIDE


def _joined(changes: list[str]) -> str:
    return changes[0] if len(changes) == 1 else f"{', '.join(changes[:-1])} and {changes[-1]}"


def _cost(graph: Graph, report: ShapeReport) -> str:
    before, after = infer(graph).totals.parameters, report.totals.parameters
    if before == after:
        return ""
    return f"Parameters: {format_count(before)} before, {format_count(after)} after."
