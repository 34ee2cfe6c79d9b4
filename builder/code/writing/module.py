"""The style `module`: classes of nn.Module with their layers in `__init__` and a plain `forward`.

A block that means an nn.Sequential, as its layers are a chain named "0", "1", …, has no class: it
stands as an nn.Sequential in the class that uses it, so that its weights are `layers.0.weight`.
"""

from __future__ import annotations

from collections.abc import Container

from builder.code.writing.classes import write_class
from builder.code.writing.imports import import_lines
from builder.code.writing.own_code import own_sources
from builder.code.writing.page import Page, Written
from builder.code.writing.scopes import find_scopes
from builder.code.writing.smoke import smoke_test
from builder.errors import CodeRefused
from builder.graph.model import Graph
from builder.graph.report import ShapeReport


def write_module(
    graph: Graph,
    report: ShapeReport,
    name: str | None = None,
    joins: bool = False,
    unnamed: Container[str] = (),
) -> Written:
    """The network as nn.Module classes, blocks first, and a smoke test.

    `joins`, `unnamed`: as `ForwardWriter` has them.

    Errors: CodeRefused where something needed is not known yet; the sentence says what.
    """
    if not graph.inputs:
        raise CodeRefused("The network has no input yet: add one in front.")
    scopes = find_scopes(graph, report, name)
    body = Page()
    for source in own_sources(scopes):
        body.write([*source, "", ""])
    classes = [scope for scope in scopes.values() if not scope.inline]
    first = len(body.lines)
    for scope in classes:
        if len(body.lines) > first:
            body.write(["", ""])
        body.append(write_class(scope, scopes, joins, unnamed))
    names = frozenset(scope.class_name for scope in classes)
    body.write(smoke_test(graph, report, f"{scopes[''].class_name}()", names))
    page = Page()
    page.write([*import_lines("\n".join(body.lines)), "", ""])
    page.append(body)
    return page.written()
