"""A network at a glance, for its card: a small SVG of its layers in their families' colours.

From left to right as the values flow. A bar is as tall as much comes out of its layer (in powers of
two), wires that jump over layers are arcs above them, a block shows its insides as stripes. There
are no words in it, so nothing of a person's own text is either.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from builder import catalogue
from builder.catalogue.entry import Family
from builder.errors import NotFound
from builder.graph.model import Graph, Node, TensorSpec, Value, iter_refs
from builder.graph.report import NodeReport, ShapeReport
from builder.inspection import theme

WIDTH, HEIGHT = 300, 108
MOST_NODES: Final = 240  # more would be stripes thinner than a pixel
_SIDE, _TOP, _BOTTOM = 12, 20, 12  # margins; arcs need the room
_WIDEST: Final = 24.0  # pixels of a bar
_GAP: Final = 0.55  # between columns, in widths of a bar
_SHORTEST: Final = 0.3  # of the tallest bar
_MIDDLE: Final = _TOP + (HEIGHT - _TOP - _BOTTOM) / 2
_THIN: Final[frozenset[Family]] = frozenset({"activation", "normalization", "dropout", "shape"})
_STRIPES: Final = 8  # at most inside a block


@dataclass(frozen=True, slots=True)
class _Bar:
    """Where a node stands: its column, its centre and its size, in pixels."""

    column: int
    x: float
    y: float
    width: float
    height: float

    @property
    def top(self) -> float:
        return self.y - self.height / 2


def sketch(graph: Graph, dark: bool = False) -> str:
    """An SVG of `WIDTH` × `HEIGHT`, also of a network with problems; "" of one too long to draw."""
    from builder.graph.shapes import infer_shapes

    if not 0 < len(graph.nodes) <= MOST_NODES:
        return ""
    report = infer_shapes(graph)
    # Values flow from inputs to outputs: what is only a weight has no place on the way.
    flowing = {i: n for i, n in graph.nodes.items() if n.kind != "weight"}
    graph = graph if len(flowing) == len(graph.nodes) else replace(graph, nodes=flowing)
    bars = _places(graph, report)
    wires = "".join(_wires(graph, bars, theme.ink(dark).quiet))
    boxes = "".join(_box(graph, node, bars[node.id], dark) for node in graph.nodes.values())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}">{wires}{boxes}</svg>'
    )


# --- places ---------------------------------------------------------------------------------------


def _places(graph: Graph, report: ShapeReport) -> dict[str, _Bar]:
    columns = _columns(graph)
    by_column: dict[int, list[str]] = {}
    for name, column in columns.items():
        by_column.setdefault(column, []).append(name)
    weights = [max(_weight(graph, graph.nodes[n]) for n in by_column[c]) for c in sorted(by_column)]
    unit = min(_WIDEST, (WIDTH - 2 * _SIDE) / (sum(weights) + _GAP * max(len(weights) - 1, 1)))
    x = (WIDTH - unit * (sum(weights) + _GAP * (len(weights) - 1))) / 2
    shares = _shares(graph, report)
    room = HEIGHT - _TOP - _BOTTOM
    bars: dict[str, _Bar] = {}
    for column, weight in enumerate(weights):
        members = sorted(by_column[column], key=lambda n: _height_of_sources(graph, n, bars))
        lane = room / len(members)
        for place, name in enumerate(members):
            node = graph.nodes[name]
            tall = min(lane - 4, room) * shares.get(name, 0.6)
            wide = unit * _weight(graph, node)
            if node.kind in ("input", "output"):
                wide = tall = min(unit * 0.5, 8.0)
            y = _TOP + lane * (place + 0.5)
            bars[name] = _Bar(column, x + unit * weight / 2, y, wide, max(tall, 3.0))
        x += unit * (weight + _GAP)
    return bars


def _columns(graph: Graph) -> dict[str, int]:
    """How many steps lie before each node, without gaps in the numbers."""
    columns: dict[str, int] = {}
    for node in graph.nodes.values():
        before = [columns[source] for source in _sources(node) if source in columns]
        columns[node.id] = max(before, default=-1) + 1
    return columns


def _sources(node: Node) -> list[str]:
    return list(dict.fromkeys(r.node for a in node.arguments.values() for r in iter_refs(a)))


def _height_of_sources(graph: Graph, name: str, bars: dict[str, _Bar]) -> float:
    """Keeps a branch on the side it began on."""
    heights = [bars[source].y for source in _sources(graph.nodes[name]) if source in bars]
    return sum(heights) / len(heights) if heights else _MIDDLE


def _weight(graph: Graph, node: Node) -> float:
    """How wide a bar is among the others."""
    owner = graph.owner_of(node)
    if owner is not None and owner.block:
        return 2.6
    return 0.45 if node.kind != "branch" and _family(graph, node) in _THIN else 1.0


def _shares(graph: Graph, report: ShapeReport) -> dict[str, float]:
    """Of each node how tall its bar is, up to 1: what comes out of it, in powers of two."""
    sizes: dict[str, float] = {}
    for name in graph.nodes:
        spec = _first(report.nodes.get(name, NodeReport()).result)
        if spec is not None:
            numbers = [size for size in spec.shape if isinstance(size, int) and size > 0]
            sizes[name] = math.log2(math.prod(numbers) or 1)
    low, high = min(sizes.values(), default=0.0), max(sizes.values(), default=0.0)
    span = max(high - low, 3.0)
    return {
        name: _SHORTEST + (1 - _SHORTEST) * (1 - (high - size) / span)
        for name, size in sizes.items()
    }


def _first(value: Value | None) -> TensorSpec | None:
    while isinstance(value, tuple):
        value = value[0] if value else None
    return value


# --- drawing --------------------------------------------------------------------------------------


def _wires(graph: Graph, bars: dict[str, _Bar], colour: str) -> Iterator[str]:
    for node in graph.nodes.values():
        for source in _sources(node):
            if source not in bars or bars[source].column >= bars[node.id].column:
                continue
            tail, head = bars[source], bars[node.id]
            over = [bar for bar in bars.values() if tail.column < bar.column < head.column]
            crossed = [bar for bar in over if _crosses(tail, head, bar)]
            path = _arc(tail, head, over) if crossed else _straight(tail, head)
            yield f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>'


def _crosses(tail: _Bar, head: _Bar, bar: _Bar) -> bool:
    share = (bar.x - tail.x) / max(head.x - tail.x, 1e-9)
    return abs(tail.y + share * (head.y - tail.y) - bar.y) < bar.height / 2 + 2


def _straight(tail: _Bar, head: _Bar) -> str:
    left, right = tail.x + tail.width / 2, head.x - head.width / 2
    middle = (left + right) / 2
    return (
        f"M{left:.1f} {tail.y:.1f}C{middle:.1f} {tail.y:.1f} {middle:.1f} {head.y:.1f} "
        f"{right:.1f} {head.y:.1f}"
    )


def _arc(tail: _Bar, head: _Bar, over: list[_Bar]) -> str:
    """Around everything between the two: above it, or below where the wire begins in a lower branch."""
    around, under = [*over, tail, head], tail.y > _MIDDLE + 1
    if under:
        ends = (tail.y + tail.height / 2, head.y + head.height / 2)
        farthest = min(HEIGHT - 3.0, max(bar.y + bar.height / 2 for bar in around) + 7)
    else:
        ends = (tail.top, head.top)
        farthest = max(4.0, min(bar.top for bar in around) - 7)
    return _bow(tail.x, ends[0], head.x, ends[1], farthest)


def _bow(left: float, first: float, right: float, last: float, farthest: float) -> str:
    bend = (farthest - (first + last) / 8) / 0.75  # so that the middle of the curve is there
    return f"M{left:.1f} {first:.1f}C{left:.1f} {bend:.1f} {right:.1f} {bend:.1f} {right:.1f} {last:.1f}"


def _box(graph: Graph, node: Node, bar: _Bar, dark: bool) -> str:
    ink, owner = theme.ink(dark), graph.owner_of(node)
    faint = ' opacity="0.35"' if node.bypassed else ""
    if node.kind in ("input", "output"):
        fill = ink.ground if node.kind == "input" else ink.quiet
        return (
            f'<circle cx="{bar.x:.1f}" cy="{bar.y:.1f}" r="{bar.width / 2:.1f}" fill="{fill}" '
            f'stroke="{ink.quiet}" stroke-width="1.5"/>'
        )
    if owner is not None and owner.block:
        return f"<g{faint}>{_block(graph, owner.block, owner.repeat, bar, dark)}</g>"
    colour = theme.family_colours(_family(graph, node), dark).mark
    return _rect(bar.x, bar.y, bar.width, bar.height, f'fill="{colour}"{faint}')


def _block(graph: Graph, name: str, repeat: int, bar: _Bar, dark: bool) -> str:
    """A frame with a stripe for each layer inside; a repeated one has its copies behind it."""
    ink = theme.ink(dark)
    look = f'fill="{theme.mix(ink.text, ink.ground, 0.05)}" stroke="{ink.quiet}" stroke-width="1.2"'
    copies = range(min(repeat, 3) - 1, -1, -1)
    frames = [_rect(bar.x + 3 * i, bar.y - 3 * i, bar.width, bar.height, look) for i in copies]
    inside = graph.blocks.get(name)
    layers = [n for n in inside.nodes.values() if n.kind == "layer"] if inside else []
    if inside is None or not layers:
        return "".join(frames)
    shown = layers[:_STRIPES]
    pitch = (bar.width - 4) / len(shown)
    stripes = []
    for i, node in enumerate(shown):
        colour = theme.family_colours(_family(inside, node), dark).mark
        x = bar.x - bar.width / 2 + 2 + pitch * (i + 0.5)
        stripes.append(_rect(x, bar.y, pitch * 0.72, max(bar.height - 10, 2), f'fill="{colour}"'))
    skip = ""
    if _jumps(inside):
        left, right, top = bar.x - bar.width / 2 + 5, bar.x + bar.width / 2 - 5, bar.top + 5
        path = _bow(left, top, right, top, max(2.0, top - 12 - 3 * len(copies)))
        skip = f'<path d="{path}" fill="none" stroke="{ink.quiet}" stroke-width="1.5"/>'
    return "".join([*frames, *stripes, skip])


def _jumps(graph: Graph) -> bool:
    """Whether a value is also read later than by the next in line, as in a residual block."""
    columns = _columns(graph)
    return any(
        columns[node.id] - columns[source] > 1
        for node in graph.nodes.values()
        for source in _sources(node)
        if source in columns
    )


def _rect(x: float, y: float, width: float, height: float, look: str) -> str:
    corner = min(3.0, width / 3)
    return (
        f'<rect x="{x - width / 2:.1f}" y="{y - height / 2:.1f}" width="{width:.1f}" '
        f'height="{height:.1f}" rx="{corner:.1f}" {look}/>'
    )


def _family(graph: Graph, node: Node) -> Family:
    owner = graph.owner_of(node)
    try:
        return catalogue.get(owner.target if owner else node.target).family
    except NotFound:
        return "other"
