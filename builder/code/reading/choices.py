"""Which networks a text holds, for a person who means another one than was taken."""

from __future__ import annotations

import ast
from typing import Final

from builder.code.reading.attributes import find_in_class
from builder.code.reading.classes import base_of_module
from builder.code.reading.reader import Reader
from builder.code.reading.values import Function, UserClass
from builder.errors import CodeRefused, quote

_MOST: Final = 40
_NAMED: Final = 4  # networks in a sentence
_LISTS: Final = ("Module", "ModuleList", "ModuleDict")


def choices(reader: Reader) -> tuple[str, ...]:
    """The classes and the nn.Sequential variables of a text; those no other is made of first."""
    names, parts = _classes(reader)
    whole = [*(n for n in names if n not in parts), *_chains(reader)]
    order = {getattr(s, "name", ""): i for i, s in enumerate(reader.file.statements)}
    found = sorted(whole, key=lambda n: order.get(n, len(order)))
    found += sorted((n for n in names if n in parts), key=lambda n: order.get(n, 0))
    return tuple(dict.fromkeys(found))[:_MOST]


def beside(reader: Reader, taken: str) -> tuple[str, ...]:
    """A sentence where others of the text could be meant as well as the one that is taken."""
    names, parts = _classes(reader)
    places = {getattr(s, "name", ""): i for i, s in enumerate(reader.file.statements)}
    others = sorted(names - parts - {taken}, key=lambda n: places[n])
    if not others:
        return ()
    said = ", ".join(quote(name) for name in others[:_NAMED])
    more = " and others" if len(others) > _NAMED else ""
    return (f"Of several networks in the text {quote(taken)} is read; beside it: {said}{more}.",)


def _classes(reader: Reader) -> tuple[set[str], set[str]]:
    """The names of a text's networks, and of those what others are made of."""
    try:
        classes = [s for s in reader.file.statements if _is_network(reader, s)]
    except (CodeRefused, RecursionError, MemoryError):
        classes = []  # working them out takes too long: then there is no choice
    names = {c.name for c in classes if isinstance(c, ast.ClassDef)}
    parts = {
        node.id
        for cls in classes
        for node in ast.walk(cls)
        if isinstance(node, ast.Name) and isinstance(cls, ast.ClassDef) and node.id != cls.name
    }
    return names, parts


def _is_network(reader: Reader, statement: ast.stmt) -> bool:
    if not isinstance(statement, ast.ClassDef):
        return False
    made = reader.file.look_up(reader, statement.name)
    if not isinstance(made, UserClass) or (base := base_of_module(made)) is None:
        return False
    return base not in _LISTS or isinstance(find_in_class(made, "forward"), Function)


def _chains(reader: Reader) -> list[str]:
    """`model = nn.Sequential(…)`: the names."""
    return [
        statement.targets[0].id
        for statement in reader.file.statements
        if isinstance(statement, ast.Assign)
        and len(statement.targets) == 1
        and isinstance(statement.targets[0], ast.Name)
        and isinstance(statement.value, ast.Call)
        and ast.unparse(statement.value.func)
        in ("nn.Sequential", "torch.nn.Sequential", "Sequential")
    ]
