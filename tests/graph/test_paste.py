"""What is copied is pasted with ids, names and weights of its own, anywhere, and means the same."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builder.errors import EditRefused, ProjectRefused
from builder.graph.edits import (
    GroupIntoBlock,
    PasteFragment,
    SetPositions,
    SetSetting,
    apply,
    describe,
)
from builder.graph.fragment import (
    Fragment,
    copy_nodes,
    fragment_from_text,
    fragment_to_text,
)
from builder.graph.model import Graph, Node, Ref, Setting
from builder.graph.project import Project, from_json, to_json
from builder.graph.shapes import infer_shapes
from builder.graph.validate import why_invalid
from tests.graph.networks import layer, mlp, operation, output, skip, start, wires
from tests.strategies import graphs


def copied(graph: Graph, *ids: str) -> Fragment:
    return copy_nodes(graph, ids, graph)


def blocked() -> Graph:
    """x → fc1 → group1 (a block Group with relu) → fc2 → output."""
    return apply(mlp(), GroupIntoBlock(("relu",), "Group"))


def test_a_copy_has_a_name_and_weights_of_its_own_and_keeps_its_wires() -> None:
    graph = apply(mlp(), PasteFragment(copied(mlp(), "fc1", "relu")))
    assert wires(graph) == [
        *("x", "fc1: x", "relu: fc1", "fc2: relu", "fc3", "relu2: fc3", "output: fc2"),
    ]
    assert list(graph.owners) == ["fc1", "relu", "fc2", "fc3", "relu2"]
    assert graph.owners["fc3"].arguments == {"out_features": 8}


def test_wires_from_outside_are_kept_when_asked() -> None:
    graph = apply(mlp(), PasteFragment(copied(mlp(), "relu", "fc2"), keep_inputs=True))
    assert wires(graph)[-3:] == ["relu2: fc1", "fc3: relu2", "output: fc2"]


def test_a_wire_from_what_is_gone_is_cut() -> None:
    fragment = copied(skip(), "add")
    graph = apply(output(start(), "x"), PasteFragment(fragment, keep_inputs=True))
    assert wires(graph) == ["x", "add: x", "output: x"]


def test_calls_that_share_weights_share_their_own() -> None:
    graph = mlp()
    twice = Node("again", "layer", "", "fc1", {"input": Ref("fc2")})
    graph = replace(graph, nodes={**graph.nodes, "again": twice})
    graph = apply(graph, PasteFragment(copied(graph, "fc1", "again")))
    assert graph.nodes["fc3"].target == graph.nodes["fc3_2"].target == "fc3"


def test_nodes_keep_their_places_to_each_other() -> None:
    graph = apply(mlp(), SetPositions({"fc1": (10, 100), "relu": (30, 200)}))
    fragment = copied(graph, "fc1", "relu")
    pasted = apply(graph, PasteFragment(fragment, position=(1000, 0)))
    assert [pasted.nodes[i].position for i in ("fc3", "relu2")] == [(1000, 0), (1020, 100)]
    beside = apply(graph, PasteFragment(fragment))
    assert beside.nodes["fc3"].position == (50, 140)


def test_nodes_without_places_come_below_each_other() -> None:
    pasted = apply(mlp(), PasteFragment(copied(mlp(), "fc1", "relu"), position=(5, 7)))
    assert [pasted.nodes[i].position for i in ("fc3", "relu2")] == [(5, 7), (5, 117)]


def test_a_block_is_used_where_it_is_and_brought_where_it_is_not() -> None:
    fragment = copied(blocked(), "group")
    again = apply(blocked(), PasteFragment(fragment, keep_inputs=True))
    assert list(again.blocks) == ["Group"]
    elsewhere = apply(mlp(), PasteFragment(fragment))
    assert elsewhere.blocks == blocked().blocks and why_invalid(elsewhere) is None


def test_a_block_of_the_same_name_but_other_content_gets_a_name_of_its_own() -> None:
    other = apply(mlp(), GroupIntoBlock(("fc2",), "Group"))
    graph = apply(other, PasteFragment(copied(blocked(), "group")))
    assert list(graph.blocks) == ["Group", "Group2"] and graph.blocks["Group2"].name == "Group2"
    assert graph.owners["group2"].target == "block:Group2"
    assert why_invalid(graph) is None


def test_a_block_cannot_be_pasted_into_itself() -> None:
    with pytest.raises(EditRefused, match="cannot contain itself"):
        apply(blocked(), PasteFragment(copied(blocked(), "group"), scope="Group"))


def test_a_fragment_can_be_pasted_into_a_block() -> None:
    graph = apply(blocked(), PasteFragment(copied(blocked(), "fc1"), scope="Group"))
    assert [n.id for n in graph.blocks["Group"].nodes.values()] == ["x", "relu", "fc1", "output"]
    graph = apply(blocked(), PasteFragment(copied(blocked(), "x"), scope="Group"))
    assert [n.name for n in graph.blocks["Group"].inputs] == ["x", "x2"]


def test_inputs_and_outputs_are_pasted_beside_those_there_are() -> None:
    graph = apply(mlp(), PasteFragment(copied(mlp(), *mlp().nodes)))
    assert wires(graph) == [
        *("x", "x2", "fc1: x", "relu: fc1", "fc2: relu"),
        *("fc3: x2", "relu2: fc3", "fc4: relu2", "output: fc2", "output2: fc4"),
    ]
    assert infer_shapes(graph).ok


def test_a_setting_comes_along_where_it_is_new() -> None:
    graph = apply(mlp(), SetSetting("width", 5))
    owner = replace(graph.owners["fc1"], arguments={"out_features": Setting("width")})
    graph = replace(graph, owners={**graph.owners, "fc1": owner})
    fragment = copied(graph, "fc1")
    assert apply(mlp(), PasteFragment(fragment)).settings == {"width": 5}
    assert apply(graph, PasteFragment(fragment)).settings == {"width": 5}
    taken = output(layer(start(), "width", "ReLU", "x"), "width")
    pasted = apply(taken, PasteFragment(fragment))
    assert pasted.settings == {"width2": 5}
    assert pasted.owners["fc1"].arguments == {"out_features": Setting("width2")}


def test_nothing_and_what_is_not_there_cannot_be_copied() -> None:
    with pytest.raises(EditRefused, match="at least one"):
        copied(mlp())
    with pytest.raises(EditRefused, match="Did you mean “relu”"):
        copied(mlp(), "rely")


def test_undo_names_how_many_were_pasted() -> None:
    assert describe(PasteFragment(copied(mlp(), "fc1")), mlp()) == "Paste 1 node"
    assert describe(PasteFragment(copied(mlp(), "fc1", "relu")), mlp()) == "Paste 2 nodes"


# --- As text ---------------------------------------------------------------------------------------


def value() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(fragment_to_text(copied(skip(), "relu", "add")))
    return found


def test_text_is_told_from_other_text() -> None:
    # The browser knows by this that a text is meant: see isFragment in frontend/canvas/src/clipboard.ts
    assert fragment_to_text(copied(mlp(), "fc1")).startswith('{"layerwise_fragment"')


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda v: v.update(layerwise_fragment=2), "format “2”"),
        (lambda v: v.update(layerwise_fragment=True), "format"),
        (lambda v: v.pop("layerwise_fragment"), "no part of a network"),
        (lambda v: v.update(frames={}), "unknown key “frames”"),
        (lambda v: v.update(nodes=[]), "holds no layers"),
        (lambda v: v["nodes"][0].update(colour="red"), "unknown key “colour”"),
        (lambda v: v["owners"][0].update(target="os.system"), "os.system"),
        (lambda v: v["owners"][0].update(target="block:None"), "no block"),
        (lambda v: v["owners"][0].update(name="class"), "needs another name"),
        (lambda v: v["nodes"].reverse(), "comes later"),
        (lambda v: v["nodes"][0].update(position=[1e300, 0]), "two numbers"),
        (lambda v: v["nodes"][0]["arguments"].update(input={"from": "<b>"}), "cannot be an id"),
    ],
)
def test_a_broken_text_is_refused_in_a_sentence(spoil: Any, words: str) -> None:
    broken = value()
    spoil(broken)
    with pytest.raises(ProjectRefused, match=words):
        fragment_from_text(json.dumps(broken))


def test_text_that_is_no_json_or_too_long_is_refused() -> None:
    with pytest.raises(ProjectRefused, match="is damaged"):
        fragment_from_text("x" * 10)
    with pytest.raises(ProjectRefused, match="too long"):
        fragment_from_text(" " * (20 * 1024 * 1024 + 1))


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.data())
def test_any_part_of_any_network_can_be_pasted_into_any_other(data: st.DataObject) -> None:
    graph, other = data.draw(graphs(max_steps=6)), data.draw(graphs(max_steps=4))
    ids = data.draw(st.lists(st.sampled_from(list(graph.nodes)), min_size=1, unique=True))
    fragment = copied(graph, *ids)
    assert fragment_from_text(fragment_to_text(fragment)) == fragment
    scope = data.draw(st.sampled_from(["", *other.blocks]))
    edit = PasteFragment(fragment, (1, 2), keep_inputs=data.draw(st.booleans()), scope=scope)
    try:
        pasted = apply(other, edit)
    except EditRefused as refusal:  # the very same block stands in both, and is pasted into itself
        assert scope and "cannot contain" in str(refusal), refusal
        return
    assert why_invalid(pasted) is None
    inner, before = (pasted.blocks[scope], other.blocks[scope]) if scope else (pasted, other)
    assert len(inner.nodes) == len(before.nodes) + len(ids)
    assert all(inner.nodes[i] == n for i, n in before.nodes.items())
    assert from_json(to_json(Project("p", pasted))).graph == pasted
    infer_shapes(pasted)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(graphs(max_steps=6))
def test_a_whole_network_pasted_into_an_empty_one_gives_the_same(graph: Graph) -> None:
    pasted = apply(Graph(), PasteFragment(copied(graph, *graph.nodes)))
    one, other = infer_shapes(graph), infer_shapes(pasted)
    assert one.result == other.result and one.totals == other.totals
    assert [p.kind for p in one.problems] == [p.kind for p in other.problems]


def test_pasting_a_size_of_what_is_not_there_drops_only_that_argument() -> None:
    graph = operation(mlp(), "part", "operator.getitem", input=Ref("fc1"), index=Ref("x"))
    pasted = apply(output(start(), "x"), PasteFragment(copied(graph, "part")))
    assert pasted.nodes["part"].arguments == {}
