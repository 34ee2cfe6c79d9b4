"""The layer that does exactly what an operation does, so that nn.Sequential can hold it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod

from builder.graph.model import Argument, Literals, Node, TensorSpec
from builder.graph.report import NodeReport


@dataclass(frozen=True, slots=True)
class Counterpart:
    """A layer that does exactly what an operation does.

    `arguments` to copy: the operation's name → the layer's. `fixed`: what the layer is given beside
    them, unless the operation has it.
    """

    key: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, Literals] = field(default_factory=dict)


def _layer(name: str, arguments: str = "", **fixed: Literals) -> Counterpart:
    return Counterpart(f"torch.nn.{name}", {n: n for n in arguments.split()}, fixed)


_F = "torch.nn.functional."
_MAX = "kernel_size stride padding dilation ceil_mode"
_AVERAGE = "kernel_size stride padding ceil_mode count_include_pad"

COUNTERPARTS: Mapping[str, Counterpart] = {
    "torch.flatten": _layer("Flatten", "start_dim end_dim", start_dim=0, end_dim=-1),
    "torch.unflatten": Counterpart(
        "torch.nn.Unflatten", {"dim": "dim", "sizes": "unflattened_size"}
    ),
    "torch.sigmoid": _layer("Sigmoid"),
    "torch.tanh": _layer("Tanh"),
    f"{_F}relu": _layer("ReLU"),
    f"{_F}relu6": _layer("ReLU6"),
    f"{_F}gelu": _layer("GELU", "approximate"),
    f"{_F}silu": _layer("SiLU"),
    f"{_F}mish": _layer("Mish"),
    f"{_F}elu": _layer("ELU", "alpha"),
    f"{_F}selu": _layer("SELU"),
    f"{_F}celu": _layer("CELU", "alpha"),
    f"{_F}leaky_relu": _layer("LeakyReLU", "negative_slope"),
    f"{_F}softplus": _layer("Softplus", "beta threshold"),
    f"{_F}softsign": _layer("Softsign"),
    f"{_F}hardtanh": _layer("Hardtanh", "min_val max_val"),
    f"{_F}hardswish": _layer("Hardswish"),
    f"{_F}hardsigmoid": _layer("Hardsigmoid"),
    f"{_F}tanhshrink": _layer("Tanhshrink"),
    f"{_F}logsigmoid": _layer("LogSigmoid"),
    f"{_F}glu": _layer("GLU", "dim"),
    f"{_F}softmax": _layer("Softmax", "dim"),
    f"{_F}log_softmax": _layer("LogSoftmax", "dim"),
    f"{_F}softmin": _layer("Softmin", "dim"),
    f"{_F}dropout": _layer("Dropout", "p"),
    f"{_F}dropout1d": _layer("Dropout1d", "p"),
    f"{_F}dropout2d": _layer("Dropout2d", "p"),
    f"{_F}alpha_dropout": _layer("AlphaDropout", "p"),
    f"{_F}max_pool1d": _layer("MaxPool1d", _MAX),
    f"{_F}max_pool2d": _layer("MaxPool2d", _MAX),
    f"{_F}avg_pool1d": _layer("AvgPool1d", _AVERAGE),
    f"{_F}avg_pool2d": _layer("AvgPool2d", _AVERAGE),
    f"{_F}adaptive_avg_pool1d": _layer("AdaptiveAvgPool1d", "output_size"),
    f"{_F}adaptive_avg_pool2d": _layer("AdaptiveAvgPool2d", "output_size"),
    f"{_F}adaptive_max_pool1d": _layer("AdaptiveMaxPool1d", "output_size"),
    f"{_F}adaptive_max_pool2d": _layer("AdaptiveMaxPool2d", "output_size"),
    f"{_F}interpolate": _layer("Upsample", "size scale_factor mode align_corners"),
    f"{_F}pixel_shuffle": _layer("PixelShuffle", "upscale_factor"),
    f"{_F}pixel_unshuffle": _layer("PixelUnshuffle", "downscale_factor"),
    f"{_F}unfold": _layer("Unfold", "kernel_size dilation padding stride"),
    f"{_F}layer_norm": _layer("LayerNorm", "normalized_shape eps", elementwise_affine=False),
    f"{_F}rms_norm": _layer("RMSNorm", "normalized_shape eps", elementwise_affine=False),
}
"""Operations that nn.Sequential can hold as a layer, with exactly the same result."""

_FLATTEN = _layer("Flatten")
_RESHAPES = frozenset({"torch.Tensor.view", "torch.reshape"})
_PADDINGS = {
    "constant": "ConstantPad",
    "reflect": "ReflectionPad",
    "replicate": "ReplicationPad",
    "circular": "CircularPad",
}


def counterpart_of(node: Node, known: NodeReport | None) -> Counterpart | None:
    """The layer that stands for an operation; `known`: its shapes, which prove a view a flatten."""
    if node.target in _RESHAPES:
        return _FLATTEN if known is not None and _flattens(known) else None
    return COUNTERPARTS.get(node.target)


def copied(counterpart: Counterpart, given: Mapping[str, Argument]) -> dict[str, Argument]:
    """The layer's arguments, from what the operation is given."""
    named = {layer: given[name] for name, layer in counterpart.arguments.items() if name in given}
    return {**counterpart.fixed, **named}


def similar_layer(node: Node) -> str | None:
    """The layer to take in place of an operation that has one, though none of the same arguments."""
    pad, mode = node.arguments.get("pad"), node.arguments.get("mode", "constant")
    if node.target != f"{_F}pad" or not isinstance(pad, tuple) or len(pad) not in (2, 4, 6):
        return None
    name = _PADDINGS.get(str(mode))
    return f"nn.{name}{len(pad) // 2}d" if name is not None else None


def _flattens(known: NodeReport) -> bool:
    """Whether a result is its input with all sizes but the first as one, whatever the batch."""
    taken, given = known.inputs.get("input"), known.result
    if not isinstance(taken, TensorSpec) or not isinstance(given, TensorSpec):
        return False
    rest = [size for size in taken.shape[1:] if isinstance(size, int)]
    if not rest or len(rest) != len(taken.shape) - 1:
        return False
    return given.shape == (taken.shape[0], prod(rest))
