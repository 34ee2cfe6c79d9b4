"""What `infer_shapes` works out: shapes with N, sizes, totals, blocks, branches, shared weights."""

from __future__ import annotations

import resource
import threading
import time
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from builder import catalogue
from builder.graph import meta, size
from builder.graph.model import (
    Calc,
    Compare,
    GradEnabled,
    Graph,
    Node,
    Owner,
    Ref,
    Setting,
    Size,
    TensorSpec,
    Training,
    format_value,
)
from builder.graph.outcome import judge
from builder.graph.remember import Remembered
from builder.graph.report import ShapeReport
from builder.graph.shapes import infer_shapes
from builder.graph.symbols import dim_from_probe, probe_from_dim
from tests.graph.sound_networks import NETWORKS, Net, lstm_classifier, mlp


def shapes(report: ShapeReport) -> dict[str, str]:
    return {node: format_value(found.result) for node, found in report.nodes.items()}


def kinds(report: ShapeReport) -> list[tuple[str, str]]:
    return [(problem.node, problem.kind) for problem in report.problems]


# Shapes -------------------------------------------------------------------------------------------


def test_a_sound_network_has_every_shape_and_no_problem() -> None:
    report = infer_shapes(mlp())
    assert report.problems == ()
    assert shapes(report) == {
        "x": "N×1×28×28",
        "flatten": "N×784",
        "fc1": "N×128",
        "relu1": "N×128",
        "drop": "N×128",
        "fc2": "N×64",
        "norm": "N×64",
        "relu2": "N×64",
        "head": "N×10",
        "softmax": "N×10",
        "out": "N×10",
    }


@pytest.mark.parametrize("name", list(NETWORKS))
def test_no_sound_network_raises_an_alarm(name: str) -> None:
    assert infer_shapes(NETWORKS[name]()).problems == ()


def test_a_left_out_size_is_inferred_and_a_set_one_stays() -> None:
    net = Net("N", 20)
    net.layer("a", "Linear", out_features=5)
    net.layer("b", "Linear", in_features=5, out_features=2)
    report = infer_shapes(net.done())
    assert report.nodes["a"].arguments == {"in_features": 20, "out_features": 5}
    assert report.nodes["a"].inferred == {"in_features"}
    assert report.nodes["b"].inferred == frozenset()


def test_a_tuple_result_keeps_its_parts() -> None:
    report = infer_shapes(lstm_classifier())
    assert format_value(report.nodes["lstm"].result) == "(N×20×64, (1×N×64, 1×N×64))"
    assert format_value(report.nodes["last"].result) == "N×64"


def test_the_batch_in_a_view_stays_the_batch() -> None:
    net = Net("N", 4, 6)
    net.op("view", "torch.Tensor.view", input=Ref("x"), shape=(Size(Ref("x"), 0), 24))
    net.op("rows", "torch.Tensor.view", input=Ref("x"), shape=(Calc("*", Size(Ref("x"), 0), 4), 6))
    net.op("open", "torch.Tensor.view", input=Ref("x"), shape=(-1, 3))
    report = infer_shapes(net.done())
    found = shapes(report)
    assert (found["view"], found["rows"], found["open"]) == ("N×24", "4N×6", "8N×3")


def test_what_is_joined_along_the_batch_is_counted_in_batches() -> None:
    net = Net("N", 3)
    net.op("twice", "torch.cat", tensors=(Ref("x"), Ref("x")), dim=0)
    net.op(
        "gram",
        "operator.matmul",
        input=Ref("x"),
        other=net.op("t", "torch.transpose", input=Ref("x"), dim0=0, dim1=1),
    )
    report = infer_shapes(net.done())
    assert shapes(report)["twice"] == "2N×3"
    assert shapes(report)["gram"] == "N×N"


@pytest.mark.parametrize("dim", ["N", "2N", "7N", "N+3", "N-1", "N²", 1, 784, 15_000_000, 10**12])
def test_every_size_comes_back_from_the_probe_as_it_was(dim: int | str) -> None:
    assert dim_from_probe(probe_from_dim(dim)) == dim


