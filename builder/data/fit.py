"""One click that makes a network take a data set in and give its target out.

The edits are tried one after the other on the meta device; what is returned was seen to work.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from builder.data.agreement import output_of, says_yes_or_no, wanted_output
from builder.data.choice import DataChoice
from builder.errors import DataRefused, LayerwiseError, quote
from builder.graph.edits import (
    UNSET,
    AddNode,
    DeleteNode,
    Edit,
    SetArgument,
    SetBypassed,
    SetCallArgument,
    SetInputSpec,
    Several,
    apply,
    describe,
)
from builder.graph.model import (
    Argument,
    Dim,
    Graph,
    Node,
    Ref,
    TensorSpec,
    format_shape,
    format_value,
    map_refs,
    refs_in,
)
from builder.graph.size import format_count

if TYPE_CHECKING:
    from builder.data.dataset import Dataset
    from builder.graph.diagnostics import Diagnostic
    from builder.graph.report import ShapeReport

Goal = Literal["target", "input"]


def _names(*names: str) -> frozenset[str]:
    return frozenset(f"torch.nn.{name}" for name in names)


# Which constructor argument is the number of values a layer gives.
_WIDTHS: Final = {
    "torch.nn.Linear": "out_features",
    "torch.nn.LazyLinear": "out_features",
    "torch.nn.Bilinear": "out_features",
    "torch.nn.Conv1d": "out_channels",
    "torch.nn.Conv2d": "out_channels",
    "torch.nn.Conv3d": "out_channels",
}
_MOST_REPAIRS: Final = 12
_SMALLEST_SIDE: Final = 6  # a square of fewer pixels is a row of numbers by chance
_READ_ROWS: Final = _names("Linear", "LazyLinear", "BatchNorm1d", "Bilinear")
_READ_PICTURES: Final = _names(
    "Conv2d", "ConvTranspose2d", "MaxPool2d", "AvgPool2d", "BatchNorm2d", "ZeroPad2d", "Upsample"
)
_READ_ANY: Final = frozenset(
    (
        "torch.nn.Flatten",
        "torch.flatten",
        "torch.Tensor.view",
        "torch.reshape",
        "torch.Tensor.flatten",
    )
)


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
    if says_yes_or_no(dataset.target, _output(graph)):
        choice = replace(dataset.choice, task="binary")
        return _plan(graph, dataset, ("N", 1), choice)
    return _plan(graph, dataset, wanted_output(dataset.target), dataset.choice)


def _plan(graph: Graph, dataset: Dataset, wanted: tuple[Dim, ...], choice: DataChoice) -> Fit:
    _refuse_shape_of_network(graph, dataset)
    trial = _Trial(graph)
    trial.take_in(dataset.input_spec, dataset.card.title)
    trial.repair(dataset)
    trial.give(wanted)
    trial.repair(dataset)
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


class _Trial:
    """A network on its way to fitting: the edits so far, and what they came to."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.edits: list[Edit] = []
        self.changes: list[str] = []
        self.report = _infer(graph)

    @property
    def output_shape(self) -> tuple[Dim, ...] | None:
        output = output_of(self.graph, self.report)
        return output.shape if output else None

    def do(self, edit: Edit, change: str) -> bool:
        """Applies an edit; False when it is refused, and then nothing changed. `change` "": unsaid."""
        try:
            self.graph = apply(self.graph, edit)
        except LayerwiseError:
            return False
        self.edits.append(edit)
        if change:
            self.changes.append(change)
        self.report = _infer(self.graph)
        return True

    def take_in(self, spec: TensorSpec, title: str) -> None:
        """Sets the input, and puts behind it what turns its rows into what the network reads.

        A network of rows gets a Flatten in front of pictures; one of sequences reads a row as one
        number a step; one of pictures reads a row as a square picture where it is one.
        Errors: DataRefused when rows cannot become what the network reads.
        """
        node = self.graph.inputs[0]
        before = node.spec or spec
        _refuse_kind_of_input(self.graph.label(node.id), before, spec, title)
        readers = {_target(self.graph, reader) for reader in self.graph.readers_of(node.id)}
        if before != spec:
            self.do(SetInputSpec(node.id, spec), f"sets the input to {format_shape(spec.shape)}")
        if readers and readers <= _READ_ANY:
            return
        rows, given = len(before.shape), len(spec.shape)
        if given > 2 and (rows == 2 or readers & _READ_ROWS):
            self._behind_input("torch.nn.Flatten", {}, "puts a Flatten behind the input")
        elif given == 2 and (rows > 3 or readers & _READ_PICTURES):
            self._unflatten(int(spec.shape[1]), True, title)
        elif given == 2 and rows == 3 and not readers & _READ_ROWS:
            self._unflatten(int(spec.shape[1]), False, title)

    def _unflatten(self, width: int, pictures: bool, title: str) -> None:
        side = math.isqrt(width)
        if pictures and (side * side != width or side < _SMALLEST_SIDE):
            raise DataRefused(
                f"This network reads pictures, and {quote(title)} gives rows of {width} numbers. Choose a "
                "set of pictures, or a network that begins with Linear."
            )
        sizes = (1, side, side) if pictures else (width, 1)
        self._behind_input(
            "torch.nn.Unflatten",
            {"dim": 1, "unflattened_size": sizes},
            f"reads each row as {'a picture' if pictures else 'a sequence'} of {format_shape(sizes)}",
        )

    def _behind_input(self, layer: str, arguments: Mapping[str, Argument], change: str) -> None:
        """Puts a layer behind the input for everyone who reads it, as one change."""
        source, known = self.graph.inputs[0].id, set(self.graph.nodes)
        if not self.do(AddNode(layer, after=source, arguments=arguments), change):
            return
        added = next(node for node in self.graph.nodes if node not in known)
        for reader in self.graph.readers_of(source):
            for name, argument in reader.arguments.items():
                moved = map_refs(argument, lambda r: Ref(added) if r == Ref(source) else r)
                if reader.id != added and moved != argument:
                    self.do(SetCallArgument(reader.id, name, moved), "")

    def give(self, wanted: tuple[Dim, ...]) -> None:
        """Sets the width of the last layer that has one; else adds a layer that has the width."""
        if self.output_shape == wanted and self.graph.owners:
            return
        before = (self.graph, list(self.edits), list(self.changes), self.report)
        for scope, node_id, parameter in list(_last_widths(self.graph)):
            label = _label(self.graph, scope, node_id)
            width = wanted[1] if len(wanted) > 1 else 1
            edit = SetArgument(node_id, parameter, width, scope=scope)
            self.do(edit, f"sets {parameter} of {quote(label)} to {width}")
        if self.output_shape == wanted:
            return
        self.graph, self.edits, self.changes, self.report = before
        if len(wanted) == 2 and isinstance(wanted[1], int):
            self._append(wanted[1])

    def repair(self, dataset: Dataset) -> None:
        """Lets sizes that were set for another input be inferred again, then tries the repairs.

        Errors: DataRefused with the problem that stays.
        """
        for _ in range(_MOST_REPAIRS):
            if not self.report.errors:
                return
            problem = self.report.errors[0]
            if not (self._infer_again(problem) or self._repair(problem)):
                raise DataRefused(
                    f"With {quote(dataset.card.title)} as its data this network has a problem: "
                    f"{problem.message}"
                )

    def _append(self, width: int) -> None:
        shape = self.output_shape
        if shape is None or not shape or shape[0] != "N":
            return
        behind = self.graph.outputs[0].arguments.get("value")
        if not isinstance(behind, Ref):
            return
        if len(shape) > 2 and not self.do(AddNode("torch.nn.Flatten"), "adds a Flatten at the end"):
            return
        self.do(
            AddNode("torch.nn.Linear", arguments={"out_features": width}),
            f"adds a Linear with {width} {'output' if width == 1 else 'outputs'} at the end",
        )

    def _infer_again(self, problem: Diagnostic) -> bool:
        """Takes back a size somebody set that torch can infer, at the layer with the problem."""
        from builder import catalogue

        node = self.graph.nodes.get(problem.node)
        owner = self.graph.owner_of(node) if node and not problem.scope else None
        if node is None or owner is None or owner.block is not None:
            return False
        entry = catalogue.get(owner.target)
        for parameter in entry.parameters:
            if parameter.inferred is not None and parameter.name in owner.arguments:
                return self.do(
                    SetArgument(node.id, parameter.name, UNSET),
                    f"lets {parameter.name} of {quote(owner.name)} be inferred",
                )
        return False

    def _repair(self, problem: Diagnostic) -> bool:
        """Carries out the first repair that keeps the layer at work, and the input as it is given."""
        from builder.graph.repairs import repairs_for

        for repair in repairs_for(self.graph, problem):
            if isinstance(repair.edit, SetBypassed | DeleteNode | SetInputSpec):
                continue
            words = _third_person(describe(repair.edit, self.graph))
            if self.do(repair.edit, words):
                return True
        return False


