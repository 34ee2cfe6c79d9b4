"""Mistakes that torch accepts in silence, or words in its own terms."""

from __future__ import annotations

from typing import Any

import pytest

from builder.graph.edits import AddNode, apply
from builder.graph.model import Graph, Ref
from builder.graph.names import safe_identifier
from builder.graph.repairs import repairs_for
from builder.graph.shapes import infer_shapes
from tests.graph.sound_networks import Net
from tests.graph.test_checks import one, op


def attention(kind: str, call: dict[str, Any], **arguments: Any) -> Graph:
    net = Net("N", 5, 8)
    net.owns("it", kind, batch_first=True, **arguments)
    net.call("it", "it", **call)
    return net.done()


def messages(graph: Graph) -> list[str]:
    return [p.message for p in infer_shapes(graph).problems if p.node == "it"]


def labels(graph: Graph) -> list[str]:
    report = infer_shapes(graph)
    return [r.label for r in repairs_for(graph, report.problems[0])]


X = Ref("x")
SELF = {"query": X, "key": X, "value": X}


def test_heads_that_divide_are_named_in_order_and_all() -> None:
    (message,) = messages(attention("MultiheadAttention", SELF, num_heads=3))
    assert message.endswith("Choose num_heads among 1, 2, 4, 8.")


@pytest.mark.parametrize("channels", [1, 3, 6, 7, 16])
def test_a_new_group_norm_fits_any_number_of_channels(channels: int) -> None:
    graph = apply(Net("N", channels, 8, 8).done(), AddNode("torch.nn.GroupNorm", after="x"))
    assert infer_shapes(graph).problems == ()


@pytest.mark.parametrize(
    ("kind", "call", "parameter", "port"),
    [
        ("MultiheadAttention", SELF, "is_causal", "attn_mask"),
        ("TransformerEncoderLayer", {"src": X}, "is_causal", "src_mask"),
        ("TransformerDecoderLayer", {"tgt": X, "memory": X}, "tgt_is_causal", "tgt_mask"),
        ("TransformerDecoderLayer", {"tgt": X, "memory": X}, "memory_is_causal", "memory_mask"),
    ],
)
def test_a_causal_mask_that_is_not_there_is_named_by_its_wire(
    kind: str, call: dict[str, Any], parameter: str, port: str
) -> None:
    heads = "num_heads" if kind == "MultiheadAttention" else "nhead"
    (message,) = messages(attention(kind, {**call, parameter: True}, **{heads: 4}))
    assert f"nothing is wired to “{port}”" in message
    assert "generate_square_subsequent_mask" not in message


def test_the_mask_the_sentence_proposes_runs() -> None:
    net = Net("N", 5, 8)
    first = net.op("first", "torch.select", input=X, dim=0, index=0)
    turned = net.op("turned", "torch.transpose", input=first, dim0=0, dim1=1)
    net.op("square", "operator.matmul", input=first, other=turned)
    net.op("ones", "torch.ones_like", input=net.last)
    net.op("later", "torch.triu", input=net.last, diagonal=1)
    mask = net.op("mask", "torch.Tensor.bool", input=net.last)
    net.owns("it", "MultiheadAttention", num_heads=4, batch_first=True)
    net.call("it", "it", **SELF, attn_mask=mask, is_causal=True)
    assert infer_shapes(net.done()).problems == ()


@pytest.mark.parametrize("key", ["torch.std", "torch.var"])
def test_the_spread_of_a_single_number_is_not_a_number(key: str) -> None:
    (message,) = messages(op(key, "N", 1, 5, dim=1))
    assert "gives NaN: dim=1 of N×1×5 from “x” has 1 number" in message
    assert labels(op(key, "N", 1, 5, dim=1)) == ["Set dim to 2", "Set correction to 0"]
    assert messages(op(key, "N", 1, 5, dim=(1, 2))) == []
    assert messages(op(key, "N", 1, 5, dim=1, correction=0)) == []


def test_dropout_between_layers_that_are_not_there_drops_nothing() -> None:
    graph = one("LSTM", "N", 5, 8, hidden_size=4, batch_first=True, dropout=0.5)
    assert messages(graph) == [
        "LSTM “it” has dropout=0.5, which works between stacked layers, but num_layers=1: nothing is "
        "dropped. Set num_layers to 2, or insert Dropout behind it."
    ]
    assert labels(graph) == ["Set num_layers to 2", "Set dropout to 0.0"]


def test_a_squeeze_that_takes_nothing_away_is_sent_to_the_size_of_one() -> None:
    graph = op("torch.squeeze", "N", 1, 5, dim=-1)
    assert messages(graph) == [
        "squeeze “it” changes nothing: dim=-1 of N×1×5 from “x” is not 1. Set dim to 1, which is 1."
    ]
    assert labels(graph)[0] == "Set dim to 1"
    assert messages(op("torch.squeeze", "N", 1, 5, dim=1)) == []


@pytest.mark.parametrize("letter", ["l", "O", "I"])
def test_a_letter_that_looks_like_a_digit_is_written_as_a_name(letter: str) -> None:
    assert safe_identifier(letter) == f"{letter.lower()}1"


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        ("Linear", {"out_features": 0}),
        ("Linear", {"out_features": 2, "bias": 2}),
        ("LayerNorm", {"eps": -1.0}),
    ],
)
def test_what_only_we_refuse_is_not_said_to_be_impossible(
    kind: str, arguments: dict[str, Any]
) -> None:
    (message,) = messages(one(kind, "N", 8, **arguments))
    assert f"{kind} “it” has a value that is not allowed: " in message
    assert "cannot be built" not in message
