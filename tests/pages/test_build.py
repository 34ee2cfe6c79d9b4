"""The Build page in AppTest: what a person does in palette, stack and form, with hostile input too."""

from __future__ import annotations

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.testing.v1.element_tree import Button

from builder.gallery import project
from builder.graph.model import Ref
from tests.pages.app import App


@pytest.fixture
def empty(app: App) -> App:
    app.open("gallery").click("lw_empty")
    assert app.at.subheader[0].value == "Build"
    return app


def test_a_layer_added_goes_behind_the_selected_one(empty: App) -> None:
    empty.add("torch.nn.Linear", "torch.nn.Linear")
    first = list(empty.graph.nodes)[1]
    empty.send({"op": "select", "node": first}).add("torch.nn.ReLU")
    assert empty.labels == ["x", "linear1", "relu1", "linear2", "output"]


def test_the_same_operation_sent_again_is_done_once(empty: App) -> None:
    operation = {"seq": 1, "op": "add", "key": "torch.nn.ReLU"}
    for _ in range(3):
        empty.at.session_state["lw_palette"] = {"ops": {"client": "one", "ops": [operation]}}
        empty.run()
    assert empty.labels == ["x", "relu1", "output"]


def test_two_quick_clicks_in_one_message_are_both_done(empty: App) -> None:
    empty.add("torch.nn.Linear", "torch.nn.ReLU")
    assert empty.labels == ["x", "linear1", "relu1", "output"]


def test_undo_takes_back_and_redo_does_again(empty: App) -> None:
    empty.add("torch.nn.Linear")
    empty.click("lw_undo")
    assert empty.labels == ["x", "output"]
    empty.click("lw_redo")
    assert empty.labels == ["x", "linear1", "output"]


def test_moving_duplicating_bypassing_freezing_and_deleting(empty: App) -> None:
    empty.add("torch.nn.Linear", "torch.nn.ReLU")
    linear, relu = list(empty.graph.nodes)[1:3]
    empty.send({"op": "move", "node": relu, "after": "input"})
    assert empty.labels == ["x", "relu1", "linear1", "output"]
    empty.send({"op": "duplicate", "node": relu}, {"op": "bypass", "node": relu})
    assert empty.graph.nodes[relu].bypassed
    empty.send({"op": "freeze", "node": linear})
    assert any(owner.frozen for owner in empty.graph.owners.values())
    empty.send({"op": "delete", "node": linear})
    assert "linear1" not in empty.labels
    empty.shows_no_trouble()


def test_a_parameter_is_edited_in_its_form(empty: App) -> None:
    empty.add("torch.nn.Linear")
    empty.field("out_features").set_value(10).run()
    assert next(iter(empty.graph.owners.values())).arguments["out_features"] == 10


def test_an_inferred_parameter_is_shown_set_and_inferred_again(empty: App) -> None:
    empty.add("torch.nn.Linear")
    assert empty.field("in_features").value == "784, from x"
    set_it = next(b for b in empty.at.button if b.label == "Set")
    set_it.click().run()
    empty.field("in_features").set_value(5).run()
    assert next(iter(empty.graph.owners.values())).arguments["in_features"] == 5
    assert any("784" in m.value for m in empty.at.markdown), "the problem is told"
    next(b for b in empty.at.button if b.label == "Infer").click().run()
    assert "in_features" not in next(iter(empty.graph.owners.values())).arguments


def test_a_planted_mistake_is_mended_by_one_click(empty: App) -> None:
    empty.add("torch.nn.Linear")
    next(b for b in empty.at.button if b.label == "Set").click().run()
    empty.field("in_features").set_value(5).run()
    _repairs(empty)[0].click().run()
    assert not empty.session.checks[0][1].report.problems
    empty.shows_no_trouble()


def test_a_repair_keeps_its_key_only_while_it_means_the_same(empty: App) -> None:
    empty.add("torch.nn.Linear")
    next(b for b in empty.at.button if b.label == "Set").click().run()
    empty.field("in_features").set_value(5).run()
    before = {b.key: b.label for b in _repairs(empty)}
    empty.field("in_features").set_value(6).run()
    after = {b.key: b.label for b in _repairs(empty)}
    assert before and after and not before.keys() & after.keys(), "another problem, other buttons"
    empty.field("in_features").set_value(5).run()
    assert {b.key: b.label for b in _repairs(empty)} == before


