"""What mypy takes a call for: torch says of its functions that they give a Tensor, of a layer's call
it says Any. A function that returns Any needs the type said, or `mypy --strict` refuses it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from functools import cache

from builder.catalogue.entry import Entry
from builder.code.writing.layout import Expression
from builder.code.writing.page import Page, indented
from builder.graph.model import Node, Ref, iter_refs

_ANY = frozenset({"dequantize", "max", "median", "min", "nanmedian", "nonzero"})
"""Functions that give one Tensor or several, by their arguments."""


@dataclass
class Types:
    """What mypy knows of the variables of one function, from line to line.

    `typed`: those that are Tensors by their type now. `declared`: those whose type is to be said where
    they are first made, with it. `arguments`: said in the head of the function, whatever they are given.
    """

    typed: frozenset[str] = frozenset()
    declared: dict[str, str] = field(default_factory=dict)
    arguments: frozenset[str] = frozenset()

    def start(self, arguments: Iterable[str]) -> None:
        """Begins in front of the first line."""
        self.arguments = self.typed = frozenset(arguments)

    def settles(self, name: str, typed: bool) -> None:
        """Notes whether a variable that was written over is a Tensor by its type."""
        if name not in self.declared and name not in self.arguments:
            self.typed = self.typed | {name} if typed else self.typed - {name}

    def said(
        self, page: Page, name: str, target: Expression, indent: int, keys: Iterable[str]
    ) -> Expression:
        """What stands left of the `=`, with the type of a variable that is to be said there."""
        if name not in self.declared or name in self.typed:
            return target
        self.typed |= {name}
        if isinstance(target, str):
            return f"{name}: {self.declared[name]}"
        page.write([f"{' ' * indent}{name}: {self.declared[name]}"], keys)
        return target


def with_type_said(
    write: Callable[[int], Page], types: Types, level: int, name: str, result: str
) -> Page:
    """The lines of a function, with the type of the variable it returns where torch does not say it:
    on the first line if that makes it, else above all of them.
    """
    page = write(level)
    if name in types.typed or name.endswith("]"):
        return page
    types.declared = {name: result}
    page, said = write(level), f"{indented(level)}{name}: {result}"
    types.declared = {}
    if page.first_statement.startswith(f"{said} ="):
        return page
    head = Page()
    head.write([said])
    head.append(write(level))
    return head


def says_tensor(
    entry: Entry | None, node: Node, read: Callable[[Ref], str], typed: Collection[str]
) -> bool:
    """Whether a call that gives one tensor is a Tensor by torch's types.

    Args: read: the expression for a reference. typed: the variables that are Tensors by their type.
    """
    if entry is None or node.kind != "operation":
        return False
    refs = [ref for argument in node.arguments.values() for ref in iter_refs(argument)]
    match entry.form:
        case "function":
            return _gives_tensor(entry.key)
        case "method":
            first = node.arguments.get(entry.ports[0].name)
            method = _gives_tensor(entry.key)
            return method and isinstance(first, Ref) and read(first) in typed
        case _:
            return bool(refs) and all(read(ref) in typed for ref in refs)


@cache
def _gives_tensor(key: str) -> bool:
    import torch

    module, _, name = key.rpartition(".")
    if name in _ANY:
        return False
    if module == "torch.Tensor":
        return type(getattr(torch.Tensor, name, None)).__name__ == "method_descriptor"
    home = torch if module == "torch" else torch.nn.functional
    function = getattr(home, name, None)
    if module == "torch" and type(function).__name__ == "builtin_function_or_method":
        return True
    given = getattr(function, "__annotations__", {}).get("return")
    return module in ("torch", "torch.nn.functional") and given in (torch.Tensor, "Tensor")
