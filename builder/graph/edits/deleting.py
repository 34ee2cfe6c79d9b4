"""Deleting several nodes at once, with their neighbours rejoined where that fits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from builder.errors import EditRefused, quote
from builder.graph.blocks import change_refs
from builder.graph.edits.drawn import DeleteNodes
from builder.graph.edits.lookup import node_at
from builder.graph.edits.nodes import without_idle_owners
from builder.graph.model import Graph, Node, Ref, TensorSpec, Value, primary_input, refs_in
from builder.graph.report import NodeReport
from builder.graph.shapes import infer_shapes


def delete_nodes(root: Graph, graph: Graph, edit: DeleteNodes) -> Graph:
    """See `DeleteNodes`."""
    gone = {node_at(graph, i).id for i in edit.nodes}
    if not gone:
        raise EditRefused("Choose at least one node to delete.")
    outputs = [n.id for n in graph.outputs]
    if outputs and gone.issuperset(outputs):
        if gone == set(outputs):
            raise EditRefused(
                f"{quote(graph.label(outputs[0]))} is the only output, and a network needs one. "
                "Choose another value for it to read, or add a second output first."
            )
        gone.remove(outputs[0])
    stand_in = {i: _stand_in(graph, i, gone) for i in gone}
    whole = _without(graph, gone, stand_in, set())
    left = _left_unwired(root, graph, whole, gone)
    after = _without(graph, gone, stand_in, left) if left else whole
    return without_idle_owners(after, [graph.nodes[i].target for i in gone])


def _stand_in(graph: Graph, identity: str, gone: set[str]) -> Ref | None:
    """What came in, past all that are deleted; None where nothing did."""
    ref = primary_input(graph.nodes[identity])
    while ref is not None and ref.node in gone:
        ref = primary_input(graph.nodes[ref.node])
    return ref


def _without(
    graph: Graph, gone: set[str], stand_in: Mapping[str, Ref | None], unwired: set[str]
) -> Graph:
    """The graph without the nodes; those `unwired` lose their wires to them, others are rejoined."""
    nodes: dict[str, Node] = {}
    for identity, node in graph.nodes.items():
        if identity in gone:
            continue
        if any(r.node in gone for r in refs_in(node)):
            rejoined = {} if identity in unwired else stand_in
            node = change_refs(node, lambda r, s=rejoined: s.get(r.node) if r.node in gone else r)  # type: ignore[misc]
        nodes[identity] = node
    return replace(graph, nodes=nodes)


def _left_unwired(root: Graph, before: Graph, after: Graph, gone: set[str]) -> set[str]:
    """The readers that cannot read what came in: it is an error there, and no chain's."""
    readers = [n.id for n in after.nodes.values() if n.arguments != before.nodes[n.id].arguments]
    if not readers:
        return set()
    old = infer_shapes(replace(before, blocks=root.blocks)).nodes
    new = infer_shapes(replace(after, blocks=root.blocks)).nodes
    left = set()
    for identity in readers:
        problem, was = new[identity].problem, old[identity].problem
        if problem is None or problem.severity != "error":
            continue
        if was is not None and was.severity == "error":
            continue
        node = before.nodes[identity]
        if len(set(refs_in(node))) > 1 or not _mendable(old, new, node, after.nodes[identity]):
            left.add(identity)
    return left


def _mendable(
    old: Mapping[str, NodeReport], new: Mapping[str, NodeReport], before: Node, after: Node
) -> bool:
    """Whether the only value a node reads is of as many axes and the same dtype as the one lost."""
    was, now = primary_input(before), primary_input(after)
    if was is None or now is None:
        return False
    one, other = _at(old, was), _at(new, now)
    return (
        isinstance(one, TensorSpec)
        and isinstance(other, TensorSpec)
        and (len(one.shape), one.dtype) == (len(other.shape), other.dtype)
    )


def _at(found: Mapping[str, NodeReport], ref: Ref) -> Value | None:
    value = found[ref.node].result
    for step in ref.path:
        value = value[step] if isinstance(value, tuple) and step < len(value) else None
    return value
