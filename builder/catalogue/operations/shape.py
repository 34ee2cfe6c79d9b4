"""Shape: reordering, reshaping, repeating and picking, without arithmetic."""

from __future__ import annotations

from typing import Final

from builder.catalogue.docs import DOCS
from builder.catalogue.entry import Parameter, Port
from builder.catalogue.feed import Feed
from builder.catalogue.operations.declare import (
    Operation,
    X,
    dim,
    integer,
    integers,
    op,
)
from builder.catalogue.rules import LARGEST_SIZE

_INDEX: Final = Port("index")


def _sizes(name: str, suggested: tuple[int, ...], **more: object) -> Parameter:
    """A new shape: each size a number, -1 for "what is left", or a size known when it runs."""
    return integers(
        name, minimum=-1, maximum=LARGEST_SIZE, scalar=False, suggested=suggested, **more
    )


SHAPE: Final[tuple[Operation, ...]] = (
    op(
        "torch.flatten",
        "shape",
        X,
        integer("start_dim", 0, minimum=-64, maximum=63, suggested=1),
        integer("end_dim", -1, minimum=-64, maximum=63),
        words="one vector per sample, unroll, to vector",
    ),
    op(
        "torch.Tensor.view",
        "shape",
        X,
        _sizes("shape", (-1,), spread=True),
        form="method",
        words="change shape, flatten",
    ),
    op(
        "torch.reshape",
        "shape",
        X,
        _sizes("shape", (-1,), spread=True),
        form="method",
        words="change shape, view, flatten",
    ),
    op(
        "torch.unflatten",
        "shape",
        X,
        dim(suggested=1),
        _sizes("sizes", (1, -1)),
        form="method",
        words="split a dimension, heads",
    ),
    op(
        "torch.permute",
        "shape",
        X,
        integers("dims", minimum=-64, maximum=63, scalar=False, suggested=(0, 2, 1), spread=True),
        form="method",
        words="reorder dimensions, swap axes, channels last, channels first",
    ),
    op(
        "torch.transpose",
        "shape",
        X,
        integer("dim0", suggested=1, minimum=-64, maximum=63),
        integer("dim1", suggested=2, minimum=-64, maximum=63),
        form="method",
        words="swap dimensions, swap axes, T",
    ),
    op(
        "torch.movedim",
        "shape",
        X,
        integers("source", suggested=1),
        integers("destination", suggested=-1),
        form="method",
        words="move axis, channels last",
    ),
    op(
        "torch.squeeze",
        "shape",
        X,
        integers("dim", None, minimum=-64, maximum=63, suggested=-1),
        form="method",
        words="drop dimension of size 1, remove axis",
        feeds={"input": Feed((2, 3, 1))},
    ),
    op(
        "torch.unsqueeze",
        "shape",
        X,
        dim(suggested=1),
        form="method",
        words="add dimension, new axis, insert axis, expand dims",
    ),
    op(
        "torch.Tensor.expand",
        "shape",
        X,
        _sizes("sizes", (-1, -1, 8), spread=True, help="The new sizes; -1 keeps one as it is."),
        form="method",
        words="broadcast, repeat without copy",
        feeds={"input": Feed((2, 3, 1))},
    ),
    op(
        "torch.Tensor.expand_as",
        "shape",
        X,
        Port("other"),
        form="method",
        help="Expands a tensor to the shape of another.",
        words="broadcast to",
        feeds={"input": Feed((2, 3, 1))},
    ),
    op(
        "torch.Tensor.repeat",
        "shape",
        X,
        integers(
            "repeats",
            minimum=0,
            maximum=LARGEST_SIZE,
            scalar=False,
            spread=True,
            suggested=(1, 2, 1),
            help="How often each dimension is repeated.",
        ),
        form="method",
        words="tile, copy",
    ),
    op(
        "torch.repeat_interleave",
        "shape",
        X,
        integer("repeats", suggested=2),
        integer("dim", None, minimum=-64, maximum=63, suggested=1),
        form="method",
        words="repeat elements, upsample",
    ),
    op(
        "torch.tile",
        "shape",
        X,
        integers("dims", minimum=0, maximum=LARGEST_SIZE, scalar=False, suggested=(1, 2, 1)),
        words="repeat, copy",
    ),
    op("torch.Tensor.contiguous", "shape", X, form="method", words="memory layout"),
    op(
        "torch.roll",
        "shape",
        X,
        integers("shifts", suggested=1),
        integers("dims", None, minimum=-64, maximum=63, suggested=1),
        words="shift, rotate, cyclic, swin",
    ),
    op(
        "torch.flip",
        "shape",
        X,
        integers("dims", minimum=-64, maximum=63, scalar=False, suggested=(-1,)),
        words="reverse, mirror",
    ),
    op("torch.tril", "shape", X, integer("diagonal", 0), words="lower triangle, causal mask"),
    op("torch.triu", "shape", X, integer("diagonal", 0), words="upper triangle, causal mask"),
    op(
        "torch.diagonal",
        "shape",
        X,
        integer("offset", 0),
        integer("dim1", 0, minimum=-64, maximum=63),
        integer("dim2", 1, minimum=-64, maximum=63),
        words="main diagonal",
    ),
    op(
        "torch.narrow",
        "shape",
        X,
        dim(suggested=1),
        integer("start", suggested=0),
        integer("length", suggested=1, minimum=0, maximum=LARGEST_SIZE),
        form="method",
        words="slice, crop, cut out",
    ),
    op(
        "torch.select",
        "shape",
        X,
        dim(suggested=1),
        integer("index", suggested=-1),
        form="method",
        words="pick one, last time step, index",
    ),
    op(
        "operator.getitem",
        "shape",
        X,
        Parameter(
            "index",
            "index",
            suggested=(..., 0),
            help="What is picked of each dimension: a number, a slice such as 1:3, or … for all that is left.",
        ),
        form="index",
        doc="torch.select",
        link=f"{DOCS}tensors.html",
        help="Picks elements or slices of a tensor: x[:, -1], x[..., 1:3].",
        words="slice, slicing, index, crop, last time step, class token, x[:, 0], subset",
    ),
    op(
        "torch.index_select",
        "shape",
        X,
        dim(suggested=1),
        _INDEX,
        words="pick by index, lookup",
        feeds={"index": Feed((3,), "int64")},
    ),
    op(
        "torch.gather",
        "shape",
        X,
        dim(suggested=1),
        _INDEX,
        words="pick by index, lookup",
        feeds={"index": Feed((2, 3, 4), "int64")},
    ),
    op(
        "torch.take_along_dim",
        "shape",
        X,
        Port("indices"),
        integer("dim", None, minimum=-64, maximum=63, suggested=1),
        words="pick by index, sort order",
        feeds={"indices": Feed((2, 3, 4), "int64")},
    ),
    op(
        "torch.broadcast_to",
        "shape",
        X,
        _sizes("shape", (-1, -1, 8), help="The new sizes; -1 keeps one as it is."),
        words="expand",
        feeds={"input": Feed((2, 3, 1))},
    ),
)
