"""Names and what they stand for: of a function, of a class body, and of a file read on demand."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from builder.code.reading.changing import (
    MUTATORS,
    Change,
    Known,
    changes_in,
    names_set_by_calls,
    trains,
)
from builder.code.reading.trace import Layer, Module
from builder.code.reading.values import Tensor, Unknown
from builder.errors import CodeRefused

if TYPE_CHECKING:
    from builder.code.reading.reader import Reader

_MISSING = object()
USUAL = {
    "torch": ("torch", "import torch"),
    "nn": ("torch.nn", "from torch import nn"),
    "F": ("torch.nn.functional", "import torch.nn.functional as F"),
    "np": ("numpy", "import numpy as np"),
    "OrderedDict": ("collections.OrderedDict", "from collections import OrderedDict"),
    "math": ("math", "import math"),
}
"""What a text without its imports means by a name."""


class Scope:
    """Names of one function call, or of a class body, inside another scope."""

    __slots__ = ("declared", "function", "given", "names", "parent")

    def __init__(self, parent: Scope | None, names: dict[str, Any] | None = None) -> None:
        self.parent = parent
        self.names: dict[str, Any] = {} if names is None else names
        self.function: Any = None  # the function whose call this is, for super()
        self.given: list[Any] = list(self.names.values())  # what the call was given
        self.declared: dict[str, Scope] = {}  # global and nonlocal names

    def find(self, reader: Reader, name: str) -> Any:
        """A name's value, `_MISSING` where there is none."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            if scope.__class__ is FileScope:
                found = scope.look_up(reader, name)
                if found is not _MISSING:
                    return found
            scope = scope.parent
        return _MISSING

    def get(self, reader: Reader, name: str) -> Any:
        """A name's value; Unknown where there is none."""
        found = self.find(reader, name)
        if found is not _MISSING:
            return found
        found = reader.builtin(name)
        if found is not None:
            return found
        return Unknown(
            f"“{name[:60]}” is not in this text.", reader.line,
            "Paste the part that defines it as well.",
        )  # fmt: skip

    def set(self, name: str, value: Any) -> None:
        if name in self.declared:
            self.declared[name].names[name] = value
        else:
            self.names.pop(name, None)  # what is set last stands last
            self.names[name] = value

    @property
    def root(self) -> FileScope:
        scope: Scope = self
        while scope.parent is not None:
            scope = scope.parent
        assert isinstance(scope, FileScope)
        return scope


