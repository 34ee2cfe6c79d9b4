"""Works out every value's shape, every layer's size and every problem of a graph.

Torch's meta device is the judge. Each call is remembered (`builder.graph.outcome`), so after an edit
only what really changed is asked again; a block is remembered as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from builder import catalogue
from builder.catalogue.entry import Entry
from builder.errors import NotFound, quote
from builder.graph import checks, wiring
from builder.graph.call import Call, is_value
from builder.graph.diagnostics import Diagnostic, Finding
from builder.graph.model import (
    Argument,
    Compare,
    Graph,
    Literals,
    Node,
    Owner,
    Ref,
    Setting,
    TensorSpec,
    Training,
    Value,
    format_value,
    iter_refs,
)
from builder.graph.outcome import Outcome, judge
from builder.graph.remember import Remembered
from builder.graph.report import NodeReport, ShapeReport
from builder.graph.size import machine_memory, training_bytes
from builder.graph.symbols import CannotEvaluate, Evaluated, evaluate, frozen
from builder.graph.totals import add_up

MOST_REPEATS = 1000
_blocks: Remembered[tuple[object, ShapeReport]] = Remembered(512)


def infer_shapes(graph: Graph) -> ShapeReport:
    """Works out every value's shape by running the layers on the meta device.

    Returns: a report for each node: shapes with the batch as N, parameters and FLOPs as counts,
             activations in bytes per sample.
    Errors:  never raises for a broken model: each problem is a Diagnostic at its node.
    Source:  docs.pytorch.org, "Meta device".
    """
    report = _Scope(graph, graph.blocks).run(graph.settings)
    too_large = wiring.model_too_large(graph, report)
    if too_large is None:
        return report
    return replace(report, problems=(*report.problems, too_large))


class _Scope:
    """One pass over the nodes of a graph or of a block."""

    def __init__(
        self, graph: Graph, blocks: Mapping[str, Graph], stack: tuple[str, ...] = ()
    ) -> None:
        self.graph, self.blocks, self.stack = graph, blocks, stack
        self.reports: dict[str, NodeReport] = {}
        self.problems: list[Diagnostic] = []
        self.settings: Mapping[str, Literals] = {}
        # What the first call of an owner was built with: the later ones share those weights.
        self.built: dict[str, tuple[str, NodeReport]] = {}

    def run(
        self, settings: Mapping[str, Literals], given: tuple[Value, ...] | None = None
    ) -> ShapeReport:
        self.settings = settings
        fed = iter(given) if given is not None else None
        for node in self.graph.nodes.values():
            if node.kind == "input" and fed is not None:
                self.reports[node.id] = NodeReport(result=next(fed, None))
            else:
                self.reports[node.id] = self.node(node)
        self.problems.extend(wiring.loose_ends(self.graph, self.reports, root=given is None))
        self.problems.sort(key=self.place)
        return ShapeReport(
            self.reports,
            add_up(self.graph, self.reports),
            tuple(self.problems),
            wiring.result_of(self.graph, self.reports),
        )

    def place(self, problem: Diagnostic) -> int:
        if not hasattr(self, "_order"):
            self._order = {node_id: i for i, node_id in enumerate(self.graph.nodes)}
        node = problem.scope[0] if problem.scope else problem.node
        return self._order.get(node, len(self._order))

    # One node -----------------------------------------------------------------------------------

    def node(self, node: Node) -> NodeReport:
        try:
            if node.kind == "input":
                return NodeReport(result=wiring.checked_spec(node))
            if node.bypassed and node.kind != "output":
                return NodeReport(result=self.value_of(wiring.passed_through(node)))
            if node.kind == "output":
                return self.output(node)
            if node.kind == "branch":
                return self.branch(node)
            if node.kind == "operation":
                return self.operation(node)
            if node.kind == "layer":
                return self.layer(node)
            raise CannotEvaluate("unknown_kind", f"{node.kind!r} is no kind of node.")
        except CannotEvaluate as reason:
            return self.refused(node, reason)

    def refused(self, node: Node, reason: CannotEvaluate) -> NodeReport:
        if reason.waiting:  # the mistake is an earlier node's
            return NodeReport()
        who = wiring.name_of(self.graph, node)
        return self.note(
            node,
            NodeReport(),
            Finding(reason.kind, f"{who} {wiring.in_words(reason)}", reason.port),
        )

    def note(self, node: Node, report: NodeReport, finding: Finding) -> NodeReport:
        """Puts a problem at a node. The first error stays what the node shows."""
        problem = finding.at(node.id)
        self.problems.append(problem)
        shown = report.problem
        if shown is None or (shown.severity == "warning" and problem.severity == "error"):
            report = replace(report, problem=problem)
        return report

    def output(self, node: Node) -> NodeReport:
        value = self.evaluate(node, "value")
        if not is_value(value):
            raise CannotEvaluate(
                "not_wired", "shows no value yet. Choose what it gives.", port="value"
            )
        report = NodeReport(result=value, inputs={"value": value})  # type: ignore[arg-type,dict-item]
        finding = wiring.batch_lost(self.graph, node, self.reports, value)
        return self.note(node, report, finding) if finding else report

    def branch(self, node: Node) -> NodeReport:
        self.check_condition(node.arguments.get("condition"))
        sides = {side: self.evaluate(node, side) for side in ("if_true", "if_false")}
        yes, no = sides["if_true"], sides["if_false"]
        report = NodeReport(result=yes, inputs=sides)  # type: ignore[arg-type]
        if yes == no:
            return report
        text = (
            f"gives {format_value(yes)} when its condition holds and {format_value(no)} when not."  # type: ignore[arg-type]
            " Both sides must have the same shape and dtype."
        )
        finding = Finding("branch_shapes", f"{wiring.name_of(self.graph, node)} {text}", "if_false")
        return self.note(node, replace(report, result=None), finding)

    def check_condition(self, condition: Argument) -> None:
        match condition:
            case Training():
                return
            case Setting(name=name) if name in self.settings:
                return
            case Setting(name=name):
                raise CannotEvaluate("unknown_setting", name)
            case Compare(left=left, right=right):
                for side in (left, right):
                    value = evaluate(side, self.value_of, self.settings)
                    scalar = isinstance(value, int | float) or (
                        isinstance(value, TensorSpec) and all(size == 1 for size in value.shape)
                    )
                    if not scalar:
                        raise CannotEvaluate(
                            "branch_condition",
                            f"compares {wiring.in_brackets(value)}, which is not one number. Reduce it "
                            "to a scalar first, for example with mean over all dimensions.",
                            port="condition",
                        )
            case _:
                raise CannotEvaluate(
                    "branch_condition",
                    "has no condition yet. Choose training mode, a setting, or a comparison.",
                    port="condition",
                )

    def operation(self, node: Node) -> NodeReport:
        entry = self.entry(node.target)
        if entry.kind != "operation":
            raise CannotEvaluate("unknown_target", f"calls {entry.key}, which is a layer.")
        inputs, literals = self.given(node, entry)
        return self.judged(node, entry, {}, inputs, literals)

    def layer(self, node: Node) -> NodeReport:
        owner = self.graph.owners.get(node.target)
        if owner is None:
            raise CannotEvaluate("unknown_target", "calls a layer that is not in this network.")
        if owner.block is not None:
            return self.block(node, owner, owner.block)
        entry = self.entry(owner.target)
        if entry.kind != "layer":
            raise CannotEvaluate("unknown_target", f"calls {entry.key}, which has no weights.")
        chosen = {
            name: evaluate(value, wiring.no_references, self.settings)
            for name, value in owner.arguments.items()
        }
        stray = next((name for name in chosen if entry.parameter(name) is None), None)
        if stray is not None:
            raise CannotEvaluate(
                "unknown_argument",
                f"has an argument {quote(stray)}, which {entry.name} does not take.",
            )
        inputs, literals = self.given(node, entry)
        first = self.built.get(owner.id)
        partner = ""
        if first is not None:
            partner, report = first
            chosen = {**report.arguments, **chosen}  # type: ignore[dict-item]
        report = self.judged(node, entry, chosen, inputs, literals, partner, owner.frozen)
        if first is None and (report.result is not None or report.parameters):
            self.built[owner.id] = (owner.name, report)
        elif first is not None:
            report = replace(report, inferred=first[1].inferred)
        return report

    # What a call takes --------------------------------------------------------------------------

    def entry(self, key: str) -> Entry:
        try:
            return catalogue.get(key)
        except NotFound as error:
            raise CannotEvaluate("unknown_target", f"calls {quote(key)}. {error}") from None

    def given(self, node: Node, entry: Entry) -> tuple[dict[str, Evaluated], dict[str, Evaluated]]:
        """The inputs by port and the literal arguments of a call."""
        inputs: dict[str, Evaluated] = {}
        literals: dict[str, Evaluated] = {}
        for name, argument in node.arguments.items():
            port = entry.port(name)
            if port is None:
                literals[name] = evaluate(argument, self.value_of, self.settings)
                if not any(p.name == name for p in entry.call_parameters):
                    raise CannotEvaluate(
                        "unknown_argument",
                        f"is given {quote(name)}, which {entry.name} does not take.",
                    )
            elif argument is not None and argument != ():
                value = evaluate(argument, self.value_of, self.settings)
                number = port.number and isinstance(value, int | float)
                if not number and not is_value(value):
                    raise CannotEvaluate(
                        "not_wired",
                        f"has no tensor at “{name}”. Choose which layer it reads.",
                        port=name,
                    )
                inputs[name] = value
        missing = next((p for p in entry.ports if not p.optional and p.name not in inputs), None)
        if missing is not None:
            raise CannotEvaluate(
                "not_wired",
                "has no input yet. Choose which layer it reads."
                if missing.name == entry.ports[0].name
                else f"has nothing at “{missing.name}” yet. Choose which layer it reads there.",
                port=missing.name,
            )
        return inputs, literals

    def judged(
        self,
        node: Node,
        entry: Entry,
        chosen: Mapping[str, Evaluated],
        inputs: Mapping[str, Evaluated],
        literals: Mapping[str, Evaluated],
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
        finding = self.finding(node, entry, outcome, inputs, literals, partner)
        if finding is not None:
            report = self.note(node, report, finding)
        return self.sized(node, report)

    def finding(
        self,
        node: Node,
        entry: Entry,
        outcome: Outcome,
        inputs: Mapping[str, Evaluated],
        literals: Mapping[str, Evaluated],
        partner: str,
    ) -> Finding | None:
        """Words for what was found at a call, with the names as they are now."""
        doubtful = not outcome.flawed and checks.depends_on_origin(entry, inputs)
        if not (outcome.flawed or outcome.refusal or doubtful):
            return None
        call = Call(
            entry,
            self.graph.label(node.id),
            outcome.arguments,
            outcome.inferred,
            inputs,
            literals,
            wiring.source_of(self.graph, node, self.reports),
            partner,
        )
        if outcome.flawed:
            return checks.find(call)
        if outcome.refusal:
            return checks.explain(call, outcome.refusal)
        first = next(iter_refs(node.arguments.get(entry.ports[0].name)), None)
        origin = wiring.origin_of(self.graph, first, self.reports)
        return checks.find_by_origin(call, self.graph, origin)

    def sized(self, node: Node, report: NodeReport) -> NodeReport:
        """Refuses what this machine cannot hold: four copies of the weights, or one result."""
        needed = training_bytes(report.trainable, report.parameters - report.trainable)
        memory = machine_memory()
        if max(needed, report.activation_bytes) <= memory:
            return report
        return self.note(node, report, wiring.too_large(self.graph, node, report, needed, memory))

    # Blocks -------------------------------------------------------------------------------------

    def block(self, node: Node, owner: Owner, name: str) -> NodeReport:
        block = self.blocks.get(name)
        if block is None:
            raise CannotEvaluate(
                "unknown_target", f"calls block {quote(name)}, which does not exist."
            )
        if name in self.stack:
            raise CannotEvaluate(
                "recursion", f"calls block {quote(name)}, in which it stands itself."
            )
        if not isinstance(owner.repeat, int) or not 1 <= owner.repeat <= MOST_REPEATS:
            raise CannotEvaluate(
                "repeat", f"is repeated {owner.repeat} times. Repeat it 1 to {MOST_REPEATS} times."
            )
        settings = self.block_settings(owner, name, block)
        values = self.block_inputs(node, block)
        inputs = {port.name or port.id: v for port, v in zip(block.inputs, values, strict=True)}
        bodies: list[ShapeReport] = []
        for _ in range(owner.repeat):
            body = self.body(name, block, values, settings)
            bodies.append(body)
            if body.result is None:
                break
            results: tuple[Value, ...] = (body.result,)
            if len(block.outputs) > 1 and isinstance(body.result, tuple):
                results = body.result
            if len(bodies) < owner.repeat and len(results) > len(values):
                raise CannotEvaluate(
                    "repeat",
                    f"gives {len(results)} values but takes {len(values)}, so it cannot be repeated.",
                )
            values = (*results, *values[len(results) :])
        whole = len(bodies) == owner.repeat and bodies[-1].result is not None
        owned = bodies[:1] if owner.shared else bodies
        parameters = sum(body.totals.parameters for body in owned)
        report = NodeReport(
            result=bodies[-1].result if whole else None,
            inputs=inputs,
            arguments={n: settings[n] for n in owner.arguments if n in settings},
            parameters=parameters,
            trainable=0 if owner.frozen else sum(body.totals.trainable for body in owned),
            buffers=sum(body.totals.buffers for body in owned),
            flops=sum(body.totals.flops for body in bodies),
            activation_bytes=sum(body.totals.activation_bytes for body in bodies),
            body=tuple(bodies),
        )
        report = self.block_problems(node, name, report)
        first = self.built.setdefault(owner.id, (owner.name, report))[1].body
        expected = first[:1] * len(bodies) if owner.shared else first
        if not all(
            wiring.same_weights(one, other) for one, other in zip(expected, bodies, strict=False)
        ):
            text = "shares its weights, but its inputs would need weights of other sizes."
            finding = Finding("shared_block", f"{wiring.name_of(self.graph, node)} {text}")
            return self.note(node, replace(report, result=None), finding)
        return self.sized(node, report)

    def body(
        self,
        name: str,
        block: Graph,
        values: tuple[Value, ...],
        settings: Mapping[str, Literals],
    ) -> ShapeReport:
        used = wiring.blocks_used(name, self.blocks)
        key = (
            tuple(id(graph) for graph in used),
            self.stack,
            frozen(values),
            tuple((n, frozen(v)) for n, v in settings.items()),
        )
        found = _blocks.get(key)
        if found is None:
            scope = _Scope(block, self.blocks, (*self.stack, name))
            # The graphs are kept beside the report, so that no other one can get their id.
            found = _blocks.put(key, (used, scope.run(settings, values)))
        return found[1]

    def block_settings(self, owner: Owner, name: str, block: Graph) -> dict[str, Literals]:
        settings = dict(block.settings)
        for setting, argument in owner.arguments.items():
            if setting not in settings:
                raise CannotEvaluate(
                    "unknown_argument",
                    f"sets {quote(setting)}, which block {quote(name)} does not have.",
                )
            settings[setting] = evaluate(argument, wiring.no_references, self.settings)  # type: ignore[assignment]
        return settings

    def block_inputs(self, node: Node, block: Graph) -> tuple[Value, ...]:
        values = []
        for port in block.inputs:
            given = port.name or port.id
            value = self.evaluate(node, given if given in node.arguments else port.id)
            if not is_value(value):
                raise CannotEvaluate(
                    "not_wired",
                    f"has nothing at “{given}” yet. Choose which layer it reads there.",
                    port=given,
                )
            values.append(value)
        known = {p.name or p.id for p in block.inputs} | {p.id for p in block.inputs}
        stray = next((name for name in node.arguments if name not in known), None)
        if stray is not None:
            raise CannotEvaluate(
                "unknown_argument", f"is given {quote(stray)}, which its block does not take."
            )
        return tuple(values)  # type: ignore[arg-type]

    def block_problems(self, node: Node, name: str, report: NodeReport) -> NodeReport:
        """Lifts the problems of a block: each with its path, and the first on the calling node."""
        seen = set()
        lifted = []
        for body in report.body:
            for problem in body.problems:
                if (problem.scope, problem.node, problem.kind) not in seen:
                    seen.add((problem.scope, problem.node, problem.kind))
                    lifted.append(problem)
        worst = next((p for p in lifted if p.severity == "error"), lifted[0] if lifted else None)
        if worst is not None:
            who = wiring.name_of(self.graph, node)
            finding = Finding(
                "in_block", f"{who} has a problem inside: {worst.message}", severity=worst.severity
            )
            report = self.note(node, report, finding)
        self.problems.extend(problem.inside(node.id) for problem in lifted)
        return report

    # References ---------------------------------------------------------------------------------

    def evaluate(self, node: Node, name: str) -> Evaluated:
        if node.arguments.get(name) is None:
            raise CannotEvaluate("not_wired", wiring.missing_words(node, name), port=name)
        return evaluate(node.arguments[name], self.value_of, self.settings)

    def value_of(self, ref: Ref) -> Value:
        """The value a reference stands for, past bypassed nodes and into parts of a tuple."""
        node = self.graph.nodes.get(ref.node)
        if node is None:
            raise CannotEvaluate("unknown_source", "reads a layer that does not exist any more.")
        if node.bypassed and node.kind != "input":
            ref = self.graph.resolve(ref)
        report = self.reports.get(ref.node)
        if report is None:
            if ref.node not in self.graph.nodes:
                raise CannotEvaluate(
                    "unknown_source", "reads a layer that does not exist any more."
                )
            name = quote(self.graph.label(ref.node))
            raise CannotEvaluate("order", f"reads {name}, which runs after it. Move one of them.")
        value = report.result
        if value is None:
            raise CannotEvaluate("waiting", waiting=True)
        for index in ref.path:
            if not isinstance(value, tuple):
                raise CannotEvaluate(
                    "no_part",
                    f"takes a part of {quote(self.graph.label(ref.node))}, which gives one tensor, "
                    f"{format_value(report.result)}.",
                )
            if not isinstance(index, int) or not 0 <= index < len(value):
                raise CannotEvaluate(
                    "no_part",
                    f"takes part {index} of {quote(self.graph.label(ref.node))}, which gives "
                    f"{len(value)} parts.",
                )
            value = value[index]
        return value
