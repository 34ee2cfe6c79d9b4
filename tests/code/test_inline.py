"""A block that means an nn.Sequential stands as one in the class that uses it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from builder.code import (
    build_module,
    describe_model,
    parameter_table,
    paths,
    write_code,
    write_with_lines,
)
from builder.code.writing import scopes
from builder.graph.model import Graph, Ref
from builder.graph.shapes import infer_shapes
from tests.code.golden_networks import mixed_mlp, numbered_block, sequentials
from tests.code.networks import Net, chain
from tests.code.reference import Reference, random_inputs
from tests.code.test_catalogue import assert_same
from tests.code.test_random_networks import QUIET
from tests.strategies import chains

PAIR = numbered_block("Pair", ("Linear", {"out_features": 8}), ("ReLU", {}))


def using(block: Graph, repeat: int = 1) -> Graph:
    """A network of one block."""
    net = Net()
    net.output(net.block("layers", block, net.input("x", "N", 8), repeat=repeat))
    return net.graph()


def made_in(graph: Graph) -> list[str]:
    """What is made in the constructors, where that takes one line."""
    return [line.strip() for line in write_code(graph).splitlines() if " = " in line][:-2]


def test_the_weights_of_the_mixed_network_are_named_as_print_shows_them() -> None:
    assert list(build_module(mixed_mlp()).state_dict()) == [
        f"layers.{i}.{name}" for i in (0, 2, 4) for name in ("weight", "bias")
    ]
    assert describe_model(mixed_mlp()) == (
        "MyNetwork2(\n"
        "  (layers): Sequential(\n"
        "    (0): Linear(in_features=16, out_features=12, bias=True)\n"
        "    (1): ReLU()\n"
        "    (2): Linear(in_features=12, out_features=10, bias=True)\n"
        "    (3): ReLU()\n"
        "    (4): Linear(in_features=10, out_features=1, bias=True)\n"
        "  )\n"
        ")"
    )


def test_a_short_one_stands_in_one_line() -> None:
    assert "        self.layers = nn.Sequential(nn.Linear(8, 8), nn.ReLU())\n" in write_code(
        using(PAIR)
    )


def test_it_has_no_class_and_takes_no_class_name() -> None:
    net = Net("Pair")
    net.output(net.block("layers", PAIR, net.input("x", "N", 8)))
    assert write_code(net.graph()).count("class ") == 1
    other = chain(("fc", "Linear", {"out_features": 8}), shape=("N", 8))
    net = Net()
    x = net.block("first", replace(PAIR, name="My block"), net.input("x", "N", 8))
    net.output(net.block("second", replace(other, name="MyBlock"), x))
    assert "class MyBlock(nn.Module)" in write_code(net.graph())


def _with_a_skip() -> Graph:
    net = Net("Block")
    x = net.input("x", "N", 8)
    y = net.layer("1", "ReLU", net.layer("0", "Linear", x, out_features=8))
    net.output(net.op("2", "operator.add", y, x))
    return net.graph()


def _with_a_setting() -> Graph:
    return replace(PAIR, name="Block", settings={"width": 8})


def _from_one() -> Graph:
    owners = {o.id: replace(o, name=str(i)) for i, o in enumerate(PAIR.owners.values(), 1)}
    return replace(PAIR, name="Block", owners=owners)


def _with_leading_zeros() -> Graph:
    owners = {o.id: replace(o, name=f"0{o.name}") for o in PAIR.owners.values()}
    return replace(PAIR, name="Block", owners=owners)


def _with_an_operation() -> Graph:
    net = Net("Block")
    x = net.layer("0", "Linear", net.input("x", "N", 8), out_features=8)
    net.output(net.op("1", "torch.nn.functional.relu", x))
    return net.graph()


def _with_a_tuple_inside() -> Graph:
    net = Net("Block")
    x = net.input("x", "N", 8)
    net.layer("0", "LSTM", x, hidden_size=8)
    net.output(net.layer("1", "ReLU", Ref("0", (0,))))
    return net.graph()


def _with_a_loop() -> Graph:
    net = Net("Block")
    x = net.layer("0", "Linear", net.input("x", "N", 8), out_features=8)
    net.output(net.block("1", PAIR, x, repeat=2, shared=True))
    return net.graph()


def _called_twice() -> Graph:
    net = Net("Block")
    x = net.layer("0", "Linear", net.input("x", "N", 8), out_features=8)
    net.output(net.again("0", x))
    return net.graph()


def test_a_block_with_a_setting_stands_as_a_sequential_made_with_its_value() -> None:
    source = write_code(using(_with_a_setting()))
    assert "class Block" not in source
    assert "self.layers = nn.Sequential(" in source
    assert build_module(using(_with_a_setting()))(torch.ones(2, 8)).shape[0] == 2


@pytest.mark.parametrize(
    "block",
    [
        _with_a_skip,
        _from_one,
        _with_leading_zeros,
        _with_an_operation,
        _with_a_tuple_inside,
        _with_a_loop,
        _called_twice,
    ],
)
def test_a_block_that_means_no_sequential_is_a_class(block: object) -> None:
    assert callable(block)
    graph = using(block())
    graph = replace(graph, blocks={"Pair": PAIR, **graph.blocks})
    source = write_code(graph)
    assert "class Block(nn.Module):" in source
    assert "self.layers = Block()" in source
    model = build_module(graph)
    assert model(torch.ones(2, 8)).shape == (2, 8)
    assert all(name.startswith("layers.layer") for name in model.state_dict())


def test_what_differs_between_uses_is_written_at_each() -> None:
    net = Net()
    x = net.block("first", PAIR, net.input("x", "N", 16))
    net.output(net.block("second", PAIR, net.layer("wide", "Linear", x, out_features=32)))
    assert made_in(net.graph())[:3] == [
        "self.first = nn.Sequential(nn.Linear(16, 8), nn.ReLU())",
        "self.wide = nn.Linear(8, 32)",
        "self.second = nn.Sequential(nn.Linear(32, 8), nn.ReLU())",
    ]


def test_a_class_hands_down_what_differs() -> None:
    outer = Net("Outer")
    outer.output(outer.block("body", PAIR, outer.input("x", "N", 8)))
    net = Net()
    x = net.block("first", outer.graph(), net.input("x", "N", 16))
    net.output(net.block("second", outer.graph(), x))
    source = write_code(net.graph({"Pair": PAIR}))
    assert "def __init__(self, in_features: int) -> None:" in source
    assert "self.body = nn.Sequential(nn.Linear(in_features, 8), nn.ReLU())" in source
    assert "self.first = Outer(16)" in source


def test_repeated_ones_are_a_sequential_of_them() -> None:
    graph = using(PAIR, repeat=3)
    assert "*(nn.Sequential(nn.Linear(8, 8), nn.ReLU()) for _ in range(3))" in write_code(graph)
    assert list(build_module(graph).state_dict())[::2] == [f"layers.{i}.0.weight" for i in range(3)]


def test_paths_lines_and_table_agree_with_the_module() -> None:
    graph = sequentials()
    model, found = build_module(graph), paths(graph)
    assert found["deep/2.1/0"] == "deep.2.1.0"
    assert all(model.get_submodule(path) for path in found.values())
    rows = parameter_table(graph)
    assert [row.name for row in rows] == [name for name, _ in model.named_parameters()]
    assert all(f"{found[row.layer]}." == row.name[: len(found[row.layer]) + 1] for row in rows)


def test_the_lines_of_a_layer_inside_are_known() -> None:
    written = write_with_lines(mixed_mlp())
    lines = written.text.splitlines()
    assert [lines[n - 1].strip() for n in written.lines["Layers/2"]] == [
        "nn.Linear(12, 10),  # (N, 10)"
    ]
    first, *_, closing, called = (lines[n - 1].strip() for n in written.lines["layers"])
    assert (first, closing) == ("self.layers = nn.Sequential(", ")")
    assert called == "x = self.layers(x)  # (N, 1)"


def test_freezing_or_noting_a_layer_inside_keeps_the_names_of_the_weights() -> None:
    owners = {**PAIR.owners, "0": replace(PAIR.owners["0"], frozen=True)}
    nodes = {**PAIR.nodes, "1": replace(PAIR.nodes["1"], note="Bent.")}
    graph = using(replace(PAIR, owners=owners, nodes=nodes))
    model = build_module(graph)
    assert "        # Note: Bent.\n        self.layers = nn.Sequential(" in write_code(graph)
    assert "        self.layers[0].requires_grad_(False)\n" in write_code(graph)
    assert list(model.state_dict()) == ["layers.0.weight", "layers.0.bias"]
    assert not any(p.requires_grad for p in model.parameters())


def test_one_of_too_many_layers_is_a_class(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nested blocks of a hostile file would double the text at every level."""
    monkeypatch.setattr(scopes, "MOST_MODULES", 1)
    assert "class Pair(nn.Module)" in write_code(using(PAIR))


