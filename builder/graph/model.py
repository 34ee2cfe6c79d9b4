"""The one value everything else is derived from: `Graph`, and the parts it is made of.

A model is a directed acyclic network of *nodes* in an order that is meaning (randomness and in-place
operations follow it). What owns weights is an `Owner`; two nodes that call one owner share weights.
A block is a `Graph` too: it stands in `Graph.blocks` under its name and is called through an owner
whose target is `block:<name>`.

Nothing derived is stored here: shapes, parameters, problems, code and pictures are worked out from a
graph by the rooms above. All values are frozen; `builder.graph.edits` makes new ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import EllipsisType
from typing import Literal, TypeAlias

from builder.graph.asked import GradEnabled as GradEnabled
from builder.graph.asked import Training as Training
from builder.graph.drawn_parts import Frame as Frame

BATCH = "N"
BLOCK_PREFIX = "block:"
PARAMETER, BUFFER, OPAQUE = "parameter", "buffer", "opaque"
MADE = "made"

Dim: TypeAlias = int | str
"""One size of a shape: a whole number, or a multiple of the batch size written "N", "2N", …"""


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """Shape and dtype of one tensor. The batch stands in the shape as "N", wherever it is.

    `shape`: e.g. ("N", 1, 28, 28); () is a scalar. `dtype`: torch's name without the prefix.
    """

    shape: tuple[Dim, ...]
    dtype: str = "float32"

    def __str__(self) -> str:
        return format_shape(self.shape)


Value: TypeAlias = "TensorSpec | tuple[Value, ...]"
"""What a node gives: a tensor, or a (nested) tuple of them, such as LSTM's (output, (h_n, c_n)).
() stands for None: attention's weights where need_weights is False."""


@dataclass(frozen=True, slots=True)
class Ref:
    """Reads another node's result, or by `path` a part of it: LSTM's h_n is Ref("lstm", (1, 0))."""

    node: str
    path: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Size:
    """A size known when the network runs: `x.size(0)` is Size(Ref("x"), 0)."""

    of: Ref
    dim: int


@dataclass(frozen=True, slots=True)
class Calc:
    """Whole-number arithmetic on sizes and settings: `x.size(0) * 2`."""

    op: Literal["+", "-", "*", "//"]
    left: Argument
    right: Argument


@dataclass(frozen=True, slots=True)
class Slice:
    """One part of an index: `x[:, 1:3]` has the index (Slice(), Slice(1, 3))."""

    start: Argument = None
    stop: Argument = None
    step: Argument = None


@dataclass(frozen=True, slots=True)
class Setting:
    """A configured constant of this graph (`Graph.settings`): a constructor argument in code."""

    name: str


@dataclass(frozen=True, slots=True)
class Compare:
    """The condition of a branch on a scalar computed from the data: `score.mean() > 0.5`."""

    op: Literal["<", "<=", ">", ">=", "==", "!="]
    left: Argument
    right: Argument


Literals: TypeAlias = bool | int | float | str | EllipsisType | None
Argument: TypeAlias = (
    "Literals | Ref | Size | Calc | Slice | Setting | Training | GradEnabled | Compare"
    " | tuple[Argument, ...]"
)

NodeKind = Literal["input", "layer", "operation", "branch", "weight", "output"]


@dataclass(frozen=True)
class Node:
    """One call: an input, a layer (or block) call, an operation, a branch, a weight, an output.

    `id` never changes and is what `Ref` holds; `name` is what people read (a layer's and a weight's
    is their owner's: ask `Graph.label`). By kind:

    - input: `spec`; no arguments.
    - layer: `target` is an owner's id; `arguments` are those of `forward`, by name ("input", …).
    - operation: `target` is a catalogue key ("torch.cat"); `arguments` by name, tensors and literals.
    - branch: arguments "condition" (Training, GradEnabled, Setting or Compare), "if_true" and
      "if_false" (Ref).
      What only one side reads runs only on that side.
    - weight: gives a tensor that the owner `target` owns: no arguments for a raw tensor, {"name":
      "weight"} for one of a layer, of a block by its path ("fc.weight", repeated "0.fc.weight").
    - output: argument "value" (Ref); "when" if one mode alone gives it (`builder.graph.modes`).

    A bypassed node is kept, and whoever reads it gets its primary input instead. `among`: of a block
    made by grouping, the ids between which its content stood, so that ungrouping can put it back.
    """

    id: str
    kind: NodeKind
    name: str = ""
    target: str = ""
    arguments: Mapping[str, Argument] = field(default_factory=dict)
    spec: TensorSpec | None = None
    bypassed: bool = False
    note: str = ""
    position: tuple[float, float] | None = None
    among: tuple[str, ...] = ()


