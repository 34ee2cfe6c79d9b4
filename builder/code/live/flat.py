"""A network as a text was read, without the blocks that only a style made of it."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field

from builder.code.reading import Read, read
from builder.errors import CodeRefused
from builder.graph.blocks import graphs
from builder.graph.edits import Ungroup, apply
from builder.graph.model import Graph

OPENED_IN = "mixed"
"""The style whose Sequentials are stretches of the network, and no blocks of it."""
_UNNUMBERED = "0123456789"


@dataclass(frozen=True)
class Flat:
    """A graph that was read. `nameless`: (scope, owner) whose name is only a number in a Sequential.

    `places`: (scope, node) → where it was read, as `Read.lines` names it, of those that were opened.
    """

    read: Read
    graph: Graph
    nameless: frozenset[tuple[str, str]] = frozenset()
    places: Mapping[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    settings: Mapping[str, object] = field(default_factory=dict)


def read_flat(text: str, style: str, graph: Graph) -> Flat:
    """The network of a text in a style; its inputs are those of `graph` where the text says none.

    Errors: CodeRefused with line, reason and help.
    """
    found = _read(text, graph)
    tree = ast.parse(text)
    classes = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    blocks = {o.name for _, one in graphs(graph) for o in one.owners.values() if o.block}
    opened, places = found.graph, dict[tuple[str, str], tuple[str, str]]()
    nameless = {
        (scope, owner.id)
        for scope, one in graphs(opened)
        for owner in one.owners.values()
        if owner.name.isdecimal()
    }
    while style == OPENED_IN and (call := _stretch(opened, classes, blocks)):
        scope, node, block = call
        before = opened.blocks[scope] if scope else opened
        body = [
            n.id for n in opened.blocks[block].nodes.values() if n.kind not in ("input", "output")
        ]
        body_places = [places.get((block, i), (block, i)) for i in body]
        opened = apply(opened, Ungroup(node, scope=scope))
        after = opened.blocks[scope] if scope else opened
        new = [n for n in after.nodes if n not in before.nodes or n == node]
        if len(new) == len(body):
            places |= {(scope, n): place for n, place in zip(new, body_places, strict=True)}
        nameless |= {
            (scope, o) for o in after.owners if after.owners[o] is not before.owners.get(o)
        }
    return Flat(found, opened, frozenset(nameless), places, _defaults(tree, found.graph.name))


def _read(text: str, graph: Graph) -> Read:
    """What a text says of its inputs counts; where that is nothing, they are what they were."""
    given = _inputs(graph)
    try:
        found = read(text)
    except CodeRefused as refusal:
        if not given or refusal.kind == "limit":
            raise
        try:
            return read(text, inputs=given)
        except CodeRefused:
            raise refusal from None
    return read(text, inputs=given) if found.assumptions and given else found


def _inputs(graph: Graph) -> list[str]:
    specs = [node.spec for node in graph.inputs]
    return [f"{s.dtype}[{', '.join(map(str, s.shape))}]" for s in specs if s is not None]


def _stretch(root: Graph, classes: set[str], blocks: set[str]) -> tuple[str, str, str] | None:
    """A call of a block that is no class of the text, nor called as a block of the graph is."""
    for scope, graph in reversed(list(graphs(root))):
        for node in graph.nodes.values():
            owner = graph.owner_of(node)
            if owner is None or owner.block is None or owner.repeat != 1 or owner.name in blocks:
                continue
            if owner.block not in classes and owner.block.rstrip(_UNNUMBERED) not in classes:
                return scope, node.id, owner.block
    return None


def _defaults(tree: ast.Module, name: str) -> dict[str, object]:
    """The defaults of the arguments with which the network's class is made."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            for made in node.body:
                if isinstance(made, ast.FunctionDef) and made.name == "__init__":
                    return _defaults_of(made.args)
    return {}


def _defaults_of(arguments: ast.arguments) -> dict[str, object]:
    given = [*arguments.posonlyargs, *arguments.args]
    pairs: list[tuple[ast.arg, ast.expr | None]] = [
        *zip(given[len(given) - len(arguments.defaults) :], arguments.defaults, strict=True),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]
    found: dict[str, object] = {}
    for argument, default in pairs:
        try:
            found[argument.arg] = ast.literal_eval(default) if default is not None else None
        except (ValueError, TypeError):
            continue
    return found
