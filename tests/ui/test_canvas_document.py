"""The canvas's document and its patches: what is said of a node, and how little travels for an edit."""

from __future__ import annotations

import json
from typing import Any

import pytest

from builder.gallery import project
from builder.graph.check import check
from builder.graph.edits import AddNode, Connect, DeleteNodes, Edit, SetArgument, SetBypassed, apply
from builder.graph.model import Graph, Node, Ref, TensorSpec
from builder.graph.shapes import infer_shapes
from builder.ui.canvas.document import Document, Looked, document
from builder.ui.canvas.fitting import keys_for, slots_for
from builder.ui.canvas.kinds import kind_of
from builder.ui.canvas.nodes import NodeViews
from builder.ui.canvas.patch import Revisions, difference, patched
from builder.ui.canvas.trained import trained_nodes
from builder.ui.canvas.wires import Slot, slot_named
from tests.graph.test_lengths import tagger

SMALL_BYTES = 20_000


def drawn(graph: Graph, views: NodeViews | None = None, **more: Any) -> Document:
    found = check(graph)
    problems = found.report.problems
    looked = Looked(
        graph,
        graph,
        found.report,
        problems=problems,
        places=problems,
        repairs=found.repairs,
        rest={"history": [[f"Add Linear behind “fc{i}”" for i in range(50)], 50, 0]},
        **more,
    )
    return document(looked, views or NodeViews())


def pictures(blocks: int) -> Graph:
    """Conv-BN-ReLU so many times, on 3×64×64 pictures."""
    graph = _empty(TensorSpec(("N", 3, 64, 64)))
    for _ in range(blocks):
        conv = {"out_channels": 16, "kernel_size": 3, "padding": 1}
        graph = apply(graph, AddNode("torch.nn.Conv2d", arguments=conv))
        graph = apply(graph, AddNode("torch.nn.BatchNorm2d"))
        graph = apply(graph, AddNode("torch.nn.ReLU"))
    return graph


def chain(layers: int) -> Graph:
    graph = _empty(TensorSpec(("N", 64)))
    for i in range(layers):
        key = "torch.nn.ReLU" if i % 2 else "torch.nn.Linear"
        graph = apply(graph, AddNode(key))
    return graph


def _empty(spec: TensorSpec) -> Graph:
    output = Node("output", "output", "output", arguments={"value": Ref("input")})
    return Graph(nodes={"input": Node("input", "input", "x", spec=spec), "output": output})


def test_a_node_says_what_it_is() -> None:
    node = drawn(project("digits_cnn").graph)["nodes"]["conv1"]
    assert (node["type"], node["words"], node["shape"]) == (
        "Conv2d",
        "1 → 16, kernel_size=3, padding=1",
        "N×16×8×8",
    )
    assert node["weights"] == "160" and node["axes"] == "batch × channels × height × width"
    assert [p["name"] for p in node["ins"]] == ["input"] and node["ins"][0]["kind"] == "image"
    assert [(q["name"], q["value"]) for q in node["quick"]] == [
        ("out_channels", 16),
        ("kernel_size", 3),
    ]


def test_parts_of_a_tuple_are_ports_by_name() -> None:
    graph = project("lstm_classifier").graph
    node = next(n for n in drawn(graph)["nodes"].values() if n["type"] == "LSTM")
    parts = {part["name"]: part["kind"] for part in node["outs"]}
    assert parts == {"output": "sequence", "h_n": "state", "c_n": "state"}


def test_a_port_that_takes_many_says_how_many_it_has() -> None:
    found = drawn(project("unet").graph)
    cat = next(n for n in found["nodes"].values() if n["type"] == "cat")
    port = cat["ins"][0]
    assert (port["many"], port["slots"]) == (True, 2)
    assert f"{cat['id']}:{port['name']}:1" in found["wires"] and "most" not in port
    lstm = drawn(project("lstm_classifier").graph)["nodes"]
    states = next(p for n in lstm.values() for p in n["ins"] if p["name"] == "hx")
    assert (states["many"], states["most"]) == (True, 2)


