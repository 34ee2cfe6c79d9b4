"""A layered drawing put together: cards with their places, and wires as lines with right angles.

Between two columns a wire may step aside once; steps that would lie on each other get *tracks* of
their own. Only steps of one value share a track, which reads as one wire that branches.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from builder.inspection.drawing.frames import AROUND, HEAD, laid_out, reserved
from builder.inspection.drawing.layers import Layers, layered
from builder.inspection.drawing.letters import broken, text_width
from builder.inspection.drawing.places import LONG, Across, Box, place_across
from builder.inspection.drawing.rows import Cut, break_rows
from builder.inspection.drawing.scene import AXES, SHAPE, Scene, Wire
from builder.inspection.drawing.sheet import Line, Point, Sheet, Words, end_words, fitted, turned

_TRACK: Final = 11.0  # pixels between steps
_ARROW: Final = 16.0  # straight pixels before a card
_SHORTEST: Final = 24.0  # of a wire
_FRAME: Final = 16.0  # pixels around the insides of an unfolded block
_HEAD: Final = 34.0  # and above them, for the title
AXES_ROOM: Final = 92.0  # pixels for the names of axes under a wire from left to right


def lay_out(scene: Scene, down: bool, wrap: bool | None = None) -> Sheet:
    """Places for all cards and wires of a scene. `wrap`: long networks in several rows.

    Frames and notes of the canvas come with the cards they were drawn at.
    """
    inside = insides(scene, down)
    sizes = card_sizes(scene, inside, down)
    gates = {key: _gates(sheet, sizes[key], down) for key, sheet in inside.items()}
    layers = layered(scene)
    wide_across = {key: size[0 if down else 1] for key, size in sizes.items()}
    across = place_across(scene, layers, wide_across, gates, down)
    return laid_out(_Router(scene, layers, across, sizes, inside, down).sheet(wrap))


def insides(scene: Scene, down: bool) -> dict[str, Sheet]:
    """The sheets of unfolded blocks."""
    return {k: lay_out(c.inside, down, False) for k, c in scene.cards.items() if c.inside}


def card_sizes(
    scene: Scene, inside: Mapping[str, Sheet], down: bool
) -> dict[str, tuple[float, float]]:
    """Width and height of each card; an unfolded block's frame holds its sheet."""
    sizes = {}
    parts: dict[str, dict[tuple[int, ...], float]] = {}
    for wire in scene.wires:
        said = max(text_width(wire.label, SHAPE), text_width(wire.axes, AXES))
        parts.setdefault(wire.tail, {})[wire.part] = said + 16
    for key, card in scene.cards.items():
        several = parts.get(key, {}) if len(parts.get(key, {})) > 1 else {}
        if down:  # what stands at the parts of a tuple needs room side by side
            pitch = max(several.values(), default=0.0)
            sizes[key] = (max(card.width, pitch * max(len(several) - 1, 0) + 14), card.height)
        else:
            sizes[key] = (card.width, max(card.height, 34.0 * len(several) - 10))
        if key in inside:
            wide = max(inside[key].width + 2 * _FRAME, card.width)
            sizes[key] = wide, inside[key].height + _FRAME + _HEAD
    return sizes


def _gates(sheet: Sheet, size: tuple[float, float], down: bool) -> dict[str, float]:
    """Where a block's own inputs and outputs stand across, from the middle of its frame."""
    axis = 0 if down else 1
    shift = inset(sheet, size)[axis] - size[axis] / 2
    found = {}
    for key, card in sheet.scene.cards.items():
        if card.look == "gate":
            box = sheet.boxes[key]
            found[key] = box[axis] + box[axis + 2] / 2 + shift
    return found


def inset(sheet: Sheet, size: tuple[float, float]) -> Point:
    return (size[0] - sheet.width) / 2, _HEAD


@dataclass(slots=True)
class _Step:
    """A wire's step aside between two columns."""

    value: tuple[str, tuple[int, ...]]
    first: float
    last: float
    track: int = 0

    @property
    def low(self) -> float:
        return min(self.first, self.last)

    @property
    def high(self) -> float:
        return max(self.first, self.last)


