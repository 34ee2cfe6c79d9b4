"""What the catalogue says of layers and operations one can check by hand."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from builder.catalogue import (
    build_layer,
    call_arguments,
    canonical,
    defaults_for,
    get,
    parts_of,
    split_inner,
    to_torch,
)
from builder.catalogue.entry import REQUIRED, Inferred, Part
from builder.errors import NotFound


def test_linear_needs_out_features_and_infers_in_features() -> None:
    linear = get("torch.nn.Linear")
    assert [p.name for p in linear.parameters] == ["in_features", "out_features", "bias"]
    assert [p.required for p in linear.parameters] == [False, True, False]
    assert linear.parameters[0].inferred == Inferred("input", -1)
    assert linear.help == (
        "Applies an affine linear transformation to the incoming data: y = xA^T + b."
    )
    assert linear.link == "https://docs.pytorch.org/docs/stable/generated/torch.nn.Linear.html"
    assert linear.family == "linear" and linear.chain


def test_conv2d_takes_numbers_pairs_and_padding_by_name() -> None:
    conv = get("torch.nn.Conv2d")
    kernel, padding = conv.parameter("kernel_size"), conv.parameter("padding")
    assert kernel is not None and padding is not None
    assert (kernel.type, kernel.length, kernel.scalar, kernel.minimum) == ("ints", 2, True, 1)
    assert (padding.type, padding.choices, padding.default) == ("ints", ("valid", "same"), 0)
    mode = conv.parameter("padding_mode")
    assert mode is not None and mode.type == "choice" and mode.choices[0] == "zeros"
    assert conv.parameters[0].inferred == Inferred("input", 1)
    assert conv.parameter("device") is None and conv.parameter("dtype") is None


@pytest.mark.parametrize(
    ("key", "name", "choices"),
    [
        ("torch.nn.GELU", "approximate", ("none", "tanh")),
        ("torch.nn.RNN", "nonlinearity", ("tanh", "relu")),
        ("torch.nn.RNNCell", "nonlinearity", ("tanh", "relu")),
        ("torch.nn.EmbeddingBag", "mode", ("sum", "mean", "max")),
        ("torch.nn.Upsample", "mode", ("nearest", "linear", "bilinear", "bicubic", "trilinear")),
        ("torch.nn.TransformerEncoder", "activation", ("relu", "gelu")),
    ],
)
def test_choices_come_from_the_docs(key: str, name: str, choices: tuple[str, ...]) -> None:
    parameter = get(key).parameter(name)
    assert parameter is not None
    assert (parameter.type, parameter.choices) == ("choice", choices)


def test_a_recurrent_layer_is_added_with_the_batch_first_but_means_torchs_default() -> None:
    lstm = get("torch.nn.LSTM")
    batch_first = lstm.parameter("batch_first")
    assert batch_first is not None and batch_first.default is False
    assert defaults_for(lstm) == {"hidden_size": 64, "batch_first": True}
    assert lstm.parts == (Part("output", (0,)), Part("h_n", (1, 0)), Part("c_n", (1, 1)))
    assert not lstm.chain
    state = lstm.port("hx")
    assert state is not None and state.optional and state.many and state.length == 2


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_a_recurrent_layer_is_told_lengths_and_torchs_own_call_knows_none(kind: str) -> None:
    entry = get(f"torch.nn.{kind}")
    port = entry.port("lengths")
    assert port is not None and port.optional and not port.many and "longest" in port.help
    is_sorted, total = entry.call_parameters
    assert (is_sorted.name, is_sorted.default) == ("enforce_sorted", True)
    assert (total.name, total.default, total.minimum) == ("total_length", None, 1)
    given = {"input": "x", "lengths": "l", "enforce_sorted": False, "total_length": 7}
    assert call_arguments(entry, given) == (["x"], {})


def test_lstm_runs_with_the_state_it_is_given() -> None:
    lstm = get("torch.nn.LSTM")
    layer = build_layer(lstm, {"input_size": 3, "hidden_size": 5, "batch_first": True})
    x, h, c = torch.zeros(2, 4, 3), torch.ones(1, 2, 5), torch.ones(1, 2, 5)
    positional, keywords = call_arguments(lstm, {"input": x, "hx": (h, c)})
    output, (h_n, c_n) = layer(*positional, **keywords)
    assert output.shape == (2, 4, 5) and h_n.shape == c_n.shape == (1, 2, 5)


def test_a_transformer_stack_is_built_from_its_layer() -> None:
    encoder = get("torch.nn.TransformerEncoder")
    arguments = {"d_model": 8, "nhead": 2, "num_layers": 3, "batch_first": True}
    assert split_inner(encoder, arguments) == (
        {"num_layers": 3},
        {"d_model": 8, "nhead": 2, "batch_first": True},
    )
    layer = build_layer(encoder, arguments)
    assert isinstance(layer, torch.nn.TransformerEncoder) and layer.num_layers == 3
    assert "layers.2.self_attn.in_proj_weight" in layer.state_dict()
    assert encoder.inner is not None and encoder.inner.argument == "encoder_layer"


def test_parts_depend_on_the_arguments() -> None:
    assert parts_of(get("torch.max"), {}) == ()
    assert [p.name for p in parts_of(get("torch.max"), {"dim": 1})] == ["values", "indices"]
    assert [p.path for p in parts_of(get("torch.chunk"), {"chunks": 3})] == [(0,), (1,), (2,)]
    assert len(parts_of(get("torch.split"), {"split_size": (1, 2, 3, 4)})) == 4
    assert parts_of(get("torch.nn.MaxPool2d"), {}) == ()
    with_indices = parts_of(get("torch.nn.MaxPool2d"), {"return_indices": True})
    assert [p.name for p in with_indices] == ["output", "indices"]
    attention = get("torch.nn.MultiheadAttention")
    assert parts_of(attention, {"need_weights": False}) == (Part("attn_output", (0,)),)


def test_dropout_as_a_function_is_told_whether_it_trains() -> None:
    dropout = get("torch.nn.functional.dropout")
    assert dropout.training == "training"
    assert call_arguments(dropout, {"input": 1, "p": 0.2}, training=True) == (
        [1],
        {"p": 0.2, "training": True},
    )
    attention = get("torch.nn.functional.scaled_dot_product_attention")
    given = {"query": 1, "key": 2, "value": 3, "dropout_p": 0.1}
    assert call_arguments(attention, given)[1] == {"dropout_p": 0.0}
    assert call_arguments(attention, given, training=True)[1] == {"dropout_p": 0.1}


def test_required_arguments_go_by_position_in_the_order_of_the_call() -> None:
    where = get("torch.where")
    assert [p.name for p in where.ports] == ["input", "condition", "other"]
    given = {"input": "x", "condition": "c", "other": 0.0}
    assert call_arguments(where, given) == (["c", "x", 0.0], {})
    einsum = get("torch.einsum")
    assert call_arguments(einsum, {"equation": "i,i->", "operands": ("a", "b")})[0] == [
        "i,i->",
        "a",
        "b",
    ]
    assert call_arguments(get("torch.max"), {"input": "x", "dim": None}) == (["x"], {})


def test_types_are_named_and_become_torchs() -> None:
    assert to_torch("torch.Tensor.to", {"dtype": "float16"}) == {"dtype": torch.float16}
    assert to_torch("torch.reshape", {"shape": [2, -1]}) == {"shape": (2, -1)}
    with pytest.raises(ValueError, match="Did you mean “float32”"):
        to_torch("torch.Tensor.to", {"dtype": "flaot32"})


def test_operations_have_one_key_and_are_found_by_their_other_spellings() -> None:
    assert canonical("torch.add") == "operator.add"
    assert canonical("torch.div") == "operator.truediv"
    assert canonical("torch.Tensor.mean") == "torch.mean"
    assert canonical("torch.softmax") == "torch.nn.functional.softmax"
    assert canonical("torch.nn.Softmax") == "torch.nn.Softmax"
    assert canonical("block:residual") == "block:residual"
    assert get("torch.Tensor.permute").form == "method"


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("torch.nn.Liner", "Did you mean “torch.nn.Linear”?"),
        ("linear", "Did you mean “Linear”?"),
        ("torch.nn.MSELoss", "a loss: it is chosen on the Train page"),
        ("torch.nn.Sequential", "a container"),
        ("os.system", "There is no layer or operation “os.system”."),
        ("x" * 10_000, "There is no layer or operation"),
        ("", "There is no layer or operation"),
    ],
)
def test_an_unknown_key_is_refused_with_the_way_out(key: str, says: str) -> None:
    with pytest.raises(NotFound) as refusal:
        get(key)
    assert says in str(refusal.value)
    assert len(str(refusal.value)) < 250


def test_call_parameters_of_a_layer_come_from_its_forward() -> None:
    attention = get("torch.nn.MultiheadAttention")
    assert [p.name for p in attention.ports if not p.optional] == ["query", "key", "value"]
    need_weights = next(p for p in attention.call_parameters if p.name == "need_weights")
    assert (need_weights.type, need_weights.default) == ("bool", True)
    assert get("torch.nn.ConvTranspose2d").call_parameters[0].name == "output_size"
    assert get("torch.cat").call_parameters[0].default != REQUIRED


def test_importing_the_catalogue_does_not_import_torch() -> None:
    script = "import builder.catalogue, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
