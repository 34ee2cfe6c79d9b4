"""torch.nn.functional: pooling, dropout, normalization and the rest, as calls without weights of their own."""

from __future__ import annotations

from typing import Final

from builder.catalogue.entry import Parameter, Port
from builder.catalogue.feed import Feed
from builder.catalogue.operations.declare import (
    F,
    Operation,
    X,
    choice,
    dim,
    flag,
    integer,
    integers,
    op,
    real,
    reals,
)
from builder.catalogue.rules import LARGEST_SIZE

_SEQUENCE: Final = {"input": Feed((2, 4, 8))}
_IMAGE: Final = {"input": Feed((2, 4, 8, 8))}
_MODES: Final = "nearest linear bilinear bicubic trilinear area nearest-exact"
_P: Final = real(
    "p", 0.5, minimum=0.0, maximum=1.0, help="The probability of an element to be zeroed."
)
_EPS: Final = real("eps", 1e-12, minimum=0.0)


def _pooling(name: str, *parameters: Parameter, words: str, dimensions: int) -> Operation:
    feeds = _SEQUENCE if dimensions == 1 else _IMAGE
    return op(F + name, "pooling", X, *parameters, words=words, feeds=feeds)


def _window(dimensions: int, *more: Parameter) -> tuple[Parameter, ...]:
    """kernel_size, stride and padding of a pooling of 1 or 2 dimensions."""
    return (
        integers("kernel_size", length=dimensions, suggested=2, help="The size of the window."),
        integers("stride", None, length=dimensions, help="The step of the window; kernel_size when left out."),
        integers("padding", 0, length=dimensions, minimum=0, maximum=LARGEST_SIZE, help="How much is added on each side."),
        *more,
    )  # fmt: skip


def _dropout(name: str, words: str) -> Operation:
    return op(F + name, "dropout", X, _P, training="training", words=words, feeds=_SEQUENCE)


_CEIL: Final = flag("ceil_mode")
_AVERAGE: Final = (
    _CEIL,
    flag("count_include_pad", True, help="Counts the padding in the average."),
)
_SCALE: Final = reals("scale_factor", None, suggested=2.0, minimum=0.0)

