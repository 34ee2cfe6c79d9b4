"""Stretches of a network that stand several times in a row: what can be folded into one block.

A fold means the same: each stretch reads what the one before it gives, and nothing else of it; all are
made alike, with weights of their own; and what goes in has the shape of what comes out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from builder.graph.blocks import graph_at
from builder.graph.inside import reports_at
from builder.graph.model import Argument, Graph, Node, Ref, Value, map_refs, refs_in
from builder.graph.report import NodeReport
from builder.graph.shapes import infer_shapes
from builder.graph.symbols import frozen

LONGEST = 64  # nodes of a stretch that are looked for
_FEWEST = 3  # layers in a row that are worth a block each
_COMPARED = 20_000  # nodes compared before the search gives up; some 20 ms
_NAMED = 4  # layers named in the words for a stretch
_ANYWHERE = Ref("")

_Rows: TypeAlias = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A run of equal stretches. `nodes`: the ids of each, in running order; `words`: what one holds."""

    nodes: tuple[tuple[str, ...], ...]
    words: str

    def __str__(self) -> str:
        return f"{len(self.nodes)} × {self.words}"


@dataclass(frozen=True, slots=True)
class Chain:
    """How equal stretches hang together: what goes into the first one, and what each one gives."""

    enters: Ref
    gives: tuple[Ref, ...]


