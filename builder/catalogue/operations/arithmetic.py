"""Arithmetic: operators and the functions applied element by element."""

from __future__ import annotations

from typing import Final

from builder.catalogue.entry import Parameter, Port
from builder.catalogue.feed import Feed
from builder.catalogue.operations.declare import (
    OTHER,
    OTHER_OR_NUMBER,
    Operation,
    X,
    dim,
    op,
    real,
)

_MANY: Final = Port("operands", many=True, spread=True)
_MATRICES: Final = {"input": Feed((2, 3, 4)), "other": Feed((2, 4, 5))}
_CONDITION: Final = Feed((2, 3, 4), "bool")


def _infix(key: str, symbol: str, doc: str, words: str = "", name: str = "") -> Operation:
    return op(
        key, "arithmetic", X, OTHER_OR_NUMBER,
        form="infix", symbol=symbol, doc=doc, words=words, name=name,
    )  # fmt: skip


def _elementwise(name: str, words: str) -> Operation:
    return op(f"torch.{name}", "arithmetic", X, words=words)


ARITHMETIC: Final[tuple[Operation, ...]] = (
    _infix(
        "operator.add",
        "+",
        "torch.add",
        "plus, sum of two, shortcut, skip, skip connection, residual, residual connection",
    ),
    _infix("operator.sub", "-", "torch.sub", "minus, subtract, difference"),
    _infix("operator.mul", "*", "torch.mul", "times, multiply, product, gate, scale"),
    _infix("operator.truediv", "/", "torch.div", "divide, division, ratio", name="div"),
    _infix("operator.floordiv", "//", "torch.floor_divide", "whole division, integer division"),
    _infix("operator.mod", "%", "torch.remainder", "modulo, remainder"),
    op(
        "operator.pow",
        "arithmetic",
        Port("input", number=True),  # 2.0 ** x
        OTHER_OR_NUMBER,
        form="infix",
        symbol="**",
        doc="torch.pow",
        words="power, exponent, square, cube",
    ),
    op(
        "operator.neg",
        "arithmetic",
        X,
        form="infix",
        symbol="-",
        doc="torch.neg",
        words="negative, minus, change sign",
    ),
    op(
        "operator.matmul",
        "arithmetic",
        X,
        OTHER,
        form="infix",
        symbol="@",
        doc="torch.matmul",
        words="matrix multiplication, matrix product, dot product, mm, batched",
        feeds=_MATRICES,
    ),
    op(
        "torch.bmm",
        "arithmetic",
        X,
        Port("mat2"),
        words="batched matrix multiplication, attention scores",
        feeds={"input": Feed((2, 3, 4)), "mat2": Feed((2, 4, 5))},
    ),
    op(
        "torch.einsum",
        "arithmetic",
        Parameter(
            "equation",
            "str",
            suggested="bij,bjk->bik",
            help="Which dimensions are multiplied and summed, as in “bij,bjk->bik”.",
        ),
        _MANY,
        words="einstein summation, tensor contraction, index notation",
        feeds={"operands": (Feed((2, 3, 4)), Feed((2, 4, 5)))},
    ),
    op(
        "torch.outer",
        "arithmetic",
        X,
        Port("vec2"),
        words="outer product",
        feeds={"input": Feed((3,)), "vec2": Feed((4,))},
    ),
    _elementwise("abs", "absolute value, magnitude"),
    _elementwise("exp", "exponential, e to the x"),
    _elementwise("log", "logarithm, natural log, ln"),
    _elementwise("log1p", "logarithm of one plus"),
    _elementwise("sqrt", "square root"),
    _elementwise("rsqrt", "one over square root, inverse square root"),
    _elementwise("square", "power of two, squared"),
    _elementwise("reciprocal", "one over, inverse"),
    _elementwise("sign", "plus or minus one"),
    _elementwise("sin", "sine, positional encoding, periodic"),
    _elementwise("cos", "cosine, positional encoding, periodic"),
    _elementwise("erf", "error function"),
    _elementwise("floor", "round down"),
    _elementwise("ceil", "round up"),
    _elementwise("round", "nearest whole number"),
    op(
        "torch.clamp",
        "arithmetic",
        X,
        real("min", None, suggested=0.0, help="The smallest value kept."),
        real("max", None, help="The largest value kept."),
        words="clip, limit, bound, clip values",
        form="method",
    ),
    op("torch.maximum", "arithmetic", X, OTHER, words="larger of two, elementwise max"),
    op("torch.minimum", "arithmetic", X, OTHER, words="smaller of two, elementwise min"),
    op(
        "torch.lerp",
        "arithmetic",
        X,
        Port("end"),
        Port("weight", number=True),
        words="linear interpolation, blend, mix",
    ),
    _infix("operator.lt", "<", "torch.lt", "less than, smaller, compare"),
    _infix("operator.le", "<=", "torch.le", "less or equal, at most, compare"),
    _infix("operator.gt", ">", "torch.gt", "greater than, larger, compare, threshold"),
    _infix("operator.ge", ">=", "torch.ge", "greater or equal, at least, compare"),
    _infix("operator.eq", "==", "torch.eq", "equal, same, compare"),
    _infix("operator.ne", "!=", "torch.ne", "not equal, different, padding mask, compare"),
    op(
        "operator.and_",
        "arithmetic",
        X,
        OTHER,
        name="and",
        form="infix",
        symbol="&",
        doc="torch.bitwise_and",
        words="both, mask, logical and",
        feeds={"input": _CONDITION, "other": _CONDITION},
    ),
    op(
        "operator.or_",
        "arithmetic",
        X,
        OTHER,
        name="or",
        form="infix",
        symbol="|",
        doc="torch.bitwise_or",
        words="either, mask, logical or",
        feeds={"input": _CONDITION, "other": _CONDITION},
    ),
    op(
        "operator.invert",
        "arithmetic",
        X,
        name="not",
        form="infix",
        symbol="~",
        doc="torch.bitwise_not",
        words="logical not, inverted mask, opposite",
        feeds={"input": _CONDITION},
    ),
    op(
        "torch.where",
        "arithmetic",
        Port("condition"),
        Port("input", number=True),
        Port("other", number=True),
        words="choose, select by condition, if else, mask",
        feeds={"condition": _CONDITION},
    ),
    op(
        "torch.Tensor.masked_fill",
        "arithmetic",
        X,
        Port("mask"),
        real("value", suggested=-1e9, help="The number written where the mask is True."),
        form="method",
        help="Writes a number where the mask is True.",
        words="mask, causal mask, attention mask, hide",
        feeds={"mask": _CONDITION},
    ),
    op(
        "torch.cumsum",
        "arithmetic",
        X,
        dim(suggested=1),
        form="method",
        words="running sum, cumulative sum, positions",
    ),
    op(
        "torch.cumprod",
        "arithmetic",
        X,
        dim(suggested=1),
        form="method",
        words="running product, cumulative product",
    ),
    op("torch.isnan", "arithmetic", X, words="not a number, missing"),
    op(
        "torch.nan_to_num",
        "arithmetic",
        X,
        real("nan", None, help="The number that replaces NaN; 0 when left out."),
        words="replace nan, missing values",
    ),
    op(
        "torch.expm1",
        "arithmetic",
        X,
        help="Returns the exponential of each element, minus one.",
        words="exponential minus one",
    ),
)