FUNCTIONAL: Final[tuple[Operation, ...]] = (
    _pooling(
        "max_pool1d",
        *_window(1, integers("dilation", 1, length=1), _CEIL),
        words="max pooling, downsample",
        dimensions=1,
    ),
    _pooling(
        "max_pool2d",
        *_window(2, integers("dilation", 1, length=2), _CEIL),
        words="max pooling, downsample, halve",
        dimensions=2,
    ),
    _pooling(
        "avg_pool1d", *_window(1, *_AVERAGE), words="average pooling, downsample", dimensions=1
    ),
    _pooling(
        "avg_pool2d", *_window(2, *_AVERAGE), words="average pooling, downsample", dimensions=2
    ),
    _pooling(
        "adaptive_avg_pool1d",
        integers("output_size", length=1, suggested=1),
        words="global average pooling",
        dimensions=1,
    ),
    _pooling(
        "adaptive_avg_pool2d",
        integers("output_size", length=2, gaps=True, suggested=1),
        words="global average pooling",
        dimensions=2,
    ),
    _pooling(
        "adaptive_max_pool1d",
        integers("output_size", length=1, suggested=1),
        words="global max pooling",
        dimensions=1,
    ),
    _pooling(
        "adaptive_max_pool2d",
        integers("output_size", length=2, gaps=True, suggested=1),
        words="global max pooling",
        dimensions=2,
    ),
    _dropout("dropout", "drop, regularization, regularisation, overfitting"),
    _dropout("dropout1d", "drop whole channels, regularization"),
    op(
        F + "dropout2d",
        "dropout",
        X,
        _P,
        training="training",
        words="drop whole channels, regularization",
        feeds=_IMAGE,
    ),
    _dropout("alpha_dropout", "selu, self normalizing, regularization"),
    op(
        F + "normalize",
        "normalization",
        X,
        real("p", 2.0, help="The order of the norm."),
        dim(1),
        _EPS,
        words="unit length, l2 normalize, embeddings",
    ),
    op(
        F + "layer_norm",
        "normalization",
        X,
        integers(
            "normalized_shape",
            scalar=False,
            suggested=(4,),
            help="The sizes of the last dimensions, over which it normalizes.",
        ),
        real("eps", 1e-5, minimum=0.0),
        words="layer normalization without weights",
    ),
    op(
        F + "rms_norm",
        "normalization",
        X,
        integers(
            "normalized_shape",
            scalar=False,
            suggested=(4,),
            help="The sizes of the last dimensions, over which it normalizes.",
        ),
        real("eps", None, minimum=0.0),
        words="root mean square normalization",
    ),
    op(
        F + "interpolate",
        "vision",
        X,
        integers("size", None),
        _SCALE,
        choice(
            "mode",
            "nearest",
            _MODES,
            help="The algorithm: nearest, linear (3-D input), bilinear or bicubic (4-D), trilinear (5-D), area.",
        ),
        flag(
            "align_corners",
            None,
            help="Aligns the centres of the corner pixels of input and output (linear modes).",
        ),
        one_of=(("size", "scale_factor"),),
        words="resize, upsample, upscale, downsample, zoom",
        feeds=_IMAGE,
    ),
    op(
        F + "pad",
        "padding",
        X,
        integers(
            "pad",
            minimum=-LARGEST_SIZE,
            maximum=LARGEST_SIZE,
            scalar=False,
            suggested=(1, 1),
            help="How much is added before and after, from the last dimension to the first.",
        ),
        choice(
            "mode",
            "constant",
            "constant reflect replicate circular",
            help="What the padding is filled with.",
        ),
        real("value", None, help="The number a constant padding is filled with; 0 when left out."),
        words="padding, border, zero padding",
    ),
    op(
        F + "pixel_shuffle",
        "vision",
        X,
        integer("upscale_factor", suggested=2),
        words="super resolution, depth to space, sub-pixel",
        feeds=_IMAGE,
    ),
    op(
        F + "pixel_unshuffle",
        "vision",
        X,
        integer("downscale_factor", suggested=2),
        help="Reverses the PixelShuffle operation.",
        words="space to depth",
        feeds=_IMAGE,
    ),
    op(
        F + "unfold",
        "vision",
        X,
        integers("kernel_size", suggested=2, length=2, help="The size of the blocks."),
        integers("dilation", 1, length=2, help="Spacing between the elements of a block."),
        integers("padding", 0, length=2, minimum=0, maximum=LARGEST_SIZE),
        integers("stride", 1, length=2),
        words="patches, im2col, sliding windows",
        help="Extracts sliding local blocks from a batched input tensor.",
        feeds=_IMAGE,
    ),
    op(
        F + "grid_sample",
        "vision",
        X,
        Port("grid"),
        choice("mode", "bilinear", "bilinear nearest bicubic"),
        choice("padding_mode", "zeros", "zeros border reflection"),
        flag(
            "align_corners",
            None,
            suggested=False,
            help="Whether -1 and 1 are the centres of the corner pixels, or their outer edges.",
        ),
        words="warp, spatial transformer, resample",
        help="Samples the input at the places a grid gives.",
        feeds={**_IMAGE, "grid": Feed((2, 5, 5, 2))},
    ),
    op(
        F + "one_hot",
        "embedding",
        X,
        integer(
            "num_classes",
            -1,
            suggested=10,
            help="How many classes there are; torch's -1 (look at the data) needs the values, so give it.",
        ),
        help="Turns class numbers into vectors with a single 1, at the place of the class.",
        words="indicator, categorical, dummy variables",
        feeds={"input": Feed((2, 3), "int64")},
    ),
    op(
        F + "cosine_similarity",
        "distance",
        Port("x1"),
        Port("x2"),
        dim(1),
        real("eps", 1e-8, minimum=0.0),
        words="angle, siamese, similarity",
    ),
    op(
        F + "pairwise_distance",
        "distance",
        Port("x1"),
        Port("x2"),
        real("p", 2.0, help="The order of the norm."),
        real("eps", 1e-6, minimum=0.0),
        flag("keepdim"),
        words="euclidean distance, siamese",
        help="The distance between two tensors' vectors, row by row.",
    ),
    op(
        "torch.cdist",
        "distance",
        Port("x1"),
        Port("x2"),
        real("p", 2.0, minimum=0.0, help="The order of the norm."),
        words="distance matrix, all pairs, rbf",
        help="The distance between each pair of the rows of two collections.",
    ),
    op(
        F + "scaled_dot_product_attention",
        "transformer",
        Port("query"),
        Port("key"),
        Port("value"),
        Port("attn_mask", optional=True),
        real(
            "dropout_p",
            0.0,
            training_only=True,
            help="The share of attention weights dropped while training.",
        ),
        flag("is_causal"),
        real(
            "scale",
            None,
            help="The factor before the softmax; one over the square root of the last size when left out.",
        ),
        flag(
            "enable_gqa",
            help="Whether several heads of the query share one head of key and value (grouped queries).",
        ),
        words="attention, sdpa, gqa, grouped query attention, flash attention, self attention, qkv",
        help="Computes scaled dot product attention on query, key and value tensors.",
        feeds={name: Feed((2, 2, 3, 4)) for name in ("query", "key", "value")},
    ),
)
