"""Before an edit it is known which layers it reshapes and which weights it costs."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given, settings

from builder.errors import EditRefused
from builder.graph.edits import (
    AddNode,
    DeleteNode,
    DeleteNodes,
    DuplicateNode,
    GroupIntoBlock,
    SetArgument,
    SetBypassed,
    SetRepeat,
    Several,
    apply,
)
from builder.graph.effects import Effect, effect_of
from builder.graph.model import Graph
from tests.graph.networks import layer, mlp, output, start
from tests.graph.reference import chain
from tests.strategies import graphs


def test_a_width_changes_what_follows_and_the_weights_of_the_next_layer() -> None:
    effect = effect_of(mlp(), SetArgument("fc1", "out_features", 16))
    assert effect == Effect(changed=("fc1", "relu", "fc2"), lost=("fc1", "fc2"))


def test_a_layer_counts_whose_weights_change_though_its_result_stays() -> None:
    graph = layer(start(), "a", "Linear", "x", out_features=8)
    graph = layer(graph, "b", "Linear", "a", out_features=8)
    graph = output(layer(graph, "c", "Linear", "b", out_features=2), "c")
    assert effect_of(graph, SetArgument("a", "out_features", 16)).changed == ("a", "b")


def test_what_changes_outside_of_the_block_one_is_in_counts_in_each_of_its_calls() -> None:
    graph = layer(start(), "a", "Linear", "x", out_features=8)
    graph = layer(graph, "b", "Linear", "a", out_features=8)
    graph = output(layer(graph, "head", "Linear", "b", out_features=2), "head")
    graph = apply(graph, GroupIntoBlock(("b",), "Body"))
    graph = apply(apply(graph, DuplicateNode("body")), GroupIntoBlock(("head",), "Head"))
    effect = effect_of(graph, SetArgument("b", "out_features", 16, scope="Body"))
    assert effect.changed == ("x", "b", "output")
    assert effect.elsewhere == (("", "body"), ("", "body2"), ("Head", "x"), ("Head", "head"))


def test_what_changes_no_weight_loses_none() -> None:
    graph = layer(start("N", 3, 8, 8), "conv", "Conv2d", "x", out_channels=4, kernel_size=3)
    graph = output(layer(graph, "relu", "ReLU", "conv"), "relu")
    effect = effect_of(graph, SetArgument("conv", "padding", 1))
    assert effect == Effect(changed=("conv", "relu", "output"))


def test_deleting_loses_the_layers_own_weights() -> None:
    assert effect_of(mlp(), DeleteNode("fc2")) == Effect(lost=("fc2",))
    assert effect_of(mlp(), DeleteNodes(("relu",))) == Effect()


def test_new_problems_are_told_and_old_ones_are_not() -> None:
    graph = layer(start(), "fc1", "Linear", "x", out_features=8)
    graph = output(layer(graph, "fc2", "Linear", "fc1", in_features=8, out_features=2), "fc2")
    edit = SetArgument("fc1", "out_features", 16)
    effect = effect_of(graph, edit)
    assert [p.node for p in effect.problems] == ["fc2"]
    assert effect.changed == ("fc1", "fc2", "output") and effect.lost == ("fc1",)
    assert effect_of(apply(graph, edit), SetBypassed("fc1", False)) == Effect()


def test_weights_that_only_wait_for_a_shape_are_not_lost() -> None:
    graph = layer(start(), "fc1", "Linear", "x", out_features=8)
    graph = layer(graph, "fc2", "Linear", "fc1", out_features=8)
    graph = output(graph, "fc2")
    effect = effect_of(graph, SetArgument("fc1", "in_features", 9))
    assert effect.lost == ("fc1",) and effect.changed == ("fc1", "fc2", "output")


def test_inside_a_repeated_block_every_repetition_counts() -> None:
    graph = apply(mlp(), GroupIntoBlock(("fc1", "relu"), "Body"))
    graph = apply(graph, SetRepeat("body", 3))
    edit = SetArgument("fc1", "bias", False, scope="Body")
    assert effect_of(graph, edit).lost == ("body.0.fc1", "body.1.fc1", "body.2.fc1")
    wider = effect_of(graph, SetArgument("fc1", "out_features", 4, scope="Body"))
    assert wider.changed == ("fc1", "relu", "output")
    assert wider.elsewhere == (("", "body"), ("", "fc2"))
    assert wider.lost == ("body.0.fc1", "body.1.fc1", "body.2.fc1", "fc2")
    assert effect_of(graph, SetRepeat("body", 2)).lost == ("body.2.fc1",)


def test_several_edits_count_together_and_a_refusal_is_a_refusal() -> None:
    both = Several(
        (SetArgument("fc1", "out_features", 4), SetArgument("fc1", "out_features", 8)), ""
    )
    assert effect_of(mlp(), both) == Effect()
    with pytest.raises(EditRefused):
        effect_of(mlp(), DeleteNode("nothing"))


def test_an_effect_is_known_at_once() -> None:
    graph = chain(100)
    effect_of(graph, SetArgument("fc50", "out_features", 3))
    times = []
    for width in range(70, 90):
        begin = time.process_time()
        effect_of(graph, SetArgument("fc50", "out_features", width))
        times.append(time.process_time() - begin)
    assert min(times) < 0.05, times


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(graphs())
def test_a_layer_added_apart_affects_nothing(graph: Graph) -> None:
    assert effect_of(graph, AddNode("torch.nn.ReLU", reads=None)).changed == ()
    same = effect_of(graph, Several((), ""))
    assert same == Effect()
