"""The call of a block inside a pass: its repetitions, its settings, the problems inside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from builder.errors import quote
from builder.graph.call import is_value
from builder.graph.diagnostics import Diagnostic, Finding
from builder.graph.model import Graph, Literals, Node, Owner, Value
from builder.graph.remember import Remembered
from builder.graph.report import NodeReport, ShapeReport
from builder.graph.scope import Scope
from builder.graph.symbols import CannotEvaluate, evaluate, frozen
from builder.graph.wiring import missing_words, no_references

MOST_REPEATS = 1000

Run = Callable[[Scope, tuple[Value, ...]], ShapeReport]
"""Runs a pass over a block with what its inputs receive."""

_bodies: Remembered[tuple[object, ShapeReport]] = Remembered(512)


def run_block(scope: Scope, node: Node, owner: Owner, run: Run) -> NodeReport:
    """The report of a node that calls a block, once or repeated."""
    name = owner.block or ""
    block = scope.blocks.get(name)
    if block is None:
        text = f"calls block {quote(name)}, which does not exist."
        raise CannotEvaluate("unknown_target", text)
    if name in scope.stack:
        text = f"calls block {quote(name)}, in which it stands itself."
        raise CannotEvaluate("recursion", text)
    if not isinstance(owner.repeat, int) or not 1 <= owner.repeat <= MOST_REPEATS:
        text = f"is repeated {owner.repeat} times. Repeat it 1 to {MOST_REPEATS} times."
        raise CannotEvaluate("repeat", text)
    settings = settings_of(scope, owner, name, block)
    values = _inputs(scope, node, block)
    bodies = list(_repetitions(scope, owner, block, values, settings, run))
    report = _summed(owner, bodies, dict(zip(_ports(block), values, strict=True)), settings)
    report = _with_problems(scope, node, report)
    first = scope.built.setdefault(owner.id, (owner.name, report))[1].body
    expected = first[:1] * len(bodies) if owner.shared else first
    if not all(_same_weights(a, b) for a, b in zip(expected, bodies, strict=False)):
        text = f"{scope.name(node)} shares its weights, but its inputs would need others."
        return scope.note(node, replace(report, result=None), Finding("shared_block", text))
    return scope.sized(node, report)


def forget() -> None:
    """Empties the memory of blocks."""
    _bodies.clear()


def _ports(block: Graph) -> list[str]:
    return [node.name or node.id for node in block.inputs]


def settings_of(scope: Scope, owner: Owner, name: str, block: Graph) -> dict[str, Literals]:
    """The settings of a block as its owner has them; raises CannotEvaluate."""
    settings = dict(block.settings)
    for setting, argument in owner.arguments.items():
        if setting not in settings:
            text = f"sets {quote(setting)}, which block {quote(name)} does not have."
            raise CannotEvaluate("unknown_argument", text)
        value = evaluate(argument, no_references, scope.settings)
        settings[setting] = value  # type: ignore[assignment]
    return settings


def _inputs(scope: Scope, node: Node, block: Graph) -> tuple[Value, ...]:
    values = []
    for port in _ports(block):
        value = scope.wired(node, port)
        if not is_value(value):
            raise CannotEvaluate("not_wired", missing_words(node, port), port=port)
        values.append(value)
    stray = next((name for name in node.arguments if name not in _ports(block)), None)
    if stray is not None:
        text = f"is given {quote(stray)}, which its block does not take."
        raise CannotEvaluate("unknown_argument", text)
    return tuple(values)  # type: ignore[arg-type]


def _repetitions(
    scope: Scope,
    owner: Owner,
    block: Graph,
    values: tuple[Value, ...],
    settings: Mapping[str, Literals],
    run: Run,
) -> Iterator[ShapeReport]:
    """One pass for each repetition: results feed the first inputs of the next, the others stay."""
    for done in range(1, owner.repeat + 1):
        body = _remembered(scope, owner.block or "", block, values, settings, run)
        yield body
        if body.result is None or done == owner.repeat:
            return
        results: tuple[Value, ...] = (body.result,)
        if len(block.outputs) > 1 and isinstance(body.result, tuple):
            results = body.result
        if len(results) > len(values):
            text = f"gives {len(results)} values but takes {len(values)}, so it cannot be repeated."
            raise CannotEvaluate("repeat", text)
        values = (*results, *values[len(results) :])


def _remembered(
    scope: Scope,
    name: str,
    block: Graph,
    values: tuple[Value, ...],
    settings: Mapping[str, Literals],
    run: Run,
) -> ShapeReport:
    used = _blocks_used(name, scope.blocks)
    key = (
        tuple(id(graph) for graph in used),
        scope.stack,
        frozen(values),
        tuple((setting, frozen(value)) for setting, value in settings.items()),
    )
    found = _bodies.get(key)
    if found is None:
        inner = Scope(block, scope.blocks, settings, (*scope.stack, name), memory=scope.memory)
        # The graphs are kept beside the report, so that no other one can get their id.
        found = _bodies.put(key, (used, run(inner, values)))
    return found[1]


def _blocks_used(name: str, blocks: Mapping[str, Graph]) -> tuple[Graph, ...]:
    """A block and every block it calls, directly or not."""
    found: dict[str, Graph] = {}
    waiting = [name]
    while waiting:
        name = waiting.pop()
        if name not in found and name in blocks:
            found[name] = blocks[name]
            waiting += [o.uses for o in blocks[name].owners.values() if o.uses is not None]
    return tuple(found.values())


def _summed(
    owner: Owner,
    bodies: list[ShapeReport],
    inputs: dict[str, Value],
    settings: Mapping[str, Literals],
) -> NodeReport:
    whole = len(bodies) == owner.repeat
    owned = bodies[:1] if owner.shared else bodies
    return NodeReport(
        result=bodies[-1].result if whole else None,
        inputs=inputs,
        arguments={name: settings[name] for name in owner.arguments},
        parameters=sum(body.totals.parameters for body in owned),
        trainable=0 if owner.frozen else sum(body.totals.trainable for body in owned),
        buffers=sum(body.totals.buffers for body in owned),
        flops=sum(body.totals.flops for body in bodies),
        activation_bytes=sum(body.totals.activation_bytes for body in bodies),
        body=tuple(bodies),
    )


def _with_problems(scope: Scope, node: Node, report: NodeReport) -> NodeReport:
    """Lifts the problems of a block: each with its path, and the worst on the calling node."""
    lifted: list[Diagnostic] = []
    copies: list[int] = []
    for i, body in enumerate(report.body):
        new = [p for p in body.problems if not any(p.same_place(other) for other in lifted)]
        lifted, copies = [*lifted, *new], [*copies, *[i] * len(new)]
    if not lifted:
        return report
    worst = next((i for i, p in enumerate(lifted) if p.severity == "error"), 0)
    # What the first copy has they all have.
    where = f", in copy {copies[worst] + 1}" if copies[worst] else ""
    text = f"{scope.name(node)} has a problem inside{where}: {lifted[worst].message}"
    report = scope.note(node, report, Finding("in_block", text, severity=lifted[worst].severity))
    name = quote(scope.graph.label(node.id))
    for i, problem in zip(copies, lifted, strict=True):
        text = f"In copy {i + 1} of {name}: {problem.message}" if i else problem.message
        scope.problems.append(replace(problem, message=text).inside(node.id))
    return report


def _same_weights(one: ShapeReport, other: ShapeReport) -> bool:
    """Whether two passes through a block build the same layers."""
    if one is other:
        return True
    return all(
        report.arguments == other.nodes[node_id].arguments
        and all(map(_same_weights, report.body, other.nodes[node_id].body))
        for node_id, report in one.nodes.items()
        if report.result is not None and other.nodes[node_id].result is not None
    )
