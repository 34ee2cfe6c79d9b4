"""Graphs inside a graph: finding a block, who uses it, and callers that follow when it changes.

A block is called like a layer: its inputs are the argument names of the call, its outputs the parts
of the result. So whoever renames an input or deletes an output changes every call as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from builder.errors import EditRefused, did_you_mean, quote
from builder.graph.model import BLOCK_PREFIX, Graph, Node, Owner, Ref, map_refs


def graph_at(root: Graph, scope: str) -> Graph:
    """The block of that name, or the network itself for ""; EditRefused where there is none."""
    if not scope:
        return root
    if scope not in root.blocks:
        hint = did_you_mean(scope, root.blocks) or "It may have been ungrouped or renamed."
        raise EditRefused(f"There is no block {quote(scope)} in this network. {hint}")
    return root.blocks[scope]


def with_graph(root: Graph, scope: str, graph: Graph) -> Graph:
    """The network with one of its graphs exchanged."""
    return replace(root, blocks={**root.blocks, scope: graph}) if scope else graph


def graphs(root: Graph) -> Iterator[tuple[str, Graph]]:
    """Every graph with its scope: the network itself as "", then its blocks."""
    yield "", root
    yield from root.blocks.items()


def blocks_inside(root: Graph, block: str) -> set[str]:
    """The blocks that run when this one does, itself among them."""
    found: set[str] = set()
    waiting = [block]
    while waiting:
        name = waiting.pop()
        if name not in found and name in root.blocks:
            found.add(name)
            waiting += [o.uses for o in root.blocks[name].owners.values() if o.uses]
    return found


def result_paths(graph: Graph) -> list[tuple[str, tuple[int, ...]]]:
    """Each output's id, and the path under which a caller of this block reads it."""
    outputs = graph.outputs
    return [(n.id, (i,) if len(outputs) > 1 else ()) for i, n in enumerate(outputs)]


def using(owner: Owner, names: Mapping[str, str]) -> Owner:
    """The owner with the block it calls, or is made by, under another name."""
    if owner.uses not in names:
        return owner
    if owner.made_by:
        return replace(owner, arguments={**owner.arguments, "made_by": names[owner.made_by]})
    return replace(owner, target=BLOCK_PREFIX + names[owner.block or ""])


def rename_block(root: Graph, old: str, new: str) -> Graph:
    """The network with a block under another name, and every owner calling it by that."""

    def renamed(graph: Graph) -> Graph:
        if not any(o.uses == old for o in graph.owners.values()):
            return graph
        owners = {i: using(o, {old: new}) for i, o in graph.owners.items()}
        return replace(graph, owners=owners)

    blocks = {
        new if name == old else name: renamed(replace(b, name=new) if name == old else b)
        for name, b in root.blocks.items()
    }
    return replace(renamed(root), blocks=blocks)


def drop_unused_blocks(before: Graph, after: Graph) -> Graph:
    """Takes away the blocks an edit left without a caller, also those only these called."""
    used_before = _targets(before)
    while gone := [b for b in after.blocks if b in used_before and b not in _targets(after)]:
        after = replace(after, blocks={k: b for k, b in after.blocks.items() if k not in gone})
    return after


def _targets(root: Graph) -> set[str]:
    return {o.uses for _, graph in graphs(root) for o in graph.owners.values() if o.uses}


def follow_interface(root: Graph, block: str, before: Graph) -> Graph:
    """Lets every call follow a block whose inputs, outputs or settings have just been changed."""
    after = root.blocks[block]
    was, is_now = {n.id: _name(n) for n in before.inputs}, {n.id: _name(n) for n in after.inputs}
    renamed = {name: is_now.get(i) for i, name in was.items() if is_now.get(i) != name}
    gone = [name for name in before.settings if name not in after.settings]
    old, new = result_paths(before), result_paths(after)
    if not renamed and not gone and old == new:
        return root
    for scope, graph in graphs(root):
        callers = {o.id for o in graph.owners.values() if o.block == block}
        if callers:
            graph = _follow(graph, callers, renamed, gone, _result_map(old, new))
            root = with_graph(root, scope, graph)
    return root


def _follow(
    graph: Graph,
    callers: set[str],
    renamed: dict[str, str | None],
    gone: list[str],
    result: Callable[[Ref], Ref | None],
) -> Graph:
    calls = {n.id for n in graph.nodes.values() if n.kind == "layer" and n.target in callers}
    owners = {
        i: replace(o, arguments={k: a for k, a in o.arguments.items() if k not in gone})
        if i in callers
        else o
        for i, o in graph.owners.items()
    }
    nodes = {}
    for identity, node in graph.nodes.items():
        if identity in calls:
            arguments = {renamed.get(k, k): a for k, a in node.arguments.items()}
            node = replace(node, arguments={k: a for k, a in arguments.items() if k is not None})
        nodes[identity] = change_refs(node, lambda r: result(r) if r.node in calls else r)
    return replace(graph, nodes=nodes, owners=owners)


def _result_map(
    old: list[tuple[str, tuple[int, ...]]], new: list[tuple[str, tuple[int, ...]]]
) -> Callable[[Ref], Ref | None]:
    """Where a part of the result is found now, None for an output that is gone."""
    paths = dict(new)

    def moved(ref: Ref) -> Ref | None:
        for output, path in old:
            if ref.path[: len(path)] == path:
                if output not in paths:
                    return None
                return replace(ref, path=paths[output] + ref.path[len(path) :])
        return ref

    return moved


class _Dropped(Exception):
    """A reference inside an argument that leads nowhere any more."""


def change_refs(node: Node, change: Callable[[Ref], Ref | None]) -> Node:
    """The node with its references changed. Where `change` gives None, the argument is taken away:

    of a list of tensors only that one, and a port left unwired is a problem shown at the node.
    """

    def strict(ref: Ref) -> Ref:
        new = change(ref)
        if new is None:
            raise _Dropped
        return new

    arguments = {}
    for name, argument in node.arguments.items():
        try:
            arguments[name] = map_refs(argument, strict)
        except _Dropped:
            if node.kind == "operation" and isinstance(argument, tuple):
                refs = [part for part in argument if isinstance(part, Ref)]
                kept = tuple(new for ref in refs if (new := change(ref)) is not None)
                if kept and len(refs) == len(argument):
                    arguments[name] = kept
    return node if arguments == node.arguments else replace(node, arguments=arguments)


def _name(node: Node) -> str:
    return node.name or node.id
