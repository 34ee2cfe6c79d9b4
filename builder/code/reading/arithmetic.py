"""Operators: on numbers, on sizes that stay sizes, on texts and lists, and on tensors."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from builder.code.reading import in_forward, protocol
from builder.code.reading.branches import negated, on_each_side
from builder.code.reading.limits import MAX_BITS
from builder.code.reading.reader import Reader
from builder.code.reading.torch_calls import operation
from builder.code.reading.trace import Module, Raw
from builder.code.reading.twofold import on_both
from builder.code.reading.values import (
    Array,
    Device,
    Differs,
    Lazy,
    Mode,
    Named,
    Parts,
    Question,
    Ratio,
    Shape,
    Sym,
    Tensor,
    Unknown,
    deep_plain,
    is_same,
    plain,
    reads_values,
)
from builder.code.reading.weights import Handle, starts_otherwise
from builder.graph.model import Argument, Calc, Compare
from builder.graph.symbols import BATCH_PROBE

_BINARY: Final[Mapping[str, tuple[Callable[[Any, Any], Any], str]]] = MappingProxyType(
    {
        "Add": (operator.add, "operator.add"),
        "Sub": (operator.sub, "operator.sub"),
        "Mult": (operator.mul, "operator.mul"),
        "Div": (operator.truediv, "operator.truediv"),
        "FloorDiv": (operator.floordiv, "operator.floordiv"),
        "Mod": (operator.mod, "operator.mod"),
        "Pow": (operator.pow, "operator.pow"),
        "MatMult": (operator.matmul, "operator.matmul"),
        "BitAnd": (operator.and_, "operator.and_"),
        "BitOr": (operator.or_, "operator.or_"),
        "BitXor": (operator.xor, "operator.xor"),
        "LShift": (operator.lshift, "operator.lshift"),
        "RShift": (operator.rshift, "operator.rshift"),
    }
)
_COMPARE: Final[Mapping[str, tuple[Callable[[Any, Any], Any], str, str]]] = MappingProxyType(
    {
        "Lt": (operator.lt, "operator.lt", "<"),
        "LtE": (operator.le, "operator.le", "<="),
        "Gt": (operator.gt, "operator.gt", ">"),
        "GtE": (operator.ge, "operator.ge", ">="),
        "Eq": (operator.eq, "operator.eq", "=="),
        "NotEq": (operator.ne, "operator.ne", "!="),
    }
)
_CALCULATIONS: Final = {"Add": "+", "Sub": "-", "Mult": "*", "FloorDiv": "//"}
_IN_PLACE: Final = {
    "Add": "add_", "Sub": "sub_", "Mult": "mul_", "Div": "div_", "Pow": "pow_",
    "BitAnd": "bitwise_and_", "BitOr": "bitwise_or_",
}  # fmt: skip
_REFLECTED: Final = {"Sub", "Div", "FloorDiv", "Mod", "Pow", "MatMult"}


def binary(reader: Reader, op: str, left: Any, right: Any) -> Any:
    """`left op right`."""
    left, right = in_forward.as_read(reader, left), in_forward.as_read(reader, right)
    if left.__class__ is Tensor or right.__class__ is Tensor:
        return _on_tensors(reader, op, left, right)
    for side in (left, right):
        if isinstance(side, Unknown):
            return Unknown(side.reason, side.line, side.help)
    if left.__class__ is Raw or right.__class__ is Raw:
        return binary(reader, op, *(_made(side) for side in (left, right)))
    if left.__class__ is Handle or right.__class__ is Handle:
        return reader.unknown("What a weight holds is not looked into")
    if left.__class__ is Array or right.__class__ is Array:
        from builder.code.reading.arrays import calculated

        return calculated(reader, _BINARY[op][0], left, right)
    if left.__class__ is Ratio or right.__class__ is Ratio:
        whole = isinstance(right, int | float) and float(right).is_integer() and right > 0
        if op == "Div" and left.__class__ is Ratio and whole:
            return Ratio(left.size, left.by * int(right))
        return reader.unknown(*_LOST)
    if left.__class__ is Sym or right.__class__ is Sym:
        return _on_sizes(reader, op, left, right)
    if isinstance(left, Mode | Question) or isinstance(right, Mode | Question):
        return reader.unknown("A condition of the running network cannot be calculated with")
    return _on_constants(reader, op, left, right)


def _made(value: Any) -> Any:
    """Of a parameter of the text the tensor that it starts as."""
    return value.made if value.__class__ is Raw else value


def _on_tensors(reader: Reader, op: str, left: Any, right: Any) -> Any:
    for side in (left, right):
        if isinstance(side, Unknown):
            raise reader.refuse_unknown(side)
        if isinstance(side, Differs):
            raise reader.refuse("This number is another one while training")
        if isinstance(side, list | tuple | str | dict):
            raise reader.refuse("A tensor cannot be calculated with a list or a text")
    key = _BINARY[op][1]
    if left.__class__ is not Tensor:
        return _reflected(reader, op, key, left, right)
    return operation(reader, key, {"input": left, "other": right})


def _reflected(reader: Reader, op: str, key: str, left: Any, right: Tensor) -> Any:
    """A number in front: `1 - x`. What can be turned round is; the rest is asked in that order."""
    if op in ("Add", "Mult"):
        return operation(reader, key, {"input": right, "other": left})
    if op == "Sub":  # exactly the same number: 1 - x is 1 + (-x)
        turned = operation(reader, "operator.neg", {"input": right})
        return operation(reader, "operator.add", {"input": turned, "other": left})
    if op == "Div":
        # As Tensor.__rtruediv__ does it: the reciprocal, times the number.
        turned = operation(reader, "torch.reciprocal", {"input": right})
        return operation(reader, "operator.mul", {"input": turned, "other": left})
    if op == "Pow":
        from builder.code.reading.torch_calls import call_known

        return call_known(reader, "torch.pow", [left, right], {})
    raise reader.refuse("A number in front of this operator cannot be read")


def _on_sizes(reader: Reader, op: str, left: Any, right: Any) -> Any:
    """A size stays one through + - * //; through anything else it becomes a number."""
    a, b = plain(left), plain(right)
    numbers = isinstance(a, int | float) and isinstance(b, int | float)
    if not numbers:
        return _on_constants(reader, op, a, b)
    if op == "Div" and depends_on_batch(left) and not depends_on_batch(right):
        return _ratio(reader, left, b)
    kept = op in _CALCULATIONS and isinstance(a, int) and isinstance(b, int)
    if not kept and (depends_on_batch(left) or depends_on_batch(right)):
        return reader.unknown(*_LOST)
    result = _on_constants(reader, op, a, b)
    whole = type(a) is int and type(b) is int and type(result) is int
    if op in _CALCULATIONS and whole:
        return _simplified(op, left, right, result)
    return result


