"""Arguments as a person types them, read: sizes, tuples, indices and conditions.

The text looks like the code it becomes (`x.size(0), -1`, `:, 0, 1:3`, `score > 0.5`), but it is only
read: a syntax tree is walked and every part that is not on the short list below is refused.
"""

from __future__ import annotations

import ast
import re
from typing import Final

from builder.errors import EditRefused, did_you_mean, quote
from builder.graph.edits.values import Condition
from builder.graph.model import (
    BATCH,
    Argument,
    Calc,
    Compare,
    Dim,
    GradEnabled,
    Graph,
    Ref,
    Setting,
    Size,
    Slice,
    Training,
)

_LONGEST: Final = 400  # characters; nobody types a longer index, and a parser may be made to suffer
_BIGGEST: Final = 2**63 - 1  # what torch's sizes hold

_BATCH: Final = re.compile(r"(?:[2-9]|[1-9][0-9]{1,3})?[nN]")

_SIGNS: Final[dict[type, str]] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.FloorDiv: "//"}
_COMPARISONS: Final[dict[type, str]] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}


def read_argument(text: str, graph: Graph) -> Argument:
    """Reads a number, a word, a tuple, a size of a value, or arithmetic on these.

    Errors: EditRefused, saying what may stand here.
    """
    return _Reader(graph, text).read(_parse(text, text, mode="number"))


def read_index(text: str, graph: Graph) -> Argument:
    """Reads what stands between the brackets of x[…]. Errors: EditRefused."""
    tree = _parse(f"_[{text}]", text, mode="index")
    if not isinstance(tree, ast.Subscript) or not isinstance(tree.value, ast.Name):
        raise _refuse(text, "index")
    found = _Reader(graph, text).read(tree.slice)
    return found if isinstance(found, tuple) else (found,)


def read_condition(text: str, graph: Graph) -> Condition:
    """Reads "training", "gradients are recorded", a setting’s name, or a comparison. Errors: EditRefused."""
    if text.strip() in ("training", "self.training"):
        return Training()
    if text.strip().removeprefix("while ") in ("gradients are recorded", "torch.is_grad_enabled()"):
        return GradEnabled()
    found = _Reader(graph, text).read(_parse(text, text, mode="condition"))
    if isinstance(found, Setting | Compare):
        return found
    raise _refuse(text, "condition")


def read_shape(text: str) -> tuple[Dim, ...]:
    """Reads a shape such as "N×1×28×28", "N, 784" or "2N 3". Errors: EditRefused."""
    if len(text) > _LONGEST:
        raise EditRefused(f"This text has {len(text)} characters; {_LONGEST} are the most.")
    if text.strip().lower() == "scalar":
        return ()
    parts = [p for p in re.split(r"[×x*,;\s()\[\]]+", text.strip()) if p]
    if not parts:
        raise EditRefused("A shape is N for the batch and whole numbers, such as N×784.")
    sizes: list[Dim] = []
    for part in parts:
        if _BATCH.fullmatch(part):
            sizes.append(part.upper())
        elif part.isascii() and part.isdigit() and 0 < int(part) <= _BIGGEST:
            sizes.append(int(part))
        else:
            raise EditRefused(
                f"{quote(part)} is no size. A shape is N for the batch and whole numbers above 0, "
                "such as N×1×28×28."
            )
    return tuple(sizes)


def has_batch(shape: tuple[Dim, ...]) -> bool:
    """Whether the batch stands somewhere in a shape."""
    return any(isinstance(size, str) for size in shape)


def with_batch(shape: tuple[Dim, ...]) -> tuple[Dim, ...]:
    """One sample's shape with the batch in front; one that has it already stays as it is."""
    return shape if has_batch(shape) else (BATCH, *shape)


def without_batch(shape: tuple[Dim, ...]) -> tuple[Dim, ...]:
    """The whole numbers of a shape: 3×32×32 of N×3×32×32."""
    return tuple(size for size in shape if not isinstance(size, str))


_MAY_STAND: Final = {
    "number": "numbers, commas, None, and sizes such as x.size(0) * 2",
    "index": "numbers, slices such as 1:3, and … or ... for all the rest, with commas between",
    "condition": "training, gradients are recorded, the name of a setting, or a comparison such as score > 0.5",
}


def _refuse(text: str, mode: str) -> EditRefused:
    return EditRefused(f"{quote(text)} was not understood. Here may stand {_MAY_STAND[mode]}.")


def _parse(source: str, text: str, mode: str) -> ast.expr:
    if len(text) > _LONGEST:
        raise EditRefused(f"This text has {len(text)} characters; {_LONGEST} are the most.")
    try:
        return ast.parse(source.strip().replace("…", "..."), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise _refuse(text, mode) from None


class _Reader:
    """Walks one syntax tree; names mean the settings and values of one graph."""

    def __init__(self, graph: Graph, text: str) -> None:
        self.graph = graph
        self.text = text

    def read(self, tree: ast.expr) -> Argument:
        match tree:
            case ast.Constant(value=bool() | None | float() | str() as value):
                return value
            case ast.Constant(value=int() as value) if value <= _BIGGEST:
                return value
            case ast.Constant(value=value) if value is Ellipsis:
                return Ellipsis
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
                return -value
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                return tuple(self.read(element) for element in elements)
            case ast.Slice(lower=lower, upper=upper, step=step):
                return Slice(*(None if p is None else self.read(p) for p in (lower, upper, step)))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _SIGNS:
                sign = _SIGNS[type(op)]
                return Calc(sign, self.read(left), self.read(right))  # type: ignore[arg-type]
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARISONS:
                sign = _COMPARISONS[type(op)]
                return Compare(sign, self.read(left), self.read(right))  # type: ignore[arg-type]
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id=name), attr="size"), args=[dim], keywords=[]
            ):
                return self._size(name, dim)
            case ast.Subscript(
                value=ast.Attribute(value=ast.Name(id=name), attr="shape"), slice=dim
            ):
                return self._size(name, dim)
            case ast.Name(id=name):
                return self._named(name)
        raise _refuse(self.text, "number")

    def _size(self, name: str, dim: ast.expr) -> Size:
        of, number = self._value(name), self.read(dim)
        if not isinstance(number, int) or isinstance(number, bool):
            raise _refuse(self.text, "number")
        return Size(of, number)

    def _named(self, name: str) -> Argument:
        if name in self.graph.settings:
            return Setting(name)
        return self._value(name)

    def _value(self, name: str) -> Ref:
        labels = {self.graph.label(node_id): node_id for node_id in self.graph.nodes}
        if name not in labels:
            known = [*labels, *self.graph.settings]
            raise EditRefused(
                f"There is nothing called {quote(name)} here. {did_you_mean(name, known)}".strip()
            )
        return Ref(labels[name])
