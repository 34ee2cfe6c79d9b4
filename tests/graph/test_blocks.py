"""Blocks: grouped, opened, changed from inside, and the calls that follow."""

from __future__ import annotations

from dataclasses import replace

import pytest

from builder.errors import EditRefused
from builder.graph.edits import (
    UNSET,
    AddBranch,
    AddNode,
    DeleteNode,
    Edit,
    GroupIntoBlock,
    Rename,
    RenameModel,
    SetArgument,
    SetBypassed,
    SetCallArgument,
    SetFrozen,
    SetInputSpec,
    SetPosition,
    SetRepeat,
    SetSetting,
    ShareWeights,
    Ungroup,
    apply,
)
from builder.graph.history import same
from builder.graph.model import Graph, Ref, Setting, Size, Training
from builder.graph.shapes import infer_shapes
from builder.graph.validate import why_invalid
from tests.graph.networks import layer, mlp, operation, output, skip, start, wires


def refusal(graph: Graph, edit: Edit) -> str:
    with pytest.raises(EditRefused) as refused:
        apply(graph, edit)
    return str(refused.value)


def grouped() -> Graph:
    """x → hidden (a block: fc1, relu) → fc2 → output."""
    return apply(mlp(), GroupIntoBlock(("fc1", "relu"), "Hidden"))


def test_grouped_layers_are_called_where_they_stood() -> None:
    graph = grouped()
    assert wires(graph) == ["x", "hidden: x", "fc2: hidden", "output: fc2"]
    assert wires(graph.blocks["Hidden"]) == ["x", "fc1: x", "relu: fc1", "output: relu"]
    assert graph.owners["hidden"].target == "block:Hidden"
    assert list(graph.owners) == ["hidden", "fc2"]
    assert list(graph.blocks["Hidden"].owners) == ["fc1", "relu"]


def test_ungrouping_gives_the_same_graph_back() -> None:
    assert same(apply(grouped(), Ungroup("hidden")), mlp())


def test_several_values_in_and_out_become_inputs_and_outputs() -> None:
    graph = layer(skip(), "side", "Linear", "relu", out_features=2)
    graph = output(graph, "side", "second")
    both = apply(graph, GroupIntoBlock(("relu", "add"), "Tail"))
    assert wires(both.blocks["Tail"]) == [
        *("fc1", "x", "relu: fc1", "add: relu x", "relu_out: relu", "add_out: add"),
    ]
    assert wires(both) == [
        *("x", "fc1: x", "tail: fc1 x", "output: tail[1]", "side: tail[0]", "second: side"),
    ]
    assert same(apply(both, Ungroup("tail")), graph)


def test_parts_of_results_cross_the_border() -> None:
    graph = layer(start("N", 5, 8), "lstm", "LSTM", "x", hidden_size=4)
    graph = operation(graph, "last", "operator.getitem", input=Ref("lstm", (1, 0)), index=-1)
    graph = output(graph, "last")
    one = apply(graph, GroupIntoBlock(("lstm",), "Reader"))
    assert wires(one) == ["x", "reader: x", "last: reader", "output: last"]
    assert wires(one.blocks["Reader"])[-1] == "output: lstm[1][0]"
    other = apply(graph, GroupIntoBlock(("last",), "Last"))
    assert wires(other)[2] == "last_2: lstm[1][0]"
    assert same(apply(one, Ungroup("reader")), graph)
    assert same(apply(other, Ungroup("last_2")), graph)


def test_sizes_of_values_outside_become_inputs() -> None:
    graph = operation(
        mlp(), "view", "torch.Tensor.view", input=Ref("fc2"), shape=(Size(Ref("x"), 0), -1)
    )
    graph = output(graph, "view", "second")
    block = apply(graph, GroupIntoBlock(("view",), "Flat"))
    view = block.blocks["Flat"].nodes["view"]
    assert view.arguments["shape"] == (Size(Ref("x"), 0), -1)
    assert same(apply(block, Ungroup("flat")), graph)


def test_a_group_that_a_value_leaves_and_enters_again_is_refused_with_the_path() -> None:
    assert refusal(mlp(), GroupIntoBlock(("fc1", "fc2"), "Both")) == (
        "A value would leave the block and come back into it (“fc1 → relu → fc2”). "
        "Choose “relu” too, or leave “fc2” out."
    )


