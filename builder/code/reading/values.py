"""What an expression of the text can stand for, beside Python's own numbers, texts and lists.

Python's numbers, texts, None, `...`, lists, tuples, dicts, sets, slices and ranges stand for
themselves; everything else is one of these. Nothing here holds an object that the text could use to
reach Python's own machinery.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from builder.graph.model import Argument, Calc, Compare, GradEnabled, Ref, Setting, Size, TensorSpec

if TYPE_CHECKING:
    from builder.code.reading.scopes import Scope

Anything: TypeAlias = Any
"""A value of the text."""


class Sym:
    """A number that is known and yet depends: on a tensor's size, or on what a class is made with.

    `value`: what it is now (the batch as the probe); `expr`: how it is written in a graph.
    """

    __slots__ = ("expr", "value")

    def __init__(self, value: Any, expr: Argument) -> None:
        self.value, self.expr = value, expr

    def __repr__(self) -> str:
        return f"Sym({self.value}, {self.expr})"


@dataclass(frozen=True, slots=True, eq=False)
class Ratio:
    """A size that depends on the batch, divided: `int(…)` of it is `size // by`."""

    size: Sym
    by: int


class Tensor:
    """A tensor: its shape and dtype, and the step that gives it.

    `compared`: the condition it is the answer to, for `if`. `item`: it was taken out by `.item()`.
    `learns`: it is made with `requires_grad=True`, outside of forward.
    """

    __slots__ = ("compared", "item", "learns", "ref", "spec")

    def __init__(self, spec: TensorSpec, ref: Ref, item: bool = False) -> None:
        self.spec, self.ref, self.item = spec, ref, item
        self.compared: Compare | None = None
        self.learns = False

    @property
    def shape(self) -> tuple[int | str, ...]:
        return self.spec.shape


class Parts(tuple):  # type: ignore[type-arg]
    """Several tensors that one call gives. `names`: as torch calls them (`.values`)."""

    ref: Ref | None
    names: tuple[str, ...]

    def __new__(cls, items: Any, ref: Ref | None = None, names: tuple[str, ...] = ()) -> Parts:
        made = super().__new__(cls, items)
        made.ref, made.names = ref, names
        return made


class Shape(tuple):  # type: ignore[type-arg]
    """`x.shape`: whole numbers, each a Sym."""


class Named(tuple):  # type: ignore[type-arg]
    """A NamedTuple's instance."""

    fields: tuple[str, ...]

    def __new__(cls, items: Any, fields: tuple[str, ...]) -> Named:
        made = super().__new__(cls, items)
        made.fields = fields
        return made


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that could not be worked out: an error only where a model needs it."""

    reason: str
    line: int | None = None
    help: str = ""


@dataclass(frozen=True, slots=True)
class Numbers(Unknown):
    """A tensor taken out of torch (`lengths.tolist()`): packing takes it as the tensor that it is.

    Whatever else is done to it makes a plain Unknown of it (`Reader.evaluate`).
    """

    of: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Mode:
    """`self.training`, or its negation."""

    negated: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """A condition that only the running network can answer."""

    condition: Compare | GradEnabled
    negated: bool = False


@dataclass(slots=True, eq=False)
class Differs:
    """A value that is another one on each side of a condition. `returned`: where each is, if it is."""

    asked: Mode | Question
    if_true: Any
    if_false: Any
    returned: tuple[ast.Return | None, ast.Return | None] = (None, None)


@dataclass(frozen=True, slots=True)
class Dtype:
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Device:
    """`x.device`."""

    of: Tensor


@dataclass(frozen=True, slots=True)
class Known:
    """A name of torch or the standard library that we know: "torch.nn.functional.relu"."""

    path: str


@dataclass(frozen=True, slots=True)
class Namespace:
    """An imported module, or a part of one, by its full name."""

    path: str


@dataclass(slots=True, eq=False)
class Packed:
    """Packed sequences (see `packing`). `batch_first`: of `tensor`. `step`: the layer's call that gave
    them, if one did, and what it was `given`. `total`: how long they were made, once `unpacked`.
    """

    tensor: Tensor
    lengths: Tensor
    batch_first: bool
    enforce_sorted: bool
    step: Any = None
    given: dict[str, Anything] = field(default_factory=dict)
    unpacked: bool = False
    total: Argument = None


@dataclass(slots=True, eq=False)
class Function:
    """A function or lambda of the text."""

    name: str
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    scope: Scope
    defaults: list[Anything]
    keyword_defaults: dict[str, Anything]
    owner: UserClass | None = None
    kind: str = ""  # "static", "class", "property"
    wrapped: Anything = None


@dataclass(slots=True, eq=False)
class Bound:
    """A function of the text with what it is called on."""

    function: Function
    receiver: Anything


@dataclass(slots=True, eq=False)
class Method:
    """A method of one of our values, done by us: `call(reader, args, kwargs)`."""

    name: str
    call: Callable[..., Anything]


@dataclass(slots=True, eq=False)
class Partial:
    """functools.partial."""

    target: Anything
    args: tuple[Anything, ...]
    kwargs: dict[str, Anything]


@dataclass(slots=True, eq=False)
class UserClass:
    """A class of the text. `bases`: classes of the text, or `Known` ones."""

    name: str
    node: ast.ClassDef
    bases: tuple[Anything, ...]
    body: dict[str, Anything]
    scope: Scope
    fields: tuple[str, ...] = ()  # of a dataclass or NamedTuple
    kind: str = ""  # "dataclass", "namedtuple", "enum"
    mro: tuple[Anything, ...] = ()


@dataclass(slots=True, eq=False)
class Instance:
    """An object of a class of the text that is no module."""

    cls: UserClass | None
    attributes: dict[str, Anything] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Super:
    """`super()`: attributes looked up behind `after`."""

    receiver: Anything
    after: UserClass


@dataclass(slots=True, eq=False)
class Array:
    """numpy's numbers, held by an array of our own. It is no list: see `arrays`."""

    data: np.ndarray[Any, Any]

    @property
    def dtype(self) -> str:
        return str(self.data.dtype)

    @property
    def items(self) -> tuple[Anything, ...]:
        """Nested as the dimensions are."""
        return tuple(self.data.tolist())


