"""Which of several values one is: `in`, `.index`, `.count`, keys of dicts. Answered only where it is known."""

from __future__ import annotations

from typing import Any

from builder.code.reading.arithmetic import depends_on_batch, expr_of
from builder.code.reading.reader import Reader
from builder.code.reading.trace import Module
from builder.code.reading.values import (
    Differs,
    Lazy,
    Mode,
    Question,
    Tensor,
    Unknown,
    deep_plain,
    is_same,
    plain,
)
from builder.graph.model import Compare


def known(reader: Reader, value: Any) -> Any:
    """A value without what its numbers depend on. Errors: CodeRefused where only the network knows it."""
    if isinstance(value, Unknown):
        raise reader.refuse_unknown(value)
    if isinstance(value, Mode | Question | Differs) or waits(value):
        raise reader.refuse(
            "What is looked for or compared here depends on the mode or the data",
            "Ask with if and else.",
        )
    if isinstance(value, tuple | list):
        return tuple(known(reader, part) for part in value)
    return deep_plain(value)


def is_equal(reader: Reader, one: Any, other: Any) -> bool:
    """`one is other or one == other`, of what a list holds."""
    if one is other or is_same(one, other):
        return True
    if depends_on_batch(one) != depends_on_batch(other):
        number = other if depends_on_batch(one) else one
        if isinstance(deep_plain(number), int | float):
            raise reader.refuse(
                "Whether this number is the batch size is only known when the network runs",
                "Give the inputs with every size as a number, such as float32[4, 10].",
            )
        return False
    return equal(known(reader, one), known(reader, other))


def equal(one: Any, other: Any) -> bool:
    """Of plain values: no other ones are the same where they are not one."""
    kinds = (bool, int, float, str, tuple, list, type(None))
    return isinstance(one, kinds) and isinstance(other, kinds) and one == other


def alike(reader: Reader, one: Any, other: Any) -> Any:
    """`x.shape == (3, 8)`: True, False, or the one question that is left of it."""
    if isinstance(one, list) != isinstance(other, list) or len(one) != len(other):
        return False
    left_open = []
    for a, b in zip(one, other, strict=True):
        if depends_on_batch(a) != depends_on_batch(b) and isinstance(plain(a), int | float):
            left_open.append((a, b))
        elif not (a is b or is_same(a, b) or equal(known(reader, a), known(reader, b))):
            return False
    if len(left_open) > 1:
        raise reader.refuse("What is compared here depends on the batch size in several places")
    return not left_open or Question(Compare("==", *map(expr_of, left_open[0])))


def contained(reader: Reader, left: Any, right: Any) -> bool:
    """`left in right`."""
    if isinstance(right, Unknown):
        raise reader.refuse_unknown(right)
    if isinstance(right, list | tuple | Lazy):
        return any(
            is_equal(reader, left, item)
            for item in (right.items if isinstance(right, Lazy) else right)
        )
    key = known(reader, left)
    if isinstance(right, Module):
        return key in right.members
    if isinstance(right, str):
        return isinstance(key, str) and key in right
    if isinstance(right, dict | set | range):
        try:
            return key in right
        except TypeError:
            return False
    raise reader.refuse("“in” needs a list, a dict or a text", kind="raised")


def waits(value: Any) -> bool:
    """Whether a list or tuple holds something that only the running network knows."""
    if not isinstance(value, list | tuple):
        return False
    return any(isinstance(v, Mode | Question | Differs | Tensor) or waits(v) for v in value)
