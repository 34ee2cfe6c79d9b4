"""A list, tuple or dict that holds more while training: what is done to it is done to both."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from builder.code.reading.both_sides import Contents, kept_apart, put_into
from builder.code.reading.branches import changed_on_one_side
from builder.code.reading.reader import Reader
from builder.code.reading.scopes import Scope
from builder.code.reading.signals import Returned
from builder.code.reading.values import Differs, Method, Mode, Question
from builder.errors import CodeRefused


def is_twofold(value: Any) -> bool:
    """Whether a value is a list, tuple or dict in both modes, another one in each."""
    return (
        value.__class__ is Differs
        and isinstance(value.asked, Mode)
        and all(isinstance(side, list | tuple | dict) for side in (value.if_true, value.if_false))
    )


def on_both(value: Differs, do: Callable[[Any], Any]) -> Any:
    """What something gives on both; one value where that is the same."""
    one, other = do(value.if_true), do(value.if_false)
    return one if one is other else Differs(value.asked, one, other)


def method(reader: Reader, value: Differs, name: str) -> Any:
    """`outputs.append`. Errors: CodeRefused where one side alone is a list or the like."""
    from builder.code.reading.natives import method_of

    if not is_twofold(value):
        if any(isinstance(side, list | dict) for side in (value.if_true, value.if_false)):
            raise not_on_both(reader)
        return reader.unknown(f"“.{name[:40]}” of a value that is another one while training")
    methods = {id(s): method_of(reader, s, name) for s in (value.if_true, value.if_false)}
    if not all(isinstance(found, Method) for found in methods.values()):
        raise not_on_both(reader)

    def call(reader: Reader, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        return on_both(value, lambda side: methods[id(side)].call(reader, args, kwargs))

    return Method(name, call)


def not_on_both(reader: Reader) -> CodeRefused:
    """For what cannot be done to such a value."""
    return reader.refuse(
        "This list holds other things while training, so this cannot be done with it",
        "Make two lists, or return inside of if self.training.",
    )


def known_in(names: dict[str, Any], asked: Mode | Question, which: bool) -> dict[str, Any]:
    """The names of a function on one side: what differed by the same mode before is known there."""
    if not isinstance(asked, Mode):
        return names
    training = which is not asked.negated
    return {
        name: (value.if_true if training is not value.asked.negated else value.if_false)
        if value.__class__ is Differs and isinstance(value.asked, Mode)
        else value
        for name, value in names.items()
    }


def keep_apart(
    reader: Reader,
    node: ast.If,
    asked: Mode | Question,
    contents: Contents,
    scope: Scope,
    value: Any,
    both: tuple[dict[bool, dict[str, Any]], dict[bool, Any], dict[bool, dict[int, Any]]],
) -> None:
    """A list that grew while training only is another one in each mode, if one name knows it.

    `both`: the names, what is returned, and what is held, of each side.
    """
    ends, signals, held = both
    found = {which: held[which][id(value)] for which in (True, False)}
    name = kept_apart(contents, scope, value, found) if isinstance(asked, Mode) else ""
    if not name or any(ends[which].get(name) is not value for which in found):
        raise changed_on_one_side(reader, node)
    for which, inside in found.items():
        ends[which][name] = inside
        signal = signals[which]
        if isinstance(signal, Returned):
            signals[which] = Returned(put_into(signal.value, value, inside), signal.node)


def owned(names: dict[str, Any]) -> dict[int, bool]:
    """The lists that only one mode knows, by id, and whether that is training."""
    found: dict[int, bool] = {}
    for value in names.values():
        if is_twofold(value):
            found[id(value.if_true)] = not value.asked.negated
            found[id(value.if_false)] = value.asked.negated
    return found