class FileScope(Scope):
    """Statements of which only those run that a name needs: a file, or the body of a `main()`.

    `position`: the statement that is being worked out; it sees what stands before it.
    """

    __slots__ = (
        "bindings", "changes", "failed", "known", "parts", "position", "statements", "told", "working",
    )  # fmt: skip

    def __init__(self, statements: Sequence[ast.stmt], parent: Scope | None = None) -> None:
        super().__init__(parent)
        self.statements = list(flattened(statements))
        self.position = len(self.statements)
        self.bindings: dict[str, list[int]] = {}
        self.changes: dict[str, list[int]] = {}
        self.known: dict[int, dict[str, Any]] = {}
        self.working: set[int] = set()
        self.failed: dict[int, CodeRefused] = {}
        self.told: dict[str, list[tuple[int, Change]]] = {}
        outer: Known | None = parent.parts if isinstance(parent, FileScope) else None
        self.parts: Known = Known.of(self.statements, outer)
        aliases: dict[str, set[str]] = {}
        for index, statement in enumerate(self.statements):
            for name in bound_names(statement) | names_set_by_calls(statement, self.parts):
                self.bindings.setdefault(name, []).append(index)
            changed = changed_names(statement) or self._changed_by_decorators(statement)
            for name in self._changed(index, statement, aliases, changed):
                self.changes.setdefault(name, []).append(index)

    def _changed(
        self, index: int, statement: ast.stmt, aliases: dict[str, set[str]], names: set[str]
    ) -> set[str]:
        """The names that a statement changes in a way that is read; the others are told of."""
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            return names
        found = changes_in([statement], self.parts, aliases)
        training = trains(statement)
        for change in found:
            if change.kind == "part" and not training:
                names = names | {change.root}
            elif not training:
                self.told.setdefault(change.root, []).append((index, change))
            elif change.kind != "start" and change.what[7:-2] not in MUTATORS - {"requires_grad_"}:
                change = replace(change, kind="training")
                self.told.setdefault(change.root, []).append((index, change))
        return set() if training else names

    def _changed_by_decorators(self, statement: ast.stmt) -> set[str]:
        """What `@register("mlp")` changes: the names that a function of the file fills."""
        decorators = getattr(statement, "decorator_list", ())
        called = {d.func if isinstance(d, ast.Call) else d for d in decorators}
        names = {node.id for node in called if isinstance(node, ast.Name)}
        return {
            name
            for other in (self.statements if names else ())
            if isinstance(other, ast.FunctionDef) and other.name in names
            for part in ast.walk(other)
            if isinstance(part, ast.Assign | ast.Expr)
            for name in changed_names(part)
        }

    def is_function(self, name: str) -> bool:
        """Whether the file has a function of that name."""
        return any(
            isinstance(self.statements[at], ast.FunctionDef) for at in self.bindings.get(name, ())
        )

    def look_up(self, reader: Reader, name: str) -> Any:
        before = self.position
        for index in reversed(self.bindings.get(name, ())):
            if index >= before and not (index == before and index in self.working):
                continue
            if index in self.working:
                continue
            values = self.run(reader, index)
            if name in values:
                self.replay(reader, name, index, before, values[name])
                return values[name]
        stars = self.bindings.get("*", ())
        for index in reversed(stars):
            found = reader.star(self.statements[index], name)
            if found is not None:
                return found
        if self.parent is None and name in USUAL and not self.bindings.get(name):
            from builder.code.reading.known import resolve

            reader.state.setdefault("usual", {})[name] = USUAL[name][1]
            return resolve(reader, USUAL[name][0])
        return _MISSING

    def run(self, reader: Reader, index: int) -> dict[str, Any]:
        """What a statement binds."""
        if index in self.known:
            return self.known[index]
        statement = self.statements[index]
        outside, was = self.names, self.position
        self.names, self.position = {}, index
        self.working.add(index)
        frame, line = reader.trace.frame, reader.line
        reader.trace.frame = reader.trace.making
        try:
            reader.execute(statement, self)
        except CodeRefused as refusal:
            if refusal.kind == "limit":
                raise
            self.failed[index] = refusal
            reason = Unknown(refusal.reason, refusal.line, refusal.help)
            for name in bound_names(statement):
                self.names.setdefault(name, reason)
        finally:
            made, self.names, self.position = self.names, outside, was
            self.working.discard(index)
            reader.trace.frame, reader.line = frame, line
        self.known[index] = made
        return made

    def replay(self, reader: Reader, name: str, after: int, before: int, value: Any) -> None:
        """Does what later statements do to a value: `layers.append(…)`, `model.fc = …`.

        Errors: CodeRefused of kind "behind", for a line that changes a network and cannot be read.
        """
        wanted = dict.fromkeys(self.changes.get(name, ()))
        if isinstance(value, Tensor):  # `mask.fill_(0)`
            wanted |= {at: None for at, change in self.told.get(name, ()) if change.kind == "start"}
        is_network = isinstance(value, Layer | Module)
        for index in sorted(wanted):
            if after < index < before and index not in self.known and index not in self.working:
                self.run(reader, index)
            if after < index < before and index in self.failed:
                failed = self.failed[index]
                if is_network:
                    raise CodeRefused(
                        failed.reason, line=failed.line, help=failed.help, kind="behind"
                    )
                raise failed
        for index, change in self.told.get(name, ()) if is_network else ():
            if after < index < before:
                _tell(reader, change)


def _tell(reader: Reader, change: Change) -> None:
    """What a later line does to a network, and is not read. Errors: CodeRefused where it must be."""
    if change.kind == "start":
        reader.note(
            "How the layers' weights start is left to PyTorch; a checkpoint brings others.",
            change.line,
        )
    elif change.kind == "training":
        reader.note(
            f"Left out: while it is trained the text {change.what} of “{change.root[:40]}”.",
            change.line,
        )
    else:
        raise CodeRefused(
            f"This line {change.what}, which changes layers of “{change.root[:40]}” in a way that is not "
            "known here.",
            line=change.line, kind="behind", help="Take it away, or give a class the layers as they are then.",
        )  # fmt: skip


def flattened(statements: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a file, those under `if __name__ == "__main__":` among them."""
    for statement in statements:
        if isinstance(statement, ast.If) and _asks_for_main(statement.test):
            yield from flattened(statement.body)
        else:
            yield statement


def _asks_for_main(test: ast.expr) -> bool:
    return (
        isinstance(test, ast.Compare)
        and isinstance(test.left, ast.Name)
        and test.left.id == "__name__"
    )


def bound_names(statement: ast.stmt) -> set[str]:
    """The names that a statement may bind, however deep; "*" for a star import."""
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return {statement.name}
        case ast.Import():
            return {(a.asname or a.name.partition(".")[0]) for a in statement.names}
        case ast.ImportFrom():
            return {a.asname or a.name for a in statement.names}
        case ast.Assign(targets=targets) if all(isinstance(t, ast.Name) for t in targets):
            return {t.id for t in targets if isinstance(t, ast.Name)}
    found: set[str] = set()
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Store):
                found.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= bound_names(node)
        elif not isinstance(node, ast.Lambda | ast.ListComp | ast.GeneratorExp):
            waiting.extend(ast.iter_child_nodes(node))
    return found


def changed_names(statement: ast.stmt) -> set[str]:
    """The names whose value a statement may change without binding them."""
    if isinstance(
        statement,
        ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom,
    ):
        return set()
    found: set[str] = set()
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
            found |= _root(node)
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in MUTATORS
        ):
            found |= _root(node.func)
        waiting.extend(ast.iter_child_nodes(node))
    return found


def _root(node: ast.AST) -> set[str]:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return {node.id} if isinstance(node, ast.Name) else set()


MISSING = _MISSING
