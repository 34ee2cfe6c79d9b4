"""The style `sequential`: what it can hold, and the plain word why not."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from builder.code import build_module, paths, why_not_chain, write_code
from builder.errors import CodeRefused
from builder.graph.model import Graph, Ref, Setting, Training
from tests.code.networks import Net, chain


def elements(graph: Graph) -> list[str]:
    """What stands between the brackets of nn.Sequential, without shapes."""
    source = write_code(graph, "sequential")
    body = source[source.index("nn.Sequential(\n") :].split("\n)")[0].splitlines()[1:]
    return [line.partition("  # ")[0].rstrip(",")[4:] for line in body]


def test_a_chain_is_one_sequential() -> None:
    graph = chain(
        ("fc1", "Linear", {"out_features": 4}),
        ("act", "ReLU", {}),
        ("fc2", "Linear", {"out_features": 2}),
    )
    assert why_not_chain(graph) is None
    assert elements(graph) == ["nn.Linear(16, 4)", "nn.ReLU()", "nn.Linear(4, 2)"]


@pytest.mark.parametrize(
    ("key", "arguments", "layer"),
    [
        ("torch.flatten", {"start_dim": 1}, "nn.Flatten()"),
        ("torch.flatten", {}, "nn.Flatten(start_dim=0)"),
        ("torch.flatten", {"start_dim": 1, "end_dim": 2}, "nn.Flatten(end_dim=2)"),
        ("torch.nn.functional.relu", {}, "nn.ReLU()"),
        ("torch.nn.functional.softmax", {"dim": 1}, "nn.Softmax(dim=1)"),
        ("torch.nn.functional.dropout", {"p": 0.2}, "nn.Dropout(p=0.2)"),
        ("torch.sigmoid", {}, "nn.Sigmoid()"),
    ],
)
def test_an_operation_with_a_layer_of_its_own_may_stand_in_a_chain(
    key: str, arguments: dict[str, float], layer: str
) -> None:
    net = Net()
    x = net.op("op", key, net.input("x", "N", 3, 4), **arguments)
    net.output(x)
    graph = net.graph()
    assert elements(graph) == [layer]
    results = []
    for style in ("sequential", "module"):
        torch.manual_seed(0)
        results.append(build_module(graph, style)(torch.linspace(-1, 1, 24).view(2, 3, 4)))
    assert torch.equal(*results)


def _add() -> Graph:
    net = Net()
    x = net.input("x", "N", 4)
    net.output(net.op("add1", "operator.add", net.layer("fc", "Linear", x, out_features=4), x))
    return net.graph()


def _two_inputs() -> Graph:
    net = Net()
    net.input("a", "N", 4)
    net.output(net.layer("fc", "Linear", net.input("b", "N", 4), out_features=4))
    return net.graph()


def _lstm() -> Graph:
    net = Net()
    net.layer("lstm", "LSTM", net.input("x", "N", 5, 4), hidden_size=3)
    net.output(net.layer("fc", "Linear", Ref("lstm", (0,)), out_features=2))
    return net.graph()


def _branch() -> Graph:
    net = Net()
    x = net.input("x", "N", 4)
    net.output(net.branch("mode", Training(), net.layer("fc", "Linear", x, out_features=4), x))
    return net.graph()


def _view() -> Graph:
    net = Net()
    net.output(net.op("view1", "torch.Tensor.view", net.input("x", "N", 4), shape=(-1, 2, 2)))
    return net.graph()


def _shared() -> Graph:
    net = Net()
    x = net.layer("fc", "Linear", net.input("x", "N", 4), out_features=4)
    net.output(net.again("fc", x))
    return net.graph()


def _skip() -> Graph:
    net = Net()
    x = net.input("x", "N", 4)
    net.layer("fc1", "Linear", x, out_features=4)
    net.output(net.layer("fc2", "Linear", x, out_features=4))
    return net.graph()


def _number() -> Graph:
    net = Net()
    net.output(net.op("scale", "operator.mul", net.input("x", "N", 4), other=2))
    return net.graph()


def _loop() -> Graph:
    block = chain(("fc", "Linear", {"out_features": 4}), shape=("N", 4))
    net = Net()
    x = net.input("x", "N", 4)
    net.output(net.block("steps", replace(block, name="Step"), x, repeat=3, shared=True))
    return net.graph()


@pytest.mark.parametrize(
    ("network", "reason"),
    [
        (_add, "“add1” joins two values, so this network is no chain: nn.Sequential can only hold layers that follow one another."),
        (_two_inputs, "This network has 2 inputs: nn.Sequential takes one value and gives one."),
        (_lstm, "“lstm” gives a tuple, and only a part of it goes on: nn.Sequential hands on all that a layer gives."),
        (_branch, "“mode” is a branch, so this network is no chain: nn.Sequential can only hold layers that follow one another."),
        (_view, "“view1” is the operation view, which no layer of torch.nn stands for: nn.Sequential can only hold layers that follow one another."),
        (_shared, "“fc” is called twice with the same weights, which cannot be written as one expression."),
        (_skip, "“fc2” reads “x” and not “fc1” in front of it: nn.Sequential can only hold layers that follow one another."),
        (_number, "“scale” computes with a number, which no layer does: nn.Sequential can only hold layers that follow one another."),
        (_loop, "“steps” runs the same weights 3 times, which cannot be written as one expression."),
    ],
)  # fmt: skip
def test_what_is_no_chain_is_refused_with_the_reason(network: object, reason: str) -> None:
    assert callable(network)
    graph = network()
    assert why_not_chain(graph) == reason
    with pytest.raises(CodeRefused) as caught:
        write_code(graph, "sequential")
    assert str(caught.value) == f"{reason} The style “mixed” can write it."
    assert write_code(graph, "mixed")


def test_an_activation_without_weights_may_come_twice() -> None:
    net = Net()
    x = net.layer("act", "ReLU", net.layer("fc1", "Linear", net.input("x", "N", 4), out_features=4))
    net.output(net.again("act", net.layer("fc2", "Linear", x, out_features=4)))
    assert elements(net.graph()) == ["nn.Linear(4, 4)", "nn.ReLU()", "nn.Linear(4, 4)", "nn.ReLU()"]


def test_a_block_that_is_a_chain_is_a_nested_sequential() -> None:
    block = chain(("fc", "Linear", {"out_features": 4}), ("act", "ReLU", {}), shape=("N", 4))
    block = replace(block, name="Step")
    net = Net()
    x = net.block("once", block, net.input("x", "N", 8))
    net.output(net.block("steps", block, x, repeat=3))
    graph = net.graph()
    assert elements(graph) == [
        "nn.Sequential(",
        "    nn.Linear(8, 4)",
        "    nn.ReLU()",
        ")",
        "nn.Sequential(*(nn.Sequential(nn.Linear(4, 4), nn.ReLU()) for _ in range(3)))",
    ]
    states = []
    for style in ("sequential", "module"):
        torch.manual_seed(0)
        states.append(list(build_module(graph, style).state_dict().values()))
    assert all(torch.equal(a, b) for a, b in zip(*states, strict=True))


def test_a_block_that_is_no_chain_is_a_class() -> None:
    block = Net("Residual")
    x = block.input("x", "N", 4)
    block.output(block.op("add", "operator.add", block.layer("fc", "Linear", x, out_features=4), x))
    net = Net()
    x = net.layer("stem", "Linear", net.input("x", "N", 8), out_features=4)
    net.output(net.block("body", block.graph(), x, repeat=2))
    graph = net.graph()
    assert elements(graph) == [
        "nn.Linear(8, 4)",
        "nn.Sequential(*(Residual() for _ in range(2)))",
    ]
    assert build_module(graph, "sequential")(torch.ones(2, 8)).shape == (2, 4)


def test_settings_are_written_as_their_values() -> None:
    net = Net("Net", hidden=7)
    x = net.layer("fc1", "Linear", net.input("x", "N", 4), out_features=Setting("hidden"))
    net.output(net.layer("fc2", "Linear", x, out_features=2))
    assert elements(net.graph()) == ["nn.Linear(4, 7)", "nn.Linear(7, 2)"]


def test_frozen_layers_are_frozen_after_the_model_is_built() -> None:
    block = replace(chain(("fc", "Linear", {"out_features": 4}), shape=("N", 4)), name="Step")
    block = replace(block, owners={"fc": replace(block.owners["fc"], frozen=True)})
    net = Net()
    x = net.layer("stem", "Linear", net.input("x", "N", 4), out_features=4)
    net.output(net.block("steps", block, x, repeat=2))
    graph = net.graph()
    graph = replace(
        graph, owners={**graph.owners, "stem": replace(graph.owners["stem"], frozen=True)}
    )
    source = write_code(graph, "sequential")
    assert "model[0].requires_grad_(False)\n" in source
    assert 'model.get_submodule("1.1.0").requires_grad_(False)\n' in source
    assert not any(p.requires_grad for p in build_module(graph, "sequential").parameters())


def test_an_empty_chain_passes_its_input_on() -> None:
    net = Net()
    net.output(net.input("x", "N", 4))
    assert "model = nn.Sequential()\n" in write_code(net.graph(), "sequential")
    x = torch.ones(2, 4)
    assert build_module(net.graph(), "sequential")(x) is x


def test_places_inside_blocks_are_known() -> None:
    block = replace(
        chain(("fc", "Linear", {"out_features": 4}), ("act", "ReLU", {}), shape=("N", 4)),
        name="Step",
    )
    net = Net()
    net.output(net.block("steps", block, net.input("x", "N", 4), repeat=2))
    graph = net.graph()
    model = build_module(graph, "sequential")
    found = paths(graph, "sequential")
    assert found["steps.1/fc"] == "0.1.0"
    assert paths(graph)["steps.1/fc"] == "steps.1.fc"
    assert all(model.get_submodule(path) for path in found.values() if path != "0.0.1")


def test_a_place_in_a_container_is_no_name_in_an_ordered_dict() -> None:
    graph = chain(("fc.x", "Linear", {"out_features": 4}), ("act", "ReLU", {}))
    with pytest.raises(CodeRefused, match=r"“fc\.x” stands in a container"):
        write_code(graph, "ordered")
    assert elements(graph) == ["nn.Linear(16, 4)", "nn.ReLU()"]
