"""On which side of which branch each node of a graph runs, and when.

What only one side of a branch reads, directly or not, runs only on that side. Branches that stand
next to each other and ask the same are one `if`, at the place of the last of them. What only outputs of
one mode read runs in that mode, where it stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from builder.graph.model import Argument, Node, Ref, iter_refs, with_refs
from builder.graph.modes import mode_of

MODE: Final = ""
"""Stands for a branch in the home of what runs in one mode only; True is training."""

Home: TypeAlias = tuple[tuple[str, bool], ...]
"""Where a node runs: the branches around it with the side, outermost first."""


@dataclass
class Sides:
    """`homes`: of each node but inputs and weights. `groups`: of each branch, the last one of its `if`.

    `places`: of each node in the order of the graph.
    """

    places: Mapping[str, int]
    homes: dict[str, Home] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)

    def moment(self, node: str) -> tuple[int, ...]:
        """When a node runs, to be compared with those of others: an `if` runs where it ends."""
        homes = self.homes.get(node, ())
        around = tuple(self.places[group] for group, _ in homes if group != MODE)
        return (*around, self.places[self.groups.get(node, node)])


def find_sides(nodes: Mapping[str, Node]) -> Sides:
    """Goes backwards, so that every reader's home is known before that of what it reads."""
    found = Sides({name: place for place, name in enumerate(nodes)})
    needed: dict[str, list[Home]] = {}

    def need(argument: Argument, home: Home) -> None:
        for ref in iter_refs(argument):
            needed.setdefault(ref.node, []).append(home)

    following: list[Node] = []  # branches behind, nearest last
    backwards = list(nodes.values())[::-1]
    between: list[str] = []  # nodes behind, up to the nearest branch at or above
    for node in backwards:
        if node.kind in ("input", "weight"):
            continue
        home = _common(needed.get(node.id, []))
        if (mode := mode_of(node)) is not None:
            home = ((MODE, mode == "training"),)
        found.homes[node.id] = home
        if node.kind != "branch":
            for argument in node.arguments.values():
                need(argument, home)
            between.append(node.id)
            continue
        group = _group_of(found, node, home, following, between)
        found.groups[node.id] = group
        need(node.arguments.get("condition"), home)
        need(node.arguments.get("if_true"), (*home, (group, True)))
        need(node.arguments.get("if_false"), (*home, (group, False)))
        following.append(node)
        between.append(node.id)
    return found


def without_even_branches(live: Mapping[str, Node]) -> dict[str, Node]:
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


def _common(homes: list[Home]) -> Home:
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
    found: Sides, node: Node, home: Home, following: list[Node], between: list[str]
) -> str:
    """The `if` a branch belongs to: that of the next one if it asks the same right behind."""
    for later in reversed(following):
        if found.homes[later.id] != home:
            continue
        group = found.groups[later.id]
        same = later.arguments.get("condition") == node.arguments.get("condition")
        # What runs between the two must run inside the `if`.
        inside = all(
            (found.groups.get(name) == group and found.homes[name] == home)
            or _is_inside(found.homes[name], home, group)
            for name in _since(between, later.id)
        )
        return group if same and inside else node.id
    return node.id


def _since(between: list[str], branch: str) -> list[str]:
    """Nodes in front of a branch, among those passed going backwards."""
    return between[between.index(branch) + 1 :]


def _is_inside(home: Home, parent: Home, group: str) -> bool:
    return (
        len(home) > len(parent) and home[: len(parent)] == parent and home[len(parent)][0] == group
    )
