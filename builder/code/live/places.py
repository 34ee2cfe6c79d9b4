"""Where the layers stand in a text that is shown, and which one stands in a line."""

from __future__ import annotations

from collections.abc import Mapping

from builder.code.live.flat import Flat, read_flat
from builder.code.live.following import Shown
from builder.code.live.pairing import pairs, same_in_order
from builder.code.write import write_with_lines
from builder.errors import CodeRefused
from builder.graph.model import Graph

Lines = Mapping[tuple[str, str], tuple[int, ...]]


def lines_of(shown: Shown) -> Lines:
    """(block or "", node) → the lines, from 1, that make or call it."""
    try:
        reading = shown.reading or read_flat(shown.text, shown.style, shown.graph)
    except CodeRefused:
        written = write_with_lines(shown.graph, shown.style).lines
        return {_key(name): lines for name, lines in written.items() if lines}
    found: dict[tuple[str, str], tuple[int, ...]] = {}
    for scope, graph, block in _scopes(shown.graph, reading):
        there = reading.graph.blocks[block] if block else reading.graph
        nameless = {o for at, o in reading.nameless if at == block}
        ids = same_in_order(there, graph) or pairs(there, graph, nameless)
        for read, mine in ids.items():
            place = reading.places.get((block, read), (block, read))
            lines = {n for p in reading.read.lines.get(place, ()) for n in range(p[0], p[2] + 1)}
            if lines:
                found[scope, mine] = tuple(sorted(lines))
    return found


def node_at_line(lines: Lines, line: int) -> tuple[str, str] | None:
    """The node that stands in a line: of several the one that stands in the fewest others."""
    here = [(len(at), key) for key, at in lines.items() if line in at]
    return min(here, key=lambda item: item[0])[1] if here else None


def _key(name: str) -> tuple[str, str]:
    scope, _, node = name.rpartition("/")
    return scope, node


def _scopes(graph: Graph, reading: Flat) -> list[tuple[str, Graph, str]]:
    both = [
        (name, block, name) for name, block in graph.blocks.items() if name in reading.graph.blocks
    ]
    return [("", graph, ""), *both]