@dataclass(frozen=True)
class Norm:
    """How one weight of a layer is computed from other tensors before each call, and which.

    `kind`: torch's function, of `builder.catalogue.norms` ("torch.nn.utils.spectral_norm").
    `arguments`: those that the person set, plain values; "name" is the weight's.
    """

    kind: str
    arguments: Mapping[str, Literals] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The weight that is computed."""
        return str(self.arguments.get("name", "weight"))


@dataclass(frozen=True)
class Owner:
    """What owns weights: a place in the `state_dict`, what stands there, and its arguments.

    `name`: the attribute in code and in the `state_dict` (an identifier, or digits as in
    nn.Sequential). `target`: a catalogue key ("torch.nn.Linear") or "block:<name>". `arguments`:
    constructor arguments the person set; those left out are inferred or torch's defaults. A block
    may be repeated, each time with its own weights unless `shared`. `among`: as of a node, for owners.

    A raw tensor has the target "parameter" or "buffer" and is read by weight nodes (its arguments:
    `builder.catalogue.tensors`); a layer of a person's own code has "opaque", with its `source`, the
    `call` that makes it, and the shapes it `gives`. `ties`: a parameter of this owner that is one of
    another owner beside it: {"weight": ("emb", "weight")}, by paths as a weight node's; "" names a
    raw tensor itself. `norms`: of a layer of torch, one for each weight that is computed from others.
    """

    id: str
    name: str
    target: str
    arguments: Mapping[str, Argument] = field(default_factory=dict)
    frozen: bool = False
    repeat: int = 1
    shared: bool = False
    among: tuple[str, ...] = ()
    ties: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    norms: tuple[Norm, ...] = ()

    @property
    def block(self) -> str | None:
        """The name of the block called, None for a layer of torch."""
        return self.target[len(BLOCK_PREFIX) :] if self.target.startswith(BLOCK_PREFIX) else None

    @property
    def raw(self) -> bool:
        """Whether it is a tensor itself, no layer: read by weight nodes, called by none."""
        return self.target in (PARAMETER, BUFFER)

    @property
    def made_by(self) -> str | None:
        """The block whose operations make a raw tensor's first value; None for every other owner."""
        name = self.arguments.get("made_by")
        made = self.raw and self.arguments.get("init") == MADE
        return name if made and isinstance(name, str) else None

    @property
    def uses(self) -> str | None:
        """The block without which the owner cannot be made: the one called, or its tensor's maker."""
        return self.block or self.made_by


@dataclass(frozen=True)
class Graph:
    """A network. `nodes` in the order they run; `blocks` only at the root, also for nested ones.

    `name` is the class name in code. `settings` are configured constants with their defaults: at the
    root the model's, in a block its constructor arguments (an owner's `arguments` override them).
    `frames` are drawn on the canvas, the first one lowest.
    """

    name: str = "Model"
    nodes: Mapping[str, Node] = field(default_factory=dict)
    owners: Mapping[str, Owner] = field(default_factory=dict)
    settings: Mapping[str, Literals] = field(default_factory=dict)
    blocks: Mapping[str, Graph] = field(default_factory=dict)
    frames: Mapping[str, Frame] = field(default_factory=dict)

    @property
    def inputs(self) -> list[Node]:
        return [n for n in self.nodes.values() if n.kind == "input"]

    @property
    def outputs(self) -> list[Node]:
        return [n for n in self.nodes.values() if n.kind == "output"]

    def owner_of(self, node: Node) -> Owner | None:
        """The owner a layer node calls; None for every other kind."""
        return self.owners.get(node.target) if node.kind == "layer" else None

    def held_by(self, node: Node) -> Owner | None:
        """The owner whose tensor a weight node gives; None for every other kind."""
        return self.owners.get(node.target) if node.kind == "weight" else None

    def stands_for(self, node: Node) -> Owner | None:
        """The owner a node sets and names: the one it calls, or the raw tensor it gives."""
        held = self.held_by(node)
        return held if held is not None and held.raw else self.owner_of(node)

    def reads_of(self, owner_id: str) -> list[Node]:
        """The weight nodes that give a tensor of an owner, in running order."""
        return list(self._weights.get(owner_id, ()))

    def is_made(self, owner: Owner) -> bool:
        """Whether code makes an owner: not one that only bypassed nodes call, nor a block never called."""
        calls = self.calls_of(owner.id)
        if any(not call.bypassed for call in calls):
            return True
        needed = bool(self.reads_of(owner.id)) or any(
            owner.id == source for o in self.owners.values() for source, _ in o.ties.values()
        )
        return needed or (not calls and owner.block is None)

    def calls_of(self, owner_id: str) -> list[Node]:
        """The nodes that call an owner, in running order: more than one share its weights."""
        return list(self._calls.get(owner_id, ()))

    def label(self, node_id: str) -> str:
        """The name a person reads: the owner's for a layer ("encoder (2)" for its second call)."""
        node = self.nodes[node_id]
        held = self.held_by(node)
        if held is not None:
            path = node.arguments.get("name")
            return f"{held.name}.{path}" if path else held.name
        owner = self.owner_of(node)
        if owner is None:
            return node.name or node.id
        calls = [n.id for n in self.calls_of(owner.id)]
        return owner.name if calls[0] == node_id else f"{owner.name} ({calls.index(node_id) + 1})"

    def readers_of(self, node_id: str) -> list[Node]:
        """The nodes that read a node's result, in running order."""
        return list(self._readers.get(node_id, ()))

    # Looked up for every layer of a list, so asked of all nodes once: a graph never changes.
    @cached_property
    def _calls(self) -> Mapping[str, list[Node]]:
        found: dict[str, list[Node]] = {}
        for node in self.nodes.values():
            if node.kind == "layer":
                found.setdefault(node.target, []).append(node)
        return found

    @cached_property
    def _weights(self) -> Mapping[str, list[Node]]:
        found: dict[str, list[Node]] = {}
        for node in self.nodes.values():
            if node.kind == "weight":
                found.setdefault(node.target, []).append(node)
        return found

    @cached_property
    def _readers(self) -> Mapping[str, list[Node]]:
        found: dict[str, list[Node]] = {}
        for node in self.nodes.values():
            for read in dict.fromkeys(ref.node for ref in refs_in(node)):
                found.setdefault(read, []).append(node)
        return found

    def resolve(self, ref: Ref) -> Ref:
        """The reference itself, or past bypassed nodes to the value that really arrives."""
        seen = set()
        while (node := self.nodes.get(ref.node)) and node.bypassed and node.id not in seen:
            seen.add(node.id)
            primary = primary_input(node)
            if primary is None:
                break
            ref = primary
        return ref


