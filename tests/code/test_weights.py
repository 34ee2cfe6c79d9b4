"""Tensors without a layer, tied weights and weights read of a layer, in written code."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from builder.code import build_module, parameter_table, paths, why_not_chain, write_code
from builder.errors import CodeRefused
from builder.graph.model import Graph, Ref, Setting, Size, Slice
from builder.graph.shapes import infer_shapes
from tests.code.networks import Net
from tests.code.weight_networks import (
    NETWORKS,
    first_way,
    gpt,
    kept,
    opaque,
    scaled_block,
    transposed,
    vit,
)


@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_drawn_runs_and_has_the_parameters_that_were_counted(name: str) -> None:
    graph = NETWORKS[name]()
    report = infer_shapes(graph)
    assert report.problems == ()
    model = build_module(graph)
    assert report.totals.parameters == sum(p.numel() for p in model.parameters())
    assert report.totals.trainable == sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert report.totals.buffers == sum(b.numel() for b in model.buffers())
    spec = graph.inputs[0].spec
    assert spec is not None
    sizes = [3 if size == "N" else int(size) for size in spec.shape]
    x = torch.randint(50, sizes) if spec.dtype == "int64" else torch.randn(sizes)
    given = report.nodes[graph.outputs[0].id].result
    expected = tuple(3 if size == "N" else size for size in given.shape)  # type: ignore[union-attr]
    assert tuple(model(x).shape) == expected


@pytest.mark.parametrize("name", NETWORKS)
def test_the_table_lists_every_parameter_with_where_it_is(name: str) -> None:
    graph = NETWORKS[name]()
    rows = parameter_table(graph)
    assert [row.name for row in rows] == [n for n, _ in build_module(graph).named_parameters()]
    places = paths(graph)
    lost = [row.name for row in rows if not row.layer and not row.name.startswith("unused")]
    assert not lost, (lost, places)


def test_the_first_way_is_written_as_the_course_writes_it() -> None:
    source = write_code(first_way())
    assert "        self.w1 = nn.Parameter(torch.randn(2, 8))\n" in source
    assert "        self.b1 = nn.Parameter(torch.zeros(8))\n" in source
    assert "        mm1 = x @ self.w1  # (N, 8)\n        x = mm1 + self.b1\n" in source
    assert "        act = torch.tanh(x)\n        mm2 = act @ self.w2  # (N, 1)\n" in source


def test_random_first_values_are_those_of_the_plain_text() -> None:
    class Plain(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w1 = nn.Parameter(torch.randn(2, 8))
            self.b1 = nn.Parameter(torch.zeros(8))
            self.w2 = nn.Parameter(torch.randn(8, 1))
            self.b2 = nn.Parameter(torch.zeros(1))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.tanh(x @ self.w1 + self.b1) @ self.w2 + self.b2

    torch.manual_seed(7)
    plain = Plain()
    torch.manual_seed(7)
    ours = build_module(first_way())
    assert list(ours.state_dict()) == list(plain.state_dict())
    for name, value in plain.state_dict().items():
        assert torch.equal(ours.state_dict()[name], value), name
    x = torch.randn(5, 2)
    assert torch.equal(ours(x), plain(x))


def test_a_vit_has_its_token_and_positions_in_the_order_they_are_owned() -> None:
    class Plain(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.patch = nn.Conv2d(3, 32, 4, stride=4)
            self.cls_token = nn.Parameter(torch.zeros(1, 1, 32))
            self.pos_embed = nn.Parameter(torch.empty(1, 17, 32))
            nn.init.trunc_normal_(self.pos_embed, std=0.02)
            self.encoder = nn.TransformerEncoderLayer(32, 4, batch_first=True)
            self.head = nn.Linear(32, 10)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            x = self.patch(images).flatten(2).transpose(1, 2)
            x = torch.cat((self.cls_token.expand(x.shape[0], -1, -1), x), dim=1)
            return self.head(self.encoder(x + self.pos_embed)[:, 0])  # type: ignore[no-any-return]

    torch.manual_seed(3)
    plain = Plain().eval()
    torch.manual_seed(3)
    ours = build_module(vit()).eval()
    assert list(ours.state_dict()) == list(plain.state_dict())
    images = torch.randn(2, 3, 16, 16)
    assert torch.equal(ours(images), plain(images))


def test_tied_weights_are_one_tensor_that_stays_one_while_it_learns() -> None:
    model: Any = build_module(gpt())
    assert "        self.head.weight = self.emb.weight\n" in write_code(gpt())
    assert [k for k in model.state_dict() if k.endswith(".weight")] == [
        "emb.weight",
        "norm.weight",
        "head.weight",
    ]
    assert sum(p.numel() for p in model.parameters()) == 50 * 16 + 32
    assert infer_shapes(gpt()).totals.parameters == 50 * 16 + 32
    optimizer = torch.optim.Adam(model.parameters())
    before = model.emb.weight.detach().clone()
    model(torch.randint(50, (2, 12))).sum().backward()
    optimizer.step()
    assert model.head.weight is model.emb.weight
    assert not torch.equal(model.emb.weight, before)


def test_a_tie_of_other_sizes_is_a_problem_at_its_layer() -> None:
    graph = gpt()
    head = replace(
        graph.owners["head"], arguments={**graph.owners["head"].arguments, "out_features": 40}
    )
    (problem,) = infer_shapes(replace(graph, owners={**graph.owners, "head": head})).problems
    assert (problem.node, problem.kind) == ("head", "tied")
    assert "“head.weight” is 40×16" in problem.message
    assert "50×16" in problem.message


def test_the_weight_of_a_layer_is_read_where_it_is_used() -> None:
    assert "        back = x @ self.encoder.weight  # (N, 12)\n" in write_code(transposed())


def test_a_tensor_in_a_block_takes_its_size_from_a_setting() -> None:
    source = write_code(scaled_block())
    assert "    offset: Tensor\n" in source
    assert "        self.gain = nn.Parameter(torch.ones(width))\n" in source
    assert '        self.register_buffer("offset", torch.full((width,), 0.5))\n' in source
    assert "        self.second = Scale(width=4)\n" in source
    assert " = x * self.second.gain\n" in source


def test_what_nothing_calls_is_made_and_kept() -> None:
    model: Any = build_module(kept())
    source = write_code(kept())
    assert list(model.state_dict()) == [
        "still",
        "eye",
        "unused.weight",
        "unused.bias",
        "core.weight",
    ]
    assert not model.unused.weight.requires_grad
    assert not model.still.requires_grad
    assert " = x @ self.core.weight\n" in source
    assert "torch.zeros((), dtype=torch.int64), persistent=False" in source


@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "gpt"])
def test_no_chain_is_written_where_a_tensor_stands_apart(name: str) -> None:
    reason = why_not_chain(NETWORKS[name]())
    assert reason
    with pytest.raises(CodeRefused):
        write_code(NETWORKS[name](), "sequential")


def test_a_chain_says_which_tensor_it_cannot_hold() -> None:
    assert why_not_chain(first_way()) == (
        "“w1” is a tensor of your own: nn.Sequential can only hold layers that follow one another."
    )
    assert why_not_chain(gpt()) == (
        "“head” has a weight that is one of “emb”; in nn.Sequential each has its own."
    )


def test_a_chain_of_layers_that_share_a_weight_says_so_behind_it() -> None:
    assert "model[2].weight = model[0].weight\n" in write_code(gpt(), "sequential")


INITS: dict[str, tuple[dict[str, Any], str, str]] = {
    "zeros": ({}, "torch.zeros(4, 3)", ""),
    "ones": ({}, "torch.ones(4, 3)", ""),
    "constant": ({"value": 2}, "torch.full((4, 3), 2.0)", ""),
    "normal": ({}, "torch.randn(4, 3)", ""),
    "uniform": ({}, "torch.rand(4, 3)", ""),
    "eye": ({}, "torch.eye(4, 3)", ""),
    "empty": ({}, "torch.empty(4, 3)", ""),
    "xavier_uniform": ({}, "torch.empty(4, 3)", "nn.init.xavier_uniform_(self.w)"),
    "xavier_normal": (
        {"gain": 2.0},
        "torch.empty(4, 3)",
        "nn.init.xavier_normal_(self.w, gain=2.0)",
    ),
    "kaiming_normal": (
        {"mode": "fan_out", "nonlinearity": "relu"},
        "torch.empty(4, 3)",
        'nn.init.kaiming_normal_(self.w, mode="fan_out", nonlinearity="relu")',
    ),
    "kaiming_uniform": ({"a": 1.0}, "torch.empty(4, 3)", "nn.init.kaiming_uniform_(self.w, a=1.0)"),
    "trunc_normal": (
        {"std": 0.02, "low": -1.0},
        "torch.empty(4, 3)",
        "nn.init.trunc_normal_(self.w, std=0.02, a=-1.0)",
    ),
    "orthogonal": ({}, "torch.empty(4, 3)", "nn.init.orthogonal_(self.w)"),
}


@pytest.mark.parametrize("init", INITS)
def test_every_way_to_fill_a_tensor_is_written_as_torch_has_it(init: str) -> None:
    arguments, made, filled = INITS[init]
    net = Net()
    x = net.input("x", "N", 4)
    weight = net.tensor("w", "parameter", 4, 3, init=init, **arguments)
    net.output(net.op("product", "operator.matmul", x, weight))
    graph = net.graph()
    lines = [line.strip() for line in write_code(graph).splitlines()]
    assert f"self.w = nn.Parameter({made})" in lines
    assert (filled in lines) if filled else not any("nn.init" in line for line in lines)
    torch.manual_seed(1)
    model: Any = build_module(graph)
    ours = model.w
    assert ours.shape == (4, 3)
    if "randn" in made or "rand(" in made:
        torch.manual_seed(1)
        assert torch.equal(
            ours, getattr(torch, init.replace("normal", "randn").replace("uniform", "rand"))(4, 3)
        )


def test_all_ways_to_fill_are_tried_above() -> None:
    from builder.catalogue.tensors import INITS as known

    assert set(INITS) | {"made"} == set(known)


def test_own_code_is_written_and_never_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAYERWISE_OWN_CODE", raising=False)
    graph = opaque("N×3")
    assert infer_shapes(graph).ok
    source = write_code(graph)
    assert source.count("import torch\n") == 1
    assert "        self.strange = Strange(2.0)\n" in source
    assert "self.strange(x, x)" in source
    with pytest.raises(CodeRefused, match="“strange” is code of your own"):
        build_module(graph)
    with pytest.raises(CodeRefused, match="LAYERWISE_OWN_CODE"):
        parameter_table(graph)


def test_own_code_runs_where_the_owner_of_the_server_allows_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LAYERWISE_OWN_CODE", "1")
    model = build_module(opaque("N×3"))
    assert "strange.factor" in model.state_dict()
    assert model(torch.randn(5, 4)).shape == (5, 2)


def test_own_code_asks_what_it_gives() -> None:
    report = infer_shapes(opaque())
    (problem,) = report.problems
    assert (problem.node, problem.kind, problem.parameter) == ("strange", "opaque_gives", "gives")
    assert report.nodes["head"].result is None


def test_own_code_that_is_none_is_not_written() -> None:
    graph = opaque("N×3")
    for part, value in {
        "call": "Strange(2.0); import os",
        "source": "class Strange(",
    }.items():
        owner = graph.owners["strange"]
        broken = replace(owner, arguments={**owner.arguments, part: value})
        with pytest.raises(CodeRefused):
            write_code(replace(graph, owners={**graph.owners, "strange": broken}))


def positions() -> Graph:
    """Sinusoidal positions as the tutorials make them, in a block without inputs."""
    block = Net("Positions", length=20, width=8)
    place = block.op("place", "torch.arange", end=Setting("length"))
    column = block.op("position", "torch.unsqueeze", place, dim=1)
    step = block.op("step", "torch.arange", start=0, end=Setting("width"), step=2)
    angle = block.op(
        "angle", "operator.truediv", column, block.op("scale", "operator.add", step, other=1.0)
    )
    both = Ref("both")
    sine, cosine = block.op("sine", "torch.sin", angle), block.op("cosine", "torch.cos", angle)
    block.op("both", "torch.stack", tensors=(sine, cosine), dim=2)
    flat = block.op("flat", "torch.flatten", both, start_dim=1)
    block.output(flat)
    net = Net("Encoded")
    x = net.input("x", "N", 12, 8)
    net.blocks["Positions"] = block.graph()
    pe = net.tensor("pe", "buffer", init="made", made_by="Positions", length=32)
    pe = net.op("shown", "operator.getitem", pe, index=(Slice(None, Size(x, 1)),))
    net.output(net.op("encoded", "operator.add", x, pe))
    return net.graph()


def test_positions_are_made_by_operations_in_the_constructor() -> None:
    graph = positions()
    assert infer_shapes(graph).problems == ()
    model: Any = build_module(graph)
    source = write_code(graph)
    assert source.index("torch.sin(") < source.index('self.register_buffer("pe"')
    assert "torch.arange(32)" in source
    place = torch.arange(32).unsqueeze(1) / (torch.arange(0, 8, 2) + 1.0)
    expected = torch.stack((torch.sin(place), torch.cos(place)), dim=2).flatten(1)
    assert torch.equal(model.pe, expected)
    assert infer_shapes(graph).totals.buffers == 32 * 8
