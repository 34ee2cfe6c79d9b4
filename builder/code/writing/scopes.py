"""Every class the code needs: the network itself and each block it uses, with all their uses.

A block is written once. What differs between its uses, such as the channels that come in, becomes a
parameter of its constructor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from builder import catalogue
from builder.code.writing.naming import Namespace
from builder.errors import CodeRefused, quote
from builder.graph.model import (
    Argument,
    Calc,
    Graph,
    Literals,
    Node,
    Owner,
    Setting,
    Value,
    iter_refs,
)
from builder.graph.report import NodeReport, ShapeReport
from builder.graph.wiring import origin_of

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
    that differ between uses; `variable`: the name written for an inferred value, if it has one.

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
        _name_members(scope, scopes)
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
            if name not in root.blocks or not name:
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


def _name_members(scope: Scope, scopes: Mapping[str, Scope]) -> None:
    """Attribute names: of the settings first, as they are the constructor's parameters too, where
    they must not hide a class.
    """
    parameters = Namespace(_classes(scopes))
    for setting in scope.graph.settings:
        scope.settings[setting] = parameters.claim(setting, "setting")
    space = Namespace(scope.settings.values())
    for owner, _ in scope.owners:
        scope.attributes[owner.id] = space.claim(owner.name)


def _classes(scopes: Mapping[str, Scope]) -> set[str]:
    return {scope.class_name for scope in scopes.values()}


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
    """Names what was inferred: by the setting it follows, or where uses differ by a parameter."""
    if not scope.graph.settings and len(scope.uses) < 2:
        return
    by_setting = {
        setting: tuple(_key(use.settings.get(setting)) for use in scope.uses)
        for setting in scope.graph.settings
    }
    by_values: dict[tuple[object, ...], str] = {
        values: scope.settings[setting]
        for setting, values in by_setting.items()
        if len(set(values)) > 1
    }
    space = Namespace({*scope.settings.values(), *_classes(scopes)})
    for name, size in sizes_of(scope, scopes):
        values = _values_of(scope, size)
        followed = _setting_behind(scope, size)
        if followed in by_setting and by_setting[followed] == values:
            scope.variable[size] = scope.settings[followed]
        elif len(set(values)) > 1:
            if values not in by_values:
                by_values[values] = space.claim(name, "size")
                scope.sizes[by_values[values]] = size
            scope.variable[size] = by_values[values]


def _values_of(scope: Scope, size: Size) -> tuple[object, ...]:
    try:
        return tuple(_key(size.value(use)) for use in scope.uses)
    except (KeyError, IndexError):
        raise CodeRefused(
            f"The block {quote(scope.block)} is not worked out at every place it is used. "
            "Mend the problems there first."
        ) from None


def _setting_behind(scope: Scope, size: Size) -> str:
    """The setting that gave the inferred size its value: the out_channels of the layer before."""
    if not isinstance(size, LayerSize) or not scope.graph.settings:
        return ""
    node = scope.graph.nodes[size.node]
    owner = scope.graph.owner_of(node)
    parameter = catalogue.get(owner.target).parameter(size.parameter) if owner is not None else None
    if parameter is None or parameter.inferred is None:
        return ""
    origin = _origin(scope, node.arguments.get(parameter.inferred.port))
    source = scope.graph.owner_of(origin) if origin is not None else None
    given = [a.name for a in source.arguments.values() if isinstance(a, Setting)] if source else []
    value = _key(size.value(scope.uses[0]))
    return next((s for s in given if _key(scope.uses[0].settings.get(s)) == value), "")


def _origin(scope: Scope, read: Argument) -> Node | None:
    """The node that set the size of what is read; both sides of a branch have the same."""
    reports = scope.uses[0].report.nodes
    origin = origin_of(scope.graph, next(iter_refs(read), None), reports)
    for _ in scope.graph.nodes:
        if origin is None or origin.kind != "branch":
            break
        side = next(iter_refs(origin.arguments.get("if_true")), None)
        origin = origin_of(scope.graph, side, reports)
    return origin


def _use_key(use: Use) -> tuple[object, ...]:
    return (id(use.report), *((name, _key(value)) for name, value in use.settings.items()))


def first_call(graph: Graph, owner: Owner) -> Node | None:
    """The call that makes an owner's layers: the first one that is not bypassed."""
    return next((n for n in graph.calls_of(owner.id) if not n.bypassed), None)


def _key(value: object) -> tuple[type, object]:
    return type(value), value


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
        owner = made.get(node.target) if node.kind == "layer" and not node.bypassed else None
        if owner is None:
            continue
        key, path = f"{outer}{node.id}", f"{prefix}{scope.attributes[owner.id]}"
        yield key, path
        if owner.block is not None:
            for place in repetitions(owner):
                inner = scopes[owner.block]
                yield from paths_in(inner, scopes, f"{path}{place}.", f"{key}{place}/")


def repetitions(owner: Owner) -> list[str]:
    """Where each repetition of a block stands behind its path: ".0", ".1", or "" for just one."""
    alone = owner.repeat == 1 or owner.shared
    return [""] if alone else [f".{i}" for i in range(owner.repeat)]


def _unfinished(graph: Graph, node: Node, report: ShapeReport) -> str:
    problem = report.nodes[node.id].problem or next(iter(report.errors), None)
    reason = f" {problem.message}" if problem is not None else ""
    return f"{quote(graph.label(node.id))} cannot be written yet.{reason}"
