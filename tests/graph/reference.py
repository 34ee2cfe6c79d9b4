"""Networks of real size that the canvas, the picture and the folds are measured with.

ResNet-18 is torchvision's, layer by layer; the transformer is written flat, as an import gives it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from builder.gallery import project
from builder.graph.model import Graph, Ref
from tests.graph.sound_networks import Net


def resnet18(classes: int = 1000) -> Graph:
    """torchvision's resnet18, flat: 11.7 million parameters.

    Source: github.com/pytorch/vision, torchvision/models/resnet.py
    """
    net = Net("N", 3, 224, 224)
    net.layer("conv1", "Conv2d", out_channels=64, kernel_size=7, stride=2, padding=3, bias=False)
    net.layer("bn1", "BatchNorm2d")
    net.layer("relu", "ReLU")
    net.layer("maxpool", "MaxPool2d", kernel_size=3, stride=2, padding=1)
    for stage, channels in enumerate((64, 128, 256, 512), 1):
        for block in range(2):
            _basic_block(
                net, f"layer{stage}_{block}", channels, 2 if stage > 1 and not block else 1
            )
    net.layer("avgpool", "AdaptiveAvgPool2d", output_size=1)
    net.layer("flatten", "Flatten")
    net.layer("fc", "Linear", out_features=classes)
    return replace(net.done(), name="ResNet18")


def _basic_block(net: Net, name: str, channels: int, stride: int) -> None:
    came_in = net.last
    size: dict[str, Any] = {"kernel_size": 3, "padding": 1, "bias": False}
    net.layer(f"{name}_conv1", "Conv2d", out_channels=channels, stride=stride, **size)
    net.layer(f"{name}_bn1", "BatchNorm2d")
    net.layer(f"{name}_relu1", "ReLU")
    net.layer(f"{name}_conv2", "Conv2d", out_channels=channels, **size)
    went = net.layer(f"{name}_bn2", "BatchNorm2d")
    if stride > 1:
        shortcut = {"kernel_size": 1, "stride": stride, "bias": False}
        net.layer(f"{name}_down", "Conv2d", came_in, out_channels=channels, **shortcut)
        came_in = net.layer(f"{name}_downbn", "BatchNorm2d")
    net.op(f"{name}_add", "operator.add", input=went, other=came_in)
    net.layer(f"{name}_relu2", "ReLU")


def unet() -> Graph:
    """The gallery's U-Net."""
    return project("unet").graph


def transformer(layers: int = 12, width: int = 64, tokens: int = 32) -> Graph:
    """A pre-norm encoder, each of its layers written out: 9 nodes a layer."""
    net = Net("N", tokens, width)
    for i in range(layers):
        came_in = net.last
        normed = net.layer(f"norm{i}a", "LayerNorm", normalized_shape=width)
        net.owns(f"attention{i}", "MultiheadAttention", num_heads=4, batch_first=True)
        net.call(f"attention{i}", f"attention{i}", query=normed, key=normed, value=normed)
        attended = net.layer(f"dropout{i}a", "Dropout", Ref(f"attention{i}", (0,)), p=0.1)
        middle = net.op(f"add{i}a", "operator.add", input=came_in, other=attended)
        net.layer(f"norm{i}b", "LayerNorm", normalized_shape=width)
        net.layer(f"up{i}", "Linear", out_features=4 * width)
        net.layer(f"gelu{i}", "GELU")
        net.layer(f"down{i}", "Linear", out_features=width)
        net.op(f"add{i}b", "operator.add", input=middle, other=net.last)
    net.layer("norm", "LayerNorm", normalized_shape=width)
    return replace(net.done(), name="Transformer")


def chain(layers: int, width: int = 16) -> Graph:
    """Linear and ReLU in turn: fc0, relu1, fc2, …"""
    net = Net("N", width)
    for i in range(layers):
        if i % 2:
            net.layer(f"relu{i}", "ReLU")
        else:
            net.layer(f"fc{i}", "Linear", out_features=width)
    return replace(net.done(), name="Chain")
