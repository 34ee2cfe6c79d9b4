"""The constructor of a class: its parameters, and one line for each layer."""

from __future__ import annotations

from collections.abc import Container, Mapping

from builder.code.writing.elements import list_elements
from builder.code.writing.layout import (
    Expression,
    Group,
    assignment,
    call,
    definition,
    fits,
    flat,
    lay,
)
from builder.code.writing.literals import constant, text
from builder.code.writing.making import Maker
from builder.code.writing.page import Page, indented, note_lines
from builder.code.writing.scope import Scope
from builder.code.writing.tensors import TensorWriter, write_ties
from builder.graph.model import Argument, Node, Owner


def write_constructor(
    scope: Scope, scopes: Mapping[str, Scope], kept_settings: Container[str]
) -> Page:
    """`def __init__`, empty for a class without layers and settings.

    `kept_settings`: those that `forward` reads, which become attributes.
    """
    page = Page()
    if scope.members or scope.graph.settings:
        _ConstructorWriter(scope, scopes, page).write(kept_settings)
    return page


class _ConstructorWriter:
    def __init__(self, scope: Scope, scopes: Mapping[str, Scope], page: Page) -> None:
        self.scope, self.page = scope, page
        self.maker = Maker(scope, scopes)
        self.tensors = TensorWriter(scope, scopes, page)
        self.keys: dict[str, list[str]] = {}  # owner → the source map's keys of what it is used by

    def write(self, kept_settings: Container[str]) -> None:
        page = self.page
        calls: dict[str, list[str]] = {}  # owner → the keys of its calls
        for node in self.scope.graph.nodes.values():
            if node.kind == "layer" and not node.bypassed:
                calls.setdefault(node.target, []).append(self.scope.key(node))
        page.write(definition("__init__", ("self", *self.parameters()), "None", 4))
        page.write([f"{indented(2)}super().__init__()"])
        for setting, name in self.scope.settings.items():
            if setting in kept_settings:
                page.write(assignment(f"self.{name}", name, 8))
        self.keys = {
            owner.id: calls.get(owner.id)
            or [self.scope.key(node) for node in self.scope.graph.reads_of(owner.id)]
            for owner, _ in self.scope.members
        }
        written: set[str] = set()
        for owner, first in self.scope.members:
            top, _, below = self.scope.attributes[owner.id].partition(".")
            if not below:
                self.member(owner, first)
            elif top not in written:
                written.add(top)
                self.container(top)
        write_ties(page, self.scope, self.maker.scopes)
        page.write([""])

    def container(self, path: str) -> None:
        """`self.layers = nn.ModuleList([…])`, or a bare nn.Module with what is added to it."""
        containers = self.scope.containers
        inside = self.inside(path)
        start = len(self.page.lines)
        above, _, name = path.rpartition(".")
        value = call("nn.Module") if containers.is_bare(path) else self.made(path)
        if above:
            added = call(f"{containers.accessor(above)}.add_module", text(name), value)
            self.page.write(lay(added, 8))
        else:
            self.page.write(assignment(f"self.{path}", value, 8))
        for owner, _node in inside:
            self.page.mark(self.keys[owner.id], start)
        if not containers.is_bare(path):
            for owner, node in inside:
                self.freeze(owner, node, containers.accessor(self.scope.attributes[owner.id]))
            return
        members = {self.scope.attributes[owner.id]: (owner, node) for owner, node in inside}
        for child in containers.children(path):
            if child in members and members[child][0].raw:
                self.member(*members[child])
            else:
                self.container(child)

    def inside(self, path: str) -> list[tuple[Owner, Node | None]]:
        """The members at a path or below it."""
        return [
            (owner, node)
            for owner, node in self.scope.members
            if f"{self.scope.attributes[owner.id]}.".startswith(f"{path}.")
        ]

    def made(self, path: str) -> Expression:
        """What a path is set to: a layer, or a container of layers."""
        members = {
            self.scope.attributes[owner.id]: (owner, node) for owner, node in self.inside(path)
        }
        return self.scope.containers.made(path, lambda leaf: self.maker.made(*members[leaf]))

    def member(self, owner: Owner, node: Node | None) -> None:
        """An attribute, with the notes on what stands inside it."""
        keys = self.keys[owner.id]
        if owner.raw:
            self.tensors.member(owner, keys)
            return
        attribute = f"self.{self.scope.attributes[owner.id]}"
        inside = list(self.maker.nodes_inside(owner))
        for key, noted in inside:
            self.page.write(note_lines(noted.note, 2), [key])
        start = len(self.page.lines)
        lines = assignment(attribute, self.maker.made(owner, node), 8)
        elements = None
        if node is not None and len(lines) > 1:
            elements = self.maker.elements(owner, node, self.scope.runs)
        if elements and fits(f"{indented(2)}{attribute} = nn.Sequential("):
            list_elements(self.page, elements, 2, f"{attribute} = ")
        else:
            self.page.write(lines, [key for key, n in inside if n.kind == "layer"])
        self.page.mark(keys, start)
        self.freeze(owner, node, attribute)

    def freeze(self, owner: Owner, node: Node | None, attribute: str) -> None:
        """`self.fc.requires_grad_(False)`, of the layer or of layers inside it."""
        keys = self.keys[owner.id]
        weighs = self.scope.has_weights(node) if node else self.scope.keeps_weights(owner)
        if owner.frozen and weighs:
            self.page.write(lay(call(f"{attribute}.requires_grad_", "False"), 8), keys)
            return
        for key, path in self.maker.frozen_inside(owner):
            found = call(f"{attribute}.get_submodule", text(path))
            if "." not in path:
                found = Group(f"{attribute}[", (path,), "]")
            freeze = lay(found, 8, "", ".requires_grad_(False)")
            self.page.write(freeze, [key, *keys])

    def parameters(self) -> list[str]:
        """`in_channels: int`, `use_skip: bool = True`."""
        sizes, settings = size_types(self.scope), setting_types(self.scope)
        defaults = {
            name: flat(constant(self.scope.graph.settings[setting]))
            for setting, name in self.scope.settings.items()
        }
        asked = {
            name: settings.pop(name)
            for s, name in self.scope.settings.items()
            if s in self.scope.asked
        }
        return [f"{name}: {hint}" for name, hint in {**sizes, **asked}.items()] + [
            f"{name}: {hint} = {defaults[name]}" for name, hint in settings.items()
        ]


def size_types(scope: Scope) -> dict[str, str]:
    """The type of each inferred size that a class is given, by its name in code."""
    return {
        name: _type_of([size.value(use) for use in scope.uses])
        for name, size in scope.sizes.items()
    }


def setting_types(scope: Scope) -> dict[str, str]:
    """The type of each setting, by its name in code."""
    found = {}
    for setting, name in scope.settings.items():
        default = scope.graph.settings[setting]
        values = [default, *(use.settings.get(setting) for use in scope.uses)]
        hint = _type_of([v for v in values if v is not None])
        found[name] = hint if default is not None or hint == "Any" else f"{hint} | None"
    return found


def _type_of(values: list[Argument]) -> str:
    kinds = {type(value).__name__ for value in values}
    if kinds == {"int", "float"}:
        return "float"
    if kinds == {"tuple"}:
        return "tuple[int, ...]" if all(_all_int(v) for v in values) else "tuple[float, ...]"
    return kinds.pop() if len(kinds) == 1 and kinds <= {"bool", "int", "float", "str"} else "Any"


def _all_int(value: Argument) -> bool:
    return isinstance(value, tuple) and all(isinstance(v, int) for v in value)
