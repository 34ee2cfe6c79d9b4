"""The second half of a layered drawing: how far along and how far across everything stands.

Coordinates are (along, across): along the flow, and at a right angle to it. What belongs in one line
(a chain of cards, a wire's lanes) is first tied into rigid *rows*; then the rows are moved, each to
the mean of what it is wired to, as near as its neighbours allow.
After Brandes and Köpf (2001), whose "blocks" the rows are.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left, insort
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from builder.inspection.drawing.frames import AROUND, HEAD, reserved
from builder.inspection.drawing.layers import Item, Layers, card_of, depths
from builder.inspection.drawing.letters import text_width
from builder.inspection.drawing.scene import AXES, SHAPE, Scene, Wire

BETWEEN_CARDS: Final = 26.0  # pixels across
_BETWEEN_LANES: Final = 12.0
_LANE_TO_CARD: Final = 16.0
_PORT: Final = 14.0  # pixels between wires that enter one card
MOST_APART: Final = 150.0  # pixels between the parts of a tuple where they leave a card
_SWEEPS: Final = 60
_BRIDGE: Final = 4  # columns; from there on a wire to a concatenation may be a U-Net's skip
LONG: Final = 6  # columns; a longer wire tells its shape again on its lane


@dataclass(slots=True)
class Box:
    """Where a card stands: its middle and its extents, along and across."""

    along: float
    across: float
    deep: float
    wide: float

    @property
    def start(self) -> float:
        return self.along - self.deep / 2

    @property
    def end(self) -> float:
        return self.along + self.deep / 2


@dataclass(slots=True)
class Across:
    """The places across: of each item, and of each wire's ends relative to its card's middle."""

    items: dict[Item, float] = field(default_factory=dict)
    outs: dict[tuple[str, tuple[int, ...]], float] = field(default_factory=dict)
    ins: dict[int, float] = field(default_factory=dict)  # by the wire's place in `Layers.paths`


def place_across(
    scene: Scene,
    layers: Layers,
    wide: Mapping[str, float],
    gates: Mapping[str, Mapping[str, float]],
    down: bool,
) -> Across:
    """Works out how far across everything stands. `wide`: of each card. `gates`: of an unfolded
    block, where its own inputs and outputs stand, relative to its middle."""
    result = Across()
    _leave(scene, layers, wide, gates, result)
    straight = _straight(scene, layers)
    _enter(scene, layers, wide, gates, straight, result)
    rows = _rows(layers, straight, result)
    _settle(scene, layers, wide, rows, result, down)
    return result


# --- where wires leave and enter ------------------------------------------------------------------


def _leave(
    scene: Scene,
    layers: Layers,
    wide: Mapping[str, float],
    gates: Mapping[str, Mapping[str, float]],
    result: Across,
) -> None:
    """Parts of a tuple leave a card side by side."""
    parts: dict[str, list[tuple[int, ...]]] = {}
    for wire in scene.wires:
        known = parts.setdefault(wire.tail, [])
        if wire.part not in known:
            known.append(wire.part)
    for key, found in parts.items():
        card = scene.cards[key]
        if card.inside is not None:
            for part in found:
                gate = card.gives[part[0] % len(card.gives)] if part and card.gives else ""
                gate = gate or (card.gives[0] if card.gives else "")
                result.outs[key, part] = gates[key].get(gate, 0.0)
            continue
        pitch = min(MOST_APART, max(wide[key] - 12, 0) / max(len(found) - 1, 1))
        for i, part in enumerate(sorted(found)):
            result.outs[key, part] = (i - (len(found) - 1) / 2) * pitch


def _enter(
    scene: Scene,
    layers: Layers,
    wide: Mapping[str, float],
    gates: Mapping[str, Mapping[str, float]],
    straight: set[tuple[Item, Item]],
    result: Across,
) -> None:
    """Wires enter a card in the order in which they come; the one in line with it in its middle."""
    order = {item: i for column in layers.columns for i, item in enumerate(column)}
    arriving: dict[str, list[int]] = {}
    for i, (wire, _) in enumerate(layers.paths):
        arriving.setdefault(wire.head, []).append(i)
    for key, found in arriving.items():
        card = scene.cards[key]
        sources: dict[Item, list[int]] = {}
        for i in sorted(found, key=lambda i: _from(layers, i, order, result)):
            wire, path = layers.paths[i]
            if card.inside is not None:
                first = next(iter(card.takes.values()), "")
                result.ins[i] = gates[key].get(wire.port or first, 0.0)
            sources.setdefault(path[-2], []).append(i)
        if card.inside is not None:
            continue
        line = [i for i in found if (layers.paths[i][1][-2], key) in straight]
        places = sorted(found, key=lambda i: _from(layers, i, order, result))
        middle = float(places.index(line[0])) if line else (len(places) - 1) / 2
        most = max(middle, len(places) - 1 - middle, 1.0)
        room = max(wide[key] / 2 - 7, 0.0)
        pitch = 0.0 if card.look == "sign" else min(_PORT, room / most)
        for at, i in enumerate(places):
            result.ins[i] = (at - middle) * pitch


def _from(layers: Layers, i: int, order: Mapping[Item, int], result: Across) -> tuple[int, float]:
    wire, path = layers.paths[i]
    return order[path[-2]], result.outs.get(wire.value, 0.0)


# --- rows -----------------------------------------------------------------------------------------


def _straight(scene: Scene, layers: Layers) -> set[tuple[Item, Item]]:
    """The pairs that are to stand in one line: at most one on each side of an item, none crossing."""
    there, on = depths(scene)
    ins: dict[Item, list[Item]] = {}
    outs: dict[Item, list[Item]] = {}
    for c in range(len(layers.columns) - 1):
        for a, b, _ in layers.segments(c):
            outs.setdefault(a, []).append(b)
            ins.setdefault(b, []).append(a)
    readers: dict[str, set[str]] = {}
    sources: dict[str, set[str]] = {}
    for wire in scene.wires:
        readers.setdefault(wire.tail, set()).add(wire.head)
        sources.setdefault(wire.head, set()).add(wire.tail)

    bridges = _bridges(scene, layers)

    def rating(a: Item, b: Item) -> int:
        if (a, b) in bridges:
            return 4
        if isinstance(a, tuple) and isinstance(b, tuple):
            return 3
        if isinstance(a, str) and isinstance(b, str):
            deepest = _alone(a, sources[b], there) and _alone(b, readers[a], on)
            return 2 if deepest else 0
        return 1 if len(outs[a]) == 1 and len(ins[b]) == 1 else 0

    chosen: set[tuple[Item, Item]] = set()
    for c in range(len(layers.columns) - 1):
        left = {item: i for i, item in enumerate(layers.columns[c])}
        right = {item: i for i, item in enumerate(layers.columns[c + 1])}
        pairs = [(rating(a, b), left[a], right[b], a, b) for a, b, _ in layers.segments(c)]
        taken: list[tuple[int, int]] = []
        for rated, at, to, a, b in sorted(pairs, key=lambda p: (-p[0], p[1], p[2])):
            i = bisect_left(taken, (at, to))
            fits = (i == 0 or (taken[i - 1][0] < at and taken[i - 1][1] < to)) and (
                i == len(taken) or (taken[i][0] > at and taken[i][1] > to)
            )
            if rated and fits:
                insort(taken, (at, to))
                chosen.add((a, b))
    return chosen


def _bridges(scene: Scene, layers: Layers) -> set[tuple[Item, Item]]:
    """The ends of a U-Net's skips: long wires to a concatenation, one within the other. Standing in
    line with them, the cards take the shape of the U."""
    found = []
    for wire, path in layers.paths:
        if len(path) - 1 >= _BRIDGE and scene.cards[wire.head].title in ("cat", "concat"):
            found.append((layers.rank[wire.tail], layers.rank[wire.head], path))
    nested = [
        path
        for start, end, path in found
        if any((a < start and end < b) or (start < a and b < end) for a, b, _ in found)
    ]
    return {pair for path in nested for pair in ((path[0], path[1]), (path[-2], path[-1]))}


def _alone(key: str, among: set[str], depth: Mapping[str, int]) -> bool:
    """Whether one of several is the deepest, and no other is as deep."""
    return all(other == key or depth[other] < depth[key] for other in among)


def _rows(
    layers: Layers, straight: set[tuple[Item, Item]], result: Across
) -> list[dict[Item, float]]:
    """The rigid rows: items with their places relative to the row."""
    at: dict[tuple[Item, Item], float] = {}
    for i, (wire, path) in enumerate(layers.paths):
        for a, b in itertools.pairwise(path):
            if (a, b) in straight:
                leaves = result.outs[wire.value] if isinstance(a, str) else 0.0
                enters = result.ins[i] if isinstance(b, str) else 0.0
                at[a, b] = leaves - enters
    following = dict(straight)
    heads = [i for column in layers.columns for i in column if i not in {b for _, b in straight}]
    rows = []
    for head in heads:
        row, item, place = {head: 0.0}, head, 0.0
        while item in following:
            place += at[item, following[item]]
            item = following[item]
            row[item] = place
        rows.append(row)
    return rows


# --- settling -------------------------------------------------------------------------------------


def _settle(
    scene: Scene,
    layers: Layers,
    wide: Mapping[str, float],
    rows: list[dict[Item, float]],
    result: Across,
    down: bool,
) -> None:
    row_of = {item: r for r, row in enumerate(rows) for item in row}
    reach = _reaches(scene, layers, wide, down)
    above: list[dict[int, float]] = [{} for _ in rows]  # row → least distance behind it
    below: list[dict[int, float]] = [{} for _ in rows]
    for column in layers.columns:
        for p, q in itertools.pairwise(column):
            a, b = row_of[p], row_of[q]
            least = reach[p][1] + _space(p, q) + reach[q][0] + rows[a][p] - rows[b][q]
            above[b][a] = max(above[b].get(a, least), least)
            below[a][b] = above[b][a]
    pulls = _pulls(scene, layers, rows, row_of, result)
    order = _top_down(above, below)
    at = [0.0] * len(rows)
    for r in order:
        at[r] = max((at[a] + least for a, least in above[r].items()), default=0.0)
    for sweep in range(_SWEEPS):
        moved = 0.0
        for r in reversed(order) if sweep % 2 == 0 else order:
            if not pulls[r]:
                continue
            total = sum(weight for _, _, weight in pulls[r])
            wish = sum(weight * (at[o] + apart) for o, apart, weight in pulls[r]) / total
            low = max((at[a] + least for a, least in above[r].items()), default=-1e9)
            high = min((at[b] - least for b, least in below[r].items()), default=1e9)
            new = max(low, min(high, wish))
            moved = max(moved, abs(new - at[r]))
            at[r] = new
        if moved < 0.2:
            break
    for r, row in enumerate(rows):
        for item, place in row.items():
            result.items[item] = round(at[r] + place, 1)


def _reaches(
    scene: Scene, layers: Layers, wide: Mapping[str, float], down: bool
) -> dict[Item, tuple[float, float]]:
    """How far each item reaches to both sides of its middle, with the words at its wires."""
    said: dict[str, Wire] = {}
    for wire in scene.wires:
        if wire.label and (wire.tail not in said or len(wire.axes) > len(said[wire.tail].axes)):
            said[wire.tail] = wire
    reach: dict[Item, tuple[float, float]] = {}
    framed = reserved(scene)
    for column in layers.columns:
        for item in column:
            card = card_of(scene, item)
            if isinstance(item, str) and card is not None:
                half = wide[item] / 2
                low = high = half
                if (saying := said.get(item)) is not None:
                    if down:
                        words = max(text_width(saying.label, SHAPE), text_width(saying.axes, AXES))
                        high = max(half, 8 + words)
                    else:
                        low, high = max(half, 17.0), max(half, 27.0 if saying.axes else 6.0)
                low += 8.0 if card.copies else 0.0
                if item in framed:
                    low, high = low + (AROUND if down else HEAD), high + AROUND / 2
                reach[item] = low, high
            elif isinstance(item, tuple):
                bundle = layers.bundles[item[0]]
                told = bundle.last - layers.rank[bundle.tail] > LONG
                words = text_width(bundle.wires[0].label, SHAPE) + 6 if told else 0.0
                reach[item] = (0.0, words) if down else (14.0 if told else 0.0, 0.0)
    return reach


def _space(p: Item, q: Item) -> float:
    if isinstance(p, str) and isinstance(q, str):
        return BETWEEN_CARDS
    return _BETWEEN_LANES if isinstance(p, tuple) and isinstance(q, tuple) else _LANE_TO_CARD


def _pulls(
    scene: Scene,
    layers: Layers,
    rows: list[dict[Item, float]],
    row_of: Mapping[Item, int],
    result: Across,
) -> list[list[tuple[int, float, float]]]:
    """For each row what it is wired to: (row, how far apart if the wire is straight, weight)."""
    pulls: list[list[tuple[int, float, float]]] = [[] for _ in rows]
    for i, (wire, path) in enumerate(layers.paths):
        for a, b in itertools.pairwise(path):
            ra, rb = row_of[a], row_of[b]
            if ra == rb:
                continue
            leaves = result.outs[wire.value] if isinstance(a, str) else 0.0
            enters = result.ins[i] if isinstance(b, str) else 0.0
            apart = rows[ra][a] + leaves - enters - rows[rb][b]  # b's row minus a's row
            weight = 1.0 if isinstance(a, str) and isinstance(b, str) else 0.4
            # A lane comes to a row of cards, hardly ever the row to a lane.
            pulls[ra].append((rb, -apart, weight if isinstance(a, tuple) else weight * 0.5))
            pulls[rb].append((ra, apart, weight if isinstance(b, tuple) else weight * 0.5))
    return pulls


def _top_down(above: list[dict[int, float]], below: list[dict[int, float]]) -> list[int]:
    left = [len(a) for a in above]
    order = [r for r, n in enumerate(left) if n == 0]
    for r in order:
        for b in below[r]:
            left[b] -= 1
            if left[b] == 0:
                order.append(b)
    return order
