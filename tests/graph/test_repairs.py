"""Broken networks: the problem is found where it is, and an offered repair mends it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from builder.graph.check import check
from builder.graph.edits import apply
from builder.graph.model import Compare, Graph, Node, Owner, Ref, Size
from builder.graph.repairs import MOST_OFFERED, repairs_for
from builder.graph.shapes import infer_shapes
from tests.graph.breakages import breakages
from tests.graph.sound_networks import NETWORKS, Net


def repairs(graph: Graph) -> list[tuple[str, int]]:
    """Label and cost of the repairs of the first problem."""
    problem = infer_shapes(graph).problems[0]
    return [(r.label, r.parameters_delta) for r in repairs_for(graph, problem)]


def labels(graph: Graph) -> list[str]:
    return [label for label, _ in repairs(graph)]


def chain(
    *shape: int | str, dtype: str = "float32", layers: list[tuple[str, dict[str, Any]]]
) -> Graph:
    net = Net(*shape, dtype=dtype)
    for kind, arguments in layers:
        net.layer(f"{kind.lower()}", kind, **arguments)
    return net.done()


# Every network broken in every way ----------------------------------------------------------------


@pytest.mark.parametrize("name", list(NETWORKS))
def test_every_breakage_is_found_at_its_node_and_nearly_all_are_mended(name: str) -> None:
    tried, mended, missed = 0, 0, []
    for broken in breakages(NETWORKS[name]()):
        here = [p for p in infer_shapes(broken.graph).problems if p.node in broken.at]
        assert here, f"{broken.name}: nothing found at {broken.at}"
        tried += 1
        offered = [
            r for r in repairs_for(broken.graph, here[0]) if not r.label.startswith("Bypass")
        ]
        after = infer_shapes(apply(broken.graph, offered[0].edit)) if offered else None
        if after is not None and not any(p.same_place(here[0]) for p in after.problems):
            mended += 1
        else:
            missed.append(broken.name)
    assert tried >= 30
    assert mended >= 0.95 * tried, missed


@pytest.mark.parametrize("name", list(NETWORKS))
def test_the_first_repairs_one_after_the_other_lead_back_to_a_sound_network(name: str) -> None:
    cases = list(breakages(NETWORKS[name]()))[::5]
    whole = 0
    for broken in cases:
        graph = broken.graph
        for _ in range(5):
            problems = infer_shapes(graph).problems
            offered = repairs_for(graph, problems[0]) if problems else ()
            if not offered:
                break
            graph = apply(graph, offered[0].edit)
        whole += not infer_shapes(graph).problems
    assert whole >= 0.95 * len(cases)


# Single repairs -----------------------------------------------------------------------------------


def test_a_wrong_in_features_is_set_left_to_be_inferred_or_met_by_the_layer_before() -> None:
    layers = [
        ("Flatten", {}),
        ("Linear", {"in_features": 512, "out_features": 10}),
    ]
    assert repairs(chain("N", 1, 28, 28, layers=layers)) == [
        ("Set in_features to 784", 2720),
        ("Let in_features follow its input", 2720),
        ("Insert Linear(out_features=512) before “linear”", 784 * 512 + 512),
    ]


def test_the_layer_before_can_be_made_wider() -> None:
    net = Net("N", 8)
    net.layer("a", "Linear", out_features=16)
    net.layer("relu", "ReLU")
    net.layer("b", "Linear", in_features=32, out_features=2)
    assert "Set out_features of “a” to 32" in labels(net.done())


def test_a_picture_into_linear_is_flattened_or_averaged() -> None:
    found = repairs(chain("N", 1, 28, 28, layers=[("Linear", {"out_features": 10})]))
    assert found == [
        ("Insert Flatten before “linear”", 10 * (784 - 28)),
        ("Insert AdaptiveAvgPool2d(output_size=1) and Flatten before “linear”", -270),
    ]


def test_a_batchnorm_of_the_wrong_dimension_is_swapped_and_keeps_its_name() -> None:
    net = Net("N", 3, 8, 8)
    net.layer("norm", "BatchNorm1d", eps=0.01)
    net.layer("relu", "ReLU")
    graph = net.done()
    repair = repairs_for(graph, infer_shapes(graph).problems[0])[0]
    assert repair.label == "Use BatchNorm2d in place of BatchNorm1d"
    mended = apply(graph, repair.edit)
    owner = next(o for o in mended.owners.values() if "BatchNorm" in o.target)
    assert (owner.name, owner.target, owner.arguments) == (
        "norm",
        "torch.nn.BatchNorm2d",
        {"eps": 0.01},
    )
    assert infer_shapes(mended).problems == ()


def test_a_part_of_a_tuple_is_taken_by_its_name() -> None:
    net = Net("N", 20, 8)
    net.layer("lstm", "LSTM", hidden_size=16, batch_first=True)
    net.layer("head", "Linear", out_features=2)
    assert labels(net.done()) == [
        "Take part “output” of “lstm”",
        "Take part “h_n” of “lstm”",
        "Take part “c_n” of “lstm”",
        "Take the last step of “lstm”",
    ]


def test_token_ids_are_looked_up_or_converted() -> None:
    found = labels(chain("N", 20, dtype="int64", layers=[("Linear", {"out_features": 4})]))
    assert found[:2] == [
        "Insert .float() before “linear”",
        "Insert Embedding(num_embeddings=1000) before “linear”",
    ]


def test_heads_are_chosen_among_those_that_divide() -> None:
    layers = [("TransformerEncoderLayer", {"nhead": 5, "batch_first": True})]
    net = Net("N", 6, 32)
    net.owns("encoder", layers[0][0], **layers[0][1])
    net.call("encoder", "encoder", src=Ref("x"))
    assert labels(net.done()) == ["Set nhead to 4", "Set nhead to 2", "Set nhead to 8"]


def test_unequal_pictures_meet_after_a_projection() -> None:
    net = Net("N", 3, 16, 16)
    first = net.layer("conv1", "Conv2d", out_channels=8, kernel_size=3, padding=1)
    second = net.layer("conv2", "Conv2d", out_channels=16, kernel_size=3, padding=1, stride=2)
    net.op("add", "operator.add", input=second, other=first)
    graph = net.done()
    found = repairs(graph)
    assert ("Insert Conv2d behind “conv1”, to N×16×8×8", 8 * 16 + 16) in found
    problem = infer_shapes(graph).problems[0]
    mended = apply(graph, repairs_for(graph, problem)[0].edit)
    assert infer_shapes(mended).problems == ()
    assert mended.nodes["conv2"].arguments == {"input": Ref("conv1")}  # others read on as they did


def test_cat_is_offered_the_dimension_that_differs() -> None:
    net = Net("N", 3, 8, 8)
    left = net.layer("left", "Conv2d", Ref("x"), out_channels=4, kernel_size=1)
    right = net.layer("right", "Conv2d", Ref("x"), out_channels=6, kernel_size=1)
    net.op("cat", "torch.cat", tensors=(left, right), dim=3)
    assert labels(net.done())[0] == "Set dim to 1"


def test_a_view_is_given_the_right_sizes_and_keeps_the_batch() -> None:
    net = Net("N", 16, 5, 5)
    net.op("view", "torch.Tensor.view", input=Ref("x"), shape=(Size(Ref("x"), 0), 120))
    graph = net.done()
    assert labels(graph)[0] == "Make it N×400"
    mended = apply(graph, repairs_for(graph, infer_shapes(graph).problems[0])[0].edit)
    assert mended.nodes["view"].arguments["shape"] == (Size(Ref("x"), 0), 400)


def test_a_view_behind_a_transpose_becomes_a_reshape() -> None:
    net = Net("N", 4, 6)
    net.op("turn", "torch.transpose", input=Ref("x"), dim0=1, dim1=2)
    net.op("flat", "torch.Tensor.view", input=Ref("turn"), shape=(-1, 24))
    assert labels(net.done()) == ["Use reshape in place of view", "Insert contiguous before “flat”"]


def test_unpooling_is_given_the_indices_of_the_pooling_before() -> None:
    net = Net("N", 3, 8, 8)
    net.layer("pool", "MaxPool2d", kernel_size=2)
    net.layer("relu", "ReLU")
    net.owns("unpool", "MaxUnpool2d", kernel_size=2)
    net.call("unpool", "unpool", input=Ref("relu"))
    graph = net.done()
    repair = repairs_for(graph, infer_shapes(graph).problems[0])[0]
    assert repair.label == "Take the indices of “pool”"
    mended = apply(graph, repair.edit)
    assert infer_shapes(mended).problems == ()
    assert mended.nodes["relu"].arguments == {"input": Ref("pool", (0,))}


def test_too_large_is_brought_down_to_what_fits() -> None:
    graph = chain("N", 100_000, layers=[("Linear", {"out_features": 400_000})])
    repair = repairs_for(graph, infer_shapes(graph).problems[0])[0]
    assert repair.parameters_delta < 0
    assert infer_shapes(apply(graph, repair.edit)).ok


def test_a_condition_on_many_numbers_is_reduced_to_their_mean() -> None:
    net = Net("N", 8)
    yes = net.layer("yes", "Linear", out_features=4)
    no = net.layer("no", "Linear", Ref("x"), out_features=4)
    arguments = {"condition": Compare(">", Ref("x"), 0.5), "if_true": yes, "if_false": no}
    net.node(Node("either", "branch", "either", arguments=arguments))
    graph = net.done()
    assert labels(graph)[0] == "Compare its mean"


def test_a_repair_inside_a_block_is_offered_at_its_call_too() -> None:
    nodes = {
        "i": Node("i", "input", "i"),
        "fc": Node("fc", "layer", target="fc", arguments={"input": Ref("i")}),
        "o": Node("o", "output", "o", arguments={"value": Ref("fc")}),
    }
    owner = Owner("fc", "fc", "torch.nn.Linear", {"in_features": 9, "out_features": 8})
    net = Net("N", 8)
    net.owners["stage"] = Owner("stage", "stage", "block:Stage", repeat=2)
    net.call("stage", "stage", i=Ref("x"))
    graph = net.done(blocks={"Stage": Graph("Stage", nodes, {"fc": owner})})
    for problem in infer_shapes(graph).problems:
        repair = repairs_for(graph, problem)[0]
        assert repair.label == "Set in_features to 8"
        assert infer_shapes(apply(graph, repair.edit)).problems == ()


def test_only_what_was_tried_and_helps_is_offered() -> None:
    graph = chain("N", 3, 4, 4, layers=[("Conv2d", {"out_channels": 8, "kernel_size": 7})])
    problem = infer_shapes(graph).problems[0]
    offered = repairs_for(graph, problem)
    assert 1 <= len(offered) <= MOST_OFFERED
    for repair in offered:
        after = infer_shapes(apply(graph, repair.edit))
        assert not any(p.same_place(problem) for p in after.problems)


def test_where_nothing_better_is_known_the_layer_can_be_bypassed() -> None:
    graph = chain("N", 7, 9, layers=[("Fold", {"output_size": 4, "kernel_size": 2})])
    assert labels(graph) == ["Bypass “fold”"]


def test_check_tries_repairs_when_they_are_read() -> None:
    graph = chain("N", 4, layers=[("Linear", {"in_features": 9, "out_features": 2})])
    found = check(graph)
    assert not found.ok
    problem = found.report.problems[0]
    assert list(found.repairs) == [problem]
    assert found.repairs[problem][0].label == "Set in_features to 4"
    assert found.repairs[problem] is found.repairs[problem]
    assert check(chain("N", 4, layers=[("ReLU", {})])).ok


def test_an_unknown_problem_has_no_repair() -> None:
    graph = chain("N", 4, layers=[("ReLU", {})])
    problem = infer_shapes(
        chain("N", 4, layers=[("Linear", {"in_features": 9, "out_features": 2})])
    ).problems[0]
    assert repairs_for(graph, problem) == ()


def test_every_kind_of_problem_has_repairs_to_try() -> None:
    from builder.graph import checks, repairs

    said = re.compile(r'(?:finding|Finding|CannotEvaluate)\(\s*"(\w+)"|kind="(\w+)"')
    folder = Path(checks.__file__).parent.parent
    sources = [*folder.glob("*.py"), *folder.glob("checks/*.py")]
    kinds = {a or b for file in sources for a, b in said.findall(file.read_text("utf-8"))}
    # What waits is no problem, a block's is its inner one, a stray condition cannot be guessed at; nor
    # what own code gives, which tensor a broken block should make, or what a layer read early will be.
    assert kinds - set(repairs._CANDIDATES) == {
        *("waiting", "in_block", "misplaced_condition"),
        *("opaque_gives", "made", "weight_unknown", "no_weight"),
    }


def test_a_result_too_large_for_the_machine_is_made_smaller() -> None:
    graph = chain("N", 3, 64, 64, layers=[("Upsample", {"scale_factor": 2_000.0})])
    problem = infer_shapes(graph).problems[0]
    assert problem.kind == "too_large_result"
    assert "for each sample" in problem.message
    mended = apply(graph, repairs_for(graph, problem)[0].edit)
    assert infer_shapes(mended).problems == ()


def test_a_size_of_a_dimension_that_is_not_there_is_replaced() -> None:
    net = Net("N", 4, 6)
    net.op("view", "torch.Tensor.view", input=Ref("x"), shape=(Size(Ref("x"), 7), 24))
    assert labels(net.done())[0] == "Keep the batch as it comes (N×24)"


def test_a_sum_of_a_smaller_picture_is_mended_by_the_padding_that_is_missing() -> None:
    net = Net("N", 16, 13, 13)
    net.layer("conv2", "Conv2d", out_channels=16, kernel_size=3)
    net.op("add1", "operator.add", input=net.last, other=Ref("x"))
    first = repairs_for(net.done(), infer_shapes(net.done()).problems[0])[0]
    assert (first.label, first.parameters_delta) == ("Set padding of “conv2” to 1", 0)
    assert infer_shapes(apply(net.done(), first.edit)).problems == ()


def test_a_layer_that_makes_no_difference_to_the_shape_is_not_padded() -> None:
    net = Net("N", 16, 13, 13)
    net.layer("pool", "MaxPool2d", kernel_size=2)
    net.op("add1", "operator.add", input=net.last, other=Ref("x"))
    assert not [label for label in labels(net.done()) if "padding" in label]


def test_a_last_layer_that_is_not_read_is_read_by_the_output_first_and_deleted_last() -> None:
    net = Net("N", 8)
    read = net.layer("fc1", "Linear", out_features=4)
    net.layer("fc2", "Linear", out_features=2)
    graph = net.done()
    output = replace(graph.nodes["out"], arguments={"value": read})
    graph = replace(graph, nodes={**graph.nodes, "out": output})
    found = labels(graph)
    assert found[0] == "Let “out” read “fc2”"
    assert found[-1] == "Delete “fc2”"


def test_a_fresh_layer_without_wires_has_one_problem() -> None:
    net = Net("N", 8)
    net.layer("fc1", "Linear", out_features=4)
    net.owns("fc2", "Linear", out_features=2)
    graph = net.done()
    nodes = dict(graph.nodes)
    nodes["fc2"] = Node("fc2", "layer", "", "fc2")
    problems = infer_shapes(replace(graph, nodes=nodes)).problems
    assert [p.kind for p in problems if p.node == "fc2"] == ["not_wired"]
