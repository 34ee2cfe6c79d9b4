"""Mistakes that torch accepts in silence, or words in its own terms."""

from __future__ import annotations

from typing import Any

import pytest

from builder.graph.edits import AddNode, apply
from builder.graph.model import Graph, Node, Ref, TensorSpec
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


MASKED = [
    ("MultiheadAttention", SELF, "key_padding_mask", ("N", 5)),
    ("MultiheadAttention", SELF, "attn_mask", (5, 5)),
    ("TransformerEncoderLayer", {"src": X}, "src_mask", (5, 5)),
    ("TransformerDecoderLayer", {"tgt": X, "memory": X}, "memory_key_padding_mask", ("N", 5)),
]


def masked(kind: str, call: dict[str, Any], dtype: str, **masks: tuple[int | str, ...]) -> Graph:
    """Attention with each mask from an input of its own."""
    net = Net("N", 5, 8)
    heads = "num_heads" if kind == "MultiheadAttention" else "nhead"
    net.owns("it", kind, batch_first=True, **{heads: 4})
    for name, shape in masks.items():
        net.nodes[name] = Node(name, "input", name, spec=TensorSpec(shape, dtype))
    net.call("it", "it", **call, **{name: Ref(name) for name in masks})
    net.last = Ref("it", (0,)) if kind == "MultiheadAttention" else net.last
    return net.done()


@pytest.mark.parametrize("dtype", ["int64", "uint8"])
@pytest.mark.parametrize(("kind", "call", "port", "shape"), MASKED)
def test_a_mask_of_0_and_1_becomes_true_and_false_and_is_not_added_to_the_scores(
    kind: str, call: dict[str, Any], port: str, shape: tuple[int | str, ...], dtype: str
) -> None:
    graph = masked(kind, call, dtype, **{port: shape})
    assert messages(graph) == [
        f"{kind} “it” takes True and False at “{port}” but receives whole numbers ({dtype}), from "
        f"“{port}”. Turn them into True and False with .bool(), where True means not seen."
    ]
    offered = labels(graph)
    assert offered[0] == "Insert .bool() before “it”"
    assert not any(".float()" in label for label in offered)
    problem = infer_shapes(graph).problems[0]
    mended = infer_shapes(apply(graph, repairs_for(graph, problem)[0].edit))
    assert mended.problems == () and str(mended.result) == "N×5×8"


def test_two_masks_of_0_and_1_are_mended_by_one_click() -> None:
    graph = masked("MultiheadAttention", SELF, "int64", key_padding_mask=("N", 5), attn_mask=(5, 5))
    assert labels(graph)[0] == "Insert .bool() before every mask of “it”"


def test_of_a_mask_for_scaled_dot_product_attention_true_means_seen() -> None:
    net = Net("N", 5, 8)
    net.nodes["m"] = Node("m", "input", "m", spec=TensorSpec((5, 5), "int64"))
    key = "torch.nn.functional.scaled_dot_product_attention"
    net.node(Node("it", "operation", "it", key, {**SELF, "attn_mask": Ref("m")}))
    graph = net.done()
    (message,) = messages(graph)
    assert message.endswith("with .bool(), where True means seen.")
    assert labels(graph)[0] == "Insert .bool() before “it”"


@pytest.mark.parametrize("in_features", [None, 1, 8])
@pytest.mark.parametrize("shape", [("N",), ()])
def test_unsqueeze_is_offered_in_front_of_a_linear_without_features(
    shape: tuple[str, ...], in_features: int | None
) -> None:
    given = {} if in_features is None else {"in_features": in_features}
    graph = one("Linear", *shape, out_features=2, **given)
    assert "with unsqueeze." in messages(graph)[0]
    offered = labels(graph)
    assert offered[0] == "Insert unsqueeze(dim=-1) before “it”"
    assert offered.count(offered[0]) == 1


def read_by_attention(dtype: str, *shape: int | str, key: bool = False, **arguments: Any) -> Graph:
    """What is no real number, read as query, key and value, or beside a real query as the latter two."""
    net = Net(*shape, dtype=dtype)
    net.nodes["q"] = Node("q", "input", "q", spec=TensorSpec(("N", 5, 8)))
    net.owns("it", "MultiheadAttention", batch_first=True, **arguments)
    net.call("it", "it", query=Ref("q") if key else X, key=X, value=X)
    net.last = Ref("it", (0,))
    return net.done()


@pytest.mark.parametrize("key", [False, True])
@pytest.mark.parametrize("dtype", ["int64", "bool"])
def test_attention_on_no_real_numbers_is_offered_float_at_every_port(dtype: str, key: bool) -> None:
    graph = read_by_attention(dtype, "N", 5, 8, key=key, num_heads=4)
    problem = infer_shapes(graph).errors[0]
    assert problem.message.endswith("Turn them into real numbers with .float().")
    assert repairs_for(graph, problem)[0].label == "Insert .float() before “it”"


@pytest.mark.parametrize(
    ("dtype", "label"),
    [
        ("int64", "Insert Embedding(num_embeddings=1000) before “it”"),
        ("bool", "Insert .long() and Embedding(num_embeddings=2) before “it”"),
    ],
)
@pytest.mark.parametrize("arguments", [{"num_heads": 12}, {"num_heads": 4, "embed_dim": 8}])
def test_attention_on_tokens_is_offered_an_embedding_that_its_heads_divide(
    dtype: str, label: str, arguments: dict[str, Any]
) -> None:
    graph = read_by_attention(dtype, "N", 5, **arguments)
    problem = infer_shapes(graph).errors[0]
    assert "with an Embedding" in problem.message
    repair = repairs_for(graph, problem)[0]
    assert repair.label == label
    assert infer_shapes(apply(graph, repair.edit)).errors == ()