def _ratio(reader: Reader, size: Sym, by: Any) -> Any:
    """`windows.shape[0] / 4`, of which `int(…)` makes a whole number again."""
    if by > 0 and float(by).is_integer() and by < 2**31:
        return Ratio(size, int(by))
    return reader.unknown(*_LOST)


_LOST: Final = (
    "This number depends on the batch size in a way that cannot be kept",
    "Give the inputs with every size as a number, such as float32[4, 10].",
)


def _simplified(op: str, left: Any, right: Any, result: int) -> Any:
    """1 * width is width."""
    if op == "Mult" and left.__class__ is int and left == 1:
        return right
    nothing = right.__class__ is int and right == (1 if op in ("Mult", "FloorDiv") else 0)
    if nothing:
        return left
    if op == "Add" and left.__class__ is int and left == 0:
        return right
    return Sym(result, Calc(_CALCULATIONS[op], expr_of(left), expr_of(right)))  # type: ignore[arg-type]


def depends_on_batch(value: Any) -> bool:
    """Whether a number grows with the batch."""
    return (
        value.__class__ is Sym
        and isinstance(value.value, int)
        and abs(value.value) >= BATCH_PROBE // 8
        and reads_values(value.expr)
    )


def expr_of(value: Any) -> Argument:
    """How a number is written in a graph."""
    return value.expr if value.__class__ is Sym else value


