"""Works out every value's shape, every layer's size and every problem of a graph.

Torch's meta device is the judge. Each call is remembered (`builder.graph.outcome`), so after an edit
only what really changed is asked again; a block is remembered as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from builder.graph import backward, capacity, outcome, wiring
from builder.graph.block_calls import forget as forget_blocks
from builder.graph.block_calls import run_block
from builder.graph.call import is_value, show
from builder.graph.calls import run_layer, run_opaque, run_operation
from builder.graph.checks.inplace import find_inplace
from builder.graph.diagnostics import Finding
from builder.graph.late import in_order, with_problems
from builder.graph.model import (
    OPAQUE,
    Argument,
    Compare,
    GradEnabled,
    Graph,
    Node,
    Setting,
    TensorSpec,
    Training,
    Value,
)
from builder.graph.report import NodeReport, ShapeReport
from builder.graph.scope import Scope
from builder.graph.symbols import CannotEvaluate, Evaluated
from builder.graph.totals import add_up
from builder.graph.weights import less_tied, owned, run_weight, tie_problems


def infer_shapes(graph: Graph) -> ShapeReport:
    """Works out every value's shape by running the layers on the meta device.

    Returns: a report for each node: shapes with the batch as N, parameters and FLOPs as counts,
             activations in bytes per sample.
    Errors:  never raises for a broken model: each problem is a Diagnostic at its node.
    Source:  docs.pytorch.org, "Meta device".
    """
    report = _run(Scope(graph, graph.blocks, graph.settings), None)
    report = with_problems(graph, report, find_inplace(graph, report))
    too_large = capacity.model_too_large(graph, report)
    if too_large is None:
        return report
    return replace(report, problems=(*report.problems, too_large))


def judge_node(
    root: Graph, graph: Graph, node: Node, known: Mapping[str, NodeReport]
) -> NodeReport:
    """What one node would take and give if it were as given, everything else staying as it is known.

    `graph`: the network or one of its blocks, in which a node of this id stands; `known`: its reports.
    """
    scope = Scope(graph, root.blocks, graph.settings, reports=dict(known))
    owner = graph.owner_of(node)
    calls = graph.calls_of(owner.id) if owner is not None else []
    if owner is not None and calls and calls[0].id != node.id and calls[0].id in known:
        scope.built[owner.id] = (owner.name, known[calls[0].id])
    try:
        return _report(scope, node)
    except CannotEvaluate as reason:
        return scope.refuse(node, reason)


def forget() -> None:
    """Empties everything that is remembered, for benchmarks and tests."""
    outcome.forget()
    backward.forget()
    forget_blocks()


def _run(scope: Scope, given: tuple[Value, ...] | None) -> ShapeReport:
    """A pass over all nodes. `given`: what a block's inputs receive, None for the network itself."""
    fed = iter(given) if given is not None else None
    for node in scope.graph.nodes.values():
        if node.kind == "input" and fed is not None:
            scope.reports[node.id] = NodeReport(result=next(fed, None))
            continue
        try:
            scope.reports[node.id] = _report(scope, node)
        except CannotEvaluate as reason:
            scope.reports[node.id] = scope.refuse(node, reason)
    early = {p.node for p in scope.problems if p.kind == "weight_unknown" and not p.scope}
    if early and not scope.later:
        known = {i: report for i, (_, report) in scope.built.items()}
        if any(scope.graph.nodes[i].target in known for i in early):  # it is called further down
            again = Scope(scope.graph, scope.blocks, scope.settings, scope.stack, later=known)
            return _run(again, given)
    scope.problems += wiring.loose_ends(scope.graph, scope.reports, root=given is None)
    alone = owned(scope, _run) if scope.graph.owners else {}
    scope.problems += tie_problems(scope, alone)
    return ShapeReport(
        scope.reports,
        add_up(scope.graph, scope.reports, alone),
        in_order(scope.graph, scope.problems),
        wiring.result_of(scope.graph, scope.reports),
        alone,
    )


