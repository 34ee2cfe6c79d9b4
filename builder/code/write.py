"""From a graph to code in one call."""

from __future__ import annotations

from builder.code.registry import style_for
from builder.code.writing.chain import NoChain, chain_of
from builder.code.writing.page import Written
from builder.errors import CodeRefused
from builder.graph.model import Graph
from builder.graph.report import ShapeReport


def write_code(
    graph: Graph,
    style: str = "module",
    name: str | None = None,
    *,
    report: ShapeReport | None = None,
) -> str:
    """The network as a Python file, formatted as `ruff format` would.

    Args:   style: a key of `styles()`. name: the class name, in place of the graph's.
            report: the graph's shapes, where the caller has them already.
    Errors: CodeRefused, where the network cannot be written in that style, with the reason.
    """
    return write_with_lines(graph, style, name, report=report).text


def write_with_lines(
    graph: Graph,
    style: str = "module",
    name: str | None = None,
    *,
    report: ShapeReport | None = None,
) -> Written:
    """The code of `write_code` with the lines that belong to each node."""
    chosen, known = style_for(style), report or _shapes(graph)
    try:
        return chosen.write(graph, known, name)
    except CodeRefused as refusal:
        if not chosen.instead or not _can_write(graph, chosen.instead, known):
            raise
        raise StyleRefused(str(refusal), chosen.instead) from refusal


class StyleRefused(CodeRefused):
    """A network that one style cannot write, but another can: `instead` is its key, `why` the reason."""

    def __init__(self, why: str, instead: str) -> None:
        super().__init__(f"{why} The style “{instead}” can write it.")
        self.why, self.instead = why, instead


def _can_write(graph: Graph, style: str, report: ShapeReport) -> bool:
    try:
        style_for(style).write(graph, report, None)
    except CodeRefused:
        return False
    return True


def model_source(graph: Graph, *, report: ShapeReport | None = None) -> str:
    """The code that is trained, measured and exported: the style `module`."""
    return write_code(graph, "module", report=report)


def why_not_chain(graph: Graph, *, report: ShapeReport | None = None) -> str | None:
    """Why the network cannot be one nn.Sequential, naming the layer; None where it can."""
    links = chain_of(graph, report or _shapes(graph))
    if isinstance(links, NoChain):
        return links.reason
    try:
        style_for("sequential").write(graph, report or _shapes(graph), None)
    except CodeRefused as refusal:
        return str(refusal)
    return None


def _shapes(graph: Graph) -> ShapeReport:
    from builder.graph.shapes import infer_shapes

    return infer_shapes(graph)
