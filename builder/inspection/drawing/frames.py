"""Frames and notes of the canvas in a picture: where they were drawn, or around what they held.

Where the picture is laid out anew, nothing stands where it stood. A frame then goes around the cards
that stood in it; where others came between them, in several pieces. A note is put beside the card
it stood nearest to, on the same side if there is room.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from builder.graph.model import Frame
from builder.inspection.drawing.letters import cut, text_width, wrapped
from builder.inspection.drawing.scene import LINE, TITLE, USUAL_SIZE, Scene
from builder.inspection.drawing.sheet import Panel, Point, Rect, Sheet, fitted, words_rect

NOTE: Final = 12.0  # font size of a note
NOTE_LINE: Final = 15.0
INSET: Final = 8.0  # pixels between a note's edge and its words
HEAD: Final = LINE + 14  # pixels for a frame's title
AROUND: Final = 10.0  # pixels between a frame and what it encloses
_NARROWEST, _WIDEST = 90.0, 260.0  # of a note where everything is laid out anew
_CLEAR: Final = 5.0  # pixels between a note and anything else
_LEAD_FROM: Final = 36.0  # pixels away from its card from which a note has a line to it
_HIGHEST: Final = 1_000.0  # pixels of a note: what is longer ends in "…"
_FAR: Final = 420.0  # pixels: a note is not looked for a place further away

Side: TypeAlias = Literal["left", "right", "above", "below"]


def as_drawn(sheet: Sheet, shift: Point) -> Sheet:
    """The sheet with its frames and notes where the canvas has them.

    Cards in a picture are not of the canvas's size: a frame grows to hold those that stand in it, and
    a note as far down as its words need and no card stands. `shift`: from canvas to sheet.
    """
    panels = []
    for frame in sheet.scene.frames:
        x, y = frame.position[0] + shift[0], frame.position[1] + shift[1]
        box: Rect = (x, y, *frame.size)
        if frame.kind == "note":
            under = (b for b in sheet.boxes.values() if b[1] > y and b[0] < x + box[2] and x < b[0] + b[2])  # fmt: skip
            room = min((b[1] - y for b in under), default=math.inf)
            lines = _note_lines(frame, frame.size[0], max(frame.size[1], room - _CLEAR))
            box = (x, y, box[2], max(box[3], _note_height(lines)))
            panels.append(Panel("note", frame.colour, box, lines))
            continue
        held = [sheet.boxes[key] for key in members(sheet.scene, frame) if key in sheet.boxes]
        if held:
            box = _union(box, _padded(_union(*held), AROUND / 2, HEAD))
        panels.append(Panel("frame", frame.colour, box, (_title(frame.title, box[2]),)))
    return _with(sheet, panels)


def laid_out(sheet: Sheet) -> Sheet:
    """The sheet with its frames around the cards that stood in them, and its notes beside theirs."""
    if not sheet.scene.frames:
        return sheet
    frames, notes = [], []
    for frame in sheet.scene.frames:
        held = frozenset(members(sheet.scene, frame))
        if frame.kind == "frame" and held:
            frames.append(_Held(frame, held))
        else:
            notes.append(frame)
    placer, boxes = _Placer(sheet), _with_words(sheet)
    panels: list[Panel] = []
    for i, note in enumerate(notes):
        around = [one for one in frames if _within(_middle(_rect(note)), _rect(one.frame))]
        if around and (panel := placer.place(note)) is not None:
            panels.append(panel)
            boxes[f"note {i}"] = panel.box  # no id holds a space
            for one in around:
                one.keys |= {f"note {i}"}
    drawn = _frames(frames, boxes)
    placer.taken += [panel.box for panel in drawn]
    for note in notes:
        if not any(_within(_middle(_rect(note)), _rect(one.frame)) for one in frames):
            panels += [panel] if (panel := placer.place(note)) is not None else []
    return _with(sheet, [*reversed(drawn), *panels])


def reserved(scene: Scene) -> dict[str, list[int]]:
    """Of each card the frames that it stood in, by their numbers: they will need room around it."""
    found: dict[str, list[int]] = {}
    for i, frame in enumerate(scene.frames):
        if frame.kind == "frame":
            for key in members(scene, frame):
                found.setdefault(key, []).append(i)
    return found


def members(scene: Scene, frame: Frame) -> Iterator[str]:
    """The cards that stand in a frame on the canvas, by their middle."""
    area = _rect(frame)
    return (key for key, at in scene.stood.items() if key in scene.cards and _within(at, area))


@dataclass(slots=True)
class _Held:
    """A frame with the keys of what it holds: cards and notes."""

    frame: Frame
    keys: frozenset[str]


def _with(sheet: Sheet, panels: Sequence[Panel]) -> Sheet:
    if not panels:
        return sheet
    return fitted(sheet.scene, sheet.boxes, sheet.lines, sheet.inside, panels)


def _title(text: str, wide: float) -> str:
    return cut(" ".join(text.split()), TITLE, max(wide - 24, 0.0), bold=True)


def _note_lines(frame: Frame, wide: float, high: float) -> tuple[str, ...]:
    text = frame.text if frame.kind == "note" else frame.title
    most = max(1, int((min(high, _HIGHEST) - 2 * INSET + 4) / NOTE_LINE))
    return wrapped(text, NOTE, max(wide - 2 * INSET, 1.0), most)


def _note_height(lines: Sequence[str]) -> float:
    return len(lines) * NOTE_LINE + 2 * INSET


# --- notes in a new layout ------------------------------------------------------------------------


class _Placer:
    """Finds places for notes beside the cards they stood at."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.taken: list[Rect] = [_padded(box, 1, 1) for box in sheet.boxes.values()]
        for line in sheet.lines:
            for a, b in itertools.pairwise(line.points):
                self.taken.append(_union((*a, 0.0, 0.0), (*b, 0.0, 0.0)))
            self.taken += [words_rect(words) for words in line.says]

    def place(self, frame: Frame) -> Panel | None:
        """A note's panel. An empty frame is one with its title as text; None where nothing is said."""
        wide = min(max(frame.size[0], _NARROWEST), _WIDEST)
        lines = _note_lines(frame, wide, math.inf)
        if not any(lines):
            return None
        wide = max(text_width(line, NOTE) for line in lines) + 2 * INSET
        size = wide, _note_height(lines)
        near = self._nearest(frame)
        if near is None:
            box = self._outside((0.0, 0.0), size)
        else:
            card = self.sheet.boxes[near[0]]
            box = self._beside(card, near[1], size) or self._outside((card[0], card[1]), size)
        lead = None
        if near is not None and _apart(box, self.sheet.boxes[near[0]]) > _LEAD_FROM:
            lead = _lead(box, self.sheet.boxes[near[0]])
        panel = Panel("note", frame.colour, box, lines, lead)
        self.taken.append(box)
        return panel

    def _nearest(self, frame: Frame) -> tuple[str, Side] | None:
        """The card a note stood at on the canvas, and on which side of it."""
        area, (w, h) = _rect(frame), USUAL_SIZE
        found: tuple[float, str, Side] | None = None
        for key, (x, y) in self.sheet.scene.stood.items():
            if key not in self.sheet.boxes:
                continue
            card = (x - w / 2, y - h / 2, w, h)
            apart = _apart(area, card)
            if found is None or apart < found[0]:
                found = apart, key, _side(_middle(area), card)
        return None if found is None else (found[1], found[2])

    def _beside(self, card: Rect, side: Side, size: Point) -> Rect | None:
        """The nearest free place around a card, one on the same side before others."""
        x, y, w, h = card
        near = [rect for rect in self.taken if _apart(rect, card) < _FAR + max(size)]
        places: list[tuple[float, Rect]] = []
        for apart in (6.0, 12.0, 20.0, 32.0, 50.0, 75.0, 110.0, 160.0, 230.0, 320.0, _FAR):
            for slide in (0.0, 30.0, -30.0, 70.0, -70.0, 120.0, -120.0):
                across, down = x + (w - size[0]) / 2 + slide, y + (h - size[1]) / 2 + slide
                for here, left, top in (
                    ("above", across, y - size[1] - apart),
                    ("below", across, y + h + apart),
                    ("left", x - size[0] - apart, down),
                    ("right", x + w + apart, down),
                ):
                    cost = apart + abs(slide) / 2 + (0.0 if here == side else 45.0)
                    places.append((cost, (left, top, *size)))
        for _, place in sorted(places):
            if not any(_touch(_padded(place, _CLEAR, _CLEAR), other) for other in near):
                return place
        return None

    def _outside(self, at: Point, size: Point) -> Rect:
        """Above everything."""
        place = (at[0], -size[1] - 12.0, *size)
        while any(_touch(_padded(place, _CLEAR, _CLEAR), other) for other in self.taken):
            place = (place[0], place[1] - size[1] - 12.0, *size)
        return place


