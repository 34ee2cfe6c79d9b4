"""Calls: of functions, classes, modules and layers of the text."""

from __future__ import annotations

import ast
from typing import Any, Final

from builder.code.reading import again, in_forward
from builder.code.reading.limits import MAX_DEPTH
from builder.code.reading.reader import Reader
from builder.code.reading.scopes import Scope
from builder.code.reading.signals import Returned
from builder.code.reading.trace import Layer, Module, Raw
from builder.code.reading.values import (
    Bound,
    Dtype,
    Function,
    Generator,
    Instance,
    Known,
    Lazy,
    Method,
    Partial,
    Tensor,
    Unknown,
    UserClass,
    plain,
)

_ONE_BY_ONE: Final = ("iter", "next", "map", "filter", "zip", "enumerate", "itertools.chain")


def call(reader: Reader, function: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """`function(*args, **kwargs)`."""
    kind = function.__class__
    if kind in (Known, Method, Layer):
        args, kwargs = _gone_through(reader, function, args, kwargs)
    if kind is Method:
        return function.call(reader, args, kwargs)
    if kind is Known:
        from builder.code.reading.known import call_path

        found = call_path(reader, function.path, args, kwargs)
        new = found.__class__ in (Lazy, Generator) and function.path not in (
            "getattr",
            "next",
            "iter",
        )
        return again.made(reader, found) if new else found
    if kind is Layer:
        from builder.code.reading.layers import call_layer

        return call_layer(reader, function, args, kwargs)
    if kind is Module:
        from builder.code.reading.modules import call_module

        return call_module(reader, function, args, kwargs)
    if kind is Bound:
        return call_function(reader, function.function, [function.receiver, *args], kwargs)
    if kind is Function:
        return call_function(reader, function, args, kwargs)
    if kind is UserClass:
        from builder.code.reading.classes import instantiate

        return instantiate(reader, function, args, kwargs)
    if kind is Partial:
        return call(reader, function.target, [*function.args, *args], {**function.kwargs, **kwargs})
    if isinstance(function, Unknown):
        in_forward.check_call(reader, _said(reader), args, kwargs)
        return function
    if kind is Instance:
        return call_method(reader, function, "__call__", args, kwargs)
    what, help = _instead_of_a_call(function)
    raise reader.refuse(
        f"{what} stands in front of these brackets, and cannot be called", help, kind="raised"
    )


def _said(reader: Reader) -> str:
    """What stands in front of the brackets."""
    node = reader.node
    return in_forward.path_of(node.func) if isinstance(node, ast.Call) else ""


def _gone_through(
    reader: Reader, function: Any, args: list[Any], kwargs: dict[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    """Arguments with lists in place of generators, which what is not of the text goes through at once."""
    if not any(v.__class__ is Generator for v in (*args, *kwargs.values())):
        return args, kwargs
    if function.__class__ is Known and function.path in _ONE_BY_ONE:
        return args, kwargs
    from builder.code.reading.iterating import items_of

    def listed(value: Any) -> Any:
        return items_of(reader, value) if value.__class__ is Generator else value

    return [listed(v) for v in args], {name: listed(v) for name, v in kwargs.items()}


def _instead_of_a_call(value: Any) -> tuple[str, str]:
    """What a value is that is called by mistake, and what was meant."""
    if isinstance(value, Tensor | Raw):
        return "A tensor", "Ask for its elements with [], or put an operator between the two."
    if value is None:
        return "None", "A setting that is None is asked for first: if self.norm is not None."
    if isinstance(value, tuple) and len(value) == 1:
        return "A tuple of one", "Take away the comma behind the layer where it is made."
    if isinstance(value, list | tuple):
        return "A list", "Call its layers one by one: for layer in self.layers: x = layer(x)."
    if isinstance(value, dict):
        return "A dict", "Choose one of its entries with []."
    if isinstance(value, Dtype):
        return "A dtype", f"Write x.to(torch.{value.name})."
    if isinstance(plain(value), bool | int | float | str):
        return f"{str(plain(value))[:20]!r}", "Another value may have the name of what was meant."
    return "A value", "Another value may have the name of what was meant."


def call_method(
    reader: Reader, receiver: Any, name: str, args: list[Any], kwargs: dict[str, Any]
) -> Any:
    """`receiver.name(…)` of an object of the text."""
    from builder.code.reading import attributes

    found = attributes.find_in_class(receiver.cls, name) if receiver.cls else attributes.NOTHING
    if not isinstance(found, Function):
        raise reader.refuse(f"This object has no {name}", kind="raised")
    return call_function(reader, found, [receiver, *args], kwargs)


def call_function(
    reader: Reader, function: Function, args: list[Any], kwargs: dict[str, Any]
) -> Any:
    """A function of the text: its names bound, its body done."""
    names = bind(reader, function, args, kwargs)
    if function.wrapped == "no_grad" and reader.state.get("forward"):
        from builder.code.reading.gradients import without_gradient

        return without_gradient(reader, lambda: run_function(reader, function, names))
    result = run_function(reader, function, names)
    if function.wrapped == "cached" and reader.state.get("forward"):
        from builder.code.reading.lasting import refuse_kept

        refuse_kept(reader, function, result)
    return result


def run_function(reader: Reader, function: Function, names: dict[str, Any]) -> Any:
    """The body of a function with its names bound."""
    from builder.code.reading.statements import run_block

    reader.budget.depth += 1
    if reader.budget.depth > MAX_DEPTH:
        reader.budget.depth = 0
        raise reader.refuse(f"Functions call each other more than {MAX_DEPTH} deep", kind="limit")
    scope = Scope(function.scope, names)
    scope.function = function
    line, node = reader.line, reader.node
    if isinstance(function.node, ast.Lambda):
        result = reader.evaluate(function.node.body, scope)
    elif isinstance(function.node, ast.AsyncFunctionDef):
        raise reader.refuse("Coroutines are not part of a network")
    elif _yields(function.node):
        from builder.code.reading.generating import generated

        result = generated(reader, function, scope)
    else:
        signal = run_block(reader, function.node.body, scope)
        result = signal.value if isinstance(signal, Returned) else None
    reader.budget.depth -= 1
    reader.line, reader.node = line, node
    return result


def _yields(node: ast.FunctionDef) -> bool:
    known = getattr(node, "_yields", None)
    if known is None:
        known = any(isinstance(part, ast.Yield | ast.YieldFrom) for part in _own_parts(node))
        node._yields = known  # type: ignore[attr-defined]
    return bool(known)


def _own_parts(node: ast.AST) -> list[ast.AST]:
    found: list[ast.AST] = []
    waiting = list(ast.iter_child_nodes(node))
    while waiting:
        part = waiting.pop()
        if isinstance(part, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            continue
        found.append(part)
        waiting.extend(ast.iter_child_nodes(part))
    return found


def bind(
    reader: Reader, function: Function, args: list[Any], kwargs: dict[str, Any]
) -> dict[str, Any]:
    """A call's values under the function's own names. Errors: CodeRefused where they do not fit."""
    wanted = function.node.args
    positional = [*wanted.posonlyargs, *wanted.args]
    names: dict[str, Any] = {}
    rest = dict(kwargs)
    for place, argument in enumerate(positional):
        name = argument.arg
        if place < len(args):
            if name in rest and argument not in wanted.posonlyargs:
                raise _wrong(reader, function, f"is given “{name}” twice")
            names[name] = args[place]
        elif name in rest:
            names[name] = rest.pop(name)
        else:
            at = place - (len(positional) - len(function.defaults))
            if at < 0:
                raise _wrong(reader, function, f"is not given “{name}”")
            names[name] = function.defaults[at]
    if wanted.vararg is not None:
        names[wanted.vararg.arg] = tuple(args[len(positional) :])
    elif len(args) > len(positional):
        raise _wrong(reader, function, f"is given {len(args)} values and takes {len(positional)}")
    for argument in wanted.kwonlyargs:
        if argument.arg in rest:
            names[argument.arg] = rest.pop(argument.arg)
        elif argument.arg in function.keyword_defaults:
            names[argument.arg] = function.keyword_defaults[argument.arg]
        else:
            raise _wrong(reader, function, f"is not given “{argument.arg}”")
    if wanted.kwarg is not None:
        names[wanted.kwarg.arg] = rest
    elif rest:
        raise _wrong(reader, function, f"takes no “{next(iter(rest))[:40]}”")
    return names


def _wrong(reader: Reader, function: Function, what: str) -> Exception:
    return reader.refuse(f"“{function.name[:40]}” {what}", kind="raised")
