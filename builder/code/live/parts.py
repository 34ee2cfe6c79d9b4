"""Arguments and names of a graph's parts, as the reading of a text is compared with them."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from builder import catalogue
from builder.errors import LayerwiseError
from builder.graph.model import Argument, Calc, Graph, Literals, Node, Owner, Setting, iter_refs

_SUMS: Final[Mapping[str, Callable[[int, int], int]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
}


def meant(target: str, arguments: Mapping[str, Argument]) -> dict[str, Argument]:
    """A new layer's arguments without the sizes that come in anyway."""
    sizes = inferred(target)
    return {name: value for name, value in arguments.items() if name not in sizes}


def inferred(target: str) -> set[str]:
    try:
        entry = catalogue.get(target)
    except LayerwiseError:
        return set()
    return {p.name for p in entry.parameters if p.inferred is not None}


def value_of(argument: Argument, settings: Mapping[str, Literals]) -> Argument:
    """An argument with the settings put in."""
    match argument:
        case Setting(name=name):
            return settings.get(name)
        case Calc(op=op, left=left, right=right):
            a, b = value_of(left, settings), value_of(right, settings)
            if isinstance(a, int) and isinstance(b, int) and not (op == "//" and b == 0):
                return _SUMS[op](a, b)
            return argument
        case tuple():
            return tuple(value_of(part, settings) for part in argument)
        case _:
            return argument


def ties_by_name(graph: Graph, owner: Owner) -> dict[str, tuple[str, str]]:
    return {p: (graph.owners[i].name, q) for p, (i, q) in owner.ties.items()}


def doing(graph: Graph, node: Node) -> str:
    owner = graph.owner_of(node)
    return owner.target if owner else node.target


def read_by(node: Node) -> list[Argument]:
    return [ref for argument in node.arguments.values() for ref in iter_refs(argument)]


def literals_of(graph: Graph, node: Node) -> dict[str, Argument]:
    """What is set of a call and of what it calls."""
    owner = graph.owner_of(node)
    pairs: Iterable[tuple[str, Argument]] = [
        *(owner.arguments.items() if owner else ()),
        *node.arguments.items(),
    ]
    return {k: a for k, a in pairs if not list(iter_refs(a))}


def stem(name: str) -> str:
    return re.sub(r"_?\d+$", "", name)
