"""Frames and notes are drawn, kept and undone, and change nothing that runs."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, get_args

import pytest

from builder.code.write import model_source
from builder.errors import EditRefused, ProjectRefused
from builder.graph.drawn_parts import FrameColour
from builder.graph.edits import SetFrame, apply, describe
from builder.graph.history import same
from builder.graph.model import Frame, Graph
from builder.graph.project import Project, from_json, to_json
from builder.graph.shapes import infer_shapes
from tests.graph.networks import layer, mlp, output, start

ENCODER = Frame("Encoder", "blue", (10, 20.5), (300, 200), "halves the size")


def framed() -> Graph:
    return apply(mlp(), SetFrame("f1", ENCODER))


def read(graph: Graph) -> Graph:
    return from_json(to_json(Project("p", graph))).graph


def test_a_frame_is_added_changed_and_deleted() -> None:
    graph = apply(framed(), SetFrame("f1", replace(ENCODER, colour="red")))
    assert graph.frames == {"f1": replace(ENCODER, colour="red")}
    assert apply(graph, SetFrame("f1", None)) == mlp()


def test_frames_change_no_code_and_no_shape() -> None:
    assert model_source(framed()) == model_source(mlp())
    assert infer_shapes(framed()) == infer_shapes(mlp())


def test_frames_are_kept_in_the_file_also_those_of_blocks() -> None:
    inner = output(layer(start(name="Block"), "fc", "Linear", "x", out_features=8), "fc")
    graph = output(layer(replace(start(), blocks={"Block": inner}), "b", "block:Block", "x"), "b")
    note = Frame("", "yellow", (0, 0), (80, 40), "look here", "note")
    graph = apply(graph, SetFrame("n", note, scope="Block"))
    graph = apply(apply(graph, SetFrame("b", ENCODER)), SetFrame("a", ENCODER))
    assert graph.blocks["Block"].frames == {"n": note}
    assert same(read(graph), graph) and list(read(graph).frames) == ["b", "a"]


def test_without_frames_the_file_is_as_it_was() -> None:
    assert "frames" not in to_json(Project("p", mlp()))
    assert from_json(to_json(Project("p", mlp()))).graph == mlp()


@pytest.mark.parametrize("colour", get_args(FrameColour))
def test_every_colour_is_kept(colour: FrameColour) -> None:
    graph = apply(mlp(), SetFrame("f", Frame(colour=colour)))
    assert read(graph) == graph


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"colour": "blu"}, "Did you mean “blue”"),
        ({"colour": "#fff"}, "Known are"),
        ({"kind": "box"}, "“frame” or a “note”"),
        ({"size": (0, 10)}, "above 0"),
        ({"size": (float("inf"), 10)}, "above 0"),
        ({"position": (float("nan"), 1)}, "position"),
        ({"title": "x" * 201}, "at most 200"),
        ({"text": "\ud800"}, "broken character"),
    ],
)
def test_what_cannot_be_drawn_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(EditRefused, match=words):
        apply(mlp(), SetFrame("f", replace(ENCODER, **change)))


def test_a_frame_that_is_not_there_cannot_be_deleted() -> None:
    with pytest.raises(EditRefused, match="no frame “f9”"):
        apply(framed(), SetFrame("f9", None))
    with pytest.raises(EditRefused, match="cannot be an id"):
        apply(framed(), SetFrame("a b", ENCODER))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"color": "red"}, "unknown key “color”. Did you mean “colour”"),
        ({"colour": "pink"}, "colour “pink” is unknown"),
        ({"kind": "box"}, "“frame” or a “note”"),
        ({"size": [1]}, "two numbers"),
        ({"size": [-1, 5]}, "above 0"),
        ({"position": None}, "two numbers"),
        ({"title": 5}, "short text"),
    ],
)
def test_a_broken_frame_in_a_file_is_refused(change: dict[str, Any], words: str) -> None:
    value = json.loads(to_json(Project("p", framed())))
    value["model"]["frames"]["f1"].update(change)
    with pytest.raises(ProjectRefused, match=words):
        from_json(json.dumps(value))


def test_too_many_frames_in_a_file_are_refused() -> None:
    value = json.loads(to_json(Project("p", framed())))
    one = value["model"]["frames"]["f1"]
    value["model"]["frames"] = {f"f{i}": one for i in range(501)}
    with pytest.raises(ProjectRefused, match="at most 500"):
        from_json(json.dumps(value))


def test_undo_names_the_frame() -> None:
    graph = framed()
    assert describe(SetFrame("f2", ENCODER), graph) == "Add frame “Encoder”"
    assert describe(SetFrame("f1", None), graph) == "Delete frame “Encoder”"
    assert describe(SetFrame("f1", replace(ENCODER, position=(1, 1))), graph) == (
        "Move frame “Encoder”"
    )
    assert describe(SetFrame("f1", replace(ENCODER, size=(9, 9))), graph) == (
        "Resize frame “Encoder”"
    )
    assert describe(SetFrame("f1", replace(ENCODER, text="")), graph) == "Change frame “Encoder”"
    assert describe(SetFrame("f9", None), graph) == "Delete frame"
