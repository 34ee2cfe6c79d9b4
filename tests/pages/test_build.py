"""The Build page in AppTest: what a person does on canvas, stack and form, with hostile input too."""

from __future__ import annotations

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.testing.v1.element_tree import Button

from builder.gallery import project
from builder.graph.model import Ref, TensorSpec
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


@pytest.mark.parametrize("key", ["lw_canvas", "lw_stack", "lw_palette"])
@pytest.mark.parametrize(
    "sent", ["no JSON", "[" * 100_000, '{"ops": ' + "9" * 5000 + "}", "[3]", ""]
)
def test_a_value_of_a_component_that_is_no_json_is_ignored_and_forgotten(
    empty: App, key: str, sent: str
) -> None:
    """As it comes over the wire: AppTest alone would hand over values that were read already."""
    if key != "lw_canvas":
        empty.at.segmented_control(key="lw_view").set_value("Stack").run()
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


# --- the canvas -----------------------------------------------------------------------------------


@pytest.fixture
def digits(app: App) -> App:
    return app.open("build", project("digits_cnn"))


def test_a_layer_dropped_on_a_wire_stands_in_it(digits: App) -> None:
    digits.draw(
        {"op": "add", "key": "torch.nn.Dropout", "id": "d", "at": [10, 20], "on": "fc:input:0"}
    )
    assert digits.graph.nodes["fc"].arguments["input"] == Ref("d")
    assert digits.graph.nodes["d"].arguments["input"] == Ref("flatten")
    assert digits.graph.nodes["d"].position == (10, 20)
    assert digits.session.selected == "d"


def test_a_wire_dropped_on_nothing_adds_a_layer_that_reads_it_and_rewires_nobody(
    digits: App,
) -> None:
    add = {"op": "add", "key": "torch.nn.ReLU", "id": "r", "at": [0, 0], "from": ["conv1", []]}
    digits.draw(add)
    assert digits.graph.nodes["r"].arguments["input"] == Ref("conv1")
    assert digits.graph.nodes["relu1"].arguments["input"] == Ref("conv1")


def test_an_add_sent_again_after_a_restart_is_done_once(digits: App) -> None:
    add = {"op": "add", "key": "torch.nn.ReLU", "id": "r", "at": [0, 0], "after": "conv1"}
    digits.draw(add).draw(add)
    assert len(digits.graph.nodes) == 10 and digits.session.kept["canvas.message"] is None


def test_a_circle_is_refused_at_the_canvas_and_nothing_else_is_lost(digits: App) -> None:
    digits.draw(
        {"op": "connect", "from": ["fc", []], "to": ["conv1", "input", 0]},
    )
    assert "cycle" in digits.session.kept["canvas.message"]["text"]
    assert not digits.said, "told on the canvas, not above it"
    digits.draw({"op": "rename", "node": "fc", "name": "head"})
    assert "head" in digits.labels and digits.session.kept["canvas.message"] is None


def test_deleting_what_reshapes_others_asks_first(digits: App) -> None:
    delete = {"op": "delete", "nodes": ["pool"], "wires": [], "frames": [], "sure": False}
    digits.draw(delete)
    asked = digits.session.kept["canvas.answer"]
    assert asked["ask"] == "changes 4 layers" and "pool" in digits.graph.nodes
    digits.draw({**asked["op"], "sure": True})
    assert "pool" not in digits.graph.nodes and digits.session.selected == "relu1"


def test_deleting_what_changes_nothing_else_is_done_at_once(digits: App) -> None:
    digits.draw({"op": "delete", "nodes": ["relu1"], "wires": [], "frames": [], "sure": False})
    assert "relu1" not in digits.graph.nodes


def test_a_pin_is_no_step_and_a_move_is_one(digits: App) -> None:
    digits.draw({"op": "pin", "at": {"conv1": [1, 2], "nobody": [3, 4]}})
    assert digits.graph.nodes["conv1"].position == (1, 2)
    assert not digits.session.work.history.past
    digits.draw({"op": "move", "at": {"conv1": [5, 6], "fc": [7, 8]}, "frames": {}})
    assert len(digits.session.work.history.past) == 1
    digits.draw({"op": "undo"})
    assert digits.graph.nodes["conv1"].position == (1, 2)


def test_the_history_is_gone_through_by_its_steps(digits: App) -> None:
    for key in ("ReLU", "Dropout", "Sigmoid"):
        digits.draw({"op": "add", "key": f"torch.nn.{key}", "id": key, "at": [0, 0], "after": "fc"})
    digits.draw({"op": "goto", "position": 1})
    assert "ReLU" in digits.graph.nodes and "Dropout" not in digits.graph.nodes
    digits.draw({"op": "goto", "position": 3})
    assert "Sigmoid" in digits.graph.nodes
    digits.draw({"op": "goto", "position": 99}, {"op": "goto", "position": 0})
    assert len(digits.graph.nodes) == 9 and len(digits.session.work.history.future) == 3


