"""Where a network and a data set do not go together: the shape that comes in, the one that comes out.

Said before training starts, next to the click that mends it (`builder.data.fit`). Which loss goes
with which output is the training room's to say (`builder.training.losses`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from builder.data.card import Target
from builder.errors import quote
from builder.graph.model import Dim, Graph, TensorSpec, format_shape, format_value
from builder.graph.modes import compared_outputs

if TYPE_CHECKING:
    from builder.data.dataset import Dataset
    from builder.graph.report import ShapeReport


@dataclass(frozen=True)
class Disagreement:
    """One place where they do not fit. `node`: the id of the input or output, "" for the whole."""

    message: str
    kind: Literal["input", "output", "network"]
    node: str = ""


def disagreements(
    graph: Graph, dataset: Dataset, report: ShapeReport | None = None
) -> tuple[Disagreement, ...]:
    """What in a network does not fit a data set; () when it fits.

    `report`: the network's shapes where they are known already. Problems inside the network are
    not repeated here: with any, only the input is compared.
    """
    if report is None:
        from builder.graph.shapes import infer_shapes

        report = infer_shapes(graph)
    found = _inputs(graph, dataset)
    if report.ok:
        found += _outputs(graph, report, dataset)
    return tuple(found)


def wanted_output(target: Target) -> tuple[Dim, ...]:
    """The shape a network gives for a target: ("N", 10) for ten classes, ("N", 1) for a number."""
    return ("N", target.width)


def output_of(graph: Graph, report: ShapeReport) -> TensorSpec | None:
    """The one tensor a network gives; None when it gives several or it is not known."""
    outputs = compared_outputs(graph)
    if len(outputs) != 1:
        return None
    found = report.nodes.get(outputs[0].id)
    return found.result if found and isinstance(found.result, TensorSpec) else None


def says_yes_or_no(target: Target, output: TensorSpec | None) -> bool:
    """Two classes met by a single output: the task “binary” fits without touching the network."""
    return (
        target.kind == "classes"
        and target.count == 2
        and output is not None
        and output.shape == ("N", 1)
    )


def _inputs(graph: Graph, dataset: Dataset) -> list[Disagreement]:
    inputs, title = graph.inputs, dataset.card.title
    if len(inputs) != 1:
        has = "no input" if not inputs else f"{len(inputs)} inputs"
        return [Disagreement(f"A data set feeds one input, and the network has {has}.", "network")]
    node, spec = inputs[0], dataset.input_spec
    if node.spec == spec or node.spec is None:
        return []
    dtype = "" if node.spec.dtype == spec.dtype else f" of {node.spec.dtype}"
    return [
        Disagreement(
            f"{quote(title)} gives {format_shape(spec.shape)}, but the input "
            f"{quote(graph.label(node.id))} takes {format_shape(node.spec.shape)}{dtype}.",
            "input",
            node.id,
        )
    ]


def _outputs(graph: Graph, report: ShapeReport, dataset: Dataset) -> list[Disagreement]:
    outputs, target = compared_outputs(graph), dataset.target
    if len(outputs) != 1:
        has = "no output" if not outputs else f"{len(outputs)} outputs"
        return [Disagreement(f"A target is one output, and the network has {has}.", "network")]
    node = outputs[0]
    found, wanted = report.nodes[node.id].result, wanted_output(target)
    if isinstance(found, TensorSpec) and found.shape == wanted:
        return []
    way = ""
    if says_yes_or_no(target, output_of(graph, report)):
        way = " Choose the task “yes or no”, or let the last layer give 2."
    return [
        Disagreement(
            f"The target {quote(target.name)} is {target} and needs {format_shape(wanted)}, but the "
            f"network gives {format_value(found)}.{way}",
            "output",
            node.id,
        )
    ]
