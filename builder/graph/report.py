"""What is known about a graph once its shapes are worked out: plain values, nothing to compute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from builder.graph.diagnostics import Diagnostic
from builder.graph.model import Argument, Value


@dataclass(frozen=True, slots=True)
class NodeReport:
    """What one node takes and gives.

    `result`: its value, None where it cannot be known yet. `inputs`: what arrives, by port; a tuple
    for a port that takes many. `arguments`: every constructor argument as it is written in code, set
    or inferred (left-out defaults stay out); `inferred` names those that were worked out.
    `parameters`, `trainable`, `buffers`: counts of numbers. `flops`: per sample in one forward pass,
    2 for each multiply-add of matrix products, convolutions and attention (as torch's FlopCounterMode
    counts them) and of Bilinear (of which it counts none); sums, activations, poolings and norms count
    nothing; None where unknown. `activation_bytes`: of its result, per sample;
    of a layer made of others (transformers, attention, recurrent) of every result inside it, which is
    about what training keeps for the backward pass.
    `problem`: the first error, else the first warning. `body`: for a block, one report for each
    repetition.
    """

    result: Value | None = None
    inputs: Mapping[str, Value] = field(default_factory=dict)
    arguments: Mapping[str, Argument] = field(default_factory=dict)
    inferred: frozenset[str] = frozenset()
    parameters: int = 0
    trainable: int = 0
    buffers: int = 0
    flops: int | None = None
    activation_bytes: int = 0
    problem: Diagnostic | None = None
    body: tuple[ShapeReport, ...] = ()

    def showing(self, problem: Diagnostic) -> NodeReport:
        """The report with one problem more: a node shows its first error, else its first warning."""
        shown = self.problem
        if shown is None or (shown.severity == "warning" and problem.severity == "error"):
            return replace(self, problem=problem)
        return self


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over a graph; weights that several nodes share count once.

    `parameters` = `trainable` + `frozen`; `buffers`: numbers kept but not learned. `flops` and
    `activation_bytes`: per sample. `memory_bytes`: what training takes with a batch of one: weight,
    gradient and Adam's two moments for each trainable number, the weight alone for a frozen one,
    and the activations. Of a branch the side with more FLOPs counts; `flops_unknown`: how many calls
    count none because theirs are not known; `parameters_unknown`: so of layers and their weights.
    """

    parameters: int = 0
    trainable: int = 0
    frozen: int = 0
    buffers: int = 0
    flops: int = 0
    activation_bytes: int = 0
    memory_bytes: int = 0
    flops_unknown: int = 0
    parameters_unknown: int = 0


@dataclass(frozen=True, slots=True)
class ShapeReport:
    """Every node's report, the sums, and all problems in running order, also those inside blocks.

    `owned`: by id the owners that no node calls: raw tensors, and layers that are only kept or read.
    """

    nodes: Mapping[str, NodeReport]
    totals: Totals = field(default_factory=Totals)
    problems: tuple[Diagnostic, ...] = ()
    result: Value | None = None
    owned: Mapping[str, NodeReport] = field(default_factory=dict)

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The problems that stop the network from running."""
        return tuple(p for p in self.problems if p.severity == "error")

    @property
    def ok(self) -> bool:
        """Whether the network runs as it stands."""
        return not self.errors
