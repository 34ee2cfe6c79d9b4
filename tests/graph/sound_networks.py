"""Networks without a fault, which the tests of checks and repairs break in many ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from builder.graph.model import Graph, Node, Owner, Ref, Size, Slice, TensorSpec


class Net:
    """Collects nodes in order; each call reads the last one unless told otherwise."""

    def __init__(self, *shape: int | str, dtype: str = "float32") -> None:
        spec = TensorSpec(shape, dtype)
        self.nodes = {"x": Node("x", "input", "x", spec=spec)}
        self.owners: dict[str, Owner] = {}
        self.last = Ref("x")

    def layer(self, name: str, kind: str, reads: Ref | None = None, **arguments: Any) -> Ref:
        """A layer of torch.nn with one input."""
        self.owns(name, kind, **arguments)
        return self.call(name, name, input=reads or self.last)

    def owns(self, name: str, kind: str, **arguments: Any) -> None:
        """A layer that is not called yet."""
        self.owners[name] = Owner(name, name, f"torch.nn.{kind}", arguments)

    def call(self, name: str, owner: str, **arguments: Any) -> Ref:
        """A call of a layer, with its ports by name."""
        return self.node(Node(name, "layer", target=owner, arguments=arguments))

    def op(self, name: str, key: str, **arguments: Any) -> Ref:
        """An operation."""
        return self.node(Node(name, "operation", name, key, arguments))

    def node(self, node: Node) -> Ref:
        """Any node."""
        self.nodes[node.id] = node
        self.last = Ref(node.id)
        return self.last

    def done(self, **more: Any) -> Graph:
        """The graph, with an output that gives the last value."""
        self.nodes["out"] = Node("out", "output", "out", arguments={"value": self.last})
        return Graph("Model", self.nodes, self.owners, **more)


def mlp() -> Graph:
    """784-128-10 as in the tutorials."""
    net = Net("N", 1, 28, 28)
    net.layer("flatten", "Flatten")
    net.layer("fc1", "Linear", out_features=128)
    net.layer("relu1", "ReLU")
    net.layer("drop", "Dropout", p=0.2)
    net.layer("fc2", "Linear", out_features=64)
    net.layer("norm", "BatchNorm1d")
    net.layer("relu2", "ReLU")
    net.layer("head", "Linear", out_features=10)
    net.layer("softmax", "Softmax", dim=-1)
    return net.done()


def lenet() -> Graph:
    """Two convolutions with poolings, then three Linear."""
    net = Net("N", 1, 28, 28)
    net.layer("conv1", "Conv2d", out_channels=6, kernel_size=5, padding=2)
    net.layer("bn1", "BatchNorm2d")
    net.layer("relu1", "ReLU")
    net.layer("pool1", "MaxPool2d", kernel_size=2)
    net.layer("conv2", "Conv2d", out_channels=16, kernel_size=5)
    net.layer("relu2", "ReLU")
    net.layer("pool2", "AvgPool2d", kernel_size=2)
    net.layer("flatten", "Flatten")
    net.layer("fc1", "Linear", out_features=120)
    net.layer("relu3", "ReLU")
    net.layer("fc2", "Linear", out_features=84)
    net.layer("head", "Linear", out_features=10)
    return net.done()


def residual() -> Graph:
    """A residual block on pictures, then the mean of each channel."""
    net = Net("N", 3, 32, 32)
    net.layer("stem", "Conv2d", out_channels=16, kernel_size=3, padding=1)
    stem = net.layer("relu0", "ReLU")
    net.layer("conv1", "Conv2d", out_channels=16, kernel_size=3, padding=1)
    net.layer("bn1", "BatchNorm2d")
    net.layer("relu1", "ReLU")
    net.layer("conv2", "Conv2d", out_channels=16, kernel_size=3, padding=1)
    body = net.layer("gn", "GroupNorm", num_groups=4)
    net.op("add", "operator.add", input=body, other=stem)
    net.layer("pool", "AdaptiveAvgPool2d", output_size=1)
    net.layer("flatten", "Flatten")
    net.layer("head", "Linear", out_features=10)
    return net.done()


def lstm_classifier() -> Graph:
    """Tokens, an Embedding, an LSTM, its last step, a head."""
    net = Net("N", 20, dtype="int64")
    net.layer("embed", "Embedding", num_embeddings=1000, embedding_dim=32)
    net.layer("lstm", "LSTM", hidden_size=64, batch_first=True)
    net.op("last", "operator.getitem", input=Ref("lstm", (0,)), index=(Slice(), -1))
    net.layer("drop", "Dropout")
    net.layer("head", "Linear", out_features=4)
    return net.done()


def transformer() -> Graph:
    """An encoder layer, a MultiheadAttention, the mean over the sequence, a head."""
    net = Net("N", 12, dtype="int64")
    embedded = net.layer("embed", "Embedding", num_embeddings=100, embedding_dim=32)
    net.owns("encoder", "TransformerEncoderLayer", nhead=4, dim_feedforward=64, batch_first=True)
    encoded = net.call("encoder", "encoder", src=embedded)
    net.owns("attention", "MultiheadAttention", num_heads=2, batch_first=True)
    net.call("attention", "attention", query=encoded, key=encoded, value=encoded)
    net.op("skip", "operator.add", input=Ref("attention", (0,)), other=encoded)
    net.layer("norm", "LayerNorm")
    net.op("mean", "torch.mean", input=net.last, dim=1)
    net.layer("head", "Linear", out_features=3)
    return net.done()


def two_branches() -> Graph:
    """Two branches of convolutions, joined by cat, reshaped by view."""
    net = Net("N", 3, 16, 16)
    net.layer("left", "Conv2d", Ref("x"), out_channels=8, kernel_size=3, padding=1)
    left = net.layer("left_relu", "ReLU")
    net.layer("right", "Conv2d", Ref("x"), out_channels=4, kernel_size=5, padding=2)
    right = net.layer("right_relu", "ReLU")
    joined = net.op("cat", "torch.cat", tensors=(left, right), dim=1)
    net.layer("pool", "MaxPool2d", kernel_size=2)
    net.op("view", "torch.Tensor.view", input=net.last, shape=(Size(joined, 0), 12 * 8 * 8))
    net.layer("fc", "Linear", out_features=32)
    net.layer("relu", "ReLU")
    net.layer("head", "Linear", out_features=2)
    return net.done()


def decoder() -> Graph:
    """Pictures made smaller and larger again: MaxUnpool, ConvTranspose, PixelShuffle, Upsample."""
    net = Net("N", 3, 32, 32)
    net.layer("conv", "Conv2d", out_channels=8, kernel_size=3, padding=1, groups=1)
    net.layer("pool", "MaxPool2d", kernel_size=2, return_indices=True)
    net.layer(
        "mid", "Conv2d", Ref("pool", (0,)), out_channels=8, kernel_size=3, padding=1, groups=2
    )
    net.owns("unpool", "MaxUnpool2d", kernel_size=2)
    net.call("unpool", "unpool", input=net.last, indices=Ref("pool", (1,)))
    net.layer("up", "ConvTranspose2d", out_channels=12, kernel_size=2, stride=2)
    net.layer("shuffle", "PixelShuffle", upscale_factor=2)
    net.layer("grow", "Upsample", scale_factor=2.0, mode="bilinear")
    net.layer("instance", "InstanceNorm2d")
    net.layer("last", "Conv2d", out_channels=3, kernel_size=1)
    return net.done()


NETWORKS: Mapping[str, Callable[[], Graph]] = {
    f.__name__: f
    for f in (mlp, lenet, residual, lstm_classifier, transformer, two_branches, decoder)
}
