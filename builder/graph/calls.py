"""The call of one layer or operation inside a pass: what it takes, what torch says, in which words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from builder import catalogue
from builder.catalogue.entry import Entry
from builder.errors import NotFound, quote
from builder.graph import checks, opaque
from builder.graph.call import Call, is_value
from builder.graph.diagnostics import Finding
from builder.graph.model import Node, Owner, Training, iter_refs
from builder.graph.norms import computed_report
from builder.graph.outcome import Outcome, activation_bytes, judge
from builder.graph.report import NodeReport
from builder.graph.scope import Scope
from builder.graph.symbols import CannotEvaluate, Evaluated
from builder.graph.wiring import no_references, origin_of, source_of

Given = Mapping[str, Evaluated]


def run_operation(scope: Scope, node: Node) -> NodeReport:
    """The report of an operation's node; raises CannotEvaluate where it cannot be called at all."""
    entry = entry_of(node.target)
    if entry.kind != "operation":
        raise CannotEvaluate("unknown_target", f"calls {entry.key}, which is a layer.")
    inputs, literals = _given(scope, node, entry)
    return _judged(scope, node, entry, {}, inputs, literals)


def run_layer(scope: Scope, node: Node, owner: Owner) -> NodeReport:
    """The report of a layer's node. A second call is held to the weights of the first."""
    entry = entry_of(owner.target)
    if entry.kind != "layer":
        raise CannotEvaluate("unknown_target", f"calls {entry.key}, which has no weights.")
    chosen = {
        name: scope.evaluate_of(entry, name, value, no_references)
        for name, value in owner.arguments.items()
    }
    for name in chosen:
        if entry.parameter(name) is None:
            text = f"has an argument {quote(name)}, which {entry.name} does not take."
            raise CannotEvaluate("unknown_argument", text)
    inputs, literals = _given(scope, node, entry)
    first = scope.built.get(owner.id)
    if first is None:
        report = _judged(scope, node, entry, chosen, inputs, literals, is_frozen=owner.frozen)
        report = computed_report(scope, node, owner, report)
        if report.result is not None or report.parameters:
            scope.built[owner.id] = (owner.name, report)
        return report
    name, before = first
    chosen = {**before.arguments, **chosen}  # type: ignore[dict-item]
    report = _judged(scope, node, entry, chosen, inputs, literals, name, owner.frozen)
    report = computed_report(scope, node, owner, report)
    return replace(report, inferred=before.inferred)


def run_opaque(scope: Scope, node: Node, owner: Owner) -> NodeReport:
    """The report of a layer of a person's own code: what they say that it gives."""
    inputs: dict[str, Evaluated] = {}
    for name, argument in node.arguments.items():
        value = scope.evaluate(argument)
        if is_value(value):
            inputs[name] = value
    if not inputs:
        raise CannotEvaluate("not_wired", "has no input yet. Choose which layer it reads.")
    result = opaque.given(owner)
    report = NodeReport(result=result, inputs=inputs, flops=None)  # type: ignore[arg-type]
    if result is not None:
        return replace(report, activation_bytes=activation_bytes(result))
    text = (
        f"{scope.name(node)} is code of your own, which is read and not run, so nobody knows what it "
        "gives. Say its shape, such as N×64."
    )
    return scope.note(node, report, Finding("opaque_gives", text, parameter="gives"))


def entry_of(key: str) -> Entry:
    """The catalogue's entry; raises CannotEvaluate for a key it does not have."""
    try:
        return catalogue.get(key)
    except NotFound as error:
        raise CannotEvaluate("unknown_target", f"calls {quote(key)}. {error}") from None


def _given(
    scope: Scope, node: Node, entry: Entry
) -> tuple[dict[str, Evaluated], dict[str, Evaluated]]:
    """The inputs by port and the literal arguments of a call."""
    inputs: dict[str, Evaluated] = {}
    literals: dict[str, Evaluated] = {}
    for name, argument in node.arguments.items():
        port = entry.port(name)
        parameter = entry.parameter(name)
        if parameter is not None and parameter.type == "bool" and argument == Training():
            literals[name] = True  # as while training: that is when a network has to run
        elif port is None:
            literals[name] = scope.evaluate_of(entry, name, argument)
            if not any(p.name == name for p in entry.call_parameters):
                text = f"is given {quote(name)}, which {entry.name} does not take."
                raise CannotEvaluate("unknown_argument", text)
        elif argument is not None and argument != ():
            value = scope.evaluate_of(entry, name, argument)
            number = port.number and isinstance(value, int | float)
            if not number and not is_value(value):
                text = f"has no tensor at “{name}”. Choose which layer it reads."
                raise CannotEvaluate("not_wired", text, port=name)
            inputs[name] = value
    for port in entry.ports:
        if not port.optional and port.name not in inputs:
            text = (
                "has no input yet. Choose which layer it reads."
                if port.name == entry.ports[0].name
                else f"has nothing at “{port.name}” yet. Choose which layer it reads there."
            )
            raise CannotEvaluate("not_wired", text, port=port.name)
    return inputs, literals


def _judged(
    scope: Scope,
    node: Node,
    entry: Entry,
    chosen: Given,
    inputs: Given,
    literals: Given,
    partner: str = "",
    is_frozen: bool = False,
) -> NodeReport:
    outcome = judge(entry, chosen, inputs, literals)
    weights = outcome.weights
    report = NodeReport(
        outcome.result,
        inputs,  # type: ignore[arg-type]
        outcome.arguments,  # type: ignore[arg-type]
        outcome.inferred,
        weights.parameters,
        0 if is_frozen else weights.parameters,
        weights.buffers,
        outcome.flops,
        outcome.activation_bytes,
    )
    if outcome.flawed or outcome.refusal or checks.depends_on_origin(entry, inputs):
        finding = _finding(scope, node, entry, outcome, inputs, literals, partner)
        if finding is not None:
            report = scope.note(node, report, finding)
    return scope.sized(node, report)


def _finding(
    scope: Scope,
    node: Node,
    entry: Entry,
    outcome: Outcome,
    inputs: Given,
    literals: Given,
    partner: str,
) -> Finding | None:
    """Words for what was found at a call, with the names as they are now."""
    call = Call(
        entry,
        scope.graph.label(node.id),
        outcome.arguments,
        outcome.inferred,
        inputs,
        literals,
        source_of(scope.graph, node, scope.reports),
        partner,
    )
    if outcome.flawed:
        found = checks.find(call)
        return checks.refused(call, found, outcome.refusal) if found and outcome.refusal else found
    if outcome.refusal:
        return checks.explain(call, outcome.refusal)

    def origin(port: str) -> Node | None:
        ref = next(iter_refs(node.arguments.get(port)), None)
        return origin_of(scope.graph, ref, scope.reports)

    return checks.find_by_origin(call, scope.graph, origin)
