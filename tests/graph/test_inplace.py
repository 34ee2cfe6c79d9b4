"""In-place layers: what torch refuses in its backward pass, or others would see changed, is found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from builder import catalogue
from builder.graph.edits import apply
from builder.graph.model import Argument, Graph, Node, Owner, Ref, Training
from builder.graph.repairs import repairs_for
from builder.graph.shapes import infer_shapes
from tests.graph.sound_networks import Net

IN_PLACE = [
    entry
    for entry in catalogue.entries().values()
    if entry.kind == "layer" and entry.parameter("inplace") is not None
]
ACTIVATIONS = [
    entry
    for entry in catalogue.entries().values()
    if entry.kind == "layer" and entry.family in ("activation", "dropout", "normalization")
]
NEEDED: dict[str, dict[str, Any]] = {
    "Threshold": {"threshold": 0.1, "value": 0.0},
    "GroupNorm": {"num_groups": 2},
    "RMSNorm": {"normalized_shape": 6},
    "LocalResponseNorm": {"size": 2},
}


def arguments_of(entry: catalogue.entry.Entry, **more: Any) -> dict[str, Any]:
    return {**NEEDED.get(entry.name, {}), **more}


def behind_a_convolution(first: str, second: str) -> tuple[Graph, nn.Module, tuple[int, ...]]:
    """x → ConvNd → `first` → `second` in place → ConvNd, as a graph and as torch has it."""
    dims = int(first[-2]) if first[-2] in "123" else 1
    shape = (4, *(6,) * dims)
    net = Net("N", *shape)
    one, two = catalogue.get(f"torch.nn.{first}"), catalogue.get(f"torch.nn.{second}")
    net.layer("before", f"Conv{dims}d", out_channels=4, kernel_size=1)
    net.owns("first", first, **arguments_of(one))
    net.call("first", "first", **{one.ports[0].name: Ref("before")})
    net.layer("second", second, **arguments_of(two, inplace=True))
    net.layer("after", f"Conv{dims}d", out_channels=3, kernel_size=1)
    graph = net.done()
    report = infer_shapes(graph)
    made = {
        name: catalogue.build_layer(
            catalogue.get(graph.owners[name].target), report.nodes[name].arguments
        )
        for name in ("before", "first", "second", "after")
    }
    return graph, nn.Sequential(*made.values()), shape


def backward_fails(model: nn.Module, *shape: int) -> bool:
    try:
        model.train()(torch.rand(3, *shape)).sum().backward()
    except RuntimeError as error:
        assert "inplace operation" in str(error)
        return True
    return False


@pytest.mark.parametrize("first", [e.name for e in ACTIVATIONS])
def test_what_is_found_is_what_torch_refuses_in_its_backward_pass(first: str) -> None:
    for second in (entry.name for entry in IN_PLACE if entry.name[-2] not in "123"):
        graph, model, shape = behind_a_convolution(first, second)
        fails = backward_fails(model, *shape)
        found = [p for p in infer_shapes(graph).problems if p.kind == "inplace"]
        assert [(p.node, p.severity) for p in found] == [("second", "error")] * fails, second


@pytest.mark.parametrize(
    ("second", "arguments"),
    [
        ("LeakyReLU", {"negative_slope": -0.1}),
        ("LeakyReLU", {"negative_slope": 0.1}),
        ("ELU", {"alpha": -1.0}),
        ("CELU", {"alpha": -1.0}),
        ("RReLU", {"lower": -0.3, "upper": -0.1}),
        ("RReLU", {"lower": -0.3, "upper": -0.3}),
        ("Threshold", {"threshold": -0.1, "value": -5.0}),
        ("Threshold", {"threshold": 0.1, "value": 5.0}),
    ],
)
def test_numbers_with_which_a_layer_cannot_go_back_in_place_are_found(
    second: str, arguments: dict[str, Any]
) -> None:
    net = Net("N", 6)
    net.layer("fc", "Linear", out_features=6)
    net.layer("second", second, inplace=True, **arguments)
    layer: nn.Module = getattr(nn, second)(inplace=True, **arguments)
    try:
        nn.Sequential(nn.Linear(6, 6), layer)(torch.rand(3, 6)).sum().backward()
    except RuntimeError:
        fails = True
    else:
        fails = False
    graph = net.done()
    found = infer_shapes(graph).problems
    assert [(p.node, p.kind, p.severity) for p in found] == [("second", "inplace", "error")] * fails
    for problem in found:
        assert [r.label for r in repairs_for(graph, problem)] == ["Set inplace to False"]
        assert infer_shapes(mended(graph)).problems == ()


def mended(graph: Graph) -> Graph:
    (problem,) = infer_shapes(graph).problems
    return apply(graph, repairs_for(graph, problem)[0].edit)


def test_without_a_gradient_there_is_no_way_back_to_fail() -> None:
    net = Net("N", 6)
    net.layer("second", "LeakyReLU", inplace=True, negative_slope=-0.1)
    assert infer_shapes(net.done()).problems == ()


def problems(graph: Graph) -> list[tuple[str, str]]:
    return [(p.node, p.severity) for p in infer_shapes(graph).problems]


def sigmoid_and_relu() -> Graph:
    net = Net("N", 8)
    net.layer("fc", "Linear", out_features=8)
    net.layer("sigmoid", "Sigmoid")
    net.layer("relu", "ReLU", inplace=True)
    net.layer("head", "Linear", out_features=2)
    return net.done()


def test_a_relu_over_what_sigmoid_needs_is_an_error_that_says_so_and_is_mended() -> None:
    graph = sigmoid_and_relu()
    (problem,) = infer_shapes(graph).problems
    assert (problem.node, problem.severity, problem.parameter) == ("relu", "error", "inplace")
    assert problem.message == (
        "ReLU “relu” writes over the result of “sigmoid” (inplace=True), which Sigmoid “sigmoid” needs "
        "for its backward pass: training would fail. Set inplace to False."
    )
    assert infer_shapes(graph).nodes["relu"].problem == problem
    (repair,) = repairs_for(graph, problem)
    assert repair.label == "Set inplace to False"
    assert infer_shapes(apply(graph, repair.edit)).problems == ()


def shortcut(*, inplace: bool = True, relu_first: bool = True) -> Graph:
    """A pre-activation block: ReLU in place on what the shortcut reads."""
    net = Net("N", 3, 8, 8)
    stem = net.layer("stem", "Conv2d", out_channels=4, kernel_size=3, padding=1)
    body = net.layer("relu", "ReLU", inplace=inplace)
    if relu_first:
        body = net.layer("conv", "Conv2d", out_channels=4, kernel_size=3, padding=1)
    net.op("add", "operator.add", input=body, other=stem)
    return net.done()


def test_a_shortcut_that_would_see_the_changed_numbers_is_warned_of() -> None:
    graph = shortcut()
    (problem,) = infer_shapes(graph).problems
    assert (problem.node, problem.severity) == ("relu", "warning")
    assert problem.message == (
        "ReLU “relu” writes over the result of “stem” (inplace=True), and add “add” reads that "
        "afterwards: it would see the changed numbers. Set inplace to False."
    )
    mended = apply(graph, repairs_for(graph, problem)[0].edit)
    assert infer_shapes(mended).problems == ()


def test_a_value_that_a_convolution_has_read_before_is_kept_for_its_backward_pass() -> None:
    net = Net("N", 3, 8, 8)
    stem = net.layer("stem", "Conv2d", out_channels=4, kernel_size=3, padding=1)
    body = net.layer("conv", "Conv2d", out_channels=4, kernel_size=3, padding=1)
    changed = net.layer("relu", "ReLU", stem, inplace=True)
    net.op("add", "operator.add", input=body, other=changed)
    graph = net.done()
    assert problems(graph) == [("relu", "error")]
    assert "which Conv2d “conv” has read and needs" in infer_shapes(graph).problems[0].message


def test_frozen_weights_have_no_gradient_that_would_need_their_input() -> None:
    net = Net("N", 8)
    stem = net.layer("stem", "Linear", out_features=8)
    body = net.layer("fc", "Linear", out_features=8)
    changed = net.layer("relu", "ReLU", stem, inplace=True)
    net.op("add", "operator.add", input=body, other=changed)
    graph = net.done()
    assert problems(graph) == [("relu", "error")]
    frozen = replace(graph.owners["fc"], frozen=True)
    assert problems(replace(graph, owners={**graph.owners, "fc": frozen})) == []
    stem_of, fc = nn.Linear(8, 8), nn.Linear(8, 8).requires_grad_(False)
    value = stem_of(torch.rand(2, 8))
    (fc(value) + value.relu_()).sum().backward()  # torch says so too


def resnet() -> Graph:
    """conv → bn → relu → conv → bn → + → relu, as torchvision's ResNet has it, twice."""
    net = Net("N", 3, 16, 16)
    net.layer("stem", "Conv2d", out_channels=4, kernel_size=3, padding=1)
    net.layer("norm", "BatchNorm2d")
    identity = net.layer("relu", "ReLU", inplace=True)
    for i in range(2):
        net.layer(f"conv{i}a", "Conv2d", out_channels=4, kernel_size=3, padding=1)
        net.layer(f"norm{i}a", "BatchNorm2d")
        net.owns(f"relu{i}", "ReLU", inplace=True)
        net.call(f"relu{i}a", f"relu{i}", input=net.last)
        net.layer(f"conv{i}b", "Conv2d", out_channels=4, kernel_size=3, padding=1)
        body = net.layer(f"norm{i}b", "BatchNorm2d")
        net.op(f"add{i}", "operator.add", input=body, other=identity)
        identity = net.call(f"relu{i}b", f"relu{i}", input=net.last)
    net.layer("pool", "MaxPool2d", kernel_size=2)
    net.layer("flatten", "Flatten")
    net.layer("drop", "Dropout", inplace=True)
    net.layer("head", "Linear", out_features=5)
    return net.done()