class _Router:
    """Finds the places along, and the ways of the wires, in (along, across) turned at the end."""

    def __init__(
        self,
        scene: Scene,
        layers: Layers,
        across: Across,
        sizes: Mapping[str, tuple[float, float]],
        inside: dict[str, Sheet],
        down: bool,
    ) -> None:
        self.scene, self.layers, self.across = scene, layers, across
        self.sizes, self.inside, self.down = sizes, inside, down
        self.gaps = max(len(layers.columns) - 1, 0)
        self.steps: list[dict[tuple[object, ...], _Step]] = [{} for _ in range(self.gaps)]
        self.said: set[tuple[str, tuple[int, ...]]] = set()  # values whose shape stands somewhere
        self.framed = reserved(scene)
        self.told: set[tuple[str, tuple[int, ...]]] = set()  # and those with it on their lane

    def sheet(self, wrap: bool | None) -> Sheet:
        deep = {key: size[1 if self.down else 0] for key, size in self.sizes.items()}
        wide = {key: size[0 if self.down else 1] for key, size in self.sizes.items()}
        self.boxes: dict[str, Box] = {}
        for key in self.scene.cards:
            self.boxes[key] = Box(0.0, self.across.items[key], deep[key], wide[key])
        for i in range(len(self.layers.paths)):
            self._find_steps(i)
        for steps in self.steps:
            _tracks(list(steps.values()))
        self._along()
        lines = [self._line(i) for i in range(len(self.layers.paths))]
        rooms = {} if self.down else dict.fromkeys(self.framed, (HEAD, AROUND))
        break_rows(self.boxes, lines, self._cuts(), self.length, self.down, wrap, rooms)
        return self._turned(lines)

    def _cuts(self) -> list[Cut]:
        """Where one value alone passes from column to column, so that a row may end."""
        cuts = []
        for gap in range(self.gaps):
            tails = {(a, wire.value) for a, _, wire in self.layers.segments(gap)}
            if len(tails) == 1 and isinstance((tail := next(iter(tails)))[0], str):
                along = self.starts[gap][1] + self.words[gap] + 4
                cuts.append(Cut(along, self.boxes[tail[0]].across + self.across.outs[tail[1]]))
        return cuts

    # Along the flow --------------------------------------------------------------------------------

    def _way(self, i: int) -> list[float]:
        """How far across a wire runs at each column it passes: leaving, in its lanes, entering."""
        wire, path = self.layers.paths[i]
        way = [self.boxes[wire.tail].across + self.across.outs[wire.value]]
        way += [self.across.items[lane] for lane in path[1:-1]]
        return [*way, self.boxes[wire.head].across + self.across.ins[i]]

    def _find_steps(self, i: int) -> None:
        wire = self.layers.paths[i][0]
        way, column = self._way(i), self.layers.rank[wire.tail]
        for at, (a, b) in enumerate(itertools.pairwise(way)):
            last = at == len(way) - 2
            if abs(a - b) > 0.5 and not (last and self._from_side(i)):
                self.steps[column + at].setdefault((wire.value, a, b), _Step(wire.value, a, b))

    def _from_side(self, i: int) -> bool:
        """Whether a wire goes on beside a circle and enters it from the side."""
        wire = self.layers.paths[i][0]
        if self.scene.cards[wire.head].look != "sign":
            return False
        way, box = self._way(i), self.boxes[wire.head]
        if abs(way[-2] - box.across) < box.wide:
            return False
        low, high = sorted((way[-2], box.across))
        column = self.layers.columns[self.layers.rank[wire.head]]
        others = [self.boxes[k] for k in column if isinstance(k, str) and k != wire.head]
        return not any(
            low < o.across + o.wide / 2 + 8 and high > o.across - o.wide / 2 - 8 for o in others
        )

    def _along(self) -> None:
        """Places the columns, one behind the other, with room for words, steps and arrows."""
        at = 0.0
        self.words: list[float] = []
        self.starts: list[tuple[float, float]] = []
        for c, column in enumerate(self.layers.columns):
            keys = [key for key in column if isinstance(key, str)]
            thick = max((self.boxes[key].deep for key in keys), default=0.0)
            self.starts.append((at, at + thick))
            for key in keys:
                self.boxes[key].along = at + thick / 2
            at += thick
            if c < self.gaps:
                words = self._words_room(c)
                self.words.append(words)
                tracks = max((s.track for s in self.steps[c].values()), default=-1) + 1
                ends = max(
                    (
                        self._end_room(w)
                        for w in self.scene.wires
                        if self.layers.rank[w.head] == c + 1
                    ),
                    default=0.0,
                )
                if self.down and self._frame_begins(c + 1):
                    words += HEAD
                at += max(words + (tracks * _TRACK + 5 if tracks else 0) + ends + _ARROW, _SHORTEST)
        self.length = at

    def _frame_begins(self, column: int) -> bool:
        """Whether a frame of the canvas has its first cards in a column: its title stands before."""
        now, before = (
            {
                i
                for key in self.layers.columns[c]
                if key in self.framed
                for i in self.framed[str(key)]
            }
            for c in (column, column - 1)
        )
        return bool(now - before)

    def _words_room(self, column: int) -> float:
        rooms = [0.0]
        for key in self.layers.columns[column]:
            if not isinstance(key, str):
                continue
            for wire in self.scene.wires:
                if wire.tail == key and wire.label:
                    extra = (
                        self.starts[column][1] - self.starts[column][0] - self.boxes[key].deep
                    ) / 2
                    room = (30.0 if wire.axes else 16.0) if self.down else 8 + _words_width(wire)
                    room += 8.0 if self.scene.cards[key].copies and not self.down else 0.0
                    rooms.append(room - extra)
        return max(rooms)

    def _end_room(self, wire: Wire) -> float:
        if not wire.end:
            return 0.0
        return 13.0 if self.down else text_width(wire.end, AXES) + 2

    # Wires -----------------------------------------------------------------------------------------

    def _line(self, i: int) -> Line:
        wire = self.layers.paths[i][0]
        way, column = self._way(i), self.layers.rank[wire.tail]
        tail, head = self.boxes[wire.tail], self.boxes[wire.head]
        points: list[Point] = [(self._gate(wire.tail, wire.part, True), way[0])]
        for at, (a, b) in enumerate(itertools.pairwise(way)):
            last = at == len(way) - 2
            if last and self._from_side(i):
                edge = head.across + (head.wide / 2 if a > head.across else -head.wide / 2)
                points += [(head.along, a), (head.along, edge)]
                return Line(wire, points, self._says(wire, tail, head, points, way))
            if abs(a - b) > 0.5:
                gap = column + at
                step = self.steps[gap][wire.value, a, b]
                along = self.starts[gap][1] + self.words[gap] + 5 + (step.track + 0.5) * _TRACK
                points += [(along, a), (along, b)]
        points.append((self._gate(wire.head, (), False, wire), way[-1]))
        return Line(wire, points, self._says(wire, tail, head, points, way))

    def _gate(
        self, key: str, part: tuple[int, ...], leaving: bool, wire: Wire | None = None
    ) -> float:
        """How far along a wire ends: at the card's edge, or at a block's own input or output."""
        box = self.boxes[key]
        if key not in self.inside:
            return box.end if leaving else box.start
        card, sheet = self.scene.cards[key], self.inside[key]
        if leaving:
            gate = card.gives[part[0] % len(card.gives)] if part and card.gives else ""
            gate = gate or (card.gives[0] if card.gives else "")
        else:
            gate = (wire.port if wire else "") or next(iter(card.takes.values()), "")
        if gate not in sheet.boxes:
            return box.end if leaving else box.start
        axis = 1 if self.down else 0
        inner = sheet.boxes[gate]
        shift = inset(sheet, self.sizes[key])[axis]
        return box.start + shift + inner[axis] + (inner[axis + 2] if leaving else 0.0)

    def _says(
        self, wire: Wire, tail: Box, head: Box, points: list[Point], way: list[float]
    ) -> list[Words]:
        says: list[Words] = []
        if wire.label and wire.value not in self.said:
            self.said.add(wire.value)
            copies = self.scene.cards[wire.tail].copies and not self.down
            along, across = tail.end + (8.0 if copies else 0.0), way[0]
            if self.down:
                says.append(Words(wire.label, (along + 14, across + 7), SHAPE))
                if wire.axes:
                    says.append(Words(wire.axes, (along + 26, across + 7), AXES))
            else:
                says.append(Words(wire.label, (along + 6, across - 6), SHAPE))
                for n, line in enumerate(broken(wire.axes, AXES, AXES_ROOM, 3)):
                    says.append(Words(line, (along + 6, across + 13 + 11 * n), AXES))
        if wire.label and len(way) - 1 > LONG and wire.value not in self.told:
            self.told.add(wire.value)
            lane = self.starts[self.layers.rank[wire.tail] + 1][0]
            where = (lane + 12, way[1] + 7) if self.down else (lane, way[1] - 6)
            says.append(Words(wire.label, where, SHAPE))
        if wire.end:
            across = points[-1][1]
            says.append(end_words(wire.end, points[-1], across < head.across - 1, self.down))
        return says

    # Turning ---------------------------------------------------------------------------------------

    def _turned(self, lines: list[Line]) -> Sheet:
        """From (along, across) to (x, y), with everything inside the sheet."""
        boxes = {}
        for key, box in self.boxes.items():
            x, y = turned((box.along, box.across), self.down)
            w, h = self.sizes[key]
            boxes[key] = (x - w / 2, y - h / 2, w, h)
        for line in lines:
            line.points = [turned(p, self.down) for p in line.points]
            for words in line.says:
                words.at = turned(words.at, self.down)
        return fitted(self.scene, boxes, lines, self.inside)


def _words_width(wire: Wire) -> float:
    lines = broken(wire.axes, AXES, AXES_ROOM, 3)
    return max(text_width(wire.label, SHAPE), *(text_width(line, AXES) for line in (*lines, "")))


def _tracks(steps: list[_Step]) -> None:
    """Gives steps that overlap different tracks, so that their ends cross as little as can be."""
    down = sorted((s for s in steps if s.last > s.first), key=lambda s: -s.first)
    up = sorted((s for s in steps if s.last < s.first), key=lambda s: s.first)
    done: list[_Step] = []
    for group in (down, up):
        for step in group:
            alike = next((d for d in done if d.value == step.value and d.first == step.first), None)
            if alike is not None:
                step.track = alike.track
            else:
                near = [d for d in done if d.low < step.high + 6 and step.low < d.high + 6]
                mine = [d.track for d in near if (d.last > d.first) == (step.last > step.first)]
                step.track = max(mine, default=-1) + 1
                while any(d.track == step.track for d in near):
                    step.track += 1
            done.append(step)
