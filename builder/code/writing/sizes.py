"""Sizes that were inferred, and the names some of them have in the code.

A size that follows a setting is written as the setting. One that differs between the uses of a block
is a parameter of its constructor.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from builder import catalogue
from builder.code.writing.naming import Namespace
from builder.code.writing.scope import GIVES_SIZE, BlockSize, LayerSize, Scope, Size, value_key
from builder.errors import CodeRefused, quote
from builder.graph.model import Argument, Node, Setting, iter_refs
from builder.graph.wiring import origin_of


def name_sizes(scope: Scope, scopes: Mapping[str, Scope]) -> None:
    """Names what was inferred: by the setting it follows, or where uses differ by a parameter."""
    if not scope.graph.settings and len(scope.uses) < 2:
        return
    by_setting = {
        setting: tuple(value_key(use.settings.get(setting)) for use in scope.uses)
        for setting in scope.graph.settings
    }
    by_values: dict[tuple[object, ...], str] = {
        values: scope.settings[setting]
        for setting, values in by_setting.items()
        if len(set(values)) > 1
    }
    space = Namespace({*scope.settings.values(), *(s.class_name for s in scopes.values())})
    for name, size in _sizes_of(scope, scopes):
        values = _values_of(scope, size)
        followed = _setting_behind(scope, size)
        if followed in by_setting and by_setting[followed] == values:
            scope.variable[size] = scope.settings[followed]
        elif len(set(values)) > 1:
            if values not in by_values:
                by_values[values] = space.claim(name, "size")
                scope.sizes[by_values[values]] = size
            scope.variable[size] = by_values[values]


def _sizes_of(scope: Scope, scopes: Mapping[str, Scope]) -> Iterator[tuple[str, Size]]:
    """Everything a class's constructor inferred, with the name of the parameter it is for."""
    for owner, node in scope.owners:
        if owner.block is not None:
            count = 1 if owner.shared else owner.repeat
            inner = scopes[owner.block]
            for repetition in range(count):
                for name, size in inner.sizes.items():
                    yield name, BlockSize(node.id, repetition, size)
        elif (known := scope.report(node.id)) is not None:
            for name in known.arguments:
                if name in known.inferred and name not in owner.arguments:
                    yield name, LayerSize(node.id, name)


def _values_of(scope: Scope, size: Size) -> tuple[object, ...]:
    try:
        return tuple(value_key(size.value(use)) for use in scope.uses)
    except (KeyError, IndexError):
        raise CodeRefused(
            f"The block {quote(scope.block)} is not worked out at every place it is used. "
            "Mend the problems there first."
        ) from None


def _setting_behind(scope: Scope, size: Size) -> str:
    """The setting that gave the inferred size its value: the out_channels of the layer before."""
    if not isinstance(size, LayerSize) or not scope.graph.settings:
        return ""
    node = scope.graph.nodes[size.node]
    owner = scope.graph.owner_of(node)
    parameter = catalogue.get(owner.target).parameter(size.parameter) if owner is not None else None
    if parameter is None or parameter.inferred is None:
        return ""
    origin = _origin(scope, node.arguments.get(parameter.inferred.port))
    source = scope.graph.owner_of(origin) if origin is not None else None
    if source is None:
        return ""
    value = value_key(size.value(scope.uses[0]))
    for name, given in source.arguments.items():
        gives_size = name in GIVES_SIZE or source.block is not None
        here = scope.uses[0].settings.get(given.name) if isinstance(given, Setting) else None
        if gives_size and isinstance(given, Setting) and value_key(here) == value:
            return given.name
    return ""


def _origin(scope: Scope, read: Argument) -> Node | None:
    """The node that set the size of what is read; both sides of a branch have the same."""
    reports = scope.uses[0].report.nodes
    origin = origin_of(scope.graph, next(iter_refs(read), None), reports)
    for _ in scope.graph.nodes:
        if origin is None or origin.kind != "branch":
            break
        side = next(iter_refs(origin.arguments.get("if_true")), None)
        origin = origin_of(scope.graph, side, reports)
    return origin