def test_what_is_copied_in_one_project_is_pasted_in_another(digits: App) -> None:
    digits.draw({"op": "copy", "nodes": ["conv2", "relu2"]})
    other = App()
    other.at.run()
    other.session.owner = digits.owner
    other.open("build", project("unet"))
    other.draw({"op": "paste", "at": [100, 50], "keep_inputs": True})
    pasted = [n for n in other.graph.nodes.values() if n.id.startswith(("conv2", "relu2"))]
    assert len(pasted) == 2 and other.session.kept["canvas.message"] is None
    conv = next(n for n in pasted if n.kind == "layer" and not n.id.startswith("relu"))
    assert "input" not in conv.arguments, "inputs of another project are not kept"


def test_an_operation_made_in_a_block_is_done_there(app: App) -> None:
    app.open("build", project("unet"))
    canvas = f"{app.session.work.id}/down1"
    first = next(n.id for n in app.graph.blocks["DoubleConv"].nodes.values() if n.kind == "layer")
    app.draw({"op": "rename", "node": first, "name": "renamed", "in": canvas})
    block = app.graph.blocks["DoubleConv"]
    assert block.label(first) == "renamed" and app.session.scope == ()
    app.draw({"op": "rename", "node": "head", "name": "other", "in": "another-project"})
    assert "head" in app.labels
    assert "not open any more" in app.session.kept["canvas.message"]["text"]


def test_a_repair_is_done_by_its_name(digits: App) -> None:
    from builder.ui.mending import repair_id

    digits.draw({"op": "select", "nodes": ["fc"]})
    next(b for b in digits.at.button if b.label == "Set").click().run()
    digits.field("in_features").set_value(5).run()
    found = digits.session.checks[0][1]
    (problem,) = found.report.problems
    digits.draw({"op": "repair", "id": repair_id(problem, found.repairs[problem][0])})
    assert not digits.session.checks[0][1].report.problems


def test_the_numbers_on_a_node_are_set_and_torchs_own_needs_no_word(digits: App) -> None:
    digits.draw({"op": "set", "node": "conv1", "name": "out_channels", "value": 8})
    assert digits.graph.owners["conv1"].arguments["out_channels"] == 8
    digits.draw({"op": "set", "node": "conv1", "name": "padding", "value": 0})
    assert "padding" not in digits.graph.owners["conv1"].arguments


def test_the_view_chosen_is_kept_for_the_person(digits: App) -> None:
    assert digits.at.segmented_control(key="lw_view").value == "Canvas"
    digits.at.segmented_control(key="lw_view").set_value("Stack").run()
    digits.shows_no_trouble()
    again = App()
    again.at.run()
    again.session.owner = digits.owner
    again.open("build", project("digits_cnn"))
    assert again.at.segmented_control(key="lw_view").value == "Stack"


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "add", "key": 7, "id": [], "at": "here"},
        {"op": "add", "key": "os.system", "id": "x y", "at": [float("nan"), 1]},
        {"op": "add", "key": "torch.nn.ReLU", "id": "../../x", "at": [1e300, 0]},
        {"op": "connect", "from": ["conv1", ["a", -1]], "to": ["fc", "input", 0]},
        {"op": "connect", "from": ["conv1", []], "to": ["fc", "__class__", 0]},
        {"op": "connect", "from": ["conv1", []], "to": ["fc", "~input", 0]},
        {"op": "disconnect", "wires": ["fc", "fc:input:x", 3, None, "fc:nothing:0"]},
        {"op": "delete", "nodes": [{"a": 1}], "wires": "all", "frames": [3], "sure": True},
        {"op": "move", "at": {"conv1": ["a", None], "fc": [1]}, "frames": []},
        {"op": "pin", "at": {"conv1": [float("inf"), 0]}},
        {"op": "set", "node": "conv1", "name": "out_channels", "value": "8; import os"},
        {"op": "set", "node": "conv1", "name": "out_channels", "value": float("nan")},
        {"op": "set", "node": "conv1", "name": "__init__", "value": 3},
        {"op": "rename", "node": "conv1", "name": "x" * 30_000},
        {"op": "rename", "node": "conv1", "name": "forward"},
        {"op": "note", "node": "conv1", "text": ["<b>"]},
        {"op": "frame", "id": "f", "title": 3, "at": [0, 0], "size": [1e12, 4]},
        {"op": "group", "nodes": "conv1", "name": {}, "id": 3},
        {"op": "repeat", "node": "conv1", "repeat": 10**30, "shared": "yes"},
        {"op": "fold", "index": -1, "name": None},
        {"op": "goto", "position": -1},
        {"op": "leave", "depth": 10**9},
        {"op": "open", "node": None},
        {"op": "show_problem", "node": "x", "scope": "a/b/../c"},
        {"op": "repair", "id": "0" * 16},
        {"op": "fits", "from": ["conv1", "()"]},
        {"op": "effect", "nodes": 3},
        {"op": "join", "a": ["conv1", []], "b": [], "how": "eval", "id": "j"},
        {"op": "insert", "node": "conv1", "on": "conv1:input:0"},
        {"op": "select", "nodes": {"conv1": 1}},
        {"op": "__import__", "in": 7},
        {"op": "undo", "in": "a/b/c"},
    ],
    ids=lambda o: str(o["op"]),
)
def test_a_canvas_operation_that_makes_no_sense_changes_nothing(
    digits: App, operation: dict[str, object]
) -> None:
    before = digits.graph
    digits.draw(operation)
    assert digits.graph == before
    digits.shows_no_trouble()
    told = digits.session.kept.get("canvas.message")
    assert told is None or "error" not in told["text"], "refused in words, not by accident"


