"""What stands behind `self.fc = `: a layer, a block, or several blocks one behind the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from builder.catalogue.entry import Entry
from builder.code.writing.calls import constructed, entry_for, normalized
from builder.code.writing.elements import Element
from builder.code.writing.layout import (
    Each,
    Expression,
    Group,
    Prefixed,
    call,
    flat,
    list_of,
)
from builder.code.writing.literals import argument, constant, keyword
from builder.code.writing.own_code import own_call
from builder.code.writing.scope import BlockSize, LayerSize, Scope, Size, repetitions, rounds
from builder.code.writing.shapes import shape_text
from builder.errors import CodeRefused, quote
from builder.graph.model import OPAQUE, Graph, Node, Owner, Ref, Value
from builder.graph.report import NodeReport, ShapeReport

_FEW = 3  # equal blocks in a row that are written as a loop


class Maker:
    """Says how the layers of one class are made.

    `values`: what is written for its sizes and settings where it has no constructor that takes them,
    as it stands inside another class as an nn.Sequential.
    """

    def __init__(
        self,
        scope: Scope,
        scopes: Mapping[str, Scope],
        values: Mapping[str, Expression] | None = None,
    ) -> None:
        self.scope, self.scopes, self.values = scope, scopes, values or {}

    def made(self, owner: Owner, node: Node | None) -> Expression:
        """What an owner's attribute is set to. `node`: its first call, None where nothing calls it."""
        if owner.target == OPAQUE:
            return own_call(owner)
        if owner.block is None or node is None:
            entry = entry_for(owner.target, owner.name, "layer")
            given = self.constructor_arguments(owner, node, entry)
            return normalized(constructed(entry, given, owner.name), owner, self.known(owner, node))
        inner = self.scopes[owner.block]
        if owner.repeat == 1 or owner.shared:
            return self.block_made(owner, inner, self.sizes(node, inner, 0))
        each = [self.sizes(node, inner, i) for i in range(owner.repeat)]
        keys = [tuple(map(flat, sizes.values())) for sizes in each]
        made = {
            key: self.block_made(owner, inner, sizes)
            for key, sizes in dict(zip(keys, each, strict=True)).items()
        }
        container = (
            "nn.ModuleList" if rounds(self.scope.graph, node, self.scopes) else "nn.Sequential"
        )
        return _container(container, [made[key] for key in keys])

    def known(self, owner: Owner, node: Node | None) -> NodeReport | None:
        """What is known of an owner's weights."""
        if node is not None:
            return self.scope.report(node.id)
        return self.scope.runs[0].owned.get(owner.id) if self.scope.runs else None

    def constructor_arguments(
        self, owner: Owner, node: Node | None, entry: Entry
    ) -> dict[str, Expression]:
        report = self.scope.report(node.id) if node is not None else None
        found: dict[str, Expression] = {}
        stray = next((n for n in owner.arguments if entry.parameter(n) is None), None)
        if stray is not None:
            raise CodeRefused(f"{entry.name} {quote(owner.name)} takes no argument {quote(stray)}.")
        for name, value in owner.arguments.items():
            parameter = entry.parameter(name)
            found[name] = argument(value, _no_reference, self.setting, parameter)
        for name in report.inferred if report is not None else ():
            if node and name not in found and report and name in report.arguments:
                variable = self.variable(LayerSize(node.id, name))
                found[name] = variable or constant(report.arguments[name], entry.parameter(name))
        return found

    def variable(self, size: Size) -> Expression | None:
        """What stands for a size that has a name, None for a size that is a plain number."""
        name = self.scope.variable.get(size)
        return self.values.get(name, name) if name is not None else None

    def setting(self, name: str) -> Expression:
        """A setting as it is written here: by its name, or what an inline block is made with."""
        parameter = self.scope.parameter(name)
        return self.values.get(parameter, parameter)

    def values_of(self, owner: Owner, inner: Scope) -> dict[str, Expression]:
        """What stands for the settings of an inline block."""
        found: dict[str, Expression] = {}
        for setting, name in inner.settings.items():
            value = owner.arguments.get(setting, inner.graph.settings[setting])
            found[name] = argument(value, _no_reference, self.setting)
        return found

    def sizes(self, node: Node, inner: Scope, repetition: int) -> dict[str, Expression]:
        """What one repetition of a block is given for the parameters that are sizes."""
        found: dict[str, Expression] = {}
        for name, size in inner.sizes.items():
            outer: Size = BlockSize(node.id, repetition, size)
            found[name] = self.variable(outer) or constant(outer.value(self.scope.uses[0]))
        return found

    def block_made(self, owner: Owner, inner: Scope, sizes: Mapping[str, Expression]) -> Expression:
        items = list(sizes.values())
        asked = [setting for setting in inner.settings if setting in inner.asked]
        for setting in asked:
            value = owner.arguments.get(setting, inner.graph.settings[setting])
            items.append(argument(value, _no_reference, self.setting))
        for setting, value in owner.arguments.items():
            if setting not in inner.settings:
                raise CodeRefused(
                    f"{quote(owner.name)} sets {quote(setting)}, which its block does not have."
                )
            if setting in asked:
                continue
            written = argument(value, _no_reference, self.setting)
            if flat(written) != flat(constant(inner.graph.settings[setting])):
                items.append(keyword(inner.settings[setting], written))
        if inner.inline:
            maker = Maker(inner, self.scopes, {**sizes, **self.values_of(owner, inner)})
            return call("nn.Sequential", *(maker.made(o, node) for o, node in inner.owners))
        return call(inner.class_name, *items)

    # Blocks that stand inside as an nn.Sequential -------------------------------------------------

    def inline(self, owner: Owner) -> Scope | None:
        """The block of an owner, if it stands here as an nn.Sequential and not as a class."""
        inner = self.scopes[owner.block] if owner.block is not None else None
        return inner if inner is not None and inner.inline else None

    def elements(
        self, owner: Owner, node: Node, runs: Sequence[ShapeReport]
    ) -> list[Element] | None:
        """What an inline block holds, one by one; None for another block, and for a row of them.

        `runs`: the passes through the class that `owner` stands in.
        """
        inner = self.inline(owner)
        if inner is None or len(repetitions(owner)) > 1:
            return None
        values = {**self.sizes(node, inner, 0), **self.values_of(owner, inner)}
        maker = Maker(inner, self.scopes, values)
        inside = list(_passes(self.scope.graph, owner, runs))
        taken = _everywhere(inner.graph.inputs[0].id, inside)
        found: list[Element] = []
        for each, call_node in inner.owners:
            given = _everywhere(call_node.id, inside)
            made = maker.elements(each, call_node, inside) or maker.made(each, call_node)
            comment = shape_text(given) if given != taken else ""
            found.append(Element(made, comment, (inner.key(call_node),)))
            taken = given
        return found

    def nodes_inside(self, owner: Owner) -> Iterator[tuple[str, Node]]:
        """(key, node) of what has no class of its own: all in an inline block, and in those in it."""
        inner = self.inline(owner)
        if inner is None:
            return
        for node in inner.graph.nodes.values():
            if not node.bypassed:
                yield inner.key(node), node
        for each, _ in inner.owners:
            yield from self.nodes_inside(each)

    def frozen_inside(self, owner: Owner) -> Iterator[tuple[str, str]]:
        """(key, path) of the frozen layers in an inline block: "0", or "2.0" where it is repeated."""
        inner = self.inline(owner)
        if inner is None:
            return
        for place in repetitions(owner):
            for each, node in inner.owners:
                path = f"{place}.{each.name}".removeprefix(".")
                if each.frozen and inner.has_weights(node):
                    yield inner.key(node), path
                else:
                    yield from ((key, f"{path}.{rest}") for key, rest in self.frozen_inside(each))