def test_weights_shared_with_a_call_outside_are_not_torn_apart() -> None:
    graph = apply(mlp(), ShareWeights("fc2", "fc1"))
    assert "“fc1” is also called outside of the group" in refusal(
        graph, GroupIntoBlock(("fc1",), "One")
    )
    inside = apply(graph, GroupIntoBlock(("fc1", "relu", "fc2"), "All"))
    assert same(apply(inside, Ungroup("all")), graph)


def test_nodes_between_that_do_not_matter_make_room() -> None:
    graph = layer(start(), "a", "Linear", "x", out_features=8)
    graph = layer(graph, "side", "Linear", "x", out_features=8)
    graph = layer(graph, "b", "Linear", "a", out_features=8)
    graph = output(output(graph, "b"), "side", "second")
    block = apply(graph, GroupIntoBlock(("a", "b"), "Two"))
    assert wires(block)[1:3] == ["two: x", "side: x"]
    assert apply(block, Ungroup("two")) == graph


def test_random_layers_do_not_pass_each_other() -> None:
    graph = layer(start(), "drop1", "Dropout", "x")
    graph = layer(graph, "drop2", "Dropout", "x")
    graph = layer(graph, "fc", "Linear", "drop1", out_features=8)
    graph = output(output(graph, "fc"), "drop2", "second")
    # drop1 stays before drop2: the call stands where drop1 stood
    assert wires(apply(graph, GroupIntoBlock(("drop1", "fc"), "Two")))[1] == "two: x"
    late = layer(graph, "sum", "Dropout", "drop2")
    late = operation(late, "join", "operator.add", input=Ref("sum"), other=Ref("fc"))
    text = refusal(
        output(late, "join", "third"), GroupIntoBlock(("fc", "drop1", "join", "sum"), "All")
    )
    assert text.startswith("“drop2” stands between the nodes of the group")


def test_nothing_passes_what_changes_a_value_in_place() -> None:
    graph = layer(start(), "a", "Linear", "x", out_features=8)
    graph = layer(graph, "inplace", "ReLU", "x", inplace=True)
    graph = layer(graph, "b", "Linear", "a", out_features=8)
    graph = output(output(graph, "b"), "inplace", "second")
    assert "“inplace” stands between" in refusal(graph, GroupIntoBlock(("a", "b"), "Two"))


def test_one_side_of_a_branch_is_not_made_to_run_always() -> None:
    graph = layer(start(), "noise", "BatchNorm1d", "x")
    graph = apply(output(graph, "x"), AddBranch(Training(), "noise", "x", id="seen", name="seen"))
    graph = apply(graph, AddNode("torch.nn.Linear", after="seen", id="fc"))
    assert wires(graph) == ["x", "noise: x", "seen: noise x", "fc: seen", "output: fc"]
    assert refusal(graph, GroupIntoBlock(("seen", "fc"), "Late")) == (
        "“noise” runs only when the branch “seen” needs it. Choose it too, or leave the branch out."
    )
    whole = apply(graph, GroupIntoBlock(("noise", "seen"), "Noisy"))
    assert same(apply(whole, Ungroup("noisy")), graph)
    alone = apply(graph, GroupIntoBlock(("noise",), "Side"))
    assert wires(alone)[1:3] == ["side: x", "seen: side x"]


def test_settings_pass_through_a_block_and_come_back() -> None:
    graph = apply(mlp(), SetSetting("width", 8))
    graph = apply(graph, SetArgument("fc1", "out_features", Setting("width")))
    block = apply(graph, GroupIntoBlock(("fc1", "relu"), "Hidden"))
    assert block.blocks["Hidden"].settings == {"width": 8}
    assert block.owners["hidden"].arguments == {"width": Setting("width")}
    assert same(apply(block, Ungroup("hidden")), graph)


def test_an_opened_block_keeps_the_settings_its_call_had() -> None:
    graph = apply(mlp(), SetSetting("width", 8))
    graph = apply(graph, SetArgument("fc1", "out_features", Setting("width")))
    block = apply(graph, GroupIntoBlock(("fc1", "relu"), "Hidden"))
    block = apply(block, SetArgument("hidden", "width", 5))
    assert apply(block, Ungroup("hidden")).owners["fc1"].arguments == {"out_features": 5}
    default = apply(block, SetArgument("hidden", "width", UNSET))
    assert apply(default, Ungroup("hidden")).owners["fc1"].arguments == {"out_features": 8}


