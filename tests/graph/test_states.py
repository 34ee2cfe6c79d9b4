"""The states that recurrent layers begin with, and what is joined beside a batch that stands second."""

from __future__ import annotations

import pytest

from builder.graph.edits import Join, SetCallArgument, apply
from builder.graph.model import Graph, Ref
from builder.graph.repairs import repairs_for
from builder.graph.shapes import infer_shapes
from builder.ui.canvas.fitting import slots_for
from tests.graph.sound_networks import Net

H, C, STEPS = Ref("first", (1, 0)), Ref("first", (1, 1)), Ref("first", (0,))


def two_lstms(**arguments: int) -> Graph:
    net = Net("N", 5, 8)
    net.layer("first", "LSTM", hidden_size=4, batch_first=True)
    net.owns("second", "LSTM", hidden_size=4, batch_first=True, **arguments)
    net.call("second", "second", input=STEPS)
    net.last = Ref("second", (0,))
    return net.done()


def why_not(graph: Graph, value: Ref) -> str:
    return slots_for(graph, graph, value, infer_shapes(graph).nodes)["second:hx"]


@pytest.mark.parametrize("state", [H, C])
def test_a_state_can_be_wired_before_the_other(state: Ref) -> None:
    assert why_not(two_lstms(), state) == ""


def test_what_is_no_state_is_refused_at_the_first_wire() -> None:
    assert "Expected hidden[0] size (1, N, 4)" in why_not(two_lstms(), STEPS)


def test_projected_states_are_of_two_sizes_and_judged_together() -> None:
    assert why_not(two_lstms(proj_size=2), H) == ""


def test_one_state_alone_is_told_and_mended_by_the_other() -> None:
    graph = apply(two_lstms(), SetCallArgument("second", "hx", (H,)))
    (problem,) = infer_shapes(graph).errors
    assert problem.message == (
        "LSTM “second” begins with two states, h_0 and c_0, but receives one: (1×N×4), from “first”. "
        "Wire both, as h_n and c_n of another LSTM, or neither: then it begins with zeros."
    )
    first = repairs_for(graph, problem)[0]
    assert first.label == "Read both states of “first”"
    mended = apply(graph, first.edit)
    assert mended.nodes["second"].arguments["hx"] == (H, C)
    assert not infer_shapes(mended).problems


def test_a_cell_reads_both_states_of_the_cell_before() -> None:
    net = Net("N", 8)
    net.layer("a", "LSTMCell", hidden_size=4)
    net.owns("b", "LSTMCell", hidden_size=4)
    net.call("b", "b", input=Ref("a", (0,)), hx=(Ref("a", (0,)), Ref("a", (1,))))
    net.last = Ref("b", (0,))
    assert not infer_shapes(net.done()).problems


def test_states_are_joined_by_their_features_not_by_the_batch() -> None:
    net = Net("N", 5, 8)
    net.layer("first", "LSTM", hidden_size=4, batch_first=True)
    net.layer("head", "Linear", reads=H, out_features=2)
    graph = apply(net.done(), Join(H, C, "cat", id="both", slot=("head", "input", 0)))
    assert graph.nodes["both"].arguments["dim"] == 2
