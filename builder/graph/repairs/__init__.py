"""Repairs that have been tried: each was applied and the shapes inferred again before it is offered."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from builder.errors import LayerwiseError
from builder.graph.diagnostics import Diagnostic
from builder.graph.edits import Edit, SetBypassed, apply
from builder.graph.model import Graph
from builder.graph.repairs import (
    large,
    merges,
    ranks,
    reading,
    reshapes,
    sizes,
    states,
    tensors,
    windows,
    wires,
)
from builder.graph.repairs.case import LAST, Candidate, Case, locate
from builder.graph.report import ShapeReport
from builder.graph.shapes import infer_shapes

MOST_TRIED = 24
MOST_OFFERED = 5

_CANDIDATES: Mapping[str, Callable[[Case], Iterator[Candidate]]] = {
    **sizes.CANDIDATES,
    **windows.CANDIDATES,
    **ranks.CANDIDATES,
    **reshapes.CANDIDATES,
    **merges.CANDIDATES,
    **reading.CANDIDATES,
    **wires.CANDIDATES,
    **large.CANDIDATES,
    **tensors.CANDIDATES,
    **states.CANDIDATES,
}


@dataclass(frozen=True, slots=True)
class Repair:
    """One click that mends a problem. `parameters_delta`: numbers to learn, more (or fewer) than now."""

    label: str
    edit: Edit
    parameters_delta: int = 0


def repairs_for(graph: Graph, diagnostic: Diagnostic) -> tuple[Repair, ...]:
    """The repairs of one problem, best first.

    Each was applied and inferred again: the problem is gone, its node has no error left, and no node
    before it got a problem it did not have. Order: fewest problems left in the network, then nearest
    to what the sentence says, then the smallest change in parameters; what deletes it stands last.
    """
    before = infer_shapes(graph)
    problem = _innermost(before, diagnostic)
    case = locate(graph, before, problem)
    if case is None:
        return ()
    found: list[tuple[tuple[int, ...], Repair]] = []
    tried: list[Edit] = []
    for candidate in _candidates(case):
        if candidate.edit in tried or len(tried) >= MOST_TRIED:
            continue
        tried.append(candidate.edit)
        judged = _tried(graph, before, problem, candidate)
        if judged is not None:
            found.append((judged[0], judged[1]))
    if not found:
        found = _last_resort(case, before)
    found.sort(key=lambda item: item[0])
    return tuple(repair for _, repair in found[:MOST_OFFERED])


def _candidates(case: Case) -> Iterator[Candidate]:
    make = _CANDIDATES.get(case.problem.kind)
    if make is None:
        return
    candidates = make(case)
    while True:
        try:
            yield next(candidates)
        except StopIteration:
            return
        except (LayerwiseError, LookupError):
            return  # an edit that this candidate is made of cannot be carried out here


def _tried(
    graph: Graph, before: ShapeReport, problem: Diagnostic, candidate: Candidate
) -> tuple[tuple[int, ...], Repair] | None:
    try:
        mended = apply(graph, candidate.edit)
    except (LayerwiseError, LookupError):  # a lost reference elsewhere can be in its way
        return None
    after = infer_shapes(mended)
    if not _mends(graph, before, mended, after, problem):
        return None
    delta = _cost(graph, before, mended, after, problem)
    warnings = len(after.problems) - len(after.errors)
    rank = (candidate.tier >= LAST, len(after.errors), warnings, candidate.tier, abs(delta))
    return rank, Repair(candidate.label, candidate.edit, delta)


def _cost(
    graph: Graph, before: ShapeReport, mended: Graph, after: ShapeReport, problem: Diagnostic
) -> int:
    """Parameters more than now, leaving out layers whose size is only known once all is mended."""
    waiting = {
        graph.nodes[node_id].target
        for node_id, report in before.nodes.items()
        if report.result is None and not report.parameters and node_id != problem.node
    }
    return _parameters(mended, after, waiting) - _parameters(graph, before, waiting)


def _parameters(graph: Graph, report: ShapeReport, leave_out: set[str]) -> int:
    by_owner = {
        node.target: report.nodes[node.id].parameters
        for node in graph.nodes.values()
        if node.kind == "layer" and node.target not in leave_out
    }
    return sum(by_owner.values())


def _mends(
    graph: Graph, before: ShapeReport, mended: Graph, after: ShapeReport, problem: Diagnostic
) -> bool:
    here = [p for p in after.problems if (p.scope, p.node) == (problem.scope, problem.node)]
    if any(p.kind == problem.kind for p in here):
        return False
    was = {(p.scope, p.node, p.kind) for p in before.problems}
    if any(p.severity == "error" and (p.scope, p.node, p.kind) not in was for p in here):
        return False
    if problem.severity == "error" and any(p.severity == "error" for p in here):
        return False
    order = {node_id: i for i, node_id in enumerate(mended.nodes)}
    limit = _place_of_problem(graph, order, problem)
    inner = _places_beside(mended, problem)
    for other in after.problems:
        if (other.scope, other.node, other.kind) in was or other.kind == "in_block":
            continue
        place = order.get(other.scope[0] if other.scope else other.node, 0)
        if place < limit:
            return False
        if problem.scope and place == limit and other.severity == "error":
            behind = inner.get(other.node, -1) > inner.get(problem.node, len(inner))
            if other.scope != problem.scope or not behind:
                return False
        if other.severity == "warning" and other.kind == "unused":
            return False  # it only cut something off
    return True


def _place_of_problem(graph: Graph, order: Mapping[str, int], problem: Diagnostic) -> int:
    """Where the problem's node stands in the mended network, or stood before it was replaced."""
    top = problem.scope[0] if problem.scope else problem.node
    if top in order:
        return order[top]
    nodes = list(graph.nodes)
    later = nodes[nodes.index(top) + 1 :] if top in graph.nodes else []
    return min((order[node] for node in later if node in order), default=len(order))


def _places_beside(graph: Graph, problem: Diagnostic) -> dict[str, int]:
    """The order in which the nodes of the problem's block run."""
    for caller in problem.scope:
        node = graph.nodes.get(caller)
        owner = graph.owner_of(node) if node else None
        if owner is None or owner.block not in graph.blocks:
            return {}
        graph = replace(graph.blocks[owner.block or ""], blocks=graph.blocks)
    return {node_id: i for i, node_id in enumerate(graph.nodes)}


def _innermost(report: ShapeReport, diagnostic: Diagnostic) -> Diagnostic:
    """For a block with a problem inside: that problem."""
    if diagnostic.kind != "in_block":
        return diagnostic
    path = (*diagnostic.scope, diagnostic.node)
    inside = [p for p in report.problems if p.scope[: len(path)] == path and p.kind != "in_block"]
    errors = [p for p in inside if p.severity == "error"]
    return (errors or inside or [diagnostic])[0]


def _last_resort(case: Case, before: ShapeReport) -> list[tuple[tuple[int, ...], Repair]]:
    """Passing the layer through, where nothing better is known."""
    if case.node.kind not in ("layer", "operation") or case.node.bypassed:
        return []
    edit = SetBypassed(case.node.id, True, scope=case.scope)
    found = _tried(case.root, before, case.problem, Candidate(f"Bypass {case.label}", edit, 9))
    return [found] if found else []


__all__ = ["MOST_OFFERED", "Repair", "repairs_for"]