def test_the_usual_chains_are_not_warned_of() -> None:
    assert problems(resnet()) == []
    net = Net("N", 12)
    net.layer("relu", "ReLU", inplace=True)  # the training loop gives each batch as a copy
    net.layer("fc", "Linear", out_features=8)
    net.layer("relu2", "ReLU6", inplace=True)
    net.layer("drop", "Dropout", inplace=True)
    assert problems(net.done()) == []


def test_a_view_lies_in_the_memory_of_what_it_views() -> None:
    net = Net("N", 3, 4, 4)
    net.layer("conv", "Conv2d", out_channels=4, kernel_size=1)
    net.layer("tanh", "Tanh")
    net.layer("flatten", "Flatten")
    net.layer("relu", "ReLU", inplace=True)
    net.layer("head", "Linear", out_features=2)
    assert problems(net.done()) == [("relu", "error")]


def test_a_bypassed_layer_between_changes_nothing() -> None:
    graph = sigmoid_and_relu()
    net = Net("N", 8)
    net.nodes, net.owners = dict(graph.nodes), dict(graph.owners)
    relu = replace(graph.nodes["relu"], bypassed=True)
    assert problems(replace(graph, nodes={**graph.nodes, "relu": relu})) == []


def test_parts_that_were_split_off_may_not_be_written_over() -> None:
    net = Net("N", 8)
    net.layer("fc", "Linear", out_features=8)
    net.op("chunk", "torch.chunk", input=net.last, chunks=2, dim=1)
    left = net.layer("relu", "ReLU", Ref("chunk", (0,)), inplace=True)
    net.op("add", "operator.add", input=left, other=Ref("chunk", (1,)))
    graph = net.done()
    assert problems(graph) == [("relu", "error")]
    x = nn.Linear(8, 8)(torch.rand(2, 8))
    with pytest.raises(RuntimeError, match="multiple views"):
        x.chunk(2, 1)[0].relu_()


