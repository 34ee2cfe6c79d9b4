"""Networks with weights that are computed from others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from builder.graph.model import Graph, Norm, Ref
from tests.code.networks import Net

KINDS = (
    "weight_norm",
    "spectral_norm",
    "parametrizations.weight_norm",
    "parametrizations.spectral_norm",
    "parametrizations.orthogonal",
)
"""Torch's functions, behind torch.nn.utils."""


def norm(kind: str, **arguments: Any) -> Norm:
    """How a weight is computed."""
    return Norm(f"torch.nn.utils.{kind}", arguments)


def discriminator(kind: str = "spectral_norm") -> Graph:
    """Two convolutions and a linear layer, all normalized: a chain."""
    net = Net("Discriminator")
    x = net.input("image", "N", 3, 8, 8)
    x = net.layer("conv1", "Conv2d", x, out_channels=4, kernel_size=3)
    x = net.layer("act1", "LeakyReLU", x)
    x = net.layer("conv2", "Conv2d", x, out_channels=6, kernel_size=3, stride=2)
    x = net.layer("flat", "Flatten", x)
    x = net.layer("fc", "Linear", x, out_features=1)
    for owner in ("conv1", "conv2", "fc"):
        net.norm(owner, kind)
    net.output(x)
    return net.graph()


def residual(kind: str = "weight_norm") -> Graph:
    """A block with a normalized convolution, repeated, and a frozen one called twice: no chain."""
    block = Net("Block")
    x = block.input("x", "N", 4, 10)
    h = block.layer("conv", "Conv1d", x, out_channels=4, kernel_size=3, padding=1)
    block.norm("conv", kind)
    block.output(block.op("sum", "operator.add", x, block.layer("act", "ReLU", h)))
    net = Net("Residual")
    x = net.input("steps", "N", 4, 10)
    x = net.block("stage", block.graph(), x, repeat=3)
    x = net.layer("shared", "Linear", x, out_features=10, bias=False)
    net.norm("shared", kind)
    x = net.again("shared", net.layer("act", "ReLU", x))
    net.output(net.op("total", "operator.add", x, x))
    return net.graph()


def recurrent() -> Graph:
    """Two weights of one layer, with arguments of their own."""
    net = Net("Recurrent")
    x = net.layer("lstm", "LSTM", net.input("x", "N", 7, 3), hidden_size=5, batch_first=True)
    net.norm("lstm", "weight_norm", name="weight_hh_l0")
    net.norm("lstm", "weight_norm", name="weight_ih_l0", dim=1)
    net.output(Ref(x.node, (0,)))
    return net.graph()


NETWORKS: Mapping[str, Callable[[], Graph]] = {
    **{f"discriminator {kind}": partial(discriminator, kind) for kind in KINDS},
    **{f"residual {kind}": partial(residual, kind) for kind in KINDS},
    "recurrent": recurrent,
}
