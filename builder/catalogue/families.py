"""The families of layers and operations: their titles, in the order a palette shows them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from builder.catalogue.entry import Family

FAMILIES: Final[Mapping[Family, str]] = MappingProxyType(
    {
        "linear": "Linear",
        "convolution": "Convolution",
        "pooling": "Pooling",
        "activation": "Activation",
        "normalization": "Normalization",
        "dropout": "Dropout",
        "recurrent": "Recurrent",
        "transformer": "Transformer and attention",
        "embedding": "Embedding",
        "shape": "Shape",
        "merge": "Merge and split",
        "arithmetic": "Arithmetic",
        "reduction": "Reduction",
        "vision": "Vision",
        "padding": "Padding",
        "distance": "Distance",
        "other": "Other",
    }
)

MODULE_FAMILIES: Final[Mapping[str, Family]] = MappingProxyType(
    {
        "activation": "activation",
        "batchnorm": "normalization",
        "channelshuffle": "vision",
        "conv": "convolution",
        "distance": "distance",
        "dropout": "dropout",
        "flatten": "shape",
        "fold": "vision",
        "instancenorm": "normalization",
        "linear": "linear",
        "normalization": "normalization",
        "padding": "padding",
        "pixelshuffle": "vision",
        "pooling": "pooling",
        "rnn": "recurrent",
        "sparse": "embedding",
        "transformer": "transformer",
        "upsampling": "vision",
    }
)
"""The family of a layer by the file of torch.nn.modules it is defined in; overrides may differ."""