def test_an_input_can_be_taken_from_an_earlier_value(app: App) -> None:
    app.open("build", project("lstm_classifier"))
    lstm = next(n.id for n in app.graph.nodes.values() if app.graph.label(n.id) == "lstm")
    reader = app.graph.readers_of(lstm)[0]
    app.send({"op": "select", "node": reader.id})
    ports = [s for s in app.at.selectbox if any("h_n" in option for option in s.options)]
    assert ports, "the parts of a tuple result are offered by name"


def test_undo_and_redo_show_the_shapes_of_now_where_an_input_is_chosen(empty: App) -> None:
    empty.add("torch.nn.Linear", "torch.nn.ReLU")
    linear, relu = list(empty.graph.nodes)[1:3]

    def shown() -> str:
        empty.send({"op": "select", "node": relu})
        [box] = [s for s in empty.at.selectbox if s.label == "input"]
        assert box.value == linear
        return next(o for o in box.options if o.startswith("linear1"))

    assert "N×64" in shown()
    empty.send({"op": "select", "node": linear}).field("out_features").set_value(32).run()
    assert "N×32" in shown()
    empty.click("lw_undo")
    assert "N×64" in shown()
    empty.click("lw_redo")
    assert "N×32" in shown()
    empty.shows_no_trouble()


def test_group_enter_leave_and_ungroup(empty: App) -> None:
    empty.add("torch.nn.Linear", "torch.nn.ReLU")
    nodes = list(empty.graph.nodes)[1:3]
    empty.send({"op": "group", "nodes": nodes})
    block = next(iter(empty.graph.blocks))
    call = next(n.id for n in empty.graph.nodes.values() if n.kind == "layer")
    empty.send({"op": "open", "node": call})
    assert empty.session.scope == ((call, block),)
    empty.add("torch.nn.Dropout")
    assert "dropout1" in [
        empty.graph.blocks[block].label(n) for n in empty.graph.blocks[block].nodes
    ]
    empty.send({"op": "leave", "depth": 0})
    assert empty.session.scope == () and empty.session.selected == call
    empty.field("Repeat").set_value(3).run()
    assert next(iter(empty.graph.owners.values())).repeat == 3
    empty.shows_no_trouble()


def test_undoing_a_group_while_inside_leaves_the_block(empty: App) -> None:
    empty.add("torch.nn.Linear", "torch.nn.ReLU")
    empty.send({"op": "group", "nodes": list(empty.graph.nodes)[1:3]})
    call = next(n.id for n in empty.graph.nodes.values() if n.kind == "layer")
    empty.send({"op": "open", "node": call})
    empty.click("lw_undo")
    assert empty.session.scope == ()
    empty.shows_no_trouble()


@pytest.mark.parametrize("name", ["forward", "class", "x; import os", "train", "", "1" * 70])
def test_a_name_that_would_break_the_code_is_refused_in_words(empty: App, name: str) -> None:
    empty.add("torch.nn.Linear")
    empty.field("Name").set_value(name).run()
    assert "linear1" in empty.labels
    assert empty.said
    empty.shows_no_trouble()


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "add", "key": "os.system"},
        {"op": "add", "key": "block:nothing"},
        {"op": "add", "key": "torch.nn.Linear", "after": "nowhere"},
        {"op": "add", "key": 7},
        {"op": "move", "node": "output", "after": "output"},
        {"op": "move", "node": None, "after": []},
        {"op": "delete", "node": "../../etc/passwd"},
        {"op": "delete", "node": {"a": 1}},
        {"op": "group", "nodes": ["input", 3, None]},
        {"op": "group", "nodes": "input"},
        {"op": "open", "node": "input"},
        {"op": "leave", "depth": -4},
        {"op": "show", "row": 10**9},
        {"op": "select", "node": 12},
        {"op": "__class__"},
        {},
    ],
)
def test_an_operation_that_makes_no_sense_changes_nothing(
    empty: App, operation: dict[str, object]
) -> None:
    before = empty.graph
    empty.send(operation)
    if operation.get("after") != "nowhere":
        assert empty.graph == before
    empty.shows_no_trouble()


@pytest.mark.parametrize(
    "sent", [None, 3, "x", {"client": 1, "ops": []}, {"client": "a", "ops": "b"}, {"client": "a"}]
)
def test_a_broken_message_of_the_browser_is_ignored(empty: App, sent: object) -> None:
    empty.at.session_state["lw_stack"] = {"ops": sent}
    empty.run()
    empty.shows_no_trouble()