def test_lengths_are_an_optional_port_with_a_wire_of_its_own() -> None:
    found = drawn(tagger())
    rnn = next(n for n in found["nodes"].values() if n["type"] == "GRU")
    ports = {port["name"]: port for port in rnn["ins"]}
    assert list(ports) == ["input", "hx", "lengths"]
    assert ports["lengths"]["optional"] and not ports["lengths"].get("many")
    assert f"{rnn['id']}:lengths:0" in found["wires"]
    graph = tagger()
    slots = slots_for(graph, graph, Ref("lengths"), infer_shapes(graph).nodes)
    assert slots["rnn:lengths"] == "" and slots["rnn:hx"]
    assert (
        "one length for each of its N"
        in slots_for(graph, graph, Ref("x"), infer_shapes(graph).nodes)["rnn:lengths"]
    )


@pytest.mark.parametrize(
    ("spec", "kind"),
    [
        (TensorSpec(("N", 3, 8, 8)), "image"),
        (TensorSpec(("N", 7), "int64"), "tokens"),
        (TensorSpec(("N", 7, 16)), "sequence"),
        (TensorSpec(("N", 7), "bool"), "mask"),
        (TensorSpec(()), "scalar"),
        (None, "any"),
    ],
)
def test_the_kind_of_a_value(spec: TensorSpec | None, kind: str) -> None:
    assert kind_of(spec) == kind


def test_a_problem_stands_at_its_node_and_wire_with_its_repairs() -> None:
    graph = apply(project("digits_cnn").graph, SetArgument("fc", "in_features", 5))
    found = drawn(graph)
    (problem,) = found["nodes"]["fc"]["problems"]
    assert "expects in_features=5" in problem["message"]
    assert problem["repairs"][0]["label"] and len(problem["repairs"][0]["id"]) == 16
    assert found["first_problem"] == {"node": "fc", "scope": ""}
    assert found["totals"]["problems"] == 1


def test_a_view_stays_the_same_object_while_it_says_the_same() -> None:
    graph, views = pictures(5), NodeViews()
    before = drawn(graph, views)
    after = drawn(apply(graph, AddNode("torch.nn.Dropout", after="relu3")), views)
    same = [i for i in before["nodes"] if before["nodes"][i] is after["nodes"][i]]
    assert len(same) == len(before["nodes"])


@pytest.mark.parametrize(
    ("graph", "edit"),
    [
        (pictures(33), AddNode("torch.nn.MaxPool2d", after="bn17", arguments={"kernel_size": 2})),
        (pictures(33), AddNode("torch.nn.ReLU", after="bn17")),
        (pictures(33), DeleteNodes(("conv17",))),
        (pictures(33), SetArgument("conv17", "in_channels", 3)),
        (chain(100), AddNode("torch.nn.Dropout", after="linear25")),
        (chain(100), SetArgument("linear25", "out_features", 128)),
        (chain(100), Connect(Ref("relu3"), "linear40", "input")),
    ],
    ids=["pool", "relu", "delete", "break", "dropout", "wider", "rewired"],
)
def test_the_message_for_one_edit_in_the_middle_of_100_layers_is_small(
    graph: Graph, edit: Edit
) -> None:
    views, revisions = NodeViews(), Revisions()
    before = drawn(graph, views)
    seen = revisions.message(before, None)["rev"]
    message = revisions.message(after := drawn(apply(graph, edit), views), seen)
    assert patched(before, message["patch"]) == after
    assert len(json.dumps(message, ensure_ascii=False).encode()) < SMALL_BYTES


def test_a_patch_says_what_is_gone_new_and_changed() -> None:
    graph, views = chain(3), NodeViews()
    before, after = drawn(graph, views), drawn(apply(graph, DeleteNodes(("relu1",))), views)
    patch = difference(before, after)
    assert patch["nodes"]["relu1"] is None
    assert patch["wires"]["linear2:input:0"] == {"from": ["linear1", []]}
    assert patched(before, patch) == after