class Members(dict[str, Anything]):
    """`self._modules` and its kin: to look at, not to be written."""


@dataclass(slots=True, eq=False)
class Lazy:
    """Values one after the other, already worked out: what a generator or zip gives, until it is used up.

    `sources`: the lists and dicts that it goes through, each with what it held then. `view`: it can be
    gone through again, as `d.values()`. `draws`: making them drew numbers.
    """

    items: list[Anything]
    sources: tuple[tuple[Anything, Anything], ...] = ()
    view: bool = False
    draws: bool = False

    @classmethod
    def over(cls, items: list[Anything], *values: Anything, view: bool = False) -> Lazy:
        """What goes through some values, and through what these go through."""
        found = [(v, v.copy()) for v in values if isinstance(v, list | dict | set)]
        found += [source for v in values if isinstance(v, Lazy) for source in v.sources]
        return cls(items, tuple(found), view)

    def is_late(self, after: int = 0) -> bool:
        """Whether Python would give others by now, as a list was changed since; those `after` a place."""
        for value, was in self.sources:
            now, then = _held(value), _held(was)
            if len(now) != len(then) or any(
                a is not b
                for one, other in zip(now[after:], then[after:], strict=True)
                for a, b in zip(one, other, strict=True)
            ):
                return True
        return False


@dataclass(slots=True, eq=False)
class Generator:
    """`(f(x) for x in xs)`: worked out as it is gone through. `side`: of conditions, where it was made."""

    rest: Iterator[Anything]
    side: tuple[tuple[str, bool], ...] = ()


def _held(value: Anything) -> list[tuple[Anything, ...]]:
    return list(value.items()) if isinstance(value, dict) else [(part,) for part in value]


def plain(value: Anything) -> Anything:
    """A number without what it depends on."""
    return value.value if value.__class__ is Sym else value


def deep_plain(value: Anything) -> Anything:
    """The same inside lists and tuples."""
    kind = value.__class__
    if kind is Sym:
        return value.value
    if kind is list:
        return [deep_plain(part) for part in value]
    if kind is tuple or kind is Shape or kind is Parts:
        return tuple(deep_plain(part) for part in value)
    return value


def is_same(left: Anything, right: Anything) -> bool:
    """`left is right`."""
    left, right = plain(left), plain(right)
    if left.__class__ is Tensor and right.__class__ is Tensor:
        return bool(left.ref == right.ref)
    if left is None or right is None or isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return left is right or (
        left.__class__ is right.__class__
        and left.__class__.__name__ in ("Known", "Dtype", "int", "str")
        and left == right
    )


def reads_values(expr: Argument) -> bool:
    """Whether a number's expression reads a tensor's size."""
    match expr:
        case Size() | Ref():
            return True
        case Calc(left=left, right=right) | Compare(left=left, right=right):
            return reads_values(left) or reads_values(right)
        case tuple():
            return any(reads_values(part) for part in expr)
    return False


def settings_in(expr: Argument) -> list[str]:
    match expr:
        case Setting(name=name):
            return [name]
        case Calc(left=left, right=right) | Compare(left=left, right=right):
            return [*settings_in(left), *settings_in(right)]
        case tuple():
            return [name for part in expr for name in settings_in(part)]
    return []


def renamed(expr: Argument, before: str, after: str) -> Argument:
    """An expression with the settings of one module taken from another."""
    match expr:
        case Setting(name=name) if name.startswith(before):
            return Setting(after + name[len(before) :])
        case Calc(op=op, left=left, right=right):
            return Calc(op, renamed(left, before, after), renamed(right, before, after))
        case tuple():
            return tuple(renamed(part, before, after) for part in expr)
    return expr
