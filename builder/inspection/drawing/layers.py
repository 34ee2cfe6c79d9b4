"""The first half of a layered drawing: which column each card stands in, and in which order.

After Sugiyama, Tagawa and Toda (1981). A wire that passes columns has a *lane* in each of them, so
that nothing else stands in its way.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from builder.inspection.drawing.scene import Card, Scene, Wire

_SWEEPS: Final = 12

Item: TypeAlias = "str | tuple[int, int]"
"""What stands in a column: a card by its key, or the lane of a wire: (its bundle, the column)."""


@dataclass(slots=True)
class Bundle:
    """The wires that bring one value to one column: they share their lanes."""

    tail: str
    part: tuple[int, ...]
    last: int
    wires: list[Wire]


@dataclass(slots=True)
class Layers:
    """Columns of items in order, and what joins neighbouring columns."""

    columns: list[list[Item]]
    rank: dict[str, int]
    bundles: list[Bundle]
    paths: list[tuple[Wire, list[Item]]]

    def segments(self, column: int) -> list[tuple[Item, Item, Wire]]:
        """What joins a column to the next: each pair of items once."""
        found: dict[tuple[Item, Item], Wire] = {}
        for wire, path in self.paths:
            at = column - self.rank[wire.tail]
            if 0 <= at < len(path) - 1:
                found.setdefault((path[at], path[at + 1]), wire)
        return [(a, b, wire) for (a, b), wire in found.items()]


def layered(scene: Scene) -> Layers:
    """Columns for a scene's cards, with few crossings between them."""
    rank = ranks(scene)
    columns: list[list[Item]] = [[] for _ in range(max(rank.values(), default=-1) + 1)]
    bundles = _bundles(scene, rank)
    lanes: dict[tuple[str, tuple[int, ...]], list[Item]] = {}
    for i, bundle in enumerate(bundles):  # lanes first: they stay on one side of the cards
        path = [(i, column) for column in range(rank[bundle.tail] + 1, bundle.last)]
        lanes[bundle.tail, bundle.part] = list(path)
        for lane in path:
            columns[lane[1]].append(lane)
    for key in scene.cards:
        columns[rank[key]].append(key)
    paths = []
    for wire in scene.wires:
        passed = lanes[wire.value][: rank[wire.head] - rank[wire.tail] - 1]
        paths.append((wire, [wire.tail, *passed, wire.head]))
    layers = Layers(columns, rank, bundles, paths)
    _order(layers)
    return layers


def _bundles(scene: Scene, rank: Mapping[str, int]) -> list[Bundle]:
    bundles: dict[tuple[str, tuple[int, ...]], Bundle] = {}
    for wire in scene.wires:
        bundle = bundles.setdefault(wire.value, Bundle(wire.tail, wire.part, 0, []))
        bundle.last = max(bundle.last, rank[wire.head])
        bundle.wires.append(wire)
    # The longest first, so that wires over other wires lie outside.
    return sorted(bundles.values(), key=lambda b: rank[b.tail] - b.last)


# --- columns --------------------------------------------------------------------------------------


