"""An nn.Sequential over several lines: a layer a line, each with the shape it gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from builder.code.writing.layout import INDENT, Expression, lay
from builder.code.writing.page import Page, indented


@dataclass(frozen=True)
class Element:
    """One place of an nn.Sequential: a layer, or the elements of an nn.Sequential inside it.

    `comment`: the shape it gives, where that changes. `keys`: the nodes it belongs to.
    """

    made: Expression | list[Element]
    comment: str = ""
    keys: tuple[str, ...] = ()


def list_elements(
    page: Page, elements: Sequence[Element], level: int, head: str = "", tail: str = ""
) -> None:
    """Writes `nn.Sequential(` between `head` (`model = `) and `tail` (`,`)."""
    if not elements:
        page.write([f"{indented(level)}{head}nn.Sequential(){tail}"])
        return
    page.write([f"{indented(level)}{head}nn.Sequential("])
    for element in elements:
        start = len(page.lines)
        if isinstance(element.made, list):
            list_elements(page, element.made, level + 1, tail=",")
        else:
            lines = lay(element.made, INDENT * (level + 1), "", ",")
            page.say(lines, element.comment if len(lines) == 1 else "")
        page.mark(element.keys, start)
    page.write([f"{indented(level)}){tail}"])
