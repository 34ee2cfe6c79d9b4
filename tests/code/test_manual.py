"""The style `manual`: the same numbers as nn.Module's, without it, or a reason why not."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor

from builder import catalogue
from builder.catalogue.example import example, tensors
from builder.code import StyleRefused, build_module, describe_model, source_module, write_code
from builder.errors import CodeRefused
from builder.graph.model import Graph
from tests.code.golden_networks import DESIGNS, GOLDEN, cnn_of_layers, loops, mlp_16, residual_cnn
from tests.code.networks import Net, chain, example_graph, whole_tuples
from tests.code.reference import random_inputs
from tests.code.test_catalogue import assert_same, flat
from tests.code.weight_networks import NETWORKS as WEIGHTS

REFUSED = frozenset(
    f"torch.nn.{name}"
    for name in (
        "EmbeddingBag",
        "Fold",
        "FractionalMaxPool2d",
        "FractionalMaxPool3d",
        "MaxUnpool1d",
        "MaxUnpool2d",
        "MaxUnpool3d",
        "Transformer",
        "TransformerDecoder",
        "TransformerDecoderLayer",
        "TransformerEncoder",
        "TransformerEncoderLayer",
        "Unfold",
        "UpsamplingBilinear2d",
    )
)
"""Layers whose examples have no short formula."""


def by_hand(graph: Graph) -> ModuleType:
    torch.manual_seed(0)
    return source_module(write_code(graph, "manual"))


def as_module(graph: Graph) -> torch.nn.Module:
    torch.manual_seed(0)
    return build_module(graph)


def run(file: ModuleType, inputs: list[Tensor], training: bool) -> Any:
    asks = "training" in inspect.signature(file.forward).parameters
    given: Mapping[str, bool] = {"training": training} if asks else {}
    return file.forward(*inputs, **given)


def assert_equal(graph: Graph, inputs: list[Tensor], close: float = 1e-4) -> None:
    """The same tensors in the same order of draws, the same outputs in eval and in train mode."""
    model, file = as_module(graph), by_hand(graph)
    drawn = sorted(shown(p) for p in model.parameters() if p.requires_grad)
    assert sorted(shown(p) for p in getattr(file, "parameters", [])) == drawn
    for training in (False, True):
        torch.manual_seed(1)
        expected = model.train(training)(*(x.clone() for x in inputs))
        torch.manual_seed(1)
        given = run(file, [x.clone() for x in inputs], training)
        for one, other in zip(flat(given), flat(expected), strict=True):
            if other is not None:  # attention that gives no weights
                torch.testing.assert_close(one, other, rtol=close, atol=close / 10, equal_nan=True)


def shown(tensor: Tensor) -> tuple[tuple[int, ...], list[float]]:
    return tuple(tensor.shape), tensor.flatten().tolist()


@pytest.mark.parametrize("key", catalogue.entries())
def test_every_layer_by_hand_gives_what_torch_gives_or_says_why_not(key: str) -> None:
    entry = catalogue.get(key)
    graph = example_graph(entry)
    if key in REFUSED:
        with pytest.raises(StyleRefused, match=rf"{entry.name}.*The style “module” can write it\."):
            write_code(graph, "manual")
        return
    inputs: list[Tensor] = flat(list(tensors(example(entry).inputs, "cpu").values()))
    assert_equal(graph, inputs)


def test_nearly_all_layers_of_a_chain_are_written() -> None:
    chains = [k for k, e in catalogue.entries().items() if e.chain and e.kind == "layer"]
    assert len([k for k in chains if k not in REFUSED]) >= 90


@pytest.mark.parametrize("name", [n for n in GOLDEN if not n.startswith("several_lengths")])
def test_networks_by_hand_give_what_the_module_gives(name: str) -> None:
    graph = GOLDEN[name][0]()
    assert_equal(graph, random_inputs(graph), close=1e-3)


@pytest.mark.parametrize("name", [n for n in WEIGHTS if n != "vit"])
def test_tensors_of_ones_own_and_tied_ones_stand_by_hand(name: str) -> None:
    graph = WEIGHTS[name]()
    assert_equal(graph, random_inputs(graph), close=1e-3)


@pytest.mark.parametrize("path", sorted(DESIGNS.glob("*.json")), ids=lambda path: path.stem)
def test_every_design_is_written_by_hand(path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    from builder.graph.project import load_project

    source = write_code(load_project(path).graph, "manual")
    assert "(nn." not in source
    assert "= nn." not in source
    exec(compile(source, path.stem, "exec", dont_inherit=True), {"__name__": "__main__"})
    assert "torch.Size(" in capsys.readouterr().out


def test_one_step_makes_the_loss_smaller() -> None:
    namespace: dict[str, Any] = {"__name__": "__main__"}
    torch.manual_seed(0)
    exec(compile(write_code(cnn_of_layers(), "manual"), "cnn", "exec"), namespace)
    loss = namespace["loss"]
    torch.manual_seed(0)
    again = namespace["forward"](namespace["x"], training=True).square().mean()
    assert again < loss
    assert all(p.grad is None and p.requires_grad for p in namespace["parameters"])


def test_gradients_are_those_of_the_module() -> None:
    graph = cnn_of_layers()
    model, file = as_module(graph), by_hand(graph)
    x = torch.randn(3, 3, 32, 32)
    for forward in (model.train(False), file.forward):
        torch.autograd.backward(forward(x).square().sum())
    for one, other in zip(file.parameters, model.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("layer", "arguments"),
    [
        ("ReLU", {}),
        ("ReLU6", {}),
        ("Hardsigmoid", {}),
        ("Hardswish", {}),
        ("Hardtanh", {"min_val": -2.0, "max_val": 1.0}),
        ("MaxPool2d", {"kernel_size": 2}),
        ("AdaptiveMaxPool2d", {"output_size": 1}),
    ],
)
def test_the_gradient_at_a_corner_and_of_equal_numbers_is_torchs(
    layer: str, arguments: dict[str, Any]
) -> None:
    net = Net("Corner")
    net.output(net.layer("layer", layer, net.input("x", "N", 1, 4, 4), **arguments))
    graph = net.graph()
    model, file = as_module(graph), by_hand(graph)
    values = torch.tensor([0.0, 6.0, 1.0, -2.0, 3.0, -3.0, 0.0, 0.0] * 2).reshape(1, 1, 4, 4)
    gradients = []
    for forward in (model, file.forward):
        x = values.clone().requires_grad_()
        torch.autograd.backward(forward(x).sum())
        gradients.append(x.grad)
    assert torch.equal(*gradients)


def test_running_statistics_follow_as_those_of_the_module() -> None:
    graph = cnn_of_layers()
    model, file = as_module(graph), by_hand(graph)
    x = torch.randn(5, 3, 32, 32)
    for _ in range(3):
        model.train()(x)
        file.forward(x, training=True)
    torch.testing.assert_close(file.bn1_running_var, model.bn1.running_var)
    torch.testing.assert_close(file.bn1_running_mean, model.bn1.running_mean)


@pytest.mark.parametrize(
    ("kind", "arguments", "shape", "reason"),
    [
        ("LSTM", {"hidden_size": 3, "num_layers": 2}, ("N", 5, 4), "it is several layers"),
        ("GRU", {"hidden_size": 3, "bidirectional": True}, ("N", 5, 4), "both directions"),
        ("MaxPool2d", {"kernel_size": 3, "ceil_mode": True}, ("N", 2, 8, 8), "ceil_mode"),
        ("AdaptiveAvgPool2d", {"output_size": 3}, ("N", 2, 8, 8), "3 does not divide 8"),
        ("Embedding", {"num_embeddings": 5, "embedding_dim": 2, "max_norm": 1.0}, ("N",), "in place"),
        ("BatchNorm1d", {"momentum": None}, ("N", 4), "momentum=None"),
        ("Upsample", {"scale_factor": 2.0, "mode": "bilinear"}, ("N", 2, 4, 4), "neighbours"),
        ("Conv2d", {"out_channels": 2, "kernel_size": 3}, (3, 8, 8), "3 sizes in place of 4"),
    ],
)  # fmt: skip
def test_what_has_no_short_formula_is_refused_with_the_reason(
    kind: str, arguments: dict[str, Any], shape: tuple[Any, ...], reason: str
) -> None:
    net = Net()
    dtype = "int64" if kind == "Embedding" else "float32"
    out = net.layer("thing", kind, net.input("x", *shape, dtype=dtype), **arguments)
    net.output(replace(out, path=(0,)) if kind in ("LSTM", "GRU") else out)
    with pytest.raises(StyleRefused, match=reason) as caught:
        write_code(net.graph(), "manual")
    assert f"“thing” ({kind})" in str(caught.value)
    assert caught.value.instead == "module"


@pytest.mark.parametrize(
    ("kind", "arguments", "shape"),
    [
        ("Conv2d", {"out_channels": 6, "kernel_size": (3, 5), "groups": 3, "dilation": 2}, (3, 9, 12)),
        ("Conv2d", {"out_channels": 4, "kernel_size": 4, "padding": "same"}, (3, 9, 12)),
        ("Conv2d", {"out_channels": 4, "kernel_size": 3, "padding": 1, "padding_mode": "circular"}, (3, 9, 12)),
        ("Conv1d", {"out_channels": 4, "kernel_size": 3, "stride": 2, "bias": False}, (3, 9)),
        ("ConvTranspose2d", {"out_channels": 4, "kernel_size": 3, "stride": 2, "padding": 1, "output_padding": 1}, (3, 5, 6)),
        ("MaxPool2d", {"kernel_size": 3, "stride": 2, "padding": 1, "dilation": 2}, (3, 9, 12)),
        ("AvgPool2d", {"kernel_size": (2, 3), "padding": 1}, (3, 9, 12)),
        ("AdaptiveAvgPool2d", {"output_size": (3, None)}, (3, 9, 12)),
        ("Embedding", {"num_embeddings": 5, "embedding_dim": 2, "padding_idx": 1}, (7,)),
        ("LayerNorm", {"normalized_shape": (9, 12), "eps": 0.1, "bias": False}, (3, 9, 12)),
        ("GroupNorm", {"num_groups": 2, "affine": False}, (4, 9)),
        ("BatchNorm2d", {"affine": False, "momentum": 0.5}, (3, 9, 12)),
        ("PReLU", {"num_parameters": 3}, (3, 9, 12)),
        ("Softmax", {}, (3, 4)),
        ("CELU", {"alpha": 2.0}, (3,)),
        ("Softplus", {"beta": 30.0}, (3,)),
        ("GELU", {"approximate": "tanh"}, (3,)),
        ("Dropout2d", {"p": 0.3}, (3, 9, 12)),
    ],
)  # fmt: skip
def test_settings_of_a_layer_count_by_hand(
    kind: str, arguments: dict[str, Any], shape: tuple[int, ...]
) -> None:
    net = Net()
    whole = kind == "Embedding"
    x = net.input("x", "N", *shape, dtype="int64" if whole else "float32")
    net.output(net.layer("thing", kind, x, **arguments))
    torch.manual_seed(2)
    given = torch.randint(5, (3, *shape)) if whole else 4 * torch.randn(3, *shape)
    assert_equal(net.graph(), [given])


def test_the_row_of_padding_does_not_learn() -> None:
    net = Net()
    x = net.input("x", "N", dtype="int64")
    arguments = {"num_embeddings": 4, "embedding_dim": 2, "padding_idx": 1}
    net.output(net.layer("emb", "Embedding", x, **arguments))
    file = by_hand(net.graph())
    torch.autograd.backward(file.forward(torch.tensor([0, 1, 2])).sum())
    assert file.emb_weight.grad.tolist() == [[1, 1], [0, 0], [1, 1], [0, 0]]


def test_all_layers_that_cannot_be_written_are_named_at_once() -> None:
    graph = chain(
        ("up", "UpsamplingBilinear2d", {"scale_factor": 2}),
        ("unfold", "Unfold", {"kernel_size": 2}),
        shape=("N", 3, 4, 4),
    )
    with pytest.raises(CodeRefused) as caught:
        write_code(graph, "manual")
    assert "“up”" in str(caught.value)
    assert "“unfold”" in str(caught.value)


def test_a_number_where_a_layer_reads_a_tensor_is_refused() -> None:
    graph = chain(("act", "ReLU", {}))
    nodes = {**graph.nodes, "act": replace(graph.nodes["act"], arguments={"input": 0})}
    with pytest.raises(CodeRefused, match="no tensor"):
        write_code(replace(graph, nodes=nodes), "manual")


def test_an_activation_in_place_is_refused_where_others_read_what_it_writes_over() -> None:
    net = Net()
    y = net.layer("fc", "Linear", net.input("x", "N", 4), out_features=4)
    act = net.layer("act", "ReLU", y, inplace=True)
    net.output(net.op("add", "operator.add", act, y))
    with pytest.raises(StyleRefused, match="writes over a value that others read"):
        write_code(net.graph(), "manual")


def test_an_activation_in_place_that_nobody_else_sees_is_a_formula() -> None:
    graph = chain(("fc", "Linear", {"out_features": 4}), ("act", "ReLU", {"inplace": True}))
    assert "x = torch.where(x <= 0, 0.0, x)" in write_code(graph, "manual")


def test_a_setting_that_is_called_as_a_helper_gets_another_name() -> None:
    net = Net(dropout=0.5)
    from builder.graph.model import Setting

    net.output(net.layer("drop", "Dropout", net.input("x", "N", 4), p=Setting("dropout")))
    source = write_code(net.graph(), "manual")
    assert "dropout_setting = 0.5" in source
    assert "x = dropout(x, p=dropout_setting, training=training)" in source


@pytest.mark.parametrize("name", WEIGHTS)
def test_every_style_has_the_tensors_of_ones_own(name: str) -> None:
    graph = WEIGHTS[name]()
    inputs = random_inputs(graph)
    expected = as_module(graph).eval()
    for style in ("functional", "mixed"):
        torch.manual_seed(0)
        model = build_module(graph, style).eval()
        assert sorted(map(shown, model.parameters())) == sorted(map(shown, expected.parameters()))
        assert len(model.state_dict()) == len(expected.state_dict())
        assert_same(model(*inputs), expected(*inputs))


def test_a_frozen_block_does_not_learn() -> None:
    file = by_hand(loops())
    assert [tuple(p.shape) for p in file.parameters] == [(8, 8), (8,)] * 4


def test_what_is_printed_of_it_are_the_tensors() -> None:
    assert describe_model(mlp_16(), "manual").splitlines()[:2] == [
        "fc1_weight  (12, 16)  learns",
        "fc1_bias    (12,)     learns",
    ]
    printed = describe_model(residual_cnn(), "manual")
    assert "stage1[2].bn2_running_var   (16,)\n" in printed
    assert "stage1[2].bn2_weight        (16,)           learns\n" in printed


@pytest.mark.parametrize("name", ["mha", "weightless"])
def test_none_in_place_of_the_weights_of_attention_is_refused(name: str) -> None:
    with pytest.raises(StyleRefused, match="gives None in place of its weights"):
        write_code(whole_tuples()[name], "manual")
