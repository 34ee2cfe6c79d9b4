"""One class: a docstring, `__init__` with the layers, `forward` with what runs."""

from __future__ import annotations

from collections.abc import Container, Mapping

from builder.code.writing.constructor import write_constructor
from builder.code.writing.docstrings import docstring
from builder.code.writing.forward import ForwardWriter
from builder.code.writing.layout import call, lay
from builder.code.writing.page import Page
from builder.code.writing.scope import Scope
from builder.code.writing.tensors import buffer_types


def write_class(
    scope: Scope, scopes: Mapping[str, Scope], joins: bool = False, unnamed: Container[str] = ()
) -> Page:
    """The class of a scope, with its source map. `joins`, `unnamed`: as `ForwardWriter` has them."""
    writer = ForwardWriter(scope, scopes, joins=joins, unnamed=unnamed)
    forward = writer.write()  # first, as the constructor keeps the settings it reads
    page = Page()
    page.write(lay(call(f"class {scope.class_name}", "nn.Module"), 0, "", ":"))
    page.write([f'    """{_docstring(scope, scopes, writer.variables.arguments)}"""', ""])
    if kept := list(buffer_types(scope)):
        page.write([*kept, ""])
    page.append(write_constructor(scope, scopes, writer.kept_settings))
    page.append(forward)
    return page


def _docstring(scope: Scope, scopes: Mapping[str, Scope], names: Mapping[str, str]) -> str:
    root = scopes[""].class_name
    otherwise = f"A part of {root}." if scope.block else "A network built with Layerwise."
    return docstring(scope, names, otherwise)