def _report(scope: Scope, node: Node) -> NodeReport:
    if node.kind == "input":
        return NodeReport(result=wiring.checked_spec(node))
    if node.kind == "output":
        return _output(scope, node)
    if node.bypassed:
        return NodeReport(result=scope.value_of(wiring.passed_through(node)))
    if node.kind == "branch":
        return _branch(scope, node)
    if node.kind == "operation":
        return run_operation(scope, node)
    if node.kind == "weight":
        return run_weight(scope, node, _run)
    owner = scope.graph.owners.get(node.target)
    if owner is None:
        raise CannotEvaluate("unknown_target", "calls a layer that is not in this network.")
    if owner.target == OPAQUE:
        return run_opaque(scope, node, owner)
    made = (
        run_layer(scope, node, owner)
        if owner.block is None
        else run_block(scope, node, owner, _run)
    )
    return less_tied(scope, owner, made)


def _output(scope: Scope, node: Node) -> NodeReport:
    try:
        value = scope.wired(node, "value")
    except CannotEvaluate as reason:
        if reason.kind != "no_weights":
            raise
        # Torch gives None there and goes on.
        text = f"{scope.name(node)} {reason.message}"
        none = NodeReport(result=(), inputs={"value": ()})
        return scope.note(node, none, Finding(reason.kind, text, reason.port, severity="warning"))
    if not is_value(value):
        raise CannotEvaluate("not_wired", wiring.missing_words(node, "value"), port="value")
    report = NodeReport(result=value, inputs={"value": value})  # type: ignore[arg-type,dict-item]
    finding = wiring.batch_lost(scope.graph, node, scope.reports, value)
    return scope.note(node, report, finding) if finding else report


def _branch(scope: Scope, node: Node) -> NodeReport:
    """Both sides are worked out; what the branch gives must be the same on both."""
    _check_condition(scope, node.arguments.get("condition"))
    sides = {port: scope.wired(node, port) for port in ("if_true", "if_false")}
    for port, value in sides.items():
        if not is_value(value):
            raise CannotEvaluate("not_wired", wiring.missing_words(node, port), port=port)
    yes, no = sides.values()
    report = NodeReport(result=yes, inputs=sides)  # type: ignore[arg-type]
    if yes == no:
        return report
    shapes = [show(value) for value in (yes, no)]
    if shapes[0] == shapes[1]:
        shapes = [f"{show(v)} ({v.dtype})" for v in (yes, no) if isinstance(v, TensorSpec)]
    text = (
        f"{scope.name(node)} gives {' when its condition holds and '.join(shapes)} when not. Both "
        "sides must have the same shape and dtype."
    )
    finding = Finding("branch_shapes", text, "if_false")
    return scope.note(node, replace(report, result=None), finding)


def _check_condition(scope: Scope, condition: Argument) -> None:
    """Training, gradients, a setting that exists, or a comparison of single numbers; else CannotEvaluate."""
    if isinstance(condition, Training | GradEnabled):
        return
    if isinstance(condition, Setting):
        if condition.name not in scope.settings:
            raise CannotEvaluate("unknown_setting", condition.name, port="condition")
        return
    if not isinstance(condition, Compare):
        text = "has no condition yet. Choose training mode, a setting, or a comparison."
        raise CannotEvaluate("branch_condition", text, port="condition")
    for side in (condition.left, condition.right):
        value = scope.evaluate(side)
        if not _is_one_number(value):
            text = (
                f"compares {show(value)}, which is not one number. Reduce it to a scalar first, for "
                "example with mean over all dimensions."
            )
            raise CannotEvaluate("branch_condition", text, port="condition")


def _is_one_number(value: Evaluated) -> bool:
    if isinstance(value, TensorSpec):
        return all(size == 1 for size in value.shape)
    return isinstance(value, int | float)
