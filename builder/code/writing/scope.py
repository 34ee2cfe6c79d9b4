"""One class that the code needs, with all the places that use it.

A block is written once. What differs between its uses, such as the channels that come in, becomes a
parameter of its constructor (`sizes.py`). Only a block that means an nn.Sequential is no class: it
stands where it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from builder.code.writing.containers import Containers
from builder.errors import CodeRefused, quote
from builder.graph.model import Argument, Calc, Graph, Literals, Node, Owner, Setting, Value
from builder.graph.report import NodeReport, ShapeReport

GIVES_SIZE = frozenset(
    {"out_features", "out_channels", "hidden_size", "proj_size", "embedding_dim", "embed_dim"}
)
"""Arguments that are a size of what a layer gives."""


@dataclass(frozen=True)
class Use:
    """One place where a graph's layers are made: what is known there, and its settings' values."""

    report: ShapeReport
    settings: Mapping[str, Literals]


@dataclass(frozen=True)
class LayerSize:
    """An inferred constructor argument of a layer."""

    node: str
    parameter: str

    def value(self, use: Use) -> Argument:
        return use.report.nodes[self.node].arguments[self.parameter]


@dataclass(frozen=True)
class BlockSize:
    """What one repetition of a block is constructed with, for one of its constructor's parameters."""

    node: str
    repetition: int
    size: Size

    def value(self, use: Use) -> Argument:
        # The settings of the inner use play no part in what was inferred.
        return self.size.value(Use(use.report.nodes[self.node].body[self.repetition], {}))


Size: TypeAlias = "LayerSize | BlockSize"


@dataclass
class Scope:
    """One class, or an nn.Sequential that stands inside others. `sizes`: parameter of its constructor → what it stands for, for inferred values
    that differ between uses; `variable`: the name written for an inferred value, if it has one.

    `runs`: every report of a pass through it (shapes). `uses`: those passes that make layers.
    `modules`: how many layers an nn.Sequential holds; 0 for a class.
    """

    graph: Graph
    block: str  # "" for the network itself
    class_name: str
    root: Graph  # the network, which holds the blocks
    uses: list[Use] = field(default_factory=list)
    runs: list[ShapeReport] = field(default_factory=list)
    attributes: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    sizes: dict[str, Size] = field(default_factory=dict)
    variable: dict[Size, str] = field(default_factory=dict)
    modules: int = 0
    containers: Containers = field(default_factory=lambda: Containers({}))

    def member(self, owner_id: str) -> str:
        """The expression for a member: `self.fc`, `self.layers[0]`."""
        return self.containers.accessor(self.attributes.get(owner_id, ""))

    @property
    def inline(self) -> bool:
        """Whether it stands as an nn.Sequential where it is used, and has no class."""
        return self.modules > 0

    @property
    def owners(self) -> list[tuple[Owner, Node]]:
        """Owners with their first call that is not bypassed, in the order of use."""
        first: dict[str, Node] = {}
        for node in self.graph.nodes.values():
            if node.kind == "layer" and not node.bypassed:
                first.setdefault(node.target, node)
        found = []
        for owner_id, node in first.items():
            owner = self.graph.owners.get(owner_id)
            if owner is None:
                name = quote(node.name or node.id)
                raise CodeRefused(f"{name} calls a layer that is not in this network. Delete it.")
            found.append((owner, node))
        return found

    @property
    def members(self) -> list[tuple[Owner, Node | None]]:
        """All that the constructor makes, in the order of the owners, each with its first call.

        None where nothing calls it: a tensor, or a layer that is only kept or read. An nn.Sequential
        makes its layers in the order they run.
        """
        called = {owner.id: node for owner, node in self.owners}
        if self.inline:
            return [(self.graph.owners[i], node) for i, node in called.items()]
        every = self.graph.owners.values()
        return [(o, called.get(o.id)) for o in every if o.id in called or self.graph.is_made(o)]

    def add_runs(self, reports: Iterable[ShapeReport]) -> None:
        """Notes passes; equal ones are one object, as reports are remembered."""
        known = {id(run) for run in self.runs}
        self.runs += {id(r): r for r in reports if id(r) not in known}.values()

    def add_uses(self, uses: Iterable[Use]) -> None:
        """Notes places where layers are made, each kind once."""
        known = {_use_key(use) for use in self.uses}
        self.uses += {k: u for u in uses if (k := _use_key(u)) not in known}.values()

    def report(self, node_id: str) -> NodeReport | None:
        """What is known of a node where the class is used first."""
        return self.uses[0].report.nodes.get(node_id) if self.uses else None

    def has_weights(self, node: Node) -> bool:
        """Whether a layer has parameters, as far as is known."""
        report = self.report(node.id)
        return report is None or report.parameters > 0

    def keeps_weights(self, owner: Owner) -> bool:
        """Whether an owner that nothing calls has parameters."""
        found = self.uses[0].report.owned.get(owner.id) if self.uses else None
        return found is None or found.parameters > 0

    def result(self, node_id: str) -> Value | None:
        """What a node gives where the class is used first, None where that is not known."""
        report = self.report(node_id)
        return report.result if report is not None else None

    def result_everywhere(self, node_id: str) -> Value | None:
        """What a node gives, if that is the same at every use of the class."""

        def look(run: ShapeReport) -> Value | None:
            report = run.nodes.get(node_id)
            return report.result if report is not None else None

        return self.result(node_id) if self.in_every_run(look) else None

    def key(self, node: Node) -> str:
        """The node's key in the source map."""
        return f"{self.block}/{node.id}" if self.block else node.id

    def parameter(self, setting: str) -> str:
        """The name of a setting in the code. Errors: CodeRefused where there is none."""
        if setting not in self.settings:
            raise CodeRefused(
                f"There is no setting {quote(setting)} here. Add it, or choose a value."
            )
        return self.settings[setting]

    @property
    def asked(self) -> frozenset[str]:
        """The settings that are given by position, without a default, as the sizes in front of them are:
        sizes of what a layer gives that differ between the uses, as `channels` of `DownBlock(64, 128)`.
        """
        if not self.block or not self.sizes or self.inline:
            return frozenset()
        given = {
            value.name
            for owner in self.graph.owners.values()
            for name, value in owner.arguments.items()
            if name in GIVES_SIZE and isinstance(value, Setting)
        }
        values = {s: [use.settings.get(s) for use in self.uses] for s in given}
        return frozenset(
            s for s, v in values.items() if len(set(v)) > 1 and all(type(n) is int for n in v)
        )

    def in_every_run(self, look: Callable[[ShapeReport], object]) -> bool:
        """Whether something is the same wherever the class runs."""
        if not self.runs:
            return False
        first = look(self.runs[0])
        return all(run is self.runs[0] or look(run) == first for run in self.runs[1:])