def find_repeats(root: Graph, scope: str = "") -> tuple[Repeat, ...]:
    """The runs that `FoldRepeats` can fold, the longest first where they would overlap."""
    graph = graph_at(root, scope)
    keys = _keys(graph)
    runs = sorted(_runs(keys), key=lambda run: (-(run[2] // run[0]) * run[0], run[0], run[1]))
    if not runs:
        return ()
    search = _Search(graph, reports_at(root, infer_shapes(root), scope))
    found: list[tuple[int, Repeat]] = []
    taken: set[int] = set()
    waiting = deque(runs)
    while waiting and search.left > 0:
        period, start, length = waiting.popleft()
        if not taken.isdisjoint(range(start, start + length)):
            continue
        if hit := search.within(period, start, length):
            at, stretches = hit
            end = at + period * len(stretches)
            taken.update(range(at, end))
            found.append((at, Repeat(stretches, _words(graph, stretches[0]))))
            rest = ((period, end, start + length - end), (period, start, at - start))
            waiting.extendleft(run for run in rest if run[2] >= 2 * period)
    return tuple(repeat for _, repeat in sorted(found, key=lambda pair: pair[0]))


def chain_of(
    graph: Graph, stretches: Sequence[Sequence[str]], reports: Mapping[str, NodeReport]
) -> Chain | None:
    """How these stretches can be one block repeated, None if they cannot."""
    return _Links(graph, reports).chain(stretches) if len(stretches) > 1 else None


class _Links:
    """What is asked of a graph again and again while stretches are compared."""

    def __init__(self, graph: Graph, reports: Mapping[str, NodeReport]) -> None:
        self.graph, self.reports = graph, reports
        self.likeness = dict(zip(graph.nodes, _keys(graph), strict=True))
        self.owner_place = {identity: i for i, identity in enumerate(graph.owners)}
        self.readers: dict[str, list[tuple[str, Ref]]] = {i: [] for i in graph.nodes}
        self.calls: dict[str, set[str]] = {}
        self.tied = {i for i, o in graph.owners.items() if o.ties}
        self.tied |= {other for o in graph.owners.values() for other, _ in o.ties.values()}
        for node in graph.nodes.values():
            if node.kind in ("layer", "weight"):
                self.calls.setdefault(node.target, set()).add(node.id)
            for ref in refs_in(node):
                self.readers[ref.node].append((node.id, ref))

    def chain(self, rows: Sequence[Sequence[str]], whole: bool = True) -> Chain | None:
        """See `chain_of`; not `whole`: what is read of the last row is not looked at yet."""
        place = {identity: (k, j) for k, row in enumerate(rows) for j, identity in enumerate(row)}
        if any(len(row) != len(rows[0]) for row in rows) or len(place) < len(rows[0]) * len(rows):
            return None
        if not self._owners_alike(rows):
            return None
        entering: set[Ref] = set()
        staying: set[Ref] = set()
        given: set[tuple[int, tuple[int, ...]]] = set()
        for k, row in enumerate(rows[1:], 1):
            for ref, same in self._pairs(rows[0], row):
                its, there = place.get(ref.node), place.get(same.node)
                if its is not None:
                    if its[0] != 0 or there != (k, its[1]) or ref.path != same.path:
                        return None
                elif there is None and ref == same:
                    staying.add(ref)
                elif there is not None and there[0] == k - 1:
                    entering.add(ref)
                    given.add((there[1], same.path))
                else:
                    return None
        if len(entering) != 1 or len(given) != 1 or entering & staying:
            return None
        (index, path), enters = next(iter(given)), next(iter(entering))
        gives = tuple(Ref(row[index], path) for row in rows)
        looked_at = rows if whole else rows[:-1]
        read = {
            ref
            for row in looked_at
            for identity in row
            for reader, ref in self.readers[identity]
            if reader not in place
        }
        if read != ({gives[-1]} if whole else set()):
            return None
        shapes = [_value(self.reports, ref) for ref in (enters, *gives)]
        if shapes[0] is None or any(shape != shapes[0] for shape in shapes):
            return None
        return Chain(enters, gives)

    def _pairs(self, row: Sequence[str], other: Sequence[str]) -> Iterator[tuple[Ref, Ref]]:
        """What the nodes of two rows read, side by side."""
        for one, its in zip(row, other, strict=True):
            yield from zip(
                refs_in(self.graph.nodes[one]), refs_in(self.graph.nodes[its]), strict=True
            )

    def _owners_alike(self, rows: Sequence[Sequence[str]]) -> bool:
        """Whether the nodes are made alike, by owners of their own that stand in the same order."""
        first, last = None, -1
        for row in rows:
            nodes = [self.graph.nodes[i] for i in row]
            called = [n.target for n in nodes if n.kind in ("layer", "weight")]
            if self.tied.intersection(called):
                return False
            own = sorted(set(called), key=self.owner_place.__getitem__)
            rank = {owner: i for i, owner in enumerate(own)}
            pattern = [rank[o] for o in called], [self.likeness[i] for i in row]
            first = first or pattern
            if pattern != first or not all(self.calls[o] <= set(row) for o in own):
                return False
            if own and self.owner_place[own[0]] < last:
                return False
            last = self.owner_place[own[-1]] if own else last
        return True


class _Search:
    """Tries where in a run the stretches begin, within a bound on the work."""

    def __init__(self, graph: Graph, reports: Mapping[str, NodeReport]) -> None:
        self.links = _Links(graph, reports)
        self.order = list(graph.nodes)
        self.left = _COMPARED

    def within(self, period: int, start: int, length: int) -> tuple[int, _Rows] | None:
        """The longest row of stretches in a run that hang together, and where it begins."""
        best: tuple[int, _Rows] | None = None
        for phase in range(min(period, length - 2 * period + 1)):
            at, most = start + phase, (length - phase) // period
            if best is not None and most <= len(best[1]):
                break
            rows = [tuple(self.order[at + k * period :][:period]) for k in range(most)]
            for first, count in self._linked(rows):
                found = self._whole(rows[first : first + count])
                if found and (best is None or len(found) > len(best[1])):
                    best = self.order.index(found[0][0]), found
        return best

    def _linked(self, rows: list[tuple[str, ...]]) -> Iterator[tuple[int, int]]:
        """(first, count) of the stretches of which each feeds the next and nobody else."""
        first = 0
        for k in range(1, len(rows) + 1):
            self.left -= len(rows[0])
            pair = rows[k - 1 : k + 1]
            if self.left > 0 and len(pair) > 1 and self.links.chain(pair, whole=False):
                continue
            if k - first > 1:
                yield first, k - first
            first = k

    def _whole(self, rows: list[tuple[str, ...]]) -> _Rows | None:
        """The rows as one chain, without the first or the last where only that one does not fit."""
        made = (self.links.reports.get(i) for i in rows[0])
        if not any(report is not None and report.parameters for report in made):
            return None
        for part in (rows, rows[:-1], rows[1:], rows[1:-1]):
            enough = len(part) > 1 and len(part) * len(part[0]) >= _FEWEST
            if enough and self.links.chain(part):
                return tuple(part)
        return None


def _keys(graph: Graph) -> list[int]:
    """A number for each node in order: the same one where nodes are made and called alike."""
    numbers: dict[Hashable, int] = {}
    keys = []
    for i, node in enumerate(graph.nodes.values()):
        key: Hashable = ("end", i) if node.kind in ("input", "output") else _likeness(graph, node)
        keys.append(numbers.setdefault(key, len(numbers)))
    return keys


def _likeness(graph: Graph, node: Node) -> Hashable:
    """All that must be the same at two nodes, without names, places and what they read."""
    owner = graph.owner_of(node) or graph.held_by(node)
    made: Hashable = node.target
    if owner is not None:
        norms = tuple((norm.kind, _frozen(norm.arguments)) for norm in owner.norms)
        made = (
            owner.target,
            _frozen(owner.arguments),
            owner.frozen,
            owner.repeat,
            owner.shared,
            norms,
        )
    call = {name: map_refs(a, lambda _: _ANYWHERE) for name, a in node.arguments.items()}
    return node.kind, made, node.bypassed, node.note, _frozen(call)


def _frozen(arguments: Mapping[str, Argument]) -> Hashable:
    return tuple((name, frozen(value)) for name, value in arguments.items())


def _runs(keys: list[int]) -> Iterator[tuple[int, int, int]]:
    """(period, start, length) of every run in which each node is like the one a period further."""
    for period in range(1, min(LONGEST, len(keys) // 2) + 1):
        begin = 0
        alike = [a == b for a, b in zip(keys, keys[period:], strict=False)]
        for i, same in enumerate([*alike, False]):
            if not same:
                if i - begin >= period and (i - begin) + period >= _FEWEST:
                    yield period, begin, i - begin + period
                begin = i + 1


def _value(reports: Mapping[str, NodeReport], ref: Ref) -> Value | None:
    value = reports[ref.node].result if ref.node in reports else None
    for step in ref.path:
        value = value[step] if isinstance(value, tuple) and step < len(value) else None
    return value


def _words(graph: Graph, stretch: Sequence[str]) -> str:
    """Conv2d–BatchNorm2d–ReLU; of a long stretch the first layers and how many there are."""
    names = []
    for identity in stretch:
        node = graph.nodes[identity]
        owner = graph.owner_of(node) or graph.held_by(node)
        target = (owner.target if owner else node.target) or node.kind
        names.append(target.rpartition(":")[2].rpartition(".")[2])
    if len(names) <= _NAMED + 1:
        return "–".join(names)
    return f"{'–'.join(names[:_NAMED])}–… ({len(names)} layers)"


__all__ = ["Chain", "Repeat", "chain_of", "find_repeats"]
