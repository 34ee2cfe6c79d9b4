"""The sizes that follow: where a person changes how much a layer gives, what reads it has to take as much."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic
from typing import Final

from builder import catalogue
from builder.code.live.following import Shown
from builder.code.live.taking import take
from builder.code.reading.layers import PREFIX, constructor_order
from builder.errors import CodeRefused, Misfit, NotFound

_MOST: Final = 20
_SECONDS: Final = 1.5
_PLAIN: Final = (
    *(ast.Constant, ast.BinOp, ast.UnaryOp, ast.Tuple, ast.List, ast.operator, ast.unaryop),
    ast.expr_context,
)


@dataclass(frozen=True)
class Following:
    """`text`: the person's text with those numbers changed, which is read. `title`: what that does."""

    text: str
    title: str


def let_follow(shown: Shown, text: str, refusal: CodeRefused) -> Following | None:
    """What a text lacks that was refused because a layer does not fit what arrives at it.

    None where it is not a plain number that is wrong, or the text is not read even so.
    """
    until, done = monotonic() + _SECONDS, list[Misfit]()
    while refusal.misfit is not None and len(done) < _MOST:
        done.append(refusal.misfit)
        for changed in _changed(text, refusal.misfit):
            if monotonic() > until:
                return None
            try:
                take(shown, changed)
            except CodeRefused as again:
                if (again.line, again.reason) == (refusal.line, refusal.reason):
                    continue  # of several layers in one line it was another one
                text, refusal = changed, again
                break
            return Following(changed, _title(done))
        else:
            return None
    return None


def _title(done: list[Misfit]) -> str:
    if len(done) == 1:
        return f"Set {done[0].parameter} in line {done[0].line} to {shown_size(done[0].needed)}"
    lines = sorted({str(one.line) for one in done}, key=int)
    return f"Let {len(done)} sizes follow, in lines {', '.join(lines)}"


def shown_size(value: object) -> str:
    """A size as it is written in a text."""
    if isinstance(value, tuple | list):
        return str(value[0]) if len(value) == 1 else str(tuple(value))
    return str(value)


def _changed(text: str, misfit: Misfit) -> Iterator[str]:
    """The text with that number changed, once for each layer in the line that is made with a plain one."""
    lines = text.split("\n")
    for call in ast.walk(ast.parse(text)):
        if not isinstance(call, ast.Call) or _name(call.func) != misfit.layer:
            continue
        if not call.lineno <= misfit.line <= (call.end_lineno or call.lineno):
            continue
        given = _given(call, misfit)
        if given is None or given.end_lineno is None or given.end_col_offset is None:
            continue
        first = lines[given.lineno - 1].encode()[: given.col_offset].decode()
        last = lines[given.end_lineno - 1].encode()[given.end_col_offset :].decode()
        here = f"{first}{shown_size(misfit.needed)}{last}"
        yield "\n".join([*lines[: given.lineno - 1], here, *lines[given.end_lineno :]])


def parameter_names(call: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    """What a layer is made with in a text, each with its name; nothing for a call that makes none."""
    name = _name(call.func)
    try:
        order = list(constructor_order(catalogue.get(PREFIX + name).key))
    except NotFound:
        return
    yield from zip(order, call.args, strict=False)
    yield from ((k.arg, k.value) for k in call.keywords if k.arg)


def _name(func: ast.expr) -> str:
    return getattr(func, "attr", "") or getattr(func, "id", "")


def _given(call: ast.Call, misfit: Misfit) -> ast.expr | None:
    """The expression that gives the number, if it is the one that was and made of numbers alone."""
    order = list(constructor_order(catalogue.get(PREFIX + misfit.layer).key))
    named = {k.arg: k.value for k in call.keywords}
    place = order.index(misfit.parameter) if misfit.parameter in order else len(call.args)
    given = named.get(misfit.parameter)
    if given is None and place < len(call.args):
        given = call.args[place]
    if given is None or any(not isinstance(part, _PLAIN) for part in ast.walk(given)):
        return None
    return given