def test_in_the_style_sequential_a_class_uses_one_inside() -> None:
    skip = Net("Skip")
    x = skip.input("x", "N", 8)
    skip.output(skip.op("add", "operator.add", skip.block("body", PAIR, x), x))
    graph = using(skip.graph())
    source = write_code(replace(graph, blocks={**graph.blocks, "Pair": PAIR}), "sequential")
    assert source.count("class ") == 1
    assert "self.body = nn.Sequential(nn.Linear(8, 8), nn.ReLU())" in source


@st.composite
def wrapped_chains(draw: st.DrawFn) -> Graph:
    """A network of one block that means an nn.Sequential, which may be nested, repeated and frozen."""
    inner = draw(chains())
    spec = inner.inputs[0].spec
    assert spec is not None
    owners = {
        o.id: replace(o, name=str(i), frozen=draw(st.integers(0, 5)) == 0)
        for i, o in enumerate(inner.owners.values())
    }
    inner = replace(inner, name="Inner", owners=owners)
    keeps_shape = infer_shapes(inner).result == spec
    repeat = draw(st.integers(1, 4)) if keeps_shape else 1
    outer = Net("Outer")
    outer.output(outer.block("0", inner, outer.input("x", *spec.shape), repeat=repeat))
    net = Net()
    name = draw(st.sampled_from(["layers", "layers_with_a_long_name_" * 2 + "indeed"]))
    shared = keeps_shape and draw(st.booleans())
    y = net.block(
        name, outer.graph(), net.input("x", *spec.shape), repeat=2 if shared else 1, shared=shared
    )
    if keeps_shape and draw(st.booleans()):
        y = net.block("more", inner, y, repeat=repeat)
    net.output(y)
    return net.graph({"Inner": inner})


@QUIET
@given(wrapped_chains())
def test_a_random_block_computes_what_it_means(graph: Graph) -> None:
    report = infer_shapes(graph)
    torch.manual_seed(0)
    model = build_module(graph, report=report)
    torch.manual_seed(0)
    reference = Reference(graph)
    assert write_code(graph, report=report).count("class ") == 1
    assert_same(list(model.state_dict().values()), reference.values())
    inputs = random_inputs(graph)
    for training in (False, True):
        torch.manual_seed(1)
        result = model.train(training)(*inputs)
        torch.manual_seed(1)
        assert_same(result, reference.run(inputs, training))
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert trainable == report.totals.trainable
    table = {row.name: row.layer for row in parameter_table(graph, report=report)}
    found = paths(graph, report=report)
    assert all(found[layer] == name.rpartition(".")[0] for name, layer in table.items())