def first_call(graph: Graph, owner: Owner) -> Node | None:
    """The call that makes an owner's layers: the first one that is not bypassed."""
    return next((n for n in graph.calls_of(owner.id) if not n.bypassed), None)


def repetitions(owner: Owner) -> list[str]:
    """Where each repetition of a block stands behind its path: ".0", ".1", or "" for just one."""
    alone = owner.repeat == 1 or owner.shared
    return [""] if alone else [f".{i}" for i in range(owner.repeat)]


def rounds(graph: Graph, node: Node, scopes: Mapping[str, Scope]) -> int:
    """How many values go round where a repeated block is written as a loop; 0 for no loop."""
    owner = graph.owner_of(node)
    if owner is None or owner.block is None or owner.repeat == 1:
        return 0
    block = scopes[owner.block].graph
    if not owner.shared and len(block.inputs) == 1 and len(block.outputs) == 1:
        return 0  # an nn.Sequential
    if len(block.outputs) > len(block.inputs):
        raise CodeRefused(
            f"{quote(graph.label(node.id))} gives {len(block.outputs)} values but takes "
            f"{len(block.inputs)}, so it cannot be repeated."
        )
    return len(block.outputs)


def paths_in(
    scope: Scope, scopes: Mapping[str, Scope], prefix: str = "", outer: str = ""
) -> Iterator[tuple[str, str]]:
    """(key, path) of every layer in a class and in the blocks it calls: "blocks.0/fc", "blocks.0.fc"."""
    made = {owner.id: owner for owner, _ in scope.owners}
    for node in scope.graph.nodes.values():
        held = scope.graph.held_by(node)
        if held is not None and held.id not in made and held.id in scope.attributes:
            yield f"{outer}{node.id}", f"{prefix}{scope.attributes[held.id]}"
            continue
        owner = made.get(node.target) if node.kind == "layer" and not node.bypassed else None
        if owner is None:
            continue
        key, path = f"{outer}{node.id}", f"{prefix}{scope.attributes[owner.id]}"
        yield key, path
        if owner.block is not None:
            for place in repetitions(owner):
                inner = scopes[owner.block]
                yield from paths_in(inner, scopes, f"{path}{place}.", f"{key}{place}/")


def setting_value(argument: Argument, settings: Mapping[str, Literals]) -> Literals:
    """The value of a constant, a setting, or a calculation with these; None where there is none."""
    match argument:
        case Setting(name=name):
            return settings.get(name)
        case Calc(op=op, left=left, right=right):
            a, b = setting_value(left, settings), setting_value(right, settings)
            if not isinstance(a, int) or not isinstance(b, int) or (op == "//" and b == 0):
                return None
            return {"+": a + b, "-": a - b, "*": a * b}[op] if op != "//" else a // b
        case tuple():
            return tuple(setting_value(part, settings) for part in argument)  # type: ignore[return-value]
        case _:
            return argument  # type: ignore[return-value]


def _use_key(use: Use) -> tuple[object, ...]:
    return (id(use.report), *((name, value_key(value)) for name, value in use.settings.items()))


def value_key(value: object) -> tuple[type, object]:
    """A key that tells True from 1 and 1 from 1.0, which compare equal."""
    return type(value), value
