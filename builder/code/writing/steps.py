"""What runs in `forward`, in order: calls, and branches with what belongs to their sides inside.

What only one side of a branch reads, directly or not, runs only on that side. Branches that stand
next to each other and ask the same are one `if`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from builder.errors import CodeRefused, quote
from builder.graph.model import Argument, Graph, Node, Ref, iter_refs, with_refs


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
    """An `if` with two sides; it gives the values of `branches`."""

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


Item: TypeAlias = "Step | Settle | Choice | Return"

_Home: TypeAlias = tuple[tuple[str, bool], ...]
"""Where a node runs: the branches around it with the side, outermost first."""


@dataclass
class _Arranger:
    graph: Graph
    nodes: dict[str, Node]
    places: Mapping[str, int]
    idle: frozenset[str]
    homes: dict[str, _Home] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)  # branch → the last branch of its `if`
    members: dict[_Home, list[Node]] = field(default_factory=dict)


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
    live = _without_even_branches(live)
    arranger = _Arranger(
        graph, live, {name: i for i, name in enumerate(live)}, _idle_branches(live)
    )
    _find_homes(arranger)
    for node in live.values():
        arranger.members.setdefault(arranger.homes.get(node.id, ()), []).append(node)
    outputs = [node for node in live.values() if node.kind == "output"]
    values = tuple(ref for node in outputs for ref in iter_refs(node.arguments.get("value")))
    if not outputs or len(values) != len(outputs):
        raise CodeRefused("The network gives nothing yet: add an output and choose its value.")
    return (*_items_at(arranger, ()), Return(values))


def _without_even_branches(live: Mapping[str, Node]) -> dict[str, Node]:
    """Leaves out branches whose sides are the same value: they decide nothing."""
    through: dict[str, Ref] = {}

    def past(ref: Ref) -> Ref:
        source = through.get(ref.node)
        return Ref(source.node, (*source.path, *ref.path)) if source is not None else ref

    kept: dict[str, Node] = {}
    for node in live.values():
        node = with_refs(node, past)
        side = node.arguments.get("if_true")
        if (
            node.kind == "branch"
            and side == node.arguments.get("if_false")
            and isinstance(side, Ref)
        ):
            through[node.id] = side
        else:
            kept[node.id] = node
    return kept


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


def _find_homes(arranger: _Arranger) -> None:
    """Goes backwards, so that every reader's home is known before that of what it reads."""
    needed: dict[str, list[_Home]] = {}

    def need(argument: Argument, home: _Home) -> None:
        for ref in iter_refs(argument):
            needed.setdefault(ref.node, []).append(home)

    following: list[Node] = []  # branches behind, nearest last
    backwards = list(reversed(arranger.nodes.values()))
    between: list[str] = []  # nodes behind, up to the nearest branch at or above
    for node in backwards:
        if node.kind in ("input", "weight"):
            continue
        home = _common(needed.get(node.id, []))
        arranger.homes[node.id] = home
        if node.kind != "branch":
            for argument in node.arguments.values():
                need(argument, home)
            between.append(node.id)
            continue
        group = _group_of(arranger, node, home, following, between)
        arranger.groups[node.id] = group
        need(node.arguments.get("condition"), home)
        need(node.arguments.get("if_true"), (*home, (group, True)))
        need(node.arguments.get("if_false"), (*home, (group, False)))
        following.append(node)
        between.append(node.id)


def _common(homes: list[_Home]) -> _Home:
    if not homes:
        return ()
    first, *others = homes
    length = len(first)
    for other in others:
        length = next(
            (i for i, (a, b) in enumerate(zip(first[:length], other, strict=False)) if a != b),
            min(length, len(other)),
        )
    return first[:length]


def _group_of(
    arranger: _Arranger, node: Node, home: _Home, following: list[Node], between: list[str]
) -> str:
    """The `if` a branch belongs to: that of the next one if it asks the same right behind."""
    for later in reversed(following):
        if arranger.homes[later.id] != home:
            continue
        group = arranger.groups[later.id]
        same = later.arguments.get("condition") == node.arguments.get("condition")
        # What runs between the two must run inside the `if`.
        inside = all(
            (arranger.groups.get(name) == group and arranger.homes[name] == home)
            or _is_inside(arranger.homes[name], home, group)
            for name in _since(between, later.id)
        )
        return group if same and inside else node.id
    return node.id


def _since(between: list[str], branch: str) -> list[str]:
    """Nodes in front of a branch, among those passed going backwards."""
    return between[between.index(branch) + 1 :]


def _is_inside(home: _Home, parent: _Home, group: str) -> bool:
    return (
        len(home) > len(parent) and home[: len(parent)] == parent and home[len(parent)][0] == group
    )


def _items_at(arranger: _Arranger, home: _Home) -> Iterator[Item]:
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
    arranger: _Arranger, home: _Home, branches: tuple[Node, ...], side: bool
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

    def place(item: Item) -> int:
        match item:
            case Step(node=node):
                return arranger.places[node.id]
            case Settle(branch=branch):
                return arranger.places[branch.id]
            case Choice(branches=inside):
                return arranger.places[inside[-1].id]
            case _:
                return len(arranger.places)

    yield from sorted([*items, *ends], key=place)
