"""The stack view's rows: what each layer shows in one line, worked out from graph and shapes.

Plain values, no Streamlit: the component in `assets` only draws them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from builder.graph.axes import axes_words, name_axes
from builder.graph.model import Graph, Node, Ref
from builder.graph.report import NodeReport, ShapeReport
from builder.graph.size import format_exact, format_parameters
from builder.graph.words import (
    family_of,
    key_parameters,
    marks_of,
    part_of,
    shape_words,
    source_words,
    type_name,
    values_read,
)


def rows_of(
    graph: Graph, report: ShapeReport | None, root: Graph | None = None
) -> list[dict[str, Any]]:
    """A row for each node, in running order. `report`: of the same graph, None where unknown.

    `root`: the network whose block the graph is.
    """
    rows: list[dict[str, Any]] = []
    previous = None
    nodes = report.nodes if report else {}
    named = name_axes(root or graph, graph, nodes)
    read = {r.node for n in graph.nodes.values() for _, r in values_read(n)}
    for node in graph.nodes.values():
        row = _row(graph, node, nodes.get(node.id, NodeReport()), previous)
        row["axes"] = axes_words(named.get(Ref(node.id)))
        if node.kind != "output" and node.id not in read:
            row["marks"].append("result unused")
        if previous is not None and all(ref.node != previous.id for _, ref in values_read(node)):
            row["apart"] = True
            rows[-1]["below"] = _from_elsewhere(graph, node, nodes)
        rows.append(row)
        previous = node
    return rows


def _row(graph: Graph, node: Node, report: NodeReport, previous: Node | None) -> dict[str, Any]:
    owner, family = graph.owner_of(node), family_of(graph, node)
    row: dict[str, Any] = {
        "id": node.id,
        "name": graph.label(node.id),
        "type": type_name(graph, node),
        "family": family,
        "kind": "block" if owner and owner.block else node.kind,
        "parameters": key_parameters(graph, node, report),
        "shape": shape_words(report.result),
        "axes": "",
        "count": format_parameters(report.parameters) if report.parameters else "",
        "exact": format_exact(report.parameters) if report.parameters else "",
        "sources": _sources(graph, node, previous),
        "marks": marks_of(graph, node, report),
    }
    if report.problem is not None:
        row["problem"] = report.problem.message
        row["severity"] = report.problem.severity
    if node.note:
        row["note"] = node.note
    return row


def _sources(graph: Graph, node: Node, previous: Node | None) -> list[str]:
    """Where inputs come from, said only where it is not simply the row above."""
    wired = values_read(node)
    if node.kind == "input" or not wired:
        return []
    if len(wired) == 1 and previous and wired[0][1] == Ref(previous.id, wired[0][1].path):
        return [] if not wired[0][1].path else [f"from {source_words(graph, wired[0][1])}"]
    if len({name for name, _ in wired}) == 1:
        return ["from " + ", ".join(source_words(graph, ref) for _, ref in wired)]
    return [f"{name} from {source_words(graph, ref)}" for name, ref in wired]


def _from_elsewhere(graph: Graph, node: Node, nodes: Mapping[str, NodeReport]) -> str:
    """What stands above a row that does not read the row before: "from flatten1 · N×400"."""
    wired = values_read(node)
    words = [
        f"{source_words(graph, ref)} · {shape_words(part_of(nodes, graph.resolve(ref)))}"
        for _, ref in wired
    ]
    if len({name for name, _ in wired}) > 1:
        return ", ".join(f"{w[0]} from {said}" for w, said in zip(wired, words, strict=True))
    return "from " + ", ".join(words) if words else ""