@pytest.mark.parametrize("key", ["lw_stack", "lw_palette"])
@pytest.mark.parametrize(
    "sent", ["no JSON", "[" * 100_000, '{"ops": ' + "9" * 5000 + "}", "[3]", ""]
)
def test_a_value_of_a_component_that_is_no_json_is_ignored_and_forgotten(
    empty: App, key: str, sent: str
) -> None:
    """As it comes over the wire: AppTest alone would hand over values that were read already."""
    inside = empty.at.session_state._state._state
    states = WidgetStates()
    state = states.widgets.add(id=inside._key_id_mapper.get_id_from_key(key))
    state.json_value = sent
    empty.at._run(states)
    empty.shows_no_trouble()
    empty.add("torch.nn.ReLU")
    empty.shows_no_trouble()
    assert "relu1" in empty.labels


def test_an_output_cannot_be_deleted_away(empty: App) -> None:
    empty.send({"op": "delete", "node": "output"})
    assert "output" in empty.labels
    assert any("only output" in text for text in empty.said)


@pytest.mark.parametrize("shape", ["N×", "N, -3", "x" * 300, "1e9", "N×0", "__import__('os')"])
def test_a_shape_that_is_none_is_refused_in_words(empty: App, shape: str) -> None:
    empty.send({"op": "select", "node": "input"})
    empty.field("Shape").set_value(shape).run()
    empty.shows_no_trouble()
    spec = empty.graph.nodes["input"].spec
    assert spec is not None and spec.shape in (("N", 784), ("N",))


def test_a_shape_is_read_as_people_write_it(empty: App) -> None:
    empty.send({"op": "select", "node": "input"})
    empty.field("Shape").set_value("n x 3, 32 32").run()
    spec = empty.graph.nodes["input"].spec
    assert spec is not None and spec.shape == ("N", 3, 32, 32)


def test_a_million_units_are_told_as_gigabytes_and_nothing_breaks(empty: App) -> None:
    empty.add("torch.nn.Linear")
    empty.field("out_features").set_value(2_000_000_000).run()
    assert any("GB" in m.value for m in empty.at.markdown)
    empty.shows_no_trouble()


def test_a_branch_and_a_setting_can_be_made_here(empty: App) -> None:
    empty.add("torch.nn.Linear", "branch")
    assert any(n.kind == "branch" for n in empty.graph.nodes.values())
    empty.field("Condition").set_value("what > 3").run()
    assert any("nothing called" in text for text in empty.said)
    empty.shows_no_trouble()


def test_a_skip_connection_is_made_by_add_and_its_inputs_chosen(empty: App) -> None:
    empty.add("torch.nn.ReLU", "operator.add")
    add = next(n for n in empty.graph.nodes.values() if n.target == "operator.add")
    other = next(s for s in empty.at.selectbox if s.label == "other")
    other.set_value("input").run()
    assert empty.graph.nodes[add.id].arguments["other"] == Ref("input")


@pytest.mark.parametrize("key", ["unet", "transformer", "siamese", "train_branch", "two_inputs"])
def test_every_node_of_a_gallery_network_has_a_form(app: App, key: str) -> None:
    app.open("build", project(key))
    for node in list(app.graph.nodes):
        app.send({"op": "select", "node": node})
        app.shows_no_trouble()
        assert not app.said


@pytest.mark.parametrize("typed", ["3x32x32", "3,32,32", "(3, 32, 32)", "N×3×32×32"])
def test_a_shape_typed_is_one_sample_with_the_batch_put_in_front(empty: App, typed: str) -> None:
    empty.send({"op": "select", "node": "input"})
    next(f for f in empty.at.text_input if f.label == "Shape").set_value(typed).run()
    assert empty.graph.inputs[0].spec.shape == ("N", 3, 32, 32)
    told = any("N was put in front" in c.value for c in empty.at.caption)
    assert told == (typed[0] != "N")


def test_a_copy_is_selected(empty: App) -> None:
    empty.add("torch.nn.Linear")
    linear = list(empty.graph.nodes)[1]
    empty.send({"op": "select", "node": linear}, {"op": "duplicate", "node": linear})
    assert empty.session.selected == list(empty.graph.nodes)[2]


def test_a_shape_really_without_a_batch_is_taken_as_typed(empty: App) -> None:
    empty.send({"op": "select", "node": "input"})
    next(t for t in empty.at.toggle if "Batch" in t.label).set_value(False).run()
    assert empty.graph.inputs[0].spec.shape == (784,)
    next(f for f in empty.at.text_input if f.label == "Shape").set_value("3x32x32").run()
    assert empty.graph.inputs[0].spec.shape == (3, 32, 32)
    next(t for t in empty.at.toggle if "Batch" in t.label).set_value(True).run()
    assert empty.graph.inputs[0].spec.shape == ("N", 3, 32, 32)


def _repairs(app: App) -> list[Button]:
    return [b for b in app.at.button if (b.key or "").startswith("lw_repair_")]
