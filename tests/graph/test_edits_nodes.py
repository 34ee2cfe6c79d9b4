"""Adding, deleting, moving and copying nodes keeps every wire meaning what it says."""

from __future__ import annotations

import time

import pytest

from builder.errors import EditRefused
from builder.graph.edits import (
    AddBranch,
    AddNode,
    DeleteNode,
    DuplicateNode,
    MoveNode,
    SetCallArgument,
    SetInputSpec,
    Several,
    ShareWeights,
    apply,
    describe,
)
from builder.graph.model import Graph, Ref, Setting, Size, TensorSpec, Training
from tests.graph.networks import layer, mlp, operation, output, skip, start, wires


def test_a_layer_added_behind_another_stands_between_it_and_its_reader() -> None:
    graph = apply(mlp(), AddNode("torch.nn.Dropout", after="relu"))
    assert wires(graph) == [
        *("x", "fc1: x", "relu: fc1", "dropout1: relu", "fc2: dropout1", "output: fc2"),
    ]
    assert list(graph.owners) == ["fc1", "relu", "dropout1", "fc2"]


def test_without_a_place_a_layer_comes_last_before_the_output() -> None:
    graph = apply(mlp(), AddNode("torch.nn.Softmax", arguments={"dim": 1}))
    assert wires(graph)[-2:] == ["softmax1: fc2", "output: softmax1"]
    assert graph.owners["softmax1"].arguments == {"dim": 1}


def test_a_new_linear_has_the_suggested_width_and_infers_the_rest() -> None:
    graph = apply(mlp(), AddNode("torch.nn.Linear"))
    assert graph.owners["linear1"].arguments == {"out_features": 64}


def test_only_the_next_reader_reads_the_new_layer() -> None:
    graph = apply(skip(), AddNode("torch.nn.Tanh", after="x"))
    assert wires(graph) == [
        *("x", "tanh1: x", "fc1: tanh1", "relu: fc1", "add: relu x", "output: add"),
    ]


def test_add_makes_a_skip_connection() -> None:
    graph = apply(mlp(), AddNode("operator.add", after="relu"))
    assert wires(graph)[3:5] == ["add1: relu fc1", "fc2: add1"]


def test_cat_reads_two_values() -> None:
    graph = apply(mlp(), AddNode("torch.cat", after="relu"))
    assert graph.nodes["cat1"].arguments == {"tensors": (Ref("relu"), Ref("fc1")), "dim": 1}


@pytest.mark.parametrize("target", ["operator.add", "torch.cat"])
def test_a_merge_takes_the_value_that_nobody_reads(target: str) -> None:
    graph = layer(
        layer(start(), "side", "Linear", "x", out_features=8), "fc", "Linear", "x", out_features=8
    )
    graph = apply(output(graph, "fc"), AddNode(target, after="fc"))
    assert wires(graph)[-2].endswith(": fc side")


def test_a_merge_leaves_a_loose_value_with_other_axes_alone() -> None:
    graph = operation(start(), "flat", "torch.flatten", input=Ref("x"))
    graph = layer(graph, "fc", "Linear", "x", out_features=8)
    graph = apply(output(graph, "fc"), AddNode("operator.add", after="fc"))
    assert wires(graph)[-2] == "add1: fc x"


def test_attention_reads_one_value_for_query_key_and_value() -> None:
    graph = output(start("N", 5, 8), "x")
    graph = apply(graph, AddNode("torch.nn.MultiheadAttention"))
    assert wires(graph) == ["x", "attention1: x x x", "output: attention1[0]"]


def test_behind_an_lstm_its_output_is_read() -> None:
    graph = output(start("N", 5, 8), "x")
    graph = apply(graph, AddNode("torch.nn.LSTM"))
    graph = apply(graph, AddNode("torch.nn.Linear", after="lstm1"))
    assert wires(graph) == ["x", "lstm1: x", "linear1: lstm1[0]", "output: linear1"]


def test_where_only_another_part_is_read_that_one_goes_through_the_new_layer() -> None:
    graph = layer(start("N", 5, 8), "lstm", "LSTM", "x", hidden_size=4)
    graph = operation(graph, "last", "operator.getitem", input=Ref("lstm", (1, 0)), index=-1)
    graph = apply(output(graph, "last"), AddNode("torch.nn.Dropout", after="lstm"))
    assert wires(graph)[2:4] == ["dropout1: lstm[1][0]", "last: dropout1"]


