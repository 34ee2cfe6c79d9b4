"""Methods of Python's own values: lists, dicts, texts, sets, tuples, numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from builder.code.reading.again import written
from builder.code.reading.equality import is_equal, known
from builder.code.reading.iterating import items_of
from builder.code.reading.reader import Reader
from builder.code.reading.trace import Raw
from builder.code.reading.values import (
    Lazy,
    Members,
    Method,
    Shape,
    Sym,
    Unknown,
    deep_plain,
    plain,
)
from builder.graph.model import Calc

Ask = Callable[[Reader, Any, list[Any], dict[str, Any]], Any]


def method_of(reader: Reader, value: Any, name: str) -> Any:
    """A method of a list, dict, text, … ; None where it has none that we know."""
    if isinstance(value, Shape) and name == "numel":
        return Method(name, lambda r, args, kwargs: _numel(value))
    if isinstance(value, Members) and name in ("update", "pop", "setdefault", "clear", "popitem"):
        from builder.code.reading.indexing import MEMBERS_HELP

        raise reader.refuse("What a module holds is written directly here", MEMBERS_HELP)
    for kind, methods in _TABLES:
        if isinstance(value, kind):
            ask = methods.get(name)
            if ask is None:
                return None
            return _method(name, ask, value)
    from builder.code.reading import norms
    from builder.code.reading.weights import Handle, handle_attribute

    if isinstance(value, Handle):
        return handle_attribute(reader, value, name)
    if isinstance(value, norms.Inside):
        return norms.attribute(reader, value, name)
    return None


_WRITING: Final = frozenset(
    [
        "append",
        "extend",
        "insert",
        "pop",
        "remove",
        "sort",
        "reverse",
        "clear",
        "update",
        "setdefault",
        "add",
    ]
)


def _method(name: str, ask: Ask, value: Any) -> Method:
    if name not in _WRITING or isinstance(value, str | tuple):
        return Method(name, lambda r, args, kwargs: ask(r, value, args, kwargs))

    def write(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
        written(reader, value)
        return ask(reader, value, args, kwargs)

    return Method(name, write)


def _numel(shape: Shape) -> Any:
    result: Any = 1
    for part in shape:
        if result == 1 and not isinstance(result, Sym):
            result = part
        else:
            result = Sym(plain(result) * plain(part), Calc("*", result.expr, part.expr))
    return result


# Lists ----------------------------------------------------------------------------------------


def _append(reader: Reader, value: list[Any], args: list[Any], kwargs: dict[str, Any]) -> None:
    value.append(args[0])
    if len(value) & 255 == 0:
        reader.budget.items(len(value))


def _extend(reader: Reader, value: list[Any], args: list[Any], kwargs: dict[str, Any]) -> None:
    items = items_of(reader, args[0])
    reader.budget.items(len(value) + len(items))
    value.extend(items)


def _insert(reader: Reader, value: list[Any], args: list[Any], kwargs: dict[str, Any]) -> None:
    value.insert(_place(reader, args[0]), args[1])
    reader.budget.items(len(value))


def _pop(reader: Reader, value: list[Any], args: list[Any], kwargs: dict[str, Any]) -> Any:
    at = _place(reader, args[0]) if args else -1
    if not -len(value) <= at < len(value):
        raise reader.refuse("There is nothing to take out of this list", kind="raised")
    return value.pop(at)


def _place(reader: Reader, value: Any) -> int:
    known = plain(value)
    if not isinstance(known, int):
        raise reader.refuse("A place in a list is a whole number", kind="raised")
    return known


def _index(reader: Reader, value: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    for place, item in enumerate(value):
        if is_equal(reader, item, args[0]):
            return place
    raise reader.refuse("This is not in the list", kind="raised")


def _count(reader: Reader, value: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return sum(is_equal(reader, item, args[0]) for item in value)


def _remove(reader: Reader, value: list[Any], args: list[Any], kwargs: dict[str, Any]) -> None:
    value.pop(_index(reader, value, args, kwargs))


def _sort(reader: Reader, value: list[Any], args: list[Any], kwargs: dict[str, Any]) -> None:
    from builder.code.reading.python_functions import sorted_list

    value[:] = sorted_list(reader, [value], kwargs)


_LIST: Final[dict[str, Ask]] = {
    "append": _append,
    "extend": _extend,
    "insert": _insert,
    "pop": _pop,
    "index": _index,
    "count": _count,
    "remove": _remove,
    "sort": _sort,
    "reverse": lambda r, v, a, k: v.reverse(),
    "clear": lambda r, v, a, k: v.clear(),
    "copy": lambda r, v, a, k: list(v),
    "__len__": lambda r, v, a, k: len(v),
}
_TUPLE: Final[dict[str, Ask]] = {
    "index": _index,
    "count": _count,
    "__len__": lambda r, v, a, k: len(v),
}

# Dicts ----------------------------------------------------------------------------------------


def _key(reader: Reader, value: Any) -> Any:
    key = known(reader, value)
    try:
        hash(key)
    except TypeError:
        raise reader.refuse("A dict cannot be asked for this", kind="raised") from None
    return key


def _get(reader: Reader, value: dict[Any, Any], args: list[Any], kwargs: dict[str, Any]) -> Any:
    default = args[1] if len(args) > 1 else kwargs.get("default")
    return value.get(_key(reader, args[0]), default)


def _dict_pop(
    reader: Reader, value: dict[Any, Any], args: list[Any], kwargs: dict[str, Any]
) -> Any:
    key = _key(reader, args[0])
    if key not in value and len(args) < 2:
        raise reader.refuse("There is no such entry", kind="raised")
    return value.pop(key, args[1] if len(args) > 1 else None)


def _update(reader: Reader, value: dict[Any, Any], args: list[Any], kwargs: dict[str, Any]) -> None:
    for given in args:
        if isinstance(given, dict):
            value.update(given)
        elif isinstance(given, Unknown):
            raise reader.refuse_unknown(given)
        else:
            value.update({_key(reader, k): v for k, v in map(tuple, items_of(reader, given))})
    value.update(kwargs)
    reader.budget.items(len(value))


def _setdefault(
    reader: Reader, value: dict[Any, Any], args: list[Any], kwargs: dict[str, Any]
) -> Any:
    return value.setdefault(_key(reader, args[0]), args[1] if len(args) > 1 else None)


_DICT: Final[dict[str, Ask]] = {
    "get": _get,
    "pop": _dict_pop,
    "update": _update,
    "setdefault": _setdefault,
    "keys": lambda r, v, a, k: Lazy.over(list(v), v, view=True),
    "values": lambda r, v, a, k: Lazy.over(list(v.values()), v, view=True),
    "items": lambda r, v, a, k: Lazy.over(list(v.items()), v, view=True),
    "copy": lambda r, v, a, k: dict(v),
    "clear": lambda r, v, a, k: v.clear(),
    "__len__": lambda r, v, a, k: len(v),
}

# Texts ----------------------------------------------------------------------------------------


def _text(name: str) -> Ask:
    def ask(reader: Reader, value: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        given = [deep_plain(a) for a in args]
        if not all(isinstance(g, str | int | tuple | None) for g in given) or len(given) > 3:
            return reader.unknown("A text is changed by something that is none")
        if name in ("replace", "center", "ljust", "rjust", "zfill"):
            longest = max([len(g) for g in given if isinstance(g, str)] or [0])
            numbers = [g for g in given if isinstance(g, int)]
            reader.budget.text(max([(len(value) + 1) * (longest + 1), *numbers]))
        try:
            return _TEXT_METHODS[name](value, *given)
        except (TypeError, ValueError, OverflowError):
            raise reader.refuse("A text cannot be changed so", kind="raised") from None

    return ask


_TEXT_METHODS: Final[dict[str, Callable[..., Any]]] = {
    "lower": str.lower, "upper": str.upper, "strip": str.strip, "lstrip": str.lstrip,
    "rstrip": str.rstrip, "startswith": str.startswith, "endswith": str.endswith,
    "split": str.split, "replace": str.replace, "capitalize": str.capitalize, "title": str.title,
    "isdigit": str.isdigit, "isalpha": str.isalpha, "find": str.find, "rsplit": str.rsplit,
    "zfill": str.zfill, "count": str.count, "removeprefix": str.removeprefix,
    "removesuffix": str.removesuffix, "partition": str.partition, "splitlines": str.splitlines,
    "isnumeric": str.isnumeric, "isupper": str.isupper, "islower": str.islower,
}  # fmt: skip


def _join(reader: Reader, value: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    parts = [deep_plain(item) for item in items_of(reader, args[0])]
    if not all(isinstance(part, str) for part in parts):
        return reader.unknown("Only texts can be joined")
    reader.budget.text(sum(len(p) for p in parts) + len(value) * len(parts))
    return value.join(parts)


def _format(reader: Reader, value: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """`"block{}".format(3)`: only empty brackets, numbers and names in them."""
    import re

    given = [deep_plain(a) for a in args]
    named = {name: deep_plain(v) for name, v in kwargs.items()}
    parts = re.split(r"\{(\w*)\}", value)
    if any("{" in part or "}" in part for part in parts[::2]):
        return reader.unknown("A text put together so is not worked out")
    text, count = parts[0], 0
    for field, rest in zip(parts[1::2], parts[2::2], strict=True):
        if field == "":
            chosen: Any = given[count] if count < len(given) else None
            count += 1
        elif field.isdigit() and len(field) < 4:
            chosen = given[int(field)] if int(field) < len(given) else None
        else:
            chosen = named.get(field)
        if not isinstance(chosen, str | int | float):
            return reader.unknown("A text put together so is not worked out")
        text += str(chosen) + rest
        reader.budget.text(len(text))
    return text


_STR: Final[dict[str, Ask]] = {
    **{name: _text(name) for name in _TEXT_METHODS},
    "join": _join,
    "format": _format,
}


def _set_add(reader: Reader, value: set[Any], args: list[Any], kwargs: dict[str, Any]) -> None:
    value.add(_key(reader, args[0]))


_SET: Final[dict[str, Ask]] = {"add": _set_add, "__len__": lambda r, v, a, k: len(v)}
_NUMBER: Final[dict[str, Ask]] = {
    "item": lambda r, v, a, k: v,
    "bit_length": lambda r, v, a, k: int(v).bit_length(),
    "is_integer": lambda r, v, a, k: float(v).is_integer(),
}
_TABLES: Final[tuple[tuple[Any, dict[str, Ask]], ...]] = (
    (list, _LIST),
    (dict, _DICT),
    (str, _STR),
    (tuple, _TUPLE),
    (set, _SET),
    ((int, float), _NUMBER),
)

__all__ = ["Raw", "method_of"]
