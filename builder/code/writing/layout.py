"""How long expressions are broken over lines: exactly as `ruff format` does it, at 88 columns.

An expression is a small tree of the values below. It is written on one line where it fits; else the
brackets open: their contents on one line of their own where they fit there, else an item a line with
a comma behind the last. `tests/code/test_layout.py` holds this to ruff itself.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from typing import TypeAlias

WIDTH = 88
INDENT = 4


@dataclass(frozen=True, slots=True)
class Group:
    """Items between brackets: a call `open="nn.Linear("`, an index `x[`, a tuple `(`.

    `literal`: a tuple or list, which breaks into an item a line at once.
    """

    open: str
    items: tuple[Expression, ...]
    close: str = ")"
    literal: bool = False


@dataclass(frozen=True, slots=True)
class Infix:
    """Operands with the same operator, or operators of the same rank, between them."""

    operands: tuple[Expression, ...]
    operators: tuple[str, ...]
    tight: bool = False


@dataclass(frozen=True, slots=True)
class Prefixed:
    """Something in front of an expression: `dim=`, `*`, `not `."""

    prefix: str
    value: Expression


@dataclass(frozen=True, slots=True)
class Each:
    """A generator without its brackets: `Block(16) for _ in range(3)`."""

    item: Expression
    clause: str


Expression: TypeAlias = "str | Group | Infix | Prefixed | Each"


def call(function: str, *items: Expression) -> Group:
    """`function(items)`."""
    return Group(f"{function}(", items)


def tuple_of(items: tuple[Expression, ...]) -> Group:
    """`(a, b)`, and `(a,)` for one item."""
    return Group("(", items, ",)" if len(items) == 1 else ")", literal=True)


def in_brackets(target: Expression) -> Expression:
    """Several targets of an assignment as one of others: `(h_n, c_n)`."""
    return Group("(", target.items, literal=True) if isinstance(target, Group) else target


def list_of(items: tuple[Expression, ...]) -> Group:
    """`[a, b]`."""
    return Group("[", items, "]", literal=True)


def flat(expression: Expression) -> str:
    """The expression on one line, however long."""
    match expression:
        case Group(open=start, items=items, close=end):
            return f"{start}{', '.join(map(flat, items))}{end}"
        case Infix(operands=operands, operators=operators, tight=tight):
            parts = [flat(operands[0])]
            for operator, operand in zip(operators, operands[1:], strict=True):
                parts += [operator, flat(operand)]
            return ("" if tight else " ").join(parts)
        case Prefixed(prefix=prefix, value=value):
            return prefix + flat(value)
        case Each(item=item, clause=clause):
            return f"{flat(item)} {clause}"
        case _:
            return expression


def width(text: str) -> int:
    """Columns a text takes on the screen: wide characters two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def fits(line: str) -> bool:
    """Whether a line stays within 88 columns."""
    return width(line) <= WIDTH


def lay(expression: Expression, indent: int, head: str = "", tail: str = "") -> list[str]:
    """Lines of an expression between `head` (`x = `) and `tail` (`,`), in spaces of indent."""
    line = f"{' ' * indent}{head}{flat(expression)}{tail}"
    if fits(line):
        return [line]
    match expression:
        case Prefixed(prefix=prefix, value=value):
            return lay(value, indent, head + prefix, tail)
        case Group(items=items) if items:
            return _open(expression, indent, head, tail)
        case Infix(operands=operands, operators=operators, tight=False):
            last = len(operators)
            lines = lay(operands[0], indent, head)
            for i, (operator, operand) in enumerate(zip(operators, operands[1:], strict=True), 1):
                lines += lay(operand, indent, f"{operator} ", tail if i == last else "")
            return lines
        case Each(item=item, clause=clause):
            return [*lay(item, indent, head), f"{' ' * indent}{clause}{tail}"]
        case _:
            return [line]


def _open(group: Group, indent: int, head: str, tail: str) -> list[str]:
    inner = indent + INDENT
    first = f"{' ' * indent}{head}{group.open}"
    last = f"{' ' * indent}{group.close.lstrip(',')}{tail}"
    together = f"{' ' * inner}{', '.join(map(flat, group.items))}"
    if not group.literal and fits(together):
        return [first, together, last]
    if len(group.items) == 1 and not group.close.startswith(","):
        return [first, *lay(group.items[0], inner), last]
    return [first, *(line for item in group.items for line in lay(item, inner, "", ",")), last]


def assignment(target: Expression, value: Expression, indent: int) -> list[str]:
    """`target = value`, in brackets where the value would otherwise start beyond the margin."""
    head = f"{flat(target)} = "
    line = f"{' ' * indent}{head}{flat(value)}"
    bracketed = f"{' ' * indent}{head}("
    if fits(line):
        return [line]
    if isinstance(target, Group) and not fits(bracketed):
        # The tuple on the left breaks first, or what stands between the brackets of x[…].
        element = target.open.endswith("[")
        whole = replace(target, literal=True) if element else Group("(", target.items, literal=True)
        *front, last = _open(whole, indent, "", "")
        return [*front, *assignment(last.strip(), value, indent)]
    inside = lay(value, indent + INDENT)
    if isinstance(value, Group) and value.items:
        opening_fits = fits(f"{' ' * indent}{head}{value.open}")
        bracketed_fits = all(map(fits, [bracketed, *inside])) or isinstance(target, Group)
        if opening_fits or not bracketed_fits:
            return lay(value, indent, head)
    elif not isinstance(value, Infix) and not all(map(fits, [bracketed, *inside])):
        return [line]
    return [bracketed, *inside, f"{' ' * indent})"]


def returned(value: Expression, indent: int) -> list[str]:
    """`return value`; several values are in brackets only where they need lines of their own."""
    if isinstance(value, Group) and value.open == "(" and len(value.items) > 1:
        line = f"{' ' * indent}return {', '.join(map(flat, value.items))}"
        return [line] if fits(line) else _open(value, indent, "return ", "")
    return _statement("return ", value, indent, "")


def condition(keyword: str, value: Expression, indent: int) -> list[str]:
    """`if value:`."""
    return _statement(f"{keyword} ", value, indent, ":")


def _statement(head: str, value: Expression, indent: int, tail: str) -> list[str]:
    line = f"{' ' * indent}{head}{flat(value)}{tail}"
    if fits(line):
        return [line]
    core = value.value if isinstance(value, Prefixed) else value
    if isinstance(core, Infix):
        opened = f"{' ' * indent}{head}("
        return [opened, *lay(value, indent + INDENT), f"{' ' * indent}){tail}"]
    return lay(value, indent, head, tail)


def definition(name: str, parameters: tuple[str, ...], result: str, indent: int) -> list[str]:
    """`def name(self, x: Tensor) -> Tensor:`."""
    return lay(Group(f"def {name}(", parameters), indent, "", f" -> {result}:")
