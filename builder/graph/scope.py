"""One pass over the nodes of a graph or a block: what is known so far, and what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from builder.catalogue.entry import Entry
from builder.errors import quote
from builder.graph import capacity
from builder.graph.diagnostics import Diagnostic, Finding
from builder.graph.model import Argument, Graph, Literals, Node, Ref, Value, format_value
from builder.graph.report import NodeReport
from builder.graph.size import machine_memory, training_bytes
from builder.graph.symbols import CannotEvaluate, Evaluated, evaluate
from builder.graph.wiring import in_words, missing_words, name_of

_ATTENTION = "torch.nn.MultiheadAttention"


@dataclass
class Scope:
    """The state of a pass. `blocks`: of the whole network; `stack`: the blocks this one runs inside.

    `reports` grows node by node. `built`: for each owner its name and the report of its first call,
    whose weights later calls share. `later`: of owners whose weights are read before they run, as an
    earlier pass found them.
    """

    graph: Graph
    blocks: Mapping[str, Graph]
    settings: Mapping[str, Literals]
    stack: tuple[str, ...] = ()
    reports: dict[str, NodeReport] = field(default_factory=dict)
    problems: list[Diagnostic] = field(default_factory=list)
    built: dict[str, tuple[str, NodeReport]] = field(default_factory=dict)
    later: Mapping[str, NodeReport] = field(default_factory=dict)
    memory: int = field(default_factory=machine_memory)

    def name(self, node: Node) -> str:
        """Linear “head”: how a sentence about a node begins."""
        return name_of(self.graph, node)

    # Problems -------------------------------------------------------------------------------------

    def note(self, node: Node, report: NodeReport, finding: Finding) -> NodeReport:
        """Puts a problem at a node. The first error stays what the node shows."""
        problem = finding.at(node.id)
        self.problems.append(problem)
        return report.showing(problem)

    def refuse(self, node: Node, reason: CannotEvaluate) -> NodeReport:
        """The report of a node that cannot be worked out; silent when an earlier one is at fault."""
        if reason.waiting:
            return NodeReport()
        text = f"{self.name(node)} {in_words(reason)}"
        return self.note(
            node, NodeReport(), Finding(reason.kind, text, reason.port, reason.parameter)
        )

    def sized(self, node: Node, report: NodeReport) -> NodeReport:
        """Refuses what this machine cannot hold: four copies of the weights, or one result."""
        needed = training_bytes(report.trainable, report.parameters - report.trainable)
        if max(needed, report.activation_bytes) <= self.memory:
            return report
        finding = capacity.too_large(self.graph, node, report, needed, self.memory)
        return self.note(node, report, finding)

    # Arguments and references ---------------------------------------------------------------------

    def evaluate(self, argument: Argument) -> Evaluated:
        """An argument's value as it stands; raises CannotEvaluate."""
        return evaluate(argument, self.value_of, self.settings)

    def evaluate_of(
        self,
        entry: Entry,
        name: str,
        argument: Argument,
        value_of: Callable[[Ref], Value] | None = None,
    ) -> Evaluated:
        """The same for a named argument: a mistake in it knows which argument it is in."""
        try:
            return evaluate(argument, value_of or self.value_of, self.settings)
        except CannotEvaluate as reason:
            if entry.port(name) is not None:
                reason.port = reason.port or name
            else:
                reason.parameter = reason.parameter or name
            raise

    def wired(self, node: Node, port: str) -> Evaluated:
        """What arrives at a port of an output, a branch or a block; raises when it reads nothing."""
        if node.arguments.get(port) is None:
            raise CannotEvaluate("not_wired", missing_words(node, port), port=port)
        try:
            return self.evaluate(node.arguments[port])
        except CannotEvaluate as reason:
            reason.port = reason.port or port
            raise

    def value_of(self, ref: Ref) -> Value:
        """The value a reference stands for, past bypassed nodes and into parts of a tuple."""
        node = self.graph.nodes.get(ref.node)
        if node is not None and node.bypassed and node.kind != "input":
            ref = self.graph.resolve(ref)
        report = self.reports.get(ref.node)
        if report is None:
            if ref.node not in self.graph.nodes:
                raise CannotEvaluate("unknown_source", "reads a layer that is not there any more.")
            name = quote(self.graph.label(ref.node))
            raise CannotEvaluate("order", f"reads {name}, which runs after it. Move one of them.")
        value = report.result
        if value is None:
            raise CannotEvaluate("waiting", waiting=True)
        for index in ref.path:
            value = self._part(ref, value, index)
        return value

    def _part(self, ref: Ref, value: Value, index: int) -> Value:
        label = quote(self.graph.label(ref.node))
        if not isinstance(value, tuple):
            text = f"takes a part of {label}, which gives one tensor, {format_value(value)}."
            raise CannotEvaluate("no_part", text)
        if not isinstance(index, int) or not 0 <= index < len(value):
            text = f"takes part {index} of {label}, which gives {len(value)} parts."
            raise CannotEvaluate("no_part", text)
        owner = self.graph.owner_of(self.graph.nodes[ref.node])
        if value[index] == () and owner is not None and owner.target == _ATTENTION:
            text = (
                f"reads the weights of {label}, but there are no weights: its need_weights is False. "
                f"Set need_weights of {label} to True."
            )
            raise CannotEvaluate("no_weights", text)
        return value[index]