def test_ports_and_id_and_name_can_be_given() -> None:
    edit = AddNode(
        "operator.mul", after="fc2", name="gate", arguments={"other": Ref("fc1")}, id="g1"
    )
    graph = apply(mlp(), edit)
    assert wires(graph)[-2:] == ["g1: fc2 fc1", "output: g1"]
    assert graph.nodes["g1"].name == "gate"


def test_a_layer_reading_a_later_value_moves_behind_it() -> None:
    edit = AddNode("operator.mul", after="fc2", arguments={"input": Ref("x"), "other": Ref("fc2")})
    graph = apply(mlp(), edit)
    assert wires(graph)[-2:] == ["mul1: x fc2", "output: mul1"]


def test_in_an_empty_network_a_layer_reads_nothing_yet() -> None:
    graph = apply(Graph(), AddNode("torch.nn.Linear"))
    assert wires(graph) == ["linear1"]


def test_inputs_and_outputs_are_added_beside_those_there_are() -> None:
    graph = apply(mlp(), AddNode("input"))
    graph = apply(graph, AddNode("output", after="relu"))
    assert [(n.id, str(n.spec)) for n in graph.inputs] == [("x", "N×8"), ("x2", "N×8")]
    assert wires(graph)[-2:] == ["output: fc2", "output2: relu"]
    assert list(graph.nodes)[:2] == ["x", "x2"]


def test_the_first_input_has_a_usable_shape() -> None:
    graph = apply(Graph(), AddNode("input"))
    assert graph.nodes["x"].spec == TensorSpec(("N", 64))


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (
            AddNode("torch.nn.Linaer"),
            "There is no layer or operation “torch.nn.Linaer”. Did you mean “torch.nn.Linear”?",
        ),
        (
            AddNode("torch.nn.ReLU", after="fc3"),
            "There is no node “fc3” in “Model”. Did you mean “fc2”?",
        ),
        (AddNode("torch.nn.ReLU", name="fc1"), "The name “fc1” is taken; “fc3” is free."),
        (
            AddNode("torch.nn.ReLU", id="fc1"),
            "The id “fc1” is in use. Leave it out to get a free one.",
        ),
        (
            AddNode("torch.nn.ReLU", id="a/b"),
            "“a/b” cannot be an id: use 1 to 80 letters, digits, _, - and dots, such as “fc1”.",
        ),
        (
            AddNode("torch.nn.Linear", arguments={"out_feature": 3}),
            "The layer “linear1” has no argument “out_feature”. It has “input”.",
        ),
        (
            AddNode("block:Nothing"),
            "There is no block “Nothing”. Group some layers into one first.",
        ),
    ],
)
def test_what_cannot_be_added_is_refused_with_the_way_out(edit: AddNode, sentence: str) -> None:
    with pytest.raises(EditRefused) as refusal:
        apply(mlp(), edit)
    assert str(refusal.value) == sentence


def test_readers_of_a_deleted_layer_read_what_came_into_it() -> None:
    graph = apply(mlp(), DeleteNode("relu"))
    assert wires(graph) == ["x", "fc1: x", "fc2: fc1", "output: fc2"]
    assert list(graph.owners) == ["fc1", "fc2"]


def test_readers_of_a_deleted_sum_read_its_first_value() -> None:
    assert wires(apply(skip(), DeleteNode("add")))[-1] == "output: relu"


def test_a_part_of_a_deleted_lstm_becomes_what_came_into_it() -> None:
    graph = layer(start("N", 5, 8), "lstm", "LSTM", "x", hidden_size=4)
    graph = operation(graph, "last", "operator.getitem", input=Ref("lstm", (1, 0)), index=-1)
    assert wires(apply(output(graph, "last"), DeleteNode("lstm"))) == [
        "x",
        "last: x",
        "output: last",
    ]


