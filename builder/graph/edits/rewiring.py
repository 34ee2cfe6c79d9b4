"""Putting nodes into a chain and taking them out, and keeping the order of nodes true.

The order is meaning: every reference points to a node that stands earlier.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import replace

from builder import catalogue
from builder.errors import EditRefused, quote
from builder.graph import opaque
from builder.graph.allowed import call_names, refuse_call_argument
from builder.graph.blocks import change_refs
from builder.graph.model import (
    OPAQUE,
    Argument,
    Calc,
    Compare,
    Graph,
    Node,
    Owner,
    Ref,
    map_refs,
    primary_input,
    refs_in,
)
from builder.graph.validate import way_back

_LONGEST_PATH = 6  # names shown of a cycle


def first_part(root: Graph, graph: Graph, node: Node) -> Ref:
    """The part of a node's result that a chain reads: LSTM's output, a block's first output."""
    owner = graph.owner_of(node)
    if owner is not None and owner.block is not None:
        several = owner.block in root.blocks and len(root.blocks[owner.block].outputs) > 1
        return Ref(node.id, (0,) if several else ())
    if owner is None and node.kind != "operation":
        return Ref(node.id)
    if owner is not None and owner.target == OPAQUE:
        return Ref(node.id, (0,) if isinstance(opaque.given(owner), tuple) else ())
    entry = catalogue.get(owner.target if owner else node.target)
    parts = catalogue.parts_of(entry, {**(owner.arguments if owner else {}), **node.arguments})
    return Ref(node.id, parts[0].path) if parts else Ref(node.id)


def next_reader(root: Graph, graph: Graph, after: str, skip: str = "") -> tuple[str | None, Ref]:
    """The next node in order that reads `after`, and the value it reads.

    The reader of the first part comes before readers of other parts; with no reader at all the first
    part is what a new node would read.
    """
    wanted = first_part(root, graph, graph.nodes[after])
    other: tuple[str | None, Ref] = (None, wanted)
    for node in graph.nodes.values():
        if node.id == skip:
            continue
        for ref in values_read(node):
            if ref == wanted:
                return node.id, ref
            if ref.node == after and other[0] is None:
                other = (node.id, ref)
    return other


def values_read(node: Node) -> Iterator[Ref]:
    """The values a node reads, leaving out those of which it takes a size only."""
    for argument in node.arguments.values():
        yield from _values(argument)


def _values(argument: Argument) -> Iterator[Ref]:
    if isinstance(argument, Ref):
        yield argument
    elif isinstance(argument, tuple):
        for part in argument:
            yield from _values(part)
    elif isinstance(argument, Calc | Compare):
        yield from _values(argument.left)
        yield from _values(argument.right)


def reread(node: Node, old: Ref, new: Ref) -> Node:
    """The node reading `new` wherever it read exactly `old`."""
    return replace(
        node,
        arguments={
            name: map_refs(a, lambda r: new if r == old else r)
            for name, a in node.arguments.items()
        },
    )


def place(graph: Graph, node: Node, after: str | None) -> Graph:
    """The graph with a node put behind another one (behind the inputs, if that is an input)."""
    nodes: dict[str, Node] = {}
    waiting = after is not None
    reached = not waiting
    is_input = after is not None and graph.nodes[after].kind == "input" and node.kind != "input"
    for identity, other in graph.nodes.items():
        if waiting and reached and not (is_input and other.kind == "input"):
            nodes[node.id] = node
            waiting = False
        nodes[identity] = other
        reached = reached or identity == after
    if node.id not in nodes:
        nodes[node.id] = node
    return replace(graph, nodes=nodes)


def insert(
    root: Graph, graph: Graph, node: Node, after: str | None, value: Ref | None, reader: str | None
) -> Graph:
    """Puts a wired node behind another one; the reader of its value reads its result instead."""
    graph = (
        place(graph, node, after) if after else replace(graph, nodes={node.id: node, **graph.nodes})
    )
    if reader is None or (value is not None and value not in set(values_read(node))):
        return graph
    result = first_part(root, graph, node)
    old = graph.nodes[reader]
    if value is None or (old.kind == "output" and "value" not in old.arguments):
        return with_node(graph, replace(old, arguments={"value": result}))
    return with_node(graph, reread(old, value, result))


