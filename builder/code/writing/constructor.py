"""The constructor of a class: its parameters, and one line for each layer."""

from __future__ import annotations

from collections.abc import Container, Mapping
from itertools import groupby

from builder.catalogue.entry import Entry
from builder.code.writing.calls import constructed, entry_for
from builder.code.writing.layout import (
    Each,
    Expression,
    Group,
    Prefixed,
    assignment,
    call,
    definition,
    flat,
    lay,
)
from builder.code.writing.literals import argument, constant, keyword
from builder.code.writing.page import Page, indented
from builder.code.writing.scope import BlockSize, LayerSize, Scope, Size, rounds
from builder.errors import CodeRefused, quote
from builder.graph.model import Argument, Node, Owner, Ref

_FEW = 3  # equal blocks in a row that are written as a loop


def write_constructor(
    scope: Scope, scopes: Mapping[str, Scope], kept_settings: Container[str]
) -> Page:
    """`def __init__`, empty for a class without layers and settings.

    `kept_settings`: those that `forward` reads, which become attributes.
    """
    page = Page()
    if scope.owners or scope.graph.settings:
        _ConstructorWriter(scope, scopes, page).write(kept_settings)
    return page


class _ConstructorWriter:
    def __init__(self, scope: Scope, scopes: Mapping[str, Scope], page: Page) -> None:
        self.scope, self.scopes, self.page = scope, scopes, page

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
        for owner, node in self.scope.owners:
            keys = calls[owner.id]
            attribute = f"self.{self.scope.attributes[owner.id]}"
            page.write(assignment(attribute, self.made(owner, node), 8), keys)
            if owner.frozen and self.has_weights(node):
                page.write(lay(call(f"{attribute}.requires_grad_", "False"), 8), keys)
        page.write([""])

    def has_weights(self, node: Node) -> bool:
        report = self.scope.report(node.id)
        return report is None or report.parameters > 0

    def parameters(self) -> list[str]:
        """`in_channels: int`, `use_skip: bool = True`."""
        found = []
        for name, size in self.scope.sizes.items():
            values = [size.value(use) for use in self.scope.uses]
            found.append(f"{name}: {_type_of(values)}")
        for setting, name in self.scope.settings.items():
            default = self.scope.graph.settings[setting]
            values = [default, *(use.settings.get(setting) for use in self.scope.uses)]
            hint = _type_of([v for v in values if v is not None])
            hint = hint if default is not None or hint == "Any" else f"{hint} | None"
            found.append(f"{name}: {hint} = {flat(constant(default))}")
        return found

    def made(self, owner: Owner, node: Node) -> Expression:
        """What an owner's attribute is set to."""
        if owner.block is None:
            entry = entry_for(owner.target, owner.name, "layer")
            return constructed(entry, self.constructor_arguments(owner, node, entry), owner.name)
        inner = self.scopes[owner.block]
        if owner.repeat == 1 or owner.shared:
            return self.block_made(owner, node, inner, 0)
        blocks = [self.block_made(owner, node, inner, i) for i in range(owner.repeat)]
        container = (
            "nn.ModuleList" if rounds(self.scope.graph, node, self.scopes) else "nn.Sequential"
        )
        return _container(container, blocks)

    def constructor_arguments(
        self, owner: Owner, node: Node, entry: Entry
    ) -> dict[str, Expression]:
        report = self.scope.report(node.id)
        found: dict[str, Expression] = {}
        stray = next((n for n in owner.arguments if entry.parameter(n) is None), None)
        if stray is not None:
            raise CodeRefused(f"{entry.name} {quote(owner.name)} takes no argument {quote(stray)}.")
        for name, value in owner.arguments.items():
            parameter = entry.parameter(name)
            found[name] = argument(value, _no_reference, self.scope.parameter, parameter)
        for name in report.inferred if report is not None else ():
            if name not in found and report is not None and name in report.arguments:
                variable = self.scope.variable.get(LayerSize(node.id, name))
                found[name] = variable or constant(report.arguments[name], entry.parameter(name))
        return found

    def block_made(self, owner: Owner, node: Node, inner: Scope, repetition: int) -> Expression:
        items: list[Expression] = []
        for size in inner.sizes.values():
            outer: Size = BlockSize(node.id, repetition, size)
            variable = self.scope.variable.get(outer)
            items.append(variable or constant(outer.value(self.scope.uses[0])))
        for setting, value in owner.arguments.items():
            if setting not in inner.settings:
                raise CodeRefused(
                    f"{quote(owner.name)} sets {quote(setting)}, which its block does not have."
                )
            written = argument(value, _no_reference, self.scope.parameter)
            if flat(written) != flat(constant(inner.graph.settings[setting])):
                items.append(keyword(inner.settings[setting], written))
        return call(inner.class_name, *items)


def _container(name: str, blocks: list[Expression]) -> Expression:
    """`nn.Sequential(*(Block(16) for _ in range(3)))`; blocks that differ stand one by one."""
    runs = [(block, len(list(same))) for block, same in groupby(blocks, key=flat)]
    items: list[Expression] = []
    for block, count in runs:
        if count == 1 or (count < _FEW and len(runs) > 1):
            items.extend([block] * count)
        else:
            items.append(Each(block, f"for _ in range({count})"))
    if len(items) == 1 and name == "nn.ModuleList":
        return call(name, *items)
    items = [Prefixed("*", Group("(", (i,))) if isinstance(i, Each) else i for i in items]
    if name == "nn.ModuleList":
        return call(name, Group("[", tuple(items), "]", literal=True))
    return call(name, *items)


def _no_reference(_ref: Ref) -> str:
    raise CodeRefused("A layer is constructed before anything runs, so it cannot read a value.")


def _type_of(values: list[Argument]) -> str:
    kinds = {type(value).__name__ for value in values}
    if kinds == {"int", "float"}:
        return "float"
    if kinds == {"tuple"}:
        return "tuple[int, ...]" if all(_all_int(v) for v in values) else "tuple[float, ...]"
    return kinds.pop() if len(kinds) == 1 and kinds <= {"bool", "int", "float", "str"} else "Any"


def _all_int(value: Argument) -> bool:
    return isinstance(value, tuple) and all(isinstance(v, int) for v in value)