def test_deleting_one_call_keeps_weights_that_another_one_uses() -> None:
    again = apply(mlp(), AddNode("torch.nn.ReLU", after="fc2", id="again"))
    shared = apply(again, ShareWeights("again", "relu"))
    assert list(shared.owners) == ["fc1", "relu", "fc2"]
    assert list(apply(shared, DeleteNode("again")).owners) == ["fc1", "relu", "fc2"]
    assert list(apply(shared, DeleteNode("relu")).owners) == ["fc1", "relu", "fc2"]


def test_deleting_an_input_unwires_its_readers_only() -> None:
    graph = apply(skip(), DeleteNode("x"))
    assert wires(graph) == ["fc1", "relu: fc1", "add: relu", "output: add"]


def test_of_a_joined_list_only_the_deleted_input_goes() -> None:
    graph = apply(mlp(), AddNode("input"))
    graph = apply(graph, AddNode("torch.cat", arguments={"tensors": (Ref("fc2"), Ref("x2"))}))
    assert wires(apply(graph, DeleteNode("x2")))[-2:] == ["cat1: fc2", "output: cat1"]


def test_a_size_taken_of_a_deleted_input_goes_with_it() -> None:
    graph = operation(
        mlp(), "view", "torch.Tensor.view", input=Ref("fc2"), shape=(Size(Ref("x"), 0), 8)
    )
    assert dict(apply(graph, DeleteNode("x")).nodes["view"].arguments) == {"input": Ref("fc2")}


def test_the_last_output_stays() -> None:
    with pytest.raises(EditRefused, match="“output” is the only output, and a network needs one"):
        apply(mlp(), DeleteNode("output"))
    two = apply(mlp(), AddNode("output", after="relu"))
    assert [n.id for n in apply(two, DeleteNode("output")).outputs] == ["output2"]


def test_a_moved_layer_leaves_a_closed_chain_behind_and_joins_another() -> None:
    graph = apply(mlp(), MoveNode("relu", after="fc2"))
    assert wires(graph) == ["x", "fc1: x", "fc2: fc1", "relu: fc2", "output: relu"]
    assert list(graph.owners) == ["fc1", "fc2", "relu"]


def test_moving_forward_and_back_gives_the_same_network() -> None:
    there = apply(mlp(), MoveNode("fc1", after="relu"))
    assert wires(there) == ["x", "relu: x", "fc1: relu", "fc2: fc1", "output: fc2"]
    back = apply(there, MoveNode("fc1", after="x"))
    assert back == mlp() and list(back.nodes) == list(mlp().nodes)


def test_a_move_that_would_make_a_circle_is_refused() -> None:
    graph = operation(mlp(), "sum", "operator.add", input=Ref("fc2"), other=Ref("relu"))
    with pytest.raises(EditRefused, match="the values would go in a cycle"):
        apply(graph, MoveNode("sum", after="x"))


def test_inputs_change_places_with_inputs_only() -> None:
    graph = apply(mlp(), AddNode("input", name="mask"))
    assert [n.id for n in apply(graph, MoveNode("x", after="mask")).inputs] == ["mask", "x"]
    with pytest.raises(EditRefused, match="It can only change places with other inputs"):
        apply(graph, MoveNode("x", after="fc1"))


def test_a_moved_output_reads_another_value() -> None:
    assert wires(apply(mlp(), MoveNode("output", after="relu")))[-1] == "output: relu"


def test_nothing_moves_behind_itself_or_an_output() -> None:
    with pytest.raises(EditRefused, match="“fc1” cannot stand behind itself"):
        apply(mlp(), MoveNode("fc1", after="fc1"))
    with pytest.raises(EditRefused, match="Nothing comes behind the output “output”"):
        apply(mlp(), MoveNode("fc1", after="output"))


def test_a_copy_has_weights_and_a_name_of_its_own() -> None:
    graph = apply(mlp(), DuplicateNode("fc1"))
    assert wires(graph)[1:4] == ["fc1: x", "fc3: fc1", "relu: fc3"]
    assert graph.owners["fc3"].arguments == {"out_features": 8}
    assert list(graph.owners) == ["fc1", "fc3", "relu", "fc2"]


def test_a_copied_operation_keeps_its_other_values() -> None:
    assert wires(apply(skip(), DuplicateNode("add")))[3:] == [
        *("add: relu x", "add2: add x", "output: add2"),
    ]


