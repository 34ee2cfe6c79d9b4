"""Literal arguments: whether a value fits its parameter, and how torch wants it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from types import EllipsisType
from typing import Any, Final

from builder.catalogue.entry import Entry, Parameter
from builder.errors import did_you_mean, quote

DTYPES: Final = (
    "float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool",
    "complex64",
)  # fmt: skip
"""The types a tensor may have here, by torch's names."""

_LONGEST_TUPLE: Final = 64
_LONGEST_TEXT: Final = 200
_NAMES: Final = {
    "int": "a whole number",
    "float": "a number",
    "bool": "True or False",
    "str": "text",
    "index": "a whole number, a slice, … or a tuple of these",
    "dtype": "the name of a type, such as “float32”",
}


def check_literal(parameter: Parameter, value: object) -> str | None:
    """A sentence when a value has the wrong type or is out of range, else None.

    Values that are known only when the network runs (sizes, settings, references) are not judged
    here: they pass, alone and inside a tuple.
    """
    if value is None:
        return (
            None if parameter.optional or parameter.default is None else _refuse(parameter, value)
        )
    if not _is_literal(value):
        return None
    if isinstance(value, tuple | list) and len(value) > _LONGEST_TUPLE:
        return (
            f"{parameter.name} takes at most {_LONGEST_TUPLE} numbers; it was given {len(value)}."
        )
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**63 - 1:
        return f"{parameter.name} was given a whole number too large for torch (beyond 2**63)."
    if isinstance(value, str) and parameter.choices:
        return _check_choice(parameter, value)
    if parameter.type in ("ints", "floats"):
        return _check_numbers(parameter, value)
    if not _fits(parameter, value):
        return _refuse(parameter, value)
    return None


def to_torch(entry: Entry, arguments: Mapping[str, Any], training: bool = False) -> dict[str, Any]:
    """Literal arguments as torch takes them: dtypes by name become dtypes, lists tuples.

    Values that are not literals (tensors, sizes already resolved) pass through. For an operation it
    adds the argument `entry.training` names and sets `training_only` parameters to 0 unless `training`.
    """
    ready: dict[str, Any] = {}
    for name, value in arguments.items():
        parameter = entry.parameter(name)
        if parameter is not None and parameter.training_only and not training:
            value = 0.0
        ready[name] = _one_to_torch(parameter, value)
    if entry.training:
        ready[entry.training] = training
    return ready


def _one_to_torch(parameter: Parameter | None, value: Any) -> Any:
    if parameter is not None and parameter.type == "dtype" and isinstance(value, str):
        if value not in DTYPES:
            raise ValueError(_check_choice(parameter, value))
        import torch

        return getattr(torch, value)
    return tuple(value) if isinstance(value, list) else value


def _check_choice(parameter: Parameter, value: str) -> str | None:
    if value in parameter.choices:
        return None
    near = did_you_mean(value, parameter.choices)
    return f"{_expects(parameter)}; it was given {quote(value)}." + (f" {near}" if near else "")


def _check_numbers(parameter: Parameter, value: object) -> str | None:
    numbers = value if isinstance(value, tuple | list) else (value,)
    literal = [n for n in numbers if _is_literal(n)]
    if not isinstance(value, tuple | list) and not parameter.scalar:
        return _refuse(parameter, value)
    wrong_length = parameter.length is not None and len(numbers) != parameter.length
    if isinstance(value, tuple | list) and (wrong_length or not numbers):
        return _refuse(parameter, value)
    if all(_fits(parameter, n) or (n is None and parameter.gaps) for n in literal):
        return None
    return _refuse(parameter, value)


def _fits(parameter: Parameter, value: object) -> bool:
    match parameter.type:
        case "bool":
            return isinstance(value, bool)
        case "str":
            return isinstance(value, str) and value.isprintable() and len(value) <= _LONGEST_TEXT
        case "choice" | "dtype":
            return value in parameter.choices
        case "index":
            parts = value if isinstance(value, tuple | list) else (value,)
            return all(_fits_index(part) for part in parts if _is_literal(part))
        case "int" | "ints":
            return (
                isinstance(value, int)
                and not isinstance(value, bool)
                and _in_range(parameter, value)
            )
        case _:
            number = isinstance(value, int | float) and not isinstance(value, bool)
            return number and _in_range(parameter, value)


def _fits_index(part: object) -> bool:
    whole = isinstance(part, int) and not isinstance(part, bool) and abs(part) < 2**63
    return part is None or isinstance(part, EllipsisType | slice) or whole


def _in_range(parameter: Parameter, value: Any) -> bool:
    if isinstance(value, float) and math.isnan(value):
        return False
    low = parameter.minimum if parameter.minimum is not None else -math.inf
    high = parameter.maximum if parameter.maximum is not None else math.inf
    return bool(low <= value <= high)


def _is_literal(value: object) -> bool:
    return value is None or isinstance(
        value, bool | int | float | str | EllipsisType | tuple | list | slice
    )


def _refuse(parameter: Parameter, value: object) -> str:
    return f"{_expects(parameter)}; it was given {_shown(value)}."


def _expects(parameter: Parameter) -> str:
    """ "kernel_size takes a whole number or 2 of them, each at least 1"."""
    return f"{parameter.name} takes {'; '.join(_alternatives(parameter))}"


def _alternatives(parameter: Parameter) -> Iterator[str]:
    if parameter.type in ("ints", "floats"):
        one = "whole number" if parameter.type == "ints" else "number"
        many = f"{parameter.length} {one}s" if parameter.length != 1 else f"a tuple of one {one}"
        many = many if parameter.length is not None else f"a tuple of {one}s"
        text = f"a {one} or {many}" if parameter.scalar else many
        words = f", or {_listed(parameter.choices)}" if parameter.choices else ""
        yield text + _range(parameter, each=True) + words
    elif parameter.type == "choice":
        yield _listed(parameter.choices)
    else:
        yield _NAMES[parameter.type] + _range(parameter, each=False)


def _range(parameter: Parameter, each: bool) -> str:
    low, high = parameter.minimum, parameter.maximum
    prefix = ", each " if each else " "
    bounded_below = low is not None and low > -(2**31 - 1)
    bounded_above = high is not None and high < 2**31 - 1
    if bounded_below and bounded_above:
        return f"{prefix}from {low:g} to {high:g}"
    if bounded_below:
        return f"{prefix}of at least {low:g}" if not each else f"{prefix}at least {low:g}"
    if high is not None and low is not None:
        return f"{prefix}below 2³¹"
    return ""


def _listed(words: tuple[str, ...]) -> str:
    quoted = [f"“{word}”" for word in words]
    return " or ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)


def _shown(value: object) -> str:
    if value is ...:
        return "…"
    if isinstance(value, str):
        return quote(value)
    text = str(tuple(value) if isinstance(value, list) else value)
    return text if len(text) <= 60 else text[:59] + "…"
