"""`if a and b`, `if a or b` where only the running network knows both: one `if` inside the other."""

from __future__ import annotations

import ast
from typing import Any

from builder.code.reading import branches
from builder.code.reading.reader import Reader
from builder.code.reading.scopes import Scope
from builder.code.reading.values import Mode, Question


def asked_first(reader: Reader, node: ast.If, scope: Scope) -> tuple[ast.If, Any]:
    """An `if` and what it asks: True, False, or one question; what more it asks stands in its sides.

    As in Python what comes later is asked only where the first part leaves it open.
    """
    test = node.test
    if not isinstance(test, ast.BoolOp):
        return node, branches.condition_of(reader, reader.evaluate(test, scope))
    is_and = isinstance(test.op, ast.And)
    values = list(test.values)
    while len(values) > 1:
        first = branches.condition_of(reader, reader.evaluate(values[0], scope))
        if isinstance(first, Mode | Question):
            rest = _left_open(reader, values[1:], is_and, scope)
            if isinstance(rest, bool):
                return node, first if rest == is_and else rest
            return _nested(node, rest, test.op), first
        if first != is_and:
            return node, first
        values.pop(0)
    return asked_first(reader, _with_test(node, values[0]), scope)


def _left_open(
    reader: Reader, values: list[ast.expr], is_and: bool, scope: Scope
) -> bool | list[ast.expr]:
    """The parts that are not known; True or False where the plain ones decide, or none is left."""
    rest: list[ast.expr] = []
    for value in values:
        if not any(isinstance(part, ast.Call) for part in ast.walk(value)):  # it does nothing
            holds = branches.condition_of(reader, reader.evaluate(value, scope))
            if isinstance(holds, bool):
                if holds != is_and and not rest:
                    return holds
                if holds == is_and:
                    continue
        rest.append(value)
    return rest or is_and


def _nested(node: ast.If, rest: list[ast.expr], op: ast.boolop) -> ast.If:
    test = rest[0] if len(rest) == 1 else ast.copy_location(ast.BoolOp(op, rest), node.test)
    inner: ast.stmt = ast.copy_location(ast.If(test, node.body, node.orelse), node)
    body, orelse = ([inner], node.orelse) if isinstance(op, ast.And) else (node.body, [inner])
    return ast.copy_location(ast.If(node.test, body, orelse), node)


def _with_test(node: ast.If, test: ast.expr) -> ast.If:
    return ast.copy_location(ast.If(test, node.body, node.orelse), node)
