"""Members that stand inside containers: "layers.0" is `self.layers[0]`, of an nn.ModuleList.

What the names of the members say decides about the container: counted from 0 they stand in an
nn.ModuleList, else in an nn.ModuleDict; where tensors of its own stand in it, or a name that
nn.ModuleDict has itself, it is a bare nn.Module to which they are added.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from builder.code.writing.layout import Expression, Group, Prefixed, call, list_of
from builder.code.writing.literals import text
from builder.code.writing.naming import Namespace
from builder.errors import CodeRefused, quote
from builder.graph.model import Owner
from builder.graph.names import refuse_name, taken_by_containers

Kind = Literal["list", "dict", "module"]


def claim_path(space: Namespace, tops: dict[str, str], name: str) -> str:
    """The attribute of a name, dotted where the name is a place in containers.

    `tops`: the containers claimed until now.
    """
    first, _, below = name.partition(".")
    if not below or refuse_name(name) is not None:
        return space.claim(name)
    if first not in tops:
        tops[first] = space.claim(first)
    return f"{tops[first]}.{below}"


class Containers:
    """The containers of one class, of its members by path."""

    def __init__(self, members: Mapping[str, Owner]) -> None:
        self._children: dict[str, dict[str, Owner | None]] = {}
        for path, owner in members.items():
            above, _, name = path.rpartition(".")
            child: Owner | None = owner
            while above:
                self._children.setdefault(above, {}).setdefault(name, child)
                above, _, name = above.rpartition(".")
                child = None
        for path in self._children:
            if path in members:
                raise CodeRefused(
                    f"{quote(path)} is a layer, and others stand inside it. Give them other names."
                )
        self._kinds = {path: _kind(children) for path, children in self._children.items()}

    def children(self, path: str) -> list[str]:
        """The paths of what stands right inside a container."""
        return [f"{path}.{name}" for name in self._children[path]]

    def is_container(self, path: str) -> bool:
        return path in self._children

    def is_bare(self, path: str) -> bool:
        """Whether a path is in or of a bare nn.Module, so that it is not one expression."""
        return any(
            kind == "module" and (at == path or at.startswith(f"{path}."))
            for at, kind in self._kinds.items()
        )

    def accessor(self, path: str) -> str:
        """`self.layers[0]`, `self.heads["left"]`, `self.get_submodule("encoder.0.keys")`."""
        top, _, below = path.partition(".")
        if not below:
            return f"self.{top}"
        # By torch's types what an index gives can itself not be indexed.
        if "." in below or self._kinds[top] == "module":
            return f"self.get_submodule({text(path)})"
        return f"self.{top}[{below if self._kinds[top] == 'list' else text(below)}]"

    def made(self, path: str, make: Callable[[str], Expression]) -> Expression:
        """What stands at a path that is not bare; `make`: a member by its path."""
        if path not in self._children:
            return make(path)
        made = [self.made(child, make) for child in self.children(path)]
        if self._kinds[path] == "list":
            return call("nn.ModuleList", list_of(tuple(made)))
        named = zip(self._children[path], made, strict=True)
        items = tuple(Prefixed(f"{text(name)}: ", value) for name, value in named)
        return call("nn.ModuleDict", Group("{", items, "}", literal=True))


def _kind(children: Mapping[str, Owner | None]) -> Kind:
    tensors = any(owner is not None and owner.raw for owner in children.values())
    if tensors or any(name in taken_by_containers() for name in children):
        return "module"
    return "list" if list(children) == [str(i) for i in range(len(children))] else "dict"
