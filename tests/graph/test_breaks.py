"""Every gallery network, broken in every way that people break one: found where it is, and mended.

Counted over all: at least 95 of 100 breaks are mended by at most three offered repairs, at least 90 by
the first one offered. Bypassing the layer that complains counts as no repair.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from builder.gallery import designs, project
from builder.graph.diagnostics import Diagnostic
from builder.graph.edits import apply
from builder.graph.model import Graph
from builder.graph.repairs import Repair, repairs_for
from builder.graph.shapes import infer_shapes
from tests.graph.breakers import WAYS, Broken, breaks

MOST_CLICKS = 3
TRIED_NEXT = 3  # of the repairs offered, the ones a person looks at before clicking


@dataclass(frozen=True)
class Outcome:
    """`at`: where the first problem was found, None where nothing was. `clicks`: None if not mended."""

    design: str
    broken: Broken
    at: tuple[str, str] | None
    clicks: int | None
    first_mends: bool

    def __str__(self) -> str:
        return f"{self.design}, {self.broken.way}, {self.broken.name}"


@pytest.fixture(scope="module")
def outcomes() -> Sequence[Outcome]:
    """Every design broken in every way: about 750 networks, some twenty seconds."""
    return [_outcome(key, broken) for key in designs() for broken in breaks(project(key).graph)]


def _outcome(design: str, broken: Broken) -> Outcome:
    problem = _first_problem(broken.graph)
    if problem is None:
        return Outcome(design, broken, None, 0, False)
    repairs = _offered(broken.graph, problem)
    first = bool(repairs) and not infer_shapes(apply(broken.graph, repairs[0].edit)).problems
    clicks = 1 if first else _clicks(broken.graph, MOST_CLICKS)
    return Outcome(design, broken, (_block_of(broken.graph, problem), problem.node), clicks, first)


def _first_problem(graph: Graph) -> Diagnostic | None:
    """The first error, else the first warning: what the page shows first."""
    problems = [p for p in infer_shapes(graph).problems if p.kind != "in_block"]
    return min(problems, key=lambda p: p.severity != "error", default=None)


def _offered(graph: Graph, problem: Diagnostic) -> list[Repair]:
    """The repairs of a problem, but for the last resort."""
    found = repairs_for(graph, problem)
    return [r for r in found if not r.label.startswith("Bypass") or "so that" in r.label]


def _clicks(graph: Graph, most: int) -> int | None:
    problem = _first_problem(graph)
    if problem is None or most == 0:
        return 0 if problem is None else None
    after = [apply(graph, repair.edit) for repair in _offered(graph, problem)[:TRIED_NEXT]]
    found = [clicks for one in after if (clicks := _clicks(one, most - 1)) is not None]
    return min(found) + 1 if found else None


def _block_of(graph: Graph, problem: Diagnostic) -> str:
    """The name of the block in which a problem's node stands, "" for the root."""
    here, name = graph, ""
    for caller in problem.scope:
        owner = here.owner_of(here.nodes[caller])
        name = (owner.block or "") if owner else ""
        here = graph.blocks[name]
    return name


@pytest.mark.parametrize("key", list(designs()))
def test_no_design_is_broken_as_it_is(key: str) -> None:
    assert infer_shapes(project(key).graph).problems == ()


def test_every_way_breaks_some_networks(outcomes: Sequence[Outcome]) -> None:
    ways = Counter(o.broken.way for o in outcomes)
    assert set(ways) == set(WAYS)
    assert min(ways.values()) >= 5
    assert len(outcomes) >= 700
    assert {o.design for o in outcomes} == set(designs())


def test_every_break_is_found_at_its_layer(outcomes: Sequence[Outcome]) -> None:
    missed = [str(o) for o in outcomes if o.at is None]
    elsewhere = [
        f"{o}: at {o.at}" for o in outcomes if o.at is not None and o.at not in o.broken.at
    ]
    assert (missed, elsewhere) == ([], [])


def test_nearly_every_break_is_mended_in_three_clicks(outcomes: Sequence[Outcome]) -> None:
    open_ = [str(o) for o in outcomes if o.clicks is None]
    assert len(open_) <= 0.05 * len(outcomes), open_


def test_nearly_every_break_is_mended_by_the_first_repair(outcomes: Sequence[Outcome]) -> None:
    more = [str(o) for o in outcomes if not o.first_mends]
    assert len(more) <= 0.10 * len(outcomes), more
    for way in WAYS:
        of_way = [o for o in outcomes if o.broken.way == way]
        assert sum(o.first_mends for o in of_way) >= 0.9 * len(of_way), way
