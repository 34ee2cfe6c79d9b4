"""Wires drawn on the canvas mean what they show: one slot changes, and as few nodes move as can."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builder.errors import EditRefused
from builder.graph.edits import (
    AddNode,
    Connect,
    DeleteNodes,
    Disconnect,
    InsertOnWire,
    Join,
    SetBypassed,
    SetPositions,
    apply,
    describe,
)
from builder.graph.edits.wires import slots_of
from builder.graph.model import Graph, Ref, Size, primary_input
from builder.graph.shapes import infer_shapes
from builder.graph.validate import why_invalid
from tests.graph.networks import layer, mlp, operation, output, skip, start, wires
from tests.strategies import graphs


def cat() -> Graph:
    """x → a, b, c; cat(a, b) → output."""
    graph = start()
    for name in ("a", "b", "c"):
        graph = layer(graph, name, "Linear", "x", out_features=8)
    graph = operation(graph, "cat", "torch.cat", tensors=(Ref("a"), Ref("b")), dim=1)
    return output(graph, "cat")


# --- Connect and disconnect ------------------------------------------------------------------------


def test_a_slot_reads_another_value() -> None:
    graph = apply(mlp(), Connect(Ref("x"), "fc2", "input"))
    assert wires(graph) == ["x", "fc1: x", "relu: fc1", "fc2: x", "output: fc2"]


def test_beyond_the_end_of_many_a_value_is_appended() -> None:
    graph = apply(cat(), Connect(Ref("c"), "cat", "tensors", 7))
    assert wires(graph)[-2] == "cat: a b c"


def test_within_many_a_value_is_exchanged() -> None:
    assert wires(apply(cat(), Connect(Ref("c"), "cat", "tensors", 0)))[-2] == "cat: c b"


def test_a_port_that_takes_one_value_has_one_place() -> None:
    with pytest.raises(EditRefused, match="reads one value"):
        apply(mlp(), Connect(Ref("x"), "fc2", "input", 1))


def test_of_a_node_its_first_part_is_read() -> None:
    graph = output(layer(start("N", 5, 8), "lstm", "LSTM", "x", hidden_size=4), "x")
    assert wires(apply(graph, Connect("lstm", "output", "value")))[-1] == "output: lstm[0]"


def test_a_tuple_is_joined_as_it_is() -> None:
    graph = operation(start(), "parts", "torch.chunk", input=Ref("x"), chunks=2, dim=1)
    graph = output(operation(graph, "cat", "torch.cat", dim=1), "cat")
    graph = apply(graph, Connect(Ref("parts"), "cat", "tensors"))
    assert graph.nodes["cat"].arguments["tensors"] == Ref("parts")
    assert infer_shapes(graph).ok


def test_a_number_is_replaced_by_a_wire() -> None:
    graph = operation(mlp(), "add", "operator.add", input=Ref("x"), other=2)
    assert wires(apply(graph, Connect(Ref("fc1"), "add", "other")))[-1] == "add: x fc1"


def test_a_circle_is_refused_and_named() -> None:
    with pytest.raises(EditRefused, match=r"cycle.*fc1 → relu → fc2 → fc1"):
        apply(mlp(), Connect(Ref("fc2"), "fc1", "input"))
    with pytest.raises(EditRefused, match="its own result"):
        apply(mlp(), Connect(Ref("fc1"), "fc1", "input"))


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (Connect(Ref("x"), "fc1", "inptu"), "Did you mean “input”"),
        (Connect(Ref("nothing"), "fc1", "input"), "does not exist"),
        (Connect(Ref("output"), "fc1", "input"), "cannot read the output"),
        (Connect(Ref("x"), "nothing", "input"), "no node"),
        (Disconnect("fc1", "input", 1), "no wire there"),
        (Disconnect("fc1", "input", -1), "no wire there"),
        (InsertOnWire("torch.nn.ReLU", "fc1", "input", 3), "no wire there"),
        (InsertOnWire("output", "fc1", "input"), "cannot stand on a wire"),
        (InsertOnWire("torch.nn.Nothing", "fc1", "input"), "Nothing"),
        (Join(Ref("x"), Ref("nothing"), "add"), "no node"),
        (DeleteNodes(()), "at least one"),
        (DeleteNodes(("output",)), "only output"),
        (SetPositions({"fc1": (0, float("nan"))}), "position"),
        (SetPositions({"nothing": (0, 0)}), "no node"),
    ],
)
def test_what_cannot_be_wired_is_refused_in_a_sentence(edit: object, words: str) -> None:
    with pytest.raises(EditRefused, match=words):
        apply(mlp(), edit)  # type: ignore[arg-type]


def test_what_the_form_sets_takes_no_wire() -> None:
    with pytest.raises(EditRefused, match="takes no wire at “dim”"):
        apply(cat(), Connect(Ref("a"), "cat", "dim"))


def test_the_fewest_nodes_move() -> None:
    graph = layer(mlp(), "late", "Linear", "x", out_features=8)
    graph = apply(graph, Connect(Ref("late"), "fc1", "input"))  # four would have to move later
    assert list(graph.nodes) == ["x", "late", "fc1", "relu", "fc2", "output"]


def test_a_node_nobody_reads_moves_itself() -> None:
    graph = apply(cat(), Connect(Ref("c"), "a", "input"))
    assert list(graph.nodes) == ["x", "b", "c", "a", "cat", "output"]
    graph = apply(mlp(), AddNode("torch.nn.Linear", id="apart", after="x", reads=None))
    graph = apply(graph, Connect(Ref("fc2"), "apart", "input"))
    assert list(graph.nodes)[-3:] == ["fc2", "apart", "output"]


def test_random_numbers_keep_their_order_where_they_can() -> None:
    """`a` could move behind `d2`, but then the dropouts would draw in another order."""
    graph = layer(start(), "d1", "Dropout", "x")
    graph = layer(graph, "d2", "Dropout", "x")
    graph = layer(graph, "side", "Linear", "x", out_features=8)
    graph = operation(graph, "add", "operator.add", input=Ref("d1"), other=Ref("d2"))
    graph = apply(output(graph, "add"), Connect(Ref("side"), "d1", "input"))
    assert list(graph.nodes) == ["x", "side", "d1", "d2", "add", "output"]


def test_a_disconnected_port_is_empty_and_many_close_up() -> None:
    assert wires(apply(mlp(), Disconnect("fc2", "input")))[3] == "fc2"
    graph = apply(cat(), Disconnect("cat", "tensors", 0))
    assert wires(graph)[-2] == "cat: b"
    assert wires(apply(graph, Disconnect("cat", "tensors", 0)))[-2] == "cat: "


def test_a_size_is_no_wire_to_take_away() -> None:
    graph = operation(mlp(), "add", "operator.add", input=Ref("x"), other=Size(Ref("x"), 0))
    with pytest.raises(EditRefused, match="no wire there"):
        apply(graph, Disconnect("add", "other"))


# --- Insert and join -------------------------------------------------------------------------------


def test_only_the_slot_reads_what_is_inserted() -> None:
    edit = InsertOnWire("torch.nn.Linear", "add", "other", id="down", position=(3, 4))
    graph = apply(skip(), edit)
    assert wires(graph) == [
        *("x", "fc1: x", "relu: fc1", "down: x", "add: relu down", "output: add"),
    ]
    assert graph.nodes["down"].position == (3, 4)
    assert list(graph.owners) == ["fc1", "relu", "down"]


def test_inserted_on_one_of_many_wires_the_others_stay() -> None:
    graph = apply(cat(), InsertOnWire("torch.nn.ReLU", "cat", "tensors", 1, id="r"))
    assert wires(graph)[-3:] == ["r: b", "cat: a r", "output: cat"]


def test_an_lstm_on_a_wire_hands_on_its_output() -> None:
    graph = output(start("N", 5, 8), "x")
    graph = apply(graph, InsertOnWire("torch.nn.LSTM", "output", "value", id="lstm"))
    assert wires(graph)[-1] == "output: lstm[0]"


def test_a_value_dropped_on_a_taken_port_is_added_there() -> None:
    edit = InsertOnWire("operator.add", "fc2", "input", arguments={"other": Ref("x")}, id="sum")
    assert wires(apply(mlp(), edit))[3:] == ["sum: relu x", "fc2: sum", "output: fc2"]


def test_joined_with_the_last_value_the_output_reads_the_sum() -> None:
    graph = apply(mlp(), Join(Ref("x"), Ref("fc2"), "add", id="sum"))
    assert wires(graph)[-2:] == ["sum: x fc2", "output: sum"]


def test_a_side_branch_joins_the_chain_it_is_put_to() -> None:
    graph = layer(mlp(), "side", "Linear", "x", out_features=8)
    graph = apply(graph, Join(Ref("relu"), Ref("side"), "add", id="sum"))
    assert "fc2: sum" in wires(graph) and "sum: relu side" in wires(graph)
    assert infer_shapes(graph).ok


def test_joining_two_values_others_read_rewires_nobody() -> None:
    graph = apply(mlp(), Join(Ref("x"), Ref("relu"), "add", id="sum"))
    assert wires(graph) == [
        *("x", "fc1: x", "relu: fc1", "sum: x relu", "fc2: relu", "output: fc2"),
    ]
    graph = apply(mlp(), Join(Ref("x"), Ref("relu"), "add", id="sum", slot=("fc2", "input", 0)))
    assert "fc2: sum" in wires(graph)


def test_values_are_put_together_where_their_shapes_differ() -> None:
    graph = layer(start("N", 5, 8), "fc", "Linear", "x", out_features=3)
    graph = apply(output(graph, "fc"), Join(Ref("x"), Ref("fc"), "cat", id="both"))
    assert graph.nodes["both"].arguments == {"tensors": (Ref("x"), Ref("fc")), "dim": 2}
    assert infer_shapes(graph).ok


def test_a_node_can_stand_apart() -> None:
    graph = apply(mlp(), AddNode("torch.nn.Linear", id="side", reads=Ref("relu"), position=(1, 2)))
    assert wires(graph)[3:] == ["side: relu", "fc2: relu", "output: fc2"]
    graph = apply(mlp(), AddNode("torch.nn.Linear", id="loose", reads=None))
    assert wires(graph)[-2:] == ["loose", "output: fc2"]


# --- Delete ----------------------------------------------------------------------------------------


def test_neighbours_are_rejoined_past_all_that_is_deleted() -> None:
    graph = apply(mlp(), DeleteNodes(("relu", "fc1")))
    assert wires(graph) == ["x", "fc2: x", "output: fc2"]
    assert list(graph.owners) == ["fc2"]


def test_a_chain_is_rejoined_though_a_size_must_be_mended() -> None:
    graph = layer(start(), "fc1", "Linear", "x", out_features=16)
    graph = output(layer(graph, "fc2", "Linear", "fc1", in_features=16, out_features=2), "fc2")
    assert wires(apply(graph, DeleteNodes(("fc1",)))) == ["x", "fc2: x", "output: fc2"]


def test_what_does_not_fit_a_merge_is_left_unwired() -> None:
    graph = layer(start(), "fc1", "Linear", "x", out_features=16)
    graph = layer(graph, "fc2", "Linear", "x", out_features=16)
    graph = operation(graph, "add", "operator.add", input=Ref("fc1"), other=Ref("fc2"))
    graph = apply(output(graph, "add"), DeleteNodes(("fc1",)))
    assert wires(graph)[-2] == "add: fc2"
    assert [p.kind for p in infer_shapes(graph).problems] == ["not_wired"]


def test_when_all_is_deleted_the_last_output_stays() -> None:
    assert wires(apply(mlp(), DeleteNodes(tuple(mlp().nodes)))) == ["output"]


# --- All of them -----------------------------------------------------------------------------------


def test_undo_names_what_was_done() -> None:
    graph = mlp()
    edits = [
        (Connect(Ref("x"), "fc2", "input"), "Connect “x” to input of “fc2”"),
        (Disconnect("fc2", "input"), "Disconnect input of “fc2”"),
        (InsertOnWire("torch.nn.ReLU", "fc2", "input"), "Insert ReLU before “fc2”"),
        (AddNode("torch.nn.ReLU", reads=Ref("fc1")), "Add ReLU behind “fc1”"),
        (AddNode("torch.nn.ReLU", reads=None), "Add ReLU"),
        (Join(Ref("x"), Ref("fc2"), "add"), "Add “x” and “fc2” (sum)"),
        (Join(Ref("x"), Ref("fc2"), "cat"), "Concatenate “x” and “fc2”"),
        (DeleteNodes(("fc1", "fc2")), "Delete 2 nodes"),
        (DeleteNodes(("fc1",)), "Delete “fc1”"),
        (SetPositions({"x": (0, 0), "fc1": (1, 1)}), "Move 2 nodes"),
        (SetPositions({}), "Move 0 nodes"),
    ]
    assert [describe(edit, graph) for edit, _ in edits] == [words for _, words in edits]


def test_positions_change_nothing_else() -> None:
    graph = apply(mlp(), SetPositions({"fc1": (1, 2), "fc2": None}))
    assert graph.nodes["fc1"].position == (1, 2)
    assert wires(graph) == wires(mlp())


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.data())
def test_a_wire_changes_one_slot_and_nobody_else(data: st.DataObject) -> None:
    graph = data.draw(graphs())
    slots = [(n.id, p, i) for n in graph.nodes.values() for p, i, _ in slots_of(n)]
    node, port, index = data.draw(st.sampled_from(slots))
    value = Ref(data.draw(st.sampled_from(list(graph.nodes))))
    try:
        after = apply(graph, Connect(value, node, port, index))
    except EditRefused:
        return
    assert why_invalid(after) is None
    assert [n.id for n in after.inputs] == [n.id for n in graph.inputs]
    assert [n.id for n in after.outputs] == [n.id for n in graph.outputs]
    assert all(after.nodes[i] == n for i, n in graph.nodes.items() if i != node)
    back = apply(after, Disconnect(node, port, index))
    assert why_invalid(back) is None


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.data())
def test_deleting_a_bypassed_layer_leaves_no_new_error(data: st.DataObject) -> None:
    graph = data.draw(graphs())
    inner = [n.id for n in graph.nodes.values() if n.kind == "layer" and primary_input(n)]
    if not inner:
        return
    node = data.draw(st.sampled_from(inner))
    bypassed = apply(graph, SetBypassed(node, True))
    if infer_shapes(bypassed).ok:
        deleted = apply(graph, DeleteNodes((node,)))
        assert (
            infer_shapes(deleted).ok
            and infer_shapes(deleted).result == infer_shapes(bypassed).result
        )
