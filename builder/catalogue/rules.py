"""What is true of a parameter by its name, in whichever layer it stands.

Torch's signatures say the type; they do not say that a kernel has at least one element, which sizes
come from the input, or what a newly added layer may start with.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from builder.catalogue.entry import Family

LARGEST_SIZE: Final = 2**31 - 1
"""The largest size a form accepts. Whether a machine can hold it is worked out from the shapes."""
MOST_DIMENSIONS: Final = 64
"""Torch's tensors have at most 64 dimensions."""

_COUNT = {"minimum": 1, "maximum": LARGEST_SIZE}
_DIMENSION = {"minimum": -MOST_DIMENSIONS, "maximum": MOST_DIMENSIONS - 1}
_SHARE = {"minimum": 0.0, "maximum": 1.0}

RANGES: Final[Mapping[str, Mapping[str, float]]] = MappingProxyType(
    {
        **dict.fromkeys(("in_features", "out_features", "in1_features", "in2_features", "in_channels", "out_channels", "num_channels", "num_features", "num_groups", "num_parameters", "num_embeddings", "embedding_dim", "embed_dim", "input_size", "hidden_size", "kdim", "vdim", "d_model", "dim_feedforward", "normalized_shape", "kernel_size", "stride", "dilation", "groups", "output_size", "upscale_factor", "downscale_factor", "size", "num_layers", "num_encoder_layers", "num_decoder_layers", "nhead", "num_heads", "chunks", "num_classes", "repeats", "split_size"), _COUNT),
        **{
            name: {"minimum": 0, "maximum": LARGEST_SIZE}
            for name in ("output_padding", "proj_size")
        },
        **dict.fromkeys(("dropout", "dropout_p", "momentum", "output_ratio"), _SHARE),
        **{name: {"minimum": 0.0} for name in ("eps", "layer_norm_eps", "lambd", "scale_factor")},
        **dict.fromkeys(("dim", "start_dim", "end_dim", "dims", "dim0", "dim1", "source", "destination"), _DIMENSION),
    }
)  # fmt: skip
"""The range of a number, or of each number of a tuple, by the parameter's name."""

INFERRED_AXES: Final[Mapping[str, int]] = MappingProxyType(
    {
        "in_features": -1,
        "input_size": -1,
        "d_model": -1,
        "embed_dim": -1,
        "normalized_shape": -1,
        "in_channels": 1,
        "num_features": 1,
        "num_channels": 1,
    }
)
"""Which size of the first input a parameter is, for batched input (axis 1 is the channels)."""

SUGGESTED: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "out_features": 64,
        "out_channels": 16,
        "kernel_size": 3,
        "hidden_size": 64,
        "num_embeddings": 1000,
        "embedding_dim": 64,
        "num_heads": 4,
        "nhead": 4,
        "num_layers": 2,
        "num_groups": 1,  # divides any number of channels
        "groups": 2,
        "output_size": 1,
        "upscale_factor": 2,
        "downscale_factor": 2,
        "padding": 1,
        "value": 0.0,
        "threshold": 0.0,
        "norm_type": 2.0,
        "size": 5,
        # Torch's default reads (sequence, batch, features); nearly every model here has the batch
        # first. A new layer starts with True; a left-out value still means torch's False.
        "batch_first": True,
    }
)
"""What a newly added layer starts with, where torch has no default (or one that surprises)."""

FAMILY_RANGES: Final[Mapping[tuple[Family, str], Mapping[str, float]]] = MappingProxyType(
    {
        ("convolution", "padding"): {"minimum": 0, "maximum": LARGEST_SIZE},
        ("pooling", "padding"): {"minimum": 0, "maximum": LARGEST_SIZE},
        ("vision", "padding"): {"minimum": 0, "maximum": LARGEST_SIZE},
        ("dropout", "p"): _SHARE,
        ("distance", "p"): {"minimum": 0.0},
        ("embedding", "norm_type"): {"minimum": 0.0},
        ("embedding", "max_norm"): {"minimum": 0.0},
        ("pooling", "norm_type"): {"minimum": 0.0},
    }
)
"""Ranges that hold in one family only: a negative padding crops in ZeroPad2d, and is an error here."""

FAMILY_SUGGESTED: Final[Mapping[tuple[Family, str], Any]] = MappingProxyType(
    {("pooling", "kernel_size"): 2}
)
"""Suggestions that hold in one family only."""

HIDDEN: Final = frozenset({"device", "dtype"})
"""Constructor arguments that are the whole model's matter, not one layer's."""

WORDING: Final[Mapping[str, str]] = MappingProxyType(
    {
        "bias": "Adds a learnable bias to the output.",
        "inplace": "Does the operation in place, without a tensor of its own.",
        "eps": "A small value added for numerical stability.",
        "dim": "The dimension along which it is computed.",
        "keepdim": "Keeps the reduced dimension, with size 1.",
        "return_indices": "Returns the indices of the maxima too, as MaxUnpool needs them.",
        "ceil_mode": "Rounds the output size up instead of down.",
        "padding_mode": "What the padding is filled with.",
        "output_size": "The size of the output.",
        "stride": "The step of the window.",
        "padding": "How much is added on each side.",
        "affine": "Gives the layer learnable scale and bias.",
        "num_parameters": "How many slopes are learned: 1, or one per channel.",
        "upscale_factor": "The factor by which height and width grow.",
        "downscale_factor": "The factor by which height and width shrink.",
        "norm_type": "The order of the norm.",
        "value": "The number the padding is filled with.",
        "track_running_stats": (
            "If True, the layer tracks the running mean and variance and uses them in evaluation."
        ),
        "padding_idx": "The vector at this index stays as it is: it gets no gradient.",
        "average_attn_weights": "Averages the attention weights over the heads.",
    }
)
"""What a parameter does, where its docstring does not say, or not in a sentence."""

_CAUSAL: Final = (
    "Says that the mask which is given is causal, for speed; it does not replace the mask."
)

CORRECTED: Final[Mapping[str, str]] = MappingProxyType(
    {
        # The docs read as if the mask were made; without one torch refuses.
        "is_causal": _CAUSAL,
        "src_is_causal": _CAUSAL,
        "tgt_is_causal": _CAUSAL,
        "memory_is_causal": _CAUSAL,
    }
)
"""What a parameter of a layer does, where its docstring misleads."""
