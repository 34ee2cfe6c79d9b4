"""A second, plain way to run a graph, only for comparison: node by node, by the catalogue's entries."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from builder import catalogue
from builder.graph.model import (
    Argument,
    Calc,
    Compare,
    GradEnabled,
    Graph,
    Node,
    Ref,
    Setting,
    Size,
    Slice,
    TensorSpec,
    Training,
)
from builder.graph.report import ShapeReport
from builder.graph.sequence_lengths import steps_of
from builder.graph.shapes import infer_shapes
from builder.graph.symbols import dim_per_sample

_ARITHMETIC = {"+": operator.add, "-": operator.sub, "*": operator.mul, "//": operator.floordiv}
_COMPARISONS = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


def random_inputs(graph: Graph, batch: int = 3) -> list[torch.Tensor]:
    """A tensor for each input, whole numbers 0 or 1; lengths of sequences, the longest first."""
    report = infer_shapes(graph)
    return [
        _random(node.spec, batch) if steps is None else _lengths(node.spec, steps, batch)
        for node in graph.inputs
        for steps in [steps_of(graph, report, node.id)]
    ]


def _lengths(spec: TensorSpec | None, steps: int, batch: int) -> torch.Tensor:
    assert spec is not None and spec.shape == ("N",)
    shorter = torch.randint(1, steps + 1, (batch - 1,)).sort(descending=True).values
    return torch.cat([torch.tensor([steps]), shorter])


def _random(spec: TensorSpec | None, batch: int) -> torch.Tensor:
    assert spec is not None
    shape = [d if isinstance(d, int) else dim_per_sample(d) * batch for d in spec.shape]
    dtype = getattr(torch, spec.dtype)
    if dtype.is_floating_point or dtype.is_complex:
        return torch.rand(shape, dtype=dtype)
    return torch.randint(2, shape).to(dtype)


class Reference:
    """A graph with layers of its own, made in the order of their first call."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.root = _Part(graph, graph, infer_shapes(graph), graph.settings)

    def run(self, inputs: list[torch.Tensor], training: bool = False) -> Any:
        for layer in self.root.layers():
            layer.train(training)
        return self.root.run(inputs, training)

    def values(self) -> list[torch.Tensor]:
        """Parameters and buffers in the order of a state_dict."""
        return [v for layer in self.root.layers() for v in layer.state_dict().values()]


