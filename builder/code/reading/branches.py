"""Conditions: those that are known while reading, and those that only the running network answers.

`if self.training` and an `if` on a value of the data have both sides read; what differs behind them
becomes a branch node.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from builder.code.reading.reader import Reader
from builder.code.reading.scopes import Scope
from builder.code.reading.signals import Returned
from builder.code.reading.trace import Layer, Module, Raw
from builder.code.reading.values import (
    Instance,
    Mode,
    Parts,
    Question,
    Shape,
    Sym,
    Tensor,
    Unknown,
    plain,
)
from builder.errors import CodeRefused
from builder.graph.model import Compare, Ref, Training


@dataclass(slots=True, eq=False)
class Differs:
    """A value that is another one on each side of a condition."""

    asked: Mode | Question
    if_true: Any
    if_false: Any


def truth(reader: Reader, value: Any) -> bool:
    """Whether a value holds. Errors: CodeRefused where only the running network knows."""
    asked = condition_of(reader, value)
    if asked is True or asked is False:
        return asked
    raise reader.refuse("This condition depends on the data or on the mode; it cannot be used here")


def condition_of(reader: Reader, value: Any) -> Any:
    """True or False, or the Mode or Question that a value is."""
    kind = value.__class__
    if kind is bool:
        return value
    if kind is Sym:
        return bool(value.value)
    if value is None or kind in (int, float, str, list, tuple, dict, set, range):
        return bool(value)
    if kind is Mode or kind is Question:
        return value
    if kind is Tensor:
        if value.compared is not None:
            return Question(value.compared)
        if all(size == 1 for size in value.spec.shape):
            return Question(Compare("!=", value.ref, 0))
        raise reader.refuse("A condition needs one value, and this tensor has several")
    if isinstance(value, Unknown):
        raise reader.refuse_unknown(value)
    if kind is Differs:
        raise reader.refuse("This condition is another one while training")
    if kind in (Module, Instance):
        from builder.code.reading import protocol

        given = protocol.truth(reader, value)
        if given is not protocol.NOT_ASKED:
            return condition_of(reader, given)
    if kind is Module:
        return bool(value.members) if value.kind else True
    if kind in (Layer, Raw, Instance):
        return True
    if isinstance(value, Parts | Shape | tuple):
        return bool(len(value))
    return True


def negated(reader: Reader, value: Any) -> Any:
    """`not value`."""
    asked = condition_of(reader, value) if not isinstance(value, Unknown) else value
    if isinstance(asked, bool):
        return not asked
    if isinstance(asked, Mode):
        return Mode(not asked.negated)
    if isinstance(asked, Question):
        return Question(asked.condition, not asked.negated)
    return asked


def joined(reader: Reader, is_and: bool, one: Any, other: Any) -> Any:
    """`one and other` where both wait for the running network."""
    first, second = condition_of(reader, one), condition_of(reader, other)
    if first == second:
        return first
    raise reader.refuse(
        "Two conditions on the data or the mode in one “and” or “or”, or in a < x < b, cannot be read",
        "Put one `if` inside the other.",
    )


def both(reader: Reader, one: Any, other: Any) -> Any:
    if one is True:
        return other
    if other is True or other is False:
        return one if other else False
    return joined(reader, True, one, other)


def choose(
    reader: Reader, asked: Mode | Question, yes: Callable[[], Any], no: Callable[[], Any]
) -> Any:
    """`a if condition else b`."""
    identity, values = _sides(reader, (yes, no))
    return _merged(reader, asked, values[0], values[1], identity)


def fork(
    reader: Reader,
    node: ast.If,
    asked: Mode | Question,
    rest: Sequence[ast.stmt],
    scope: Scope,
    run: Callable[[Reader, Sequence[ast.stmt], Scope], Any],
) -> Any:
    """Reads both sides of an `if`. `rest`: what follows it, where one side returns."""
    before = dict(scope.names)
    contents = _contents(before)
    ends: list[dict[str, Any]] = []
    signals: list[Any] = []
    changed: list[list[Any]] = []

    def side(statements: Sequence[ast.stmt]) -> Callable[[], Any]:
        def go() -> Any:
            scope.names.clear()
            scope.names.update(before)
            _restore(contents)
            signal = run(reader, statements, scope)
            signals.append(signal)
            ends.append(dict(scope.names))
            changed.append([list(v) if isinstance(v, list) else dict(v) for v, _ in contents])
            return signal

        return go

    sides: tuple[Sequence[ast.stmt], ...] = (node.body, node.orelse)
    if any(map(_returns_inside, sides)) and rest and isinstance(rest[-1], ast.Return):
        sides, rest = ([*node.body, *rest], [*node.orelse, *rest]), ()
    identity, outcome = _sides(reader, (side(sides[0]), side(sides[1])), tolerate=True)
    raised = [isinstance(o, CodeRefused) for o in outcome]
    if any(raised):  # `raise` on one side: the other one is what runs
        if all(raised):
            raise outcome[0]
        going = outcome[raised.index(False)]
        scope.names.clear()
        scope.names.update(ends[0])
        return going
    if changed and changed[0] != changed[1]:
        raise reader.refuse("A list is changed on one side of this condition", line=node.lineno)
    returned = [isinstance(s, Returned) for s in signals]
    if not any(returned):
        if any(s is not None for s in signals):
            raise reader.refuse("A loop ends on one side of this condition", line=node.lineno)
        scope.names.clear()
        for name in {**ends[0], **ends[1]}:
            if name in ends[0] and name in ends[1]:
                one, other = ends[0][name], ends[1][name]
                if _other_shapes(one, other):  # an error only where it is used
                    scope.names[name] = Differs(asked, one, other)
                    continue
                scope.names[name] = _merged(reader, asked, one, other, identity, name)
            else:
                scope.names[name] = ends[0].get(name, ends[1].get(name))
        return None
    if not all(returned):
        if len(sides[0]) > len(node.body):  # what follows is read in both already
            raise reader.refuse("One side of this condition returns, in a loop", line=node.lineno)
        late = returned.index(False)

        def going_on() -> Any:
            scope.names.clear()
            scope.names.update(ends[late])
            return run(reader, rest, scope)

        reader.trace.side = (*reader.trace.side, (identity, late == 0))
        try:
            signals[late] = going_on()
        finally:
            reader.trace.side = reader.trace.side[:-1]
        if signals[late] is None:
            signals[late] = Returned(None)
        if not isinstance(signals[late], Returned):
            raise reader.refuse("One side of this condition returns, in a loop", line=node.lineno)
    return Returned(
        _merged(reader, asked, signals[0].value, signals[1].value, identity), signals[0].node
    )


def _returns_inside(statements: Sequence[ast.stmt]) -> bool:
    """Whether a side returns in an `if` of its own, and otherwise goes on behind it."""
    for statement in statements:
        if isinstance(statement, ast.Return):
            return False
        if isinstance(statement, ast.If):
            return any(isinstance(part, ast.Return) for part in ast.walk(statement))
    return False


def _sides(
    reader: Reader, sides: tuple[Callable[[], Any], Callable[[], Any]], tolerate: bool = False
) -> tuple[str, list[Any]]:
    """Works out both sides, each marked as such in the trace."""
    identity = reader.trace.new_id()
    found: list[Any] = []
    outside = reader.trace.side
    for which, side in zip((True, False), sides, strict=True):
        reader.trace.side = (*outside, (identity, which))
        try:
            found.append(side())
        except CodeRefused as refusal:
            if not tolerate or refusal.kind != "raised":
                raise
            found.append(refusal)
        finally:
            reader.trace.side = outside
    return identity, found


def _contents(names: dict[str, Any]) -> list[tuple[Any, Any]]:
    """The lists and dicts in reach, each with what is in it now."""
    return [(v, v.copy()) for v in names.values() if isinstance(v, list | dict)]


def _restore(contents: list[tuple[Any, Any]]) -> None:
    for value, was in contents:
        if isinstance(value, list):
            value[:] = was
        else:
            value.clear()
            value.update(was)


def _merged(
    reader: Reader,
    asked: Mode | Question,
    one: Any,
    other: Any,
    identity: str,
    name: str = "",
) -> Any:
    """One value for both: a branch where they are tensors that differ."""
    if one is other:
        return one
    if one.__class__ is Tensor and other.__class__ is Tensor:
        if one.ref == other.ref:
            return one
        return _branch(reader, asked, one, other, identity, name)
    same_kind = one.__class__ is other.__class__
    if same_kind and isinstance(one, tuple | list) and len(one) == len(other):
        parts = [_merged(reader, asked, a, b, identity) for a, b in zip(one, other, strict=True)]
        return parts if isinstance(one, list) else tuple(parts)
    if same_kind and isinstance(one, dict) and list(one) == list(other):
        return {key: _merged(reader, asked, one[key], other[key], identity) for key in one}
    alike = plain(one).__class__ is plain(other).__class__
    if alike and _is_plain(one) and _is_plain(other) and plain(one) == plain(other):
        return plain(one)
    return Differs(asked, one, other)


def _other_shapes(one: Any, other: Any) -> bool:
    both_tensors = one.__class__ is Tensor and other.__class__ is Tensor
    return both_tensors and (one.spec.shape, one.spec.dtype) != (other.spec.shape, other.spec.dtype)


def _is_plain(value: Any) -> bool:
    return isinstance(plain(value), bool | int | float | str | None)


def _branch(
    reader: Reader, asked: Mode | Question, one: Tensor, other: Tensor, identity: str, name: str
) -> Tensor:
    condition, flipped = (
        (Training(), asked.negated) if isinstance(asked, Mode) else (asked.condition, asked.negated)
    )
    # Swapped, not negated: of NaN neither `<` nor `>=` holds.
    sides = (other, one) if flipped else (one, other)
    if one.spec.shape != other.spec.shape or one.spec.dtype != other.spec.dtype:
        raise reader.refuse(
            f"The two sides of this condition give different shapes, {one.spec} and {other.spec}"
        )
    reader.budget.node()
    step = reader.trace.add(
        "branch",
        identity,
        {"condition": condition, "if_true": sides[0].ref, "if_false": sides[1].ref},
        one.spec,
        reader.line or 0,
        reader.node,
    )
    step.name = name
    return Tensor(one.spec, Ref(step.id))


def detached(reader: Reader, value: Any) -> Any:
    """The value without a gradient."""
    from builder.code.reading.torch_calls import operation

    if value.__class__ is Tensor:
        return operation(reader, "torch.Tensor.detach", {"input": value})
    if value.__class__ is tuple or value.__class__ is list:
        return value.__class__(detached(reader, part) for part in value)
    return value
