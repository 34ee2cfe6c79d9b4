"""How long pictures take, on networks larger than the gallery's: `python benchmarks/draw.py [DIR]`.

With a folder the pictures are written into it.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from builder.graph.model import Graph, Node, Owner, Ref, TensorSpec
from builder.graph.shapes import infer_shapes
from builder.inspection.drawing import draw


class Sketchpad:
    """Writes a graph down line by line."""

    def __init__(self, name: str, **inputs: tuple[int | str, ...]) -> None:
        self.name = name
        self.nodes = {k: Node(k, "input", k, spec=TensorSpec(v)) for k, v in inputs.items()}
        self.owners: dict[str, Owner] = {}
        self.blocks: dict[str, Graph] = {}
        self.last = next(iter(self.nodes))

    def layer(self, name: str, kind: str, source: str = "", repeat: int = 1, **given: Any) -> str:
        target = kind if kind.startswith("block:") else f"torch.nn.{kind}"
        port = "x" if kind.startswith("block:") else "input"
        if kind == "MultiheadAttention":
            reads = {p: Ref(source or self.last) for p in ("query", "key", "value")}
        else:
            reads = {port: Ref(source or self.last)}
        self.owners[f"o_{name}"] = Owner(f"o_{name}", name, target, given, repeat=repeat)
        self.nodes[name] = Node(name, "layer", target=f"o_{name}", arguments=reads)
        self.last = name
        return name

    def add(self, name: str, a: Ref, b: Ref) -> str:
        self.nodes[name] = Node(
            name, "operation", name, target="torch.add", arguments={"input": a, "other": b}
        )
        self.last = name
        return name

    def graph(self) -> Graph:
        nodes = {**self.nodes, "y": Node("y", "output", "y", arguments={"value": Ref(self.last)})}
        return Graph(self.name, nodes, self.owners, blocks=self.blocks)


def basic_block(pad: Sketchpad, name: str, before: str, width: int, stride: int) -> str:
    """Two convolutions and a shortcut, as in He and others (2015)."""
    pad.layer(f"{name}_conv1", "Conv2d", before, out_channels=width, kernel_size=3, stride=stride, padding=1, bias=False)  # fmt: skip
    pad.layer(f"{name}_bn1", "BatchNorm2d")
    pad.layer(f"{name}_relu1", "ReLU")
    pad.layer(f"{name}_conv2", "Conv2d", out_channels=width, kernel_size=3, padding=1, bias=False)
    main = pad.layer(f"{name}_bn2", "BatchNorm2d")
    short = before
    if stride != 1:
        pad.layer(f"{name}_down", "Conv2d", before, out_channels=width, kernel_size=1, stride=stride, bias=False)  # fmt: skip
        short = pad.layer(f"{name}_bn", "BatchNorm2d")
    total = pad.add(f"{name}_sum", Ref(main), Ref(short))
    return pad.layer(f"{name}_relu2", "ReLU", total)


def resnet18(folded: bool = False) -> Graph:
    """ResNet-18 for ImageNet. `folded`: each of its eight residual blocks as a block."""
    pad = Sketchpad("ResNet18", image=("N", 3, 224, 224))
    pad.layer("conv1", "Conv2d", out_channels=64, kernel_size=7, stride=2, padding=3, bias=False)
    pad.layer("bn1", "BatchNorm2d")
    pad.layer("relu", "ReLU")
    pad.layer("maxpool", "MaxPool2d", kernel_size=3, stride=2, padding=1)
    before, size = 64, 56
    for stage, width in enumerate((64, 128, 256, 512), 1):
        for i in range(2):
            stride = 2 if stage > 1 and i == 0 else 1
            name = f"layer{stage}_{i}"
            if not folded:
                basic_block(pad, name, pad.last, width, stride)
                continue
            block = Sketchpad(f"Residual{stage}{'ab'[i]}", x=("N", before, size, size))
            basic_block(block, "b", "x", width, stride)
            pad.blocks[block.name] = block.graph()
            pad.layer(name, f"block:{block.name}")
            before, size = width, size // stride
    pad.layer("avgpool", "AdaptiveAvgPool2d", output_size=1)
    pad.layer("flatten", "Flatten")
    pad.layer("fc", "Linear", out_features=1000)
    return pad.graph()


def transformer(layers: int = 12, repeated: bool = False) -> Graph:
    """A pre-norm encoder, its layers one by one or as a repeated block."""
    pad = Sketchpad("Transformer", x=("N", 128, 768))
    if repeated:
        block = Sketchpad("EncoderLayer", x=("N", 128, 768))
        _encoder_layer(block, "")
        pad.blocks["EncoderLayer"] = block.graph()
        pad.layer("layers", "block:EncoderLayer", repeat=layers)
    else:
        for i in range(layers):
            _encoder_layer(pad, str(i))
    pad.layer("norm", "LayerNorm", normalized_shape=768)
    pad.layer("head", "Linear", out_features=1000)
    return pad.graph()


def _encoder_layer(pad: Sketchpad, i: str) -> None:
    before = pad.last
    pad.layer(f"norm1_{i}", "LayerNorm", normalized_shape=768)
    pad.layer(f"attention{i}", "MultiheadAttention", embed_dim=768, num_heads=12, batch_first=True)
    middle = pad.add(f"sum1_{i}", Ref(pad.last, (0,)), Ref(before))
    pad.layer(f"norm2_{i}", "LayerNorm", normalized_shape=768)
    pad.layer(f"up{i}", "Linear", out_features=3072)
    pad.layer(f"gelu{i}", "GELU")
    pad.layer(f"down{i}", "Linear", out_features=768)
    pad.add(f"sum2_{i}", Ref(pad.last), Ref(middle))


def chain(layers: int = 100) -> Graph:
    """Linear and ReLU by turns."""
    pad = Sketchpad("Chain", x=("N", 64))
    for i in range(layers // 2):
        pad.layer(f"fc{i}", "Linear", out_features=64)
        pad.layer(f"relu{i}", "ReLU")
    return pad.graph()


CASES = {
    "resnet18": (resnet18(), False),
    "resnet18_folded": (resnet18(True), False),
    "resnet18_unfolded": (resnet18(True), True),
    "transformer12": (transformer(12), False),
    "transformer_repeated": (transformer(12, True), True),
    "chain100": (chain(100), False),
}


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    only = sys.argv[2:] or list(CASES)
    for name in only:
        graph, unfold = CASES[name]
        report = infer_shapes(graph)
        for direction in ("right", "down"):
            times = []
            for _ in range(3):
                start = time.perf_counter()
                picture = draw(graph, report, direction=direction, unfold=unfold)
                times.append(time.perf_counter() - start)
            start = time.perf_counter()
            png = picture.png(1)
            drawn = time.perf_counter() - start
            print(
                f"{name:22} {direction:5} {len(graph.nodes):4} nodes "
                f"{picture.width:6} × {picture.height:<5} SVG {min(times) * 1e3:5.0f} ms "
                f"({len(picture.svg) / 1e3:.0f} kB), PNG {drawn * 1e3:5.0f} ms"
            )
            if folder:
                (folder / f"{name}-{direction}.png").write_bytes(png)
                (folder / f"{name}-{direction}.svg").write_text(picture.svg, encoding="utf-8")


if __name__ == "__main__":
    main()
