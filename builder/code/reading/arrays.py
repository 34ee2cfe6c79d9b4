"""numpy's arrays of plain numbers, as texts use them to make constants: offsets, identities, rates."""

from __future__ import annotations

from typing import Any, Final

from builder.code.reading.iterating import items_of
from builder.code.reading.known import CALLS, does
from builder.code.reading.reader import Reader
from builder.code.reading.values import Array, Dtype, Known, Method, Unknown, plain


def of(reader: Reader, value: Any, dtype: Any = None) -> Array | Unknown:
    """`numpy.array(value, dtype)`. Unknown where it holds anything but numbers."""
    if isinstance(value, Array):
        items: Any = value.items
    else:
        items = _numbers(reader, value)
    if items is None:
        return reader.unknown("An array of numpy is worked out only where it is made of numbers")
    flat = _flat(items)
    found = "float64" if any(isinstance(n, float) for n in flat) else "int64"
    found = value.dtype if isinstance(value, Array) else found
    if flat and all(isinstance(n, bool) for n in flat):
        found = "bool"
    wanted = _dtype(dtype)
    if wanted is not None:
        if "int" in wanted and "float" in found:
            items = _each(items, int)
        elif "float" in wanted:
            items = _each(items, float)
        return Array(items, wanted)
    return Array(items, found)


def element(reader: Reader, array: Array, index: Any) -> Any:
    """`array[2]`, `array[:-1]`."""
    if isinstance(index, slice):
        parts = [plain(p) for p in (index.start, index.stop, index.step)]
        if all(p is None or isinstance(p, int) for p in parts) and parts[2] != 0:
            return Array(array.items[slice(*parts)], array.dtype)
    at = plain(index)
    if isinstance(at, int) and -len(array.items) <= at < len(array.items):
        found = array.items[at]
        return Array(found, array.dtype) if isinstance(found, tuple) else found
    return reader.unknown("This part of a numpy array is not worked out")


def attribute(reader: Reader, array: Array, name: str) -> Any:
    """`array.astype(np.float32)`, `array.shape`."""
    if name == "shape":
        sizes: list[int] = []
        at: Any = array.items
        while isinstance(at, tuple):
            sizes.append(len(at))
            at = at[0] if at else 0
        return tuple(sizes)
    if name == "astype":
        return Method(name, lambda r, args, kwargs: of(r, array, args[0] if args else None))
    if name == "tolist":
        return Method(name, lambda r, args, kwargs: _listed(array.items))
    if name == "copy":
        return Method(name, lambda r, args, kwargs: array)
    return reader.unknown(f"“.{name[:40]}” of a numpy array is not worked out")


def _numbers(reader: Reader, value: Any) -> Any:
    known = plain(value)
    if isinstance(known, bool | int | float):
        return known
    if isinstance(value, Array):
        return value.items
    if not isinstance(value, list | tuple | range):
        return None
    parts = [_numbers(reader, part) for part in items_of(reader, value)]
    reader.budget.items(len(parts))
    return None if any(p is None for p in parts) else tuple(parts)


def _flat(items: Any) -> list[Any]:
    if not isinstance(items, tuple):
        return [items]
    return [n for part in items for n in _flat(part)]


def _each(items: Any, do: Any) -> Any:
    return tuple(_each(part, do) for part in items) if isinstance(items, tuple) else do(items)


def _listed(items: Any) -> Any:
    return [_listed(part) for part in items] if isinstance(items, tuple) else items


_KNOWN: Final = {"numpy.float32", "numpy.float64", "numpy.int64", "numpy.int32"}


def _dtype(given: Any) -> str | None:
    if isinstance(given, Dtype):
        return given.name
    if isinstance(given, Known) and given.path in _KNOWN:
        return given.path.removeprefix("numpy.")
    if isinstance(given, Known) and given.path in ("float", "int"):
        return f"{given.path}64"
    return given if given in ("float32", "float64", "int64", "int32") else None


@does("numpy.array", "numpy.asarray")
def array(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    dtype = args[1] if len(args) > 1 else kwargs.get("dtype")
    return of(reader, args[0] if args else None, dtype)


@does("numpy.linspace")
def linspace(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    import numpy

    given = [plain(a) for a in args[:3]] + [plain(kwargs[k]) for k in ("num",) if k in kwargs]
    if len(given) != 3 or not all(isinstance(g, int | float) for g in given):
        return reader.unknown("These numbers of numpy are not worked out")
    reader.budget.items(int(given[2]))
    return Array(tuple(numpy.linspace(*given).tolist()), "float64")


@does("numpy.cumsum")
def cumsum(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return of(reader, items_of(reader, CALLS["itertools.accumulate"](reader, args, kwargs)))
