"""Axes are named where they are known, followed through what moves them, and never named wrongly."""

from __future__ import annotations

from dataclasses import replace

import pytest

from builder.gallery import designs, project
from builder.graph.axes import axes_words, name_axes
from builder.graph.edits import GroupIntoBlock, SetBypassed, SetRepeat, apply
from builder.graph.model import Graph, Ref, Slice, TensorSpec
from builder.graph.shapes import infer_shapes
from tests.graph.networks import layer, operation, output, start

IMAGE = ("N", 3, 8, 8)
SEQUENCE = ("N", 10, 32)


def named(graph: Graph, node: str, *path: int) -> str:
    found = name_axes(graph, graph, infer_shapes(graph).nodes)
    return axes_words(found.get(Ref(node, path)))


def op(given: tuple[int | str, ...], target: str, **arguments: object) -> str:
    graph = operation(start(*given), "y", target, input=Ref("x"), **arguments)
    report = infer_shapes(graph).nodes["y"]
    assert report.result is not None, report.problem
    return named(graph, "y", *((0,) if isinstance(report.result, tuple) else ()))


@pytest.mark.parametrize(
    ("shape", "target", "arguments", "words"),
    [
        (SEQUENCE, "torch.transpose", {"dim0": 1, "dim1": 2}, "batch × features × length"),
        (IMAGE, "torch.permute", {"dims": (0, 2, 3, 1)}, "batch × height × width × channels"),
        (
            IMAGE,
            "torch.movedim",
            {"source": 1, "destination": -1},
            "batch × height × width × channels",
        ),
        (IMAGE, "torch.flatten", {"start_dim": 2}, "batch × channels × height·width"),
        (IMAGE, "torch.flatten", {"start_dim": 1}, "batch × features"),
        (IMAGE, "torch.Tensor.view", {"shape": (-1, 192)}, "batch × features"),
        (IMAGE, "torch.Tensor.view", {"shape": (-1, 8, 3, 8)}, ""),
        (SEQUENCE, "torch.mean", {"dim": 1}, "batch × features"),
        (SEQUENCE, "torch.mean", {"dim": 1, "keepdim": True}, "batch × length × features"),
        (SEQUENCE, "torch.max", {"dim": -1}, "batch × length"),
        (SEQUENCE, "operator.getitem", {"index": (Slice(), 0)}, "batch × features"),
        (SEQUENCE, "operator.getitem", {"index": (..., Slice(0, 4))}, "batch × length × features"),
        (SEQUENCE, "torch.select", {"dim": 1, "index": 0}, "batch × features"),
        (("N", 16), "torch.transpose", {"dim0": 0, "dim1": 1}, "features × batch"),
        (("N", 16), "torch.unsqueeze", {"dim": 1}, ""),
        (SEQUENCE, "torch.chunk", {"chunks": 2, "dim": 2}, "batch × length × features"),
    ],
)
def test_axes_are_followed(
    shape: tuple[int | str, ...], target: str, arguments: dict[str, object], words: str
) -> None:
    assert op(shape, target, **arguments) == words


def test_a_matrix_product_takes_rows_of_one_and_columns_of_the_other() -> None:
    graph = operation(start("N", 16), "t", "torch.transpose", input=Ref("x"), dim0=0, dim1=1)
    graph = operation(graph, "mm", "operator.matmul", input=Ref("x"), other=Ref("t"))
    assert named(graph, "mm") == "batch × batch"


def test_attention_says_what_its_weights_are() -> None:
    graph = start(*SEQUENCE)
    graph = layer(graph, "a", "MultiheadAttention", "x", num_heads=4, batch_first=True)
    node = graph.nodes["a"]
    read = {port: Ref("x") for port in ("query", "key", "value")}
    wired = replace(node, arguments={**read, "need_weights": True})
    graph = replace(graph, nodes={**graph.nodes, "a": wired})
    assert named(graph, "a", 0) == "batch × length × features"
    assert named(graph, "a", 1) == "batch × queries × keys"


def test_a_picture_without_a_batch_has_none() -> None:
    graph = layer(start(3, 8, 8), "conv", "Conv2d", "x", out_channels=4, kernel_size=3)
    assert named(graph, "x") == named(graph, "conv") == "channels × height × width"


def test_a_signal_stays_one_up_to_the_output() -> None:
    graph = layer(start("N", 4, 100), "conv", "Conv1d", "x", out_channels=8, kernel_size=3)
    graph = output(layer(graph, "relu", "ReLU", "conv"), "relu")
    for node in ("x", "conv", "relu", "output"):
        assert named(graph, node) == "batch × channels × length"


def test_a_transposed_sequence_is_a_signal_behind_a_convolution() -> None:
    graph = operation(start(*SEQUENCE), "t", "torch.transpose", input=Ref("x"), dim0=1, dim1=2)
    graph = layer(graph, "conv", "Conv1d", "t", out_channels=8, kernel_size=3)
    assert named(graph, "x") == "batch × length × features"
    assert named(graph, "conv") == "batch × channels × length"


def test_names_go_through_blocks_and_bypassed_layers() -> None:
    graph = layer(start("N", 4, 100), "conv", "Conv1d", "x", out_channels=4, kernel_size=1)
    graph = output(layer(graph, "relu", "ReLU", "conv"), "relu")
    graph = apply(graph, GroupIntoBlock(("conv", "relu"), id="call"))
    graph = apply(graph, SetRepeat("call", 3))
    assert named(graph, "call") == named(graph, "output") == "batch × channels × length"
    assert named(apply(graph, SetBypassed("call", True)), "output") == named(graph, "x")


@pytest.mark.parametrize("key", designs())
def test_names_and_shapes_of_the_gallery_agree_in_rank(key: str) -> None:
    graph = project(key).graph
    report = infer_shapes(graph)
    names = name_axes(graph, graph, report.nodes)
    for ref, found in names.items():
        value = report.nodes[ref.node].result
        for step in ref.path:
            assert isinstance(value, tuple)
            value = value[step]
        assert isinstance(value, TensorSpec) and len(value.shape) == len(found)
        assert found[0] != "batch" or isinstance(value.shape[0], str)
    assert sum(Ref(n) in names for n in graph.nodes) >= len(graph.nodes) * 0.6, key