def _repairs(app: App) -> list[Button]:
    return [b for b in app.at.button if (b.key or "").startswith("lw_repair_")]


def test_the_shape_of_an_input_is_written_on_its_node(digits: App) -> None:
    [given] = digits.graph.inputs
    digits.draw({"op": "shape", "node": given.id, "text": "1, 12,12"})
    assert digits.graph.nodes[given.id].spec == TensorSpec(("N", 1, 12, 12))
    digits.draw({"op": "shape", "node": given.id, "text": "N×1×8×8"})
    assert digits.graph.nodes[given.id].spec == TensorSpec(("N", 1, 8, 8))
    digits.draw({"op": "shape", "node": given.id, "text": "wide"})
    assert "“wide” is no size" in digits.session.kept["canvas.message"]["text"]
    digits.draw({"op": "shape", "node": "conv1", "text": "3"})
    assert digits.graph.nodes[given.id].spec == TensorSpec(("N", 1, 8, 8))


def test_what_cannot_be_bypassed_or_frozen_says_why(digits: App) -> None:
    before = digits.graph
    digits.draw({"op": "bypass", "nodes": [digits.graph.inputs[0].id]})
    assert "cannot be bypassed" in digits.session.kept["canvas.message"]["text"]
    digits.draw({"op": "freeze", "nodes": ["relu1"]})
    assert "nothing to freeze" in digits.session.kept["canvas.message"]["text"]
    assert digits.graph == before


def test_arranging_is_told_with_its_direction(digits: App) -> None:
    arrange = {"op": "arrange", "at": {"conv1": [1, 2]}, "direction": "LR"}
    digits.draw(arrange, {**arrange, "at": {"conv1": [3, 2]}, "rows": True})
    assert digits.session.work.history.labels == ("Arrange left to right", "Arrange in rows")


def test_of_several_layers_it_is_said_how_many_and_what_can_be_done_to_all(digits: App) -> None:
    digits.draw({"op": "select", "nodes": ["conv1", "relu1", "conv2"]})
    assert any("3 layers selected" in m.value for m in digits.at.markdown)
    assert not [field for field in digits.at.text_input if field.label == "Name"]
    digits.click("lw_all_freeze")
    assert [o.frozen for o in digits.graph.owners.values() if "conv" in o.id] == [True, True]
    digits.click("lw_all_delete")
    assert not {"conv1", "relu1", "conv2"} & set(digits.graph.nodes)
    digits.shows_no_trouble()


def test_a_mere_warning_is_not_shown_as_an_error_and_deleting_comes_last(empty: App) -> None:
    empty.draw(
        {"op": "add", "key": "torch.nn.Linear", "id": "fc", "at": [0, 0], "from": ["input", []]}
    )
    empty.draw({"op": "select", "nodes": ["fc"]})
    repairs = [b for b in empty.at.button if (b.key or "").startswith("lw_repair_")]
    assert repairs[0].label.startswith("Let “output” read")
    assert repairs[-1].label.startswith("Delete") and len(repairs) > 1


def test_the_name_proposed_in_place_of_a_refused_one_can_be_taken(digits: App) -> None:
    digits.draw({"op": "rename", "node": "conv1", "name": "my conv!"})
    message = digits.session.kept["canvas.message"]
    assert message["offer"]["label"] == "my_conv" and "“my_conv” would do" in message["text"]
    digits.draw(message["offer"]["op"])
    assert "my_conv" in digits.labels and digits.session.kept["canvas.message"] is None
