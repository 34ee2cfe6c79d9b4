"""A scene with places: what the layout gives and the painter draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from builder.graph.drawn_parts import FrameColour, FrameKind
from builder.inspection.drawing.letters import text_width
from builder.inspection.drawing.scene import AXES, Scene, Wire

Point: TypeAlias = tuple[float, float]
Rect: TypeAlias = tuple[float, float, float, float]
"""Left, top, width and height."""


@dataclass(slots=True)
class Line:
    """A wire with its way, and the words at it: (text, where, which font size, which way it grows)."""

    wire: Wire
    points: list[Point]
    says: list[Words] = field(default_factory=list)


@dataclass(slots=True)
class Words:
    """A text at a wire: its line's left end ("start") or right end ("end") and baseline, in pixels."""

    text: str
    at: Point
    size: float
    anchor: str = "start"


@dataclass(slots=True)
class Panel:
    """A frame of the canvas behind cards, or a note. `words`: the title, or a note's lines.

    `lead`: for a note that stands away from its card, the line to it.
    """

    kind: FrameKind
    colour: FrameColour
    box: Rect
    words: tuple[str, ...] = ()
    lead: tuple[Point, Point] | None = None


@dataclass(slots=True)
class Sheet:
    """A scene with places. All in pixels from the top left; boxes are (x, y, width, height)."""

    scene: Scene
    width: float
    height: float
    boxes: dict[str, Rect]
    lines: list[Line]
    inside: dict[str, Sheet]
    panels: list[Panel] = field(default_factory=list)


def words_rect(words: Words) -> Rect:
    """What a text at a wire covers."""
    wide = text_width(words.text, words.size)
    left = words.at[0] - (wide if words.anchor == "end" else 0.0)
    return left, words.at[1] - words.size, wide, words.size + 3


def turned(point: Point, down: bool) -> Point:
    """(along, across) as (x, y), and the other way round."""
    return (point[1], point[0]) if down else point


def end_words(text: str, end: Point, first: bool, down: bool) -> Words:
    """What a wire is read as, where it enters: beside it, away from the wires that enter next to it."""
    along, across = end
    if not down:
        return Words(text, (along - 12, across - 5), AXES, "end")
    if first:
        return Words(text, (along - 10, across - 6), AXES, "end")
    return Words(text, (along - 10, across + 6), AXES)


def fitted(
    scene: Scene,
    boxes: dict[str, Rect],
    lines: list[Line],
    inside: dict[str, Sheet],
    panels: Sequence[Panel] = (),
) -> Sheet:
    """Moves everything so that the sheet begins at (0, 0), and gives it its size."""
    rects = [*boxes.values(), *(panel.box for panel in panels)]
    xs = [x for left, _, wide, _ in rects for x in (left, left + wide)]
    ys = [y for _, top, _, high in rects for y in (top, top + high)]
    for key, card in scene.cards.items():
        if card.copies:
            xs.append(boxes[key][0] + boxes[key][2] + 8)
            ys.append(boxes[key][1] - 8)
    for line in lines:
        xs += [p[0] for p in line.points]
        ys += [p[1] for p in line.points]
        for words in line.says:
            x, y, wide, high = words_rect(words)
            xs += [x, x + wide]
            ys += [y, y + high]
    left, top = min(xs, default=0.0), min(ys, default=0.0)
    moved = {k: (b[0] - left, b[1] - top, b[2], b[3]) for k, b in boxes.items()}
    for line in lines:
        line.points = [(x - left, y - top) for x, y in line.points]
        for words in line.says:
            words.at = (words.at[0] - left, words.at[1] - top)
    for panel in panels:
        x, y, w, h = panel.box
        panel.box = (x - left, y - top, w, h)
        if panel.lead is not None:
            (a, b), (c, d) = panel.lead
            panel.lead = (a - left, b - top), (c - left, d - top)
    wide, high = max(xs, default=0.0) - left, max(ys, default=0.0) - top
    return Sheet(scene, wide, high, moved, lines, inside, list(panels))
