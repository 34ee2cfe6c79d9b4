"""The edits a person or a page can ask for, as values: what `apply` carries out and undo names.

`scope` names the block an edit works in; "" is the network itself. Nodes are named by their id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from builder.graph.edits.drawn import (
    Connect,
    DeleteNodes,
    Disconnect,
    FoldRepeats,
    InsertOnWire,
    Join,
    PasteFragment,
    SetFrame,
    SetPositions,
)
from builder.graph.edits.scoped import UNSET, Scoped, Unset
from builder.graph.model import (
    Argument,
    Compare,
    GradEnabled,
    Graph,
    Literals,
    Norm,
    Ref,
    Setting,
    TensorSpec,
    Training,
)

Condition: TypeAlias = Training | GradEnabled | Setting | Compare


@dataclass(frozen=True)
class AddNode(Scoped):
    """Adds a layer, an operation, a block ("block:<name>"), an "input" or an "output".

    A "parameter" or a "buffer" is a tensor of its own; a "weight" gives one that a layer owns, with the
    arguments "of" (an owner's id) and "name" (which of its tensors). These read nothing and stand
    behind `after`.

    It reads the value of `after` (by default what the last output reads), and the next node in
    order that read that value reads the new node instead. Further required ports are wired too: of
    a layer to the same value, of an operation to the value before, so that `add` makes a skip
    connection. `arguments`: constructor and call arguments by name, over the catalogue's suggestions;
    ports may be given as `Ref`. With `reads` it stands apart: it reads this value (None: nothing), and
    nobody is rewired.
    """

    target: str
    after: str | None = None
    name: str | None = None
    arguments: Mapping[str, Argument] = field(default_factory=dict)
    id: str | None = None
    position: tuple[float, float] | None = None
    reads: Ref | Unset | None = UNSET


@dataclass(frozen=True)
class AddBranch(Scoped):
    """Adds a branch; the next node that read `after` (by default: either side) reads it instead.

    `if_true`, `if_false`: a value, or the id of a node whose first part is meant.
    """

    condition: Condition
    if_true: Ref | str
    if_false: Ref | str
    after: str | None = None
    name: str | None = None
    id: str | None = None


@dataclass(frozen=True)
class DeleteNode(Scoped):
    """Deletes a node; its readers read what came into it. Weights nobody calls go with it."""

    node: str


@dataclass(frozen=True)
class MoveNode(Scoped):
    """Takes a node out of its chain and puts it behind `after`."""

    node: str
    after: str


@dataclass(frozen=True)
class DuplicateNode(Scoped):
    """Puts a copy behind the node, with weights and a name of its own."""

    node: str


@dataclass(frozen=True)
class Rename(Scoped):
    """Renames a layer (all calls of it), an operation, a branch, an input or an output."""

    node: str
    name: str


@dataclass(frozen=True)
class SetArgument(Scoped):
    """Sets a constructor argument of the layer or block that a node calls."""

    node: str
    name: str
    value: Argument | Unset


@dataclass(frozen=True)
class SetCallArgument(Scoped):
    """Sets an argument of the call: where a port reads from, or a literal such as `dim`."""

    node: str
    name: str
    value: Argument | Unset


@dataclass(frozen=True)
class SetInputSpec(Scoped):
    """Sets shape and dtype of an input. In a block None means: whatever the caller gives."""

    node: str
    spec: TensorSpec | None


@dataclass(frozen=True)
class SetBypassed(Scoped):
    """Keeps a node but passes its input through, or puts it to work again."""

    node: str
    bypassed: bool


@dataclass(frozen=True)
class SetFrozen(Scoped):
    """Freezes the weights of the layer or block a node calls, or lets them learn."""

    node: str
    frozen: bool


@dataclass(frozen=True)
class SetNote(Scoped):
    """Sets the note that stands at a node; "" takes it away."""

    node: str
    note: str


@dataclass(frozen=True)
class SetPosition(Scoped):
    """Sets where a node stands on the canvas; None lets the layout choose."""

    node: str
    position: tuple[float, float] | None


@dataclass(frozen=True)
class ShareWeights(Scoped):
    """Makes a layer call use the weights of another one."""

    node: str
    with_node: str


@dataclass(frozen=True)
class UnshareWeights(Scoped):
    """Gives a call that shares weights a copy of the layer for itself."""

    node: str


@dataclass(frozen=True)
class SetWeight(Scoped):
    """Lets a weight node give another tensor: of a layer or block by its path, or a raw one ("")."""

    node: str
    owner: str
    name: str = ""


@dataclass(frozen=True)
class SetTie(Scoped):
    """Makes a parameter of what a node calls the parameter `other` of another owner: one tensor then.

    Without `owner` it is untied, with values of its own. `name` and `other`: paths, "" for raw tensors.
    """

    node: str
    name: str
    owner: str | None = None
    other: str = ""


@dataclass(frozen=True)
class SetNorms(Scoped):
    """Sets which weights of a layer are computed from other tensors, and how; () for none."""

    node: str
    norms: tuple[Norm, ...]


@dataclass(frozen=True)
class SetCondition(Scoped):
    """Sets the condition of a branch."""

    node: str
    condition: Condition


@dataclass(frozen=True)
class SetSetting(Scoped):
    """Sets a configured constant, adding it where it is new; UNSET takes it away if unused."""

    name: str
    value: Literals | Unset


@dataclass(frozen=True)
class RenameModel(Scoped):
    """Renames the class the network is written as; with a scope, that block."""

    name: str


@dataclass(frozen=True)
class GroupIntoBlock(Scoped):
    """Puts nodes into a block of their own, called where they stood; `Ungroup` gives them back as they were.

    Without a name the block gets one. `id`: of the node that calls it.
    """

    nodes: tuple[str, ...]
    name: str | None = None
    id: str | None = None


@dataclass(frozen=True)
class Ungroup(Scoped):
    """Puts the content of a block where its call stands, or where it stood when it was grouped.

    `stay`: on the drawing it stands where it stood in the block, wherever the call was moved.
    """

    node: str
    stay: bool = False


@dataclass(frozen=True)
class SetRepeat(Scoped):
    """Repeats a block: with weights of its own each time, or the same ones (`shared`)."""

    node: str
    repeat: int
    shared: bool = False


@dataclass(frozen=True)
class Several:
    """Edits applied one after the other as one step: all of them, or none."""

    edits: tuple[Edit, ...]
    label: str


@dataclass(frozen=True)
class Rewrite(Scoped):
    """Puts another network in the place of this one, as one step: what a text means that was edited.

    `goes_on`: what the last step did together with this one, where both are one step ("" for two): a
    number is typed digit by digit.
    """

    graph: Graph
    label: str
    goes_on: str = ""


Edit: TypeAlias = (
    AddNode
    | AddBranch
    | DeleteNode
    | MoveNode
    | DuplicateNode
    | Rename
    | SetArgument
    | SetCallArgument
    | SetInputSpec
    | SetBypassed
    | SetFrozen
    | SetNote
    | SetPosition
    | ShareWeights
    | UnshareWeights
    | SetCondition
    | SetWeight
    | SetTie
    | SetNorms
    | SetSetting
    | RenameModel
    | GroupIntoBlock
    | Ungroup
    | SetRepeat
    | Connect
    | Disconnect
    | InsertOnWire
    | Join
    | DeleteNodes
    | SetPositions
    | SetFrame
    | PasteFragment
    | FoldRepeats
    | Several
    | Rewrite
)
