"""Arguments as Python writes them: numbers, texts, tuples, slices, sizes, settings."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import EllipsisType

from builder.catalogue import DTYPES
from builder.catalogue.entry import Parameter
from builder.code.writing.layout import Expression, Group, Infix, Prefixed, call, flat, tuple_of
from builder.errors import CodeRefused, quote
from builder.graph.model import Argument, Calc, Ref, Setting, Size, Slice

_RANK = {"+": 1, "-": 1, "*": 2, "//": 2}

ReadRef = Callable[[Ref], str]
ReadSetting = Callable[[str], Expression]


def constant(value: object, parameter: Parameter | None = None) -> Expression:
    """A literal: `True`, `0.5`, `float("inf")`, `"same"`, `(1, 2)`, `torch.float32`."""
    if parameter is not None and parameter.type == "dtype" and isinstance(value, str):
        if value not in DTYPES:
            raise CodeRefused(f"{parameter.name}={quote(value)} is no type torch has.")
        return f"torch.{value}"
    if value is None or isinstance(value, bool):
        return str(value)
    if isinstance(value, EllipsisType):
        return "..."
    if isinstance(value, int):
        return _whole(value)
    if isinstance(value, float):
        return _real(value)
    if isinstance(value, str):
        return text(value)
    if isinstance(value, tuple | list):
        return tuple_of(tuple(constant(part) for part in value))
    raise CodeRefused(f"An argument holds {quote(type(value).__name__)}, which cannot be written.")


def _whole(value: int) -> str:
    if value.bit_length() > 64:
        raise CodeRefused("An argument is a whole number beyond 64 bits, which torch cannot hold.")
    return repr(int(value))


def _real(value: float) -> str:
    if math.isnan(value):
        return 'float("nan")'
    if math.isinf(value):
        return 'float("inf")' if value > 0 else '-float("inf")'
    return repr(float(value)).replace("e+", "e")


def text(value: str) -> str:
    """A string literal, in the quotes that need fewer backslashes, double ones if equal."""
    plain = repr(str(value))
    body = plain[1:-1]
    raw = body.replace("\\'", "'") if plain[0] == "'" else body
    if raw.count('"') > raw.count("'"):
        return "'" + raw.replace("'", "\\'") + "'"
    return '"' + raw.replace('"', '\\"') + '"'


def argument(
    value: Argument,
    read: ReadRef,
    setting: ReadSetting,
    parameter: Parameter | None = None,
) -> Expression:
    """Any argument of a call, with references and settings spelled by `read` and `setting`."""
    match value:
        case Ref():
            return read(value)
        case Size(of=of, dim=dim):
            return call(f"{read(of)}.size", _dimension(dim))
        case Calc():
            return _calculation(value, read, setting)
        case Setting(name=name):
            return setting(name)
        case tuple():
            return tuple_of(tuple(argument(part, read, setting) for part in value))
        case Slice():
            parts = (value.start, value.stop, value.step)
            given = ", ".join(flat(argument(p, read, setting)) for p in parts)
            return f"slice({given})"
        case _:
            return constant(value, parameter)


def _dimension(dim: object) -> str:
    if not isinstance(dim, int):
        raise CodeRefused(f"A size is asked for dimension {quote(dim)}, which is no whole number.")
    return _whole(dim)


def _calculation(value: Calc, read: ReadRef, setting: ReadSetting) -> Expression:
    if value.op not in _RANK:
        raise CodeRefused(f"A calculation uses {quote(value.op)}; it may use + - * and //.")

    def side(part: Argument, least: int) -> Expression:
        written = argument(part, read, setting)
        return f"({flat(written)})" if _rank(part, written) < least else written

    rank = _RANK[value.op]
    left, right = side(value.left, rank), side(value.right, rank + 1)
    if (number := _folded(value.op, left, right)) is not None:
        return number
    # Operators of one rank are broken together: a + b - c.
    if isinstance(left, Infix) and _rank(value.left, left) == rank:
        return Infix((*left.operands, right), (*left.operators, value.op))
    return Infix((left, right), (value.op,))


def _rank(part: Argument, written: Expression) -> int:
    """How strongly a calculation holds together, where it stands in another one."""
    if isinstance(written, Infix) and isinstance(part, Calc):
        return _RANK[part.op]
    if isinstance(written, Infix) and isinstance(part, Setting):  # what stands for it here
        return min(_RANK[op] for op in written.operators)
    return max(_RANK.values()) + 1


def _folded(op: str, left: Expression, right: Expression) -> str | None:
    """A calculation of whole numbers alone, as a number: where settings stand as what they are."""
    if not (isinstance(left, str) and isinstance(right, str) and right.isdigit()):
        return None
    one, other = left.removeprefix("-"), int(right)
    if not one.isdigit() or max(len(one), len(right)) > 12 or (op == "//" and other == 0):
        return None
    number = int(left)
    results = {"+": number + other, "-": number - other, "*": number * other}
    return str(results[op] if op in results else number // other)


def index(value: Argument, read: ReadRef, setting: ReadSetting) -> tuple[Expression, ...]:
    """The items between the brackets of `x[...]`; one item more, empty, for a tuple of one."""
    if not isinstance(value, tuple):
        return (_index_part(value, read, setting),)
    if not value:
        return ("()",)
    return tuple(_index_part(part, read, setting) for part in value)


def _index_part(part: Argument, read: ReadRef, setting: ReadSetting) -> Expression:
    if not isinstance(part, Slice):
        return argument(part, read, setting)
    bounds = [
        "" if bound is None else flat(argument(bound, read, setting))
        for bound in (part.start, part.stop, part.step)
    ]
    if not bounds[2]:
        bounds.pop()
    # As black has it: spaces around the colon as soon as one side is more than a name or number.
    simple = all(_is_simple(bound) for bound in bounds)
    if simple:
        return ":".join(bounds)
    spaced = bounds[0]
    for bound in bounds[1:]:
        spaced += (
            f"{' ' if spaced and not spaced.endswith(':') else ''}:{' ' if bound else ''}{bound}"
        )
    return spaced


def _is_simple(bound: str) -> bool:
    plain = bound.lstrip("-")
    return not plain or plain.isidentifier() or plain.isdigit()


def operation(symbol: str, left: Expression, right: Expression) -> Infix:
    """`left symbol right` with brackets where the operands need them."""
    if symbol != "**":
        return Infix((_bracketed(left, False), _bracketed(right, False)), (symbol,))
    left, right = _bracketed(left, True), _bracketed(right, False)
    return Infix(
        (left, right), (symbol,), tight=_is_power_operand(left) and _is_power_operand(right)
    )


def _bracketed(operand: Expression, signed_too: bool) -> Expression:
    if isinstance(operand, Infix) or (signed_too and flat(operand).startswith("-")):
        return f"({flat(operand)})"
    return operand


def _is_power_operand(operand: Expression) -> bool:
    plain = flat(operand).lstrip("-")
    names = plain.split(".")
    number = plain.replace(".", "", 1).replace("e-", "", 1).replace("e", "", 1).isdigit()
    return number or all(name.isidentifier() for name in names)


def keyword(name: str, value: Expression) -> Prefixed:
    """`name=value`."""
    return Prefixed(f"{name}=", value)


def indexed(base: str, items: tuple[Expression, ...], one_tuple: bool = False) -> Group:
    """`base[items]`."""
    return Group(f"{base}[", items, ",]" if one_tuple else "]")
