"""What torch refuses is an error, also where a check only warned; what torch runs is none."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from builder.graph.edits import apply
from builder.graph.model import Graph, Node, Ref, TensorSpec
from builder.graph.repairs import repairs_for
from builder.graph.shapes import infer_shapes
from tests.graph.sound_networks import Net


def beside(net: Net, name: str, *shape: int | str, dtype: str = "float32") -> Ref:
    """A second input."""
    net.nodes[name] = Node(name, "input", name, spec=TensorSpec(shape, dtype))
    return Ref(name)


def encoder_with_mask() -> Graph:
    net = Net("N", 7, 8)
    mask = beside(net, "m", "N", 7, dtype="bool")
    net.owns("it", "TransformerEncoder", num_layers=2, nhead=2)
    net.call("it", "it", src=Ref("x"), src_key_padding_mask=mask)
    return net.done()


def attention_with_mask() -> Graph:
    net = Net("N", 7, 8)
    mask = beside(net, "m", "N", 7, dtype="bool")
    net.owns("it", "MultiheadAttention", num_heads=2)
    x = Ref("x")
    net.call("it", "it", query=x, key=x, value=x, key_padding_mask=mask)
    net.last = Ref("it", (0,))
    return net.done()


def gru_with_state() -> Graph:
    net = Net("N", 7, 8)
    state = beside(net, "h", 1, "N", 6)
    net.owns("it", "GRU", hidden_size=6)
    net.call("it", "it", input=Ref("x"), hx=state)
    net.last = Ref("it", (0,))
    return net.done()


@pytest.mark.parametrize("make", [encoder_with_mask, attention_with_mask, gru_with_state])
def test_a_warning_does_not_hide_that_torch_refuses_the_call(make: Any) -> None:
    report = infer_shapes(make())
    assert not report.ok
    (error,) = report.errors
    assert (error.node, error.kind) == ("it", "batch_first")
    assert "Set batch_first to True. Torch refuses it as it is: “" in error.message


def test_the_way_out_of_the_warning_mends_the_refusal() -> None:
    graph = encoder_with_mask()
    first = repairs_for(graph, infer_shapes(graph).problems[0])[0]
    assert first.label == "Set batch_first to True"
    assert infer_shapes(apply(graph, first.edit)).problems == ()


@pytest.mark.parametrize(
    ("kind", "arguments", "dtype", "said"),
    [
        ("BatchNorm1d", {"eps": 0.0}, "float32", ("value", "eps")),
        ("CELU", {"alpha": 0.0}, "float32", ("value", "alpha")),
        ("RReLU", {"lower": 0.5}, "float32", ("value", "lower")),
        ("ReLU", {}, "complex64", ("dtype", None)),
        ("Dropout", {}, "complex64", ("dtype", None)),
    ],
)
def test_what_only_fails_once_it_runs_is_found(
    kind: str, arguments: dict[str, Any], dtype: str, said: tuple[str, str | None]
) -> None:
    net = Net("N", 4, dtype=dtype)
    net.layer("it", kind, **arguments)
    graph = net.done()
    report = infer_shapes(graph)
    assert [(p.kind, p.parameter) for p in report.errors] == [said]
    module = getattr(torch.nn, kind)(*([4] if kind == "BatchNorm1d" else []), **arguments)
    with pytest.raises((RuntimeError, ValueError)):
        module(torch.ones(3, 4, dtype=getattr(torch, dtype)))
    assert infer_shapes(apply(graph, repairs_for(graph, report.errors[0])[0].edit)).problems == ()


@pytest.mark.parametrize("kind", ["Sigmoid", "Tanh", "SiLU"])
def test_complex_numbers_go_where_torch_takes_them(kind: str) -> None:
    net = Net("N", 4, dtype="complex64")
    net.layer("it", kind)
    assert infer_shapes(net.done()).ok
