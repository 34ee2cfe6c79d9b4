"""One click that makes a network take a data set in and give its target out.

The edits are tried one after the other on the meta device (`builder.data.trial`); what is returned
was seen to work.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from builder.data.agreement import output_of, says_yes_or_no, wanted_output
from builder.data.choice import DataChoice
from builder.data.trial import Trial, infer
from builder.errors import DataRefused, quote
from builder.graph.edits import Edit, Several
from builder.graph.model import Dim, Graph, format_shape, format_value
from builder.graph.size import format_count

if TYPE_CHECKING:
    from builder.data.dataset import Dataset
    from builder.graph.report import ShapeReport

Goal = Literal["target", "input"]


@dataclass(frozen=True)
class Fit:
    """What makes a network fit a set.

    `edit`: one step for undo; None when the network fits as it is. `choice`: the data choice to use
    with it, another one only where two classes meet a single output (task "binary"). `sentence`:
    what will change, for beside the button. `changes`: the same in parts, () when nothing will.
    """

    edit: Edit | None
    choice: DataChoice
    sentence: str
    changes: tuple[str, ...] = ()


def fit_edits(graph: Graph, dataset: Dataset) -> Edit | None:
    """The edit that makes a network fit a set; None when it fits already, or cannot be made to."""
    try:
        return _plan(graph, dataset, wanted_output(dataset.target), dataset.choice).edit
    except DataRefused:
        return None


def plan_fit(graph: Graph, dataset: Dataset, goal: Goal = "target") -> Fit:
    """What to change so that a network fits a set.

    Args:    goal: "input" for an autoencoder, which gives back what it takes in.
    Returns: a plan whose edit was tried: the network it makes has no problem, and the right output.
    Errors:  DataRefused when no such change was found, with what stands in the way.
    """
    if goal == "input":
        return _plan(graph, dataset, dataset.input_spec.shape, dataset.choice)
    if says_yes_or_no(dataset.target, output_of(graph, infer(graph))):
        choice = replace(dataset.choice, task="binary")
        return _plan(graph, dataset, ("N", 1), choice)
    return _plan(graph, dataset, wanted_output(dataset.target), dataset.choice)


def _plan(graph: Graph, dataset: Dataset, wanted: tuple[Dim, ...], choice: DataChoice) -> Fit:
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
    if choice.task != dataset.choice.task:
        changes.append("takes the two classes as yes or no, for the network's one output")
    sentence = "The network fits this data as it is."
    if changes:
        sentence = f"This {_joined(changes)}. {_cost(graph, trial.report)}".strip()
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


def _joined(changes: list[str]) -> str:
    return changes[0] if len(changes) == 1 else f"{', '.join(changes[:-1])} and {changes[-1]}"


def _cost(graph: Graph, report: ShapeReport) -> str:
    before, after = infer(graph).totals.parameters, report.totals.parameters
    if before == after:
        return ""
    return f"Parameters: {format_count(before)} before, {format_count(after)} after."
