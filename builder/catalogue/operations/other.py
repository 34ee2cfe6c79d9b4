"""Types, copies and new tensors in the shape of others."""

from __future__ import annotations

from typing import Final

from builder.catalogue.entry import Port
from builder.catalogue.operations.declare import Operation, X, dtype, op, real

OTHERS: Final[tuple[Operation, ...]] = (
    op(
        "torch.Tensor.to",
        "other",
        X,
        dtype(suggested="float32"),
        form="method",
        help="Converts a tensor to another type.",
        words="cast, convert, type, precision",
    ),
    op(
        "torch.Tensor.type_as",
        "other",
        X,
        Port("other"),
        form="method",
        help="Converts a tensor to the type of another.",
        words="cast, convert, same type",
    ),
    op(
        "torch.Tensor.float",
        "other",
        X,
        form="method",
        help="Converts a tensor to float32.",
        words="cast, convert, float32, to float",
    ),
    op(
        "torch.Tensor.double",
        "other",
        X,
        form="method",
        help="Converts a tensor to float64.",
        words="cast, convert, float64",
    ),
    op(
        "torch.Tensor.half",
        "other",
        X,
        form="method",
        help="Converts a tensor to float16.",
        words="cast, convert, float16",
    ),
    op(
        "torch.Tensor.long",
        "other",
        X,
        form="method",
        help="Converts a tensor to int64, dropping fractions.",
        words="cast, convert, int64, whole numbers, indices",
    ),
    op(
        "torch.Tensor.int",
        "other",
        X,
        form="method",
        help="Converts a tensor to int32, dropping fractions.",
        words="cast, convert, int32",
    ),
    op(
        "torch.Tensor.bool",
        "other",
        X,
        form="method",
        help="Converts a tensor to True and False; zero is False.",
        words="cast, convert, mask",
    ),
    op(
        "torch.Tensor.detach",
        "other",
        X,
        form="method",
        words="stop gradient, no gradient, cut the graph",
        help="Passes the values on and stops the gradient.",
    ),
    op("torch.clone", "other", X, form="method", words="copy, duplicate"),
    op("torch.zeros_like", "other", X, dtype(None), words="zeros, empty state, initial state"),
    op("torch.ones_like", "other", X, dtype(None), words="ones, mask"),
    op(
        "torch.full_like",
        "other",
        X,
        real("fill_value", suggested=0.0),
        dtype(None),
        words="constant, filled",
    ),
    op(
        "torch.randn_like",
        "other",
        X,
        dtype(None),
        words="gaussian noise, normal, random, reparameterization, vae",
        help="A tensor of the same size, filled with random numbers from a normal distribution.",
    ),
    op(
        "torch.rand_like",
        "other",
        X,
        dtype(None),
        words="uniform noise, random",
        help="A tensor of the same size, filled with random numbers between 0 and 1.",
    ),
    op("torch.bernoulli", "other", X, words="random 0 or 1, coin, drop path"),
)
