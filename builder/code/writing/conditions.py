"""What stands behind an `if`, turned round or joined."""

from __future__ import annotations

from builder.code.writing.layout import Expression, Infix, Prefixed


def negated(asked: Expression) -> Expression:
    """`not asked`, or the other comparison."""
    if isinstance(asked, Infix) and asked.operators in (("==",), ("!=",)):
        return Infix(asked.operands, ("!=" if asked.operators == ("==",) else "==",))
    return Prefixed("not ", asked)


def both(one: Expression, other: Expression) -> Infix:
    """`one and other`."""
    parts: list[Expression] = []
    for part in (one, other):
        together = isinstance(part, Infix) and "and" in part.operators
        parts.extend(part.operands if together and isinstance(part, Infix) else [part])
    return Infix(tuple(parts), ("and",) * (len(parts) - 1))