def test_an_input_without_a_batch_is_one_sample() -> None:
    net = Net(3, 8, 8)
    net.layer("conv", "Conv2d", out_channels=4, kernel_size=3)
    report = infer_shapes(net.done())
    assert report.problems == ()
    assert shapes(report)["conv"] == "4×6×6"
    assert report.nodes["conv"].arguments["in_channels"] == 3


def test_a_batch_of_one_and_a_size_of_zero_are_shapes_like_others() -> None:
    one, none = Net(1, 7), Net("N", 0)
    one.layer("fc", "Linear", out_features=3)
    none.layer("relu", "ReLU")
    assert shapes(infer_shapes(one.done()))["fc"] == "1×3"
    assert shapes(infer_shapes(none.done()))["relu"] == "N×0"


def test_a_long_sequence_takes_no_longer_than_a_short_one() -> None:
    net = Net("N", 20_000, 8)
    net.layer("lstm", "LSTM", hidden_size=16, num_layers=2, batch_first=True)
    start = time.perf_counter()
    report = infer_shapes(net.done())
    assert time.perf_counter() - start < 2
    assert format_value(report.nodes["lstm"].result) == "(N×20000×16, (2×N×16, 2×N×16))"


def test_names_in_any_script_are_fine() -> None:
    net = Net("N", 4)
    net.layer("слой_1", "Linear", out_features=3)
    net.layer("выход", "Linear", in_features=9, out_features=2)
    report = infer_shapes(net.done())
    assert report.problems[0].message == (
        "Linear “выход” expects in_features=9 but receives 3, from “слой_1”. Set in_features to 3."
    )


def test_five_hundred_layers_are_fine() -> None:
    net = Net("N", 16)
    for i in range(500):
        net.layer(f"fc{i}", "Linear", out_features=16)
    report = infer_shapes(net.done())
    assert report.totals.parameters == 500 * (16 * 16 + 16)


# Sizes --------------------------------------------------------------------------------------------


def test_parameters_flops_and_activations_can_be_checked_by_hand() -> None:
    net = Net("N", 784)
    net.layer("fc1", "Linear", out_features=128)
    net.layer("relu", "ReLU")
    net.layer("fc2", "Linear", out_features=10)
    totals = infer_shapes(net.done()).totals
    assert totals.parameters == 784 * 128 + 128 + 128 * 10 + 10 == 101_770
    assert totals.flops == 2 * (784 * 128 + 128 * 10)  # two for each multiply-add
    assert totals.activation_bytes == 4 * (128 + 128 + 10)
    assert totals.memory_bytes == 4 * 4 * 101_770 + totals.activation_bytes


def test_frozen_layers_count_as_parameters_that_do_not_learn() -> None:
    net = Net("N", 4)
    net.layer("a", "Linear", out_features=3)
    net.layer("bn", "BatchNorm1d")
    net.owners["a"] = Owner("a", "a", "torch.nn.Linear", {"out_features": 3}, frozen=True)
    totals = infer_shapes(net.done()).totals
    assert (totals.parameters, totals.trainable, totals.frozen) == (15 + 6, 6, 15)
    assert totals.buffers == 7  # running mean and variance, and the number of batches


def test_shared_weights_count_once() -> None:
    net = Net("N", 8)
    net.layer("enc", "Linear", out_features=8)
    net.call("again", "enc", input=Ref("enc"))
    report = infer_shapes(net.done())
    assert report.totals.parameters == 72
    assert report.totals.flops == 2 * (2 * 64)  # but run twice


def test_a_bypassed_layer_has_no_weights_and_passes_its_input_on() -> None:
    net = Net("N", 8)
    net.layer("fc", "Linear", out_features=3)
    graph = net.done()
    nodes = {
        **graph.nodes,
        "fc": Node("fc", "layer", target="fc", arguments={"input": Ref("x")}, bypassed=True),
    }
    report = infer_shapes(Graph("M", nodes, graph.owners))
    assert report.totals.parameters == 0
    assert shapes(report)["out"] == "N×8"
    assert report.problems == ()