def refs_in(node: Node) -> list[Ref]:
    """Every reference a node holds, in the order of its arguments."""
    return [ref for argument in node.arguments.values() for ref in iter_refs(argument)]


def primary_input(node: Node) -> Ref | None:
    """The reference that stands for "what comes in": the first one (the true side of a branch)."""
    if node.kind == "branch":
        return next(iter_refs(node.arguments.get("if_true")), None)
    return next(iter(refs_in(node)), None)


def anchor_at(graph: Graph, node_id: str | None) -> str | None:
    """The node that one added behind `node_id` stands behind; None where there is no such node.

    Never an output, whose value nobody reads: what it gives out then.
    """
    found = graph.nodes.get(node_id or "")
    if found is None or found.kind != "output":
        return found.id if found else None
    ref = primary_input(found)
    return ref.node if ref else None


def iter_refs(argument: Argument) -> Iterator[Ref]:
    """The references inside one argument, left to right."""
    match argument:
        case Ref():
            yield argument
        case Size(of=of):
            yield of
        case Calc(left=left, right=right) | Compare(left=left, right=right):
            yield from iter_refs(left)
            yield from iter_refs(right)
        case Slice(start=start, stop=stop, step=step):
            for part in (start, stop, step):
                yield from iter_refs(part)
        case tuple():
            for part in argument:
                yield from iter_refs(part)


def map_refs(argument: Argument, change: Callable[[Ref], Ref]) -> Argument:
    """The same argument with every reference passed through `change`."""
    match argument:
        case Ref():
            return change(argument)
        case Size(of=of):
            return replace(argument, of=change(of))
        case Calc(left=left, right=right) | Compare(left=left, right=right):
            return replace(argument, left=map_refs(left, change), right=map_refs(right, change))
        case Slice(start=start, stop=stop, step=step):
            return Slice(*(map_refs(part, change) for part in (start, stop, step)))
        case tuple():
            return tuple(map_refs(part, change) for part in argument)
        case _:
            return argument


def with_refs(node: Node, change: Callable[[Ref], Ref]) -> Node:
    """The node with every reference passed through `change`."""
    return replace(
        node, arguments={name: map_refs(a, change) for name, a in node.arguments.items()}
    )


def format_shape(shape: tuple[Dim, ...]) -> str:
    """N×16×28×28, or "scalar" for a shape without sizes."""
    return "×".join(str(size) for size in shape) or "scalar"


def format_value(value: Value | None) -> str:
    """A shape, a tuple of shapes in brackets, "None" for (), or "?" where nothing is known."""
    if value is None:
        return "?"
    if value == ():
        return "None"
    if isinstance(value, TensorSpec):
        return format_shape(value.shape)
    return "(" + ", ".join(format_value(part) for part in value) + ")"
