"""The lines of a text that make something: `model = Net(…)`, and `Net(…)` inside of a call."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from builder.code.reading.scopes import FileScope

_MOVES: Final = ("cuda", "cpu", "eval", "train")


@dataclass
class Site:
    """`model = Net(…)`: the class's name, the expression, and where it stands."""

    name: str
    node: ast.expr
    variable: str
    scope: FileScope
    index: int
    attribute: bool = False


def sites_in(statements: list[ast.stmt], scope: FileScope) -> Iterator[Site]:
    for index, statement in enumerate(statements):
        if isinstance(statement, ast.ClassDef):
            continue
        if isinstance(statement, ast.FunctionDef):
            if not needs_arguments(statement):
                inner = FileScope([*_defaults(statement), *statement.body], scope)
                yield from sites_in(inner.statements, inner)
            continue
        for node in ast.walk(statement):
            if isinstance(node, ast.Assign) and len(node.targets) == 1:
                target = node.targets[0]
                name = target.id if isinstance(target, ast.Name) else ""
                for made in _makers(node.value):
                    yield Site(made, node.value, name, scope, index)
            elif isinstance(node, ast.AnnAssign) and node.value is not None:
                name = node.target.id if isinstance(node.target, ast.Name) else ""
                for made in _makers(node.value):
                    yield Site(made, node.value, name, scope, index)
            elif isinstance(node, ast.Expr | ast.Return) and node.value is not None:
                for part in ast.walk(node.value):
                    if isinstance(part, ast.Call) and (made := _name_of(part.func)):
                        yield Site(made, part, "", scope, index)
            elif isinstance(node, ast.Call):
                for argument in (*node.args, *(k.value for k in node.keywords)):
                    if (
                        isinstance(argument, ast.Call)
                        and (made := _name_of(argument.func))
                        and not made.startswith(("nn.", "torch."))
                    ):
                        yield Site(made, argument, "", scope, index)


def without_arguments(scope: FileScope) -> list[Site]:
    """`def build(): return …`: calls of the functions that need no arguments and give something."""
    functions = [s for s in scope.statements if isinstance(s, ast.FunctionDef)]
    found = []
    for node in functions:
        gives = any(isinstance(n, ast.Return) and n.value is not None for n in ast.walk(node))
        if gives and not needs_arguments(node):
            call = ast.Call(ast.Name(node.name, ast.Load()), [], [])
            for part in ast.walk(call):
                ast.copy_location(part, node)
            found.append(Site(node.name, call, "", scope, len(scope.statements)))
    return found


def _defaults(node: ast.FunctionDef) -> list[ast.stmt]:
    """What the arguments of a function are that is called without any."""
    given = zip(node.args.args[::-1], node.args.defaults[::-1], strict=False)
    return [
        ast.copy_location(ast.Assign([ast.Name(a.arg, ast.Store())], default), default)
        for a, default in given
    ]


def needs_arguments(node: ast.FunctionDef) -> bool:
    return len(node.args.args) > len(node.args.defaults)


def _makers(node: ast.expr) -> list[str]:
    """The class in `Net(…)`, `Net(…).to(device)`, `torch.compile(Net(…))`."""
    while True:
        if isinstance(node, ast.Call):
            name = _name_of(node.func)
            if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Call):
                node = node.func.value
                continue
            if (
                name
                in ("torch.compile", "nn.DataParallel", "torch.jit.script", "torch.nn.DataParallel")
                and node.args
            ):
                node = node.args[0]
                continue
            return [name] if name else []
        if isinstance(node, ast.IfExp):
            return [*_makers(node.body), *_makers(node.orelse)]
        return []


def made_by(node: ast.expr) -> ast.expr:
    """`Net(…)` of `Net(…).to(device).eval()`: without what changes nothing of the network."""
    while (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Call)
        and (node.func.attr in _MOVES or (node.func.attr == "to" and _is_device(node)))
    ):
        node = node.func.value
    return node


def _is_device(call: ast.Call) -> bool:
    """Whether what stands in `.to(…)` is a device; a type changes the network."""
    if call.keywords or len(call.args) != 1:
        return False
    [given] = call.args
    if isinstance(given, ast.Constant):
        return isinstance(given.value, str)
    name = given.func if isinstance(given, ast.Call) else given
    return ast.unparse(name).lower().endswith(("device", "dev"))


def _name_of(node: ast.expr) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([node.id, *reversed(parts)])
