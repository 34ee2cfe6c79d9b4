"""Stretches that repeat are found, and folded into a block that computes the same."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings

from builder.code.write import model_source
from builder.errors import EditRefused
from builder.graph.edits import (
    Connect,
    FoldRepeats,
    GroupIntoBlock,
    SetArgument,
    SetFrozen,
    SetNote,
    SetRepeat,
    ShareWeights,
    Ungroup,
    apply,
    describe,
)
from builder.graph.history import same
from builder.graph.model import Graph, Node, Ref, TensorSpec
from builder.graph.project import Project, from_json, to_json
from builder.graph.repeats import find_repeats
from builder.graph.shapes import infer_shapes
from builder.graph.validate import why_invalid
from tests.graph.networks import layer, mlp, operation, output, start
from tests.graph.reference import chain, resnet18, transformer, unet
from tests.graph.sound_networks import Net
from tests.strategies import graphs


def module(graph: Graph) -> torch.nn.Module:
    space: dict[str, Any] = {}
    exec(model_source(graph), space)
    made: torch.nn.Module = space[graph.name]()
    return made.eval()


def computes_the_same(flat: Graph, folded: Graph) -> None:
    """Same values in the same order of the state_dict, same result."""
    assert why_invalid(folded) is None
    assert same(from_json(to_json(Project("p", folded))).graph, folded)
    one, other = infer_shapes(flat), infer_shapes(folded)
    assert other.ok and one.result == other.result
    assert one.totals == other.totals
    torch.manual_seed(0)
    a = module(flat)
    torch.manual_seed(0)
    b = module(folded)
    values, others = list(a.state_dict().values()), list(b.state_dict().values())
    assert [v.shape for v in values] == [v.shape for v in others]
    assert all(torch.equal(v, w) for v, w in zip(values, others, strict=True))
    inputs = []
    for node in flat.inputs:
        assert node.spec is not None
        inputs.append(torch.randn([2 if s == "N" else int(s) for s in node.spec.shape]))
    with torch.no_grad():
        assert torch.equal(a(*inputs), b(*inputs))


def folded(graph: Graph) -> Graph:
    for repeat in find_repeats(graph):
        graph = apply(graph, FoldRepeats(repeat.nodes))
    return graph


def stacked(times: int = 3) -> Graph:
    """conv, then `times` × (conv, bn, relu) of the same width."""
    net = Net("N", 3, 8, 8)
    net.layer("stem", "Conv2d", out_channels=4, kernel_size=1)
    for i in range(times):
        net.layer(f"conv{i}", "Conv2d", out_channels=4, kernel_size=3, padding=1)
        net.layer(f"bn{i}", "BatchNorm2d")
        net.layer(f"relu{i}", "ReLU")
    return net.done()


def test_equal_stretches_in_a_row_are_found_and_named() -> None:
    (repeat,) = find_repeats(stacked())
    assert str(repeat) == "3 × Conv2d–BatchNorm2d–ReLU"
    assert repeat.nodes[1] == ("conv1", "bn1", "relu1")
    computes_the_same(stacked(), folded(stacked()))


def test_a_flat_transformer_folds_into_one_block() -> None:
    (repeat,) = find_repeats(transformer())
    assert str(repeat) == "12 × LayerNorm–MultiheadAttention–Dropout–add–… (9 layers)"
    graph = folded(transformer())
    assert len(graph.nodes) == 4 and graph.owners["block"].repeat == 12
    computes_the_same(transformer(), graph)


def test_the_one_stage_of_resnet18_that_repeats_is_found() -> None:
    (repeat,) = find_repeats(resnet18())
    assert [row[0] for row in repeat.nodes] == ["layer1_0_conv1", "layer1_1_conv1"]
    graph = folded(resnet18(10))
    small = replace(graph.nodes["x"], spec=TensorSpec(("N", 3, 32, 32)))
    flat = resnet18(10)
    flat = replace(flat, nodes={**flat.nodes, "x": small})
    computes_the_same(flat, replace(graph, nodes={**graph.nodes, "x": small}))


@pytest.mark.parametrize("layers", [100, 300])
def test_a_long_chain_folds_by_its_shortest_period(layers: int) -> None:
    (repeat,) = find_repeats(chain(layers))
    assert str(repeat) == f"{layers // 2} × Linear–ReLU"
    computes_the_same(chain(layers), folded(chain(layers)))


def test_calls_of_a_block_are_repeated_themselves() -> None:
    graph = stacked(1)
    graph = apply(graph, GroupIntoBlock(("conv0", "bn0", "relu0"), "Cell"))
    nodes, owners = dict(graph.nodes), dict(graph.owners)
    out, last = nodes.pop("out"), "cell"
    for name in ("cell2", "cell3"):
        owners[name] = replace(owners["cell"], id=name, name=name)
        nodes[name] = Node(name, "layer", "", name, {"x": Ref(last)})
        last = name
    nodes["out"] = replace(out, arguments={"value": Ref(last)})
    flat = replace(graph, nodes=nodes, owners=owners)
    (repeat,) = find_repeats(flat)
    assert str(repeat) == "3 × Cell"
    once = folded(flat)
    assert list(once.blocks) == ["Cell"] and once.owners["cell"].repeat == 3
    computes_the_same(flat, once)


def test_a_value_all_stretches_read_stays_what_it_is() -> None:
    """h = relu(fc(h) + x): x goes into each, and stands behind h among the block's inputs."""
    graph = layer(start(), "stem", "Linear", "x", out_features=8)
    last = "stem"
    for i in range(3):
        graph = operation(graph, f"mul{i}", "operator.mul", input=Ref("x"), other=Ref(last))
        graph = layer(graph, f"fc{i}", "Linear", f"mul{i}", out_features=8)
        last = f"fc{i}"
    graph = output(graph, last)
    (repeat,) = find_repeats(graph)
    assert repeat.nodes[0] == ("mul0", "fc0")
    once = folded(graph)
    assert list(once.nodes["block"].arguments.values()) == [Ref("stem"), Ref("x")]
    computes_the_same(graph, once)