def test_an_output_that_gives_what_is_written_over_later_is_warned_of() -> None:
    net = Net("N", 8)
    fc = net.layer("fc", "Linear", out_features=8)
    net.layer("relu", "ReLU", inplace=True)
    graph = net.done()
    second = Node("raw", "output", "raw", arguments={"value": fc})
    assert problems(replace(graph, nodes={**graph.nodes, "raw": second})) == [("relu", "warning")]


def test_only_in_eval_mode_a_dropout_passes_its_input_on() -> None:
    net = Net("N", 8)
    fc = net.layer("fc", "Linear", out_features=8)
    net.layer("drop", "Dropout")
    body = net.layer("relu", "ReLU", inplace=True)
    net.op("add", "operator.add", input=body, other=fc)
    graph = net.done()
    assert problems(graph) == [("relu", "warning")]
    assert "(inplace=True) in eval mode, and add “add”" in infer_shapes(graph).problems[0].message


def branched(*, both: bool) -> Graph:
    """ReLU in place on one side of a branch, the plain value on the other, and perhaps behind it."""
    net = Net("N", 8)
    fc = net.layer("fc", "Linear", out_features=8)
    relu = net.layer("relu", "ReLU", inplace=True)
    sides: dict[str, Argument] = {"condition": Training(), "if_true": relu, "if_false": fc}
    last = net.node(Node("either", "branch", "either", arguments=sides))
    if both:
        net.op("add", "operator.add", input=last, other=fc)
    return net.done()


