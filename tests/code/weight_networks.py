"""Networks that own tensors without a layer, tie weights, or read a layer's weight."""

from __future__ import annotations

from builder.graph.model import Argument, Calc, Graph, Node, Owner, Ref, Setting, Size, Slice
from tests.code.networks import Net

STRANGE = """\
import math

import torch
from torch import nn


class Strange(nn.Module):
    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor * math.pi))

    def forward(self, x: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
        return eval("x * self.factor + shift")
"""


def first_way() -> Graph:
    """Seed 001's first way: weights and biases by hand, and products of matrices."""
    net = Net("FirstWay")
    x = net.input("x", "N", 2)
    w1 = net.tensor("w1", "parameter", 2, 8, init="normal")
    b1 = net.tensor("b1", "parameter", 8, init="zeros")
    x = net.op("add1", "operator.add", net.op("mm1", "operator.matmul", x, w1), b1)
    x = net.op("act", "torch.tanh", x)
    w2 = net.tensor("w2", "parameter", 8, 1, init="normal")
    b2 = net.tensor("b2", "parameter", 1, init="zeros")
    x = net.op("add2", "operator.add", net.op("mm2", "operator.matmul", x, w2), b2)
    net.output(x)
    return net.graph()


def vit() -> Graph:
    """A small ViT: a class token in front of the patches, and learned positions."""
    net = Net("ViT")
    images = net.input("images", "N", 3, 16, 16)
    x = net.layer("patch", "Conv2d", images, out_channels=32, kernel_size=4, stride=4)
    x = net.op("flat", "torch.flatten", x, start_dim=2)
    x = net.op("tokens", "torch.transpose", x, dim0=1, dim1=2)
    cls = net.tensor("cls_token", "parameter", 1, 1, 32, init="zeros")
    first = net.op("cls", "torch.Tensor.expand", cls, sizes=(Size(x, 0), -1, -1))
    joined = Ref("joined")
    net.op("joined", "torch.cat", dim=1, tensors=(first, x))
    pos = net.tensor("pos_embed", "parameter", 1, 17, 32, init="trunc_normal", std=0.02)
    x = net.op("placed", "operator.add", joined, pos)
    x = net.layer("encoder", "TransformerEncoderLayer", x, d_model=32, nhead=4, batch_first=True)
    x = net.op("chosen", "operator.getitem", x, index=(Slice(), 0))
    net.output(net.layer("head", "Linear", x, out_features=10))
    return net.graph()


def gpt() -> Graph:
    """Word vectors that are the weights of the last layer too."""
    net = Net("GPT")
    tokens = net.input("tokens", "N", 12, dtype="int64")
    x = net.layer("emb", "Embedding", tokens, num_embeddings=50, embedding_dim=16)
    x = net.layer("norm", "LayerNorm", x, normalized_shape=(16,))
    net.output(net.layer("head", "Linear", x, out_features=50, bias=False))
    net.tie("head", "weight", "emb", "weight")
    return net.graph()


def transposed() -> Graph:
    """An autoencoder that goes back through the weight of its encoder, transposed."""
    net = Net("Tied")
    x = net.input("x", "N", 12)
    h = net.layer("encoder", "Linear", x, out_features=5)
    back = net.op("back", "operator.matmul", h, net.weight("encoder", "weight"))
    net.output(back)
    return net.graph()


def scaled_block() -> Graph:
    """A block with a tensor whose size is a setting, called twice with weights of its own."""
    block = Net("Scale", width=6)
    x = block.input("x", "N", 6)
    gain = block.tensor("gain", "parameter", Setting("width"), init="ones")
    kept = block.tensor("offset", "buffer", Setting("width"), init="constant", value=0.5)
    x = block.op("scaled", "operator.mul", x, gain)
    block.output(block.op("moved", "operator.add", x, kept))
    net = Net("Scaled")
    x = net.input("x", "N", 6)
    x = net.block("first", block.graph(), x, width=6)
    x = net.layer("fc", "Linear", x, out_features=4)
    x = net.block("second", block.graph(), x, width=4)
    deep = net.weight("second", "gain")
    net.output(net.op("again", "operator.mul", x, deep))
    return net.graph()


def kept() -> Graph:
    """A layer that is made and never called, one that only its weight is read of, and buffers."""
    net = Net("Kept", width=4)
    x = net.input("x", "N", 4)
    net.owners["unused"] = Owner(
        "unused", "unused", "torch.nn.Linear", {"in_features": 3, "out_features": 2}, frozen=True
    )
    net.owners["core"] = Owner(
        "core", "core", "torch.nn.Linear", {"in_features": 4, "out_features": 4, "bias": False}
    )
    x = net.op("product", "operator.matmul", x, net.weight("core", "weight"))
    steps = net.tensor("steps", "buffer", init="zeros", dtype="int64", persistent=False)
    x = net.op("counted", "operator.add", x, steps)
    eye = net.tensor("eye", "buffer", Setting("width"), Setting("width"), init="eye")
    x = net.op("turned", "operator.matmul", x, eye)
    still = net.tensor(
        "still", "parameter", Calc("*", Setting("width"), 1), init="uniform", requires_grad=False
    )
    net.output(net.op("sum", "operator.add", x, still))
    return net.graph()


def opaque(*gives: str) -> Graph:
    """A layer of own code between two of torch's."""
    net = Net("Own")
    x = net.input("x", "N", 4)
    h = net.layer("fc", "Linear", x, out_features=3)
    given: dict[str, Argument] = {
        "source": STRANGE,
        "call": "Strange(2.0)",
    }
    if gives:
        given["gives"] = gives
    net.owners["strange"] = Owner("strange", "strange", "opaque", given)
    net.nodes["strange"] = Node("strange", "layer", "", "strange", {"x": h, "shift": h})
    y = Ref("strange")
    net.output(net.layer("head", "Linear", y, out_features=2))
    return net.graph()


NETWORKS = {
    "first_way": first_way,
    "vit": vit,
    "gpt": gpt,
    "transposed": transposed,
    "scaled_block": scaled_block,
    "kept": kept,
}
"""Those that can be run."""
