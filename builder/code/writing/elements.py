"""An nn.Sequential over several lines: a layer a line, each with the shape it gives.

With names it is made from an OrderedDict: `("fc1", nn.Linear(16, 12)),`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from builder.code.writing.layout import INDENT, Expression, Group, call, lay, list_of
from builder.code.writing.literals import text
from builder.code.writing.page import Page, indented


@dataclass(frozen=True)
class Element:
    """One place of an nn.Sequential: a layer, or the elements of an nn.Sequential inside it.

    `comment`: the shape it gives, where that changes. `keys`: the nodes it belongs to. `name`: its
    name in the OrderedDict, "" where places are counted.
    """

    made: Expression | list[Element]
    comment: str = ""
    keys: tuple[str, ...] = ()
    name: str = ""


def sequential(items: Sequence[Expression], names: Sequence[str] = ()) -> Expression:
    """`nn.Sequential(…)` as one expression, of an OrderedDict where there are names."""
    if not names:
        return call("nn.Sequential", *items)
    pairs = tuple(_pair(name, item) for name, item in zip(names, items, strict=True))
    return call("nn.Sequential", call("OrderedDict", list_of(pairs)))


def list_elements(
    page: Page, elements: Sequence[Element], level: int, head: str = "", tail: str = ""
) -> None:
    """Writes `nn.Sequential(` between `head` (`model = `) and `tail` (`,`)."""
    if not elements:
        page.write([f"{indented(level)}{head}nn.Sequential(){tail}"])
        return
    named = bool(elements[0].name)
    opening, closing = (_NAMED, _NAMED_END) if named else (("nn.Sequential(",), (")",))
    inner = level + len(opening)
    page.write([f"{indented(level)}{head}{opening[0]}"])
    page.write([f"{indented(level + i)}{line}" for i, line in enumerate(opening[1:], 1)])
    for element in elements:
        start = len(page.lines)
        _element(page, element, inner)
        page.mark(element.keys, start)
    page.write([f"{indented(inner - i)}{line}" for i, line in enumerate(closing[:-1], 1)])
    page.write([f"{indented(level)}{closing[-1]}{tail}"])


_NAMED = ("nn.Sequential(", "OrderedDict(", "[")
_NAMED_END = ("]", ")", ")")


def _element(page: Page, element: Element, level: int) -> None:
    if isinstance(element.made, list) and element.name:
        page.write([f"{indented(level)}(", f"{indented(level + 1)}{text(element.name)},"])
        list_elements(page, element.made, level + 1, tail=",")
        page.write([f"{indented(level)}),"])
    elif isinstance(element.made, list):
        list_elements(page, element.made, level, tail=",")
    else:
        made = _pair(element.name, element.made) if element.name else element.made
        lines = lay(made, INDENT * level, "", ",")
        page.say(lines, element.comment if len(lines) == 1 else "")


def _pair(name: str, made: Expression) -> Group:
    return Group("(", (text(name), made), literal=True)
