"""The sums over a graph: what several calls share counts once, of a branch the dearer side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from builder import catalogue
from builder.errors import NotFound
from builder.graph.model import Graph, Owner, Ref, iter_refs
from builder.graph.report import NodeReport, ShapeReport, Totals
from builder.graph.size import training_bytes

_Sides: TypeAlias = tuple[tuple[str, str], ...]
"""The sides of branches on which alone a node runs, the outermost first: (branch, "if_true")."""


def add_up(
    graph: Graph, reports: Mapping[str, NodeReport], owned: Mapping[str, NodeReport]
) -> Totals:
    """Parameters and buffers by owner, FLOPs and activations by call. `owned`: what no node calls."""
    parameters = trainable = buffers = activations = unknown = 0
    flops: dict[_Sides, int] = {}
    counted, missing = set(), set()
    inside = 0  # blocks
    sides = _sides(graph)
    for node in graph.nodes.values():
        if node.kind not in ("layer", "operation") or node.bypassed:
            continue
        report = reports[node.id]
        on = sides.get(node.id, ())
        flops[on] = flops.get(on, 0) + (report.flops or 0)
        unknown += (report.flops is None) + sum(b.totals.flops_unknown for b in report.body)
        activations += report.activation_bytes
        inside += sum(b.totals.parameters_unknown for b in report.body)
        inside += _behind_the_break(graph.owners.get(node.target), report)
        if (
            node.kind == "layer"
            and report.result is None
            and not (report.parameters or report.body)
        ):
            missing.add(node.target)
        if report.parameters + report.buffers and node.target not in counted:
            counted.add(node.target)
            parameters += report.parameters
            trainable += report.trainable
            buffers += report.buffers
    for report in owned.values():
        parameters += report.parameters
        trainable += report.trainable
        buffers += report.buffers
    frozen = parameters - trainable
    return Totals(
        parameters,
        trainable,
        frozen,
        buffers,
        _dearest(flops),
        activations,
        training_bytes(trainable, frozen + buffers, activations),
        unknown,
        inside + sum(_waits(graph.owners.get(target)) for target in missing - counted),
    )


def _behind_the_break(owner: Owner | None, report: NodeReport) -> int:
    """Layers in the copies of a block that are not reached, as one before them breaks."""
    if owner is None or owner.shared or not report.body:
        return 0
    return _with_weights(report.body[0]) * (owner.repeat - len(report.body))


def _with_weights(body: ShapeReport) -> int:
    """How many layers inside a block have weights, or would have."""
    known = sum(
        sum(map(_with_weights, report.body)) if report.body else report.parameters > 0
        for report in body.nodes.values()
    )
    return known + body.totals.parameters_unknown


def _waits(owner: Owner | None) -> bool:
    """Whether a layer that nothing known reaches has weights then: their sizes follow from what it reads."""
    if owner is None or owner.block:
        return owner is not None
    try:
        entry = catalogue.get(owner.target)
    except NotFound:
        return False
    return any(one.inferred for one in entry.parameters)


def _sides(graph: Graph) -> dict[str, _Sides]:
    """Of every node that runs on one side of a branch only: which one. Empty without branches."""
    if not any(node.kind == "branch" for node in graph.nodes.values()):
        return {}
    found: dict[str, _Sides] = {}
    for node in reversed(list(graph.nodes.values())):
        here = found.setdefault(node.id, ())
        for name, argument in node.arguments.items():
            side = node.kind == "branch" and not node.bypassed and isinstance(argument, Ref)
            reads = (*here, (node.id, name)) if side else here
            for ref in iter_refs(argument):
                known = found.get(ref.node)
                found[ref.node] = reads if known is None else _common(known, reads)
    return found


def _common(one: _Sides, other: _Sides) -> _Sides:
    """How far two agree."""
    length = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    return one[: min(len(one), len(other)) if length is None else length]


def _dearest(flops: Mapping[_Sides, int]) -> int:
    """The sum with the larger side of each branch, the innermost branches first."""
    left = dict(flops)
    for depth in range(max(map(len, left), default=0), 0, -1):
        best: dict[tuple[_Sides, str], int] = {}
        for sides in [s for s in left if len(s) == depth]:
            branch = sides[:-1], sides[-1][0]
            best[branch] = max(best.get(branch, 0), left.pop(sides))
        for (outer, _), cost in best.items():
            left[outer] = left.get(outer, 0) + cost
    return left.get((), 0)
