"""Reduction: many numbers become fewer, along one dimension, several, or all."""

from __future__ import annotations

from typing import Final

from builder.catalogue.entry import Parameter, Part
from builder.catalogue.operations.declare import (
    DIMS,
    KEEPDIM,
    Operation,
    X,
    dim,
    flag,
    integer,
    integers,
    op,
    real,
)

_ONE_DIM: Final = integer("dim", None, minimum=-64, maximum=63, suggested=-1)
_VALUES_AND_INDICES: Final = (Part("values", (0,)), Part("indices", (1,)))
_CORRECTION: Final = integer(
    "correction", 1, minimum=0, help="1 divides by n - 1 (Bessel's correction), 0 by n."
)


def _reduce(name: str, words: str, *more: Parameter) -> Operation:
    return op(f"torch.{name}", "reduction", X, DIMS, *more, KEEPDIM, form="method", words=words)


REDUCTION: Final[tuple[Operation, ...]] = (
    _reduce("mean", "average, global average pooling, pool over time"),
    _reduce("sum", "total, add up"),
    _reduce("amax", "largest value, global max pooling, maximum"),
    _reduce("amin", "smallest value, minimum"),
    _reduce("std", "standard deviation, spread", _CORRECTION),
    _reduce("var", "variance, spread", _CORRECTION),
    op(
        "torch.logsumexp",
        "reduction",
        X,
        integers("dim", suggested=-1),
        KEEPDIM,
        words="soft maximum",
    ),
    # Without dim one number; with it a pair, which is why the parts depend on the arguments.
    op(
        "torch.max",
        "reduction",
        X,
        _ONE_DIM,
        KEEPDIM,
        form="method",
        parts=_VALUES_AND_INDICES,
        help="The largest value and where it stands, along a dimension; the largest of all without one.",
        words="largest value, maximum",
    ),
    op(
        "torch.min",
        "reduction",
        X,
        _ONE_DIM,
        KEEPDIM,
        form="method",
        parts=_VALUES_AND_INDICES,
        help="The smallest value and where it stands, along a dimension; the smallest of all without one.",
        words="smallest value, minimum",
    ),
    op(
        "torch.median",
        "reduction",
        X,
        _ONE_DIM,
        KEEPDIM,
        parts=_VALUES_AND_INDICES,
        help="The median and where it stands, along a dimension; the median of all without one.",
        words="middle value",
    ),
    op(
        "torch.argmax",
        "reduction",
        X,
        _ONE_DIM,
        KEEPDIM,
        form="method",
        words="index of the largest, predicted class, prediction",
    ),
    op(
        "torch.argmin",
        "reduction",
        X,
        _ONE_DIM,
        KEEPDIM,
        form="method",
        words="index of the smallest, nearest",
    ),
    op(
        "torch.prod",
        "reduction",
        X,
        integer("dim", None, minimum=-64, maximum=63, suggested=1),
        KEEPDIM,
        words="product, multiply all",
    ),
    op("torch.all", "reduction", X, _ONE_DIM, KEEPDIM, words="every, logical and"),
    op("torch.any", "reduction", X, _ONE_DIM, KEEPDIM, words="some, logical or"),
    op(
        "torch.linalg.vector_norm",
        "reduction",
        X,
        real(
            "ord",
            2.0,
            help="The order of the norm: 2 is the Euclidean length, 1 the sum of magnitudes.",
        ),
        DIMS,
        KEEPDIM,
        words="norm, length, magnitude, l2 norm, euclidean",
    ),
    op(
        "torch.topk",
        "reduction",
        X,
        integer("k", suggested=1),
        dim(-1),
        flag("largest", True),
        parts=_VALUES_AND_INDICES,
        words="best k, highest, beam",
    ),
    op(
        "torch.sort",
        "reduction",
        X,
        dim(-1),
        flag("descending"),
        parts=_VALUES_AND_INDICES,
        words="order, rank",
    ),
    op(
        "torch.argsort",
        "reduction",
        X,
        dim(-1),
        flag("descending"),
        words="order, rank, sort order",
    ),
)