def _third_person(words: str) -> str:
    """ "Set kernel_size of “conv2” to 3" as it stands in "This …"."""
    verb, _, rest = words.rstrip(".").partition(" ")
    ending = "es" if verb.endswith(("s", "x", "sh", "ch")) else "s"
    return f"{verb.lower()}{ending} {rest}"


def _refuse_shape_of_network(graph: Graph, dataset: Dataset) -> None:
    for nodes, what in ((graph.inputs, "input"), (graph.outputs, "output")):
        if len(nodes) != 1:
            raise DataRefused(
                f"{quote(dataset.card.title)} feeds one input and asks for one output, and this network "
                f"has {len(nodes)} {what}s. Keep one of them to train it here."
            )


def _refuse_kind_of_input(name: str, takes: TensorSpec, gives: TensorSpec, title: str) -> None:
    if takes.shape[:1] != ("N",):
        raise DataRefused(
            f"The input {quote(name)} takes {format_shape(takes.shape)}, and a data set gives its rows "
            "first. Build the network for N×…, with batch_first where there is one."
        )
    if not takes.dtype.startswith(("float", "bfloat")):
        raise DataRefused(
            f"The input {quote(name)} takes whole numbers ({takes.dtype}), such as tokens, and "
            f"{quote(title)} gives {gives.dtype}. Choose a network without an embedding at its start."
        )


