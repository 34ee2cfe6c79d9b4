"""Why an export cannot be made, where that is known before anything is run: said at once."""

from __future__ import annotations

from builder.code.limits import why_not_run
from builder.code.registry import MANUAL
from builder.errors import ExportRefused
from builder.export.formats import format_for
from builder.export.programs import why_no_onnx
from builder.export.subject import refuse_unfinished
from builder.graph.model import Graph
from builder.graph.report import ShapeReport


def why_not(
    graph: Graph,
    report: ShapeReport,
    to: str,
    style: str = "module",
    *,
    trained: bool = False,
    has_data: bool = True,
) -> str:
    """The reason in a sentence with the way out; "" where nothing known is in the way.

    `trained`: with the weights of a run. `has_data`: whether rows are chosen, which a project needs.
    """
    wanted = format_for(to)
    if not wanted.proven:
        return ""
    if sentence := why_not_run(graph):
        return sentence
    try:
        refuse_unfinished(graph, report)
    except ExportRefused as refusal:
        return str(refusal)
    if style == MANUAL and to != "py":
        return f"The style “manual” makes no nn.Module, which {wanted.title} needs. Choose another style."
    if style == MANUAL and trained:
        return "The style “manual” has no state_dict for trained weights. Choose another style."
    if to == "zip" and not has_data:
        return "A project trains, and no data is chosen. Choose a data set."
    if to == "safetensors" and not report.totals.parameters + report.totals.buffers:
        return "This network has no weights to save."
    return why_no_onnx() if to == "onnx" else ""
