"""How one layer is written by hand: the tensors it owns, and its arithmetic.

A recipe is two functions under the layer's key. Both get a `Layer`, which knows its constructor's
arguments: those a formula needs as numbers (`literal`), and those that may follow a setting of the
network (`written`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from builder.catalogue.entry import REQUIRED, Entry
from builder.code.writing.layout import Expression, Group, Infix, call, flat, tuple_of
from builder.code.writing.literals import constant, keyword
from builder.errors import CodeRefused
from builder.graph.model import Argument, Calc, Ref, Setting, Size, TensorSpec, Value

Spell = Callable[[str], Expression]


class Layer:
    """A layer's constructor arguments. `given`: what is known of them; `spell`: how one is written."""

    def __init__(self, entry: Entry, given: Mapping[str, Argument], spell: Spell) -> None:
        self.entry, self._given, self._spell = entry, given, spell

    def literal(self, name: str) -> Any:
        """An argument that decides what the formula is. Errors: CodeRefused for a setting."""
        value = self.value(name)
        if _follows(value):
            raise CodeRefused(f"its {name} follows a setting, and decides which formula it is")
        return value

    def written(self, name: str) -> Expression:
        """An argument as it stands in code, torch's default where none is given."""
        if name in self._given:
            return self._spell(name)
        return constant(self.value(name), self.entry.parameter(name))

    def is_default(self, name: str) -> bool:
        parameter = self.entry.parameter(name)
        value = self.value(name)
        return parameter is None or (not _follows(value) and value == parameter.default)

    def sizes(self, name: str, count: int) -> tuple[Expression, ...]:
        """An argument of one number for all places, or one for each."""
        value = self.value(name)
        written = self.written(name)
        if isinstance(value, tuple):
            if len(value) != count or not isinstance(written, Group):
                raise CodeRefused(f"its {name} is not {count} numbers")
            return written.items
        return (written,) * count

    def refuse_unless_default(self, **reasons: str) -> None:
        """Refuses a layer that sets one of these, with the reason."""
        for name, reason in reasons.items():
            if not self.is_default(name):
                raise CodeRefused(reason)

    def value(self, name: str) -> Argument:
        parameter = self.entry.parameter(name)
        value = self._given.get(name, parameter.default if parameter else None)
        if value is REQUIRED:
            raise CodeRefused(f"it has no {name} yet")
        return value  # type: ignore[return-value]


class Called(Layer):
    """A call of a layer in `forward`. `read`: what a port reads; `tensors`: its own, by name."""

    def __init__(
        self,
        entry: Entry,
        given: Mapping[str, Argument],
        spell: Spell,
        ports: Mapping[str, Argument],
        read: Spell,
        tensors: Mapping[str, str],
        shapes: Mapping[str, Value | None],
        helpers: set[str],
        training: Callable[[], str],
    ) -> None:
        super().__init__(entry, given, spell)
        self._ports, self._read, self._tensors, self._shapes = ports, read, tensors, shapes
        self._helpers, self.training = helpers, training

    @property
    def x(self) -> Expression:
        """What its first port reads."""
        return self.port(self.entry.ports[0].name)

    @property
    def term(self) -> str:
        """What its first port reads, as a name that may be repeated."""
        return flat(self.x)

    def reads(self, name: str) -> bool:
        return self._ports.get(name) is not None

    def port(self, name: str) -> Expression:
        return self._read(name)

    def option(self, name: str) -> Argument:
        """A literal argument of the call, torch's default where none is given."""
        value = self._ports.get(name)
        parameter = self.entry.parameter(name)
        if name not in self._ports and parameter is not None:
            value = parameter.default  # type: ignore[assignment]
        return value

    def has(self, name: str) -> bool:
        return name in self._tensors

    def tensor(self, name: str) -> str:
        return self._tensors[name]

    def shape(self, name: str = "") -> tuple[Any, ...] | None:
        """The shape a port reads, where it is known and the same wherever the layer runs."""
        spec = self._shapes.get(name or self.entry.ports[0].name)
        return spec.shape if isinstance(spec, TensorSpec) else None

    def needs_batch(self, rank: int) -> None:
        """Refuses a value without a batch: the formula counts sizes from the front."""
        shape = self.shape()
        if shape is not None and len(shape) != rank:
            raise CodeRefused(f"it reads {len(shape)} sizes in place of {rank}, with the batch")

    def help(self, function: str, *items: Expression) -> Group:
        """A call of a helper function, which the file then holds."""
        self._helpers.add(function)
        return call(function, *items)

    def optional(self, **arguments: str) -> list[Expression]:
        """`name=value` for arguments that are not torch's default: helper's name → torch's."""
        return [
            keyword(ours, self.written(theirs))
            for ours, theirs in arguments.items()
            if not self.is_default(theirs)
        ]


