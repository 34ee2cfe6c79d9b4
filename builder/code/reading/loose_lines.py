"""`x = fc1(x)`, `y = fc2(x)` at the top of a file: the lines that a result comes from."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from typing import Final

from builder.code.reading.loose_class import (
    CLASS,
    Gathered,
    module_of,
    placed,
    sentence_of,
    with_import,
)
from builder.code.reading.loose_text import LooseText, assigned, loads
from builder.code.reading.scopes import flattened

NO_OUTPUT: Final = ("loss", "cost", "error", "grad", "acc", "correct", "criterion")


def forward_of_lines(tree: ast.Module, text: LooseText) -> Gathered | None:
    """`x = fc1(x)`, `y = fc2(x)`: the lines that the last result comes from become forward."""
    if not text.learning and len(text.layers) < 2:
        return None  # one layer: it is read as it stands
    lines = _computing(text)
    best: tuple[int, list[ast.stmt], str] | None = None
    for place, (_, _, name) in enumerate(lines):
        used = _slice(lines[: place + 1], name)
        owned = len(loads(used) & text.owned.keys())
        goes_on = any(name in loads([later]) for _, later, _ in lines[place + 1 :])
        more = not goes_on and (best is None or owned > best[0])
        if more and owned and _inputs(text, used):
            best = (owned, used, name)
    if best is None:
        return None
    _, used, name = best
    first = min(at for at, line, _ in lines if line is used[0])
    inputs = _inputs(text, used)
    arguments = ast.parse(f"def f({', '.join(inputs)}): pass").body[0]
    assert isinstance(arguments, ast.FunctionDef)
    result = ast.parse(f"return {name}").body[0]
    placed(result, used[-1])
    made = module_of(text, arguments.args, [*copy.deepcopy(used), result], used[0])
    call = ast.parse(f"{CLASS}()({', '.join(inputs)})").body[0]
    placed(call, used[0])
    outer = text.statements[first]
    place = next((i for i, s in enumerate(tree.body) if outer in (s, *flattened([s]))), 0)
    body = [*tree.body[:place], made, call, *tree.body[place:]]
    return Gathered(
        with_import(tree, body), sentence_of(text, f"what gives “{name}” as its forward")
    )


def _computing(text: LooseText) -> list[tuple[int, ast.stmt, str]]:
    """The assignments that read learning tensors or layers, or what came of them."""
    return _lines(text, _assigned_line) or _lines(text, _shown_line)


def _assigned_line(line: ast.stmt) -> ast.stmt | None:
    return line if assigned(line)[0] else None


def _shown_line(line: ast.stmt) -> ast.stmt | None:
    """`print(fc2(fc1(x)))` as `output = fc2(fc1(x))`."""
    match line:
        case ast.Expr(value=ast.Call(func=ast.Name(id="print"), args=[shown, *_])):
            value = shown
        case ast.Expr(value=value):
            pass
        case _:
            return None
    return ast.copy_location(
        ast.Assign([placed(ast.Name("output", ast.Store()), line)], value), line
    )


def _lines(
    text: LooseText, line_of: Callable[[ast.stmt], ast.stmt | None]
) -> list[tuple[int, ast.stmt, str]]:
    found: list[tuple[int, ast.stmt, str]] = []
    known = set(text.owned)
    for index, outer in enumerate(text.statements):
        for inner in _unfolded(outer):
            line = line_of(inner)
            name, value = assigned(line) if line is not None else ("", None)
            if line is None or not name or value is None or name in text.owned:
                continue
            asks = {n.attr for n in ast.walk(value) if isinstance(n, ast.Attribute)}
            computes = isinstance(value, ast.Call | ast.BinOp)
            said = f"{name} {ast.unparse(value)}".lower()
            if not computes or any(part in said for part in NO_OUTPUT):
                continue
            if loads([value]) & known and not asks & {"backward", "parameters", "optim"}:
                known.add(name)
                found.append((index, line, name))
    return found


def _unfolded(statement: ast.stmt) -> Iterator[ast.stmt]:
    """A statement, or those inside of a loop."""
    if isinstance(statement, ast.For | ast.While | ast.With):
        for inner in statement.body:
            yield from _unfolded(inner)
    else:
        yield statement


def _slice(lines: list[tuple[int, ast.stmt, str]], name: str) -> list[ast.stmt]:
    """The lines that a name comes from, the last of them the one that gives it."""
    needed, kept = {name}, []
    for _, line, gives in reversed(lines):
        if gives in needed:
            kept.append(line)
            value = assigned(line)[1]
            needed = (needed - {gives}) | loads([value] if value is not None else [])
    return kept[::-1]


def _inputs(text: LooseText, used: list[ast.stmt]) -> list[str]:
    """The names that hold data: none of the file's numbers, functions and imports."""
    given: dict[str, ast.expr] = {}
    looped: set[str] = set()
    for statement in text.statements:
        if isinstance(statement, ast.For):
            looped |= {n.id for n in ast.walk(statement.target) if isinstance(n, ast.Name)}
        for line in _unfolded(statement):
            name, value = assigned(line)
            if name and value is not None and line not in used:
                given.setdefault(name, value)
    made: set[str] = set()
    found: list[str] = []
    for line in used:
        value = assigned(line)[1]
        for node in ast.walk(value) if value is not None else ():
            if not isinstance(node, ast.Name) or node.id in (*text.owned, *made, *found):
                continue
            source = given.get(node.id)
            if node.id in looped or isinstance(source, ast.Call | ast.BinOp):
                found.append(node.id)
        made.add(assigned(line)[0])
    return found
