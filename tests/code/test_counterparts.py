"""Operations in an nn.Sequential: a layer that does exactly the same, or the true reason why not."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from builder import catalogue
from builder.code import build_module, why_not_chain, write_code
from builder.code.writing.counterparts import COUNTERPARTS
from builder.graph.model import Graph, Size
from builder.graph.project import load_project
from tests.code.networks import Net, example_graph
from tests.code.reference import random_inputs
from tests.code.test_sequential import elements
from tests.code.test_tools import DESIGNS


def operation(key: str, *shape: int | str, **arguments: Any) -> Graph:
    net = Net()
    net.output(net.op("op", key, net.input("x", *shape), **arguments))
    return net.graph()


def both(graph: Graph) -> list[torch.Tensor]:
    """What the two styles give for the same input."""
    given = []
    for style in ("module", "sequential"):
        torch.manual_seed(0)
        model, inputs = build_module(graph, style), random_inputs(graph)
        given.append(model(*inputs))
    return given


@pytest.mark.parametrize("key", COUNTERPARTS)
def test_the_layer_does_exactly_what_the_operation_does(key: str) -> None:
    graph = example_graph(catalogue.get(key))
    assert why_not_chain(graph) is None
    assert torch.equal(*both(graph))


@pytest.mark.parametrize("key", COUNTERPARTS)
def test_every_argument_is_copied_and_a_left_out_one_means_the_same(key: str) -> None:
    entry, counterpart = catalogue.get(key), COUNTERPARTS[key]
    layer = catalogue.get(counterpart.key)
    assert {p.name for p in entry.call_parameters} == set(counterpart.arguments)
    for parameter in entry.call_parameters:
        if not parameter.required:
            name = counterpart.arguments[parameter.name]
            mine = layer.parameter(name)
            assert mine is not None
            assert counterpart.fixed.get(name, mine.default) == parameter.default


@pytest.mark.parametrize(
    ("graph", "layer"),
    [
        (operation("torch.nn.functional.max_pool2d", "N", 3, 8, 8, kernel_size=3, stride=2, padding=1, ceil_mode=True), "nn.MaxPool2d(3, stride=2, padding=1, ceil_mode=True)"),
        (operation("torch.nn.functional.adaptive_avg_pool2d", "N", 3, 8, 8, output_size=1), "nn.AdaptiveAvgPool2d(1)"),
        (operation("torch.nn.functional.interpolate", "N", 3, 8, 8, scale_factor=2.0, mode="bilinear"), 'nn.Upsample(scale_factor=2.0, mode="bilinear")'),
        (operation("torch.nn.functional.layer_norm", "N", 8, normalized_shape=(8,)), "nn.LayerNorm((8,), elementwise_affine=False)"),
        (operation("torch.Tensor.view", "N", 3, 4, shape=(-1, 12)), "nn.Flatten()"),
        (operation("torch.reshape", "N", 3, 4, 5, shape=(-1, 60)), "nn.Flatten()"),
    ],
)  # fmt: skip
def test_an_operation_is_written_as_its_layer(graph: Graph, layer: str) -> None:
    assert elements(graph) == [layer]
    assert torch.equal(*both(graph))


def test_a_view_by_the_size_of_the_batch_is_a_flatten() -> None:
    net = Net()
    x = net.input("x", "N", 3, 4)
    net.output(net.op("view", "torch.Tensor.view", x, shape=(Size(x, 0), -1)))
    assert elements(net.graph()) == ["nn.Flatten()"]
    assert torch.equal(*both(net.graph()))


@pytest.mark.parametrize(
    "graph",
    [
        operation("torch.Tensor.view", "N", 3, 4, shape=(-1, 6)),
        operation("torch.Tensor.view", "N", 3, 4, shape=(-1,)),
        operation("torch.Tensor.view", "N", "N", 4, shape=(-1, 4)),
        operation("torch.reshape", "N", 3, 4, shape=(-1, 3, 4)),
    ],
)
def test_another_view_is_no_flatten(graph: Graph) -> None:
    assert "which no layer of torch.nn stands for" in (why_not_chain(graph) or "")


def test_the_cnn_of_the_gallery_is_a_chain() -> None:
    graph = load_project(DESIGNS / "cnn_3x32x32.json").graph
    assert "    nn.Flatten(),  # (N, 2048)\n" in write_code(graph, "sequential")
    assert torch.equal(*both(graph))


def test_a_padding_has_a_layer_to_take_in_its_place() -> None:
    graph = operation("torch.nn.functional.pad", "N", 3, 4, 4, pad=(1, 1, 2, 2), mode="reflect")
    assert why_not_chain(graph) == (
        "“op” is an operation. nn.ReflectionPad2d does the same: replace “op” by it."
    )


def test_a_size_known_only_as_it_runs_is_said() -> None:
    net = Net()
    x = net.input("x", "N", 3, 8)
    key = "torch.nn.functional.adaptive_avg_pool1d"
    net.output(net.op("pool", key, x, output_size=Size(x, 1)))
    assert why_not_chain(net.graph()) == (
        "“pool” is given a size that is only known as it runs; nn.AdaptiveAvgPool1d takes numbers."
    )
