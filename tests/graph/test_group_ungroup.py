"""Ctrl+G and ungroup: back comes exactly what was grouped, wherever it stood."""

from __future__ import annotations

import json
import random
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builder.code.write import model_source
from builder.errors import EditRefused, ProjectRefused
from builder.gallery import designs, project
from builder.graph.edits import (
    DuplicateNode,
    GroupIntoBlock,
    Rename,
    SetArgument,
    SetFrame,
    SetPosition,
    SetPositions,
    Ungroup,
    apply,
    describe,
)
from builder.graph.history import same
from builder.graph.model import Frame, Graph, Ref
from builder.graph.names import class_name, names_in
from builder.graph.project import Project, from_json, to_json
from builder.graph.shapes import infer_shapes
from builder.graph.validate import why_invalid
from tests.graph.networks import layer, mlp, operation, output, start, wires
from tests.graph.reference import chain, resnet18, transformer
from tests.strategies import graphs

ENDS = ("input", "output")


def text(graph: Graph) -> str:
    return to_json(Project("p", graph))


def grouped_and_back(
    graph: Graph, chosen: list[str], scope: str = "", name: str | None = None
) -> bool:
    """Whether the group could be made; then it was checked that it comes apart exactly."""
    try:
        grouped = apply(graph, GroupIntoBlock(tuple(chosen), name, id="new_block", scope=scope))
    except EditRefused:
        return False
    assert why_invalid(grouped) is None
    assert same(from_json(text(grouped)).graph, grouped)
    assert infer_shapes(grouped).result == infer_shapes(graph).result
    back = apply(grouped, Ungroup("new_block", scope=scope))
    assert same(back, graph) and text(back) == text(graph)
    return True


def apart() -> Graph:
    """x → a → b → c, with side layers s1 and s2 in between; they are added in the end."""
    graph = layer(start(), "a", "Linear", "x", out_features=8)
    graph = layer(graph, "s1", "Linear", "a", out_features=8)
    graph = layer(graph, "b", "ReLU", "a")
    graph = layer(graph, "s2", "Linear", "x", out_features=8)
    graph = operation(graph, "c", "operator.add", input=Ref("b"), other=Ref("s2"))
    graph = operation(graph, "d", "operator.add", input=Ref("c"), other=Ref("s1"))
    return output(graph, "d")


@pytest.mark.parametrize("key", designs())
def test_any_part_of_a_gallery_design_comes_back_as_it_was(key: str) -> None:
    graph, dice = project(key).graph, random.Random(key)
    places = {
        i: (dice.randint(-500, 500), dice.random() * 100)
        for i in graph.nodes
        if dice.random() < 0.8
    }
    graph = apply(graph, SetPositions(places))
    for _ in range(12):
        scope = dice.choice(["", *graph.blocks])
        inner = graph.blocks[scope] if scope else graph
        ids = [n.id for n in inner.nodes.values() if n.kind not in ENDS]
        first = dice.randrange(len(ids))
        near = ids[first : first + dice.randint(1, len(ids))]
        chosen = (
            near if dice.random() < 0.5 else dice.sample(ids, dice.randint(1, min(5, len(ids))))
        )
        grouped_and_back(graph, chosen, scope)
    assert grouped_and_back(graph, [n.id for n in graph.nodes.values() if n.kind not in ENDS])


@settings(
    max_examples=200, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
@given(st.data())
def test_any_part_of_any_network_comes_back_as_it_was(data: st.DataObject) -> None:
    graph = data.draw(graphs(max_inputs=2, max_steps=9))
    scope = data.draw(st.sampled_from(["", "", *graph.blocks]))
    inner = graph.blocks[scope] if scope else graph
    inside = [n.id for n in inner.nodes.values() if n.kind not in ENDS]
    if inside:
        chosen = data.draw(st.lists(st.sampled_from(inside), min_size=1, max_size=6, unique=True))
        names = sorted(class_name(n) for n in names_in(inner))
        name = data.draw(st.sampled_from([None, "X", "Output", "XOut", *names]))
        grouped_and_back(graph, chosen, scope, name)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.data())
def test_a_group_within_a_group_comes_back_as_it_was(data: st.DataObject) -> None:
    graph = data.draw(graphs(max_inputs=2, max_steps=9))
    inside = [n.id for n in graph.nodes.values() if n.kind not in ENDS]
    if len(inside) < 3:
        return
    chosen = data.draw(st.lists(st.sampled_from(inside), min_size=1, max_size=3, unique=True))
    try:
        first = apply(graph, GroupIntoBlock(tuple(chosen), id="first"))
        more = [i for i in first.nodes if i in inside]
        also = data.draw(st.lists(st.sampled_from(more), max_size=3, unique=True)) if more else []
        second = apply(first, GroupIntoBlock(("first", *also), id="second"))
    except EditRefused:
        return
    back = apply(second, Ungroup("second"))
    assert same(back, first)
    assert same(apply(back, Ungroup("first")), graph)


@pytest.mark.parametrize("graph", [resnet18(), transformer(), chain(300)], ids=lambda g: g.name)
def test_parts_of_large_networks_come_back(graph: Graph) -> None:
    ids = [n.id for n in graph.nodes.values() if n.kind not in ENDS]
    assert grouped_and_back(graph, ids[3:12])


