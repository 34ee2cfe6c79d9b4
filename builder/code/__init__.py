"""Code from a graph, and the module that code makes.

    print(write_code(graph))                 # a Python file with nn.Module classes
    model = build_module(graph)              # that very code, run

A style is added with `register_style`; see `builder.code.registry`.
"""

from __future__ import annotations

from builder.code.building import (
    build_hollow,
    build_module,
    module_from_source,
    network_class,
    source_module,
)
from builder.code.description import ParameterRow, describe_model, parameter_table, paths
from builder.code.difference import Difference, difference, lines_that_differ
from builder.code.limits import own_code_allowed, why_not_run
from builder.code.registry import Style, register_style, styles
from builder.code.write import (
    StyleRefused,
    model_source,
    why_not_chain,
    write_code,
    write_with_lines,
)
from builder.code.writing.page import Written

__all__ = [
    "Difference",
    "ParameterRow",
    "Style",
    "StyleRefused",
    "Written",
    "build_hollow",
    "build_module",
    "describe_model",
    "difference",
    "lines_that_differ",
    "model_source",
    "module_from_source",
    "network_class",
    "own_code_allowed",
    "parameter_table",
    "paths",
    "register_style",
    "source_module",
    "styles",
    "why_not_chain",
    "why_not_run",
    "write_code",
    "write_with_lines",
]