def test_a_branch_on_a_setting_stays_one_when_its_block_is_opened() -> None:
    graph = apply(mlp(), SetSetting("deep", True))
    graph = apply(graph, AddBranch(Setting("deep"), "relu", "fc1", id="b"))
    block = apply(graph, GroupIntoBlock(("relu", "b"), "Choice"))
    assert same(apply(block, Ungroup("choice")), graph)
    fixed = apply(block, SetArgument("choice", "deep", False))
    opened = apply(fixed, Ungroup("choice"))
    assert opened.nodes["b"].arguments["condition"] == Setting("deep2")
    assert opened.settings == {"deep": True, "deep2": False}


def test_names_and_ids_in_use_outside_give_way() -> None:
    graph = apply(grouped(), AddNode("torch.nn.Linear", name="fc1", id="fc1"))
    opened = apply(graph, Ungroup("hidden"))
    assert wires(opened)[1:3] == ["fc1_2: x", "relu: fc1_2"]
    assert opened.label("fc1_2") == "fc3"
    assert why_invalid(opened) is None


def test_positions_are_kept_and_the_block_stands_in_their_middle() -> None:
    graph = apply(mlp(), SetPosition("fc1", (0, 0)))
    graph = apply(graph, SetPosition("relu", (10, 20)))
    block = apply(graph, GroupIntoBlock(("fc1", "relu"), "Hidden"))
    assert block.nodes["hidden"].position == (5, 10)
    assert same(apply(block, Ungroup("hidden")), graph)


def test_a_frozen_block_opens_into_frozen_layers() -> None:
    opened = apply(apply(grouped(), SetFrozen("hidden", True)), Ungroup("hidden"))
    assert opened.owners["fc1"].frozen and not opened.owners["fc2"].frozen


def test_what_cannot_be_opened_says_what_to_do_first() -> None:
    graph = grouped()
    assert "is no block" in refusal(graph, Ungroup("fc2"))
    twice = apply(graph, AddNode("block:Hidden", after="hidden", id="again"))
    shared = apply(twice, ShareWeights("again", "hidden"))
    assert "Give this call weights of its own first" in refusal(shared, Ungroup("again"))
    assert "Use it again first" in refusal(
        apply(graph, SetBypassed("hidden", True)), Ungroup("hidden")
    )


def test_a_block_stays_while_another_call_needs_it() -> None:
    twice = apply(grouped(), AddNode("block:Hidden", after="hidden"))
    assert wires(twice)[1:3] == ["hidden: x", "hidden1: hidden"]
    once = apply(twice, Ungroup("hidden1"))
    assert list(once.blocks) == ["Hidden"]
    assert apply(once, DeleteNode("hidden")).blocks == {}


def test_only_a_block_with_fitting_ends_repeats() -> None:
    three = apply(grouped(), SetRepeat("hidden", 3, shared=True))
    assert (three.owners["hidden"].repeat, three.owners["hidden"].shared) == (3, True)
    assert infer_shapes(three).totals.parameters == 72 + 72  # fc1 once, fc2
    assert "from 1 to 1000 times, not “0”" in refusal(three, SetRepeat("hidden", 0))
    more = apply(grouped(), AddNode("output", after="fc1", scope="Hidden"))
    assert "1 inputs and 2 outputs" in refusal(more, SetRepeat("hidden", 2))


def test_a_block_cannot_contain_itself() -> None:
    assert refusal(grouped(), AddNode("block:Hidden", scope="Hidden")) == (
        "The block “Hidden” cannot contain itself. Add another block or layer."
    )
    nested = apply(grouped(), GroupIntoBlock(("hidden", "fc2"), "Outer"))
    assert refusal(nested, AddNode("block:Outer", scope="Hidden")) == (
        "The block “Hidden” cannot contain “Outer”, which contains it. Add another block or layer."
    )


def test_nested_blocks_open_one_after_the_other() -> None:
    nested = apply(grouped(), GroupIntoBlock(("hidden", "fc2"), "Outer"))
    assert list(nested.blocks) == ["Hidden", "Outer"]
    assert same(apply(apply(nested, Ungroup("outer")), Ungroup("hidden")), mlp())
    gone = apply(nested, DeleteNode("outer"))
    assert gone.blocks == {} and wires(gone) == ["x", "output: x"]


