"""Python's own functions, and those of math, itertools, functools, collections, numpy: done by us."""

from __future__ import annotations

import math
from itertools import chain, combinations, product
from typing import Any, Final

from builder.code.reading import arithmetic, branches
from builder.code.reading.iterating import items_of
from builder.code.reading.known import CALLS, does
from builder.code.reading.reader import Reader
from builder.code.reading.trace import Layer, Module, Raw
from builder.code.reading.values import (
    Bound,
    Dtype,
    Function,
    Instance,
    Known,
    Lazy,
    Method,
    Mode,
    Named,
    Partial,
    Sym,
    Tensor,
    Unknown,
    UserClass,
    deep_plain,
    plain,
)

_READY: Final[list[bool]] = []


def ready() -> None:
    """Fills the table of calls, once."""
    if not _READY:
        _READY.append(True)
        from builder.code.reading import containers, settings_of_programs, torch_names

        assert containers and settings_of_programs and torch_names


def _unknown_in(args: list[Any]) -> Unknown | None:
    return next((a for a in args if isinstance(a, Unknown)), None)


# Python's own -------------------------------------------------------------------------------------


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
        return len(value.items)
    if isinstance(value, Module):
        return len(value.members)
    if isinstance(value, Unknown):
        return value
    if isinstance(value, Instance):
        from builder.code.reading.calling import call_method

        return call_method(reader, value, "__len__", [], {})
    if isinstance(value, list | tuple | dict | str | set | range):
        return len(value)
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
    return range(*given)


@does("enumerate")
def enumerate_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if isinstance(args[0], Unknown):
        return args[0]
    start = plain(args[1] if len(args) > 1 else kwargs.get("start", 0))
    return Lazy([(start + i, item) for i, item in enumerate(items_of(reader, args[0]))])


@does("zip")
def zip_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    bad = _unknown_in(args)
    if bad is not None:
        return bad
    columns = [a.items if isinstance(a, Lazy) else items_of(reader, a) for a in args]
    return Lazy([tuple(row) for row in zip(*columns, strict=False)])


@does("list")
def list_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return (
        items_of(reader, args[0])
        if args and not isinstance(args[0], Unknown)
        else (args[0] if args else [])
    )


@does("tuple")
def tuple_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if args and isinstance(args[0], Unknown):
        return args[0]
    return tuple(items_of(reader, args[0])) if args else ()


@does("set", "frozenset")
def set_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    from builder.code.reading.expressions import hashed

    items = [deep_plain(i) for i in items_of(reader, args[0])] if args else []
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
                key = deep_plain(parts[0])
                hashed(reader, lambda k=key, v=parts[1]: found.__setitem__(k, v))
    found.update(kwargs)
    return found


