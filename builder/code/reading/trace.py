"""What a network does as it is read: calls in running order, and inside which module each one ran.

From this `structure` makes a graph: modules become blocks, loops of equal ones repeats.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from builder.code.reading.values import Sym, Tensor
from builder.errors import CodeRefused
from builder.graph.model import Argument, Compare, Norm, Ref, TensorSpec, Value

if TYPE_CHECKING:
    from builder.catalogue.entry import Entry
    from builder.code.reading.values import Method, UserClass


@dataclass(slots=True, eq=False)
class Layer:
    """A layer of torch.nn that the text makes. `arguments`: as written, numbers may be Sym.

    `left_out`: filled in by torch itself, as a Lazy layer's in_features. `still`: those of its
    parameters that are frozen while others learn, each with the line that says so. `norms`: of those
    that are computed from other tensors.
    """

    entry: Entry
    arguments: dict[str, Any]
    line: int
    frozen: bool = False
    known: Mapping[str, Any] | None = None  # with what is inferred, once it has been called
    module: Any = None  # the layer on the meta device
    plain_list: bool = False
    still: dict[str, int] = field(default_factory=dict)
    norms: tuple[Norm, ...] = ()

    def freeze(self, wanted: bool) -> None:
        """Freezes the whole layer, or lets all of it learn."""
        self.frozen, self.still = wanted, {}


@dataclass(slots=True, eq=False)
class Raw:
    """A parameter or buffer. `made`: the tensor it starts as."""

    kind: str  # "parameter", "buffer"
    made: Tensor
    line: int
    requires_grad: bool = True
    persistent: bool = True
    initialised: tuple[str, dict[str, Any]] | None = None
    copied: bool = False  # by copy.deepcopy: it has memory of its own

    @property
    def spec(self) -> TensorSpec:
        return self.made.spec


@dataclass(slots=True, eq=False)
class Module:
    """A module that the text makes: of a class of its own, or a container of torch.nn.

    `kind`: "" or "Sequential", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict".
    `members`: children, parameters and buffers in the order in which they were given.
    `given`: what its class was made with; `id` is what its settings are known under.
    """

    id: str
    cls: UserClass | None
    kind: str
    line: int
    attributes: dict[str, Any] = field(default_factory=dict)
    members: dict[str, Layer | Module | Raw | None] = field(default_factory=dict)
    given: dict[str, Any] = field(default_factory=dict)
    layer: Layer | None = None  # of a class that inherits from a layer of torch.nn
    frozen: bool = False
    ready: bool = False
    made_with: tuple[list[Any], dict[str, Any]] | None = None
    broken: CodeRefused | None = None  # why its __init__ cannot be read
    does: Method | None = None  # what a call of it does, where no class says it


Member: TypeAlias = "Layer | Module | Raw"


@dataclass(slots=True, eq=False)
class Step:
    """One call. `kind`: input, layer, operation, weight, branch. `owner`: the Layer or Raw of it."""

    id: str
    kind: str
    target: str
    arguments: dict[str, Argument]
    result: Value
    frame: Frame
    line: int
    node: ast.AST | None = None
    owner: Layer | Raw | None = None
    weight: str = ""
    name: str = ""
    order: int = 0
    dropped: bool = False
    in_place: str = ""
    must_stay: bool = False
    changed: Ref | None = None
    side: tuple[tuple[str, bool], ...] = ()
    quiet: bool = False  # it runs where no gradients are computed
    via: tuple[Module, str] | None = None  # the nn.Sequential and the name it is called by there


@dataclass(slots=True, eq=False)
class Entering:
    """A tensor handed to a module: its name inside, and what it is outside."""

    name: str
    id: str
    outer: Ref
    spec: TensorSpec


@dataclass(slots=True, eq=False)
class Frame:
    """One call of a module, with all that ran inside."""

    module: Module | None
    parent: Frame | None
    line: int
    node: ast.AST | None = None
    items: list[Step | Frame] = field(default_factory=list)
    inputs: list[Entering] = field(default_factory=list)
    result: Any = None
    exports: list[Ref] = field(default_factory=list)
    name: str = ""
    depth: int = 0
    side: tuple[tuple[str, bool], ...] = ()
    quiet: bool = False  # it is called where no gradients are computed

    def inside(self, other: Frame) -> bool:
        """Whether this frame is `other`, or ran while it did."""
        frame: Frame | None = self
        while frame is not None and frame.depth > other.depth:
            frame = frame.parent
        return frame is other


class Trace:
    """All steps of one reading, and what stands behind its settings."""

    def __init__(self) -> None:
        self.steps: dict[str, Step] = {}
        self.entering: dict[str, tuple[Frame, Entering]] = {}
        self.settings: dict[str, Any] = {}
        self.making = Frame(None, None, 0)  # what runs while modules are made
        self.frame = self.making
        self._next = 0
        self.side: tuple[tuple[str, bool], ...] = ()  # of conditions: whether they hold here
        self.asked: dict[str, Argument] = {}  # the condition of each
        self.settling: dict[str, str] = {}  # what writes on one side → the branch behind it
        self.moved: list[tuple[Tensor, Ref, TensorSpec, Compare | None]] = []
        self.quiet = 0  # how many stretches without gradients stand around what runs now

    def move(self, tensor: Tensor, ref: Ref, spec: TensorSpec) -> None:
        """From here on a tensor that was changed in place is this; what it was is kept in a journal."""
        self.moved.append((tensor, tensor.ref, tensor.spec, tensor.compared))
        tensor.ref, tensor.spec, tensor.compared = ref, spec, None

    def new_id(self) -> str:
        self._next += 1
        return f"#{self._next}"

    def add(
        self,
        kind: str,
        target: str,
        arguments: dict[str, Argument],
        result: Value,
        line: int,
        node: ast.AST | None = None,
        owner: Layer | Raw | None = None,
    ) -> Step:
        step = Step(
            self.new_id(), kind, target, arguments, result, self.frame, line, node, owner,
            order=self._next, side=self.side, quiet=self.quiet > 0,
        )  # fmt: skip
        self.steps[step.id] = step
        self.frame.items.append(step)
        return step

    def enter(self, module: Module | None, line: int, node: ast.AST | None) -> Frame:
        frame = Frame(module, self.frame, line, node, depth=self.frame.depth + 1, side=self.side)
        frame.quiet = self.quiet > 0
        self.frame.items.append(frame)
        self.frame = frame
        return frame

    def called_by(self, layer: Member, module: Module, name: str) -> None:
        """Notes under which of its names an nn.Sequential has called a layer."""
        last = self.frame.items[-1] if self.frame.items else None
        if isinstance(last, Step) and last.owner is layer:
            last.via = (module, name)

    def leave(self, frame: Frame) -> None:
        assert frame.parent is not None
        self.frame = frame.parent

    def bring_in(self, frame: Frame, name: str, tensor: Tensor) -> Tensor:
        """The tensor as it is known inside a frame."""
        entering = Entering(name, self.new_id(), tensor.ref, tensor.spec)
        frame.inputs.append(entering)
        self.entering[entering.id] = (frame, entering)
        inner = Tensor(tensor.spec, Ref(entering.id), tensor.item)
        return inner

    def value_of(self, ref: Ref) -> Value:
        """What a reference gives."""
        step = self.steps.get(ref.node)
        value: Value = step.result if step is not None else self.entering[ref.node][1].spec
        for index in ref.path:
            assert isinstance(value, tuple)
            value = value[index]
        return value


def number_of(identity: str) -> int:
    """The place of a step, or of what enters a module, in the order in which all were made."""
    return int(identity[1:])


def tensors_in(value: Any) -> list[Tensor]:
    """The tensors inside a value, left to right."""
    if value.__class__ is Tensor:
        return [value]
    if isinstance(value, tuple | list):
        return [found for part in value for found in tensors_in(part)]
    if isinstance(value, dict):
        return [found for part in value.values() for found in tensors_in(part)]
    attributes = getattr(value, "attributes", None)
    if isinstance(attributes, dict) and value.__class__.__name__ == "Instance":
        return [found for part in attributes.values() for found in tensors_in(part)]
    return []


__all__ = [
    "Entering",
    "Frame",
    "Layer",
    "Member",
    "Module",
    "Raw",
    "Step",
    "Sym",
    "Trace",
    "number_of",
    "tensors_in",
]
