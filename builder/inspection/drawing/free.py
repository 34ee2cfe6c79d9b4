"""Cards where a person put them: wires find their way around them.

Each wire tries ways with few bends, the cheapest first: straight, one step, or a detour along the edge
of some card. The first that touches no card and lies on no other wire is taken.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Final

from builder.inspection.drawing.frames import as_drawn
from builder.inspection.drawing.letters import broken
from builder.inspection.drawing.places import MOST_APART, Box
from builder.inspection.drawing.routes import AXES_ROOM, card_sizes, insides
from builder.inspection.drawing.scene import AXES, SHAPE, USUAL_SIZE, Scene, Wire
from builder.inspection.drawing.sheet import Line, Point, Sheet, Words, end_words, fitted, turned

_OUT: Final = 14.0  # pixels straight out of a card, and into one
_CLEAR: Final = 9.0  # pixels between a wire and a card it passes
_BEND: Final = 40.0  # pixels of detour that a bend is worth
_TRIED: Final = 60  # ways clear of cards among which the one clear of wires is looked for
_OFF: Final = 11.0  # pixels by which wires enter off the middle of an edge, at most
_BESIDE: Final = 40.0  # pixels from the placed cards to those without a place


def at_positions(scene: Scene, positions: Mapping[str, Point], down: bool) -> Sheet:
    """A sheet with each card's middle where `positions` says, and the frames and notes drawn there."""
    inside = insides(scene, down)
    sizes = card_sizes(scene, inside, down)
    scene.stood = {key: positions[key] for key in scene.cards if key in positions}
    corners = {k: (x - sizes[k][0] / 2, y - sizes[k][1] / 2) for k, (x, y) in scene.stood.items()}
    bottom = max((corners[k][1] + sizes[k][1] for k in corners), default=0.0) + _BESIDE
    x = min((corner[0] for corner in corners.values()), default=0.0)
    for key in scene.cards:
        if key not in corners:
            corners[key] = (x, bottom)
            x += sizes[key][0] + _BESIDE
    boxes: dict[str, Box] = {}
    for key, (left, top) in corners.items():
        w, h = sizes[key]
        along, across = turned((left + w / 2, top + h / 2), down)
        deep, wide = turned((w, h), down)
        boxes[key] = Box(along, across, deep, wide)
    lines = _Finder(scene, boxes, down).lines()
    for line in lines:
        line.points = [turned(p, down) for p in line.points]
        for words in line.says:
            words.at = turned(words.at, down)
    places = {key: (*corners[key], *sizes[key]) for key in scene.cards}
    sheet = fitted(scene, places, lines, inside)
    one = next(iter(places), None)
    moved = (0.0, 0.0)
    if one is not None:
        moved = (sheet.boxes[one][0] - places[one][0], sheet.boxes[one][1] - places[one][1])
    return as_drawn(sheet, moved)


def runs_down(scene: Scene, positions: Mapping[str, Point]) -> bool:
    """Whether most wires between cards of these middles run down rather than to the right."""
    right = down = 0
    for wire in scene.wires:
        if wire.tail in positions and wire.head in positions:
            (a, b), (c, d) = positions[wire.tail], positions[wire.head]
            right += c - a >= USUAL_SIZE[0]
            down += d - b >= USUAL_SIZE[1]
    return down > right


