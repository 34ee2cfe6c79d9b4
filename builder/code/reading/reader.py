"""The walk over the syntax: each kind of expression and statement has a function of its own.

Nothing of the text is ever run. Its numbers and lists are worked out by our own functions, its tensors
are shapes, and a call of torch becomes a step of the trace.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from builder.code.reading.limits import Budget
from builder.code.reading.scopes import FileScope, Scope
from builder.code.reading.trace import Trace
from builder.code.reading.values import Numbers, Unknown
from builder.errors import CodeRefused

Evaluate = Callable[["Reader", Any, Scope], Any]

EXPRESSIONS: dict[type[ast.AST], Evaluate] = {}
STATEMENTS: dict[type[ast.AST], Evaluate] = {}


_STOPS = "Python stops at this line as well: mend it."
_OTHERWISE = "Write it with other functions of PyTorch, or paste only the part with the network."


class Reader:
    """The state of one reading. `line`: where the walk is, for what it has to say."""

    def __init__(self, tree: ast.Module, budget: Budget | None = None) -> None:
        self.budget = budget or Budget()
        self.trace = Trace()
        self.line: int | None = None
        self.node: ast.AST | None = None
        self.notes: list[tuple[int | None, str]] = []
        self.tree = tree
        self.text: str = getattr(tree, "text", "")  # whose lines those of the tree are
        self.file = FileScope(tree.body)
        self.counter = 0
        self.given: list[Any] = []  # what the last call was given
        self.state: dict[str, Any] = {}

    # Walking ------------------------------------------------------------------------------------

    def evaluate(self, node: ast.expr, scope: Scope) -> Any:
        """What an expression stands for."""
        budget = self.budget
        budget.steps += 1
        if budget.steps & 255 == 0:
            budget.look()
        value = EXPRESSIONS[node.__class__](self, node, scope)
        return value if value.__class__ is not Numbers else _as_taken(node, value)

    def execute(self, node: ast.stmt, scope: Scope) -> Any:
        """Does a statement; gives a signal for return, break and continue, else None."""
        budget = self.budget
        budget.steps += 1
        if budget.steps & 255 == 0:
            budget.look()
        self.line = budget.line = node.lineno
        handler = STATEMENTS.get(node.__class__)
        if handler is None:
            raise self.refuse("This kind of statement cannot be read")
        return handler(self, node, scope)

    def refuse(
        self, reason: str, help: str = "", line: int | None = None, kind: str = ""
    ) -> CodeRefused:
        """A refusal at the line of the walk."""
        end = "" if reason.endswith((".", "?", "!")) else "."
        help = help or (_STOPS if kind == "raised" else _OTHERWISE)
        return CodeRefused(reason + end, line=line or self.line, help=help, kind=kind)

    def refuse_unknown(self, value: Unknown) -> CodeRefused:
        return self.refuse(value.reason, value.help, line=value.line)

    def unknown(self, reason: str, help: str = "") -> Unknown:
        return Unknown(reason, self.line, help)

    def note(self, text: str, line: int | None = None) -> None:
        """Something a person should know about how the text was read."""
        entry = (line or self.line, text)
        if entry not in self.notes:
            self.notes.append(entry)

    # Given by the other files -------------------------------------------------------------------

    def builtin(self, name: str) -> Any:
        from builder.code.reading.known import builtin

        return builtin(name)

    def star(self, statement: ast.stmt, name: str) -> Any:
        from builder.code.reading.imports import from_star

        return from_star(self, statement, name)

    def call(self, function: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        from builder.code.reading.calling import call

        return call(self, function, args, kwargs)


def _as_taken(node: ast.expr, value: Numbers) -> Unknown:
    """A tensor's numbers, as long as nothing is done to them: else only that they are not known."""
    at = node.func if isinstance(node, ast.Call) else node
    named = isinstance(node, ast.Name | ast.IfExp)
    taken = isinstance(at, ast.Attribute) and at.attr in ("tolist", "numpy")
    return value if named or taken else Unknown(value.reason, value.line)


def expression(*kinds: type[ast.AST]) -> Callable[[Evaluate], Evaluate]:
    """Marks the function for a kind of expression."""

    def keep(function: Evaluate) -> Evaluate:
        for kind in kinds:
            EXPRESSIONS[kind] = function
        return function

    return keep


def statement(*kinds: type[ast.AST]) -> Callable[[Evaluate], Evaluate]:
    """Marks the function for a kind of statement."""

    def keep(function: Evaluate) -> Evaluate:
        for kind in kinds:
            STATEMENTS[kind] = function
        return function

    return keep
