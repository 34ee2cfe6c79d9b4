"""Which nodes of two graphs are the same ones: by the names of their layers, then by where they stand."""

from __future__ import annotations

from collections.abc import Callable, Collection
from difflib import SequenceMatcher
from typing import Final

from builder.graph.model import Argument, Graph, Node, Ref, map_refs, refs_in

_CALLED: Final = ("layer", "operation")
Nameless = Collection[str]


def same_in_order(read: Graph, graph: Graph) -> dict[str, str] | None:
    """Of each node of a text that was written from `graph`: the node it was written from.

    None where the two do not stand beside each other one by one.
    """
    live = [node for node in graph.nodes.values() if not node.bypassed]
    if len(live) != len(read.nodes):
        return None
    found: dict[str, str] = {}
    for one, other in zip(read.nodes.values(), live, strict=True):
        called = one.kind in _CALLED and other.kind in _CALLED
        if one.kind != other.kind and not called:
            return None
        here = {found.get(ref.node) for ref in refs_in(one)}
        if here != {graph.resolve(ref).node for ref in refs_in(other)}:
            return None
        found[one.id] = other.id
    return found


def pairs(
    one: Graph, other: Graph, nameless: Nameless = (), others_nameless: Nameless = ()
) -> dict[str, str]:
    """Of each node of `one` that is in `other` too: its id there.

    A layer is known by its name, however it was changed; what has none, or another one, by standing
    between the same ones and doing the same, and then by standing there alone.
    """
    found = _by_name(one, other, nameless, others_nameless)
    back = {there: here for here, there in found.items()}
    a, b = list(one.nodes.values()), list(other.nodes.values())
    looks: tuple[Callable[[Graph, Node], object], ...] = (_whole, _doing, _kind)
    for look in looks:
        left = [("pair", n.id) if n.id in found else look(one, n) for n in a]
        right = [("pair", back[n.id]) if n.id in back else look(other, n) for n in b]
        matcher = SequenceMatcher(None, left, right, autojunk=False)
        for block in matcher.get_matching_blocks():
            for i in range(block.size):
                here, there = a[block.a + i].id, b[block.b + i].id
                if here not in found and there not in back:
                    found[here], back[there] = there, here
    return found


def _by_name(
    one: Graph, other: Graph, nameless: Nameless, others_nameless: Nameless
) -> dict[str, str]:
    there = {
        key: node.id
        for node in other.nodes.values()
        if (key := _name(other, node, others_nameless)) is not None
    }
    found: dict[str, str] = {}
    for node in one.nodes.values():
        key = _name(one, node, nameless)
        if key is not None and key in there:
            found[node.id] = there[key]
    return found


def _name(graph: Graph, node: Node, nameless: Nameless) -> tuple[str, str] | None:
    if node.kind in ("layer", "weight"):
        return None if node.target in nameless else (node.kind, graph.label(node.id))
    if node.kind == "input":
        return ("input", node.name)
    return None


def _whole(graph: Graph, node: Node) -> object:
    owner = graph.owner_of(node) or graph.held_by(node)
    made = (owner.target, _plain(owner.arguments.items())) if owner else node.target
    return node.kind, made, _plain(node.arguments.items()), str(node.spec)


def _doing(graph: Graph, node: Node) -> object:
    owner = graph.owner_of(node) or graph.held_by(node)
    return node.kind, owner.target if owner else node.target


def _kind(graph: Graph, node: Node) -> object:
    return "called" if node.kind in _CALLED else node.kind


def _plain(arguments: object) -> str:
    """Arguments without what they read."""
    items: list[tuple[str, Argument]] = sorted(arguments)  # type: ignore[call-overload]
    return repr([(name, map_refs(value, lambda ref: Ref("", ref.path))) for name, value in items])
