"""What the axes of a weight count, in the words of the layer's own arguments: out_features, in_features."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_CONVOLUTION: Final = re.compile(r"(Lazy)?Conv(Transpose)?([123])d")
_NORMALIZATION: Final = re.compile(r"(Lazy)?(BatchNorm[123]d|InstanceNorm[123]d|SyncBatchNorm)")
_KERNEL: Final = {
    "1": ("kernel width",),
    "2": ("kernel height", "kernel width"),
    "3": ("kernel depth", "kernel height", "kernel width"),
}
_GATES: Final = {
    "LSTM": "4·hidden_size: gates i, f, g, o",
    "LSTMCell": "4·hidden_size: gates i, f, g, o",
    "GRU": "3·hidden_size: gates r, z, n",
    "GRUCell": "3·hidden_size: gates r, z, n",
    "RNN": "hidden_size",
    "RNNCell": "hidden_size",
}
_KNOWN: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("Linear", "weight"): ("out_features", "in_features"),
    ("Linear", "bias"): ("out_features",),
    ("Bilinear", "weight"): ("out_features", "in1_features", "in2_features"),
    ("Bilinear", "bias"): ("out_features",),
    ("Embedding", "weight"): ("num_embeddings", "embedding_dim"),
    ("EmbeddingBag", "weight"): ("num_embeddings", "embedding_dim"),
    ("GroupNorm", "weight"): ("num_channels",),
    ("GroupNorm", "bias"): ("num_channels",),
    ("PReLU", "weight"): ("num_parameters",),
}
# Inside attention and Transformer layers, by the end of the name.
_ATTENTION: Final[Mapping[str, tuple[str, ...]]] = {
    "in_proj_weight": ("3·embed_dim: query, key, value", "embed_dim"),
    "in_proj_bias": ("3·embed_dim: query, key, value",),
    "q_proj_weight": ("embed_dim", "embed_dim"),
    "k_proj_weight": ("embed_dim", "kdim"),
    "v_proj_weight": ("embed_dim", "vdim"),
    "out_proj.weight": ("embed_dim: out", "embed_dim: in"),
    "out_proj.bias": ("embed_dim",),
    "linear1.weight": ("dim_feedforward", "d_model"),
    "linear1.bias": ("dim_feedforward",),
    "linear2.weight": ("d_model", "dim_feedforward"),
    "linear2.bias": ("d_model",),
}


def axis_names(kind: str, parameter: str, ndim: int, *, grouped: bool = False) -> tuple[str, ...]:
    """One name an axis of a weight; "axis 0", "axis 1" … where torch has no word for it.

    `kind`: torch's class ("Conv2d"). `parameter`: its name inside the layer ("weight", "bias_hh_l0").
    `grouped`: of a convolution, whether its `groups` are more than one.
    Source: docs.pytorch.org, "Variables" of each layer.
    """
    found = _named(kind, parameter)
    if not grouped:
        found = tuple(name.removesuffix(" / groups") for name in found)
    return found if len(found) == ndim else tuple(f"axis {i}" for i in range(ndim))


def _named(kind: str, parameter: str) -> tuple[str, ...]:
    kind = kind.removeprefix("Lazy")
    if (kind, parameter) in _KNOWN:
        return _KNOWN[kind, parameter]
    if match := _CONVOLUTION.fullmatch(kind):
        if parameter == "bias":
            return ("out_channels",)
        ends = ("out_channels", "in_channels / groups")
        if match[2]:
            ends = ("in_channels", "out_channels / groups")
        return (*ends, *_KERNEL[match[3]])
    if _NORMALIZATION.fullmatch(kind):
        return ("num_features",)
    if kind in _GATES:
        if parameter.startswith("weight_hr"):
            return ("proj_size", "hidden_size")
        columns = "input_size" if re.fullmatch(r"weight_ih(_l0.*)?", parameter) else "hidden_size"
        if parameter.startswith("weight_ih_l") and not parameter.startswith("weight_ih_l0"):
            columns = "hidden_size of the layer below"
        return (_GATES[kind], columns) if parameter.startswith("weight") else (_GATES[kind],)
    for ending, names in _ATTENTION.items():
        if parameter == ending or parameter.endswith(f".{ending}"):
            return names
    return ()
