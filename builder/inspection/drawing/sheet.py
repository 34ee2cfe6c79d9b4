"""A scene with places: what the layout gives and the painter draws."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from builder.inspection.drawing.letters import text_width
from builder.inspection.drawing.scene import AXES, Scene, Wire

Point: TypeAlias = tuple[float, float]


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
class Sheet:
    """A scene with places. All in pixels from the top left; boxes are (x, y, width, height)."""

    scene: Scene
    width: float
    height: float
    boxes: dict[str, tuple[float, float, float, float]]
    lines: list[Line]
    inside: dict[str, Sheet]


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
    boxes: dict[str, tuple[float, float, float, float]],
    lines: list[Line],
    inside: dict[str, Sheet],
) -> Sheet:
    """Moves everything so that the sheet begins at (0, 0), and gives it its size."""
    xs = [b[0] for b in boxes.values()] + [b[0] + b[2] for b in boxes.values()]
    ys = [b[1] for b in boxes.values()] + [b[1] + b[3] for b in boxes.values()]
    for key, card in scene.cards.items():
        if card.copies:
            xs.append(boxes[key][0] + boxes[key][2] + 8)
            ys.append(boxes[key][1] - 8)
    for line in lines:
        xs += [p[0] for p in line.points]
        ys += [p[1] for p in line.points]
        for words in line.says:
            wide = text_width(words.text, words.size)
            left = words.at[0] - (wide if words.anchor == "end" else 0.0)
            xs += [left, left + wide]
            ys += [words.at[1] - words.size, words.at[1] + 3]
    left, top = min(xs, default=0.0), min(ys, default=0.0)
    moved = {k: (b[0] - left, b[1] - top, b[2], b[3]) for k, b in boxes.items()}
    for line in lines:
        line.points = [(x - left, y - top) for x, y in line.points]
        for words in line.says:
            words.at = (words.at[0] - left, words.at[1] - top)
    return Sheet(
        scene, max(xs, default=0.0) - left, max(ys, default=0.0) - top, moved, lines, inside
    )
