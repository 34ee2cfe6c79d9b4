"""Where a value comes from: which layer a port reads, and which one set the shape that arrives."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from builder.errors import quote
from builder.graph.model import Graph, Node, Ref, iter_refs, primary_input
from builder.graph.report import NodeReport


def source_of(graph: Graph, node: Node, reports: Mapping[str, NodeReport]) -> Callable[[str], str]:
    """For a port: ', from “relu” (its size was set by “fc1”)', or less where less is to be said."""

    def words(port: str) -> str:
        ref = next(iter_refs(node.arguments.get(port)), None)
        if ref is None or ref.node not in graph.nodes:
            return ""
        ref = graph.resolve(ref)
        origin = origin_of(graph, ref, reports)
        named = f", from {quote(graph.label(ref.node))}"
        if origin is None or origin.id == ref.node:
            return named
        return f"{named} (its shape was set by {quote(graph.label(origin.id))})"

    return words


def origin_of(graph: Graph, ref: Ref | None, reports: Mapping[str, NodeReport]) -> Node | None:
    """The node that gave a value its shape: past what leaves the shape as it was."""
    for _ in range(len(graph.nodes)):
        if ref is None:
            return None
        ref = graph.resolve(ref)
        source = graph.nodes.get(ref.node)
        if source is None:
            return None
        before = primary_input(source)
        if source.kind in ("input", "branch") or before is None or ref.path:
            return source
        taken = reports.get(graph.resolve(before).node)
        given = reports.get(source.id)
        if taken is None or given is None or before.path or taken.result != given.result:
            return source
        if given.arguments and given.parameters and given.inferred != frozenset(given.arguments):
            owner = graph.owner_of(source)
            # A Linear(64, 64) sets the size although it is the same; a BatchNorm does not.
            if owner is not None and any(name.startswith("out_") for name in owner.arguments):
                return source
        ref = before
    return None