def _side(point: Point, card: Rect) -> Side:
    """On which side of a card a point lies."""
    x, y = _middle(card)
    dx, dy = (point[0] - x) / card[2], (point[1] - y) / card[3]
    if abs(dx) > abs(dy):
        return "right" if dx > 0 else "left"
    return "below" if dy > 0 else "above"


def _lead(note: Rect, card: Rect) -> tuple[Point, Point]:
    """From a note's edge to a card's, where they are nearest."""

    def near(low: float, wide: float, other: float, other_wide: float) -> tuple[float, float]:
        if low + wide < other:
            return low + wide, other
        if other + other_wide < low:
            return low, other + other_wide
        middle = (max(low, other) + min(low + wide, other + other_wide)) / 2
        return middle, middle

    (x1, x2), (y1, y2) = near(note[0], note[2], card[0], card[2]), near(note[1], note[3], card[1], card[3])  # fmt: skip
    return (x1, y1), (x2, y2)


# --- frames in a new layout -----------------------------------------------------------------------


def _with_words(sheet: Sheet) -> dict[str, Rect]:
    """The cards together with the words at the wires that leave them."""
    boxes = dict(sheet.boxes)
    for line in sheet.lines:
        for words in line.says:
            rect = words_rect(words)
            if _apart(rect, sheet.boxes[line.wire.tail]) < 30:
                boxes[line.wire.tail] = _union(boxes[line.wire.tail], rect)
    return boxes


