"""Folding equal stretches into one block that is repeated: the inverse of writing a loop out."""

from __future__ import annotations

from dataclasses import replace

from builder.errors import EditRefused, quote
from builder.graph.blocks import change_refs, graph_at, with_graph
from builder.graph.edits.drawn import FoldRepeats
from builder.graph.edits.grouping import group
from builder.graph.edits.layers import set_repeat
from builder.graph.edits.lookup import node_at
from builder.graph.edits.nodes import without_idle_owners
from builder.graph.edits.values import GroupIntoBlock, SetRepeat
from builder.graph.inside import reports_at
from builder.graph.model import Graph, Ref
from builder.graph.repeats import chain_of
from builder.graph.shapes import infer_shapes


def fold(root: Graph, edit: FoldRepeats) -> Graph:
    """See `FoldRepeats`."""
    graph = graph_at(root, edit.scope)
    for row in edit.stretches:
        for identity in row:
            node_at(graph, identity)
    chain = None
    if edit.stretches and edit.stretches[0]:
        chain = chain_of(graph, edit.stretches, reports_at(root, infer_shapes(root), edit.scope))
    if chain is None:
        raise EditRefused(
            "These layers are not one stretch repeated: each must be made alike, read only the one "
            "before it, and keep the shape. Choose others, or group them into blocks."
        )
    first, gone = edit.stretches[0], {i for row in edit.stretches[1:] for i in row}
    start, end = chain.gives[0], chain.gives[-1]
    kept = {
        i: change_refs(n, lambda r: start if r == end else r)
        for i, n in graph.nodes.items()
        if i not in gone
    }
    owners = [n.target for i, n in graph.nodes.items() if i in gone]
    graph = without_idle_owners(replace(graph, nodes=kept), owners)
    times = len(edit.stretches)
    only = graph.owner_of(graph.nodes[first[0]])
    if len(first) == 1 and only is not None and only.block is not None and not only.shared:
        call, times = first[0], times * only.repeat
        root = with_graph(root, edit.scope, graph)
    else:
        before = set(graph.nodes)
        root = with_graph(root, edit.scope, graph)
        root = group(root, GroupIntoBlock(tuple(first), edit.name, edit.id, scope=edit.scope))
        call = next(i for i in graph_at(root, edit.scope).nodes if i not in before)
        root = _entering_first(root, edit.scope, call, chain.enters)
    graph = graph_at(root, edit.scope)
    owner = graph.owners[graph.nodes[call].target]
    node = replace(graph.nodes[call], among=())
    graph = replace(
        graph,
        nodes={**graph.nodes, call: node},
        owners={**graph.owners, owner.id: replace(owner, among=())},
    )
    graph = set_repeat(root, graph, SetRepeat(call, times))
    return with_graph(root, edit.scope, graph)


def _entering_first(root: Graph, scope: str, call: str, enters: Ref) -> Graph:
    """The block with the input first that the next repetition reads the last one's result at."""
    graph = graph_at(root, scope)
    node = graph.nodes[call]
    name = graph.owners[node.target].block or ""
    block = root.blocks[name]
    port = next((p for p, a in node.arguments.items() if a == enters), None)
    if port is None:
        raise EditRefused(
            f"{quote(graph.label(call))} takes a size only: there is nothing to repeat."
        )
    head = next(n for n in block.inputs if (n.name or n.id) == port)
    arguments = {port: node.arguments[port], **node.arguments}
    graph = replace(graph, nodes={**graph.nodes, call: replace(node, arguments=arguments)})
    root = with_graph(root, scope, graph)
    block = replace(block, nodes={head.id: head, **block.nodes})
    return replace(root, blocks={**root.blocks, name: block})