def _passes(graph: Graph, owner: Owner, runs: Sequence[ShapeReport]) -> Iterator[ShapeReport]:
    """Every pass through a block, in passes through the graph that calls it."""
    for call_node in graph.calls_of(owner.id):
        for run in runs:
            report = run.nodes.get(call_node.id)
            yield from report.body if report is not None and not call_node.bypassed else ()


def _everywhere(node_id: str, runs: Sequence[ShapeReport]) -> Value | None:
    """What a node gives, if that is the same in every pass."""
    given = [run.nodes[node_id].result if node_id in run.nodes else None for run in runs]
    return given[0] if given and all(value == given[0] for value in given) else None


def _container(name: str, blocks: list[Expression]) -> Expression:
    """`nn.Sequential(*(Block(16) for _ in range(3)))`; blocks that differ stand one by one."""
    runs = [list(same) for _, same in groupby(blocks, key=flat)]
    items: list[Expression] = []
    for block, count in ((run[0], len(run)) for run in runs):
        if count == 1 or (count < _FEW and len(runs) > 1):
            items.extend([block] * count)
        else:
            items.append(Each(block, f"for _ in range({count})"))
    if len(items) == 1 and name == "nn.ModuleList":
        return call(name, *items)
    items = [Prefixed("*", Group("(", (i,))) if isinstance(i, Each) else i for i in items]
    if name == "nn.ModuleList":
        return call(name, list_of(tuple(items)))
    return call(name, *items)


def _no_reference(_ref: Ref) -> str:
    raise CodeRefused("A layer is constructed before anything runs, so it cannot read a value.")
