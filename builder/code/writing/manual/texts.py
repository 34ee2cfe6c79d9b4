"""The helper functions as text: those that a file calls, with those that these call."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from functools import cache
from pathlib import Path

_FILES = ("helpers.py", "sequence_helpers.py")


@cache
def _functions() -> dict[str, tuple[list[str], frozenset[str]]]:
    """Name → its lines, and the names it uses; in the order in which they stand."""
    found: dict[str, tuple[list[str], frozenset[str]]] = {}
    for file in _FILES:
        source = (Path(__file__).parent / file).read_text(encoding="utf-8")
        lines = source.splitlines()
        for node in ast.parse(source).body:
            if isinstance(node, ast.FunctionDef):
                used = {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}
                found[node.name] = lines[node.lineno - 1 : node.end_lineno], frozenset(used)
    return found


def helper_names() -> frozenset[str]:
    """The names of all helper functions, which nothing else in a file may have."""
    return frozenset(_functions())


def helper_lines(called: Iterable[str]) -> list[str]:
    """The helpers of these names and all that they call, each with two empty lines behind it."""
    functions = _functions()
    wanted, waiting = set(), list(called)
    while waiting:
        name = waiting.pop()
        if name in functions and name not in wanted:
            wanted.add(name)
            waiting.extend(functions[name][1])
    texts = [lines for name, (lines, _) in functions.items() if name in wanted]
    return [line for text in texts for line in [*text, "", ""]]
