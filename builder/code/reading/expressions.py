"""Expressions: names, literals, lists, comprehensions, conditions, calls."""

from __future__ import annotations

import ast
from functools import partial
from typing import Any

from builder.code.reading import again, arithmetic, attributes, branches, indexing
from builder.code.reading.calling import call
from builder.code.reading.equality import known
from builder.code.reading.iterating import items_of
from builder.code.reading.reader import Reader, expression
from builder.code.reading.scopes import Scope
from builder.code.reading.trace import Frame
from builder.code.reading.values import (
    Function,
    Known,
    Mode,
    Namespace,
    Question,
    Sym,
    Tensor,
    Unknown,
    deep_plain,
    plain,
)
from builder.errors import CodeRefused


@expression(ast.Constant)
def constant(reader: Reader, node: ast.Constant, scope: Scope) -> Any:
    value = node.value
    if isinstance(value, int) and not isinstance(value, bool):
        reader.budget.bits(value.bit_length())
    return value


@expression(ast.Name)
def name(reader: Reader, node: ast.Name, scope: Scope) -> Any:
    found = scope.names.get(node.id, reader)
    if found is not reader:
        return found
    return scope.get(reader, node.id)


@expression(ast.Attribute)
def attribute(reader: Reader, node: ast.Attribute, scope: Scope) -> Any:
    value = reader.evaluate(node.value, scope)
    reader.line = node.lineno
    return attributes.get(reader, value, node.attr)


@expression(ast.Subscript)
def subscript(reader: Reader, node: ast.Subscript, scope: Scope) -> Any:
    value = reader.evaluate(node.value, scope)
    index = reader.evaluate(node.slice, scope)
    reader.line, reader.node = node.lineno, node
    return indexing.get(reader, value, index)


@expression(ast.Slice)
def slice_(reader: Reader, node: ast.Slice, scope: Scope) -> Any:
    parts = [
        None if part is None else reader.evaluate(part, scope)
        for part in (node.lower, node.upper, node.step)
    ]
    return slice(*parts)


@expression(ast.Call)
def call_(reader: Reader, node: ast.Call, scope: Scope) -> Any:
    function = reader.evaluate(node.func, scope)
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for argument in node.args:
        if argument.__class__ is ast.Starred:
            args.extend(items_of(reader, reader.evaluate(argument.value, scope)))
        else:
            args.append(reader.evaluate(argument, scope))
    for keyword in node.keywords:
        value = reader.evaluate(keyword.value, scope)
        if keyword.arg is not None:
            kwargs[keyword.arg] = value
        elif isinstance(value, dict):
            kwargs.update({str(plain(key)): part for key, part in value.items()})
        elif isinstance(value, Unknown):
            return value
        else:
            raise reader.refuse("Only a dict can be handed on with **")
    reader.line = reader.budget.line = node.lineno
    reader.node = node
    reader.given = args
    if function.__class__ is Known and function.path == "super" and not args:
        return attributes.super_here(reader, scope)
    if function.__class__ is Known and function.path == "locals" and scope.function is not None:
        return dict(scope.names)
    if function.__class__ is Known and function.path in ("locals", "globals", "vars", "dir"):
        return reader.unknown(f"{function.path}() is not looked into")
    return call(reader, function, args, kwargs)


@expression(ast.Tuple)
def tuple_(reader: Reader, node: ast.Tuple, scope: Scope) -> Any:
    return tuple(_elements(reader, node.elts, scope))


@expression(ast.List)
def list_(reader: Reader, node: ast.List, scope: Scope) -> Any:
    return again.made(reader, _elements(reader, node.elts, scope))


@expression(ast.Set)
def set_(reader: Reader, node: ast.Set, scope: Scope) -> Any:
    found = [known(reader, item) for item in _elements(reader, node.elts, scope)]
    return hashed(reader, lambda: set(found))


@expression(ast.Dict)
def dict_(reader: Reader, node: ast.Dict, scope: Scope) -> Any:
    found: dict[Any, Any] = {}
    for key, value in zip(node.keys, node.values, strict=True):
        given = reader.evaluate(value, scope)
        if key is None:
            if not isinstance(given, dict):
                return given if isinstance(given, Unknown) else reader.unknown("** needs a dict")
            found.update(given)
        else:
            asked = reader.evaluate(key, scope)
            if isinstance(asked, Unknown):
                return asked
            named = known(reader, asked)
            hashed(reader, lambda k=named, g=given: found.__setitem__(k, g))
    return again.made(reader, found)