def test_the_name_a_port_of_the_block_gets_is_not_taken_for_free_outside() -> None:
    graph = layer(start(), "a", "Linear", "x", out_features=8)
    graph = layer(graph, "b", "Linear", "a", out_features=8)
    graph = operation(graph, "add", "operator.add", input=Ref("b"), other=Ref("x"))
    graph = apply(output(graph, "add"), GroupIntoBlock(("a",), id="group"))
    graph = apply(graph, DuplicateNode("group"))
    both = apply(graph, GroupIntoBlock(("b", "add")))
    assert why_invalid(both) is None
    assert grouped_and_back(graph, ["b", "add"])


@pytest.mark.parametrize("name", ["X", "Output", "Conv1", "Fc", "Conv2", None])
def test_a_block_may_be_named_like_a_node(name: str | None) -> None:
    graph = project("digits_cnn").graph
    grouped = apply(graph, GroupIntoBlock(("conv1", "relu1"), name, id="call"))
    assert why_invalid(grouped) is None
    assert same(from_json(text(grouped)).graph, grouped)
    assert same(apply(grouped, Ungroup("call")), graph)


def test_layers_and_weights_that_stood_apart_stand_apart_again() -> None:
    graph = apply(apart(), GroupIntoBlock(("a", "b", "c"), "Group"))
    assert list(graph.nodes) == ["x", "s2", "group", "s1", "d", "output"]
    assert same(apply(graph, Ungroup("group")), apart())


def test_neighbours_leave_nothing_behind_in_the_file() -> None:
    grouped = apply(mlp(), GroupIntoBlock(("fc1", "relu"), "Group"))
    assert "among" not in text(grouped)
    assert "among" in text(apply(apart(), GroupIntoBlock(("a", "b", "c"), "Group")))


def test_what_was_done_between_is_kept() -> None:
    graph = apply(apart(), GroupIntoBlock(("a", "b", "c"), "Group"))
    graph = apply(graph, SetArgument("a", "out_features", 8, scope="Group"))
    graph = apply(graph, Rename("s1", "side"))
    graph = apply(graph, DuplicateNode("s2"))
    back = apply(graph, Ungroup("group"))
    assert why_invalid(back) is None and infer_shapes(back).ok
    assert [i for i in back.nodes if i in apart().nodes] == list(apart().nodes)


def test_a_copy_of_a_group_comes_apart_beside_the_first() -> None:
    graph = apply(apart(), GroupIntoBlock(("a", "b", "c"), "Group"))
    graph = apply(graph, DuplicateNode("group"))
    graph = apply(apply(graph, Ungroup("group2")), Ungroup("group"))
    assert why_invalid(graph) is None and infer_shapes(graph).ok


def test_places_are_kept_and_the_call_stands_in_the_middle() -> None:
    graph = apply(mlp(), SetPositions({"fc1": (0, 100), "relu": (10, 300)}))
    grouped = apply(graph, GroupIntoBlock(("fc1", "relu"), "Group"))
    assert grouped.nodes["group"].position == (5, 200)
    inner = grouped.blocks["Group"].nodes
    assert (inner["fc1"].position, inner["relu"].position) == ((0, 100), (10, 300))
    moved = apply(apply(grouped, SetPosition("group", (105, 200))), Ungroup("group"))
    assert (moved.nodes["fc1"].position, moved.nodes["relu"].position) == ((100, 100), (110, 300))


def test_frames_inside_a_block_come_out_with_it() -> None:
    graph = apply(mlp(), SetPositions({"fc1": (0, 100)}))
    grouped = apply(graph, GroupIntoBlock(("fc1",), "Group"))
    grouped = apply(grouped, SetFrame("f", Frame("first", position=(5, 5)), scope="Group"))
    grouped = apply(grouped, SetFrame("f", Frame("outer")))
    grouped = apply(grouped, SetPosition("group", (10, 100)))
    frames = apply(grouped, Ungroup("group")).frames
    assert frames == {"f": Frame("outer"), "f_2": Frame("first", position=(15, 5))}


def test_a_block_gets_a_name_and_the_id_asked_for() -> None:
    graph = apply(mlp(), GroupIntoBlock(("relu",), id="b1"))
    graph = apply(graph, GroupIntoBlock(("fc1",), id="b2"))
    assert list(graph.blocks) == ["Block", "Block2"] and wires(graph)[1:3] == ["b2: x", "b1: b2"]
    assert describe(GroupIntoBlock(("relu",)), mlp()) == "Group 1 nodes into a block"
    with pytest.raises(EditRefused, match="in use"):
        apply(mlp(), GroupIntoBlock(("relu",), id="fc1"))


def test_the_code_does_not_show_what_is_remembered() -> None:
    grouped = apply(apart(), GroupIntoBlock(("a", "b", "c"), "Group"))
    call = replace(grouped.nodes["group"], among=())
    owner = replace(grouped.owners["group"], among=())
    plain = replace(
        grouped,
        nodes={**grouped.nodes, "group": call},
        owners={**grouped.owners, "group": owner},
    )
    assert model_source(plain) == model_source(grouped)


@pytest.mark.parametrize("among", [["a", "a"], ["<b>"], "a", [1]])
def test_a_broken_memory_in_a_file_is_refused(among: object) -> None:
    value = json.loads(text(apply(apart(), GroupIntoBlock(("a", "b", "c"), "Group"))))
    node = next(n for n in value["model"]["nodes"] if "among" in n)
    node["among"] = among
    with pytest.raises(ProjectRefused):
        from_json(json.dumps(value))
