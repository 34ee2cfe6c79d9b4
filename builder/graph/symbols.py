"""The batch as a number: shapes are probed with a large prime, and its multiples are shown as N.

Torch's meta device only knows whole numbers. A prime that nobody types stands for the batch size, so
that every multiple of it in a result can be told from an ordinary size and is shown as "N", "2N", …
Sizes beyond multiples keep their meaning too: "N+3" (a constant joined along the batch), "N²", and
a part of the batch: "N/2" (rounded down, as x.size(0) // 2), "⌈N/2⌉" (rounded up, as chunk does).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import lru_cache
from math import gcd, lcm, prod
from typing import Any, TypeAlias

from builder.graph.layout import Strided
from builder.graph.model import (
    Argument,
    Calc,
    Compare,
    Dim,
    GradEnabled,
    Literals,
    Ref,
    Setting,
    Size,
    Slice,
    TensorSpec,
    Training,
    Value,
)

BATCH_PROBE = 15_485_863
"""The millionth prime: no size a person types, and small enough that N² still fits in 64 bits."""

LARGEST_INTEGER = 2**63 - 1  # what torch can hold
_LARGEST_OFFSET = 4096  # of "N+3": further away it is an ordinary number
SMALLEST_PART = 8
"""Of a batch, N/8 is the smallest part with a name of its own."""

_PARTS = {
    f"{'⌈' * up}{'' if a == 1 else a}N/{k}{'⌉' * up}": a * BATCH_PROBE // k + up
    for k in range(2, SMALLEST_PART + 1)
    for a in range(1, k)
    for up in (0, 1)
    if gcd(a, k) == 1
}
_NAMES_OF_PARTS = {size: name for name, size in _PARTS.items()}
_PART = re.compile(r"(?:(\d{1,9})·)?(⌈?\d?N/\d⌉?)")
_PATTERN = re.compile(r"(\d{0,9})N(²?)(?:([+-])(\d{1,4}))?")
_FRACTION = re.compile(r"⌈?(\d?)N/(\d)⌉?")

Evaluated: TypeAlias = "Literals | TensorSpec | Slice | tuple[Evaluated, ...]"
"""An argument whose references are values and whose sizes are numbers (the batch: BATCH_PROBE)."""


class CannotEvaluate(Exception):
    """An argument without a value. `waiting`: because an earlier node has none; else a mistake."""

    def __init__(
        self, kind: str, message: str = "", *, port: str | None = None, waiting: bool = False
    ) -> None:
        super().__init__(message)
        self.kind, self.message, self.waiting = kind, message, waiting
        self.port = port
        self.parameter: str | None = None


@lru_cache(maxsize=65_536)
def dim_from_probe(size: int) -> Dim:
    """A size that torch gave, with multiples of the probe written as N."""
    if size < BATCH_PROBE // SMALLEST_PART:
        return size
    is_near_batch = (
        abs(size - (size + BATCH_PROBE // 2) // BATCH_PROBE * BATCH_PROBE) <= _LARGEST_OFFSET
        and size < 3 * BATCH_PROBE
    )
    if not is_near_batch:  # "N-1" could be read as twice the half of an odd batch
        part = _part_of_batch(size)
        if part is not None:
            return part
    if size < BATCH_PROBE - _LARGEST_OFFSET:
        return size
    if size % (BATCH_PROBE * BATCH_PROBE) == 0:
        return f"{_factor(size // BATCH_PROBE**2)}N²"
    factor = (size + _LARGEST_OFFSET) // BATCH_PROBE
    offset = size - factor * BATCH_PROBE
    if abs(offset) > _LARGEST_OFFSET or factor > 999_999_999:
        return size
    return f"{_factor(factor)}N{f'{offset:+d}' if offset else ''}"


@lru_cache(maxsize=65_536)
def probe_from_dim(dim: Dim) -> int:
    """The number torch is asked with. Raises ValueError for a text that is no size."""
    return _dim_at(dim, BATCH_PROBE)


def dim_per_sample(dim: Dim) -> int:
    """The size with a batch of one: "2N" is 2. A part of the batch counts as a whole sample."""
    if is_part_of_batch(dim):
        return int(str(dim).rpartition("·")[0] or 1)
    return dim if isinstance(dim, int) else _dim_at(dim, 1)


def dim_at(dim: Dim, batch: int) -> int:
    """The size with a batch of that many samples: "⌈N/2⌉" with 5 is 3."""
    part = _PART.fullmatch(str(dim))
    fraction = _FRACTION.fullmatch(part[2]) if part is not None else None
    if part is None or fraction is None:
        return _dim_at(dim, batch)
    share = int(fraction[1] or 1) * batch
    size = -(-share // int(fraction[2])) if "⌈" in part[2] else share // int(fraction[2])
    return int(part[1] or 1) * size


def is_batch(dim: Dim) -> bool:
    """Whether a size grows with the batch."""
    return isinstance(dim, str)


def share_of_batch(dim: Dim) -> Fraction:
    """How many samples a size stands for: a half for "N/2", 6 for "12·N/2"."""
    parts = lcm(*range(2, SMALLEST_PART + 1))
    return Fraction(round(Fraction(probe_from_dim(dim) * parts, BATCH_PROBE)), parts)


def is_part_of_batch(dim: Dim) -> bool:
    """Whether a size is a part of the batch or a multiple of one: "N/2", "3·N/2"."""
    return isinstance(dim, str) and "/" in dim


@lru_cache(maxsize=65_536)
def elements_per_sample(spec: TensorSpec) -> int:
    """How many numbers a tensor holds with a batch of one."""
    return prod(dim_per_sample(dim) for dim in spec.shape)


def evaluate(
    argument: Argument,
    value_of: Callable[[Ref], Value],
    settings: Mapping[str, Literals],
) -> Evaluated:
    """An argument with every reference, size and setting replaced by what it stands for.

    Raises CannotEvaluate; `value_of` may raise it too.
    """
    match argument:
        case Ref():
            return value_of(argument)
        case Size(of=of, dim=dim):
            return _size(value_of(of), dim)
        case Calc(op=op, left=left, right=right):
            return _calculate(
                op, evaluate(left, value_of, settings), evaluate(right, value_of, settings)
            )
        case Slice(start=start, stop=stop, step=step):
            if start is None and stop is None and step is None:
                return argument
            parts = [evaluate(part, value_of, settings) for part in (start, stop, step)]
            return Slice(*parts)  # type: ignore[arg-type]
        case Setting(name=name):
            if name not in settings:
                raise CannotEvaluate("unknown_setting", name)
            return settings[name]
        case tuple():
            return tuple(evaluate(part, value_of, settings) for part in argument)
        case Training() | GradEnabled() | Compare():
            raise CannotEvaluate("misplaced_condition")
        case int() if not -LARGEST_INTEGER <= argument <= LARGEST_INTEGER:
            raise CannotEvaluate("too_large_number", _shorten(argument))
        case _:
            return argument


def frozen(value: Any) -> Any:
    """A hashable key that tells True from 1 and 1 from 1.0, which compare equal."""
    if isinstance(value, tuple):
        return tuple(frozen(part) for part in value)
    if isinstance(value, Strided):
        return (value.shape, value.dtype, value.strides)
    if isinstance(value, TensorSpec | str):
        return value
    if isinstance(value, Slice):
        return ("slice", frozen(value.start), frozen(value.stop), frozen(value.step))
    return (value.__class__, value)


def _part_of_batch(size: int) -> str | None:
    """A size as a part of the batch, or as a multiple of one; None where it is no such thing.

    Only exact ones: a window around each would take ordinary numbers with it.
    """
    if size in _NAMES_OF_PARTS:
        return _NAMES_OF_PARTS[size]
    if size % BATCH_PROBE == 0:
        return None
    for name, part in _PARTS.items():
        if size % part == 0 and size // part <= 999_999_999:
            return f"{size // part}·{name}"
    return None


def _factor(count: int) -> str:
    return "" if count == 1 else str(count)


def _dim_at(dim: Dim, batch: int) -> int:
    if isinstance(dim, int) and not isinstance(dim, bool):
        return dim
    part = _PART.fullmatch(str(dim))
    if part is not None and part[2] in _PARTS:
        return int(part[1] or 1) * _PARTS[part[2]]
    match = _PATTERN.fullmatch(str(dim))
    if match is None:
        raise ValueError(f"{dim!r} is not a size")
    factor, square, sign, offset = match.groups()
    size = int(factor or 1) * batch ** (2 if square else 1)
    return size + int(f"{sign}{offset}") if offset else size


def _size(value: Value, dim: int) -> int:
    if not isinstance(value, TensorSpec):
        raise CannotEvaluate("size_of_tuple")
    if not isinstance(dim, int) or not -len(value.shape) <= dim < len(value.shape):
        raise CannotEvaluate("size_out_of_range", f"{dim} of {value}")
    return probe_from_dim(value.shape[dim])


def _calculate(op: str, left: Evaluated, right: Evaluated) -> int:
    if not isinstance(left, int) or not isinstance(right, int):
        raise CannotEvaluate("calculation", "it needs whole numbers on both sides")
    match op:
        case "+":
            result = left + right
        case "-":
            result = left - right
        case "*":
            result = left * right
        case "//":
            if right == 0:
                raise CannotEvaluate("calculation", "it divides by zero")
            result = left // right
        case _:
            raise CannotEvaluate("calculation", "its sign is none of + - * //")
    if not -LARGEST_INTEGER <= result <= LARGEST_INTEGER:
        raise CannotEvaluate("too_large_number", _shorten(result))
    return result


def _shorten(number: int) -> str:
    # str() of a number with millions of digits is slow and, beyond 4300, refused by Python.
    bits = number.bit_length()
    return str(number) if bits < 128 else f"a number of about {int(bits * 0.30103) + 1} digits"