def _on_constants(reader: Reader, op: str, left: Any, right: Any) -> Any:
    if isinstance(left, Parts | Shape | Named):
        left = tuple(left)
    if isinstance(right, Parts | Shape | Named):
        right = tuple(right)
    numeric = isinstance(left, int | float) and isinstance(right, int | float)
    if not numeric:
        return _on_others(reader, op, left, right)
    function = _BINARY[op][0]
    if op == "Pow" and isinstance(left, int) and isinstance(right, int):
        reader.budget.bits(max(left.bit_length(), 1) * max(right, 1) if abs(left) > 1 else 1)
    if op == "LShift" and isinstance(right, int):
        reader.budget.bits(MAX_BITS + 1 if right > MAX_BITS else right)
    try:
        result = function(left, right)
    except ZeroDivisionError:
        raise reader.refuse("This divides by zero", kind="raised") from None
    except (TypeError, ValueError, OverflowError):
        raise reader.refuse("These numbers cannot be calculated with so", kind="raised") from None
    if isinstance(result, complex):
        return reader.unknown("Complex numbers are not worked out")
    if isinstance(result, int):
        reader.budget.bits(result.bit_length())
    return result


def _on_others(reader: Reader, op: str, left: Any, right: Any) -> Any:
    """Texts, lists, tuples, sets and dicts."""
    if op == "Mod" and isinstance(left, str):
        return _formatted(reader, left, right)
    if op == "Mult":
        sequence, count = (right, left) if isinstance(left, int) else (left, right)
        if isinstance(sequence, str | list | tuple) and isinstance(count, int):
            _look_at_length(reader, sequence, len(sequence) * max(0, count))
            return sequence * count
    if op == "Add" and isinstance(left, Lazy):
        left = left.items
    if op == "Add" and left.__class__ is right.__class__ and isinstance(left, str | list | tuple):
        _look_at_length(reader, left, len(left) + len(right))
        return left + right
    alike = left.__class__ is right.__class__ and op in ("BitOr", "BitAnd", "Sub")
    if alike and (isinstance(left, set) or (isinstance(left, dict) and op == "BitOr")):
        return _BINARY[op][0](left, right)
    if op == "Add" and left.__class__ is Module:
        from builder.code.reading.containers import joined

        return joined(reader, left, right)
    if op == "BitOr":
        return None  # a type hint: int | None
    raise reader.refuse("These two values cannot be calculated with", kind="raised")


def _look_at_length(reader: Reader, sequence: Any, length: int) -> None:
    if isinstance(sequence, str):
        reader.budget.text(length)
    else:
        reader.budget.items(length)


def _formatted(reader: Reader, text: str, values: Any) -> Any:
    """`"block%d" % 3`: only the plain kinds."""
    given = deep_plain(values)
    given = given if isinstance(given, tuple) else (given,)
    rest = text
    for mark in ("%d", "%s", "%i"):
        rest = rest.replace(mark, "")
    if "%" in rest or not all(isinstance(v, int | str | float) for v in given):
        return reader.unknown("A text with such values in it is not worked out")
    reader.budget.text(len(text) + sum(len(str(v)) for v in given))
    try:
        return text % given
    except (TypeError, ValueError):
        return reader.unknown("A text with such values in it is not worked out")


def unary(reader: Reader, op: str, value: Any) -> Any:
    """-x, +x, ~x."""
    value = _made(value)
    if value.__class__ is Tensor:
        if op == "UAdd":
            return value
        key = {"USub": "operator.neg", "Invert": "operator.invert"}[op]
        return operation(reader, key, {"input": value})
    if isinstance(value, Unknown):
        return value
    if value.__class__ is Array and op == "USub":
        return binary(reader, "Mult", value, -1)
    if value.__class__ is Sym:
        if op == "USub" and type(value.value) is int:
            return Sym(-value.value, Calc("-", 0, value.expr))
        value = value.value
    if not isinstance(value, int | float):
        known = value is None or isinstance(value, str | list | tuple | dict | Module)
        raise reader.refuse("This value has no such sign", kind="raised" if known else "")
    if op == "Invert":
        return ~value if isinstance(value, int) else reader.unknown("~ needs a whole number")
    return -value if op == "USub" else +value