class _Finder:
    """Finds the ways, in (along, across)."""

    def __init__(self, scene: Scene, boxes: Mapping[str, Box], down: bool) -> None:
        self.scene, self.boxes, self.down = scene, boxes, down
        self.drawn: list[tuple[Wire, Point, Point]] = []

    def lines(self) -> list[Line]:
        outs = self._ports({w.value: w.tail for w in self.scene.wires}, MOST_APART)
        by_head = sorted(self.scene.wires, key=lambda w: self.boxes[w.tail].across)
        ins = self._ports({id(w): w.head for w in by_head}, 14.0)
        self._straighten(ins, outs)
        said: set[tuple[str, tuple[int, ...]]] = set()
        lines = []
        for wire in self.scene.wires:
            tail, head = self.boxes[wire.tail], self.boxes[wire.head]
            sign = self.scene.cards[wire.head].look == "sign"
            start = (tail.end, tail.across + outs[wire.value])
            end = (head.start, head.across + (0.0 if sign else ins[id(wire)]))
            alone = not sign and ins[id(wire)] == 0.0
            if alone and abs(start[1] - end[1]) < head.wide / 2 - 10:
                end = (end[0], start[1])  # a little off the middle, but straight
            points = self._best(wire, start, end, head if sign else None)
            self.drawn += [(wire, a, b) for a, b in itertools.pairwise(points)]
            line = Line(wire, points)
            if wire.label and wire.value not in said:
                said.add(wire.value)
                line.says += self._says(wire, start)
            if wire.end:
                line.says.append(end_words(wire.end, end, ins[id(wire)] < -1, self.down))
            lines.append(line)
        return lines

    def _ports(self, found: Mapping[object, str], widest: float) -> dict[object, float]:
        """Spreads what leaves or enters a card along its edge."""
        at: dict[str, list[object]] = {}
        for port, key in found.items():
            at.setdefault(key, []).append(port)
        places: dict[object, float] = {}
        for key, ports in at.items():
            pitch = min(widest, max(self.boxes[key].wide - 14, 0.0) / max(len(ports) - 1, 1))
            for i, port in enumerate(ports):
                places[port] = (i - (len(ports) - 1) / 2) * pitch
        return places

    def _straighten(self, ins: dict[object, float], outs: Mapping[object, float]) -> None:
        """Moves what enters a card along its edge, so that the wire nearest to straight is straight."""
        nearest: dict[str, float] = {}
        for wire in self.scene.wires:
            tail, head = self.boxes[wire.tail], self.boxes[wire.head]
            off = tail.across + outs[wire.value] - head.across - ins[id(wire)]
            if abs(off) < abs(nearest.get(wire.head, _OFF)):
                nearest[wire.head] = off
        for wire in self.scene.wires:
            ins[id(wire)] += nearest.get(wire.head, 0.0)

    def _says(self, wire: Wire, start: Point) -> list[Words]:
        along, across = start
        if self.down:
            says = [Words(wire.label, (along + 14, across + 7), SHAPE)]
            return [*says, Words(wire.axes, (along + 26, across + 7), AXES)] if wire.axes else says
        says = [Words(wire.label, (along + 6, across - 6), SHAPE)]
        for n, text in enumerate(broken(wire.axes, AXES, AXES_ROOM, 3)):
            says.append(Words(text, (along + 6, across + 13 + 11 * n), AXES))
        return says

    # Ways -------------------------------------------------------------------------------------------

    def _best(self, wire: Wire, start: Point, end: Point, circle: Box | None) -> list[Point]:
        fewest: tuple[int, int] | None = None
        chosen, clear = [start, end], 0
        plain = sorted(self._plain_ways(start, end, circle), key=_cost)
        for way in itertools.chain(plain, self._detours(start, end, circle)):
            touched = self._touched(wire, way)
            if fewest is not None and touched > fewest[0]:
                continue
            shared = self._shared(wire, way)
            if fewest is None or (touched, shared) < fewest:
                fewest, chosen = (touched, shared), way
            if (touched, shared) == (0, 0):
                break
            clear += touched == 0
            if clear >= _TRIED:
                break
        return chosen

    def _plain_ways(self, start: Point, end: Point, circle: Box | None) -> Iterator[list[Point]]:
        """Straight, or with one step; each is cheaper than any detour."""
        (a, v), (b, w) = start, end
        if circle is not None and circle.along > a and abs(v - w) >= circle.wide / 2 + _OUT:
            side = circle.wide / 2 if v > circle.across else -circle.wide / 2
            yield [start, (circle.along, v), (circle.along, circle.across + side)]
        out, into = a + _OUT, b - _OUT - 4
        if abs(v - w) < 0.6 and b > a:
            yield [start, end]
        if into >= out:
            edges = {round(e) for x in self.boxes.values() for e in (x.start - 14, x.end + 14)}
            middle = (out + into) / 2  # the first of equally long ways is taken: first the plainest
            steps = [middle, middle + 11, middle - 11, into, out, *sorted(edges)]
            for step in steps:
                if out <= step <= into:
                    yield [start, (step, v), (step, w), end]

    def _detours(self, start: Point, end: Point, circle: Box | None) -> Iterator[list[Point]]:
        """Along the edge of some card, the cheapest first."""
        yield from sorted(self._lanes(start, end, circle), key=_cost)

    def _lanes(self, start: Point, end: Point, circle: Box | None) -> Iterator[list[Point]]:
        (a, v), (b, w) = start, end
        out, into = a + _OUT, b - _OUT - 4
        lanes = sorted(
            {
                round(lane)
                for x in self.boxes.values()
                for far in (14.0, 25.0)
                for lane in (x.across - x.wide / 2 - far, x.across + x.wide / 2 + far)
            }
        )
        for lane in lanes:
            for first in (out, out + 11):
                for last in (into, into - 11):
                    yield [start, (first, v), (first, lane), (last, lane), (last, w), end]
        if circle is None:
            return
        for beside in lanes:
            if abs(beside - circle.across) >= circle.wide / 2 + _OUT:
                side = circle.wide / 2 if beside > circle.across else -circle.wide / 2
                tip = (circle.along, circle.across + side)
                yield [start, (out, v), (out, beside), (circle.along, beside), tip]

    def _touched(self, wire: Wire, way: list[Point]) -> int:
        """How many cards a way runs over."""
        count = 0
        for i, (p, q) in enumerate(itertools.pairwise(way)):
            low_a, high_a = sorted((p[0], q[0]))
            low_v, high_v = sorted((p[1], q[1]))
            for key, box in self.boxes.items():
                if (key == wire.tail and i == 0) or (key == wire.head and i == len(way) - 2):
                    continue
                count += (
                    low_a < box.end + _CLEAR
                    and high_a > box.start - _CLEAR
                    and low_v < box.across + box.wide / 2 + _CLEAR
                    and high_v > box.across - box.wide / 2 - _CLEAR
                )
        return count

    def _shared(self, wire: Wire, way: list[Point]) -> int:
        """How many other values' wires a way would lie on."""
        count = 0
        for p, q in itertools.pairwise(way):
            for other, a, b in self.drawn:
                if other.value != wire.value:
                    count += _along_each_other(p, q, a, b)
        return count


def _cost(way: list[Point]) -> float:
    length = sum(abs(p[0] - q[0]) + abs(p[1] - q[1]) for p, q in itertools.pairwise(way))
    return length + _BEND * (len(way) - 2)


def _along_each_other(p: Point, q: Point, a: Point, b: Point) -> bool:
    """Whether two stretches run beside each other so near that they look like one."""
    for axis in (0, 1):
        if abs(p[axis] - q[axis]) < 0.1 and abs(a[axis] - b[axis]) < 0.1:
            other = 1 - axis
            low, high = sorted((p[other], q[other]))
            first, last = sorted((a[other], b[other]))
            return abs(p[axis] - a[axis]) < 5 and low < last - 2 and first < high - 2
    return False
