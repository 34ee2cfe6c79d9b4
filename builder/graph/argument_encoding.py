"""Arguments as JSON values, and back: every value checked on its way in.

A literal stands for itself, a tuple is a list, and what only a graph knows is an object with one
telling key: {"from": "lstm", "path": [1, 0]}, {"size": {"from": "x"}, "dim": 0}, {"calc": "*", …},
{"slice": [null, 3, null]}, {"setting": "depth"}, {"training": true}, {"grad_enabled": true},
{"compare": ">", …}, {"ellipsis": true}, {"float": "inf"}.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from builder.errors import ProjectRefused, did_you_mean, quote
from builder.graph.limits import MAX_DEPTH, refuse_argument
from builder.graph.model import (
    Argument,
    Calc,
    Compare,
    GradEnabled,
    Ref,
    Setting,
    Size,
    Slice,
    Training,
)

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


def argument_to_json(argument: Argument) -> Json:
    """One argument as a JSON value."""
    match argument:
        case Ref(node=node, path=path):
            return {"from": node, **({"path": list(path)} if path else {})}
        case Size(of=of, dim=dim):
            return {"size": argument_to_json(of), "dim": dim}
        case Calc(op=op, left=left, right=right):
            return {"calc": op, "left": argument_to_json(left), "right": argument_to_json(right)}
        case Compare(op=sign, left=left, right=right):
            return {
                "compare": sign,
                "left": argument_to_json(left),
                "right": argument_to_json(right),
            }
        case Slice(start=start, stop=stop, step=step):
            return {"slice": [argument_to_json(part) for part in (start, stop, step)]}
        case Setting(name=name):
            return {"setting": name}
        case Training():
            return {"training": True}
        case GradEnabled():
            return {"grad_enabled": True}
        case tuple():
            return [argument_to_json(part) for part in argument]
        case float() if not math.isfinite(argument):
            return {"float": str(argument)}
        case None | bool() | int() | float() | str():
            return argument
        case _:
            return {"ellipsis": True}


def argument_from_json(
    value: Json, where: str = "The argument", depth: int = MAX_DEPTH
) -> Argument:
    """One argument from a JSON value; ProjectRefused says where and why it is none."""
    if depth == 0:
        raise ProjectRefused(f"{where} has more than {MAX_DEPTH} brackets inside each other.")
    if isinstance(value, list):
        return tuple(argument_from_json(part, where, depth - 1) for part in value)
    if not isinstance(value, dict):
        if sentence := refuse_argument(value):
            raise ProjectRefused(f"{where} cannot be used: {sentence}")
        return value
    kind = next((key for key in value if key in _READERS), None)
    if kind is None:
        keys = ", ".join(quote(key) for key in list(value)[:3]) or "nothing"
        raise ProjectRefused(f"{where} is an object with {keys}, which stands for no value here.")
    known, read = _READERS[kind]
    check_keys(value, known, where)
    try:
        argument = read(value, lambda part: argument_from_json(part, where, depth - 1))
    except (KeyError, TypeError, ValueError):
        argument = None
    if argument is None or refuse_argument(argument):
        raise ProjectRefused(f"{where} has a broken {quote(kind)}: {quote(value)}.")
    return argument


def check_keys(value: Mapping[str, Json], known: set[str] | frozenset[str], where: str) -> None:
    """Refuses the first key that means nothing here, with the nearest one that does."""
    for key in value:
        if key not in known:
            hint = did_you_mean(key, known) or f"Known are {', '.join(sorted(known))}."
            raise ProjectRefused(f"{where} has the unknown key {quote(key)}. {hint}")


def _slice(parts: list[Argument]) -> Slice:
    start, stop, step = parts
    return Slice(start, stop, step)


def _if_true(value: Json, argument: Argument) -> Argument:
    if value is not True:
        raise ValueError
    return argument


_Read: TypeAlias = "Callable[[dict[str, Any], Callable[[Any], Any]], Argument]"

_READERS: dict[str, tuple[frozenset[str], _Read]] = {
    "from": (frozenset(("from", "path")), lambda v, _: Ref(v["from"], tuple(v.get("path", ())))),
    "size": (frozenset(("size", "dim")), lambda v, read: Size(read(v["size"]), v["dim"])),
    "calc": (
        frozenset(("calc", "left", "right")),
        lambda v, read: Calc(v["calc"], read(v["left"]), read(v["right"])),
    ),
    "compare": (
        frozenset(("compare", "left", "right")),
        lambda v, read: Compare(v["compare"], read(v["left"]), read(v["right"])),
    ),
    "slice": (frozenset(("slice",)), lambda v, read: _slice([read(part) for part in v["slice"]])),
    "setting": (frozenset(("setting",)), lambda v, _: Setting(v["setting"])),
    "training": (frozenset(("training",)), lambda v, _: _if_true(v["training"], Training())),
    "grad_enabled": (
        frozenset(("grad_enabled",)),
        lambda v, _: _if_true(v["grad_enabled"], GradEnabled()),
    ),
    "ellipsis": (frozenset(("ellipsis",)), lambda v, _: _if_true(v["ellipsis"], ...)),
    "float": (
        frozenset(("float",)),
        lambda v, _: {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}[v["float"]],
    ),
}
