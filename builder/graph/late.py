"""Problems that are only seen once the whole network was walked, put at their nodes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from builder.graph.diagnostics import Diagnostic
from builder.graph.model import Graph
from builder.graph.report import ShapeReport
from builder.graph.wiring import name_of


def with_problems(graph: Graph, report: ShapeReport, problems: Iterable[Diagnostic]) -> ShapeReport:
    """The report with more problems: each at its node, and at the calls of the blocks it stands in."""
    return _added(graph, graph, report, tuple(problems))


def in_order(graph: Graph, problems: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """The problems in the order in which their nodes run."""
    found = tuple(problems)
    if len(found) < 2:
        return found
    place = {node_id: i for i, node_id in enumerate(graph.nodes)}
    return tuple(
        sorted(found, key=lambda p: place.get(p.scope[0] if p.scope else p.node, len(place)))
    )


def _added(
    root: Graph, graph: Graph, report: ShapeReport, problems: tuple[Diagnostic, ...]
) -> ShapeReport:
    if not problems:
        return report
    nodes, more = dict(report.nodes), list(problems)
    for caller in dict.fromkeys(p.scope[0] for p in problems if p.scope):
        inside = tuple(replace(p, scope=p.scope[1:]) for p in problems if p.scope[:1] == (caller,))
        owner = graph.owner_of(graph.nodes[caller])
        block = root.blocks[owner.block or ""] if owner else graph
        body = tuple(_added(root, block, one, inside) for one in nodes[caller].body)
        worst = next((p for p in inside if p.severity == "error"), inside[0])
        text = f"{name_of(graph, graph.nodes[caller])} has a problem inside: {worst.message}"
        around = Diagnostic(caller, text, severity=worst.severity, kind="in_block")
        nodes[caller] = replace(nodes[caller], body=body).showing(around)
        if not any(p.same_place(around) for p in report.problems):
            more.insert(0, around)
    for problem in problems:
        if not problem.scope:
            nodes[problem.node] = nodes[problem.node].showing(problem)
    return replace(report, nodes=nodes, problems=in_order(graph, (*report.problems, *more)))


__all__ = ["in_order", "with_problems"]