def hashed(reader: Reader, do: Any) -> Any:
    """What needs values that can be looked up; a refusal where they cannot."""
    try:
        return do()
    except TypeError:
        raise reader.refuse("This value cannot be looked up by, as it can change") from None


def _elements(reader: Reader, nodes: list[ast.expr], scope: Scope) -> list[Any]:
    found: list[Any] = []
    for node in nodes:
        if node.__class__ is ast.Starred:
            found.extend(items_of(reader, reader.evaluate(node.value, scope)))
        else:
            found.append(reader.evaluate(node, scope))
    reader.budget.items(len(found))
    return found


@expression(ast.BinOp)
def binary(reader: Reader, node: ast.BinOp, scope: Scope) -> Any:
    left = reader.evaluate(node.left, scope)
    right = reader.evaluate(node.right, scope)
    reader.line, reader.node = node.lineno, node
    return arithmetic.binary(reader, node.op.__class__.__name__, left, right)


@expression(ast.UnaryOp)
def unary(reader: Reader, node: ast.UnaryOp, scope: Scope) -> Any:
    value = reader.evaluate(node.operand, scope)
    reader.line, reader.node = node.lineno, node
    if node.op.__class__ is ast.Not:
        return branches.negated(reader, value)
    return arithmetic.unary(reader, node.op.__class__.__name__, value)


@expression(ast.Compare)
def compare(reader: Reader, node: ast.Compare, scope: Scope) -> Any:
    left = reader.evaluate(node.left, scope)
    result: Any = True
    for op, right_node in zip(node.ops, node.comparators, strict=True):
        right = reader.evaluate(right_node, scope)
        reader.line, reader.node = node.lineno, node
        answer = arithmetic.compare(reader, op.__class__.__name__, left, right)
        result = answer if result is True else branches.both(reader, result, answer)
        if result is False:
            return False
        left = right
    return result


@expression(ast.BoolOp)
def boolean(reader: Reader, node: ast.BoolOp, scope: Scope) -> Any:
    is_and = node.op.__class__ is ast.And
    pending: Any = None
    value: Any = None
    for operand in node.values:
        value = reader.evaluate(operand, scope)
        if isinstance(value, Mode | Question) or (
            value.__class__ is Tensor and value.compared is not None
        ):
            pending = value if pending is None else branches.joined(reader, is_and, pending, value)
            continue
        if isinstance(value, Unknown) and pending is None:
            return value
        holds = branches.truth(reader, value)
        if holds != is_and:
            return value if pending is None else branches.either(reader, is_and, pending, value)
    if pending is None or value is pending or isinstance(value, Mode | Question):
        return value if pending is None else pending
    return pending if value.__class__ is Tensor else branches.either(reader, is_and, pending, value)


@expression(ast.IfExp)
def conditional(reader: Reader, node: ast.IfExp, scope: Scope) -> Any:
    asked = branches.condition_of(reader, reader.evaluate(node.test, scope))
    if asked is True or asked is False:
        return reader.evaluate(node.body if asked else node.orelse, scope)
    return branches.choose(
        reader,
        asked,
        scope,
        [partial(reader.evaluate, part, scope) for part in (node.body, node.orelse)],
    )


@expression(ast.Lambda)
def lambda_(reader: Reader, node: ast.Lambda, scope: Scope) -> Any:
    defaults = [reader.evaluate(d, scope) for d in node.args.defaults]
    keywords = {
        a.arg: reader.evaluate(d, scope)
        for a, d in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
        if d is not None
    }
    return Function("<lambda>", node, scope, defaults, keywords)


