"""Comprehensions, and generator expressions, which are worked out as they are gone through."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from builder.code.reading import again, branches
from builder.code.reading.equality import known
from builder.code.reading.expressions import assign, hashed
from builder.code.reading.iterating import each_of, items_of
from builder.code.reading.reader import Reader, expression
from builder.code.reading.scopes import Scope
from builder.code.reading.values import Generator, Lazy


@expression(ast.ListComp)
def list_comprehension(reader: Reader, node: ast.ListComp, scope: Scope) -> Any:
    found = [reader.evaluate(node.elt, inner) for inner in _loop(reader, node.generators, scope)]
    reader.budget.items(len(found))
    return again.made(reader, found)


@expression(ast.GeneratorExp)
def generator(reader: Reader, node: ast.GeneratorExp, scope: Scope) -> Any:
    """As in Python what it goes through is asked for at once, and all else as it goes on."""
    scopes = _loop(reader, node.generators, scope)
    values = (reader.evaluate(node.elt, inner) for inner in scopes)
    return again.made(reader, Generator(values, reader.trace.side))


@expression(ast.SetComp)
def set_comprehension(reader: Reader, node: ast.SetComp, scope: Scope) -> Any:
    scopes = _loop(reader, node.generators, scope)
    found = [known(reader, reader.evaluate(node.elt, inner)) for inner in scopes]
    return hashed(reader, lambda: set(found))


@expression(ast.DictComp)
def dict_comprehension(reader: Reader, node: ast.DictComp, scope: Scope) -> Any:
    found: dict[Any, Any] = {}
    for inner in _loop(reader, node.generators, scope):
        key = known(reader, reader.evaluate(node.key, inner))
        value = reader.evaluate(node.value, inner)
        hashed(reader, lambda k=key, v=value: found.__setitem__(k, v))
    return found


def _loop(reader: Reader, generators: list[ast.comprehension], outer: Scope) -> Iterator[Scope]:
    """The scope of each turn. The first of the values is asked for at once."""
    first = reader.evaluate(generators[0].iter, outer)
    if not isinstance(first, list | dict | Generator | Lazy):
        first = items_of(reader, first)
    return _turns(reader, generators, first, Scope(outer))


def _turns(
    reader: Reader, generators: list[ast.comprehension], values: Any, scope: Scope
) -> Iterator[Scope]:
    generator, *others = generators
    for item in each_of(reader, values):
        reader.budget.step()
        assign(reader, generator.target, item, scope)
        if all(branches.truth(reader, reader.evaluate(test, scope)) for test in generator.ifs):
            if others:
                yield from _turns(reader, others, reader.evaluate(others[0].iter, scope), scope)
            else:
                yield scope