def _last_widths(graph: Graph) -> Iterator[tuple[str, str, str]]:
    """(scope, node id, parameter) of the layers whose width is the output's: one, or one a branch.

    A block at the end is entered when it is called once: its width is then this network's alone.
    """
    seen: set[tuple[str, str]] = set()
    waiting: list[tuple[str, Ref]] = [("", r) for node in graph.outputs for r in refs_in(node)]
    while waiting:
        scope, ref = waiting.pop()
        here = graph.blocks[scope] if scope else graph
        node = here.nodes.get(here.resolve(ref).node)
        if node is None or (scope, node.id) in seen:
            continue
        seen.add((scope, node.id))
        owner = here.owner_of(node)
        if owner is not None and owner.target in _WIDTHS:
            yield scope, node.id, _WIDTHS[owner.target]
        elif owner is not None and (name := owner.block) is not None:
            inner = graph.blocks.get(name)
            if inner is not None and owner.repeat == 1 and _calls(graph, name) == 1:
                waiting += [(name, r) for output in inner.outputs for r in refs_in(output)]
        elif node.kind == "branch":
            waiting += [(scope, r) for side in ("if_true", "if_false") for r in _side(node, side)]
        elif node.kind in ("layer", "operation"):
            waiting += [(scope, r) for r in refs_in(node)[:1]]


def _side(node: Node, side: str) -> list[Ref]:
    value = node.arguments.get(side)
    return [value] if isinstance(value, Ref) else []


def _calls(graph: Graph, block: str) -> int:
    return sum(
        here.owners[node.target].block == block
        for here in (graph, *graph.blocks.values())
        for node in here.nodes.values()
        if node.kind == "layer" and node.target in here.owners
    )


def _label(graph: Graph, scope: str, node_id: str) -> str:
    return (graph.blocks[scope] if scope else graph).label(node_id)


def _target(graph: Graph, node: Node) -> str:
    owner = graph.owner_of(node)
    return owner.target if owner else node.target


def _infer(graph: Graph) -> ShapeReport:
    from builder.graph.shapes import infer_shapes

    return infer_shapes(graph)


def _output(graph: Graph) -> TensorSpec | None:
    return output_of(graph, _infer(graph))


def _joined(changes: list[str]) -> str:
    return changes[0] if len(changes) == 1 else f"{', '.join(changes[:-1])} and {changes[-1]}"


def _cost(graph: Graph, report: ShapeReport) -> str:
    before, after = _infer(graph).totals.parameters, report.totals.parameters
    if before == after:
        return ""
    return f"Parameters: {format_count(before)} before, {format_count(after)} after."
