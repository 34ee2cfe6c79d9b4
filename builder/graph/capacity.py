"""What this machine cannot hold: a layer, a result, or the whole network."""

from __future__ import annotations

from builder.graph.call import show
from builder.graph.diagnostics import Diagnostic, Finding
from builder.graph.model import Graph, Node
from builder.graph.outcome import activation_bytes
from builder.graph.report import NodeReport, ShapeReport
from builder.graph.size import format_exact, format_gigabytes, machine_memory
from builder.graph.wiring import name_of


def too_large(graph: Graph, node: Node, report: NodeReport, needed: int, memory: int) -> Finding:
    """A layer that this machine cannot hold."""
    who = name_of(graph, node)
    has = f"this machine has {format_gigabytes(memory)}"
    if needed > memory:
        sizes = _largest_arguments(report)
        text = (
            f"{who} would take {format_gigabytes(needed)} to train ({format_exact(report.parameters)} "
            f"weights, each with its gradient and Adam's two moments); {has}. "
            f"Choose a smaller {sizes or 'size'}."
        )
        return Finding("too_large", text, parameter=sizes.split(" or ")[0] or None)
    if report.activation_bytes > activation_bytes(report.result):
        text = (
            f"{who} works out {format_gigabytes(report.activation_bytes)} inside for each sample; {has}. "
            "Make its input or its sizes smaller."
        )
        return Finding("too_large_result", text)
    text = (
        f"{who} gives {show(report.result)}, {format_gigabytes(report.activation_bytes)} for each "
        f"sample; {has}. Make its input or its result smaller."
    )
    return Finding("too_large_result", text)


def _largest_arguments(report: NodeReport) -> str:
    sizes = sorted(
        (
            (value, name)
            for name, value in report.arguments.items()
            if isinstance(value, int)
            and not isinstance(value, bool)
            and name not in report.inferred
        ),
        reverse=True,
    )
    return " or ".join(name for _, name in sizes[:1])


def model_too_large(graph: Graph, report: ShapeReport) -> Diagnostic | None:
    """The whole network, where no single layer is too large by itself."""
    memory = machine_memory()
    needed = report.totals.memory_bytes
    if needed <= memory or any(p.kind.startswith("too_large") for p in report.problems):
        return None
    node_id, largest = max(
        report.nodes.items(), key=lambda item: (item[1].parameters, item[1].activation_bytes)
    )
    text = (
        f"The network would take {format_gigabytes(needed)} to train "
        f"({format_exact(report.totals.parameters)} weights); this machine has "
        f"{format_gigabytes(memory)}. Its largest layer is {name_of(graph, graph.nodes[node_id])} with "
        f"{format_exact(largest.parameters)} weights: make it smaller, or take layers out."
    )
    return Diagnostic(node_id, text, kind="too_large_model")
