"""Whether anything that learns is connected to the output by gradients, worked out from the graph.

Without it torch fails in the first step with "element 0 of tensors does not require grad". One way
is enough: a network may cut some of its ways on purpose.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from builder.errors import quote
from builder.graph.diagnostics import Diagnostic
from builder.graph.edits import DeleteNode
from builder.graph.model import OPAQUE, Graph, Node, Ref, TensorSpec, Value
from builder.graph.modes import compared_outputs
from builder.graph.report import ShapeReport
from builder.training.remedies import Remedy


@dataclass
class _Way:
    """What was met on the way back from an output."""

    learns: bool = False
    inputs: list[Node] = field(default_factory=list)
    cuts: list[tuple[Diagnostic, Remedy | None]] = field(default_factory=list)


def nothing_learns(graph: Graph, report: ShapeReport) -> tuple[Diagnostic, Remedy | None] | None:
    """The place where gradients end when no weight that learns gets one, with what would help.

    None when one does, and also when the network has no weight that learns at all.
    """
    outputs = compared_outputs(graph)
    if len(outputs) != 1 or not report.totals.trainable:
        return None
    way = _go_back(graph, report, outputs[0], graph.blocks)
    if way.learns:
        return None
    if way.cuts:
        return way.cuts[0]
    node = next(n for n in graph.nodes.values() if _learns(graph, report, n))
    label = quote(graph.label(node.id))
    text = (
        f"Nothing that learns is on the way to the output: {label} learns, but is not part of it. "
        f"Wire {label} into it, or unfreeze a layer there."
    )
    return Diagnostic(node.id, text, kind="no_gradient"), None


def _go_back(
    graph: Graph,
    report: ShapeReport,
    reader: Node,
    blocks: Mapping[str, Graph],
    block: str = "",
    frozen: bool = False,
    past_cuts: bool = False,
) -> _Way:
    """What stands before `reader`. A cut counts when something before it would learn without it."""
    way, seen = _Way(), set[Ref]()
    waiting = [r for a in reader.arguments.values() for r in _values_in(a)]
    while waiting:
        ref = graph.resolve(waiting.pop())
        node = graph.nodes.get(ref.node)
        if node is None or ref in seen:
            continue
        seen.add(ref)
        if node.kind == "input":
            way.inputs.append(node)
            continue
        cut = None if past_cuts else _cut(graph, report, node, ref, block)
        if cut is not None:
            before = _go_back(graph, report, node, blocks, block, frozen, past_cuts=True)
            itself = not frozen and _learns(graph, report, node)
            if before.learns or itself or (block and before.inputs):
                way.cuts.append(cut)
            continue
        owner = graph.owner_of(node)
        inner = blocks.get(owner.block) if owner and owner.block else None
        body = report.nodes[node.id].body if node.id in report.nodes else ()
        if inner is None or owner is None or not body:
            way.learns |= not frozen and _learns(graph, report, node)
            waiting += [r for a in node.arguments.values() for r in _values_in(a)]
            continue
        index = ref.path[0] if ref.path and len(inner.outputs) > 1 else 0
        end, still = inner.outputs[index], frozen or owner.frozen
        inside = _go_back(inner, body[-1], end, blocks, owner.block or "", still, past_cuts)
        way.learns |= inside.learns
        way.cuts += [(diagnostic.inside(node.id), remedy) for diagnostic, remedy in inside.cuts]
        if inside.inputs:
            waiting += [r for a in node.arguments.values() for r in _values_in(a)]
    return way


def _values_in(argument: object) -> Iterator[Ref]:
    """The values an argument passes on: no sizes and no conditions, which carry no gradient."""
    if isinstance(argument, Ref):
        yield argument
    elif isinstance(argument, tuple):
        for part in argument:
            yield from _values_in(part)


def _learns(graph: Graph, report: ShapeReport, node: Node) -> bool:
    """Whether a layer has weights that learn, in this call of it or another."""
    owner = graph.owner_of(node) or graph.held_by(node)
    if owner is None:
        return False
    sources = {other for other, _ in owner.ties.values()}  # what is tied learns as the other does
    for identity in (owner.id, *sources):
        calls = graph.calls_of(identity)
        if any(report.nodes[n.id].trainable for n in calls if n.id in report.nodes):
            return True
        if identity in report.owned and report.owned[identity].trainable:
            return True
    return owner.target == OPAQUE and not owner.frozen


def _cut(
    graph: Graph, report: ShapeReport, node: Node, ref: Ref, block: str
) -> tuple[Diagnostic, Remedy | None] | None:
    label = quote(graph.label(node.id))
    why, remedy = "", None
    if node.target in _CUTS:
        name = node.target.rsplit(".", 1)[-1]
        what = label if name in label else f"{label} ({name})"
        why = f"{what} lets no gradient through. Remove it."
        remedy = Remedy(f"Remove {label}", DeleteNode(node.id, scope=block))
    elif node.id in report.nodes:
        dtype = _dtype(report.nodes[node.id].result, ref.path)
        if dtype is not None and not dtype.startswith(("float", "bfloat", "complex")):
            why = (
                f"{label} gives {dtype}, through which no gradient passes. "
                "Let the output read what comes before it."
            )
    if not why:
        return None
    text = f"Nothing that learns gets a gradient from the output: {why}"
    return Diagnostic(node.id, text, kind="no_gradient"), remedy


def _dtype(value: Value | None, path: tuple[int, ...]) -> str | None:
    for index in path:
        if not isinstance(value, tuple) or index >= len(value):
            break
        value = value[index]
    return value.dtype if isinstance(value, TensorSpec) else None


_CUTS: Final = {
    "torch.Tensor.detach",
    "torch.zeros_like",
    "torch.ones_like",
    "torch.full_like",
    "torch.randn_like",
    "torch.rand_like",
}
