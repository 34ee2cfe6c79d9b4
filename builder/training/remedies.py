"""Ways out of a problem: what a button would change, and those that make data and network fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import prod
from typing import TYPE_CHECKING, Any

from builder.errors import LayerwiseError
from builder.graph.model import Graph, format_shape
from builder.training.last_layer import last_layer
from builder.training.settings import TrainingSettings

if TYPE_CHECKING:
    from builder.data import DataChoice, Dataset, Fit
    from builder.graph.edits import Edit


@dataclass(frozen=True)
class Remedy:
    """One way out: an edit of the network, other settings, or another choice of data.

    `label` stands on its button, `help` says what will change.
    """

    label: str
    edit: Edit | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    data: DataChoice | None = None
    help: str = ""


def fit_remedies(
    graph: Graph, dataset: Dataset | None, settings: TrainingSettings
) -> tuple[Remedy, ...]:
    """What was tried and makes network and data fit each other, or nothing."""
    if dataset is None:
        return ()
    cut = _cut_remedy(graph, dataset)
    fit = _plan_fit(graph, dataset, settings)
    if fit is None:
        return cut
    choice = fit.choice if fit.choice != dataset.choice else None
    label = "Fit the network to the data" if fit.edit else "Take the two classes as yes or no"
    return (*cut, Remedy(label, fit.edit, data=choice, help=fit.sentence))


def _plan_fit(graph: Graph, dataset: Dataset, settings: TrainingSettings) -> Fit | None:
    from builder.data.fit import plan_fit

    try:
        fit = plan_fit(graph, dataset, settings.goal)
    except LayerwiseError:
        return None
    return fit if fit.changes else None


def _cut_remedy(graph: Graph, dataset: Dataset) -> tuple[Remedy, ...]:
    """Pictures into a network for flat rows, or the other way: the same numbers, cut otherwise."""
    spec = graph.inputs[0].spec if len(graph.inputs) == 1 else None
    if spec is None or spec.shape == dataset.input_spec.shape or spec.shape[:1] != ("N",):
        return ()
    sizes = [size for size in spec.shape[1:] if isinstance(size, int)]
    row = [size for size in dataset.input_spec.shape[1:] if isinstance(size, int)]
    if len(sizes) != len(spec.shape) - 1 or prod(sizes) != prod(row):
        return ()
    choice = replace(dataset.choice, shape=tuple(sizes))
    label = f"Give the rows as {format_shape(spec.shape)}"
    return (Remedy(label, data=choice, help="The same numbers, cut as the network takes them."),)


def remove_last(graph: Graph) -> tuple[Remedy, ...]:
    """Takes away what makes the output, where that is a single layer or operation of the network."""
    from builder.graph.edits import DeleteNode

    last = last_layer(graph)
    if not last.node or graph.nodes[last.node].kind not in ("layer", "operation"):
        return ()
    return (Remedy(f"Remove {last.target.rsplit('.', 1)[-1]}", DeleteNode(last.node)),)
