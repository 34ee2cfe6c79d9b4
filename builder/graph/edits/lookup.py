"""Finding what an edit names, and finding names for what it makes."""

from __future__ import annotations

import re
from collections.abc import Collection, Container

from builder.errors import EditRefused, did_you_mean, quote
from builder.graph.allowed import refuse_id
from builder.graph.limits import MAX_NODES
from builder.graph.model import Graph, Node, Owner
from builder.graph.names import MAX_NAME, name_for, refuse_name, suggest_name


def node_at(graph: Graph, node_id: str) -> Node:
    """The node of that id; EditRefused with the nearest one where there is none."""
    if node_id not in graph.nodes:
        hint = did_you_mean(str(node_id), graph.nodes) or "It may have been deleted."
        raise EditRefused(f"There is no node {quote(node_id)} in {quote(graph.name)}. {hint}")
    return graph.nodes[node_id]


def owner_at(graph: Graph, node_id: str, what: str) -> Owner:
    """The owner that a node calls; EditRefused says that only layers and blocks have `what`."""
    node = node_at(graph, node_id)
    owner = graph.stands_for(node)
    if owner is None:
        kind = f"a {node.kind}" if node.kind in ("branch", "weight") else f"an {node.kind}"
        raise EditRefused(
            f"{quote(graph.label(node_id))} is {kind}: only layers and blocks have {what}. Choose one of those."
        )
    return owner


def new_name(wish: str | None, target: str, taken: Collection[str], layer: bool = True) -> str:
    """The name asked for if it can be used (else EditRefused), or one made from the target."""
    if wish is None:
        return (
            name_for(target, taken)
            if "." in target or ":" in target
            else suggest_name(target, taken)
        )
    if sentence := refuse_name(wish, taken, digits=layer):
        raise EditRefused(sentence)
    return wish


def free_id(wish: str | None, name: str, taken: Container[str]) -> str:
    """The id asked for if it is free (else EditRefused), or one made from a name."""
    if wish is not None:
        if sentence := refuse_id(wish):
            raise EditRefused(sentence)
        if wish in taken:
            raise EditRefused(f"The id {quote(wish)} is in use. Leave it out to get a free one.")
        return wish
    stem = re.sub(r"[^\w.\-]", "_", name)[:MAX_NAME]
    number, identity = 1, stem
    while identity in taken:
        number += 1
        identity = f"{stem}_{number}"
    return identity


def refuse_more(graph: Graph, more: int = 1) -> None:
    """Refuses more nodes than a file can hold."""
    if len(graph.nodes) + more > MAX_NODES:
        raise EditRefused(
            f"A network has at most {MAX_NODES:,} nodes. Group some into a block and repeat it."
        )
