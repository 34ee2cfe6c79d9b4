"""Python's own functions: len, range, zip, sorted, int and their kin, done by us."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from builder.code.reading import arithmetic, branches
from builder.code.reading.again import made, written
from builder.code.reading.equality import known
from builder.code.reading.iterating import each_of, going_through, items_of, refuse_late
from builder.code.reading.known import CALLS, does
from builder.code.reading.protocol import NOT_ASKED, asked
from builder.code.reading.reader import Reader
from builder.code.reading.trace import Module, Raw
from builder.code.reading.twofold import is_twofold, not_on_both, on_both
from builder.code.reading.values import (
    Array,
    Differs,
    Generator,
    Lazy,
    Ratio,
    Sym,
    Tensor,
    Unknown,
    plain,
)


def _unknown_in(args: list[Any]) -> Unknown | None:
    return next((a for a in args if isinstance(a, Unknown)), None)


@does(
    "print",
    "input",
    "breakpoint",
    "logging.info",
    "logging.debug",
    "logging.warning",
    "warnings.warn",
    "warnings.filterwarnings",
)
def nothing(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return None


@does("len")
def length(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    value = args[0]
    if value.__class__ is Tensor:
        from builder.code.reading.tensors import size

        return size(reader, value, [0], {})
    if isinstance(value, Lazy):
        refuse_late(reader, value)
        return len(value.items)
    if (own := asked(reader, value, "__len__")) is not NOT_ASKED:
        return own
    if isinstance(value, Module):
        return len(value.members)
    if isinstance(value, Raw):
        return value.spec.shape[0] if value.spec.shape else reader.unknown("A number has no length")
    if isinstance(value, Array):
        return len(value.items)
    if isinstance(value, Unknown):
        return value
    if isinstance(value, list | tuple | dict | str | set | range):
        return len(value)
    if is_twofold(value):
        return on_both(value, len)
    if isinstance(value, Differs):
        raise not_on_both(reader)
    raise reader.refuse("This has no length", kind="raised")


@does("range")
def range_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    bad = _unknown_in(args)
    if bad is not None:
        return bad
    if any(arithmetic.depends_on_batch(a) for a in args):
        raise reader.refuse(
            "This loop goes over the batch, whose size is not known",
            "Give the inputs with every size as a number, such as float32[4, 10].",
        )
    given = [plain(a) for a in args]
    if (
        not all(isinstance(g, int) for g in given)
        or not 1 <= len(given) <= 3
        or (len(given) == 3 and given[2] == 0)
    ):
        if any(isinstance(g, Tensor) for g in given):
            raise reader.refuse("How often this loop runs depends on the data")
        raise reader.refuse("range needs whole numbers", kind="raised")
    found = range(*given)
    if found and (found[-1] - found[0]) // found.step >= sys.maxsize:  # more than Python can count
        reader.budget.items((found[-1] - found[0]) // found.step)
    return found


@does("enumerate")
def enumerate_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if isinstance(args[0], Unknown):
        return args[0]
    start = plain(args[1] if len(args) > 1 else kwargs.get("start", 0))
    found = ((start + i, item) for i, item in enumerate(each_of(reader, args[0])))
    return all_of(reader, found, args[:1])


@does("zip")
def zip_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if (bad := _unknown_in(args)) is not None:
        return bad
    return all_of(reader, zip(*(each_of(reader, a) for a in args), strict=False), args)


def all_of(reader: Reader, found: Iterator[Any], args: list[Any]) -> Lazy | Generator:
    """At once, where nothing is worked out by going on."""
    if any(value.__class__ is Generator for value in args):
        return Generator(found, reader.trace.side)
    return Lazy.over(list(found), *args)


@does("list")
def list_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if args and is_twofold(args[0]):
        return on_both(args[0], list)
    return (
        items_of(reader, args[0])
        if args and not isinstance(args[0], Unknown)
        else (args[0] if args else [])
    )


@does("tuple")
def tuple_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if args and isinstance(args[0], Unknown):
        return args[0]
    if args and is_twofold(args[0]):
        return on_both(args[0], tuple)
    return tuple(items_of(reader, args[0])) if args else ()


@does("set", "frozenset")
def set_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    from builder.code.reading.expressions import hashed

    items = [known(reader, i) for i in items_of(reader, args[0])] if args else []
    return hashed(reader, lambda: set(items))


@does("dict", "collections.OrderedDict", "collections.UserDict")
def dict_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    from builder.code.reading.expressions import hashed

    found: dict[Any, Any] = {}
    for given in args[:1]:
        if isinstance(given, Unknown):
            return given
        if isinstance(given, dict):
            found.update(given)
        elif isinstance(given, Module):
            found.update(given.members)
        else:
            for pair in items_of(reader, given):
                parts = items_of(reader, pair)
                if len(parts) != 2:
                    raise reader.refuse("A dict is made of pairs", kind="raised")
                key = known(reader, parts[0])
                hashed(reader, lambda k=key, v=parts[1]: found.__setitem__(k, v))
    found.update(kwargs)
    return found


@does("reversed")
def reversed_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return Lazy.over(items_of(reader, args[0])[::-1], args[0])


@does("sorted")
def sorted_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return sorted_list(reader, args, kwargs)


def sorted_list(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> list[Any]:
    items = items_of(reader, args[0])
    key = kwargs.get("key")
    keys = [known(reader, reader.call(key, [i], {}) if key is not None else i) for i in items]
    try:
        order = sorted(range(len(items)), key=keys.__getitem__)
    except TypeError:
        raise reader.refuse("These cannot be put in order", kind="raised") from None
    if branches.truth(reader, kwargs.get("reverse", False)):
        order.reverse()
    return [items[i] for i in order]


@does("map")
def map_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    columns = [a if a.__class__ in (list, Generator) else items_of(reader, a) for a in args[1:]]
    rows = zip(*(each_of(reader, column) for column in columns), strict=False)
    return Generator((reader.call(args[0], list(row), {}) for row in rows), reader.trace.side)


@does("filter")
def filter_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    values = args[1] if args[1].__class__ in (list, Generator) else items_of(reader, args[1])
    found = (
        item
        for item in each_of(reader, values)
        if branches.truth(reader, item if args[0] is None else reader.call(args[0], [item], {}))
    )
    return Generator(found, reader.trace.side)


@does("iter")
def iter_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return (
        args[0]
        if isinstance(args[0], Unknown | Lazy | Generator)
        else made(reader, Lazy.over(items_of(reader, args[0]), args[0]))
    )


@does("next")
def next_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    source = args[0]
    if source.__class__ is Generator:
        for value in going_through(reader, source):
            return value
        if len(args) > 1:
            return args[1]
        raise reader.refuse("There is nothing left to take", kind="raised")
    if not isinstance(source, Lazy):
        return (
            source if isinstance(source, Unknown) else reader.unknown("next() of this is not known")
        )
    refuse_late(reader, source)
    if source.items:
        written(reader, source)
        return source.items.pop(0)
    if len(args) > 1:
        return args[1]
    raise reader.refuse("There is nothing left to take", kind="raised")


@does("sum")
def sum_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    total = args[1] if len(args) > 1 else kwargs.get("start", 0)
    for item in items_of(reader, args[0]):
        total = arithmetic.binary(reader, "Add", total, item)
    return total


@does("max")
def max_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return _extreme(reader, args, kwargs, max)


@does("min")
def min_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return _extreme(reader, args, kwargs, min)


def _extreme(reader: Reader, args: list[Any], kwargs: dict[str, Any], which: Any) -> Any:
    items = items_of(reader, args[0]) if len(args) == 1 else list(args)
    if (bad := _unknown_in(items)) is not None:
        return bad
    if any(isinstance(i, Tensor) for i in items):
        raise reader.refuse(
            "Python's max and min of tensors depend on the data", "Use torch.maximum."
        )
    if any(arithmetic.depends_on_batch(i) for i in items):
        return reader.unknown("This number depends on the batch size in a way that cannot be kept")
    if not items:
        if "default" in kwargs:
            return kwargs["default"]
        raise reader.refuse("There is nothing to choose from", kind="raised")
    key = kwargs.get("key")
    keys = [known(reader, reader.call(key, [i], {}) if key is not None else i) for i in items]
    try:
        best = which(range(len(items)), key=keys.__getitem__)
    except TypeError:
        raise reader.refuse("These cannot be compared", kind="raised") from None
    return items[best]


@does("any")
def any_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return any(branches.truth(reader, item) for item in items_of(reader, args[0]))


@does("all")
def all_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return all(branches.truth(reader, item) for item in items_of(reader, args[0]))


def _number(kind: type, name: str) -> None:
    def convert(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
        if not args:
            return kind()
        value = args[0]
        if isinstance(value, Unknown):
            return value
        if isinstance(value, Tensor):
            if name == "float":
                return Tensor(value.spec, value.ref, item=True)
            raise reader.refuse("This number is only known when the network runs")
        if isinstance(value, Ratio):
            if name == "int":
                return arithmetic.binary(reader, "FloorDiv", value.size, value.by)
            return reader.unknown("This number depends on the batch size")
        if arithmetic.depends_on_batch(value):
            return (
                value if name == "int" else reader.unknown("This number depends on the batch size")
            )
        if name == "int" and isinstance(value, Sym) and type(value.value) is int:
            return value
        given = known(reader, value)
        if (isinstance(given, str) and len(given) > 400) or not isinstance(
            given, int | float | str
        ):
            raise reader.refuse("This is no number", kind="raised")
        try:
            return kind(given)
        except (TypeError, ValueError, OverflowError):
            raise reader.refuse("This is no number", kind="raised") from None

    CALLS[name] = convert


_number(int, "int")
_number(float, "float")


@does("bool")
def bool_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return branches.condition_of(reader, args[0]) if args else False


@does("abs")
def abs_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if isinstance(args[0], Tensor):
        from builder.code.reading.torch_calls import operation

        return operation(reader, "torch.abs", {"input": args[0]})
    return plain_math(reader, abs, args)


@does("round")
def round_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return plain_math(reader, round, args)


@does("divmod")
def divmod_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return (
        arithmetic.binary(reader, "FloorDiv", *args[:2]),
        arithmetic.binary(reader, "Mod", *args[:2]),
    )


@does("pow")
def pow_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return arithmetic.binary(reader, "Pow", args[0], args[1])


def plain_math(reader: Reader, function: Any, args: list[Any]) -> Any:
    bad = _unknown_in(args)
    if bad is not None:
        return bad
    if any(arithmetic.depends_on_batch(a) for a in args):
        return reader.unknown(
            "This number depends on the batch size in a way that cannot be kept",
            "Give the inputs with every size as a number, such as float32[4, 10].",
        )
    given = [plain(a) for a in args]
    if not all(isinstance(g, int | float) for g in given):
        return reader.unknown("This is worked out of numbers only")
    try:
        return function(*given)
    except (TypeError, ValueError, OverflowError, ZeroDivisionError):
        raise reader.refuse("These numbers cannot be calculated with so", kind="raised") from None