def compare(reader: Reader, op: str, left: Any, right: Any) -> Any:
    """A comparison: True or False, a Question on sizes that depend on the batch, or a tensor."""
    if left.__class__ is Differs or right.__class__ is Differs:
        return on_each_side(reader, left, right, lambda a, b: compare(reader, op, a, b))
    if right.__class__ is Mode:
        left, right = right, left
    if left.__class__ is Mode and isinstance(right, bool) and op in ("Is", "IsNot", "Eq", "NotEq"):
        return Mode(left.negated != ((op in ("Is", "Eq")) != right))
    if op in ("Is", "IsNot"):
        unknown = next((v for v in (left, right) if isinstance(v, Unknown)), None)
        return is_same(left, right) is (op == "Is") if unknown is None else unknown
    if op in ("In", "NotIn"):
        from builder.code.reading.equality import contained

        return contained(reader, left, right) is (op == "In")
    if (own := protocol.compared(reader, op, left, right)) is not protocol.NOT_ASKED:
        return own
    if left.__class__ is Tensor or right.__class__ is Tensor:
        return _compared(reader, op, left, right)
    if (bad := next((v for v in (left, right) if isinstance(v, Unknown)), None)) is not None:
        return bad
    if left.__class__ is Array or right.__class__ is Array:
        from builder.code.reading.arrays import calculated

        return calculated(reader, _COMPARE[op][0], left, right)
    if left.__class__ is Device and right.__class__ is Device:
        return op == "Eq"  # a network runs on one device, whichever that is
    if depends_on_batch(left) or depends_on_batch(right):
        if plain(left) == plain(right) and op in ("Eq", "NotEq"):
            return op == "Eq"
        if isinstance(plain(left), int | float) and isinstance(plain(right), int | float):
            sign = _COMPARE[op][2]
            return Question(Compare(sign, expr_of(left), expr_of(right)))  # type: ignore[arg-type]
    from builder.code.reading.equality import alike, waits

    if any(isinstance(v, Mode | Question) or waits(v) for v in (left, right)):
        raise reader.refuse("What is compared here depends on the mode or the data")
    if op in ("Eq", "NotEq") and all(isinstance(v, tuple | list) for v in (left, right)):
        found = alike(reader, left, right)
        return found if op == "Eq" else negated(reader, found)
    try:
        return _COMPARE[op][0](deep_plain(left), deep_plain(right))
    except TypeError:
        raise reader.refuse("These two values cannot be compared", kind="raised") from None


def _compared(reader: Reader, op: str, left: Any, right: Any) -> Any:
    sign, key = _COMPARE[op][2], _COMPARE[op][1]
    if left.__class__ is not Tensor:
        turned = {"Lt": "Gt", "Gt": "Lt", "LtE": "GtE", "GtE": "LtE"}.get(op, op)
        left, right, sign, key = right, left, _COMPARE[turned][2], _COMPARE[turned][1]
    if right is None or isinstance(right, str):
        return op == "NotEq"
    result = operation(reader, key, {"input": left, "other": right})
    if result.__class__ is Tensor and all(size == 1 for size in result.spec.shape):
        other = right.ref if right.__class__ is Tensor else expr_of(right)
        result.compared = Compare(sign, left.ref, other)  # type: ignore[arg-type]
        reader.trace.steps[result.ref.node].kind = "operation"
    return result


def in_place(reader: Reader, op: str, left: Any, right: Any, node: ast.AugAssign) -> Any:
    """`left op= right`."""
    if op == "Add" and (isinstance(left, list) or left.__class__ is Module):
        from builder.code.reading.containers import grown

        return grown(reader, left, right)
    if left.__class__ is Differs and isinstance(left.if_true, list | dict):
        return on_both(left, lambda side: in_place(reader, op, side, right, node))
    left = in_forward.as_read(reader, left)
    if left.__class__ is Raw and left.initialised is None:
        in_place(reader, op, left.made, _made(right), node)
        return left
    if left.__class__ is Array:
        from builder.code.reading.arrays import changed

        return changed(reader, _BINARY[op][0], left, right)
    if left.__class__ is Handle or left.__class__ is Raw:
        starts_otherwise(reader, left)
        return left
    if left.__class__ is not Tensor:
        return binary(reader, op, left, right)
    from builder.code.reading.torch_calls import changed_in_place

    reader.node = node
    return changed_in_place(reader, _BINARY[op][1], _IN_PLACE.get(op, ""), left, right)