@expression(ast.JoinedStr)
def joined(reader: Reader, node: ast.JoinedStr, scope: Scope) -> Any:
    text = ""
    for part in node.values:
        if isinstance(part, ast.Constant):
            text += str(part.value)
            continue
        assert isinstance(part, ast.FormattedValue)
        value = deep_plain(reader.evaluate(part.value, scope))
        if not isinstance(value, str | int | float | bool | None) or (
            part.format_spec is not None and _format_of(part) not in _PLAIN_FORMATS
        ):
            return reader.unknown("A text with such a value in it is not worked out")
        spec = _format_of(part)
        text += format(value, spec) if spec else str(value)
        reader.budget.text(len(text))
    return text


_PLAIN_FORMATS = frozenset({"", "d", "02d", "03d", "2d", "3d", ".2f", ".3f", ".4f", ".1f"})


def _format_of(part: ast.FormattedValue) -> str:
    spec = part.format_spec
    if spec is None:
        return ""
    if isinstance(spec, ast.JoinedStr) and len(spec.values) == 1:
        only = spec.values[0]
        if isinstance(only, ast.Constant):
            return str(only.value)
    return "?"


@expression(ast.NamedExpr)
def named(reader: Reader, node: ast.NamedExpr, scope: Scope) -> Any:
    value = reader.evaluate(node.value, scope)
    assign(reader, node.target, value, scope)
    return value


@expression(ast.Starred)
def starred(reader: Reader, node: ast.Starred, scope: Scope) -> Any:
    raise reader.refuse("A * cannot stand here")


@expression(ast.Await, ast.Yield, ast.YieldFrom)
def waiting(reader: Reader, node: ast.expr, scope: Scope) -> Any:
    raise reader.refuse("Generators and coroutines are not part of a network")


def assign(reader: Reader, target: ast.expr, value: Any, scope: Scope) -> None:
    """Gives a value to a name, an attribute, an element, or to several of them."""
    match target:
        case ast.Name(id=identifier):
            scope.set(identifier, value)
            if value.__class__ is Tensor:
                naming(reader, identifier, value)
        case ast.Attribute(value=inner, attr=attr):
            attributes.put(reader, reader.evaluate(inner, scope), attr, value)
        case ast.Subscript(value=inner, slice=index):
            container = reader.evaluate(inner, scope)
            reader.node = target
            indexing.put(reader, container, reader.evaluate(index, scope), value)
        case ast.Tuple(elts=targets) | ast.List(elts=targets):
            _unpack(reader, targets, value, scope)
        case ast.Starred(value=inner):
            assign(reader, inner, value, scope)
        case _:
            raise reader.refuse("This cannot be assigned to")


def naming(reader: Reader, identifier: str, value: Tensor) -> None:
    """A call is named by the first variable that its result is given to, in the module where it runs."""
    if value.ref.path:
        return
    frame, step = reader.trace.frame, reader.trace.steps.get(value.ref.node)
    if step is not None and step.frame is frame:
        step.name = step.name or identifier
        return
    last = frame.items[-1] if frame.items else None
    if isinstance(last, Frame) and last.exports == [value.ref]:
        last.name = last.name or identifier


def _unpack(reader: Reader, targets: list[ast.expr], value: Any, scope: Scope) -> None:
    if isinstance(value, Unknown):
        for target in targets:
            assign(reader, target, value, scope)
        return
    if isinstance(value, Tensor) and value.spec.shape[:1] and isinstance(value.spec.shape[0], str):
        raise reader.refuse(
            f"One tensor is taken apart into {len(targets)} here, along the batch",
            "Give forward one argument for each tensor, as forward(self, a, b).", kind="raised",
        )  # fmt: skip
    items = items_of(reader, value)
    star = next((i for i, t in enumerate(targets) if isinstance(t, ast.Starred)), None)
    if star is not None:
        after = len(targets) - star - 1
        if len(items) < len(targets) - 1:
            raise _miscounted(reader, len(items), len(targets))
        middle = items[star : len(items) - after]
        items = [*items[:star], list(middle), *items[len(items) - after :]]
    if len(items) != len(targets):
        raise _miscounted(reader, len(items), len(targets))
    for target, item in zip(targets, items, strict=True):
        assign(reader, target, item, scope)


def _miscounted(reader: Reader, values: int, names: int) -> CodeRefused:
    return reader.refuse(
        f"There are {values} values for {names} names", "Write as many names as there are values.",
        kind="raised",
    )  # fmt: skip


__all__ = ["Namespace", "Sym", "assign"]
