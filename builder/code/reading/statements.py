"""Statements: assignments, loops, conditions, definitions."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from builder.code.reading import (
    again,
    arithmetic,
    attributes,
    branches,
    conditions,
    deleting,
    in_forward,
    indexing,
)
from builder.code.reading.expressions import assign
from builder.code.reading.generating import refuse_in_turns
from builder.code.reading.gradients import without_gradient
from builder.code.reading.imports import tell_libraries
from builder.code.reading.iterating import each_of, refuse_late
from builder.code.reading.reader import Reader, statement
from builder.code.reading.scopes import FileScope, Scope
from builder.code.reading.signals import BREAK, CONTINUE, Returned
from builder.code.reading.trace import Layer, Module, Raw
from builder.code.reading.values import Differs, Known, Lazy, Mode, Question, Tensor, Unknown, plain
from builder.code.reading.weights import Handle
from builder.errors import CodeRefused


def run_block(reader: Reader, statements: Sequence[ast.stmt], scope: Scope) -> Any:
    """Does statements one after the other; gives the signal that ended them, else None."""
    for at, node in enumerate(statements):
        if node.__class__ is ast.If:
            reader.line = reader.budget.line = node.lineno
            reader.budget.step()
            assert isinstance(node, ast.If)
            node, asked = conditions.asked_first(reader, node, scope)
            if asked is True or asked is False:
                signal = run_block(reader, node.body if asked else node.orelse, scope)
            else:
                signal = branches.fork(reader, node, asked, statements[at + 1 :], scope, run_block)
        else:
            signal = reader.execute(node, scope)
        if signal is not None:
            return signal
    return None


@statement(ast.If)
def if_(reader: Reader, node: ast.If, scope: Scope) -> Any:
    return run_block(reader, [node], scope)


@statement(ast.Assign)
def assign_(reader: Reader, node: ast.Assign, scope: Scope) -> None:
    value = reader.evaluate(node.value, scope)
    reader.line = node.lineno
    for target in node.targets:
        assign(reader, target, value, scope)


@statement(ast.AnnAssign)
def annotated(reader: Reader, node: ast.AnnAssign, scope: Scope) -> None:
    if node.value is not None:
        value = reader.evaluate(node.value, scope)
        reader.line = node.lineno
        assign(reader, node.target, value, scope)
    if isinstance(scope, attributes.ClassScope) and isinstance(node.target, ast.Name):
        scope.declared_fields.append(node.target.id)


@statement(ast.AugAssign)
def augmented(reader: Reader, node: ast.AugAssign, scope: Scope) -> None:
    op = node.op.__class__.__name__
    match node.target:
        case ast.Name(id=identifier):
            old = scope.get(reader, identifier)
            new = arithmetic.in_place(reader, op, old, reader.evaluate(node.value, scope), node)
            assign(reader, node.target, new, scope)
        case ast.Attribute(value=inner, attr=attr):
            holder = reader.evaluate(inner, scope)
            old = attributes.get(reader, holder, attr)
            new = arithmetic.in_place(reader, op, old, reader.evaluate(node.value, scope), node)
            is_buffer = isinstance(holder, Module) and attr in holder.members
            if (attr == "data" or is_buffer) and new is old and isinstance(old, Tensor):
                return  # it lies in the same memory, which is changed already
            attributes.put(reader, holder, attr, new)
        case ast.Subscript(value=inner, slice=index):
            holder, key = reader.evaluate(inner, scope), reader.evaluate(index, scope)
            reader.node = node
            old = indexing.get(reader, holder, key)
            new = arithmetic.in_place(reader, op, old, reader.evaluate(node.value, scope), node)
            indexing.put(reader, holder, key, new)


@statement(ast.Expr)
def expression_statement(reader: Reader, node: ast.Expr, scope: Scope) -> None:
    if not isinstance(node.value, ast.Constant):
        value = reader.evaluate(node.value, scope)
        if value == Known("torch.no_grad()") and reader.state.get("forward"):
            raise reader.refuse(
                "Gradients are switched off for all that follows",
                "Write with torch.no_grad(): around it.",
            )
        if isinstance(value, Unknown):
            _left_out(reader, node, value, scope)


def _left_out(reader: Reader, node: ast.Expr, value: Unknown, scope: Scope) -> None:
    """A call whose meaning is not known. Errors: CodeRefused where it may change layers."""
    if reader.state.get("forward"):
        if (refusal := in_forward.left_out(reader, node, value)) is not None:
            raise refusal
        reader.note(f"Left out, as it is no part of the network: {value.reason}", node.lineno)
        return
    if scope.__class__ is FileScope:
        return
    given = list(reader.given)
    if isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Attribute):
        holder: ast.expr = node.value.func.value
        while isinstance(holder, ast.Attribute | ast.Subscript):
            holder = holder.value
        if isinstance(holder, ast.Name):
            given.append(reader.evaluate(node.value.func.value, scope))
    if any(isinstance(part, Module | Layer | Raw | Handle) for part in given):
        raise reader.refuse(value.reason, value.help, line=node.lineno)


@statement(ast.Return)
def return_(reader: Reader, node: ast.Return, scope: Scope) -> Any:
    reader.state["returned"] = node
    return Returned(None if node.value is None else reader.evaluate(node.value, scope), node)


@statement(ast.Delete)
def delete(reader: Reader, node: ast.Delete, scope: Scope) -> None:
    for target in node.targets:
        match target:
            case ast.Name(id=identifier):
                scope.names.pop(identifier, None)
            case ast.Attribute(value=inner, attr=attr):
                deleting.attribute(reader, reader.evaluate(inner, scope), attr)
            case ast.Subscript(value=inner, slice=index):
                holder = reader.evaluate(inner, scope)
                deleting.element(reader, holder, reader.evaluate(index, scope))
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                for part in parts:
                    delete(reader, ast.copy_location(ast.Delete([part]), node), scope)


@statement(ast.Pass, ast.Global, ast.Nonlocal)
def nothing(reader: Reader, node: ast.stmt, scope: Scope) -> None:
    if isinstance(node, ast.Nonlocal | ast.Global):
        for name in node.names:
            outer: Scope | None = scope.root if isinstance(node, ast.Global) else scope.parent
            while isinstance(node, ast.Nonlocal) and outer is not None and name not in outer.names:
                outer = outer.parent
            if outer is not None:
                scope.declared[name] = outer
                again.written(reader, outer)


@statement(ast.Break)
def break_(reader: Reader, node: ast.Break, scope: Scope) -> Any:
    return BREAK


@statement(ast.Continue)
def continue_(reader: Reader, node: ast.Continue, scope: Scope) -> Any:
    return CONTINUE


@statement(ast.For)
def for_(reader: Reader, node: ast.For, scope: Scope) -> Any:
    values = reader.evaluate(node.iter, scope)
    if isinstance(values, Unknown):
        if reader.state.get("forward") or scope.__class__ is not FileScope:
            raise reader.refuse_unknown(values)
        assign(reader, node.target, values, scope)
        return None
    begin = len(reader.trace.steps)
    for at, item in enumerate(each_of(reader, values)):
        reader.budget.step()
        assign(reader, node.target, item, scope)
        signal = run_block(reader, node.body, scope)
        if isinstance(values, Lazy) and signal is not BREAK:
            refuse_late(reader, values, at + 1)
            refuse_in_turns(reader, values, begin)
        if signal is BREAK:
            return None
        if signal is not None and signal is not CONTINUE:
            return signal
    return run_block(reader, node.orelse, scope)


@statement(ast.While)
def while_(reader: Reader, node: ast.While, scope: Scope) -> Any:
    while True:
        reader.budget.step()
        reader.line = node.lineno
        asked = branches.condition_of(reader, reader.evaluate(node.test, scope))
        if isinstance(asked, Mode | Question):
            raise reader.refuse(
                "How often this loop runs depends on the data",
                "A loop with a fixed number of rounds can be read.",
            )
        if not asked:
            return run_block(reader, node.orelse, scope)
        signal = run_block(reader, node.body, scope)
        if signal is BREAK:
            return None
        if signal is not None and signal is not CONTINUE:
            return signal


@statement(ast.With)
def with_(reader: Reader, node: ast.With, scope: Scope) -> Any:
    quiet = False
    for item in node.items:
        value = reader.evaluate(item.context_expr, scope)
        if isinstance(value, Known) and value.path in ("torch.no_grad()", "torch.inference_mode()"):
            quiet = True
        if item.optional_vars is not None:
            assign(reader, item.optional_vars, reader.unknown("A file or context"), scope)
    if quiet and reader.state.get("forward"):
        return without_gradient(reader, lambda: run_block(reader, node.body, scope))
    return run_block(reader, node.body, scope)


@statement(ast.Try)
def try_(reader: Reader, node: ast.Try, scope: Scope) -> Any:
    tell_libraries(reader, node)
    signal = run_block(reader, node.body, scope)
    if signal is None:
        signal = run_block(reader, node.orelse, scope)
    after = run_block(reader, node.finalbody, scope)
    return after or signal


@statement(ast.Raise)
def raise_(reader: Reader, node: ast.Raise, scope: Scope) -> None:
    said = ""
    call = node.exc
    if isinstance(call, ast.Call) and call.args and isinstance(call.args[0], ast.Constant):
        said = f": {str(call.args[0].value)[:120]}"
    if "NotImplemented" in ast.dump(node):
        raise reader.refuse(
            "This is left for another class to do (NotImplementedError)", kind="raised",
            help="Read the class that does it, or write here what it does.",
        )  # fmt: skip
    raise reader.refuse(
        f"The text itself raises an error here{said}", kind="raised",
        help="Give what it asks for, or take this check away.",
    )  # fmt: skip


@statement(ast.Assert)
def assert_(reader: Reader, node: ast.Assert, scope: Scope) -> None:
    try:
        value = reader.evaluate(node.test, scope)
    except CodeRefused as refusal:
        if refusal.kind:
            raise
        reader.note("What this assertion asks is not looked at; it is taken to hold.", node.lineno)
        return
    if isinstance(value, Unknown | Mode | Question | Tensor):
        if reader.state.get("forward"):
            said = ast.unparse(node.test)[:80]
            reader.note(f"Left out: the assertion “{said}”, which is not known beforehand.")
        return
    if not branches.truth(reader, value):
        said = plain(node.msg.value) if isinstance(node.msg, ast.Constant) else ""
        raise reader.refuse(
            "This assertion does not hold" + (f": {str(said)[:120]}" if said else ""), kind="raised"
        )


@statement(ast.Match)
def match_(reader: Reader, node: ast.Match, scope: Scope) -> Any:
    subject = plain(reader.evaluate(node.subject, scope))
    if isinstance(subject, Mode | Question | Differs | Tensor):
        raise reader.refuse(
            "Which case this is depends on the mode or the data", "Write if and else."
        )
    for case in node.cases:
        if _fits(reader, case.pattern, subject, scope) and (
            case.guard is None or branches.truth(reader, reader.evaluate(case.guard, scope))
        ):
            return run_block(reader, case.body, scope)
    return None


def _fits(reader: Reader, pattern: ast.pattern, subject: Any, scope: Scope) -> bool:
    match pattern:
        case ast.MatchValue(value=value):
            return bool(plain(reader.evaluate(value, scope)) == subject)
        case ast.MatchSingleton(value=value):
            return value is subject
        case ast.MatchOr(patterns=patterns):
            return any(_fits(reader, p, subject, scope) for p in patterns)
        case ast.MatchAs(pattern=inner, name=name):
            if inner is not None and not _fits(reader, inner, subject, scope):
                return False
            if name is not None:
                scope.set(name, subject)
            return True
    raise reader.refuse("This kind of pattern cannot be read")
