"""A network in one line, for cards and messages."""

from __future__ import annotations

from builder.graph.model import Graph, format_shape, format_value
from builder.graph.report import ShapeReport
from builder.graph.size import count_layers, format_layers
from builder.graph.words import parameters_words


def ends(graph: Graph, report: ShapeReport) -> str:
    """What goes in and what comes out: N×784 → N×10."""
    came = ", ".join(format_shape(n.spec.shape) for n in graph.inputs if n.spec)
    results = (report.nodes[n.id].result if n.id in report.nodes else None for n in graph.outputs)
    return f"{came} → {', '.join(map(format_value, results))}"


def facts(graph: Graph, report: ShapeReport) -> str:
    """N×784 → N×10 · 5 layers · 102k parameters, and the blocks where there are some."""
    parts = [
        ends(graph, report),
        format_layers(count_layers(graph)),
        f"{parameters_words(report.totals)} parameters",
    ]
    if graph.blocks:
        parts.append(f"{len(graph.blocks)} block{'' if len(graph.blocks) == 1 else 's'}")
    return " · ".join(parts)
