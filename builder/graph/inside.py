"""Looking into the blocks of a report."""

from __future__ import annotations

from collections.abc import Mapping

from builder.graph.model import Graph
from builder.graph.report import NodeReport, ShapeReport


def reports_at(root: Graph, report: ShapeReport, scope: str) -> Mapping[str, NodeReport]:
    """The reports of a block's nodes in its first run; of the network itself for "".

    Empty where no call of the block runs yet.
    """
    if not scope:
        return report.nodes
    waiting: list[tuple[Graph, ShapeReport]] = [(root, report)]
    while waiting:
        graph, current = waiting.pop(0)
        for identity, node in current.nodes.items():
            owner = graph.owner_of(graph.nodes[identity])
            if owner is None or owner.block is None or not node.body:
                continue
            if owner.block == scope:
                return node.body[0].nodes
            waiting.append((root.blocks[owner.block], node.body[0]))
    return {}
