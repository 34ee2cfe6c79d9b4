"""What can be done to a node at all, and the sentence where it cannot."""

from __future__ import annotations

from builder.graph.model import BUFFER, Graph, Node
from builder.graph.report import NodeReport, ShapeReport


def can_bypass(node: Node) -> bool:
    """An input and an output pass nothing on."""
    return node.kind in ("layer", "operation", "branch")


def can_freeze(graph: Graph, node: Node, report: ShapeReport | None) -> bool:
    """A layer with weights; one whose weights are not known yet counts as such."""
    owner = graph.stands_for(node)
    if owner is None or owner.target == BUFFER:
        return False
    if owner.raw:
        return True
    found = report.nodes.get(node.id, NodeReport()) if report else NodeReport()
    return owner.frozen or found.parameters > 0 or found.result is None
