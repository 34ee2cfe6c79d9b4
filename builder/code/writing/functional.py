"""The style `functional`: layers without weights are calls of `torch.nn.functional` in `forward`.

The network is rewritten, layer by layer, into one that means the same, and that one is written in
the style `module`, an activation on the line of its layer: `x = F.relu(self.fc1(x))`. A layer stays
where no operation does exactly what it does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from builder import catalogue
from builder.catalogue.entry import REQUIRED, Entry
from builder.code.writing.counterparts import COUNTERPARTS, Counterpart
from builder.code.writing.module import write_module
from builder.code.writing.page import Written
from builder.code.writing.scopes import find_scopes
from builder.graph.model import Argument, Graph, Node
from builder.graph.report import ShapeReport
from builder.graph.shapes import infer_shapes


def write_functional(graph: Graph, report: ShapeReport, name: str | None = None) -> Written:
    """The network as nn.Module classes whose layers without weights are functions.

    Errors: CodeRefused where something needed is not known yet.
    """
    functional = with_functions(graph, report)
    if functional is graph:
        return write_module(graph, report, name, joins=True)
    unnamed = frozenset(_unnamed(graph, functional))
    return write_module(functional, infer_shapes(functional), name, joins=True, unnamed=unnamed)


def with_functions(graph: Graph, report: ShapeReport) -> Graph:
    """The same network with operations in place of layers that have no weights.

    What stands in an nn.Sequential stays: it holds layers only.
    """
    scopes = find_scopes(graph, report)
    blocks = {
        name: _rewritten(block) if name in scopes and not scopes[name].inline else block
        for name, block in graph.blocks.items()
    }
    root = _rewritten(graph)
    if root is graph and all(blocks[name] is graph.blocks[name] for name in blocks):
        return graph
    return replace(root, blocks=blocks)


def _rewritten(graph: Graph) -> Graph:
    nodes = {node.id: _as_operation(graph, node) or node for node in graph.nodes.values()}
    changed = [key for key, node in nodes.items() if node is not graph.nodes[key]]
    if not changed:
        return graph
    called = {node.target for node in nodes.values() if node.kind == "layer"}
    gone = {graph.nodes[key].target for key in changed} - called
    owners = {key: owner for key, owner in graph.owners.items() if key not in gone}
    return replace(graph, nodes=nodes, owners=owners)


def _as_operation(graph: Graph, node: Node) -> Node | None:
    """The operation that a layer's call means; None where there is none, or nothing is known of it.

    A call that nothing reads stays: as a function it would do nothing at all.
    """
    owner = graph.owner_of(node)
    if owner is None or owner.norms or owner.target not in _OPERATIONS:
        return None
    if not graph.readers_of(node.id):
        return None
    layer = catalogue.get(owner.target)
    for key, counterpart in _OPERATIONS[owner.target]:
        operation = catalogue.get(key)
        given = _arguments(layer, operation, counterpart, owner.arguments)
        if given is None:
            continue
        read = [argument for name, argument in node.arguments.items() if layer.port(name)]
        ports = {port.name: value for port, value in zip(operation.ports, read, strict=False)}
        return replace(
            node,
            kind="operation",
            name=node.name or graph.label(node.id),
            target=key,
            arguments={**ports, **given},
        )
    return None


def _unnamed(graph: Graph, functional: Graph) -> Iterator[str]:
    """The keys of functions that are called as their layers were: that names no value."""
    for block, before in {"": graph, **graph.blocks}.items():
        after = functional.blocks[block] if block else functional
        for node in before.nodes.values():
            if not node.name and after.nodes[node.id].kind != node.kind:
                yield f"{block}/{node.id}" if block else node.id


def _arguments(
    layer: Entry, operation: Entry, counterpart: Counterpart, given: Mapping[str, Argument]
) -> dict[str, Argument] | None:
    """What the operation is given to do what the layer does; None where it cannot."""
    names = {of_layer: of_operation for of_operation, of_layer in counterpart.arguments.items()}
    found: dict[str, Argument] = {}
    for parameter in layer.parameters:
        value = given.get(parameter.name, parameter.default)
        if parameter.name in names:
            other = operation.parameter(names[parameter.name])
            if value is REQUIRED or other is None:
                return None
            if value is None and other.default is REQUIRED:
                return None
            if value != other.default or type(value) is not type(other.default):
                found[other.name] = value  # type: ignore[assignment]
        elif value != counterpart.fixed.get(parameter.name, parameter.default):
            return None
    return found


def _by_layer() -> Iterator[tuple[str, tuple[str, Counterpart]]]:
    for key, counterpart in COUNTERPARTS.items():
        yield counterpart.key, (key, counterpart)


_OPERATIONS: dict[str, list[tuple[str, Counterpart]]] = {}
for _layer, _found in _by_layer():
    _OPERATIONS.setdefault(_layer, []).append(_found)
