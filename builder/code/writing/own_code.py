"""Layers of a person's own code in the file: their text as it is, made and called by name.

The text is put into the file and never run here; `builder.code.building` says who may run it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from builder.code.writing.layout import Expression, call
from builder.code.writing.literals import ReadRef, ReadSetting, argument, keyword
from builder.errors import CodeRefused, quote
from builder.graph import opaque
from builder.graph.model import OPAQUE, Node, Owner, Ref

if TYPE_CHECKING:
    from builder.code.writing.scope import Scope

OWN_CODE = "# Code of your own, as it was given:"
"""The line in front of it, by which a written file is known to hold some."""

_OURS = frozenset(
    {
        "import torch",
        "import torch.nn.functional as F",
        "from torch import Tensor",
        "from torch import nn",
        "from torch import Tensor, nn",
        "from torch import nn, Tensor",
        "import torch.nn as nn",
        "from typing import Any",
    }
)
"""Imports that stand at the head of every file that uses them."""


def own_layers(scopes: Mapping[str, Scope]) -> Iterator[Owner]:
    """The layers of own code in all classes."""
    for scope in scopes.values():
        yield from (o for o in scope.graph.owners.values() if o.target == OPAQUE)


def own_names(scopes: Mapping[str, Scope]) -> set[str]:
    """The names that their texts define, which no class of ours may have."""
    return {name for owner in own_layers(scopes) for name in opaque.defined(_source(owner))}


def own_sources(scopes: Mapping[str, Scope]) -> list[list[str]]:
    """The lines of each text once. CodeRefused where two define the same name differently."""
    found: dict[str, list[str]] = {}
    defined: dict[str, str] = {}
    for owner in own_layers(scopes):
        source = _source(owner)
        if source in found:
            continue
        lines = _without_imports(source)
        for name in opaque.defined("\n".join(lines)):
            if defined.setdefault(name, source) != source:
                raise CodeRefused(
                    f"Two layers of your own code both define {quote(name)}, each otherwise. Rename one."
                )
        found[source] = [OWN_CODE, *lines]
    return list(found.values())


def own_call(owner: Owner) -> str:
    """`Strange(3)`. Errors: CodeRefused where its text is none that can be read."""
    made = owner.arguments.get("call")
    written = opaque.call_text(made) if isinstance(made, str) else ""
    if not written or opaque.called_name(written) not in opaque.defined(_source(owner)):
        raise CodeRefused(f"{quote(owner.name)} is not made by one call of what its text defines.")
    return written


def called_own(node: Node, function: str, read: ReadRef, setting: ReadSetting) -> Expression:
    """`self.strange(x, mask)`: values by their place, other arguments by name."""
    items: list[Expression] = []
    by_name = False
    for name, value in node.arguments.items():
        if value is None:
            continue
        by_name = by_name or not isinstance(value, Ref | tuple)
        if by_name and not name.isidentifier():
            raise CodeRefused(f"{quote(name)} is no name of an argument.")
        written = argument(value, read, setting)
        items.append(keyword(name, written) if by_name else written)
    return call(function, *items)


def _source(owner: Owner) -> str:
    source = owner.arguments.get("source")
    if not isinstance(source, str) or opaque.refuse_part("source", source):
        raise CodeRefused(f"{quote(owner.name)} has no text of its own that can be read.")
    return source


def _without_imports(source: str) -> list[str]:
    """The lines of a text without those imports that stand at the head of the file anyway."""
    lines = source.rstrip().splitlines()
    for statement in reversed(ast.parse(source).body):
        alone = isinstance(statement, ast.Import | ast.ImportFrom)
        if alone and ast.unparse(statement) in _OURS:
            del lines[statement.lineno - 1 : statement.end_lineno]
    while lines and not lines[0].strip():
        del lines[0]
    return lines
