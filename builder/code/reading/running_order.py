"""What has an effect runs in the graph as in the text: on the same side of a condition, in the same order.

In a graph, what only one side of a branch reads runs on that side, where the branch stands. A text may have it
elsewhere: that is refused where it makes a difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from builder.code.reading.closed import Closed, is_random
from builder.code.reading.effects import Memory
from builder.code.reading.reader import Reader
from builder.code.reading.trace import Frame, Layer, Step
from builder.errors import CodeRefused
from builder.graph.allowed import parts_of
from builder.graph.model import Argument, Node, Ref, Training
from builder.graph.modes import mode_of
from builder.graph.sides import MODE, Sides, find_sides, without_even_branches

Item: TypeAlias = "Step | Frame"
_Conditions = frozenset[tuple[Any, bool]]
_TRAINS: Final[_Conditions] = frozenset({(Training(), True)})
_MOVING: Final = (
    "Dropout", "AlphaDropout", "FeatureAlphaDropout", "BatchNorm", "LazyBatchNorm", "SyncBatchNorm",
    "InstanceNorm", "LazyInstanceNorm", "RReLU", "FractionalMaxPool", "LSTM", "GRU", "RNN",
    "MultiheadAttention", "Transformer",
)  # fmt: skip


@dataclass
class Doing:
    """What a node does beside its value. `line`: of what has an effect. `at`: when it runs.

    `quiet`: its effect is none in evaluation.
    """

    line: int
    effect: bool = False
    quiet: bool = True
    reads: set[str] = field(default_factory=set)
    writes: set[str] = field(default_factory=set)
    text: _Conditions = frozenset()
    here: _Conditions = frozenset()
    place: float = 0
    at: tuple[float, ...] = ()

    def minds(self, other: Doing) -> bool:
        """Whether it makes a difference which of the two is first."""
        return (
            (self.effect and other.effect)
            or bool(self.writes & (other.reads | other.writes))
            or bool(other.writes & self.reads)
        )

    def elsewhere(self) -> bool:
        """Whether it makes a difference that it runs on another side than in the text."""
        moved = self.text ^ self.here
        return (
            self.effect
            and bool(moved)
            and not (self.quiet and moved == _TRAINS and moved <= self.here)
        )

    def excludes(self, other: Doing) -> bool:
        """Whether only one of the two runs."""
        mine, yours = self.text | self.here, other.text | other.here
        return any((condition, not which) in yours for condition, which in mine)


class RunningOrder:
    """Holds graphs against the calls they were made of."""

    def __init__(self, reader: Reader, closed: Closed) -> None:
        self.reader, self.trace, self.closed = reader, reader.trace, closed
        self.memory = Memory(closed)

    def difference(
        self, frame: Frame, nodes: Mapping[str, Node], origins: Mapping[str, Sequence[Item]]
    ) -> CodeRefused | None:
        """Why a graph runs otherwise than the call it was made of; None where it does not."""
        sided = any(
            len(item.side) > len(frame.side) for items in origins.values() for item in items
        )
        modes = any(mode_of(node) is not None for node in nodes.values())
        if not sided and not modes and not any(n.kind == "branch" for n in nodes.values()):
            return None
        live = without_even_branches(nodes)
        sides = find_sides(live)
        doings = []
        for name, node in live.items():
            items = origins.get(name)
            if not items:
                continue
            here = frozenset((self._asked(g, origins), w) for g, w in sides.homes.get(name, ()))
            doing = self._done_by(items, len(frame.side))
            doing.here, doing.place, doing.at = here, sides.places[name], sides.moment(name)
            if doing.elsewhere():
                return self.reader.refuse(
                    "This step changes a tensor that stays, or draws numbers, and would not do it on the "
                    "same side of the condition as in the text", line=doing.line,
                    help="Move it to where its result is used; for a running mean use nn.BatchNorm1d or "
                    "its kin.",
                )  # fmt: skip
            doings.append(doing)
            if node.kind == "branch":
                doings += self._question(node, live, sides, doing)
        return self._other_order(doings)

    def _other_order(self, doings: list[Doing]) -> CodeRefused | None:
        acting = [d for d in doings if d.effect or d.writes]
        for one in acting:
            for other in doings:
                first, second = (one, other) if one.place < other.place else (other, one)
                if first.at > second.at and one.minds(other) and not one.excludes(other):
                    return self.reader.refuse(
                        f"This would run behind line {second.line}, as only one side of a condition uses it, "
                        "and one of the two changes a tensor or draws numbers", line=first.line,
                        help="Move it to where its result is used, or work on a copy: x = x + 1.",
                    )  # fmt: skip
        return None

    def _asked(self, group: str, origins: Mapping[str, Sequence[Item]]) -> Argument:
        if group == MODE:
            return Training()
        item = origins[group][0]
        return self.trace.asked[item.target] if isinstance(item, Step) else None

    def _question(
        self, node: Node, live: Mapping[str, Node], sides: Sides, branch: Doing
    ) -> Iterator[Doing]:
        """The reading of a branch's condition, which in the text stands right behind what it reads."""
        read = [ref.node for ref in values_in(node.arguments.get("condition"))]
        known = [name for name in read if name in live]
        if known:
            place = max(sides.places[name] for name in known) + 0.5
            yield Doing(
                branch.line,
                False,
                True,
                branch.reads,
                set(),
                branch.text,
                branch.here,
                place,
                branch.at,
            )

    def _done_by(self, items: Sequence[Item], skipped: int) -> Doing:
        found = Doing(items[0].line)
        found.text = frozenset((self.trace.asked[i], which) for i, which in items[0].side[skipped:])
        lines = []
        for item in items:
            for step in self._steps(item):
                reads, writes = self._read_by(step), self.memory.written_by(step)
                if isinstance(item, Frame):
                    writes = {group for group in writes if self._is_outside(group, item)}
                real = is_real(step)
                effect = real or (bool(writes) and self.memory.is_seen(step))
                found.effect = found.effect or effect
                found.quiet = found.quiet and (
                    not effect or (real and not writes and _is_quiet(step))
                )
                lines += [step.line] if effect else []
                found.reads |= reads
                found.writes |= writes
        found.line = lines[0] if lines else found.line
        return found

    def _steps(self, item: Item) -> Iterator[Step]:
        if isinstance(item, Step):
            yield item
            return
        for inner in item.items:
            if isinstance(inner, Frame) or inner.id in self.closed.kept:
                yield from self._steps(inner)

    def _is_outside(self, group: str, frame: Frame) -> bool:
        """Whether memory that a call writes into is known outside of it."""
        given = {self.memory.of(entering.outer.node) for entering in frame.inputs}
        return group in given or self.memory.is_weight(group)

    def _read_by(self, step: Step) -> set[str]:
        arguments = step.arguments
        read = [arguments.get("condition")] if step.kind == "branch" else arguments.values()
        return {self.memory.of(ref.node) for argument in read for ref in values_in(argument)}


def values_in(argument: Argument) -> Iterator[Ref]:
    """The tensors whose numbers an argument reads: sizes read none."""
    return (part for part in parts_of(argument) if isinstance(part, Ref))


def is_real(step: Step) -> bool:
    """Whether a step draws numbers, or changes what its layer holds."""
    if step.kind == "layer":
        layer = step.owner
        return isinstance(layer, Layer) and (
            layer.entry.name.startswith(_MOVING) or any("spectral" in n.kind for n in layer.norms)
        )
    return is_random(step) or step.target.endswith(".rrelu")


def _is_quiet(step: Step) -> bool:
    """Whether a step that is real draws and changes nothing in evaluation."""
    if step.kind == "layer":
        layer = step.owner
        return isinstance(layer, Layer) and not layer.entry.name.startswith("FractionalMaxPool")
    return step.arguments.get("training") == Training()