@pytest.mark.parametrize(
    ("kind", "arguments", "shape"),
    [
        ("Linear", {"in_features": 8, "out_features": 3}, (8,)),
        ("Conv2d", {"in_channels": 8, "out_channels": 4, "kernel_size": 3}, (8, 9, 9)),
        ("ConvTranspose2d", {"in_channels": 8, "out_channels": 4, "kernel_size": 3}, (8, 9, 9)),
        ("MultiheadAttention", {"embed_dim": 8, "num_heads": 2, "batch_first": True}, (5, 8)),
        ("LSTM", {"input_size": 8, "hidden_size": 4, "batch_first": True}, (7, 8)),
        ("TransformerEncoderLayer", {"d_model": 8, "nhead": 2, "batch_first": True}, (5, 8)),
    ],
)
def test_flops_are_those_of_torch_for_one_sample(
    kind: str, arguments: dict[str, Any], shape: tuple[int, ...]
) -> None:
    entry = catalogue.get(f"torch.nn.{kind}")
    ports = [p.name for p in entry.ports if not p.optional]
    outcome = judge(entry, arguments, {p: TensorSpec(("N", *shape)) for p in ports}, {})
    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        layer = meta.build(entry, arguments)
        layer(*(torch.empty(1, *shape) for _ in ports))
    assert outcome.flops == counter.get_total_flops() > 0