def ranks(scene: Scene) -> dict[str, int]:
    """Each card's column: behind what it reads, near what reads it, in the middle of its slack."""
    before, after = _neighbours(scene)
    early: dict[str, int] = {}
    for key in scene.cards:
        early[key] = 1 + max((early[k] for k in before[key]), default=-1)
    last = max(early.values(), default=0)
    late: dict[str, int] = {}
    for key in reversed(scene.cards):
        late[key] = min((late[k] for k in after[key]), default=last + 1) - 1
    rank: dict[str, int] = {}
    for key in reversed(scene.cards):
        nearest = min((rank[k] for k in after[key]), default=last + 1) - 1
        look = scene.cards[key].look
        if look == "gate":  # the ends of an unfolded block stand at its sides
            rank[key] = last if before[key] else 0
        elif not after[key]:
            rank[key] = early[key]
        elif len(before[key]) < len(after[key]) or not before[key]:
            rank[key] = nearest
        elif len(before[key]) > len(after[key]):
            rank[key] = early[key]
        else:
            rank[key] = min(nearest, (early[key] + late[key] + 1) // 2)
    used = {r: i for i, r in enumerate(sorted(set(rank.values())))}
    return {key: used[rank[key]] for key in scene.cards}


def _neighbours(scene: Scene) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    before: dict[str, set[str]] = {key: set() for key in scene.cards}
    after: dict[str, set[str]] = {key: set() for key in scene.cards}
    for wire in scene.wires:
        before[wire.head].add(wire.tail)
        after[wire.tail].add(wire.head)
    return before, after


def depths(scene: Scene) -> tuple[dict[str, int], dict[str, int]]:
    """Of each card the longest way to it, and the longest way from it, in cards."""
    before, after = _neighbours(scene)
    there: dict[str, int] = {}
    for key in scene.cards:
        there[key] = 1 + max((there[k] for k in before[key]), default=-1)
    on: dict[str, int] = {}
    for key in reversed(scene.cards):
        on[key] = 1 + max((on[k] for k in after[key]), default=-1)
    return there, on


# --- order ----------------------------------------------------------------------------------------


def _order(layers: Layers) -> None:
    """Sweeps to and fro, each time by the mean place of the neighbours; the best order is kept."""
    joined = [layers.segments(c) for c in range(len(layers.columns) - 1)]
    pairs = [[(a, b) for a, b, _ in segments] for segments in joined]
    best, fewest = [list(c) for c in layers.columns], _crossings(layers.columns, pairs)
    for sweep in range(_SWEEPS):
        if fewest == 0:
            break
        if sweep % 2 == 0:
            for c in range(1, len(layers.columns)):
                _sort(layers.columns[c], layers.columns[c - 1], [(b, a) for a, b in pairs[c - 1]])
        else:
            for c in range(len(layers.columns) - 2, -1, -1):
                _sort(layers.columns[c], layers.columns[c + 1], pairs[c])
        _swap(layers.columns, pairs)
        count = _crossings(layers.columns, pairs)
        if count < fewest:
            best, fewest = [list(c) for c in layers.columns], count
    layers.columns[:] = best


def _sort(column: list[Item], fixed: Sequence[Item], pairs: Sequence[tuple[Item, Item]]) -> None:
    """Sorts a column by the mean place of each item's neighbours; who has none keeps its place."""
    place = {item: i for i, item in enumerate(fixed)}
    found: dict[Item, list[int]] = {}
    for item, other in pairs:
        found.setdefault(item, []).append(place[other])
    means = {item: sum(at) / len(at) for item, at in found.items()}
    moving = iter(sorted((i for i in column if i in means), key=lambda i: means[i]))
    column[:] = [next(moving) if item in means else item for item in column]


def _swap(columns: list[list[Item]], pairs: list[list[tuple[Item, Item]]]) -> None:
    """Exchanges neighbours in a column wherever that removes crossings."""
    for c, column in enumerate(columns):
        left = pairs[c - 1] if c else []
        right = pairs[c] if c < len(pairs) else []
        sides: list[dict[Item, list[int]]] = []
        for other, joined in (
            (columns[c - 1] if c else [], [(b, a) for a, b in left]),
            (columns[c + 1] if c < len(pairs) else [], right),
        ):
            place = {item: i for i, item in enumerate(other)}
            side: dict[Item, list[int]] = {}
            for item, end in joined:
                side.setdefault(item, []).append(place[end])
            sides.append(side)
        for i in range(len(column) - 1):
            a, b = column[i], column[i + 1]
            now = sum(_inversions(s.get(a, []), s.get(b, [])) for s in sides)
            then = sum(_inversions(s.get(b, []), s.get(a, [])) for s in sides)
            if then < now:
                column[i], column[i + 1] = b, a


def _inversions(first: list[int], second: list[int]) -> int:
    return sum(a > b for a in first for b in second)


def _crossings(
    columns: Sequence[Sequence[Item]], pairs: Sequence[Sequence[tuple[Item, Item]]]
) -> int:
    count = 0
    for c, joined in enumerate(pairs):
        left = {item: i for i, item in enumerate(columns[c])}
        right = {item: i for i, item in enumerate(columns[c + 1])}
        ends = [r for _, r in sorted((left[a], right[b]) for a, b in joined)]
        seen: list[int] = []
        for end in ends:
            count += len(seen) - bisect_left(seen, end + 1)
            insort(seen, end)
    return count


def card_of(scene: Scene, item: Item) -> Card | None:
    """The card an item is; None for a lane."""
    return scene.cards[item] if isinstance(item, str) else None
