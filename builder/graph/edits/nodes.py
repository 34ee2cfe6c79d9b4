"""Edits that delete, move and copy nodes."""

from __future__ import annotations

from dataclasses import replace

from builder.errors import EditRefused, quote
from builder.graph.edits.lookup import free_id, node_at, refuse_more
from builder.graph.edits.rewiring import (
    bridge,
    first_part,
    in_order,
    insert,
    next_reader,
    owners_behind,
    place,
    reread,
    settle,
    with_node,
)
from builder.graph.edits.values import DeleteNode, DuplicateNode, MoveNode
from builder.graph.edits.weights import without_idle
from builder.graph.model import (
    Graph,
    primary_input,
)
from builder.graph.names import names_in, suggest_name


def delete_node(root: Graph, graph: Graph, edit: DeleteNode) -> Graph:
    """See `DeleteNode`."""
    node = node_at(graph, edit.node)
    if node.kind == "output" and len(graph.outputs) == 1:
        raise EditRefused(
            f"{quote(graph.label(node.id))} is the only output, and a network needs one. "
            "Choose another value for it to read, or add a second output first."
        )
    return without_idle_owners(replace(graph, nodes=bridge(graph, node)), [node.target])


def without_idle_owners(graph: Graph, owners: list[str]) -> Graph:
    """The graph without those of the owners that no node calls any more."""
    return without_idle(graph, owners)


def move_node(root: Graph, graph: Graph, edit: MoveNode) -> Graph:
    """See `MoveNode`. An output reads the other node from then on; an input only changes its place."""
    node, after = node_at(graph, edit.node), node_at(graph, edit.after)
    if node.id == after.id:
        raise EditRefused(
            f"{quote(graph.label(node.id))} cannot stand behind itself. Choose another place."
        )
    if after.kind == "output":
        raise EditRefused(
            f"Nothing comes behind the output {quote(graph.label(after.id))}. Choose the value it reads."
        )
    if node.kind == "input":
        if after.kind != "input":
            raise EditRefused(
                f"The input {quote(graph.label(node.id))} stands before all layers. "
                "It can only change places with other inputs."
            )
        rest = replace(graph, nodes={i: n for i, n in graph.nodes.items() if i != node.id})
        return in_order(place(rest, node, after.id))
    if node.kind == "output":
        moved = replace(node, arguments={"value": first_part(root, graph, after)})
        return settle(with_node(graph, moved), node.id)
    came_in = primary_input(node)
    if came_in is None:  # nothing to be put between
        rest = replace(graph, nodes={i: n for i, n in graph.nodes.items() if i != node.id})
        return in_order(place(rest, node, after.id))
    detached = replace(graph, nodes=bridge(graph, node))
    reader, value = next_reader(root, detached, after.id)
    moved = reread(node, came_in, value)
    graph = settle(insert(root, detached, moved, after.id, value, reader), node.id)
    owner = graph.owner_of(moved)
    if owner is not None and len(graph.calls_of(owner.id)) == 1:  # code makes layers in this order
        rest = replace(graph, owners={i: o for i, o in graph.owners.items() if i != owner.id})
        graph = replace(graph, owners=owners_behind(rest, owner, node.id))
    return graph


def duplicate_node(root: Graph, graph: Graph, edit: DuplicateNode) -> Graph:
    """See `DuplicateNode`. A copied input is not read yet; a copied output reads the same value."""
    refuse_more(graph)
    node = node_at(graph, edit.node)
    held = graph.held_by(node)
    if held is not None and not held.raw:  # a layer's weight: the same once more
        copy = replace(node, id=free_id(None, node.id, graph.nodes), position=None, among=())
        return place(graph, copy, node.id)
    owner = graph.owner_of(node) or held
    name = suggest_name(owner.name if owner else node.name or node.id, names_in(graph))
    identity = free_id(None, name, graph.nodes)
    copy = replace(node, id=identity, name="" if owner else name, position=None, among=())
    if owner is not None:
        new = replace(owner, id=free_id(None, name, graph.owners), name=name, among=(), ties={})
        copy = replace(copy, target=new.id)
        graph = replace(graph, owners=owners_behind(graph, new, node.id))
    if held is not None:
        return place(graph, copy, node.id)
    if node.kind in ("input", "output"):
        last = (graph.inputs if node.kind == "input" else graph.outputs)[-1]
        return place(graph, copy, last.id)
    reader, value = next_reader(root, graph, node.id)
    if came_in := primary_input(node):
        copy = reread(copy, came_in, value)
    return settle(insert(root, graph, copy, node.id, value, reader), copy.id)
