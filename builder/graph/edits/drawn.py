"""The edits that are drawn: wires, several nodes at once, places. Values, as those of `values`.

A slot is where a node reads: its id, the port, and the place in a port that takes many (0 elsewhere).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from builder.graph.edits.scoped import Scoped
from builder.graph.fragment import Fragment
from builder.graph.model import Argument, Frame, Ref


@dataclass(frozen=True)
class Connect(Scoped):
    """Lets a slot read a value: a `Ref`, or a node's id, whose first part is meant.

    At a port that takes many, a place beyond the end appends. What the slot read before, it reads no
    more. Nodes move in the running order only where the wire needs it, as few as possible.
    """

    value: Ref | str
    node: str
    port: str
    index: int = 0


@dataclass(frozen=True)
class Disconnect(Scoped):
    """Takes a wire away. At a port that takes many, those behind it move up."""

    node: str
    port: str
    index: int = 0


@dataclass(frozen=True)
class InsertOnWire(Scoped):
    """Puts a new node on one wire: it reads what the slot read, and only this slot reads it.

    It stands right before the slot's node. Further ports are wired as `AddNode` does; `arguments` as
    there.
    """

    target: str
    node: str
    port: str
    index: int = 0
    id: str | None = None
    arguments: Mapping[str, Argument] = field(default_factory=dict)
    position: tuple[float, float] | None = None
    name: str | None = None


@dataclass(frozen=True)
class Join(Scoped):
    """Adds a node that reads two values: their sum, or both behind each other.

    `cat` joins along the one axis in which the shapes differ, else along axis 1, or the last where the
    batch stands second. Who reads it:

    - the slot, where one is given;
    - else the output, where it reads exactly one of the two, or reads nothing yet;
    - else, where nobody reads exactly one of the two (a side branch), the next reader of the other;
    - else nobody yet.
    """

    a: Ref
    b: Ref
    how: Literal["add", "cat"]
    id: str | None = None
    position: tuple[float, float] | None = None
    slot: tuple[str, str, int] | None = None


@dataclass(frozen=True)
class DeleteNodes(Scoped):
    """Deletes nodes together; weights nobody calls any more go with them.

    Whoever read one reads what came into it (past all that are deleted), where that fits: no new
    error at the reader, or a chain whose shape differs in its sizes only, which a repair mends. Any
    other reader is left unwired. The last output stays where other nodes go with it.
    """

    nodes: tuple[str, ...]


@dataclass(frozen=True)
class SetPositions(Scoped):
    """Sets where nodes stand on the canvas, as one step; None lets the layout choose."""

    positions: Mapping[str, tuple[float, float] | None]


@dataclass(frozen=True)
class SetFrame(Scoped):
    """Puts a frame or a note on the canvas, or changes it; None takes it away. Code does not change."""

    id: str
    frame: Frame | None


@dataclass(frozen=True)
class PasteFragment(Scoped):
    """Adds copied nodes with ids, names and weights of their own; nobody else is rewired.

    Their upper left corner comes to `position` (None: a little beside where they stood). They read
    each other as before; what they read outside only with `keep_inputs`, where it is still there. A
    setting of the same name is used, and so is a block that is just the same; others are added.
    """

    fragment: Fragment
    position: tuple[float, float] | None = None
    keep_inputs: bool = False


@dataclass(frozen=True)
class FoldRepeats(Scoped):
    """Makes equal stretches in a row one block, repeated with weights of its own each time.

    `stretches`: the ids of each, as `find_repeats` gives them. One call of a block is repeated itself.
    Without a name the block gets one; `id`: of the node that calls it.
    """

    stretches: tuple[tuple[str, ...], ...]
    name: str | None = None
    id: str | None = None
