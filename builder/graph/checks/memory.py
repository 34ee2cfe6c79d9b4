"""Whose memory a value lies in, who wrote over it, and whose backward pass reads it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from builder.errors import quote
from builder.graph import backward
from builder.graph.diagnostics import Diagnostic
from builder.graph.model import Graph, Node
from builder.graph.wiring import name_of

SIDES = ("if_true", "if_false")
Side: TypeAlias = tuple[tuple[str, ...], str, str]
"""One side of one branch: the calls it stands in, its node, and which of SIDES."""


@dataclass(frozen=True, slots=True)
class Held:
    """Where a tensor lies: its storages, each with the version it was read at.

    `learns`: a gradient flows through it. `several`: it is one of several views that one call gave.
    """

    at: tuple[tuple[int, int], ...]
    learns: bool = False
    several: bool = False


Memory: TypeAlias = "Held | tuple[Memory, ...] | None"


@dataclass(frozen=True, slots=True)
class Place:
    """A node, the calls of blocks it stands in, and on which sides of branches it runs."""

    scope: tuple[str, ...]
    graph: Graph
    node: Node
    sides: frozenset[Side] = frozenset()

    @property
    def name(self) -> str:
        """ReLU “relu”."""
        return name_of(self.graph, self.node)

    @property
    def given(self) -> str:
        """What it gives, in words."""
        label = quote(self.graph.label(self.node.id))
        return f"the input {label}" if self.node.kind == "input" else f"the result of {label}"

    def excludes(self, other: Place) -> bool:
        """Whether the two never run in one pass: they stand on two sides of a branch."""
        return any((at, branch, _other(side)) in other.sides for at, branch, side in self.sides)


@dataclass
class _Storage:
    """One piece of memory: whose it is, who wrote over it, and who keeps it for backward.

    `latent`: errors that only count once a backward pass really comes through this memory.
    """

    giver: Place
    writers: list[Place] = field(default_factory=list)
    keepers: list[tuple[Place, bool, bool]] = field(default_factory=list)
    latent: list[tuple[Place, str]] = field(default_factory=list)


@dataclass
class Walk:
    """A pass in training or eval mode. `found`: the worst problem at each in-place node."""

    blocks: Mapping[str, Graph]
    training: bool
    storages: list[_Storage] = field(default_factory=list)
    leaves: set[int] = field(default_factory=set)
    found: dict[tuple[tuple[str, ...], str], Diagnostic] = field(default_factory=dict)

    def new(self, giver: Place, learns: bool = False) -> Held:
        """Memory of its own."""
        self.storages.append(_Storage(giver))
        return Held(((len(self.storages) - 1, 0),), learns)

    def version(self, storage: int) -> int:
        return len(self.storages[storage].writers)

    def read(self, memory: Memory, reader: Place, *, is_used: bool = True) -> None:
        """Somebody reads a value: a warning at whoever wrote over it in the meantime."""
        for _, held in backward.leaves(memory):
            for storage, version in held.at if held else ():
                for writer, text in self.storages[storage].latent if is_used else ():
                    self._say(writer, text, is_error=True)
                for writer in self.storages[storage].writers[version:]:
                    if not writer.excludes(reader):
                        mode = "" if self.training else " in eval mode"
                        self._say(
                            writer,
                            f"writes over {self.storages[storage].giver.given} (inplace=True){mode}, and "
                            f"{reader.name} reads that afterwards: it would see the changed numbers. "
                            "Set inplace to False.",
                            is_error=False,
                        )
                        break

    def leaf(self, giver: Place, learns: bool) -> Held:
        """Memory of a tensor of the network's own: one that learns cannot be written over."""
        held = self.new(giver, learns)
        self.leaves |= {number for number, _ in held.at} if learns else set()
        return held

    def write(self, held: Held, writer: Place) -> None:
        """A call writes over a value: an error where a backward pass will miss the old one."""
        if any(number in self.leaves for number, _ in held.at):
            text = (
                "writes over a parameter, or a part of one, in place, which autograd does not allow for "
                "what learns. Do it with a copy, or make it a buffer."
            )
            self._say(writer, text, is_error=True)
        if held.several and held.learns:
            text = (
                "writes over a part that was split off (inplace=True), which autograd does not allow. "
                "Set inplace to False."
            )
            self._say(writer, text, is_error=True)
        for number, _ in held.at:
            storage = self.storages[number]
            for keeper, is_own, is_used in storage.keepers:
                if keeper.excludes(writer):
                    continue
                needs = f"{keeper.name} {'' if is_own else 'has read and '}needs"
                text = (
                    f"writes over {storage.giver.given} (inplace=True), which {needs} for its backward pass: "
                    "training would fail. Set inplace to False."
                )
                if is_used:
                    self._say(writer, text, is_error=True)
                    break
                storage.latent.append((writer, text))
            storage.writers.append(writer)

    def refuse(self, place: Place) -> None:
        """A call whose own backward pass does not work in place, with the numbers it was given."""
        text = (
            "writes over its input (inplace=True), which with these numbers its own backward pass "
            "does not allow: training would fail. Set inplace to False."
        )
        self._say(place, text, is_error=True)

    def keep(self, held: Held, keeper: Place, *, is_own: bool, is_used: bool = True) -> None:
        """A call keeps a value for its backward pass: its own result, or what it has read."""
        for storage, _ in held.at:
            self.storages[storage].keepers.append((keeper, is_own, is_used))

    def as_seen_by(self, memory: Memory, place: Place) -> Memory:
        """A value on one side of a branch: what the other side wrote over is as it was."""
        if isinstance(memory, tuple):
            return tuple(self.as_seen_by(part, place) for part in memory)
        if memory is None:
            return None
        at = []
        for storage, version in memory.at:
            writers = self.storages[storage].writers
            while version < len(writers) and writers[version].excludes(place):
                version += 1
            at.append((storage, version))
        return Held(tuple(at), memory.learns, memory.several)

    def _say(self, place: Place, text: str, *, is_error: bool) -> None:
        key = (place.scope, place.node.id)
        before = self.found.get(key)
        if before is None or (is_error and before.severity == "warning"):
            severity = "error" if is_error else "warning"
            self.found[key] = Diagnostic(
                place.node.id,
                f"{place.name} {text}",
                parameter="inplace",
                severity=severity,  # type: ignore[arg-type]
                scope=place.scope,
                kind="inplace",
            )


def either(one: Memory, other: Memory) -> Memory:
    if isinstance(one, tuple) and isinstance(other, tuple):
        return tuple(either(a, b) for a, b in zip(one, other, strict=False))
    if not isinstance(one, Held) or not isinstance(other, Held):
        return one or other
    # Of a storage that both lie in, the older version is the one that can be missed.
    at = dict(sorted((*one.at, *other.at), key=lambda held: -held[1]))
    return Held(tuple(at.items()), one.learns or other.learns, one.several or other.several)


def _other(side: str) -> str:
    return SIDES[1 - SIDES.index(side)]
