"""Merge and split: several tensors become one, one becomes several."""

from __future__ import annotations

from typing import Final

from builder.catalogue.entry import Parameter, Part, Port
from builder.catalogue.feed import Feed
from builder.catalogue.operations.declare import Operation, X, dim, integer, integers, op

_TENSORS: Final = Port("tensors", many=True)
_PAIR: Final = {"tensors": (Feed((2, 3, 4)), Feed((2, 3, 4)))}
_FIRST_PARTS: Final = (Part("part 0", (0,)), Part("part 1", (1,)))

MERGE: Final[tuple[Operation, ...]] = (
    op(
        "torch.cat",
        "merge",
        _TENSORS,
        dim(0, suggested=1),
        words="concatenate, concat, join, merge, combine, skip connection, dense connection",
        feeds=_PAIR,
    ),
    op(
        "torch.stack",
        "merge",
        _TENSORS,
        dim(0, suggested=1),
        words="join along a new dimension, pile, combine, merge",
        feeds=_PAIR,
    ),
    op(
        "torch.hstack",
        "merge",
        _TENSORS,
        words="join side by side, concatenate columns",
        feeds=_PAIR,
    ),
    op("torch.vstack", "merge", _TENSORS, words="join on top, concatenate rows", feeds=_PAIR),
    op(
        "torch.chunk",
        "merge",
        X,
        integer("chunks", suggested=2),
        dim(0, suggested=-1),
        form="method",
        parts=_FIRST_PARTS,
        words="split, divide into equal parts, query key value, gates",
    ),
    op(
        "torch.split",
        "merge",
        X,
        integers(
            "split_size", suggested=1, help="The size of each part, or the sizes of the parts."
        ),
        dim(0, suggested=1),
        form="method",
        parts=_FIRST_PARTS,
        words="divide, parts of given size",
    ),
    op(
        "torch.unbind",
        "merge",
        X,
        dim(0, suggested=1),
        form="method",
        parts=_FIRST_PARTS,
        words="take apart, unstack, one tensor per slice",
    ),
    op(
        "torch.meshgrid",
        "merge",
        _TENSORS,
        Parameter(
            "indexing",
            "choice",
            None,
            choices=("ij", "xy"),
            optional=True,
            suggested="ij",
            help="Whether the first input runs along the first dimension (ij) or the second (xy).",
        ),
        parts=_FIRST_PARTS,
        words="grid, coordinates",
        feeds={"tensors": (Feed((3,)), Feed((4,)))},
    ),
)
