"""What stands behind an `if`: what is asked, turned round or joined."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.code.writing.layout import Expression, Infix, Prefixed
from builder.code.writing.literals import argument
from builder.errors import CodeRefused, quote
from builder.graph.model import Argument, Compare, GradEnabled, Node, Setting, Training

if TYPE_CHECKING:
    from builder.code.writing.forward import ForwardWriter


def question(writer: ForwardWriter, asked: Argument, branch: Node | None) -> Expression:
    """What stands behind the `if` of a branch, or of what runs in one mode only.

    Errors: CodeRefused where there is no condition.
    """
    if branch is None or isinstance(asked, Training):
        return writer.in_training()
    match asked:
        case GradEnabled():
            return "torch.is_grad_enabled()"
        case Setting(name=name):
            return writer.setting(name)
        case Compare(op=op, left=left, right=right):
            if op not in ("<", "<=", ">", ">=", "==", "!="):
                raise CodeRefused(f"A branch compares with {quote(op)}, which is no comparison.")
            sides = [
                argument(side, lambda ref: writer.variables.read(ref, branch.id), writer.setting)
                for side in (left, right)
            ]
            return Infix((sides[0], sides[1]), (op,))
        case _:
            raise CodeRefused(
                f"The branch {quote(writer.graph.label(branch.id))} has no condition yet. Choose "
                "training mode, a setting, or a comparison."
            )


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
