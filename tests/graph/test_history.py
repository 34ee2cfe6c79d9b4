"""Undo and redo."""

from __future__ import annotations

from dataclasses import replace

from builder.graph.history import History, same
from tests.graph.networks import mlp


def test_undo_and_redo_give_the_same_graphs_back() -> None:
    one = mlp()
    two, three = replace(one, name="Two"), replace(one, name="Three")
    history = History(one).push(two, "to two").push(three, "to three")
    assert history.undo_label == "to three" and history.redo_label is None
    history = history.undo()
    assert history.graph is two
    assert (history.undo_label, history.redo_label) == ("to two", "to three")
    assert history.redo().graph is three
    assert history.undo().graph is one
    assert history.undo().undo_label is None


def test_nothing_to_undo_or_redo_is_no_error() -> None:
    history = History(mlp())
    assert history.undo() is history
    assert history.redo() is history


def test_an_edit_after_undo_gives_up_what_was_undone() -> None:
    one = mlp()
    history = History(one).push(replace(one, name="Two"), "two").undo()
    history = history.push(replace(one, name="Other"), "other")
    assert history.redo_label is None
    assert history.undo().graph is one


def test_an_edit_that_changes_nothing_is_no_step() -> None:
    history = History(mlp())
    assert history.push(mlp(), "nothing") is history


def test_another_order_of_nodes_is_a_change() -> None:
    graph = mlp()
    turned = replace(graph, nodes=dict(reversed(graph.nodes.items())))
    assert turned == graph and not same(turned, graph)
    assert History(graph).push(turned, "turn").undo_label == "turn"


def test_ten_thousand_steps_can_all_be_undone() -> None:
    history = History(mlp())
    for i in range(10_000):
        history = history.push(replace(history.graph, name=f"Model{i}"), str(i))
    while history.undo_label is not None:
        history = history.undo()
    assert history.graph == mlp()


def test_a_step_that_goes_on_is_one_and_none_where_it_ends_at_its_beginning() -> None:
    one = mlp()
    two, three = replace(one, name="Two"), replace(one, name="Three")
    history = History(one).push(two, "to two").go_on(three, "to three")
    assert history.labels == ("to three",)
    assert history.undo().graph is one
    assert history.go_on(one, "back").labels == ()
    assert History(one).go_on(two, "to two").undo().graph is one