def owners_behind(graph: Graph, owner: Owner, node_id: str | None) -> dict[str, Owner]:
    """The owners with one put behind that of the last layer up to a node: code makes them in order."""
    before = None
    for node in graph.nodes.values():
        if node.kind in ("layer", "weight") and node.target in graph.owners:
            before = node.target
        if node.id == node_id:
            break
    if before is None:
        return {owner.id: owner, **graph.owners}
    owners: dict[str, Owner] = {}
    for identity, other in graph.owners.items():
        owners[identity] = other
        if identity == before:
            owners[owner.id] = owner
    return owners


def with_node(graph: Graph, node: Node) -> Graph:
    """The graph with a node exchanged, in its place."""
    return replace(graph, nodes={**graph.nodes, node.id: node})


def with_argument(root: Graph, graph: Graph, node: Node, name: str, value: Argument) -> Node:
    """The node with an argument of its call set; ports stay in their order. EditRefused if it cannot."""
    if sentence := refuse_call_argument(root, graph, node, name, value):
        raise EditRefused(sentence)
    arguments = {**node.arguments, name: value}
    ports, _ = call_names(root, graph, node)
    if node.kind != "branch" and name not in node.arguments and name in ports:
        arguments = {k: arguments[k] for k in ports if k in arguments} | arguments
    return replace(node, arguments=arguments)


def bridge(graph: Graph, node: Node) -> dict[str, Node]:
    """The other nodes, reading what came into this one where they read its result."""
    stand_in = primary_input(node)
    return {
        identity: change_refs(other, lambda r: stand_in if r.node == node.id else r)
        if any(r.node == node.id for r in refs_in(other))
        else other
        for identity, other in graph.nodes.items()
        if identity != node.id
    }


def settle(graph: Graph, changed: str) -> Graph:
    """The graph in an order that is true again after one node has been rewired.

    What reads later values moves behind them, and all else stays as it stood, inputs and outputs in
    their order. EditRefused names the path where the values would go in a cycle.
    """
    place_of = {identity: i for i, identity in enumerate(graph.nodes)}
    refs = refs_in(graph.nodes[changed])
    if all(place_of[r.node] < place_of[changed] for r in refs):
        return graph
    for ref in refs:
        if path := way_back(graph, ref.node, changed):
            raise EditRefused(_circle(graph, changed, ref.node, path))
    return in_order(graph)


def in_order(graph: Graph) -> Graph:
    """The graph with its nodes in the order nearest to theirs in which all reading looks back."""
    place_of = {identity: i for i, identity in enumerate(graph.nodes)}
    identities = list(graph.nodes)
    readers: dict[str, list[int]] = {identity: [] for identity in identities}
    waiting_for = [0] * len(identities)
    last_output: str | None = None
    for i, (identity, node) in enumerate(graph.nodes.items()):
        sources = {r.node for r in refs_in(node)}
        if node.kind == "output":
            sources |= {last_output} if last_output else set()
            last_output = identity
        waiting_for[i] = len(sources)
        for source in sources:
            readers[source].append(i)
    ready = [i for i, count in enumerate(waiting_for) if count == 0]
    nodes: dict[str, Node] = {}
    while ready:
        identity = identities[heapq.heappop(ready)]
        nodes[identity] = graph.nodes[identity]
        for reader in readers[identity]:
            waiting_for[reader] -= 1
            if waiting_for[reader] == 0:
                heapq.heappush(ready, reader)
    if len(nodes) < len(place_of):
        raise EditRefused(_some_circle(graph, set(nodes)))
    return replace(graph, nodes=nodes)


def _some_circle(graph: Graph, ordered: set[str]) -> str:
    for identity, node in graph.nodes.items():
        if identity not in ordered:
            for ref in refs_in(node):
                if path := way_back(graph, ref.node, identity):
                    return _circle(graph, identity, ref.node, path)
    return "The values would go in a cycle. Read an earlier value."


def _circle(graph: Graph, reader: str, source: str, path: list[str]) -> str:
    label = quote(graph.label(reader))
    if reader == source:
        return f"{label} cannot read its own result. Choose a value that comes before it."
    names = [graph.label(i) for i in path]
    if len(names) > _LONGEST_PATH:
        names = [*names[: _LONGEST_PATH - 1], "…", names[-1]]
    return (
        f"{label} cannot read {quote(graph.label(source))}, which is worked out from it: the values "
        f"would go in a cycle ({quote(' → '.join([*names, graph.label(reader)]), 300)}). "
        f"Choose a value that comes before {label}."
    )