def test_inside_a_block_repeats_are_found_and_folded_too() -> None:
    ids = tuple(i for i in stacked().nodes if i not in ("x", "out"))
    graph = apply(stacked(), GroupIntoBlock(ids, "Body"))
    (repeat,) = find_repeats(graph, "Body")
    once = apply(graph, FoldRepeats(repeat.nodes, "Cell", "cells", scope="Body"))
    assert list(once.blocks["Body"].nodes) == ["x", "stem", "cells", "output"]
    computes_the_same(graph, once)


@pytest.mark.parametrize(
    ("edit", "rows"),
    [
        (SetArgument("conv1", "padding", "same"), 0),
        (SetArgument("conv1", "bias", False), 0),
        (SetArgument("conv2", "out_channels", 8), 2),
        (SetFrozen("conv1", True), 0),
        (SetNote("relu1", "why"), 0),
        (ShareWeights("conv2", "conv1"), 0),
        (Connect(Ref("relu0"), "conv2", "input"), 0),
    ],
)
def test_what_differs_is_no_repeat(edit: Any, rows: int) -> None:
    found = find_repeats(apply(stacked(), edit))
    assert [len(r.nodes) for r in found if len(r.nodes[0]) == 3] == ([rows] if rows else [])


def test_a_value_read_from_the_middle_of_a_run_cuts_it() -> None:
    graph = operation(stacked(), "add", "operator.add", input=Ref("relu0"), other=Ref("relu2"))
    graph = apply(graph, Connect(Ref("add"), "out", "value"))
    assert [len(r.nodes) for r in find_repeats(graph)] == [2]


def test_two_runs_are_found_where_a_value_between_them_is_read() -> None:
    graph = transformer(8)
    graph = operation(graph, "both", "operator.add", input=Ref("add3b"), other=Ref("norm"))
    graph = apply(graph, Connect(Ref("both"), "out", "value"))
    assert [len(r.nodes) for r in find_repeats(graph)] == [4, 4]
    computes_the_same(graph, folded(graph))


def test_what_has_no_weights_is_not_worth_a_block() -> None:
    graph = start()
    last = "x"
    for i in range(6):
        graph = layer(graph, f"relu{i}", "ReLU", last)
        last = f"relu{i}"
    assert find_repeats(output(graph, last)) == ()
    assert find_repeats(mlp()) == () and find_repeats(Graph()) == () and find_repeats(unet()) == ()


