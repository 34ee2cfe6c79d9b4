"""What two versions of a network differ in, in words."""

from __future__ import annotations

from builder.graph.changes import change_words
from builder.graph.edits import (
    AddNode,
    Connect,
    DeleteNode,
    Edit,
    SetArgument,
    SetFrozen,
    SetNote,
    SetPositions,
    apply,
)
from builder.graph.model import Graph, Ref
from tests.graph.networks import mlp


def changed(*edits: Edit) -> Graph:
    graph = mlp()
    for edit in edits:
        graph = apply(graph, edit)
    return graph


def test_what_was_changed_is_named() -> None:
    wider = SetArgument("fc1", "out_features", 77)
    assert change_words(mlp(), changed(wider)) == "“fc1” was changed"
    assert change_words(mlp(), changed(wider, SetFrozen("fc2", True))) == "2 layers were changed"
    after = AddNode("torch.nn.Dropout", after="fc2", id="drop", name="drop")
    assert change_words(mlp(), changed(after)) == "“drop” was added"
    assert change_words(mlp(), changed(wider, after)) == "“fc1” was changed and “drop” was added"
    assert change_words(mlp(), changed(Connect(Ref("fc1"), "fc2", "input"))) == "“fc2” was rewired"
    assert change_words(mlp(), changed(DeleteNode("relu"))) == "“relu” was deleted"


def test_places_and_notes_are_no_change() -> None:
    moved = changed(SetPositions({"fc1": (5, 6)}), SetNote("fc1", "wide"))
    assert moved != mlp() and change_words(mlp(), moved) == ""
