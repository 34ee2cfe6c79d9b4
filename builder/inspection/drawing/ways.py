"""The way of a wire, point by point, as SVG wants it: with rounded corners."""

from __future__ import annotations

from typing import Final

from builder.inspection.drawing.sheet import Point

_CORNER: Final = 7.0  # radius where a wire turns


def on(p: Point, a: Point, b: Point) -> bool:
    """Whether a point lies on a straight stretch, its ends left out."""
    if abs(a[0] - b[0]) < 0.1:
        return abs(p[0] - a[0]) < 0.1 and min(a[1], b[1]) + 1 < p[1] < max(a[1], b[1]) - 1
    if abs(a[1] - b[1]) < 0.1:
        return abs(p[1] - a[1]) < 0.1 and min(a[0], b[0]) + 1 < p[0] < max(a[0], b[0]) - 1
    return False


def plain(points: list[Point]) -> list[Point]:
    """Without points that lie on the straight line between their neighbours."""
    kept: list[Point] = []
    for p in points:
        if kept and abs(kept[-1][0] - p[0]) < 0.05 and abs(kept[-1][1] - p[1]) < 0.05:
            continue
        if len(kept) > 1:
            a, b = kept[-2], kept[-1]
            if (abs(a[0] - b[0]) < 0.05 and abs(b[0] - p[0]) < 0.05) or (
                abs(a[1] - b[1]) < 0.05 and abs(b[1] - p[1]) < 0.05
            ):
                kept[-1] = p
                continue
        kept.append(p)
    return kept if len(kept) > 1 else [points[0], points[-1]]


def before(a: Point, b: Point, by: float) -> Point:
    """The point `by` pixels before b on the way from a."""
    length = ((b[0] - a[0]) ** 2 + (b[1] - a[1]) ** 2) ** 0.5
    if length < by:
        return a
    share = by / length
    return b[0] + (a[0] - b[0]) * share, b[1] + (a[1] - b[1]) * share


def path(points: list[Point]) -> str:
    """A way with rounded corners."""
    said = [f"M{points[0][0]:.1f} {points[0][1]:.1f}"]
    for a, b, c in zip(points, points[1:], points[2:], strict=False):
        near = abs(a[0] - b[0]) + abs(a[1] - b[1]), abs(c[0] - b[0]) + abs(c[1] - b[1])
        radius = min(_CORNER, near[0] / 2, near[1] / 2)
        start, end = before(a, b, radius), before(c, b, radius)
        said.append(
            f"L{start[0]:.1f} {start[1]:.1f}Q{b[0]:.1f} {b[1]:.1f} {end[0]:.1f} {end[1]:.1f}"
        )
    said.append(f"L{points[-1][0]:.1f} {points[-1][1]:.1f}")
    return "".join(said)