def test_copied_ends_stand_beside_their_kin() -> None:
    graph = apply(apply(mlp(), DuplicateNode("x")), DuplicateNode("output"))
    assert wires(graph)[:2] == ["x", "x2"]
    assert wires(graph)[-1] == "output2: fc2"


def test_a_branch_stands_between_both_sides_and_their_reader() -> None:
    graph = apply(skip(), AddBranch(Training(), Ref("relu"), Ref("fc1"), name="seen"))
    assert wires(graph) == [
        *("x", "fc1: x", "relu: fc1", "seen: relu fc1", "add: seen x", "output: add"),
    ]
    assert graph.nodes["seen"].arguments["condition"] == Training()


def test_a_branch_on_an_unknown_setting_is_refused() -> None:
    with pytest.raises(EditRefused, match="There is no setting “deep”"):
        apply(mlp(), AddBranch(Setting("deep"), "fc1", "relu"))


def test_a_wire_to_a_later_value_moves_the_reader_and_all_behind_it() -> None:
    graph = operation(mlp(), "side", "torch.abs", input=Ref("x"))
    graph = output(operation(graph, "later", "torch.exp", input=Ref("side")), "later", "second")
    graph = apply(graph, SetCallArgument("relu", "input", Ref("later")))
    assert wires(graph) == [
        *("x", "fc1: x", "side: x", "later: side", "relu: later", "fc2: relu"),
        *("output: fc2", "second: later"),  # outputs keep their order: it is that of the results
    ]


def test_a_circle_is_refused_with_its_path() -> None:
    with pytest.raises(EditRefused) as refusal:
        apply(mlp(), SetCallArgument("fc1", "input", Ref("fc2")))
    assert str(refusal.value) == (
        "“fc1” cannot read “fc2”, which is worked out from it: the values would go in a cycle "
        "(“fc1 → relu → fc2 → fc1”). Choose a value that comes before “fc1”."
    )
    with pytest.raises(EditRefused, match="“fc1” cannot read its own result"):
        apply(mlp(), SetCallArgument("fc1", "input", Ref("fc1")))


def test_several_edits_are_one_step_or_none() -> None:
    graph = mlp()
    both = Several((DeleteNode("relu"), SetInputSpec("x", TensorSpec(("N", 3)))), "Two")
    after = apply(graph, both)
    assert "relu" not in after.nodes and str(after.nodes["x"].spec) == "N×3"
    with pytest.raises(EditRefused):
        apply(graph, Several((DeleteNode("relu"), DeleteNode("relu")), "Twice"))
    assert graph == mlp()


def test_edits_say_what_they_do() -> None:
    graph = mlp()
    assert describe(AddNode("torch.nn.Linear", after="fc1"), graph) == "Add Linear behind “fc1”"
    assert describe(DeleteNode("relu"), graph) == "Delete “relu”"
    assert describe(MoveNode("relu", "fc2"), graph) == "Move “relu” behind “fc2”"
    assert describe(SetCallArgument("fc2", "input", Ref("fc1")), graph) == (
        "Set input of “fc2” to “fc1”"
    )
    assert describe(DeleteNode("x", scope="Block"), graph) == "Delete “x” in “Block”"


def test_an_edit_of_a_thousand_nodes_takes_milliseconds() -> None:
    graph = _long(1000)
    edits = [
        AddNode("torch.nn.Linear", after="l500"),
        DeleteNode("l500"),
        MoveNode("l500", after="l700"),
        SetCallArgument("l500", "input", Ref("l3")),
    ]
    apply(graph, edits[0])  # the catalogue is read once
    for edit in edits:
        began = time.perf_counter()
        apply(graph, edit)
        assert time.perf_counter() - began < 0.1, edit  # about 1 ms; room for a busy machine


def _long(count: int) -> Graph:
    one = layer(start(), "l0", "Linear", "x", out_features=8)
    nodes, owners = dict(one.nodes), dict(one.owners)
    for i in range(1, count):
        single = layer(start(), f"l{i}", "Linear", f"l{i - 1}", out_features=8)
        nodes[f"l{i}"], owners[f"l{i}"] = single.nodes[f"l{i}"], single.owners[f"l{i}"]
    return output(Graph("Model", nodes, owners), f"l{count - 1}")
