"""The nearest running order in which a new wire can be: fewest nodes moved, meaning kept if it can be."""

from __future__ import annotations

from dataclasses import replace

from builder.graph.edits.meaning import swaps_meaning
from builder.graph.edits.rewiring import settle
from builder.graph.model import Graph, refs_in


def settle_near(root: Graph, graph: Graph, changed: str) -> Graph:
    """The graph in a true order after one node has been rewired, with as few nodes moved as needed.

    Either the node moves, with those worked out from it, behind what it reads now, or what it reads
    moves, with all that is needed for it, before the node. The way that keeps the order of random
    numbers and in-place changes goes first, then the one that moves fewer nodes, then the former.
    EditRefused names the path where the values would go in a cycle.
    """
    later = settle(graph, changed)
    if later is graph:
        return graph
    earlier = _earlier(graph, changed)
    if earlier is None:
        return later
    in_front, behind = _passing(graph, later, changed)
    stay = swaps_meaning(root, graph, in_front, behind), len(behind)
    in_front, behind = _passing(graph, earlier, changed)
    return (
        earlier if (swaps_meaning(root, graph, in_front, behind), len(in_front)) < stay else later
    )


def _earlier(graph: Graph, changed: str) -> Graph | None:
    """What the node reads put right before it; None where an input would change its place."""
    order = list(graph.nodes)
    start = order.index(changed)
    behind = set(order[start:])
    needed: set[str] = set()
    waiting = [r.node for r in refs_in(graph.nodes[changed])]
    while waiting:
        identity = waiting.pop()
        if identity in behind and identity not in needed:
            needed.add(identity)
            waiting += [r.node for r in refs_in(graph.nodes[identity])]
    if any(graph.nodes[i].kind == "input" for i in needed):
        return None
    new = [*order[:start], *(i for i in order if i in needed)]
    new += [i for i in order[start:] if i not in needed]
    return replace(graph, nodes={i: graph.nodes[i] for i in new})


def _passing(old: Graph, new: Graph, changed: str) -> tuple[list[str], list[str]]:
    """Where the order differs: what stands before the changed node now, and it with what follows."""
    pairs = list(zip(old.nodes, new.nodes, strict=True))
    places = [i for i, (was, now) in enumerate(pairs) if was != now]
    region = [now for _, now in pairs[places[0] : places[-1] + 1]]
    cut = region.index(changed)
    return region[:cut], region[cut:]