def test_a_browser_that_is_behind_gets_one_patch_from_what_it_has() -> None:
    graph, views, revisions = chain(3), NodeViews(), Revisions()
    first = drawn(graph, views)
    seen = revisions.message(first, None)["rev"]
    for _ in range(10):
        graph = apply(graph, AddNode("torch.nn.ReLU"))
        message = revisions.message(drawn(graph, views), seen)
    assert message["patch"]["from"] == seen and message["rev"] == seen + 10
    assert patched(first, message["patch"])["order"] == list(graph.nodes)


@pytest.mark.parametrize("seen", [None, 3, "x", True, {"a": 1}, 10**30])
def test_a_browser_that_has_nothing_known_gets_the_whole_document(seen: Any) -> None:
    revisions = Revisions()
    revisions.message(drawn(chain(1)), None)
    assert "full" in revisions.message(drawn(chain(2)), seen)


def test_nothing_new_is_no_new_revision() -> None:
    revisions, views = Revisions(), NodeViews()
    first = revisions.message(drawn(chain(3), views), None)
    again = revisions.message(drawn(chain(3), views), first["rev"])
    assert again["rev"] == first["rev"] and not again["patch"]["nodes"]


def test_a_wire_is_named_by_the_slot_it_ends_in() -> None:
    assert slot_named("cat1:tensors:1") == Slot("cat1", "tensors", 1)
    for bad in ("", "a", "a:b", "a:b:c", "::1", "a:b:-1", "a:b:99999999"):
        assert slot_named(bad) is None


def test_what_fits_is_judged_by_really_trying() -> None:
    graph = project("unet").graph
    known = check(graph).report.nodes
    found = slots_for(graph, graph, Ref("down2"), known)
    assert found["up1:input"] == "" and found["pool2:input"] == ""
    assert "64 against 32" in found["cat1:tensors"]
    assert "cycle" in found["pool1:input"] and "its own result" in found["down2:x"]


def test_what_is_offered_for_a_value_can_read_it_the_usual_first() -> None:
    keys_for(image := TensorSpec(("N", 16, 32, 32)))
    offered = keys_for(image)
    assert offered[:3] == ("torch.nn.ReLU", "torch.nn.Conv2d", "torch.nn.MaxPool2d")
    assert "torch.nn.Embedding" not in offered and "torch.nn.Conv1d" not in offered[:20]


def test_layers_that_a_run_has_trained_are_known_by_their_path() -> None:
    graph = project("unet").graph
    trained = frozenset({"down1.conv1", "down1.conv2", "head"})
    assert trained_nodes(graph, (), trained) == {"down1", "head"}
    inside = trained_nodes(graph, ("down1",), trained)
    assert inside and not trained_nodes(graph, ("down2",), trained)


def test_a_bypassed_layer_with_parts_says_what_really_arrives() -> None:
    graph = project("lstm_classifier").graph
    lstm = next(
        n for n in graph.nodes if (o := graph.owner_of(graph.nodes[n])) and "LSTM" in o.target
    )
    before = drawn(graph)
    found = drawn(apply(graph, SetBypassed(lstm, True)))
    outs = found["nodes"][lstm]["outs"]
    assert [o["name"] for o in outs] == [o["name"] for o in before["nodes"][lstm]["outs"]]
    came_in = next(w for w in found["wires"].values() if w["to"][0] == lstm)
    read = [w for w in found["wires"].values() if w["from"][0] == lstm]
    assert read and {w["shape"] for w in read} == {came_in["shape"]} != {"?"}
    assert {o["shape"] for o in outs} == {came_in["shape"]}


def test_the_output_says_the_axes_of_what_it_reads() -> None:
    graph = _empty(TensorSpec(("N", 4, 100)))
    conv = {"out_channels": 8, "kernel_size": 3}
    found = drawn(apply(graph, AddNode("torch.nn.Conv1d", id="conv", arguments=conv)))
    assert found["nodes"]["output"]["axes"] == "batch × channels × length"
    assert found["wires"]["output:value:0"]["axes"] == "batch × channels × length"
    assert found["nodes"]["conv"]["outs"][0]["kind"] == "signal"
