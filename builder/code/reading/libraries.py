"""math, numpy, itertools, functools, collections, copy: what they give, done by us."""

from __future__ import annotations

import math
from itertools import chain, combinations, product
from typing import Any, Final

from builder.code.reading import arithmetic
from builder.code.reading.iterating import each_of, items_of
from builder.code.reading.known import CALLS, does
from builder.code.reading.python_functions import all_of, plain_math
from builder.code.reading.reader import Reader
from builder.code.reading.values import (
    Known,
    Lazy,
    Method,
    Named,
    Partial,
    Sym,
    Tensor,
    plain,
)

_READY: Final[list[bool]] = []


def ready() -> None:
    """Fills the table of calls, once."""
    if not _READY:
        _READY.append(True)
        from builder.code.reading import (
            arrays,
            characters,
            containers,
            kinds,
            norms,
            python_functions,
            settings_of_programs,
            torch_names,
        )

        arrays.enrol()
        assert all(
            (
                characters,
                containers,
                settings_of_programs,
                torch_names,
                kinds,
                norms,
                python_functions,
            )
        )


_MATH: Final = (
    "sqrt log log2 log10 exp floor ceil sin cos tan tanh atan pow isqrt gcd fabs isclose isnan isinf "
    "trunc degrees radians hypot asin acos sinh cosh erf copysign fmod lcm"
)


def _math(name: str) -> Any:
    def do(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
        given = [plain(a) for a in args]
        if any(isinstance(a, Tensor) for a in args):
            raise reader.refuse(
                f"math.{name} of a tensor depends on the data", f"Use torch.{name}."
            )
        if any(isinstance(g, int) and g.bit_length() > 1000 for g in given):
            raise reader.refuse("This number is too large", kind="raised")
        return plain_math(reader, getattr(math, name), args)  # one of the names above

    return do


for _name in _MATH.split():
    CALLS[f"math.{_name}"] = _math(_name)
for _name in ("sqrt", "log", "log2", "exp", "floor", "ceil", "sin", "cos", "tanh", "log10"):
    CALLS[f"numpy.{_name}"] = _math(_name)
CALLS["numpy.power"] = CALLS["math.pow"]
for _name in ("int32", "int64", "float32", "float64"):
    CALLS[f"numpy.{_name}"] = CALLS["int" if _name.startswith("int") else "float"]


@does("collections.defaultdict", "collections.Counter")
def defaultdict(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return (
        reader.unknown("What a defaultdict or Counter holds is not worked out")
        if args or kwargs
        else {}
    )


@does("collections.deque")
def deque(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if len(args) > 1 or kwargs:
        return reader.unknown("What a deque with a maxlen holds is not worked out")
    return items_of(reader, args[0]) if args else []


@does("collections.namedtuple")
def namedtuple(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    names = args[1]
    if isinstance(names, str):
        names = names.replace(",", " ").split()
    fields = tuple(str(n) for n in items_of(reader, names))

    def make(r: Reader, given: list[Any], named: dict[str, Any]) -> Any:
        values = [*given, *(named.get(f) for f in fields[len(given) :])]
        return Named(values[: len(fields)], fields)

    return Method("namedtuple", make)


@does("math.prod", "numpy.prod")
def prod(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    result: Any = 1
    for item in items_of(reader, args[0]):
        result = (
            item
            if result == 1 and not isinstance(result, Sym)
            else arithmetic.binary(reader, "Mult", result, item)
        )
    return result


@does("itertools.chain")
def chain_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return all_of(reader, chain.from_iterable(each_of(reader, a) for a in args), args)


@does("itertools.chain.from_iterable")
def chain_from(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return chain_(reader, items_of(reader, args[0]), {})


@does("itertools.repeat")
def repeat(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if len(args) < 2:
        return reader.unknown("An endless list is not worked out")
    reader.budget.items(plain(args[1]))
    return Lazy([args[0]] * plain(args[1]))


@does("itertools.product")
def product_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    columns = [items_of(reader, a) for a in args] * max(1, min(4, plain(kwargs.get("repeat", 1))))
    reader.budget.items(math.prod(len(c) for c in columns))
    return Lazy([tuple(row) for row in product(*columns)])


@does("itertools.combinations")
def combinations_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    items, count = items_of(reader, args[0]), plain(args[1])
    reader.budget.items(math.comb(min(len(items), 10_000), max(0, min(count, 5_000))))
    return Lazy([tuple(row) for row in combinations(items, count)])


@does("itertools.pairwise")
def pairwise(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    items = items_of(reader, args[0])
    return Lazy([(items[i], items[i + 1]) for i in range(len(items) - 1)])


@does("itertools.accumulate")
def accumulate(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    found: list[Any] = []
    for item in items_of(reader, args[0]):
        found.append(arithmetic.binary(reader, "Add", found[-1], item) if found else item)
    return Lazy(found)


@does("functools.partial")
def partial(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return Partial(args[0], tuple(args[1:]), kwargs)


@does("functools.reduce")
def reduce(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    items = items_of(reader, args[1])
    if len(args) > 2:
        items = [args[2], *items]
    if not items:
        raise reader.refuse("There is nothing to reduce", kind="raised")
    result = items[0]
    for item in items[1:]:
        result = reader.call(args[0], [result, item], {})
    return result


@does("copy.deepcopy", "copy.copy")
def copy(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    from builder.code.reading.copying import copied

    return copied(reader, args[0], {})


@does("typing.cast")
def cast(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return args[1]


@does("typing.NewType", "typing.TypeVar")
def new_type(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return Known("typing.Any")


@does("operator.itemgetter")
def itemgetter(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    from builder.code.reading import indexing

    return Method("itemgetter", lambda r, given, named: indexing.get(r, given[0], args[0]))
