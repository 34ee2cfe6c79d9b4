"""Literal arguments: whether a value fits its parameter, and how torch wants it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import EllipsisType
from typing import Any, Final, TypeGuard

from builder.catalogue.entry import Entry, Parameter
from builder.catalogue.rules import LARGEST_SIZE
from builder.errors import did_you_mean, quote

DTYPES: Final = (
    "float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool",
    "complex64",
)  # fmt: skip
"""The types a tensor may have here, by torch's names."""

_LARGEST: Final = 2**63 - 1  # torch's whole numbers have 64 bits
_LONGEST_TUPLE: Final = 64
_LONGEST_TEXT: Final = 200
_NAMES: Final = {
    "int": "a whole number",
    "float": "a number",
    "bool": "True or False",
    "str": "one line of text",
    "index": "a whole number, a slice, … or a tuple of these",
    "dtype": "the name of a type, such as “float32”",
    "numbers": "numbers, or tuples of them",
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
    if parameter.type == "numbers":
        return None if _are_numbers(value) else _refuse(parameter, value)
    if isinstance(value, tuple | list) and len(value) > _LONGEST_TUPLE:
        return (
            f"{parameter.name} takes at most {_LONGEST_TUPLE} numbers; it was given {len(value)}."
        )
    if any(_is_whole(n) and abs(n) > _LARGEST for n in _each(value)):
        return f"{parameter.name} was given a whole number too large for torch (beyond 2⁶³)."
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
    return f"{_refuse(parameter, value)} {near}".strip()


def _check_numbers(parameter: Parameter, value: object) -> str | None:
    numbers = _each(value)
    literal = [n for n in numbers if _is_literal(n)]
    if not isinstance(value, tuple | list) and not parameter.scalar:
        return _refuse(parameter, value)
    wrong_length = parameter.length is not None and len(numbers) != parameter.length
    empty = not numbers and parameter.minimum != 0  # torch.full((), 1.0) has no sizes
    if isinstance(value, tuple | list) and (wrong_length or empty):
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
            return all(_fits_index(part) for part in _each(value) if _is_literal(part))
        case "int" | "ints":
            return _is_whole(value) and _in_range(parameter, value)
        case _:
            number = isinstance(value, int | float) and not isinstance(value, bool)
            return number and _in_range(parameter, value)


def _are_numbers(value: object) -> bool:
    if isinstance(value, tuple | list):
        return all(_are_numbers(part) for part in value)
    return not _is_literal(value) or isinstance(value, bool | int | float)


def _each(value: Any) -> Sequence[Any]:
    return value if isinstance(value, tuple | list) else (value,)


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _fits_index(part: object) -> bool:
    return part is None or _is_whole(part) or isinstance(part, EllipsisType | slice)


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
    return f"{parameter.name} takes {_expects(parameter, value)}; it was given {_shown(value)}."


def _expects(parameter: Parameter, value: object) -> str:
    """What a parameter takes: "a whole number or 2 whole numbers, each at least 1"."""
    if parameter.type == "choice":
        return _listed(parameter.choices)
    limits = _limits(parameter, value)
    if parameter.type not in ("ints", "floats"):
        return f"{_NAMES[parameter.type]} {limits}".strip()
    one = "whole number" if parameter.type == "ints" else "number"
    many = f"a tuple of {one}s" if parameter.length is None else f"{parameter.length} {one}s"
    many = f"a tuple of one {one}" if parameter.length == 1 else many
    text = f"a {one} or {many}" if parameter.scalar else many
    words = f", or {_listed(parameter.choices)}" if parameter.choices else ""
    return text + (f", each {limits}" if limits else "") + words


def _limits(parameter: Parameter, value: object) -> str:
    """The range in words; a limit that is only torch's own is told to who went beyond it."""
    low, high = parameter.minimum, parameter.maximum
    numbers = [n for n in _each(value) if isinstance(n, int | float)]
    tell_low = low is not None and (low > -LARGEST_SIZE or any(n < low for n in numbers))
    tell_high = high is not None and (high < LARGEST_SIZE or any(n > high for n in numbers))
    if tell_low and tell_high:
        return f"from {_number(low)} to {_number(high)}"
    if tell_low:
        return f"of at least {_number(low)}"
    return f"of at most {_number(high)}" if tell_high else ""


def _number(limit: float | None) -> str:
    return str(int(limit)) if limit is not None and limit == int(limit) else f"{limit}"


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
