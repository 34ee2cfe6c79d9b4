"""The networks whose code is kept in golden/, one for each thing a writer must do.

python -m tests.code.golden_networks      # writes the files anew; read the difference
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from builder.code import styles, write_code
from builder.graph.model import Compare, Graph, Ref, Setting, Size, Slice, Training
from builder.graph.project import load_project
from tests.code.networks import Net, chain

FOLDER = Path(__file__).parent / "golden"
DESIGNS = Path(__file__).parents[2] / "builder" / "gallery" / "designs"


def simple_mlp() -> Graph:
    """Seed 000: 784-128-10."""
    graph = chain(
        ("layer1", "Linear", {"out_features": 128}),
        ("relu", "ReLU", {}),
        ("layer2", "Linear", {"out_features": 10}),
        shape=("N", 784),
    )
    return replace(graph, name="SimpleNet")


def shared_sigmoid() -> Graph:
    """Seed 002: 2-5-10-3 with one Sigmoid used three times, any leading sizes."""
    net = Net("MyModel")
    x = net.layer("fc1", "Linear", net.input("x", "N", 2), out_features=5)
    x = net.layer("act", "Sigmoid", x)
    x = net.again("act", net.layer("fc2", "Linear", x, out_features=10))
    net.output(net.again("act", net.layer("fc3", "Linear", x, out_features=3)))
    return net.graph()


def cnn() -> Graph:
    """Seed 003: a CNN for 3×32×32 with a view."""
    net = Net("CNN")
    x = net.layer(
        "conv1", "Conv2d", net.input("x", "N", 3, 32, 32), out_channels=16, kernel_size=3, padding=1
    )
    x = net.layer(
        "pool", "MaxPool2d", net.op("relu1", "torch.nn.functional.relu", x), kernel_size=2
    )
    x = net.layer("conv2", "Conv2d", x, out_channels=32, kernel_size=3, padding=1)
    x = net.again("pool", net.op("relu2", "torch.nn.functional.relu", x))
    x = net.op("view", "torch.Tensor.view", x, shape=(Size(x, 0), -1))
    x = net.layer("fc1", "Linear", x, out_features=128)
    net.output(
        net.layer("fc2", "Linear", net.op("relu3", "torch.nn.functional.relu", x), out_features=10)
    )
    return net.graph()


def _residual_block() -> Graph:
    block = Net("ResidualBlock", channels=16, stride=1)
    x = block.input("x", "N", 16, 32, 32)
    conv = {"out_channels": Setting("channels"), "kernel_size": 3, "padding": 1, "bias": False}
    y = block.layer("conv1", "Conv2d", x, **conv, stride=Setting("stride"))
    y = block.layer("relu1", "ReLU", block.layer("bn1", "BatchNorm2d", y))
    y = block.layer("bn2", "BatchNorm2d", block.layer("conv2", "Conv2d", y, **conv))
    shortcut = block.layer(
        "project",
        "Conv2d",
        x,
        out_channels=Setting("channels"),
        kernel_size=1,
        stride=Setting("stride"),
    )
    block.output(block.layer("relu2", "ReLU", block.op("add", "operator.add", y, shortcut)))
    return block.graph()


def residual_cnn() -> Graph:
    """One block used with several widths, and repeated."""
    net = Net("ResNet")
    x = net.input("image", "N", 3, 32, 32)
    x = net.layer("stem", "Conv2d", x, out_channels=16, kernel_size=3, padding=1)
    block = _residual_block()
    x = net.block("stage1", block, x, repeat=3)
    x = net.block("down", block, x, channels=32, stride=2)
    x = net.block("stage2", block, x, channels=32, repeat=2)
    x = net.layer("pool", "AdaptiveAvgPool2d", x, output_size=1)
    x = net.op("flatten", "torch.flatten", x, start_dim=1)
    net.output(net.layer("head", "Linear", x, out_features=10), "logits")
    return net.graph()


def seq2seq() -> Graph:
    """Tuple results by path, state handed on, two inputs, two outputs."""
    net = Net("Seq2Seq")
    source = net.input("source", "N", 20, dtype="int64")
    target = net.input("target", "N", 12, dtype="int64")
    x = net.layer("embed_source", "Embedding", source, num_embeddings=5000, embedding_dim=64)
    net.layer("encoder", "LSTM", x, hidden_size=128, batch_first=True)
    y = net.layer("embed_target", "Embedding", target, num_embeddings=6000, embedding_dim=64)
    state = (Ref("encoder", (1, 0)), Ref("encoder", (1, 1)))
    net.layer("decoder", "LSTM", y, hx=state, hidden_size=128, batch_first=True)
    steps = Ref("decoder", (0,))
    attended = net.layer(
        "attention",
        "MultiheadAttention",
        steps,
        Ref("encoder", (0,)),
        Ref("encoder", (0,)),
        num_heads=4,
        batch_first=True,
    )
    joined = net.op("joined", "torch.cat", tensors=(steps, Ref(attended.node, (0,))), dim=-1)
    net.output(net.layer("head", "Linear", joined, out_features=6000), "logits")
    net.output(Ref("attention", (1,)), "weights")
    return net.graph()


def several_lengths() -> Graph:
    """Sequences of several lengths, packed: the last state for a verdict, every step for its words."""
    net = Net("Tagger")
    text = net.input("text", "N", 12, dtype="int64")
    lengths = net.input("lengths", "N", dtype="int64")
    x = net.layer("embedding", "Embedding", text, num_embeddings=100, embedding_dim=16)
    told: dict[str, Any] = {"lengths": lengths, "enforce_sorted": False}
    sizes: dict[str, Any] = {"hidden_size": 8, "batch_first": True}
    net.layer("lstm", "LSTM", x, bidirectional=True, **sizes, **told, total_length=Size(text, 1))
    net.layer("gru", "GRU", Ref("lstm", (0,)), **sizes, **told)
    net.output(net.layer("tags", "Linear", Ref("lstm", (0,)), out_features=5), "words")
    last = net.op("last", "operator.getitem", Ref("gru", (1,)), index=-1)
    net.output(net.layer("fc", "Linear", last, out_features=2), "verdict")
    return net.graph()


def branches() -> Graph:
    """Branches on training mode, on a setting and on a value; nested, and side by side."""
    net = Net("Gated", use_skip=True, hidden=32)
    x = net.input("x", "N", 16)
    y = net.layer("fc1", "Linear", x, out_features=Setting("hidden"))
    y = net.layer("norm", "LayerNorm", y)
    noise = net.op("noise", "torch.randn_like", y)
    noisy = net.op("noisy", "operator.add", y, net.op("scaled", "operator.mul", noise, other=0.1))
    y = net.branch("maybe_noisy", Training(), noisy, y)
    back = net.layer("fc2", "Linear", y, out_features=16)
    plus = net.op("plus", "operator.add", back, x)
    scaled = net.layer("scale", "Linear", plus, out_features=16)
    energy = net.op("energy", "torch.mean", plus)
    inner = net.branch("inner", Compare(">", energy, 0.5), scaled, plus)
    skipped = net.branch("skipped", Setting("use_skip"), inner, back)
    kind = net.branch("kind", Setting("use_skip"), net.op("twice", "operator.mul", x, other=2), x)
    net.output(net.op("sum", "operator.add", skipped, kind))
    return net.graph()


def loops() -> Graph:
    """Blocks that take and give several values, shared weights in a loop, and a frozen layer."""
    cell = Net("Cell")
    h, memory, mask = (cell.input(n, "N", 8) for n in ("h", "memory", "mask"))
    mixed = cell.op(
        "mixed", "operator.add", cell.layer("from_h", "Linear", h, out_features=8), memory
    )
    new = cell.op("new", "torch.tanh", mixed)
    cell.output(new, "h_out")
    cell.output(cell.op("kept", "operator.mul", memory, mask), "memory_out")
    step = Net("Step")
    z = step.input("z", "N", 8)
    step.output(
        step.op("relu", "torch.nn.functional.relu", step.layer("fc", "Linear", z, out_features=8))
    )
    net = Net("Recurrent")
    x = net.input("x", "N", 8)
    mask = net.op("mask", "torch.sigmoid", x)
    net.block("cells", cell.graph(), x, x, mask, repeat=4)
    y = net.block("steps", step.graph(), Ref("cells", (0,)), repeat=3, shared=True)
    net.output(net.op("end", "torch.cat", tensors=(y, Ref("cells", (1,))), dim=1))
    graph = net.graph()
    return replace(
        graph, owners={n: replace(o, frozen=n == "steps") for n, o in graph.owners.items()}
    )


def attention() -> Graph:
    """Arithmetic, sizes, slices, matrix products: attention written out."""
    net = Net("SelfAttention", heads=4)
    x = net.input("x", "N", 10, 32)
    net.op("split", "torch.chunk", net.layer("qkv", "Linear", x, out_features=96), chunks=3, dim=-1)
    shape = (Size(x, 0), Size(x, 1), Setting("heads"), -1)
    parts = []
    for i, name in enumerate(("query", "key", "value")):
        part = net.op(f"{name}_heads", "torch.Tensor.view", Ref("split", (i,)), shape=shape)
        parts.append(net.op(name, "torch.transpose", part, dim0=1, dim1=2))
    key = net.op("key_t", "torch.transpose", parts[1], dim0=-2, dim1=-1)
    scores = net.op("scores", "operator.matmul", parts[0], key)
    scores = net.op("scaled", "operator.truediv", scores, other=8**0.5)
    weights = net.op("weights", "torch.nn.functional.softmax", scores, dim=-1)
    dropped = net.op("dropped", "torch.nn.functional.dropout", weights, p=0.1)
    mixed = net.op("mixed", "operator.matmul", dropped, parts[2])
    mixed = net.op("back", "torch.transpose", mixed, dim0=1, dim1=2)
    mixed = net.op("merged", "torch.reshape", mixed, shape=(Size(x, 0), Size(x, 1), -1))
    first = net.op("first", "operator.getitem", mixed, index=(Slice(), 0, Slice(1, None)))
    net.output(net.layer("head", "Linear", first, out_features=2))
    return net.graph()


def mixed_mlp() -> Graph:
    """Seed 001, "Mixed Approach": an nn.Sequential inside a class."""
    return load_project(DESIGNS / "mlp_16_mixed.json").graph


def numbered_block(name: str, *layers: tuple[str, dict[str, Any]]) -> Graph:
    """A block that means an nn.Sequential: a chain of layers "0", "1", …"""
    named = ((str(i), kind, arguments) for i, (kind, arguments) in enumerate(layers))
    return replace(chain(*named, shape=("N", 8)), name=name)


def mlp_16() -> Graph:
    """Seed 001: 16-12-10-1, which the text writes in five ways."""
    graph = chain(
        ("fc1", "Linear", {"out_features": 12}),
        ("relu1", "ReLU", {}),
        ("fc2", "Linear", {"out_features": 10}),
        ("relu2", "ReLU", {}),
        ("fc3", "Linear", {"out_features": 1}),
        ("sigmoid", "Sigmoid", {}),
    )
    return replace(graph, name="MyNetwork")


def cnn_of_layers() -> Graph:
    """A CNN as courses draw it, with a layer for everything: features and a classifier."""
    graph = chain(
        ("conv1", "Conv2d", {"out_channels": 16, "kernel_size": 3, "padding": 1}),
        ("bn1", "BatchNorm2d", {}),
        ("relu1", "ReLU", {}),
        ("pool1", "MaxPool2d", {"kernel_size": 2}),
        ("conv2", "Conv2d", {"out_channels": 32, "kernel_size": 3, "stride": 2}),
        ("relu2", "ReLU", {}),
        ("flatten", "Flatten", {}),
        ("drop", "Dropout", {"p": 0.25}),
        ("fc", "Linear", {"out_features": 10}),
        shape=("N", 3, 32, 32),
    )
    return replace(graph, name="CNN")


def sequentials() -> Graph:
    """nn.Sequential in classes: several widths, repeated, shared, nested, frozen, with a class in it."""
    pair = numbered_block("Pair", ("Linear", {"out_features": 8}), ("ReLU", {}))
    owners = {"0": replace(pair.owners["0"], frozen=True), "1": pair.owners["1"]}
    still = replace(pair, name="Still", owners=owners)
    skip = Net("Skip")
    x = skip.input("x", "N", 8)
    skip.output(skip.op("add", "operator.add", skip.block("body", pair, x), x))
    stack = Net("Stack")
    y = stack.layer("0", "Linear", stack.input("x", "N", 8), out_features=4, bias=False)
    y = stack.block("1", pair, y)
    y = stack.block("2", still, y, repeat=2)
    stack.output(stack.block("3", skip.graph(), y))
    net = Net("Stacked")
    z = net.block("first", pair, net.input("x", "N", 16))
    z = net.block("twice", stack.graph(), z, repeat=2)
    z = net.block("deep", stack.graph(), z)
    z = net.block("again", pair, z, repeat=3, shared=True)
    z = net.block("still", still, net.layer("wide", "Linear", z, out_features=32))
    net.output(net.block("skip", skip.graph(), z))
    graph = net.graph({b.name: b for b in (pair, still, skip.graph())})
    blocks = {**graph.blocks}
    nodes = {**stack.nodes, "0": replace(stack.nodes["0"], note="Narrow first.")}
    blocks["Stack"] = replace(blocks["Stack"], nodes=nodes)
    return replace(graph, blocks=blocks)


GOLDEN: Mapping[str, tuple[Callable[[], Graph], str]] = {
    "simple_mlp_sequential": (simple_mlp, "sequential"),
    "simple_mlp_module": (simple_mlp, "module"),
    "shared_sigmoid_sequential": (shared_sigmoid, "sequential"),
    "shared_sigmoid_module": (shared_sigmoid, "module"),
    "cnn_module": (cnn, "module"),
    "residual_cnn_module": (residual_cnn, "module"),
    "residual_cnn_sequential": (residual_cnn, "sequential"),
    "seq2seq_module": (seq2seq, "module"),
    "several_lengths_module": (several_lengths, "module"),
    "several_lengths_mixed": (several_lengths, "mixed"),
    "branches_module": (branches, "module"),
    "loops_module": (loops, "module"),
    "attention_module": (attention, "module"),
    "mixed_mlp_module": (mixed_mlp, "module"),
    "sequentials_module": (sequentials, "module"),
    "simple_mlp_ordered": (simple_mlp, "ordered"),
    "cnn_functional": (cnn_of_layers, "functional"),
    "cnn_mixed": (cnn_of_layers, "mixed"),
    "cnn_manual": (cnn_of_layers, "manual"),
    "residual_cnn_mixed": (residual_cnn, "mixed"),
    "residual_cnn_manual": (residual_cnn, "manual"),
    "seq2seq_manual": (seq2seq, "manual"),
    "branches_manual": (branches, "manual"),
    "loops_manual": (loops, "manual"),
    **{f"mlp_16_{style}": (mlp_16, style) for style in styles()},
}
"""File name → the network and its style."""

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, (network, style) in GOLDEN.items():
        (FOLDER / f"{name}.py").write_text(write_code(network(), style), encoding="utf-8")
