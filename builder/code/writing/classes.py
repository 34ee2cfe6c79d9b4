"""One class: a docstring, `__init__` with the layers, `forward` with what runs."""

from __future__ import annotations

from collections.abc import Mapping

from builder.code.writing.constructor import write_constructor
from builder.code.writing.forward import ForwardWriter
from builder.code.writing.layout import call, lay
from builder.code.writing.page import Page
from builder.code.writing.scope import Scope
from builder.code.writing.shapes import summary
from builder.code.writing.tensors import buffer_types


def write_class(scope: Scope, scopes: Mapping[str, Scope]) -> Page:
    """The class of a scope, with its source map."""
    writer = ForwardWriter(scope, scopes)
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
    inputs = [(names[n.id], scope.result_everywhere(n.id)) for n in scope.graph.inputs]
    outputs = [scope.result_everywhere(node.id) for node in scope.graph.outputs]
    root = scopes[""].class_name
    otherwise = f"A part of {root}." if scope.block else "A network built with Layerwise."
    return summary(inputs, outputs, otherwise)