@does("collections.defaultdict", "collections.Counter")
def defaultdict(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return {}


@does("collections.deque")
def deque(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
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


@does("reversed")
def reversed_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return Lazy(items_of(reader, args[0])[::-1])


@does("sorted")
def sorted_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return sorted_list(reader, args, kwargs)


def sorted_list(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> list[Any]:
    items = items_of(reader, args[0])
    key = kwargs.get("key")
    keys = [deep_plain(reader.call(key, [i], {}) if key is not None else i) for i in items]
    try:
        order = sorted(range(len(items)), key=keys.__getitem__)
    except TypeError:
        raise reader.refuse("These cannot be put in order", kind="raised") from None
    if branches.truth(reader, kwargs.get("reverse", False)):
        order.reverse()
    return [items[i] for i in order]


@does("map")
def map_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    columns = [items_of(reader, a) for a in args[1:]]
    return Lazy([reader.call(args[0], list(row), {}) for row in zip(*columns, strict=False)])


@does("filter")
def filter_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return Lazy(
        [
            item
            for item in items_of(reader, args[1])
            if branches.truth(reader, item if args[0] is None else reader.call(args[0], [item], {}))
        ]
    )


@does("iter")
def iter_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return args[0] if isinstance(args[0], Unknown | Lazy) else Lazy(items_of(reader, args[0]))


@does("next")
def next_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    source = args[0]
    if not isinstance(source, Lazy):
        return (
            source if isinstance(source, Unknown) else reader.unknown("next() of this is not known")
        )
    if source.at < len(source.items):
        source.at += 1
        return source.items[source.at - 1]
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
    bad = _unknown_in(items)
    if bad is not None:
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
    keys = [deep_plain(reader.call(key, [i], {}) if key is not None else i) for i in items]
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
        if arithmetic.depends_on_batch(value):
            return (
                value if name == "int" else reader.unknown("This number depends on the batch size")
            )
        if name == "int" and isinstance(value, Sym) and isinstance(value.value, int):
            return value
        known = plain(value)
        if (isinstance(known, str) and len(known) > 400) or not isinstance(
            known, int | float | str
        ):
            raise reader.refuse("This is no number", kind="raised")
        try:
            return kind(known)
        except (TypeError, ValueError, OverflowError):
            raise reader.refuse("This is no number", kind="raised") from None

    CALLS[name] = convert


_number(int, "int")
_number(float, "float")


@does("bool")
def bool_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return branches.condition_of(reader, args[0]) if args else False


@does("str", "repr")
def str_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    value = deep_plain(args[0]) if args else ""
    if isinstance(value, str | int | float | None):
        return str(value)
    if isinstance(value, Dtype):
        return f"torch.{value.name}"
    return reader.unknown("This value as a text is not worked out")


@does("abs")
def abs_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if isinstance(args[0], Tensor):
        from builder.code.reading.torch_calls import operation

        return operation(reader, "torch.abs", {"input": args[0]})
    return _plain_math(reader, abs, args)


@does("round")
def round_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return _plain_math(reader, round, args)


@does("divmod")
def divmod_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return (
        arithmetic.binary(reader, "FloorDiv", *args[:2]),
        arithmetic.binary(reader, "Mod", *args[:2]),
    )


@does("pow")
def pow_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return arithmetic.binary(reader, "Pow", args[0], args[1])


def _plain_math(reader: Reader, function: Any, args: list[Any]) -> Any:
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


@does("isinstance")
def isinstance_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    value, wanted = plain(args[0]), args[1]
    if isinstance(value, Unknown):
        return value
    choices = wanted if isinstance(wanted, tuple) else (wanted,)
    return any(_is_a(value, choice) for choice in choices)


_KINDS: Final[dict[str, Any]] = {
    "int": int, "float": float, "str": str, "bool": bool, "list": list, "tuple": tuple, "dict": dict,
    "collections.OrderedDict": dict, "set": set, "torch.Tensor": Tensor,
    "torch.nn.Parameter": Raw, "torch.nn.parameter.Parameter": Raw, "typing.Sequence": (list, tuple),
    "collections.abc.Iterable": (list, tuple, Lazy, dict, str), "torch.Size": tuple,
    "collections.abc.Sequence": (list, tuple), "object": object, "torch.dtype": Dtype,
    "typing.Callable": (Function, Bound, Known), "collections.abc.Callable": (Function, Bound, Known),
    "numbers.Number": (int, float), "typing.List": list, "typing.Tuple": tuple,
    "collections.abc.Mapping": dict, "range": range,
}  # fmt: skip


def _is_a(value: Any, choice: Any) -> bool:
    if isinstance(choice, UserClass):
        cls = value.cls if isinstance(value, Module | Instance) else None
        return cls is not None and choice in cls.mro
    if not isinstance(choice, Known):
        return value is None and choice is None
    path = choice.path
    if path.startswith("torch.nn.") and path not in _KINDS:
        return is_layer(value, path.rpartition(".")[2])
    kinds = _KINDS.get(path)
    return kinds is not None and isinstance(value, kinds)


def is_layer(value: Any, name: str) -> bool:
    """Whether a module is of this class of torch.nn, or of one that inherits from it."""
    if isinstance(value, Module):
        from builder.code.reading.classes import base_of_module

        own = value.kind or (base_of_module(value.cls) if value.cls is not None else "Module")
        return name == "Module" or own == name
    if not isinstance(value, Layer):
        return False
    from builder import catalogue

    mro = catalogue.target_of(value.entry).__mro__  # type: ignore[attr-defined]
    return any(base.__name__ == name for base in mro)


@does("issubclass")
def issubclass_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    cls, wanted = args
    return isinstance(cls, UserClass) and wanted in cls.mro


@does("type")
def type_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    value = plain(args[0])
    if isinstance(value, Module | Instance) and value.cls is not None:
        return value.cls
    if isinstance(value, Layer):
        return Known(value.entry.key)
    name = type(value).__name__
    return Known({"Tensor": "torch.Tensor", "Raw": "torch.nn.Parameter"}.get(name, name))


@does("callable")
def callable_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return isinstance(
        args[0], Function | Bound | Known | Module | Layer | Method | Partial | UserClass
    )


@does("getattr")
def getattr_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """By a text, through our own tables, as `value.name` is."""
    from builder.code.reading import attributes

    name = plain(args[1])
    if not isinstance(name, str):
        return reader.unknown("getattr is asked with something that is no name")
    found = attributes.get(reader, args[0], name)
    if isinstance(found, Unknown) and len(args) > 2:
        return args[2]
    return found


@does("setattr")
def setattr_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    from builder.code.reading import attributes

    name = plain(args[1])
    if not isinstance(name, str) or name.startswith("__"):
        raise reader.refuse("setattr is asked with something that is no name")
    attributes.put(reader, args[0], name, args[2])


@does("hasattr")
def hasattr_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    from builder.code.reading import attributes

    name = plain(args[1])
    return isinstance(name, str) and not isinstance(attributes.get(reader, args[0], name), Unknown)


@does("id", "hash")
def id_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return reader.unknown("Where a value lies in memory is not known")


@does("slice")
def slice_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return slice(*args[:3])


@does("object")
def object_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return Instance(None)


@does("super")
def super_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    from builder.code.reading.values import Super

    if len(args) == 2 and isinstance(args[0], UserClass):
        return Super(args[1], args[0])
    raise reader.refuse("super() is asked in a way that is not known")


# math, numpy, itertools, functools, copy ----------------------------------------------------------

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
        return _plain_math(reader, getattr(math, name), args)  # one of the names above

    return do


for _name in _MATH.split():
    CALLS[f"math.{_name}"] = _math(_name)
for _name in ("sqrt", "log", "log2", "exp", "floor", "ceil", "sin", "cos", "tanh", "log10"):
    CALLS[f"numpy.{_name}"] = _math(_name)
CALLS["numpy.power"] = CALLS["math.pow"]
for _name in ("int32", "int64", "float32", "float64"):
    CALLS[f"numpy.{_name}"] = CALLS["int" if _name.startswith("int") else "float"]


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


@does("itertools.chain", "itertools.chain.from_iterable")
def chain_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if len(args) == 1:
        args = items_of(reader, args[0])
    return Lazy(list(chain.from_iterable(items_of(reader, a) for a in args)))


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
    return Lazy(list(zip(items[:-1], items[1:], strict=True)))


@does("itertools.accumulate", "numpy.cumsum")
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


__all__ = ["Mode", "is_layer", "ready"]
