"""A layer and what follows it at once on one line: `x = F.relu(self.fc1(x))`, as courses write it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from builder.catalogue.packing import LENGTHS
from builder.code.writing.layout import Expression, assignment, fits, flat
from builder.code.writing.patterns import Path
from builder.code.writing.reading import all_refs
from builder.code.writing.steps import Item, Step
from builder.graph.model import Node

if TYPE_CHECKING:
    from builder.code.writing.forward import ForwardWriter
    from builder.code.writing.page import Page

_MOST: Final = 3  # calls on a line
_FOLLOW: Final = frozenset({"activation", "pooling", "dropout"})  # families of functions
_NORM: Final = "normalization"


def write_joined(
    writer: ForwardWriter, page: Page, items: Sequence[Item], place: int, level: int
) -> int:
    """Writes as many calls from `place` on as one line holds; how many, 0 where it is no more than one."""
    row = _row(writer, items[place : place + _MOST])
    while len(row) > 1:
        last = row[-1]
        value = _nested(writer, row)
        target = writer.target((), last)
        comment = writer.comment(last, row[0])
        lines = assignment(target, value, 4 * level)
        if len(lines) == 1 and fits(f"{lines[0]}  # {comment}" if comment else lines[0]):
            writer.note(page, row[0], level)
            lines = writer.assign(page, target, value, 4 * level, last)
            page.say(lines, comment, [writer.scope.key(node) for node in row])
            return len(row)
        row.pop()
    return 0


def _row(writer: ForwardWriter, items: Sequence[Item]) -> list[Node]:
    """A layer, and the calls behind it of which each is all that reads the one in front."""
    row: list[Node] = []
    for item in items:
        if not isinstance(item, Step) or not _is_plain(writer, item.node):
            break
        if row and not (_follows(writer, item.node) and _only_reader(writer, row[-1], item)):
            break
        if not row and writer.entry(item.node) is None:
            break  # a block: what follows it is not its own
        if not row and item.node.kind != "layer":
            break
        row.append(item.node)
    return row


def _is_plain(writer: ForwardWriter, node: Node) -> bool:
    """Whether a call is `x = f(…)` and no loop, and gives one value."""
    plain = writer.variables.patterns.get(node.id) == () and not writer.carried(node)
    packed = node.arguments.get(LENGTHS) is not None
    return plain and node.target != "operator.setitem" and not packed


def _follows(writer: ForwardWriter, node: Node) -> bool:
    entry = writer.entry(node)
    if entry is None or node.note:
        return False
    if node.kind == "layer":
        return entry.family == _NORM
    return entry.form == "function" and entry.family in _FOLLOW


def _only_reader(writer: ForwardWriter, node: Node, step: Step) -> bool:
    names = writer.variables.names
    if names[node.id, ()] not in (writer.variables.chain, names[step.node.id, ()]):
        return False  # it has a name of its own
    here = [ref for ref in step.reads if ref.node == node.id]
    return len(here) == 1 and sum(ref.node == node.id for ref in all_refs(writer.items)) == 1


def _nested(writer: ForwardWriter, row: Sequence[Node]) -> Expression:
    names = writer.variables.names
    kept: dict[tuple[str, Path], str] = {(node.id, ()): names[node.id, ()] for node in row[:-1]}
    try:
        for node, _ in pairwise(row):
            names[node.id, ()] = flat(writer.call_of(node, writer.scope.member(node.target)))
        return writer.call_of(row[-1], writer.scope.member(row[-1].target))
    finally:
        names.update(kept)