def test_a_layer_too_large_is_refused_with_its_size_before_anything_is_allocated() -> None:
    net = Net("N", 100_000)
    net.layer("fc", "Linear", out_features=400_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    problem = infer_shapes(net.done()).problems[0]
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert (problem.node, problem.kind) == ("fc", "too_large")
    assert "would take 640 GB to train" in problem.message
    assert "Choose a smaller out_features." in problem.message
    assert grown < 200_000  # kB


def test_a_model_of_many_large_layers_is_too_large_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(size, "_physical_memory", lambda: 2_000_000_000)
    net = Net("N", 8192)
    for i in range(2):
        net.layer(f"fc{i}", "Linear", out_features=8192)
    problem = infer_shapes(net.done()).problems[0]
    assert (problem.node, problem.kind) == ("fc0", "too_large_model")
    assert "would take 2.1 GB to train" in problem.message
    assert "this machine has 2.0 GB" in problem.message


def test_a_million_units_are_fine_if_they_fit() -> None:
    net = Net("N", 10)
    net.layer("wide", "Linear", out_features=1_000_000)
    assert infer_shapes(net.done()).totals.parameters == 11_000_000


@pytest.mark.parametrize("number", [2**63, 10**40, -(2**70)])
def test_numbers_beyond_64_bits_never_reach_torch(number: int) -> None:
    net = Net("N", 10)
    net.layer("fc", "Linear", out_features=number)
    assert kinds(infer_shapes(net.done())) == [("fc", "too_large_number")]


# Blocks, branches, settings -----------------------------------------------------------------------


def block(**settings: Any) -> Graph:
    """One Linear (as wide as the setting says) and a ReLU."""
    nodes = {
        "i": Node("i", "input", "i"),
        "fc": Node("fc", "layer", target="fc", arguments={"input": Ref("i")}),
        "act": Node("act", "layer", target="act", arguments={"input": Ref("fc")}),
        "o": Node("o", "output", "o", arguments={"value": Ref("act")}),
    }
    owners = {
        "fc": Owner("fc", "fc", "torch.nn.Linear", {"out_features": Setting("width")}),
        "act": Owner("act", "act", "torch.nn.ReLU"),
    }
    return Graph("Stage", nodes, owners, {"width": 8, **settings})


def with_stage(repeat: int = 1, shared: bool = False, features: int = 8, **arguments: Any) -> Graph:
    net = Net("N", features)
    net.owners["stage"] = Owner("stage", "stage", "block:Stage", arguments, False, repeat, shared)
    net.call("stage", "stage", i=Ref("x"))
    return net.done(blocks={"Stage": block()}, settings={"hidden": 3})


def test_a_repeated_block_has_weights_for_each_time_and_shared_ones_once() -> None:
    assert infer_shapes(with_stage()).totals.parameters == 72
    repeated = infer_shapes(with_stage(repeat=12))
    assert repeated.totals.parameters == 12 * 72
    assert len(repeated.nodes["stage"].body) == 12
    assert infer_shapes(with_stage(repeat=12, shared=True)).totals.parameters == 72


def test_each_repetition_reads_what_the_one_before_gives() -> None:
    report = infer_shapes(with_stage(repeat=2, features=20))
    first, second = report.nodes["stage"].body
    assert first.nodes["fc"].arguments == {"in_features": 20, "out_features": 8}
    assert second.nodes["fc"].arguments == {"in_features": 8, "out_features": 8}
    assert kinds(infer_shapes(with_stage(repeat=2, shared=True, features=20))) == [
        ("stage", "shared_block")
    ]


def test_a_block_takes_its_settings_from_its_caller() -> None:
    report = infer_shapes(with_stage(width=Calc("*", Setting("hidden"), 2)))
    assert shapes(report)["stage"] == "N×6"
    assert report.nodes["stage"].arguments == {"width": 6}


def test_a_problem_in_a_block_is_told_with_its_path_and_at_the_call() -> None:
    broken = block()
    owners = {
        **broken.owners,
        "fc": Owner("fc", "fc", "torch.nn.Linear", {"out_features": 8, "in_features": 9}),
    }
    graph = with_stage(repeat=3)
    graph = Graph(
        "M", graph.nodes, graph.owners, {}, {"Stage": Graph("Stage", broken.nodes, owners)}
    )
    report = infer_shapes(graph)
    assert [(p.scope, p.node, p.kind) for p in report.problems] == [
        ((), "stage", "in_block"),
        (("stage",), "fc", "in_size"),
    ]
    assert report.nodes["stage"].problem == report.problems[0]
    assert report.nodes["stage"].result is None


def test_a_block_inside_itself_is_refused() -> None:
    graph = with_stage()
    inner = Graph(
        "Stage",
        {
            "i": Node("i", "input", "i"),
            "me": Node("me", "layer", target="me", arguments={"i": Ref("i")}),
            "o": Node("o", "output", "o", arguments={"value": Ref("me")}),
        },
        {"me": Owner("me", "me", "block:Stage")},
    )
    report = infer_shapes(Graph("M", graph.nodes, graph.owners, {}, {"Stage": inner}))
    assert (("stage",), "me", "recursion") in [(p.scope, p.node, p.kind) for p in report.problems]


def branch(condition: Any, wide: int = 4) -> Graph:
    net = Net("N", 8)
    yes = net.layer("yes", "Linear", out_features=4)
    no = net.layer("no", "Linear", Ref("x"), out_features=wide)
    arguments = {"condition": condition, "if_true": yes, "if_false": no}
    net.node(Node("either", "branch", "either", arguments=arguments))
    return net.done(settings={"deep": True})


def test_a_branch_gives_what_both_its_sides_give() -> None:
    for condition in (Training(), GradEnabled(), Setting("deep"), Compare(">", Calc("*", 2, 3), 5)):
        report = infer_shapes(branch(condition))
        assert report.problems == ()
        assert shapes(report)["either"] == "N×4"


def test_a_branch_with_unequal_sides_is_a_problem() -> None:
    problem = infer_shapes(branch(Training(), wide=5)).problems[0]
    assert problem.kind == "branch_shapes"
    assert problem.message == (
        "Branch “either” gives N×4 when its condition holds and N×5 when not. "
        "Both sides must have the same shape and dtype."
    )


def test_a_condition_on_more_than_one_number_is_a_problem() -> None:
    graph = branch(Compare(">", Ref("x"), 0.5))
    assert kinds(infer_shapes(graph)) == [("either", "branch_condition")]
    assert kinds(infer_shapes(branch(Setting("lost")))) == [("either", "unknown_setting")]
    assert kinds(infer_shapes(branch(None))) == [("either", "branch_condition")]


def test_shared_weights_that_cannot_fit_both_calls_are_a_problem_at_the_second() -> None:
    net = Net("N", 8)
    net.layer("enc", "Linear", out_features=3)
    net.call("again", "enc", input=Ref("enc"))
    problem = infer_shapes(net.done()).problems[0]
    assert (problem.node, problem.kind) == ("again", "shared_size")
    assert problem.message.startswith(
        "Linear “enc (2)” shares the weights of its first call, with in_features=8, but receives 3"
    )


# Wires --------------------------------------------------------------------------------------------


def test_an_empty_network_asks_for_an_input() -> None:
    problem = infer_shapes(Graph()).problems[0]
    assert (problem.node, problem.message) == ("", "The network is empty. Add an input.")


def test_a_layer_that_reaches_no_output_would_never_learn() -> None:
    net = Net("N", 8)
    net.layer("lost", "Linear", out_features=3)
    net.layer("fc", "Linear", Ref("x"), out_features=2)
    problem = infer_shapes(net.done()).problems[0]
    assert (problem.node, problem.severity) == ("lost", "warning")
    assert "its weights would never learn" in problem.message


def test_after_an_error_later_layers_wait_in_silence() -> None:
    net = Net("N", 8)
    net.layer("a", "Linear", in_features=9, out_features=3)
    net.layer("b", "Linear", out_features=2)
    report = infer_shapes(net.done())
    assert kinds(report) == [("a", "in_size")]
    assert report.nodes["b"].result is None
    assert report.nodes["b"].problem is None
    assert not report.ok


def test_an_output_without_the_batch_is_a_warning() -> None:
    net = Net("N", 8)
    net.op("mean", "torch.mean", input=Ref("x"), dim=None)
    assert kinds(infer_shapes(net.done())) == [("out", "batch_lost")]


# What is remembered -------------------------------------------------------------------------------


def test_names_are_no_part_of_what_is_remembered() -> None:
    for name in ("first", "second"):
        net = Net("N", 8)
        net.layer(name, "Linear", in_features=9, out_features=3)
        assert f"Linear “{name}” expects" in infer_shapes(net.done()).problems[0].message


def test_true_is_not_taken_for_one() -> None:
    flat = Net("N", 4, 5)
    flat.layer("bn", "BatchNorm1d", eps=1)
    wrong = Net("N", 4, 5)
    wrong.layer("bn", "BatchNorm1d", eps=True)
    assert infer_shapes(flat.done()).problems == ()
    assert kinds(infer_shapes(wrong.done())) == [("bn", "value")]


def test_only_so_much_is_remembered_and_the_oldest_is_forgotten() -> None:
    memory: Remembered[int] = Remembered(2)
    memory.put("a", 1)
    memory.put("b", 2)
    assert memory.get("a") == 1
    memory.put("c", 3)
    assert (memory.get("a"), memory.get("b"), memory.get("c")) == (1, None, 3)


def test_many_sessions_at_once_get_what_one_gets() -> None:
    from builder.graph.shapes import forget

    expected = {name: make() for name, make in NETWORKS.items()}
    reports = {name: infer_shapes(graph) for name, graph in expected.items()}
    forget()
    found: list[bool] = []

    def session() -> None:
        found.extend(infer_shapes(graph) == reports[name] for name, graph in expected.items())

    threads = [threading.Thread(target=session) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 8 * len(NETWORKS)


def test_a_problem_of_one_copy_of_a_block_says_of_which() -> None:
    nodes = {
        "i": Node("i", "input", "i"),
        "pool": Node("pool", "layer", "", "pool", {"input": Ref("i")}),
        "o": Node("o", "output", "o", arguments={"value": Ref("pool")}),
    }
    owners = {"pool": Owner("pool", "pool", "torch.nn.MaxPool2d", {"kernel_size": 2})}
    net = Net("N", 3, 8, 8)
    net.owners["stage"] = Owner("stage", "stage", "block:Stage", {}, False, 5, False)
    net.call("stage", "stage", i=Ref("x"))
    report = infer_shapes(net.done(blocks={"Stage": Graph("Stage", nodes, owners)}))
    at_call, inside = report.problems
    assert "has a problem inside, in copy 4: MaxPool2d" in at_call.message
    assert inside.message.startswith("In copy 4 of “stage”: MaxPool2d “pool” ")
    assert inside.scope == ("stage",)