def test_layers_inside_a_block_are_grouped_and_opened_there() -> None:
    inner = apply(grouped(), GroupIntoBlock(("relu",), "Act", scope="Hidden"))
    assert wires(inner.blocks["Hidden"]) == ["x", "fc1: x", "act: fc1", "output: act"]
    assert list(inner.blocks) == ["Hidden", "Act"]
    assert same(apply(inner, Ungroup("act", scope="Hidden")), grouped())


def test_calls_follow_a_renamed_input() -> None:
    graph = apply(grouped(), Rename("x", "features", scope="Hidden"))
    assert graph.nodes["hidden"].arguments == {"features": Ref("x")}
    assert why_invalid(graph) is None


def test_calls_follow_added_and_deleted_outputs() -> None:
    two = apply(grouped(), AddNode("output", after="fc1", scope="Hidden"))
    assert wires(two)[2] == "fc2: hidden[0]"
    assert same(apply(two, DeleteNode("output2", scope="Hidden")), grouped())
    other = apply(two, SetCallArgument("fc2", "input", Ref("hidden", (1,))))
    assert wires(apply(other, DeleteNode("output", scope="Hidden")))[2] == "fc2: hidden"
    assert wires(apply(two, DeleteNode("output", scope="Hidden")))[2] == "fc2"


def test_calls_follow_a_deleted_input_and_setting() -> None:
    graph = apply(grouped(), AddNode("input", name="mask", scope="Hidden"))
    graph = apply(graph, SetCallArgument("hidden", "mask", Ref("x")))
    graph = apply(graph, SetSetting("width", 3, scope="Hidden"))
    graph = apply(graph, SetArgument("hidden", "width", 4))
    graph = apply(graph, DeleteNode("mask", scope="Hidden"))
    assert graph.nodes["hidden"].arguments == {"x": Ref("x")}
    assert apply(graph, SetSetting("width", UNSET, scope="Hidden")) == grouped()


def test_a_renamed_block_is_renamed_for_its_callers() -> None:
    graph = apply(grouped(), RenameModel("Head", scope="Hidden"))
    assert graph.owners["hidden"].target == "block:Head"
    assert graph.blocks["Head"].name == "Head"
    assert "“Model2” is free" in refusal(grouped(), RenameModel("Model", scope="Hidden"))


def test_inputs_of_a_block_may_take_any_shape() -> None:
    graph = apply(grouped(), SetInputSpec("x", None, scope="Hidden"))
    assert why_invalid(graph) is None
    assert not infer_shapes(graph).problems


@pytest.mark.parametrize(
    ("nodes", "name", "sentence"),
    [
        ((), "Block", "Choose at least one layer to put into the block."),
        (
            ("x", "fc1"),
            "Block",
            "The input “x” belongs to the network itself: leave it out of the group.",
        ),
        (("fc1",), "Model", "The name “Model” is taken; “Model2” is free."),
        (
            ("fc1",),
            "two words",
            "“two words” cannot be the name of a class: “TwoWords” would do.",
        ),
    ],
)
def test_a_group_that_cannot_be_is_refused(
    nodes: tuple[str, ...], name: str, sentence: str
) -> None:
    assert refusal(mlp(), GroupIntoBlock(nodes, name)) == sentence


def test_an_unread_group_still_gives_its_last_value() -> None:
    graph = layer(mlp(), "loose", "Linear", "fc2", out_features=2)
    block = apply(graph, GroupIntoBlock(("loose",), "Loose"))
    assert wires(block.blocks["Loose"])[-1] == "output: loose"
    assert same(apply(block, Ungroup("loose_2")), graph)


def test_a_bypassed_layer_in_a_group_stays_bypassed() -> None:
    graph = apply(mlp(), SetBypassed("relu", True))
    block = apply(graph, GroupIntoBlock(("relu",), "Act"))
    assert block.blocks["Act"].nodes["relu"].bypassed
    assert same(apply(block, Ungroup("act")), graph)


def test_an_unknown_block_is_no_scope() -> None:
    assert "Did you mean “Hidden”?" in refusal(grouped(), DeleteNode("x", scope="Hiden"))
    renamed = replace(grouped(), name="Other")
    assert "It may have been ungrouped or renamed" in refusal(renamed, DeleteNode("x", scope="Zzz"))
