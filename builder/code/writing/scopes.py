"""Every class the code needs: the network itself and each block it uses, with all their uses.

A block is written once. What differs between its uses, such as the channels that come in, becomes a
parameter of its constructor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from builder.code.writing.naming import Namespace
from builder.errors import CodeRefused, quote
from builder.graph.model import Argument, Calc, Graph, Literals, Node, Owner, Setting
from builder.graph.report import NodeReport, ShapeReport

MOST_DEPTH = 64  # blocks inside blocks


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
    """One class. `sizes`: parameter of its constructor → what it stands for, for inferred values
    that differ between uses; `variable`: the same by size, settings included.

    `runs`: every report of a pass through it (shapes). `uses`: those passes that make layers.
    """

    graph: Graph
    block: str  # "" for the network itself
    class_name: str
    uses: list[Use] = field(default_factory=list)
    runs: list[ShapeReport] = field(default_factory=list)
    attributes: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    sizes: dict[str, Size] = field(default_factory=dict)
    variable: dict[Size, str] = field(default_factory=dict)

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

    def in_every_run(self, look: Callable[[ShapeReport], object]) -> bool:
        """Whether something is the same wherever the class runs."""
        if not self.runs:
            return False
        first = look(self.runs[0])
        return all(run is self.runs[0] or look(run) == first for run in self.runs[1:])


def find_scopes(graph: Graph, report: ShapeReport, name: str | None = None) -> dict[str, Scope]:
    """The network ("") and the blocks it uses, each block before what uses it.

    Errors: CodeRefused where a block is missing or calls itself, or could not be worked out.
    """
    scopes = {name: Scope(block, name, "") for name, block in _needed_blocks(graph).items()}
    scopes[""] = Scope(graph, "", "")
    classes = Namespace()
    scopes[""].class_name = classes.claim_class(name or graph.name)
    for block, scope in scopes.items():
        if block:
            scope.class_name = classes.claim_class(block)
    scopes[""].uses = [Use(report, graph.settings)]
    scopes[""].runs = [report]
    for scope in reversed(scopes.values()):  # users before what they use
        _hand_down(scope, scopes)
    for scope in scopes.values():
        _name_members(scope)
        _find_sizes(scope, scopes)
    return scopes


def _needed_blocks(root: Graph) -> dict[str, Graph]:
    """The blocks used, directly or not, each after those it uses itself."""
    found: dict[str, Graph] = {}

    def visit(graph: Graph, stack: tuple[str, ...]) -> None:
        if len(stack) > MOST_DEPTH:
            raise CodeRefused(f"Blocks stand in blocks more than {MOST_DEPTH} deep.")
        for node in graph.nodes.values():
            owner = graph.owner_of(node)
            if owner is None or owner.block is None or node.bypassed or owner.block in found:
                continue
            name = owner.block
            if name in stack:
                raise CodeRefused(f"The block {quote(name)} is used inside itself. Take it out.")
            if name not in root.blocks:
                raise CodeRefused(f"The block {quote(name)} does not exist any more.")
            visit(root.blocks[name], (*stack, name))
            found[name] = root.blocks[name]

    visit(root, ())
    return found


def _hand_down(scope: Scope, scopes: Mapping[str, Scope]) -> None:
    """Gives the blocks that a class calls their uses and runs."""
    graph = scope.graph
    for node in graph.nodes.values():
        owner = graph.owner_of(node)
        if owner is None or owner.block is None or node.bypassed:
            continue
        inner = scopes[owner.block]
        makes_layers = first_call(graph, owner) is node
        for run in scope.runs:
            inner.add_runs(run.nodes[node.id].body if node.id in run.nodes else ())
        for use in scope.uses if makes_layers else ():
            bodies = use.report.nodes[node.id].body
            expected = 1 if owner.shared else owner.repeat
            if len(bodies) < expected:
                raise CodeRefused(_unfinished(graph, node, use.report))
            settings = {**inner.graph.settings, **_settings_here(owner, use)}
            inner.add_uses(Use(body, settings) for body in bodies[:expected])


def _settings_here(owner: Owner, use: Use) -> dict[str, Literals]:
    return {name: setting_value(value, use.settings) for name, value in owner.arguments.items()}


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


def _name_members(scope: Scope) -> None:
    """Attribute names: of the settings first, as they are the constructor's parameters too."""
    space = Namespace()
    for setting in scope.graph.settings:
        scope.settings[setting] = space.claim(setting, "setting")
    for owner, _ in scope.owners:
        scope.attributes[owner.id] = space.claim(owner.name)


def sizes_of(scope: Scope, scopes: Mapping[str, Scope]) -> Iterator[tuple[str, Size]]:
    """Everything a class's constructor inferred, with the name of the parameter it is for."""
    for owner, node in scope.owners:
        if owner.block is not None:
            count = 1 if owner.shared else owner.repeat
            inner = scopes[owner.block]
            for repetition in range(count):
                for name, size in inner.sizes.items():
                    yield name, BlockSize(node.id, repetition, size)
        elif (known := scope.report(node.id)) is not None:
            for name in known.arguments:
                if name in known.inferred and name not in owner.arguments:
                    yield name, LayerSize(node.id, name)


def _find_sizes(scope: Scope, scopes: Mapping[str, Scope]) -> None:
    """The inferred values that differ between uses, named; equal ones share a parameter."""
    if len(scope.uses) < 2:
        return
    by_values: dict[tuple[object, ...], str] = {}
    for setting, name in scope.settings.items():
        values = tuple(use.settings.get(setting) for use in scope.uses)
        if len({_key(v) for v in values}) > 1:
            by_values.setdefault(tuple(map(_key, values)), name)
    space = Namespace(scope.settings.values())
    for name, size in sizes_of(scope, scopes):
        try:
            values = tuple(_key(size.value(use)) for use in scope.uses)
        except (KeyError, IndexError):
            raise CodeRefused(
                f"The block {quote(scope.block)} is not worked out at every place it is used. "
                "Mend the problems there first."
            ) from None
        if len(set(values)) == 1:
            continue
        if values not in by_values:
            by_values[values] = space.claim(name, "size")
            scope.sizes[by_values[values]] = size
        scope.variable[size] = by_values[values]


def _use_key(use: Use) -> tuple[object, ...]:
    return (id(use.report), *((name, _key(value)) for name, value in use.settings.items()))


def first_call(graph: Graph, owner: Owner) -> Node | None:
    """The call that makes an owner's layers: the first one that is not bypassed."""
    return next((n for n in graph.calls_of(owner.id) if not n.bypassed), None)


def _key(value: object) -> tuple[type, object]:
    return type(value), value


def _unfinished(graph: Graph, node: Node, report: ShapeReport) -> str:
    problem = report.nodes[node.id].problem or next(iter(report.errors), None)
    reason = f" {problem.message}" if problem is not None else ""
    return f"{quote(graph.label(node.id))} cannot be written yet.{reason}"