def test_what_runs_on_one_side_of_a_branch_changes_nothing_on_the_other() -> None:
    assert problems(branched(both=False)) == []
    assert problems(branched(both=True)) == [("relu", "warning")]


def in_a_block(*, skip: bool) -> Graph:
    """A block that begins with ReLU in place, repeated, and a shortcut around it."""
    nodes = {
        "i": Node("i", "input", "i"),
        "act": Node("act", "layer", target="act", arguments={"input": Ref("i")}),
        "fc": Node("fc", "layer", target="fc", arguments={"input": Ref("act")}),
        "o": Node("o", "output", "o", arguments={"value": Ref("fc")}),
    }
    owners = {
        "act": Owner("act", "act", "torch.nn.ReLU", {"inplace": True}),
        "fc": Owner("fc", "fc", "torch.nn.Linear", {"out_features": 8}),
    }
    net = Net("N", 8)
    first = net.layer("first", "Linear", out_features=8)
    net.owners["stage"] = Owner("stage", "stage", "block:Stage", repeat=2)
    last = net.call("stage", "stage", i=first)
    if skip:
        net.op("add", "operator.add", input=last, other=first)
    return net.done(blocks={"Stage": Graph("Stage", nodes, owners)})


def test_a_block_that_writes_over_its_input_is_found_inside_and_at_its_call() -> None:
    assert problems(in_a_block(skip=False)) == []
    graph = in_a_block(skip=True)
    report = infer_shapes(graph)
    assert [(p.scope, p.node, p.kind) for p in report.problems] == [
        ((), "stage", "in_block"),
        (("stage",), "act", "inplace"),
    ]
    assert report.nodes["stage"].problem == report.problems[0]
    assert [p.kind for body in report.nodes["stage"].body for p in body.problems] == ["inplace"] * 2
    for problem in report.problems:
        repair = repairs_for(graph, problem)[0]
        assert repair.label == "Set inplace to False"
        assert infer_shapes(apply(graph, repair.edit)).problems == ()


class _Skip(nn.Module):
    """What `shortcut` is in torch."""

    def __init__(self, *, inplace: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.relu = nn.ReLU(inplace=inplace)
        self.conv = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        stem: Tensor = self.stem(x)
        body: Tensor = self.conv(self.relu(stem))
        return body + stem


def test_the_warning_of_a_changed_shortcut_is_true() -> None:
    x = torch.rand(1, 3, 8, 8)
    assert not torch.equal(_Skip(inplace=True)(x), _Skip(inplace=False)(x))
    assert problems(shortcut(inplace=False)) == []