def _frames(frames: Sequence[_Held], boxes: Mapping[str, Rect]) -> list[Panel]:
    """The panels of frames, inner ones first."""
    done: list[tuple[frozenset[str], Panel]] = []
    for one in sorted(frames, key=lambda f: (len(f.keys), f.frame.size[0] * f.frame.size[1])):
        inner = [panel.box for keys, panel in done if keys <= one.keys]
        others = [box for key, box in boxes.items() if key not in one.keys]
        pieces = _pieces([boxes[key] for key in boxes if key in one.keys], others)
        others += [panel.box for keys, panel in done if not keys & one.keys]
        for n, piece in enumerate(pieces):
            holds = [box for box in inner if _within(_middle(box), piece)]
            box = _clamped(_union(piece, *holds), n == 0, others)
            title = _title(one.frame.title, box[2]) if n == 0 else ""
            done.append((one.keys, Panel("frame", one.frame.colour, box, (title,))))
    return [panel for _, panel in done]


def _pieces(mine: Sequence[Rect], others: Sequence[Rect]) -> list[Rect]:
    """Few rectangles that hold all of these and touch no other."""

    def clean(rect: Rect) -> bool:
        return not any(_touch(rect, other) for other in others)

    whole = _union(*mine)
    if clean(whole):
        return [whole]
    pieces: list[Rect] = []
    for box in mine:  # in running order: what follows on each other stands beside each other
        if pieces and clean(joined := _union(pieces[-1], box)):
            pieces[-1] = joined
        else:
            pieces.append(box)
    merged = True
    while merged:
        merged = False
        for a, b in itertools.combinations(range(len(pieces)), 2):
            if clean(joined := _union(pieces[a], pieces[b])):
                pieces[a] = joined
                del pieces[b]
                merged = True
                break
    return pieces


def _clamped(rect: Rect, first: bool, others: Sequence[Rect]) -> Rect:
    """A piece with room around it and for its title, but no more than half-way to others."""
    left = right = bottom = AROUND
    top = HEAD + 2 if first else AROUND
    x, y, w, h = rect
    for a, b, c, d in others:
        beside = b < y + h + bottom and b + d > y - top
        over = a < x + w + right and a + c > x - left
        if beside and a >= x + w:
            right = min(right, (a - x - w) / 2)
        elif beside and a + c <= x:
            left = min(left, (x - a - c) / 2)
        elif over and b >= y + h:
            bottom = min(bottom, (b - y - h) / 2)
        elif over and b + d <= y:
            top = min(top, max((y - b - d) / 2, y - b - d - 6))
    return (x - left, y - top, w + left + right, h + top + bottom)


# --- rectangles -----------------------------------------------------------------------------------


def _rect(frame: Frame) -> Rect:
    return (*frame.position, *frame.size)


def _middle(rect: Rect) -> Point:
    return rect[0] + rect[2] / 2, rect[1] + rect[3] / 2


def _within(point: Point, rect: Rect) -> bool:
    x, y, w, h = rect
    return x <= point[0] <= x + w and y <= point[1] <= y + h


def _union(*rects: Rect) -> Rect:
    left, top = min(r[0] for r in rects), min(r[1] for r in rects)
    right, bottom = max(r[0] + r[2] for r in rects), max(r[1] + r[3] for r in rects)
    return (left, top, right - left, bottom - top)


def _padded(rect: Rect, by: float, top: float) -> Rect:
    return (rect[0] - by, rect[1] - top, rect[2] + 2 * by, rect[3] + top + by)


def _touch(a: Rect, b: Rect) -> bool:
    return a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]


def _apart(a: Rect, b: Rect) -> float:
    dx = max(b[0] - a[0] - a[2], a[0] - b[0] - b[2], 0.0)
    dy = max(b[1] - a[1] - a[3], a[1] - b[1] - b[3], 0.0)
    return math.hypot(dx, dy)
