"""The sentence for each mistake people make: what, where, received, and the way out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from builder.graph.model import Graph, Node, Ref, Size, Slice, TensorSpec
from builder.graph.shapes import infer_shapes
from tests.graph.sound_networks import Net


def one(kind: str, *shape: int | str, dtype: str = "float32", **arguments: Any) -> Graph:
    """A network of one layer."""
    net = Net(*shape, dtype=dtype)
    net.layer("it", kind, **arguments)
    return net.done()


def op(key: str, *shape: int | str, **arguments: Any) -> Graph:
    """A network of one operation."""
    net = Net(*shape)
    net.op("it", key, input=Ref("x"), **arguments)
    return net.done()


def two(key: str, one_shape: tuple[Any, ...], other: tuple[Any, ...], **arguments: Any) -> Graph:
    """Two values made by flattening and unflattening the inputs, meeting in one operation."""
    net = Net(*one_shape)
    net.nodes["y"] = Node("y", "input", "y", spec=TensorSpec(other))
    ports: dict[str, Any] = {"input": Ref("x"), "other": Ref("y")}
    if key in ("torch.cat", "torch.stack"):
        ports = {"tensors": (Ref("x"), Ref("y"))}
    net.op("it", key, **ports, **arguments)
    return net.done()


def meeting(operation: str, /, **shapes: tuple[int | str, ...]) -> Graph:
    """Inputs that meet in one operation, each named as the port it goes to."""
    first, *others = shapes
    net = Net(*shapes[first])
    net.nodes.clear()
    for name in (first, *others):
        net.nodes[name] = Node(name, "input", name, spec=TensorSpec(shapes[name]))
    net.node(Node("it", "operation", "it", operation, {name: Ref(name) for name in shapes}))
    return net.done()


def attending(*, grouped: bool = False, **shapes: tuple[int | str, ...]) -> Graph:
    """Attention whose queries, keys and values fit each other, but for what is given."""
    fitting = {"query": ("N", 7, 8), "key": ("N", 5, 8), "value": ("N", 5, 8)}
    graph = meeting("torch.nn.functional.scaled_dot_product_attention", **{**fitting, **shapes})
    if not grouped:
        return graph
    it = graph.nodes["it"]
    shared = replace(it, arguments={**it.arguments, "enable_gqa": True})
    return replace(graph, nodes={**graph.nodes, "it": shared})


def lstm_into_linear() -> Graph:
    net = Net("N", 20, 8)
    net.layer("lstm", "LSTM", hidden_size=4, batch_first=True)
    net.layer("it", "Linear", out_features=2)
    return net.done()


def after_relu() -> Graph:
    net = Net("N", 784)
    net.layer("fc1", "Linear", out_features=128)
    net.layer("relu", "ReLU")
    net.layer("it", "Linear", in_features=64, out_features=10)
    return net.done()


SENTENCES: list[tuple[str, Callable[[], Graph], str]] = [
    (
        "in_size",
        after_relu,
        "Linear “it” expects in_features=64 but receives 128, from “relu” (its shape was set by “fc1”)."
        " Set in_features to 128.",
    ),
    (
        "in_size",
        lambda: one("Linear", "N", 1, 28, 28, in_features=784, out_features=10),
        "Linear “it” expects in_features=784 but receives N×1×28×28, from “x”. 1×28×28 is 784: insert "
        "Flatten before it.",
    ),
    (
        "picture_into_linear",
        lambda: one("Linear", "N", 1, 28, 28, out_features=10),
        "Linear “it” receives a picture, N×1×28×28, from “x”, and works on its last size alone, 28. "
        "Insert Flatten before it to use all of it.",
    ),
    (
        "batch_as_features",
        lambda: one("Linear", "N", out_features=10),
        "Linear “it” reads its features from the last size, but receives N, from “x”, whose last size is "
        "the batch. Add a dimension behind it with unsqueeze.",
    ),
    (
        "tuple_input",
        lstm_into_linear,
        "Linear “it” needs one tensor but receives a tuple, (N×20×4, (1×N×4, 1×N×4)), from “lstm”. "
        "Choose which part it reads.",
    ),
    (
        "integer_input",
        lambda: one("Linear", "N", 20, dtype="int64", out_features=4),
        "Linear “it” works on real numbers but receives whole numbers (int64), from “x”. Turn them into "
        "features with an Embedding, or into real numbers with .float().",
    ),
    (
        "integer_input",
        lambda: one("Conv2d", "N", 3, 8, 8, dtype="uint8", out_channels=4, kernel_size=3),
        "Conv2d “it” works on real numbers but receives whole numbers (uint8), from “x”. Turn them into "
        "real numbers with .float().",
    ),
    (
        "dtype",
        lambda: one("Linear", "N", 20, dtype="float64", out_features=4),
        "Linear “it” has float32 weights but receives float64, from “x”. Turn it into float32 with "
        ".float().",
    ),
    (
        "in_channels",
        lambda: one("Conv2d", "N", 1, 28, 28, in_channels=3, out_channels=8, kernel_size=3),
        "Conv2d “it” expects in_channels=3 but receives 1 channel (N×1×28×28), from “x”. Set in_channels "
        "to 1.",
    ),
    (
        "in_channels",
        lambda: one("Conv2d", "N", 28, 28, 3, in_channels=3, out_channels=8, kernel_size=3),
        "Conv2d “it” expects in_channels=3 but receives 28 channels (N×28×28×3), from “x”. Its channels "
        "seem to stand last: permute it, or set in_channels to 28.",
    ),
    (
        "in_channels",
        lambda: one("ConvTranspose2d", "N", 8, 4, 4, in_channels=16, out_channels=8, kernel_size=2),
        "ConvTranspose2d “it” expects in_channels=16 but receives 8 channels (N×8×4×4), from “x”. Set "
        "in_channels to 8.",
    ),
    (
        "rank",
        lambda: one("Conv2d", "N", 64, out_channels=8, kernel_size=3),
        "Conv2d “it” needs N×channels×height×width but receives N×64, from “x”. These are features: "
        "unflatten them into a picture, or use Linear.",
    ),
    (
        "rank",
        lambda: one("Conv2d", "N", 20, 8, out_channels=8, kernel_size=3),
        "Conv2d “it” needs N×channels×height×width but receives N×20×8, from “x”. Torch would read the "
        "batch as channels. Use Conv1d, or add a dimension with unsqueeze.",
    ),
    (
        "rank",
        lambda: one("MaxPool2d", "N", 20, 8, kernel_size=2),
        "MaxPool2d “it” needs N×channels×height×width but receives N×20×8, from “x”. Torch would read "
        "the batch as channels. Use MaxPool1d, or add a dimension with unsqueeze.",
    ),
    (
        "batch_position",
        lambda: one("Conv2d", 3, "N", 8, 8, out_channels=8, kernel_size=3),
        "Conv2d “it” needs the batch in front, N×channels×height×width, but receives 3×N×8×8, from “x”. "
        "Permute it first.",
    ),
    (
        "kernel_too_large",
        lambda: one("Conv2d", "N", 3, 4, 4, out_channels=8, kernel_size=7, padding=1),
        "Conv2d “it” has kernel_size=7, larger than the height 4 (with padding 6) that it receives "
        "(N×3×4×4), from “x”. Choose a smaller kernel_size or a larger padding, or shrink the picture less "
        "before.",
    ),
    (
        "kernel_too_large",
        lambda: one("MaxPool2d", "N", 3, 1, 1, kernel_size=2),
        "MaxPool2d “it” has kernel_size=2, larger than the height 1 that it receives (N×3×1×1), from “x”. "
        "Choose a smaller kernel_size or a larger padding, or shrink the picture less before.",
    ),
    (
        "pool_padding",
        lambda: one("MaxPool2d", "N", 3, 8, 8, kernel_size=2, padding=2),
        "MaxPool2d “it” has padding=2, more than half of kernel_size=2. Set padding to at most 1.",
    ),
    (
        "same_padding",
        lambda: one("Conv1d", "N", 3, 8, out_channels=2, kernel_size=3, stride=2, padding="same"),
        "Conv1d “it” has padding=“same”, which needs stride=1. Set stride to 1, or padding to a number.",
    ),
    (
        "output_padding",
        lambda: one(
            "ConvTranspose2d", "N", 3, 8, 8, out_channels=2, kernel_size=3, output_padding=1
        ),
        "ConvTranspose2d “it” has output_padding=1, which must be smaller than stride=1 or dilation=1. "
        "Set it to at most 0.",
    ),
    (
        "groups",
        lambda: one("Conv2d", "N", 6, 8, 8, out_channels=8, kernel_size=3, groups=4),
        "Conv2d “it” splits its channels into groups=4, which does not divide in_channels=6. Choose "
        "groups that divide 6.",
    ),
    (
        "norm_rank",
        lambda: one("BatchNorm1d", "N", 16, 8, 8),
        "BatchNorm1d “it” needs N×features or N×channels×length but receives N×16×8×8, from “x”. Use "
        "BatchNorm2d.",
    ),
    (
        "norm_groups",
        lambda: one("GroupNorm", "N", 6, 8, 8, num_groups=4),
        "GroupNorm “it” splits 6 channels into num_groups=4, which does not divide them. Choose a "
        "num_groups that divides 6.",
    ),
    (
        "one_value",
        lambda: one("BatchNorm1d", 1, 16),
        "BatchNorm1d “it” needs more than one value in each channel while training, but receives 1×16, "
        "from “x”. Give the input a batch: write N for its first size.",
    ),
    (
        "normalized_shape",
        lambda: one("LayerNorm", "N", 5, 32, normalized_shape=64),
        "LayerNorm “it” expects normalized_shape=64 but receives N×5×32, from “x”. Set normalized_shape "
        "to 32.",
    ),
    (
        "rank",
        lambda: one("LSTM", "N", 20, hidden_size=8, batch_first=True),
        "LSTM “it” needs N×length×features but receives N×20, from “x”. Torch would read the batch as "
        "one sequence. Add a length with unsqueeze, or use Linear.",
    ),
    (
        "batch_first",
        lambda: one("GRU", "N", 20, 8, hidden_size=8),
        "GRU “it” reads the batch of N×20×8 from “x” as the steps of a sequence, since batch_first is "
        "False. Set batch_first to True.",
    ),
    (
        "float_input",
        lambda: one("Embedding", "N", 20, num_embeddings=10, embedding_dim=4),
        "Embedding “it” looks up whole numbers (int64) but receives float32, from “x”. Give the input "
        "the dtype int64, turn it into whole numbers with .long(), or use Linear for real numbers.",
    ),
    (
        "shuffle",
        lambda: one("PixelShuffle", "N", 6, 8, 8, upscale_factor=2),
        "PixelShuffle “it” turns every 4 channels (upscale_factor=2 squared) into one, but receives 6 "
        "(N×6×8×8), from “x”. Make the channels a multiple of 4, such as 8.",
    ),
    (
        "mode",
        lambda: one("Upsample", "N", 3, 8, scale_factor=2.0, mode="bilinear"),
        "Upsample “it” has mode=“bilinear” for 4 dimensions but receives N×3×8, from “x”. Set mode to "
        "“linear”, or to “nearest”.",
    ),
    (
        "dim",
        lambda: one("Softmax", "N", 10, dim=3),
        "Softmax “it” has dim=3, but N×10 from “x” has 2 dimensions. Choose dim from -2 to 1.",
    ),
    (
        "dim",
        lambda: op("torch.transpose", "N", 3, 4, dim0=1, dim1=5),
        "transpose “it” has dim1=5, but N×3×4 from “x” has 3 dimensions. Choose dim1 from -3 to 2.",
    ),
    (
        "over_batch",
        lambda: one("Softmax", "N", 10, dim=0),
        "Softmax “it” has dim=0, the batch of N×10, from “x”: the samples would be normalised against "
        "each other. Set dim to -1 for the last size.",
    ),
    (
        "over_batch",
        lambda: one("Softmax", "N", 20, 10),
        "Softmax “it” has no dim, which here means 0, the batch of N×20×10, from “x”: the samples would "
        "be normalised against each other. Set dim to -1 for the last size.",
    ),
    (
        "batch_merged",
        lambda: one("Flatten", "N", 3, 4, start_dim=0),
        "Flatten “it” has start_dim=0, so it mixes the batch of N×3×4 from “x” with the other sizes. Set "
        "start_dim to 1.",
    ),
    (
        "view",
        lambda: op("torch.Tensor.view", "N", 16, 5, 5, shape=(Size(Ref("x"), 0), 120)),
        "view “it” cannot make N×120 from N×16×5×5 (400 numbers for each sample), from “x”: the numbers "
        "of elements differ.",
    ),
    (
        "view",
        lambda: op("torch.Tensor.view", "N", 16, 5, 5, shape=(32, 400)),
        "view “it” makes 32×400, a fixed number of samples, from N×16×5×5 (400 numbers for each sample), "
        "from “x”. Write x.size(0) or -1 for the batch.",
    ),
    (
        "permutation",
        lambda: op("torch.permute", "N", 3, 4, dims=(0, 2)),
        "permute “it” orders the dimensions as (0, 2), but N×3×4 from “x” has 3. Name each of them once.",
    ),
    (
        "parts",
        lambda: op("torch.split", "N", 10, split_size=(4, 4), dim=1),
        "split “it” splits 10 (N×10) from “x” into sizes that sum to 8. Make them sum to 10.",
    ),
    (
        "parts",
        lambda: op("torch.unbind", "N", 10, dim=0),
        "unbind “it” takes N×10 from “x” apart along the batch, whose size is not known before. Choose "
        "another dim.",
    ),
    (
        "index",
        lambda: op("operator.getitem", "N", 10, index=(Slice(), 10)),
        "getitem “it” picks number 10 of 10 in N×10, from “x”. Choose -10 to 9.",
    ),
    (
        "merge_shapes",
        lambda: two("torch.cat", ("N", 8, 16, 16), ("N", 4, 16, 16), dim=2),
        "cat “it” receives N×8×16×16 from “x” and N×4×16×16 from “y”. Only the sizes along dim=2 may "
        "differ, but there is 8 against 4.",
    ),
    (
        "merge_shapes",
        lambda: two("torch.stack", ("N", 8), ("N", 4), dim=1),
        "stack “it” receives N×8 from “x” and N×4 from “y”. To be stacked they must have one shape.",
    ),
    (
        "merge_shapes",
        lambda: two("operator.add", ("N", 8), ("N", 4)),
        "add “it” receives N×8 from “x” and N×4 from “y”. Their sizes 8 and 4 do not agree, and neither is 1.",
    ),
    (
        "merge_shapes",
        lambda: two("operator.matmul", ("N", 5, 8), ("N", 4, 8)),
        "matmul “it” receives N×5×8 from “x” and N×4×8 from “y”. The last size of the first (8) must be "
        "the last but one of the second (4).",
    ),
    (
        "merge_shapes",
        lambda: two("torch.Tensor.expand_as", ("N", 3), ("N", 3, 4)),
        "expand_as “it” receives N×3 from “x” and N×3×4 from “y”. Counted from the back, 3 stands against "
        "4, and only a size of 1 is expanded.",
    ),
    (
        "merge_shapes",
        lambda: two("torch.Tensor.expand_as", ("N", 3, 1), ("N", 3)),
        "expand_as “it” receives N×3×1 from “x” and N×3 from “y”. The first has 3 dimensions, and "
        "expanding takes none away.",
    ),
    (
        "merge_shapes",
        lambda: attending(key=("N", 5, 6)),
        "scaled_dot_product_attention “it” receives N×7×8 from “query” and N×5×6 from “key”. Their last "
        "size must be the same, but there is 8 and 6.",
    ),
    (
        "merge_shapes",
        lambda: attending(value=("N", 4, 8)),
        "scaled_dot_product_attention “it” receives N×5×8 from “key” and N×4×8 from “value”. Each key "
        "needs its value (the last size but one), but there are 5 and 4.",
    ),
    (
        "merge_shapes",
        lambda: attending(query=("N", 2, 7, 8), key=("N", 3, 5, 8), value=("N", 3, 5, 8)),
        "scaled_dot_product_attention “it” receives N×2×7×8 from “query” and N×3×5×8 from “key”. In front "
        "of the steps 2 stands against 3, and neither is 1.",
    ),
    (
        "merge_shapes",
        lambda: attending(
            grouped=True, query=("N", 4, 7, 8), key=("N", 3, 5, 8), value=("N", 3, 5, 8)
        ),
        "scaled_dot_product_attention “it” receives N×4×7×8 from “query” and N×3×5×8 from “key”. With "
        "enable_gqa the heads of key and value (3 and 3) must be equally many and divide those of query "
        "(4).",
    ),
    (
        "merge_shapes",
        lambda: meeting("torch.cdist", x1=("N", 5, 8), x2=("N", 4, 7)),
        "cdist “it” receives N×5×8 from “x1” and N×4×7 from “x2”. Points have a distance where they have "
        "equally many features (the last size), but there are 8 and 7.",
    ),
    (
        "batch_broadcast",
        lambda: two("operator.sub", ("N", 1), ("N",)),
        "sub “it” receives N×1 from “x” and N from “y”: the batches stand in different places, so every "
        "sample would meet every other. Bring both to one shape first.",
    ),
    (
        "missing_argument",
        lambda: one("Linear", "N", 10),
        "Linear “it” needs out_features. Give it a value.",
    ),
    (
        "value",
        lambda: one("LSTM", "N", 5, 10, hidden_size=8, num_layers=100_000, batch_first=True),
        "LSTM “it” has num_layers=100000. Choose at most 256, or repeat a block.",
    ),
]


@pytest.mark.parametrize(
    ("kind", "make", "sentence"), SENTENCES, ids=[f"{i}-{s[0]}" for i, s in enumerate(SENTENCES)]
)
def test_each_mistake_has_its_sentence(kind: str, make: Callable[[], Graph], sentence: str) -> None:
    problems = [p for p in infer_shapes(make()).problems if p.node == "it"]
    assert [(p.kind, p.message) for p in problems] == [(kind, sentence)]


@pytest.mark.parametrize(
    "make",
    [
        lambda: one("Linear", "N", 20, 8, out_features=4),  # on every step of a sequence
        lambda: one("Conv2d", 3, 8, 8, out_channels=4, kernel_size=3),  # one picture, no batch
        lambda: one("BatchNorm1d", "N", 16, 5),
        lambda: one("LSTM", 20, "N", 8, hidden_size=4),  # the sequence first, as torch's default
        lambda: one("LSTM", 20, 8, hidden_size=4),
        lambda: one("LayerNorm", "N", 5, 32, normalized_shape=(5, 32)),
        lambda: one("Softmax", "N", 10, dim=1),
        lambda: one("MaxPool2d", "N", 3, 8, 8, dtype="int64", kernel_size=2),
        lambda: one("Sigmoid", "N", 3, dtype="int64"),
        lambda: two("operator.add", ("N", 8, 4, 4), ("N", 8, 1, 1)),
        lambda: two("operator.add", ("N", 8, 4), (1, 8, 4)),
        lambda: two("torch.cat", ("N", 8), ("N", 4), dim=-1),
        lambda: op("torch.Tensor.view", "N", 16, 5, 5, shape=(-1, 400)),
        lambda: op("operator.getitem", "N", 10, index=(..., -10)),
    ],
)  # fmt: skip
def test_what_is_meant_that_way_raises_no_alarm(make: Callable[[], Graph]) -> None:
    assert infer_shapes(make()).problems == ()


def test_channels_last_into_linear_is_meant_behind_a_permute() -> None:
    net = Net("N", 3, 8, 8)
    net.layer("conv", "Conv2d", out_channels=16, kernel_size=3)
    net.op("last", "torch.permute", input=Ref("conv"), dims=(0, 2, 3, 1))
    net.layer("fc", "Linear", out_features=4)
    assert infer_shapes(net.done()).problems == ()


def test_a_view_behind_a_transpose_is_refused_as_torch_does() -> None:
    net = Net("N", 4, 6)
    net.op("turn", "torch.transpose", input=Ref("x"), dim0=1, dim1=2)
    net.layer("relu", "ReLU")
    net.op("it", "torch.Tensor.view", input=Ref("relu"), shape=(-1, 24))
    problem = infer_shapes(net.done()).problems[0]
    assert (problem.node, problem.kind) == ("it", "view_layout")
    assert problem.message == (
        "view “it” cannot look at N×6×4 from “relu” (its shape was set by “turn”) in another shape: a "
        "transpose or the like before it changed the order of reading, not the order in memory. Use "
        "reshape in its place."
    )


def test_a_view_of_all_steps_of_an_lstm_is_refused_as_torch_does() -> None:
    for batch_first, key, problems in (
        (True, "torch.Tensor.view", 1),
        (True, "torch.reshape", 0),
        (False, "torch.Tensor.view", 0),
    ):
        net = Net("N", 5, 6) if batch_first else Net(5, "N", 6)
        net.layer("lstm", "LSTM", hidden_size=4, batch_first=batch_first)
        net.op("it", key, input=Ref("lstm", (0,)), shape=(-1, 20 if batch_first else 4))
        assert len(infer_shapes(net.done()).problems) == problems


def test_torch_has_the_last_word_where_no_check_knows_better() -> None:
    problem = infer_shapes(one("Fold", "N", 7, 9, output_size=4, kernel_size=2)).problems[0]
    assert problem.kind == "torch"
    assert problem.message.startswith("Fold “it” does not accept N×7×9, from “x”. Torch says: “")
    assert "15485863" not in problem.message


def test_heads_that_share_keys_may_be_fewer_only_where_that_is_asked() -> None:
    shapes = {"query": ("N", 4, 7, 8), "key": ("N", 2, 5, 8), "value": ("N", 2, 5, 8)}
    shared = infer_shapes(attending(grouped=True, **shapes))
    assert not shared.errors and shared.nodes["it"].result == TensorSpec(("N", 4, 7, 8))
    assert "4 stands against 2" in infer_shapes(attending(**shapes)).errors[0].message
