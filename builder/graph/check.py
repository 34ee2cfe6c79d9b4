"""`builder.check`: everything that is wrong with a network, with repairs that have been tried."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from builder.graph.diagnostics import Diagnostic
from builder.graph.model import Graph
from builder.graph.repairs import Repair, repairs_for
from builder.graph.report import ShapeReport
from builder.graph.shapes import infer_shapes


class Repairs(Mapping[Diagnostic, tuple[Repair, ...]]):
    """The repairs of each problem of a network, tried when they are first asked for.

    Trying takes some milliseconds for each problem, and a page shows only the first few.
    """

    def __init__(self, graph: Graph, problems: tuple[Diagnostic, ...]) -> None:
        self._graph, self._problems = graph, problems
        self._found: dict[Diagnostic, tuple[Repair, ...]] = {}

    def __getitem__(self, problem: Diagnostic) -> tuple[Repair, ...]:
        if problem not in self._problems:
            raise KeyError(problem)
        if problem not in self._found:
            self._found[problem] = repairs_for(self._graph, problem)
        return self._found[problem]

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(dict.fromkeys(self._problems))

    def __len__(self) -> int:
        return len(set(self._problems))


@dataclass(frozen=True, slots=True)
class Check:
    """Shapes, sizes and problems of a network, and the repairs of each problem."""

    report: ShapeReport
    repairs: Mapping[Diagnostic, tuple[Repair, ...]]

    @property
    def ok(self) -> bool:
        """Whether the network runs as it stands."""
        return self.report.ok


def check(graph: Graph) -> Check:
    """Infers shapes; repairs are tried when they are read. Never raises for a broken model."""
    report = infer_shapes(graph)
    return Check(report, Repairs(graph, report.problems))