@dataclass(frozen=True)
class Drawn:
    """A tensor of a layer, in the order in which torch draws them. `name`: as in the state_dict."""

    name: str
    value: Expression
    learns: bool = True


Draw = Callable[[Layer], list[Drawn]]
Calculate = Callable[[Called], Expression]


@dataclass(frozen=True)
class Recipe:
    """How a layer is written by hand."""

    calculate: Calculate
    draw: Draw


RECIPES: dict[str, Recipe] = {}


def no_tensors(_layer: Layer) -> list[Drawn]:
    """What a layer without weights owns."""
    return []


def by_hand(*names: str, draw: Draw = no_tensors) -> Callable[[Calculate], Calculate]:
    """Registers a function as the arithmetic of these layers."""

    def register(calculate: Calculate) -> Calculate:
        for name in names:
            RECIPES[f"torch.nn.{name}"] = Recipe(calculate, draw)
        return calculate

    return register


# Small expressions ----------------------------------------------------------------------------


def times(*parts: Expression) -> Expression:
    """The product, the plain numbers in it worked out: 27, or `in_channels * 9`."""
    number, names = 1, []
    for part in parts:
        text = flat(part)
        if text.isdecimal():
            number *= int(text)
        else:
            names.append(f"({text})" if isinstance(part, Infix) else text)
    items = [*names, *([str(number)] if number != 1 or not names else [])]
    return items[0] if len(items) == 1 else Infix(tuple(items), ("*",) * (len(items) - 1))


def over(part: Expression, divisor: Expression) -> Expression:
    """The whole quotient, worked out where both are plain numbers."""
    one, other = flat(part), flat(divisor)
    if other == "1":
        return part
    if one.isdecimal() and other.isdecimal() and int(other):
        return str(int(one) // int(other))
    return Infix((f"({one})" if isinstance(part, Infix) else one, other), ("//",))


def plus(*parts: Expression) -> Expression:
    return Infix(parts, ("+",) * (len(parts) - 1)) if len(parts) > 1 else parts[0]


def matmul(x: Expression, weight: str) -> Infix:
    """`x @ weight.T`."""
    return Infix((bracketed(x), f"{weight}.T"), ("@",))


def bracketed(x: Expression) -> Expression:
    return f"({flat(x)})" if isinstance(x, Infix) else x


def numbers(items: tuple[Expression, ...]) -> Group:
    """A tuple."""
    return tuple_of(items)


def learning(function: str, *items: Expression) -> Group:
    """`torch.zeros(12, requires_grad=True)`."""
    return call(function, *items, keyword("requires_grad", "True"))


def uniform(*size: Expression, fan_in: Expression) -> Group:
    """`uniform(12, 16, fan_in=16)`, a call of the helper function."""
    if flat(fan_in) == "0":
        raise CodeRefused("it reads no numbers at all")
    return call("uniform", *size, keyword("fan_in", fan_in))


def _follows(value: object) -> bool:
    if isinstance(value, tuple):
        return any(_follows(part) for part in value)
    return isinstance(value, Setting | Calc | Ref | Size)
