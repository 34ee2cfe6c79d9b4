"""A whole file by hand: helper functions, tensors, `forward`, and one step of learning."""

from __future__ import annotations

import builtins
import re
from collections.abc import Mapping

from builder.code.writing.constructor import setting_types
from builder.code.writing.imports import import_lines
from builder.code.writing.layout import assignment
from builder.code.writing.literals import constant
from builder.code.writing.manual import (  # noqa: F401  (they register what they know)
    activations,
    dense,
    norms,
    places,
    pooling,
    sequences,
)
from builder.code.writing.manual.drawing import TensorsWriter, draw_layers
from builder.code.writing.manual.forward import FunctionWriter
from builder.code.writing.manual.plan import (
    OWN,
    TRAINING,
    Plan,
    called_names,
    name_tensors,
    plan_names,
)
from builder.code.writing.manual.refusals import Refusals
from builder.code.writing.manual.step import learning_step
from builder.code.writing.manual.texts import helper_lines, helper_names
from builder.code.writing.page import Page, Written
from builder.code.writing.scope import Scope
from builder.code.writing.scopes import find_scopes
from builder.code.writing.smoke import smoke_test
from builder.errors import CodeRefused
from builder.graph.model import Graph
from builder.graph.report import ShapeReport


def write_manual(graph: Graph, report: ShapeReport, name: str | None = None) -> Written:
    """The network as tensors and functions of them, without nn.Module.

    Errors: CodeRefused naming the layers that have no short formula, or what is not known yet.
    """
    if not graph.inputs:
        raise CodeRefused("The network has no input yet: add one in front.")
    return _FileWriter(graph, report, find_scopes(graph, report, name)).write()


_DRAWING = ("uniform", "xavier", "zeroed", "table", "learned")
"""Helpers that tensors are drawn with."""
_DRAWN = "# The numbers that learn, drawn as PyTorch's own layers draw them."

_DRAWN_AND_KEPT = (
    "# The numbers that learn, drawn as PyTorch's own layers draw them, and those that stay."
)


class _FileWriter:
    def __init__(self, graph: Graph, report: ShapeReport, scopes: Mapping[str, Scope]) -> None:
        self.graph, self.report, self.scopes = graph, report, scopes
        self.helpers: set[str] = set()
        self.refusals = Refusals()

    def write(self) -> Written:
        plans, space = plan_names(self.scopes)
        functions: dict[str, Page] = {}
        made: dict[str, Page] = {}
        writers: dict[str, TensorsWriter] = {}
        for block, plan in plans.items():  # each block before what uses it
            draw_layers(plan, plans, self.scopes, self.refusals)
            name_tensors(plan, space, called_names(plans))
            reserved = self.reserved(plan, plans)
            functions[block] = self.function(plan, plans, reserved)
            if self.refusals.sentences:
                continue
            writers[block] = TensorsWriter(plan, plans, self.scopes, reserved | helper_names())
            if plan.tensors and block:
                made[block] = writers[block].write_block()
        self.refusals.check()
        body = Page()
        for block in plans:
            if not block:
                continue
            for part in (made.get(block), functions[block]):
                if part is not None:
                    body.append(part)
                    body.write(["", ""])
        self.root(body, plans[""], writers[""])
        body.append(functions[""])
        names = frozenset(
            {
                *self.names(plans),
                *plans[""].scope.settings.values(),
                *helper_names(),
                *dir(builtins),  # which helpers call: what stands here is seen by them
                "p",
            }
        )
        body.write(smoke_test(self.graph, self.report, "", names, "forward"))
        body.write(learning_step(self.graph, self.report, plans, names))
        return self.whole(body, bool(made))

    def function(self, plan: Plan, plans: Mapping[str, Plan], reserved: set[str]) -> Page:
        """The function of a scope: once to see which helpers it calls, then with names beside these."""
        called: set[str] = set()

        def written(names: set[str]) -> Page:
            return FunctionWriter(
                plan, plans, self.scopes, called, self.refusals, reserved | names
            ).write()

        written(set(helper_names()))
        self.helpers |= called
        return written(called)

    def root(self, body: Page, plan: Plan, writer: TensorsWriter) -> None:
        """Settings and tensors at the level of the file."""
        types = setting_types(plan.scope)
        start = len(body.lines)
        for setting, name in plan.scope.settings.items():
            value = plan.scope.graph.settings[setting]
            target = f"{name}: {types[name]}" if value is None else name
            body.write(assignment(target, constant(value), 0))
        if plan.tensors:
            statements = writer.statements()
            drawn = _DRAWN_AND_KEPT if writer.keeps() else _DRAWN
            body.write([*([""] if len(body.lines) > start else []), drawn])
            body.append(statements)
            body.append(writer.parameters())
        if len(body.lines) > start:
            body.write(["", ""])

    def whole(self, body: Page, has_blocks: bool) -> Written:
        """The helpers in front, and the imports in front of these."""
        text = "\n".join(body.lines)
        drawn = (n for n in _DRAWING if re.search(rf"(?<![\w.]){n}\(", text))
        helpers = helper_lines({*self.helpers, *drawn})
        imports = import_lines("\n".join([*helpers, text]), *(["NamedTuple"] if has_blocks else []))
        page = Page()
        defines = (helpers or body.lines)[0].startswith(("def ", "class "))
        page.write([*imports, "", *([""] if defines else [])])
        page.write(helpers)
        page.append(body)
        return page.written()

    def names(self, plans: Mapping[str, Plan]) -> set[str]:
        """What the functions of the file are called, and the tensors at its level."""
        return called_names(plans) | set(plans[""].tensors.values()) | {"parameters"}

    def reserved(self, plan: Plan, plans: Mapping[str, Plan]) -> set[str]:
        """Names that a variable of a function may not have."""
        own = {*plan.scope.settings.values(), OWN, TRAINING, "tensor"}
        return own | self.names(plans)
