"""The modules of torch.nn that are not in the catalogue, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "a loss: it is chosen on the Train page, where the targets are": (
            "AdaptiveLogSoftmaxWithLoss BCELoss BCEWithLogitsLoss CTCLoss CosineEmbeddingLoss "
            "CrossEntropyLoss GaussianNLLLoss HingeEmbeddingLoss HuberLoss KLDivLoss L1Loss "
            "LinearCrossEntropyLoss MSELoss MarginRankingLoss MultiLabelMarginLoss "
            "MultiLabelSoftMarginLoss MultiMarginLoss NLLLoss NLLLoss2d PoissonNLLLoss SmoothL1Loss "
            "SoftMarginLoss TripletMarginLoss TripletMarginWithDistanceLoss"
        ),
        "an abstract base: it computes nothing by itself": "Module RNNBase RNNCellBase",
        "a container: a block of the graph takes its place": (
            "Container ModuleDict ModuleList ParameterDict ParameterList Sequential"
        ),
        "lazy: in_features and its kin are inferred for every layer here": (
            "LazyBatchNorm1d LazyBatchNorm2d LazyBatchNorm3d LazyConv1d LazyConv2d LazyConv3d "
            "LazyConvTranspose1d LazyConvTranspose2d LazyConvTranspose3d LazyInstanceNorm1d "
            "LazyInstanceNorm2d LazyInstanceNorm3d LazyLinear"
        ),
        "for several devices: it wraps a whole model, or runs only on a GPU": (
            "DataParallel SyncBatchNorm"
        ),
        "undocumented and replaced by LocalResponseNorm": "CrossMapLRN2d",
    }
)

EXCLUDED: Final[Mapping[str, str]] = MappingProxyType(
    {name: reason for reason, names in _REASONS.items() for name in names.split()}
)
"""Class name → why it is left out."""
