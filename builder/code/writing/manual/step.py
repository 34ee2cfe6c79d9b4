"""One step of gradient descent by hand, under the smoke test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from builder.code.writing.layout import assignment, call
from builder.code.writing.literals import keyword
from builder.code.writing.manual.plan import TRAINING, Plan
from builder.code.writing.smoke import can_run, input_names, said_tensor
from builder.graph.model import PARAMETER, Graph, Node, TensorSpec, Value, refs_in
from builder.graph.modes import given_in
from builder.graph.report import ShapeReport

_STOPS = ("detach", "_like", "torch.sign", "argm", "torch.heaviside")
"""Operations whose names say that no gradient goes through them."""


def learning_step(
    graph: Graph, report: ShapeReport, plans: Mapping[str, Plan], reserved: frozenset[str]
) -> list[str]:
    """The lines of the step; nothing where no output has a gradient.

    `reserved`: as given to the smoke test in front of it, so that inputs are called the same.
    """
    place = next(_learning_places(graph, report, plans), None)
    if place is None or not can_run(graph, report):
        return []
    space, items = input_names(graph, reserved)
    name, loss = space.claim("result"), space.claim("loss")
    called = call("forward", *items)
    if plans[""].trains:
        called = call("forward", *items, keyword(TRAINING, "True"))
    return [
        "",
        "    # One step of learning: every number goes a little against its gradient.",
        *assignment(name, called, 4),
        *said_tensor(graph, name),
        *assignment(loss, f"{name}{place}.square().mean()", 4),
        f"    {loss}.backward()  # type: ignore[no-untyped-call]",
        "    with torch.no_grad():",
        "        for p in parameters:",
        "            if p.grad is not None:",
        "                p -= 0.01 * p.grad",
        "                p.grad = None",
    ]


def _learning_places(graph: Graph, report: ShapeReport, plans: Mapping[str, Plan]) -> Iterator[str]:
    """Where what depends on a number that learns stands in the result: "", "[0]", "[1][0]"."""
    learning = _depends(graph, plans, {})
    outputs = given_in(graph, training=True)
    for i, node in enumerate(outputs):
        known = report.nodes.get(node.id)
        if node.id in learning and known is not None and known.result is not None:
            yield from _floats(known.result, f"[{i}]" if len(outputs) > 1 else "")


def _depends(graph: Graph, plans: Mapping[str, Plan], inputs: Mapping[str, bool]) -> set[str]:
    """The nodes whose values have a gradient. `inputs`: which inputs of the graph have one."""
    found = {node for node, given in inputs.items() if given}
    for node in graph.nodes.values():
        reads = any(graph.resolve(ref).node in found for ref in refs_in(node))
        if not any(part in node.target for part in _STOPS) and (
            _owns(graph, node, plans) or (reads and _passes(graph, node, plans))
        ):
            found.add(node.id)
    return found


def _owns(graph: Graph, node: Node, plans: Mapping[str, Plan]) -> bool:
    owner = graph.held_by(node) or graph.owner_of(node)
    if owner is None or owner.frozen or node.bypassed:
        return False
    if owner.raw:
        return owner.target == PARAMETER and owner.arguments.get("requires_grad") is not False
    if owner.block is not None and owner.block in plans:
        inner = plans[owner.block].scope.graph
        return any(out.id in _depends(inner, plans, {}) for out in inner.outputs)
    mine = [plan.drawn[owner.id] for plan in plans.values() if plan.scope.graph is graph]
    return any(drawn.learns for each in mine for drawn in each)


def _passes(graph: Graph, node: Node, plans: Mapping[str, Plan]) -> bool:
    """Whether a gradient goes through a node to what it reads."""
    owner = graph.owner_of(node)
    if owner is None or owner.block is None or node.bypassed or owner.block not in plans:
        return True
    inner = plans[owner.block].scope.graph
    passed = _depends(inner, plans, {port.id: True for port in inner.inputs})
    return any(out.id in passed for out in inner.outputs)


def _floats(value: Value, path: str) -> Iterator[str]:
    """Where tensors of floating point stand in a result."""
    if isinstance(value, tuple):
        for i, part in enumerate(value):
            yield from _floats(part, f"{path}[{i}]")
    elif isinstance(value, TensorSpec) and value.dtype.startswith("float"):
        yield path