class _Part:
    def __init__(
        self, root: Graph, graph: Graph, report: ShapeReport, settings: Mapping[str, Any]
    ) -> None:
        self.root, self.graph, self.settings = root, graph, settings
        self.made: dict[str, nn.Module | list[_Part]] = {}
        for node in graph.nodes.values():
            owner = graph.owner_of(node)
            if owner is None or node.bypassed or owner.id in self.made:
                continue
            known = report.nodes[node.id]
            if owner.block is None:
                entry = catalogue.get(owner.target)
                layer = catalogue.build_layer(entry, known.arguments)
                if owner.frozen:
                    layer.requires_grad_(False)
                self.made[owner.id] = layer
                continue
            block = root.blocks[owner.block]
            given = {n: self.value(a, {}) for n, a in owner.arguments.items()}
            bodies = known.body[:1] if owner.shared else known.body
            self.made[owner.id] = [
                _Part(root, block, body, {**block.settings, **given}) for body in bodies
            ]

    def layers(self) -> list[nn.Module]:
        found: list[nn.Module] = []
        for made in self.made.values():
            for part in made if isinstance(made, list) else [made]:
                found += part.layers() if isinstance(part, _Part) else [part]
        return found

    def run(self, inputs: list[Any], training: bool) -> Any:
        values: dict[str, Any] = {
            node.id: value for node, value in zip(self.graph.inputs, inputs, strict=True)
        }

        def wanted(ref: Ref) -> Any:
            """Works out a value when it is first asked for, so that an idle side never runs."""
            ref = self.graph.resolve(ref)
            if ref.node not in values:
                values[ref.node] = self.node(self.graph.nodes[ref.node], wanted, training)
            value = values[ref.node]
            for index in ref.path:
                value = value[index]
            return value

        sides = _nodes_in_sides(self.graph)
        for node in self.graph.nodes.values():
            live = not node.bypassed and node.kind not in ("input", "output")
            if live and node.id not in sides and node.id not in values:
                values[node.id] = self.node(node, wanted, training)
        results = [wanted(n.arguments["value"]) for n in self.graph.outputs]  # type: ignore[arg-type]
        return results[0] if len(results) == 1 else tuple(results)

    def node(self, node: Node, wanted: Any, training: bool) -> Any:
        if node.kind == "branch":
            side = (
                "if_true"
                if self.holds(node.arguments["condition"], wanted, training)
                else "if_false"
            )
            return wanted(node.arguments[side])
        given = {name: self.value(a, wanted) for name, a in node.arguments.items()}
        owner = self.graph.owner_of(node)
        if owner is None:
            entry = catalogue.get(node.target)
            positional, keywords = catalogue.call_arguments(entry, given, training)
            return catalogue.target_of(entry)(*positional, **keywords)
        if owner.block is None:
            entry = catalogue.get(owner.target)
            positional, keywords = catalogue.call_arguments(entry, given, training)
            layer = self.made[owner.id]
            assert isinstance(layer, nn.Module)
            if given.get("lengths") is not None:
                return _packed(layer, positional, keywords, given)
            return layer(*positional, **keywords)
        parts = self.made[owner.id]
        assert isinstance(parts, list)
        block = self.root.blocks[owner.block]
        taken = [
            given[p.name or p.id] if (p.name or p.id) in given else given[p.id]
            for p in block.inputs
        ]
        result: Any = None
        for part in parts * (owner.repeat if owner.shared else 1):
            result = part.run(taken, training)
            results = result if len(block.outputs) > 1 else (result,)
            taken = [*results, *taken[len(results) :]]
        return result

    def holds(self, condition: Argument, wanted: Any, training: bool) -> bool:
        if isinstance(condition, Training):
            return training
        if isinstance(condition, GradEnabled):
            return torch.is_grad_enabled()
        if isinstance(condition, Compare):
            left, right = (self.value(side, wanted) for side in (condition.left, condition.right))
            return bool(_COMPARISONS[condition.op](left, right))
        return bool(self.value(condition, wanted))

    def value(self, argument: Argument, wanted: Any) -> Any:
        match argument:
            case Ref():
                return wanted(argument)
            case Size(of=of, dim=dim):
                return wanted(of).size(dim)
            case Calc(op=op, left=left, right=right):
                return _ARITHMETIC[op](self.value(left, wanted), self.value(right, wanted))
            case Slice(start=start, stop=stop, step=step):
                return slice(*(self.value(part, wanted) for part in (start, stop, step)))
            case Setting(name=name):
                return self.settings[name]
            case tuple():
                return tuple(self.value(part, wanted) for part in argument)
            case _:
                return argument


def _packed(layer: Any, positional: list[Any], keywords: Any, given: Mapping[str, Any]) -> Any:
    """As torch's documentation has it."""
    first = layer.batch_first
    packed = pack_padded_sequence(
        positional[0], given["lengths"], first, given.get("enforce_sorted", True)
    )
    packed, states = layer(packed, *positional[1:], **keywords)
    total = given.get("total_length")
    return pad_packed_sequence(packed, first, total_length=total)[0], states


def _nodes_in_sides(graph: Graph) -> set[str]:
    """Nodes that only branches wait for, so that they run when a side asks for them."""
    from builder.code.writing.steps import Choice, Item, Step, arrange

    found: set[str] = set()

    def inside(items: tuple[Item, ...], within: bool) -> None:
        for item in items:
            if isinstance(item, Step) and within:
                found.add(item.node.id)
            elif isinstance(item, Choice):
                if within:
                    found.update(branch.id for branch in item.branches)
                for side in item.sides:
                    inside(side, True)

    inside(arrange(graph), False)
    return found
