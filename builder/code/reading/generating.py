"""Generator functions: all they yield, worked out at once."""

from __future__ import annotations

import ast
from itertools import islice
from typing import Any

from builder.code.reading import again
from builder.code.reading.reader import Reader, expression
from builder.code.reading.running_order import is_real
from builder.code.reading.scopes import Scope
from builder.code.reading.values import Function, Lazy


def generated(reader: Reader, function: Function, scope: Scope) -> Any:
    """What a generator gives, one after the other."""
    from builder.code.reading.statements import run_block

    found: list[Any] = []
    begin = len(reader.trace.steps)
    outer = reader.state.get("yielded")
    reader.state["yielded"] = found
    try:
        assert isinstance(function.node, ast.FunctionDef)
        run_block(reader, function.node.body, scope)
    finally:
        reader.state["yielded"] = outer
    return again.made(reader, Lazy(found, draws=_draws(reader, begin)))


def _draws(reader: Reader, begin: int) -> bool:
    """Whether a step since then draws numbers, or changes what its layer holds."""
    return any(map(is_real, islice(reader.trace.steps.values(), begin, None)))


def refuse_in_turns(reader: Reader, values: Lazy, begin: int) -> None:
    """Errors: CodeRefused where both a generator and the loop that goes through it draw numbers."""
    if values.draws and values.items and _draws(reader, begin):
        raise reader.refuse(
            "This loop and what it goes through draw numbers, or change what a layer holds, in turns",
            "Make a list first: for y in list(…).",
        )


@expression(ast.Yield)
def yield_(reader: Reader, node: ast.Yield, scope: Scope) -> Any:
    found = reader.state.get("yielded")
    if found is None:
        raise reader.refuse("A generator cannot stand here")
    found.append(None if node.value is None else reader.evaluate(node.value, scope))
    reader.budget.items(len(found))
    return None


@expression(ast.YieldFrom)
def yield_from(reader: Reader, node: ast.YieldFrom, scope: Scope) -> Any:
    from builder.code.reading.iterating import items_of

    for item in items_of(reader, reader.evaluate(node.value, scope)):
        reader.state["yielded"].append(item)
    return None
