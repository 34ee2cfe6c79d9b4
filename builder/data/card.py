"""What is known about a data set before it is loaded: its `Card`, target and options."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from builder.errors import DataRefused, did_you_mean, quote
from builder.graph.model import TensorSpec, format_shape

OptionValue: TypeAlias = bool | int | float | str
TargetKind = Literal["classes", "binary", "number"]


@dataclass(frozen=True, slots=True)
class Option:
    """One thing a person may choose about a set: its size, noise, seed, layout.

    `choices` are the values of a "choice". `minimum` and `maximum` are inclusive.
    """

    name: str
    type: Literal["int", "float", "bool", "choice"]
    default: OptionValue
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    title: str = ""
    help: str = ""

    def check(self, value: object) -> OptionValue:
        """The value as this option's type. Errors: DataRefused with the range or the choices."""
        if self.type == "choice":
            if value not in self.choices:
                allowed = ", ".join(self.choices)
                raise DataRefused(f"{self.name} is one of {allowed}, not {quote(value)}.")
            return str(value)
        if self.type == "bool":
            if not isinstance(value, bool):
                raise DataRefused(f"{self.name} is true or false, not {quote(value)}.")
            return value
        return self._number(value)

    def _number(self, value: object) -> int | float:
        kind = "a whole number" if self.type == "int" else "a number"
        fits = isinstance(value, int | float) and not isinstance(value, bool)
        if not fits or not math.isfinite(value) or (self.type == "int" and value != int(value)):  # type: ignore[arg-type, call-overload]
            raise DataRefused(f"{self.name} is {kind}, not {quote(value)}.")
        assert isinstance(value, int | float)
        low, high = self.minimum, self.maximum
        if (low is not None and value < low) or (high is not None and value > high):
            raise DataRefused(
                f"{self.name} lies between {low:,} and {high:,}, and {quote(value)} does not."
            )
        return int(value) if self.type == "int" else float(value)


@dataclass(frozen=True, slots=True)
class Target:
    """What a model learns to say.

    - "classes": y is int64 of shape (N,), counting from 0 in the order of `names`.
    - "binary": two classes said by one number: y is float32 of shape (N, 1), 0.0 or 1.0 for `names`.
    - "number": y is float32 of shape (N, 1), in `unit`.
    """

    kind: TargetKind
    name: str = "target"
    names: tuple[str, ...] = ()
    unit: str = ""

    @property
    def count(self) -> int:
        """How many classes there are; for numbers how many numbers a row has."""
        return 1 if self.kind == "number" else len(self.names)

    @property
    def width(self) -> int:
        """How many outputs a model needs: one a class, or one."""
        return self.count if self.kind == "classes" else 1

    def __str__(self) -> str:
        if self.kind == "number":
            return f"a number in {self.unit}" if self.unit else "a number"
        return f"{self.count} classes" if self.kind == "classes" else "yes or no (2 classes)"


@dataclass(frozen=True)
class Card:
    """One data set, described: what is in it, where it comes from, what one may do with it.

    `spec`: one batch of inputs, ("N", 4) or ("N", 1, 8, 8). `rows`: before anything is left out.
    `features`: names of the columns, () for pictures. `units`: of the features, in words.
    `standardise`: whether that is what one would do with it.
    """

    key: str
    title: str
    description: str
    rows: int
    spec: TensorSpec
    target: Target
    features: tuple[str, ...] = ()
    units: str = ""
    origin: str = ""
    licence: str = ""
    link: str = ""
    family: Literal["table", "pictures", "generated", "upload"] = "table"
    options: tuple[Option, ...] = ()
    standardise: bool = True

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """The card's lines as (label, text), those that are empty left out."""
        classes = "" if self.target.kind == "number" else ", ".join(self.target.names[:12])
        if len(self.target.names) > 12:
            classes += ", …"
        lines = (
            ("Rows", f"{self.rows:,}".replace(",", "\u2009")),
            ("Input", format_shape(self.spec.shape)),
            ("Target", f"{self.target.name}: {self.target}"),
            ("Classes", classes),
            ("Units", self.units),
            ("Origin", self.origin),
            ("Licence", self.licence),
        )
        return tuple((label, text) for label, text in lines if text)


def check_options(
    title: str, options: tuple[Option, ...], values: Mapping[str, object]
) -> dict[str, OptionValue]:
    """Every option's value, given or default. Errors: DataRefused for an unknown or bad one."""
    known = {option.name: option for option in options}
    for name in values:
        if name not in known:
            has = f"It has {', '.join(known)}." if known else "It has none."
            hint = did_you_mean(name, known) or has
            raise DataRefused(f"{title} has no option {quote(name)}. {hint}")
    return {
        name: option.check(values[name]) if name in values else option.default
        for name, option in known.items()
    }
