"""`builder.check`: everything that is wrong with a network, with repairs that have been tried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from builder.graph.diagnostics import Diagnostic
from builder.graph.model import Graph
from builder.graph.repairs import Repair, repairs_for
from builder.graph.report import ShapeReport
from builder.graph.shapes import infer_shapes

MOST_REPAIRED = 20
"""Problems for which repairs are tried; the first ones matter, later ones often vanish with them."""


@dataclass(frozen=True, slots=True)
class Check:
    """Shapes, sizes and problems of a network, and for each of the first problems its repairs."""

    report: ShapeReport
    repairs: Mapping[Diagnostic, tuple[Repair, ...]]

    @property
    def ok(self) -> bool:
        """Whether the network runs as it stands."""
        return self.report.ok


def check(graph: Graph) -> Check:
    """Infers shapes and tries repairs. Never raises for a broken model."""
    report = infer_shapes(graph)
    repairs = {p: repairs_for(graph, p) for p in report.problems[:MOST_REPAIRED]}
    return Check(report, repairs)
