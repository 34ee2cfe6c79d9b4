"""A long network in several rows, like a text: where one may break, and the wire from row to row."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from builder.inspection.drawing.letters import text_width
from builder.inspection.drawing.places import Box
from builder.inspection.drawing.sheet import Line, Point, Words

_BETWEEN: Final = 46.0  # pixels between rows: the wire to the next one runs there
_LEAD: Final = 20.0  # pixels of that wire before a row's first step or card
_MOST_ROWS: Final = 40
_WORTH_IT: Final = 0.62  # of the unbroken length; where the longest row is longer, nothing is won
# Of an unbroken network: longer ones would be a thread on a slide (right) or a page (down).
_LONGEST: Final = {False: 1_700.0, True: 1_300.0}
_SHAPE_OF_PAGE: Final = {False: 16 / 9, True: 3 / 4}  # width by height: a slide, a sheet of paper


@dataclass(slots=True)
class Cut:
    """A place where a row may end: how far along, and where across the one wire there runs."""

    along: float
    across: float


def break_rows(
    boxes: Mapping[str, Box],
    lines: Sequence[Line],
    cuts: Sequence[Cut],
    length: float,
    down: bool,
    wrap: bool | None,
    rooms: Mapping[str, tuple[float, float]],
) -> None:
    """Moves cards, wires and words into rows, in (along, across). `wrap`: None for long ones only.

    `rooms`: pixels to keep free across, before and behind some cards.
    """
    if wrap is False or (wrap is None and length <= _LONGEST[down]) or not cuts:
        return
    tall = {key: _tall(box, *rooms.get(key, (0.0, 0.0))) for key, box in boxes.items()}
    chosen = _choose(tall, lines, cuts, length, down)
    if not chosen:
        return
    ends = [*(cut.along for cut in chosen), math.inf]

    def row_of(along: float) -> int:
        return next(i for i, end in enumerate(ends) if along <= end)

    shifts, tops, bottom = [(0.0, 0.0)], [0.0], 0.0
    for row, (start, end) in enumerate(itertools.pairwise([-math.inf, *ends])):
        some = [box for box in tall.values() if row_of(box.along) == row]
        low, high = _reach(some, lines, start, end, down)
        if row > 0:
            tops.append(bottom + _BETWEEN)
            shifts.append((_LEAD - start, tops[row] - low))
        bottom = high + shifts[row][1]
    for line in lines:
        line.points = _moved(line.points, chosen, ends, shifts, tops)
        for words in line.says:
            row = row_of(words.at[0])
            words.at = (words.at[0] + shifts[row][0], words.at[1] + shifts[row][1])
    for box in boxes.values():
        row = row_of(box.along)
        box.along, box.across = box.along + shifts[row][0], box.across + shifts[row][1]


def _moved(
    points: Sequence[Point],
    cuts: Sequence[Cut],
    ends: Sequence[float],
    shifts: Sequence[tuple[float, float]],
    tops: Sequence[float],
) -> list[Point]:
    """A wire's way with its rows moved apart, and around from the end of one to the next."""
    moved: list[Point] = []
    before: float | None = None
    for along, across in points:
        if before is not None:
            for row, cut in enumerate(cuts):
                if before <= cut.along < along:
                    a, v = cut.along + shifts[row][0], cut.across + shifts[row][1]
                    middle = tops[row + 1] - _BETWEEN / 2
                    start = cut.along + shifts[row + 1][0] - _LEAD
                    moved += [(a, v), (a, middle), (start, middle)]
                    moved.append((start, cut.across + shifts[row + 1][1]))
        row = next(i for i, end in enumerate(ends) if along <= end)
        moved.append((along + shifts[row][0], across + shifts[row][1]))
        before = along
    return moved


def _choose(
    boxes: Mapping[str, Box], lines: Sequence[Line], cuts: Sequence[Cut], length: float, down: bool
) -> list[Cut]:
    """The cuts that leave the words largest on a page; none where that helps little."""
    best: list[Cut] = []
    largest = 0.0
    places = [-math.inf, *(cut.along for cut in cuts), math.inf]
    parts = [  # between cuts next to each other: where across it begins and ends
        _reach([b for b in boxes.values() if start < b.along <= end], lines, start, end, down)
        for start, end in itertools.pairwise(places)
    ]
    shape = _SHAPE_OF_PAGE[down]
    for count in range(1, min(_MOST_ROWS, len(cuts) + 1) + 1):
        chosen = _even(cuts, length, count)
        ends = [cuts.index(cut) + 1 for cut in chosen]
        across = -_BETWEEN
        for first, last in itertools.pairwise([0, *ends, len(parts)]):
            row = parts[first:last]
            across += max(high for _, high in row) - min(low for low, _ in row) + _BETWEEN
        longest = _longest(chosen, length)
        wide, high = (across, longest) if down else (longest, across)
        if (scale := min(shape / wide, 1 / high)) > largest * (1 + 1e-9):
            largest, best = scale, chosen
    return best if _longest(best, length) <= _WORTH_IT * length else []


def _longest(chosen: Sequence[Cut], length: float) -> float:
    places = [0.0, *(cut.along for cut in chosen), length]
    return max(b - a for a, b in itertools.pairwise(places))


def _even(cuts: Sequence[Cut], length: float, rows: int) -> list[Cut]:
    """At most so many rows, the longest as short as can be: by bisection of its length."""
    low, high, best = length / rows, length, list[Cut]()
    for _ in range(20):
        most = (low + high) / 2
        chosen = _filled(cuts, length, most)
        if chosen is not None and len(chosen) < rows:
            high, best = most, chosen
        else:
            low = most
    return best


def _filled(cuts: Sequence[Cut], length: float, most: float) -> list[Cut] | None:
    """Each row as full as `most` allows; None where a stretch without cuts is longer."""
    chosen: list[Cut] = []
    start = 0.0
    while length - start > most:
        fitting = [cut for cut in cuts if start < cut.along <= start + most]
        if not fitting:
            return None
        chosen.append(fitting[-1])
        start = fitting[-1].along
    return chosen


def _reach(
    boxes: Sequence[Box], lines: Sequence[Line], start: float, end: float, down: bool
) -> tuple[float, float]:
    """From where to where across a row goes, with its wires and words."""
    across = [b.across - b.wide / 2 for b in boxes] + [b.across + b.wide / 2 for b in boxes]
    for line in lines:
        for p, q in itertools.pairwise(line.points):
            if p[0] <= end and q[0] > start:
                across += [v for a, v in (p, q) if start < a <= end]
        for words in line.says:
            if start < words.at[0] <= end:
                across += _words_reach(words, down)
    return min(across), max(across)


def _tall(box: Box, before: float, behind: float) -> Box:
    across = box.across + (behind - before) / 2
    return Box(box.along, across, box.deep, box.wide + before + behind)


def _words_reach(words: Words, down: bool) -> tuple[float, float]:
    if not down:
        return words.at[1] - words.size, words.at[1] + 4
    wide = text_width(words.text, words.size)
    left = words.at[1] - (wide if words.anchor == "end" else 0.0)
    return left, left + wide