@pytest.mark.parametrize(
    "rows",
    [
        (),
        ((),),
        (("conv0",),),
        (("conv0", "bn0"), ("conv1",)),
        (("conv0", "bn0", "relu0"), ("conv0", "bn0", "relu0")),
        (("conv0", "bn0", "relu0"), ("conv2", "bn2", "relu2")),
        (("conv0", "bn0"), ("conv1", "bn1")),
        (("stem", "conv0"), ("conv1", "conv2")),
    ],
)
def test_what_is_no_repeat_is_not_folded(rows: Any) -> None:
    with pytest.raises(EditRefused, match="not one stretch repeated"):
        apply(stacked(), FoldRepeats(rows))


def test_undo_names_the_fold() -> None:
    (repeat,) = find_repeats(stacked())
    assert describe(FoldRepeats(repeat.nodes), stacked()) == "Fold 9 nodes into 3 × a block"
    assert describe(FoldRepeats(repeat.nodes, "Cell"), stacked()).endswith("3 × “Cell”")


def test_a_fold_of_repeated_blocks_counts_all() -> None:
    graph = folded(stacked(4))
    assert graph.owners["block"].repeat == 4
    assert apply(graph, SetRepeat("block", 5)).owners["block"].repeat == 5


@pytest.mark.parametrize("graph", [resnet18(), transformer(), chain(300)], ids=lambda g: g.name)
def test_looking_for_repeats_is_quick(graph: Graph) -> None:
    find_repeats(graph)
    times = []
    for _ in range(10):
        begin = time.process_time()
        find_repeats(graph)
        times.append(time.process_time() - begin)
    assert min(times) < 0.1, times


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(graphs(max_steps=12))
def test_whatever_is_found_can_be_folded(graph: Graph) -> None:
    for repeat in find_repeats(graph):
        try:
            once = apply(graph, FoldRepeats(repeat.nodes))
        except EditRefused as refusal:
            assert "branch" in str(refusal)
            continue
        assert why_invalid(once) is None
        assert infer_shapes(once).result == infer_shapes(graph).result


def stack(times: int) -> Graph:
    """Conv2d, BatchNorm2d and ReLU so many times, named as the palette names them."""
    graph = start("N", 4, 8, 8)
    last = "x"
    for i in range(1, times + 1):
        conv = {"out_channels": 4, "kernel_size": 3, "padding": 1}
        graph = layer(graph, f"conv{i}", "Conv2d", last, **conv)
        graph = layer(graph, f"bn{i}", "BatchNorm2d", f"conv{i}")
        graph = layer(graph, last := f"relu{i}", "ReLU", f"bn{i}")
    return output(graph, last)


def test_ungrouping_what_was_folded_writes_it_out_again() -> None:
    flat = stack(4)
    rows = tuple((f"conv{i}", f"bn{i}", f"relu{i}") for i in range(1, 5))
    folded = apply(flat, FoldRepeats(rows, id="fold"))
    assert len(folded.nodes) == 3
    assert same(apply(folded, Ungroup("fold")), flat)


def test_repetitions_that_share_their_weights_become_calls_of_the_same_layers() -> None:
    graph = apply(mlp(), GroupIntoBlock(("fc1", "relu"), id="body"))
    graph = apply(graph, SetRepeat("body", 3, True))
    flat = apply(graph, Ungroup("body"))
    assert why_invalid(flat) is None
    assert [flat.label(i) for i in flat.nodes][1:6:2] == ["fc1", "fc1 (2)", "fc1 (3)"]
    computes_the_same(graph, flat)


def test_repetitions_of_a_block_with_a_second_input_all_read_it() -> None:
    graph = layer(start(), "first", "Linear", "x", out_features=8)
    graph = layer(graph, "fc", "Linear", "first", out_features=8)
    graph = operation(graph, "add", "operator.add", input=Ref("fc"), other=Ref("x"))
    graph = apply(output(graph, "add"), GroupIntoBlock(("fc", "add"), id="body"))
    graph = apply(graph, SetRepeat("body", 3))
    flat = apply(graph, Ungroup("body"))
    computes_the_same(graph, flat)
    assert [n.target for n in flat.nodes.values()].count("operator.add") == 3
