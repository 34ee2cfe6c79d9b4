"""A network on its way to fitting a data set: edits tried one after the other, each seen to work."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from builder.data.agreement import output_of
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
    map_refs,
    refs_in,
)

if TYPE_CHECKING:
    from builder.graph.diagnostics import Diagnostic
    from builder.graph.report import ShapeReport


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


class Trial:
    """A network on its way to fitting: the edits so far, and what they came to."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.edits: list[Edit] = []
        self.changes: list[str] = []
        self.report = infer(graph)

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
        self.report = infer(self.graph)
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
        if self.output_shape == wanted and self.graph.owners:
            return
        self.graph, self.edits, self.changes, self.report = before
        if len(wanted) == 2 and isinstance(wanted[1], int):
            self._append(wanted[1])

    def repair(self, title: str) -> None:
        """Lets sizes that were set for another input be inferred again, then tries the repairs.

        Errors: DataRefused with the problem that stays.
        """
        for _ in range(_MOST_REPAIRS):
            if not self.report.errors:
                return
            problem = self.report.errors[0]
            if not (self._infer_again(problem) or self._repair(problem)):
                raise DataRefused(
                    f"With {quote(title)} as its data this network has a problem: {problem.message}"
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


def infer(graph: Graph) -> ShapeReport:
    from builder.graph.shapes import infer_shapes

    return infer_shapes(graph)


def _third_person(words: str) -> str:
    """ "Set kernel_size of “conv2” to 3" as it stands in "This …"."""
    verb, _, rest = words.rstrip(".").partition(" ")
    ending = "es" if verb.endswith(("s", "x", "sh", "ch")) else "s"
    return f"{verb.lower()}{ending} {rest}"


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
