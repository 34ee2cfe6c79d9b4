"""Weights that are computed from others, in written code: every style, training, inspection."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from builder.code import (
    StyleRefused,
    build_module,
    describe_model,
    parameter_table,
    paths,
    why_not_chain,
    write_code,
)
from builder.code.weight_fit import fit_weights
from builder.errors import CodeRefused
from builder.graph.model import Graph, Norm, Ref, TensorSpec
from builder.graph.shapes import infer_shapes
from builder.graph.validate import why_invalid
from builder.inspection.layers import layers_of
from tests.code.networks import MODULES, Net
from tests.code.norm_networks import KINDS, NETWORKS, discriminator, norm, recurrent, residual


def example(graph: Graph) -> torch.Tensor:
    spec = graph.inputs[0].spec
    assert isinstance(spec, TensorSpec)
    return torch.randn([5 if size == "N" else int(size) for size in spec.shape])


def styles_of(graph: Graph) -> list[str]:
    chain = why_not_chain(graph) is None
    return [style for style in MODULES if chain or style in ("module", "functional", "mixed")]


@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_drawn_runs_and_has_the_parameters_that_were_counted(name: str) -> None:
    graph = NETWORKS[name]()
    report, model = infer_shapes(graph), build_module(graph)
    assert report.problems == ()
    assert report.totals.parameters == sum(p.numel() for p in model.parameters())
    assert report.totals.trainable == sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert report.totals.buffers == sum(b.numel() for b in model.buffers())
    assert model(example(graph)).shape[0] == 5


@pytest.mark.parametrize("name", NETWORKS)
def test_every_style_trains_to_the_same_numbers(name: str) -> None:
    graph = NETWORKS[name]()
    x, ends = example(graph), []
    for style in styles_of(graph):
        torch.manual_seed(0)
        model = build_module(graph, style).train()
        optimizer = torch.optim.SGD(model.parameters(), 0.05)
        for _ in range(3):
            optimizer.zero_grad()
            model(x).square().mean().backward()
            optimizer.step()
        state = torch.cat([value.flatten().float() for value in model.state_dict().values()])
        ends.append((model.eval()(x), state.sort().values))
    for given, state in ends[1:]:
        assert torch.equal(given, ends[0][0])
        assert torch.equal(state, ends[0][1])


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_what_torch_makes_of_the_same_layers(kind: str) -> None:
    put = getattr(nn.utils.parametrizations if "." in kind else nn.utils, kind.rpartition(".")[2])
    torch.manual_seed(3)
    theirs = nn.Sequential(
        put(nn.Conv2d(3, 4, 3)), nn.LeakyReLU(), put(nn.Conv2d(4, 6, 3, stride=2)), nn.Flatten(),
        put(nn.Linear(24, 1)),
    )  # fmt: skip
    torch.manual_seed(3)
    ours = build_module(discriminator(kind), "sequential")
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert all(
        torch.equal(a, b)
        for a, b in zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True)
    )
    x = torch.randn(2, 3, 8, 8)
    for _ in range(2):  # power steps of one call are seen in the next
        assert torch.equal(ours(x), theirs(x))
    assert torch.equal(ours.eval()(x), theirs.eval()(x))


def test_they_are_written_as_one_writes_them() -> None:
    source = write_code(discriminator())
    assert "        self.fc = nn.utils.spectral_norm(nn.Linear(24, 1))\n" in source
    assert "from torch import Tensor, nn\n" in source
    chain = write_code(discriminator("weight_norm"), "sequential")
    assert "    nn.utils.weight_norm(nn.Conv2d(3, 4, kernel_size=3)),  # (N, 4, 6, 6)\n" in chain
    two = write_code(recurrent())
    assert 'name="weight_hh_l0"' in two
    assert 'name="weight_ih_l0"' in two
    assert "dim=1" in two
    assert "name=" not in source


def test_by_hand_it_is_refused_with_the_layer_and_the_reason() -> None:
    with pytest.raises(
        StyleRefused, match=r"“conv1” \(Conv2d\): its weight is computed by spectral norm"
    ):
        write_code(discriminator(), "manual")


@pytest.mark.parametrize("name", NETWORKS)
def test_tables_paths_and_descriptions_know_their_tensors(name: str) -> None:
    graph = NETWORKS[name]()
    model, rows = build_module(graph), parameter_table(graph)
    assert [row.name for row in rows] == [n for n, _ in model.named_parameters()]
    assert all(row.layer for row in rows)
    assert paths(graph)
    for style in styles_of(graph):
        assert describe_model(graph, style)
    layers = {layer.path: layer for layer in layers_of(graph)}
    for owner in graph.owners.values():
        if owner.norms:
            layer = layers[owner.name]
            assert layer.kind == owner.target.rpartition(".")[2]
            assert layer.words.startswith(f"{layer.kind}(")
            assert layer.family != "other"
            kept = [n for n, _ in model.get_submodule(owner.name).named_parameters()]
            assert layer.parameters == tuple(f"{owner.name}.{n}" for n in kept)


@pytest.mark.parametrize("kind", KINDS)
def test_a_checkpoint_of_the_original_fits(kind: str) -> None:
    graph = discriminator(kind)
    state = build_module(graph).state_dict()
    fit = fit_weights(graph, {name: tuple(value.shape) for name, value in state.items()})
    assert fit.off == 0
    plain = {"conv1.weight": (4, 3, 3, 3), "conv1.bias": (4,)}
    assert fit_weights(graph, plain).off


def test_a_frozen_one_learns_nothing_but_takes_its_power_steps() -> None:
    from builder.graph import edits as e

    graph = e.apply(residual("spectral_norm"), e.SetFrozen("shared", True))
    model = build_module(graph).train()
    assert not any(p.requires_grad for n, p in model.named_parameters() if n.startswith("shared."))
    before = model.state_dict()["shared.weight_u"].clone()
    model(example(graph))
    assert not torch.equal(before, model.state_dict()["shared.weight_u"])
    report = infer_shapes(graph).totals
    assert report.frozen == 100


@pytest.mark.parametrize("called", [True, False])
def test_a_weight_that_is_not_there_is_said_before_torch_is_asked(called: bool) -> None:
    net = Net()
    x = net.input("x", "N", 4)
    act = net.layer("act", "ReLU", x)
    net.norm("act", "spectral_norm")
    net.output(net.layer("fc", "Linear", act if called else x, out_features=2))
    if not called:
        del net.nodes["act"]
    graph = net.graph()
    assert "has no parameter “weight”" in infer_shapes(graph).problems[0].message
    for style in styles_of(graph):
        with pytest.raises(CodeRefused, match="has no parameter “weight”, which spectral norm"):
            write_code(graph, style)


def test_a_layer_nobody_calls_keeps_its_norm() -> None:
    net = Net()
    x = net.input("x", "N", 4)
    net.layer("kept", "Linear", x, in_features=4, out_features=3)
    net.norm("kept", "weight_norm")
    net.output(net.layer("fc", "Linear", x, out_features=2))
    del net.nodes["kept"]
    graph = net.graph()
    assert infer_shapes(graph).totals.parameters == (3 * 4 + 3 + 3) + 10
    assert {"kept.weight_g", "kept.weight_v"} <= set(build_module(graph).state_dict())


@pytest.mark.parametrize(
    "bad",
    [
        Norm("os.system"),
        norm("spectral_norm", name="weight'); evil('"),
        norm("spectral_norm", eps="1); evil("),
        norm("spectral_norm", evil=1),
        norm("weight_norm", dim=(0, 1)),
        Norm("torch.nn.utils.weight_norm", {"dim": Ref("x")}),  # type: ignore[dict-item]
    ],
)
def test_norms_made_by_hand_write_nothing_of_theirs(bad: Norm) -> None:
    net = Net()
    net.output(net.layer("fc", "Linear", net.input("x", "N", 4), out_features=2))
    graph = net.graph()
    graph = replace(graph, owners={"fc": replace(graph.owners["fc"], norms=(bad,))})
    assert why_invalid(graph)
    assert infer_shapes(graph).problems[0].kind == "norm"
    for style in MODULES:
        with pytest.raises(CodeRefused):
            write_code(graph, style)
