"""Weights that two owners share: `self.head.weight = self.emb.weight`, or one layer under two names."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from builder.code.reading import norms
from builder.code.reading.closed import Tree
from builder.code.reading.reader import Reader
from builder.code.reading.trace import Layer, Module, Raw


def tie_all(reader: Reader, tree: Tree, scope: Any) -> None:
    """Puts the ties of the text on the owners of one graph."""
    for layer, name, other, other_name, line in reader.state.get("ties", ()):
        if id(layer) not in tree.paths or id(other) not in tree.paths:
            raise reader.refuse("A weight is shared with a layer that no module holds", line=line)
        norms.refuse_computed(reader, layer, name, line)
        norms.refuse_computed(reader, other, other_name, line)
        _tie(scope, tree, layer, name, other, other_name)
    for path, member in tree.again:
        _second_name(reader, tree, scope, path, member)


def _tie(scope: Any, tree: Tree, layer: Layer, name: str, other: Layer, other_name: str) -> None:
    here, there = _place(scope, tree, layer), _place(scope, tree, other)
    if here is None or there is None or here[0] == there[0]:
        return
    owner = scope.owners[here[0]]
    ties = {**owner.ties, _path(here[1], name): (there[0], _path(there[1], other_name))}
    scope.owners[here[0]] = replace(owner, ties=ties)


def _path(inside: str, name: str) -> str:
    return f"{inside}.{name}" if inside else name


def _place(scope: Any, tree: Tree, member: Any) -> tuple[str, str] | None:
    """The owner that a member stands in here, and its path inside that."""
    path = tree.paths[id(member)]
    prefix = tree.paths[id(scope.module)]
    if prefix:
        if not path.startswith(prefix + "."):
            return None
        path = path[len(prefix) + 1 :]
    for name in scope.owners:
        if path == name:
            return name, ""
        if path.startswith(name + "."):
            return name, path[len(name) + 1 :]
    return None


def is_tied(reader: Reader, layer: Layer) -> bool:
    """Whether a layer that stands under two names shares weights by that, and nothing else."""
    from builder.code.reading.layers import module_of

    return any(True for _ in module_of(reader, layer).parameters()) and not norms.keeps_buffers(
        reader, layer
    )


def _second_name(reader: Reader, tree: Tree, scope: Any, path: str, member: Any) -> None:
    """The same layer under another name: its weights stand there in the `state_dict` too."""
    prefix = tree.paths[id(scope.module)]
    if prefix and not path.startswith(prefix + "."):
        return
    if any(path.startswith(f"{tree.paths[id(m)]}.") for m in scope.module_owners):
        return
    name = path[len(prefix) + 1 :] if prefix else path
    if isinstance(member, Module):
        for inner, part in member.members.items():
            if part is not None:
                _second_name(reader, tree, scope, f"{path}.{inner}", part)
        return
    if isinstance(member, Raw):
        raise reader.refuse("A parameter stands under two names", line=member.line)
    from builder.code.reading.layers import module_of

    module = module_of(reader, member)
    if not any(True for _ in module.parameters()):
        return
    if norms.keeps_buffers(reader, member):
        what = "spectral norm" if member.norms else "running statistics"
        raise reader.refuse(
            f"This nn.{member.entry.name} stands under two names, with {what}",
            "Make it once and use that name.", line=member.line,
        )  # fmt: skip
    there = _place(scope, tree, member)
    if there is None or there[0] == name:
        return
    made = scope.owners.get(name) or scope.plain_owner(member, name)
    names = norms.shapes_of(reader, member)
    ties = {n: (there[0], _path(there[1], n)) for n in names}
    scope.owners[name] = replace(made, ties=ties)
