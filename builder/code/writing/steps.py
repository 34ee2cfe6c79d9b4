"""What runs in `forward`, in order: calls, and branches with what belongs to their sides inside.

On which side of a branch a node runs says `graph.sides`, and what runs in one mode only. That is a Choice
without a value; where outputs differ between the modes, one that returns on its side is the last but one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import TypeAlias

from builder.errors import CodeRefused, quote
from builder.graph.model import Argument, Graph, Node, Ref, Training, iter_refs, with_refs
from builder.graph.modes import CHOICES, has_modes, mode_of
from builder.graph.sides import MODE, Home, find_sides, without_even_branches


@dataclass(frozen=True, slots=True)
class Step:
    """One call. The node reads past bypassed nodes."""

    node: Node

    @property
    def reads(self) -> list[Ref]:
        return [ref for a in self.node.arguments.values() for ref in iter_refs(a)]


@dataclass(frozen=True, slots=True)
class Settle:
    """The end of a branch's side: the branch's value is this one."""

    branch: Node
    value: Ref


@dataclass(frozen=True, slots=True)
class Choice:
    """An `if` with two sides; it gives the values of `branches`, or what runs in one mode only."""

    condition: Argument
    branches: tuple[Node, ...]
    if_true: tuple[Item, ...]
    if_false: tuple[Item, ...]

    @property
    def sides(self) -> tuple[tuple[Item, ...], tuple[Item, ...]]:
        return self.if_true, self.if_false


@dataclass(frozen=True, slots=True)
class Return:
    """What the graph gives, one reference for each output."""

    values: tuple[Ref, ...]
    outputs: tuple[Node, ...] = ()


Item: TypeAlias = "Step | Settle | Choice | Return"


@dataclass
class _Arranger:
    graph: Graph
    nodes: dict[str, Node]
    places: Mapping[str, int]
    idle: frozenset[str]
    homes: Mapping[str, Home]
    groups: Mapping[str, str]
    members: dict[Home, list[Node]] = field(default_factory=dict)


def arrange(graph: Graph) -> tuple[Item, ...]:
    """The steps of a graph in running order, the last one its Return.

    Errors: CodeRefused for a graph without outputs, an unwired node, or one that reads forward.
    """
    live = {
        node.id: with_refs(node, graph.resolve)
        for node in graph.nodes.values()
        if not (node.bypassed and node.kind not in ("input", "output"))
    }
    _check_order(graph, live)
    live = without_even_branches(live)
    sides = find_sides(live)
    places = {name: i for i, name in enumerate(live)}
    arranger = _Arranger(graph, live, places, _idle_branches(live), sides.homes, sides.groups)
    for node in live.values():
        arranger.members.setdefault(arranger.homes.get(node.id, ()), []).append(node)
    if not has_modes(graph):
        return (*_items_at(arranger, ()), _return(live, None))
    return _in_modes(arranger, _return(live, True), _return(live, False))


def _return(live: Mapping[str, Node], training: bool | None) -> Return:
    """What is given back in one mode, in any one for None."""
    other = None if training is None else CHOICES[1] if training else CHOICES[0]
    outputs = tuple(
        n for n in live.values() if n.kind == "output" and (other is None or mode_of(n) != other)
    )
    values = tuple(ref for node in outputs for ref in iter_refs(node.arguments.get("value")))
    if not outputs or len(values) != len(outputs):
        when = "" if training is None else " while training" if training else " in evaluation"
        raise CodeRefused(
            f"The network gives nothing yet{when}: add an output and choose its value."
        )
    return Return(values, outputs)


def _in_modes(arranger: _Arranger, trained: Return, evaluated: Return) -> tuple[Item, ...]:
    """All items, those of one mode inside an `if`: the last ones with what is returned there."""
    found: list[tuple[int, bool | None, Item]] = []
    for mode in (None, True, False):
        home: Home = () if mode is None else ((MODE, mode),)
        for item in _items_at(arranger, home):
            found.append((_place(arranger, item), mode, item))
    found.sort(key=lambda each: each[0])
    end = len(found)
    while end and found[end - 1][1] is not None:
        end -= 1
    items: list[Item] = []
    for mode, run in groupby(found[:end], key=lambda each: each[1]):
        inside = tuple(item for _, _, item in run)
        if mode is None:
            items += inside
        else:
            items.append(_in_mode(inside if mode else (), () if mode else inside))
    last: dict[bool, tuple[Item, ...]] = {
        mode: tuple(item for _, m, item in found[end:] if m is mode) for mode in (True, False)
    }
    items.append(_in_mode((*last[True], trained), ()))
    return (*items, *last[False], evaluated)


def _in_mode(yes: tuple[Item, ...], no: tuple[Item, ...]) -> Choice:
    return Choice(Training(), (), yes, no)


def _idle_branches(live: Mapping[str, Node]) -> frozenset[str]:
    """Branches whose value nothing reads, other than a side of such a branch."""
    read: set[str] = set()
    idle: set[str] = set()
    for node in reversed(list(live.values())):
        if node.kind == "branch" and node.id not in read:
            idle.add(node.id)
            read |= {ref.node for ref in iter_refs(node.arguments.get("condition"))}
        else:
            read |= {ref.node for a in node.arguments.values() for ref in iter_refs(a)}
    return frozenset(idle)


def _check_order(graph: Graph, live: Mapping[str, Node]) -> None:
    seen: set[str] = set()
    for node in live.values():
        for ref in (r for a in node.arguments.values() for r in iter_refs(a)):
            if ref.node in seen:
                continue
            who = quote(graph.label(node.id))
            if ref.node in live:
                later = quote(graph.label(ref.node))
                raise CodeRefused(f"{who} reads {later}, which runs after it. Move one of them.")
            raise CodeRefused(f"{who} reads a layer that does not exist any more. Wire it again.")
        seen.add(node.id)


def _items_at(arranger: _Arranger, home: Home) -> Iterator[Item]:
    """The items whose home is exactly this one; sides of branches inside follow by themselves."""
    for node in arranger.members.get(home, []):
        if node.kind in ("input", "weight", "output"):
            continue
        if node.kind != "branch":
            yield Step(node)
            continue
        group = arranger.groups[node.id]
        if node.id != group:
            continue  # written with the last one of its `if`
        branches = tuple(n for n in arranger.nodes.values() if arranger.groups.get(n.id) == group)
        sides = [tuple(_side(arranger, home, branches, side)) for side in (True, False)]
        if any(sides):
            yield Choice(node.arguments.get("condition"), branches, sides[0], sides[1])


def _side(
    arranger: _Arranger, home: Home, branches: tuple[Node, ...], side: bool
) -> Iterator[Item]:
    """One side of an `if`: its nodes, and at the place of each branch what that branch gives."""
    inner = (*home, (branches[-1].id, side))
    items = list(_items_at(arranger, inner))
    ends = []
    for branch in branches:
        ref = next(iter_refs(branch.arguments.get("if_true" if side else "if_false")), None)
        if ref is None:
            raise CodeRefused(
                f"The branch {quote(arranger.graph.label(branch.id))} has a side without a value."
            )
        if branch.id not in arranger.idle:
            ends.append(Settle(branch, ref))

    yield from sorted([*items, *ends], key=lambda item: _place(arranger, item))


def _place(arranger: _Arranger, item: Item) -> int:
    """Where an item stands among the nodes."""
    match item:
        case Step(node=node):
            return arranger.places[node.id]
        case Settle(branch=branch):
            return arranger.places[branch.id]
        case Choice(branches=inside):
            return arranger.places[inside[-1].id]
        case _:
            return len(arranger.places)
