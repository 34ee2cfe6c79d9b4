"""numpy's arrays of plain numbers, as texts use them to make constants: offsets, tables, rates.

They are worked out by numpy itself, by functions that stand in our own table: the text only chooses.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from builder.code.reading.known import CALLS
from builder.code.reading.limits import MAX_ITEMS
from builder.code.reading.reader import Reader
from builder.code.reading.values import Array, Dtype, Known, Lazy, Method, Sym, Unknown, plain

_FUNCTIONS: Final = (
    "add subtract multiply divide true_divide floor_divide power mod remainder sqrt exp log log2 log10 "
    "log1p expm1 sin cos tan arctan tanh sinh cosh abs absolute floor ceil round around rint sign "
    "square negative maximum minimum cumsum cumprod diff unique concatenate stack vstack hstack tile "
    "repeat ones zeros full eye identity arange linspace logspace triu tril transpose reshape "
    "expand_dims outer dot matmul sum prod mean std var max min amax amin argmax argmin clip where "
    "ones_like zeros_like full_like diag flip roll sort squeeze ravel array asarray deg2rad rad2deg"
)
_MAKING: Final = frozenset(
    [
        "ones",
        "zeros",
        "full",
        "eye",
        "identity",
        "arange",
        "linspace",
        "logspace",
        "tile",
        "repeat",
        "repeat()",
    ]
)
"""Those that make as many numbers as they are told."""
_METHODS: Final = frozenset(
    [
        "astype",
        "tolist",
        "copy",
        "max",
        "min",
        "sum",
        "mean",
        "std",
        "var",
        "prod",
        "cumsum",
        "reshape",
        "flatten",
        "ravel",
        "round",
        "transpose",
        "item",
        "repeat",
        "squeeze",
        "dot",
        "argmax",
        "argmin",
        "clip",
        "any",
        "all",
        "fill",
    ]
)
_DTYPES: Final = {
    **{f"numpy.{n}": n for n in ("float32", "float64", "int64", "int32", "int16", "int8", "uint8")},
    "float": "float64", "int": "int64", "bool": "bool", "numpy.bool_": "bool",
}  # fmt: skip
_SAID: Final = "An array of numpy is worked out only where it is made of numbers"


class _NoNumber(Exception):
    """A value that is no constant number."""


def calculated(reader: Reader, function: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    """`left + right`, one of them an array."""
    return _done(reader, function, [left, right], {}, "this")


def changed(reader: Reader, function: Callable[[Any, Any], Any], array: Array, other: Any) -> Array:
    """`array += other`, in place."""
    found = calculated(reader, function, array, other)
    if not isinstance(found, Array):
        raise reader.refuse_unknown(found)
    put(reader, array, ..., found)
    return array


def element(reader: Reader, array: Array, index: Any) -> Any:
    """`array[2]`, `array[:, 0::2]`."""
    try:
        return _back(reader, array.data[_index(reader, index)])
    except (IndexError, TypeError, ValueError, _NoNumber):
        return reader.unknown("This part of a numpy array is not worked out")


def put(reader: Reader, array: Array, index: Any, given: Any) -> None:
    """`array[:, 0::2] = …`."""
    try:
        array.data[_index(reader, index)] = _number(reader, given)
    except (IndexError, TypeError, ValueError, _NoNumber):
        raise reader.refuse("This part of a numpy array cannot be set so") from None


def attribute(reader: Reader, array: Array, name: str) -> Any:
    """`array.astype(np.float32)`, `array.shape`."""
    if name == "shape":
        return tuple(array.data.shape)
    if name in ("ndim", "size"):
        return int(getattr(array.data, name))
    if name == "T":
        return Array(array.data.T)
    if name == "dtype":
        return Dtype(array.dtype)
    if name in _METHODS:
        return Method(name, lambda r, args, kwargs: _method(r, array, name, args, kwargs))
    return reader.unknown(f"“.{name[:40]}” of a numpy array is not worked out")


def _method(
    reader: Reader, array: Array, name: str, args: list[Any], kwargs: dict[str, Any]
) -> Any:
    if name == "tolist":
        reader.budget.items(array.data.size)
        return array.data.tolist()
    if name == "astype":
        wanted = _dtype(args[0] if args else kwargs.get("dtype"))
        return Array(array.data.astype(wanted)) if wanted else reader.unknown(_SAID)
    return _done(reader, getattr(np.ndarray, name), [array, *args], kwargs, f".{name}()")


def _done(
    reader: Reader, function: Callable[..., Any], args: list[Any], kwargs: dict[str, Any], said: str
) -> Any:
    """A function of numpy; Unknown where it is given anything but numbers."""
    bad = next((v for v in (*args, *kwargs.values()) if isinstance(v, Unknown)), None)
    if bad is not None and not reader.state.get("forward"):
        return bad
    try:
        given = [_number(reader, value) for value in args]
        named = {k: _number(reader, value) for k, value in kwargs.items()}
        _look_at_size(reader, said, [*given, *named.values()])
        with np.errstate(all="ignore"):
            return _back(reader, function(*given, **named))
    except _NoNumber:
        return reader.unknown(
            f"What {said} gives is not worked out here",
            "Use torch's own function of that kind: its tensors stay in the network.",
        )
    except (TypeError, ValueError, IndexError, OverflowError, ZeroDivisionError, MemoryError):
        raise reader.refuse("These numbers cannot be calculated with so", kind="raised") from None


def _look_at_size(reader: Reader, said: str, given: list[Any]) -> None:
    """No function makes more numbers than its arrays, or its sizes, have multiplied."""
    total = 1
    sizes = said.rpartition(".")[2] in _MAKING
    for value in given:
        if isinstance(value, np.ndarray):
            total *= max(1, value.size)
        elif isinstance(value, list | tuple):
            total *= max(1, _count(value))
            if sizes and all(type(v) is int for v in value):
                total *= max(1, math.prod(abs(v) or 1 for v in value))
        elif sizes and isinstance(value, int | float) and not isinstance(value, bool):
            total *= max(1, int(min(abs(value), 1e12)))
    if total > MAX_ITEMS * 50:
        raise reader.budget.spent("An array of numpy would be far too large")


def _count(value: Any) -> int:
    if isinstance(value, np.ndarray):
        return int(value.size)
    return sum(_count(part) for part in value) if isinstance(value, list | tuple) else 1


def _number(reader: Reader, value: Any) -> Any:
    """What numpy is handed. Errors: _NoNumber."""
    from builder.code.reading.arithmetic import depends_on_batch

    if isinstance(value, Array):
        return value.data
    if isinstance(value, Sym):
        if depends_on_batch(value):
            raise _NoNumber
        value = plain(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Lazy):
        value = value.items
    if isinstance(value, list | tuple):
        reader.budget.items(len(value))
        return [_number(reader, part) for part in value]
    if isinstance(value, range):
        reader.budget.items(len(value))
        return list(value)
    wanted = _dtype(value)
    if wanted is None:
        raise _NoNumber
    return np.dtype(wanted)


def _index(reader: Reader, index: Any) -> Any:
    if isinstance(index, tuple):
        return tuple(_index(reader, part) for part in index)
    if isinstance(index, slice):
        return slice(*(_number(reader, p) for p in (index.start, index.stop, index.step)))
    return index if index is ... else _number(reader, index)


def _back(reader: Reader, value: Any) -> Any:
    """A result of numpy as a value of the text."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "biuf":
            raise _NoNumber
        reader.budget.items(value.size)
        return Array(value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, tuple | list):
        return tuple(_back(reader, part) for part in value)
    if value is None or isinstance(value, bool | int | float):
        return value
    raise _NoNumber


def _dtype(given: Any) -> str | None:
    if isinstance(given, Dtype):
        return given.name
    if isinstance(given, Known):
        return _DTYPES.get(given.path)
    return given if given in ("float32", "float64", "int64", "int32") else None


def _enrol(name: str) -> None:
    path, function, before = f"numpy.{name}", getattr(np, name), CALLS.get(f"numpy.{name}")

    def do(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
        parts = [*args, *kwargs.values()]
        if before is not None and not any(isinstance(p, Array | list | tuple) for p in parts):
            return before(reader, args, kwargs)  # of plain numbers, whose sizes stay sizes
        return _done(reader, function, args, kwargs, path)

    CALLS[path] = do


def enrol() -> None:
    """Puts the functions of numpy into the table of calls, over those of plain numbers."""
    for name in _FUNCTIONS.split():
        _enrol(name)
