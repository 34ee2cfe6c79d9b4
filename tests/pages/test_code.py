"""The Code page in AppTest: the styles, two of them, the reason why not, the print, the table."""

from __future__ import annotations

import ast
import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from builder.code import write_code
from builder.gallery import designs, project
from builder.graph.edits import SetArgument
from builder.graph.history import same
from builder.graph.own_texts import OwnText
from builder.graph.project import load_project, save_project
from builder.ui import projects
from builder.ui.canvas import trained
from builder.ui.code_editor import texts
from tests.pages.app import App


def sources(app: App) -> list[str]:
    """The text in the editor, and what stands beside it to be read."""
    return [message["text"] for message in messages(app)]


def edited(app: App) -> list[str]:
    """What the editor is given to show."""
    return [message["text"] for message in messages(app) if not message["still"]]


def messages(app: App) -> list[dict[str, Any]]:
    """What is sent to the editor, as the browser gets it."""
    shown = [element.proto for element in app.at.get("bidi_component")]
    found = [json.loads(proto.json) for proto in shown if proto.component_name.endswith("editor")]
    return found


def choose(app: App, style: str) -> App:
    app.at.button_group(key="lw_code_style").set_value(style).run()
    return app


def beside(app: App, style: str) -> App:
    app.at.selectbox(key="lw_code_beside").set_value(style).run()
    return app


def test_a_chain_opens_as_the_shortest_of_six_styles(app: App) -> None:
    app.open("code", project("mlp_784_sequential"))
    (source,) = sources(app)
    assert "nn.Sequential(" in source
    assert len(app.at.button_group(key="lw_code_style").options) == 6
    app.shows_no_trouble()


@pytest.mark.parametrize(
    ("style", "holds"),
    [
        ("ordered", "OrderedDict("),
        ("module", "def forward(self, x: Tensor)"),
        ("functional", "x = F.relu(self.layer0(x))"),
        ("mixed", "self.layers = nn.Sequential("),
        ("manual", "x = torch.where(x <= 0, 0.0, x)"),
    ],
)
def test_each_style_is_shown_when_it_is_chosen(app: App, style: str, holds: str) -> None:
    app.open("code", project("mlp_784_sequential"))
    choose(app, style)
    (source,) = sources(app)
    assert holds in source
    app.shows_no_trouble()


def test_two_styles_stand_side_by_side_with_what_differs(app: App) -> None:
    app.open("code", project("mlp_784_sequential"))
    beside(choose(app, "module"), "functional")
    first, second = sources(app)
    assert "= nn.ReLU()" in first
    assert "F.relu(self.layer0(x))" in second
    (shown,) = [c.value for c in app.at.code if c.language == "diff"]
    assert any(line.startswith("- ") and "nn.ReLU()" in line for line in shown.splitlines())
    assert "+         x = F.relu(self.layer0(x))  # (N, 128)" in shown.splitlines()
    assert len([c for c in app.at.markdown if "`print(model)`" in c.value]) == 2
    app.shows_no_trouble()


def test_the_second_style_goes_where_the_first_is_taken_to_it(app: App) -> None:
    app.open("code", project("mlp_784_sequential"))
    beside(app, "module")
    choose(app, "module")
    assert len(sources(app)) == 1
    app.shows_no_trouble()


def test_the_print_is_that_of_the_style_shown(app: App) -> None:
    app.open("code", project("mlp_784_sequential"))
    assert printed(app).startswith("Sequential(\n  (0): ")
    choose(app, "module")
    assert "(0): " not in printed(app)
    assert "(in_features=784, out_features=128, bias=True)" in printed(app)
    choose(app, "manual")
    assert "(128, 784)" in printed(app)
    app.shows_no_trouble()


def printed(app: App) -> str:
    return next(c.value for c in app.at.code if c.language != "python")


def test_what_is_no_chain_opens_as_a_module(app: App) -> None:
    app.open("code", project("two_branches"))
    assert printed(app)
    assert not printed(app).startswith("Sequential(")


def test_a_style_that_cannot_says_why_and_offers_the_one_that_can(app: App) -> None:
    app.open("code", project("two_branches"))
    choose(app, "sequential")
    assert sources(app) == []
    (why,) = [info.value for info in app.at.info]
    assert "reads “x” and not “branch1”" in why and "mixed" not in why
    app.click("lw_code_instead_sequential")
    (source,) = sources(app)
    assert "class ComplexModel(nn.Module):" in source
    assert app.at.button_group(key="lw_code_style").value == "mixed"
    app.shows_no_trouble()


def test_a_design_that_teaches_a_style_opens_in_it(app: App) -> None:
    app.open("gallery").click("lw_open_mlp_16_mixed")
    app.at.switch_page("pages/code.py").run()
    assert "self.layers = nn.Sequential(" in sources(app)[0]


def test_the_table_says_of_every_style_when_one_chooses_it(app: App) -> None:
    app.open("code", project("mlp_784_sequential"))
    (table,) = [m.value for m in app.at.markdown if m.value.startswith("| Style |")]
    assert len(table.splitlines()) == 2 + 6


def test_the_printed_model_and_the_parameters_stand_beside(app: App) -> None:
    app.open("code", project("mlp_784_sequential"))
    assert any("(in_features=784, out_features=128, bias=True)" in c.value for c in app.at.code)
    table = app.at.dataframe[0].value
    assert list(table["Shape"]) == ["128 × 784", "128", "10 × 128", "10"]


def test_choosing_a_layer_names_its_lines_and_selects_it(app: App) -> None:
    app.open("code", project("mlp_784_sequential"))
    node = next(n.id for n in app.graph.nodes.values() if n.kind == "layer")
    app.box("lw_code_layer").set_value(node).run()
    assert app.session.selected == node
    assert any("stands in line" in c.value for c in app.at.caption)


@pytest.mark.parametrize("key", list(designs()))
def test_every_design_is_written_and_is_python(app: App, key: str) -> None:
    app.open("code", project(key))
    for block in app.at.code:
        if block.language == "python":
            ast.parse(block.value)
    app.shows_no_trouble()


def test_a_network_with_a_problem_says_so_above_the_code(app: App) -> None:
    app.open("gallery").click("lw_empty").add("torch.nn.Conv2d")
    app.at.switch_page("pages/code.py").run()
    app.shows_no_trouble()
    (warning,) = app.at.warning
    assert "This code does not run yet" in warning.value
    assert "conv1" in warning.value
    app.click("lw_code_to_problem")
    assert app.graph.label(app.session.selected) == "conv1"


# --- the editor -------------------------------------------------------------------------------------


def type_in(app: App, text: str) -> None:
    """What the browser sends after a moment of rest."""
    shown = messages(app)[0]
    app.send(
        {"op": "text", "doc": shown["doc"], "rev": shown["rev"], "text": text}, to="lw_code_editor"
    )


def word(app: App) -> dict[str, Any]:
    found: dict[str, Any] = messages(app)[0]["word"]
    return found


def test_what_is_typed_is_the_network_in_one_step_to_undo(app: App) -> None:
    app.open("code", project("digits_cnn"))
    choose(app, "module")
    (text,) = edited(app)
    type_in(app, text.replace("nn.Linear(512, 10)", "nn.Linear(512, 12)  # more"))
    assert app.graph.owners["fc"].arguments == {"out_features": 12}
    assert word(app)["kind"] == "read"
    assert "nn.Linear(512, 12)  # more" in edited(app)[0]
    assert app.session.work.history.undo_label == "code: fc out_features 10 → 12"
    app.click("lw_undo")
    assert app.graph.owners["fc"].arguments == {"out_features": 10}
    assert "nn.Linear(512, 10)" in edited(app)[0]
    app.shows_no_trouble()


def test_a_number_typed_digit_by_digit_is_one_step_and_another_line_another(app: App) -> None:
    app.open("code", project("digits_cnn"))
    choose(app, "module")
    first = app.graph
    for units in ("1", "12", "128"):
        type_in(app, re.sub(r"(self.fc = nn.Linear\(512, )\d+", rf"\g<1>{units}", edited(app)[0]))
    assert app.session.work.history.undo_label == "code: fc out_features 10 → 128"
    type_in(app, edited(app)[0].replace("nn.MaxPool2d(2)", "nn.AvgPool2d(2)", 1))
    assert len(app.session.work.history.past) == 2
    app.click("lw_undo")
    app.click("lw_undo")
    assert same(app.graph, first)
    app.click("lw_redo")
    assert app.graph.owners["fc"].arguments == {"out_features": 128}


def test_a_number_typed_and_taken_back_leaves_no_step(app: App) -> None:
    app.open("code", project("digits_cnn"))
    choose(app, "module")
    type_in(app, edited(app)[0].replace("nn.Linear(512, 10)", "nn.Linear(512, 12)"))
    type_in(app, edited(app)[0].replace("nn.Linear(512, 12)", "nn.Linear(512, 10)"))
    assert app.session.work.history.undo_label is None


def test_a_persons_own_text_is_there_again_on_another_server(app: App) -> None:
    app.open("code", project("digits_cnn"))
    choose(app, "module")
    type_in(app, edited(app)[0].replace("nn.Linear(512, 10)", "nn.Linear(512, 10)  # ten digits"))
    (text,) = edited(app)
    assert load_project(file_of(app)).texts["module"] == OwnText(text)
    app.session.work.edit(SetArgument("fc", "out_features", 11))  # on another page
    app.session.work.save()
    texts._texts.clear()  # the server's memory
    again = App().open("code", load_project(file_of(app)))
    (shown,) = edited(choose(again, "module"))
    assert "self.fc = nn.Linear(512, 11)  # ten digits" in shown
    again.shows_no_trouble()


def file_of(app: App) -> Path:
    return projects.project_path(app.owner, app.session.work.id)


def test_a_kept_text_of_another_network_is_not_shown(app: App) -> None:
    """A file may come from anybody: what stands on the page is the network's text or none."""
    plain = project("digits_cnn")
    own = write_code(plain.graph, "module").replace("nn.MaxPool2d(2)", "nn.AvgPool2d(2)")
    app.open(
        "code", replace(plain, texts={"module": OwnText(own), "no style": OwnText("import os")})
    )
    choose(app, "module")
    assert "AvgPool2d" not in edited(app)[0]
    app.shows_no_trouble()


def test_the_style_beside_follows_what_is_typed(app: App) -> None:
    app.open("code", project("digits_cnn"))
    beside(choose(app, "module"), "functional")
    type_in(app, edited(app)[0].replace("nn.Linear(512, 10)", "nn.Linear(512, 12)"))
    assert "nn.Linear(512, 12)" in sources(app)[1]
    app.shows_no_trouble()


def test_a_text_that_is_no_network_is_named_by_its_line(app: App) -> None:
    app.open("code", project("digits_cnn"))
    choose(app, "module")
    (text,) = edited(app)
    before = app.graph
    type_in(app, text.replace("return x", "return x +"))
    said = word(app)
    assert said["kind"] == "refused"
    assert said["line"] == 1 + text[: text.index("return x")].count("\n")
    assert app.graph is before
    assert edited(app) == [text]
    app.shows_no_trouble()


def test_a_size_that_has_to_follow_is_offered(app: App) -> None:
    app.open("code", project("digits_cnn"))
    choose(app, "module")
    type_in(app, edited(app)[0].replace("nn.Conv2d(1, 16", "nn.Conv2d(1, 24"))
    assert word(app)["text"] == (
        "Conv2d, called in line 22, expects in_channels=16 but receives 24 channels (N×24×4×4)."
    )
    assert word(app)["line"] == 13  # the one to be changed
    follow, back = word(app)["ways"]
    assert follow["title"] == "Set in_channels in line 13 to 24"
    assert back["title"] == "Set out_channels in line 10 back to 16"
    assert back["text"] == edited(app)[0]
    type_in(app, follow["text"])
    assert word(app)["kind"] == "read"
    assert word(app)["text"] == "conv1 out_channels 16 → 24. conv2 follows."
    assert app.graph.owners["conv1"].arguments["out_channels"] == 24
    app.shows_no_trouble()


def test_the_layer_in_front_can_follow_as_well(app: App) -> None:
    app.open("code", project("lstm_classifier"))
    choose(app, "module")
    type_in(app, edited(app)[0].replace("nn.LSTM(64, 64", "nn.LSTM(48, 64"))
    back, before = word(app)["ways"]
    assert back["title"] == "Set input_size in line 11 back to 64"
    assert before["title"] == "Set embedding_dim in line 10 to 48"
    type_in(app, before["text"])
    assert word(app)["kind"] == "read"
    assert app.graph.owners["embedding"].arguments["embedding_dim"] == 48


@pytest.mark.parametrize(
    ("wrong", "right", "title"),
    [
        ("nn.Relu()", "nn.ReLU()", "Write ReLU in line 11"),
        ("nn.Liner(512, 10)", "nn.Linear(512, 10)", "Write Linear in line 16"),
        ("self.relu9(x)", "self.relu1(x)", "Write relu1 in line 20"),
        ("kernelsize=3", "kernel_size=3", "Write kernel_size in line 10"),
    ],
)
def test_a_misspelling_is_mended_by_one_click(app: App, wrong: str, right: str, title: str) -> None:
    app.open("code", project("digits_cnn"))
    choose(app, "module")
    (text,) = edited(app)
    type_in(app, text.replace(right, wrong, 1))
    (way,) = word(app)["ways"]
    assert (way["title"], way["text"]) == (title, text)
    assert "Did you mean" not in word(app)["text"] + word(app)["help"]


@pytest.mark.parametrize(
    ("before", "after", "title", "kind"),
    [
        ("self.conv2 =", "self.parts =", "Write parts in line 22", "read"),
        ("self.fc =", "self.head =", "Write head in line 25", "read"),
        ("        self.relu2 = nn.ReLU()\n", "", "Take line 22 out", "read"),
        ("        self.flatten = nn.Flatten()\n", "", "Take line 23 out", "refused"),
    ],
)
def test_a_layer_renamed_or_taken_out_where_it_is_made_is_followed_where_it_is_called(
    app: App, before: str, after: str, title: str, kind: str
) -> None:
    app.open("code", project("digits_cnn"))
    choose(app, "module")
    type_in(app, edited(app)[0].replace(before, after))
    (way,) = word(app)["ways"]
    assert way["title"] == title
    type_in(app, way["text"])
    assert word(app)["kind"] == kind


def test_a_layer_that_is_made_and_no_longer_called_is_named(app: App) -> None:
    app.open("code", project("digits_cnn"))
    choose(app, "module")
    (text,) = edited(app)
    type_in(app, text.replace("        x = self.pool(x)  # (N, 16, 4, 4)\n", ""))
    assert word(app)["text"].endswith("“pool” (line 12) is made and no longer called.")
    type_in(app, text.replace("        x = self.relu1(x)\n", ""))
    assert word(app)["text"] == "relu1 no longer called."


def test_while_a_text_is_not_read_head_and_download_say_so(app: App) -> None:
    app.open("code", project("digits_cnn"))
    choose(app, "module")
    (text,) = edited(app)
    assert "text not read" not in chip(app)
    type_in(app, text.replace("nn.ReLU()", "nn.Relu()", 1))
    assert chip(app).endswith("text not read")
    assert any("what you typed is not read" in c.value for c in app.at.caption)
    app.at.switch_page("pages/build.py").run()
    assert chip(app).endswith("text not read") and "no problems" not in chip(app)
    app.at.switch_page("pages/code.py").run()
    type_in(app, text)
    assert "text not read" not in chip(app)
    assert not any("not read" in c.value for c in app.at.caption)
    app.shows_no_trouble()


def chip(app: App) -> str:
    return next(str(b.label) for b in app.at.button if b.key in ("lw_chip", "lw_chip_bad"))


def test_own_words_come_back_with_what_is_done_again(app: App) -> None:
    app.open("code", project("digits_cnn"))
    choose(app, "module")
    (text,) = edited(app)
    made = "self.relu1 = nn.ReLU()\n        self.more = nn.ReLU()  # our own"
    with_layer = text.replace("self.relu1 = nn.ReLU()", made).replace(
        "x = self.relu1(x)", "x = self.relu1(x)\n        x = self.more(x)  # bends again"
    )
    type_in(app, with_layer)
    type_in(app, edited(app)[0].replace("nn.Linear(512, 10)", "nn.Linear(512, 12)"))
    app.click("lw_undo").click("lw_undo")
    assert "self.more" not in edited(app)[0]
    type_in(app, edited(app)[0].replace("nn.MaxPool2d(2)", "nn.MaxPool2d(2)  # halves"))
    app.click("lw_redo").click("lw_redo")
    (now,) = edited(app)
    assert "# our own" in now and "# bends again" in now and "# halves" in now
    assert "nn.Linear(512, 12)" in now
    app.shows_no_trouble()


def test_style_and_what_stands_beside_it_outlive_a_reload_of_their_project(app: App) -> None:
    app.open("code", project("digits_cnn"))
    beside(choose(app, "module"), "functional")
    app.session.kept.clear()  # a session begins anew
    app.run()
    assert [m["doc"].rpartition("/")[2] for m in messages(app)] == ["module", "shown functional"]
    app.open("code", project("digits_cnn"))  # another project, another choice
    app.session.kept.clear()
    app.run()
    assert [m["doc"].rpartition("/")[2] for m in messages(app)] == ["sequential"]


def test_lines_that_only_one_of_two_styles_has_are_marked_in_both(app: App) -> None:
    app.open("code", project("digits_cnn"))
    beside(choose(app, "module"), "functional")
    for message, holds in zip(messages(app), ("self.relu1 = nn.ReLU()", "F.relu"), strict=True):
        lines = message["text"].split("\n")
        assert any(holds in lines[n - 1] for n in message["differs"])
        assert not any("self.fc = " in lines[n - 1] for n in message["differs"])


def test_code_by_hand_says_that_it_is_only_shown(app: App) -> None:
    app.open("code", project("digits_cnn"))
    choose(app, "manual")
    (message,) = messages(app)
    assert "only shown" in message["readonly"] and message["wrap"]


def test_two_texts_of_two_moments_are_brought_together(app: App) -> None:
    app.open("code", project("digits_cnn"))
    choose(app, "module")
    shown = messages(app)[0]
    type_in(app, shown["text"].replace("nn.Linear(512, 10)", "nn.Linear(512, 12)"))
    late = shown["text"].replace("self.pool = nn.MaxPool2d(2)", "self.pool = nn.AvgPool2d(2)")
    sent = {"op": "text", "doc": shown["doc"], "rev": shown["rev"], "text": late}
    app.send({**sent, "by": "another tab"}, to="lw_code_editor")
    assert app.graph.owners["fc"].arguments == {"out_features": 12}
    assert app.graph.owners["pool"].target == "torch.nn.AvgPool2d"
    app.shows_no_trouble()


def test_a_text_goes_on_from_the_one_sent_before_whose_answer_was_not_there_yet(app: App) -> None:
    """Three texts of one who types fast: at the third, the answer to the first has come."""
    app.open("code", project("digits_cnn"))
    choose(app, "module")
    begun = messages(app)[0]

    def send(units: str, rev: str, seen: int) -> None:
        text = begun["text"].replace("nn.Linear(512, 10)", f"nn.Linear(512, {units})")
        sent = {"op": "text", "doc": begun["doc"], "rev": rev, "seen": seen, "text": text}
        app.send(sent, to="lw_code_editor")

    send("1", begun["rev"], 0)
    after_one = messages(app)[0]["rev"]
    send("12", begun["rev"], 0)
    send("128", after_one, 1)
    assert word(app)["kind"] == "read"
    assert app.graph.owners["fc"].arguments == {"out_features": 128}
    app.shows_no_trouble()


def test_texts_made_to_be_hard_to_bring_together_are_answered_soon(app: App) -> None:
    """Three texts of one sender, the last one as a change of the first."""
    app.open("code", project("digits_cnn"))
    choose(app, "module")
    begun = messages(app)[0]

    def send(every: int, channels: int, rev: str) -> None:
        net = begun["text"].replace("nn.Linear(512, 10)", f"nn.Linear(512, {channels})")
        lines = "".join(f"# a\n# b{i % every}\n" for i in range(3000))
        sent = {"op": "text", "doc": begun["doc"], "rev": rev, "seen": app.sent}
        app.send({**sent, "text": f"{net}{lines}"}, to="lw_code_editor")

    send(7, 10, begun["rev"])
    of_first = messages(app)[0]["rev"]
    send(5, 11, of_first)
    assert word(app)["kind"] == "read"
    send(3, 12, of_first)
    assert word(app)["text"] == "The network was changed meanwhile, in the same lines."
    app.shows_no_trouble()


def test_a_text_over_which_we_stumble_is_answered(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(*_: object) -> None:
        raise KeyError

    app.open("code", project("digits_cnn"))
    choose(app, "module")
    monkeypatch.setattr(sys.modules["builder.ui.code_editor.typed"], "take", stumble)
    type_in(app, edited(app)[0].replace("nn.Linear(512, 10)", "nn.Linear(512, 12)"))
    assert word(app)["kind"] == "refused"
    assert word(app)["text"] == (
        "Something went wrong on our side with this text. The network is as it was."
    )
    assert app.graph.owners["fc"].arguments == {"out_features": 10}
    app.shows_no_trouble()


def test_nothing_is_said_to_stay_in_a_tab_that_another_one_overtook(app: App) -> None:
    app.open("code", project("digits_cnn"))
    choose(app, "module")
    there = load_project(file_of(app))
    save_project(replace(there, name="Saved in the other tab"), file_of(app))
    type_in(app, edited(app)[0].replace("nn.Linear(512, 10)", "nn.Linear(512, 10)  # ten"))
    assert word(app)["text"] == "the same network. It is not saved until you choose above."
    assert load_project(file_of(app)).name == "Saved in the other tab"


def test_a_line_selects_its_layer_and_a_layer_marks_its_lines(app: App) -> None:
    app.open("code", project("digits_cnn"))
    choose(app, "module")
    shown = messages(app)[0]
    number = 1 + shown["text"][: shown["text"].index("self.conv2 =")].count("\n")
    app.send({"op": "line", "doc": shown["doc"], "line": number}, to="lw_code_editor")
    assert app.session.selected == "conv2"
    assert number in messages(app)[0]["marks"]
    app.shows_no_trouble()


def test_what_costs_trained_weights_is_asked_first(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trained, "_runs", lambda: [{"fc.weight": (10, 512), "fc.bias": (10,)}])
    app.open("code", project("digits_cnn"))
    choose(app, "module")
    (text,), before = edited(app), app.graph
    changed = text.replace("nn.Linear(512, 10)", "nn.Linear(512, 12)  # more")
    type_in(app, changed)
    assert app.graph is before
    assert word(app)["kind"] == "asks"
    assert edited(app) == [text]
    assert any(
        "1 layer loses trained weights" in w.value or "1 loses" in w.value for w in app.at.warning
    )
    app.click("lw_code_yes")
    assert app.graph.owners["fc"].arguments == {"out_features": 12}
    (now,) = edited(app)
    assert "self.fc = nn.Linear(512, 12)  # more" in now and "x = self.fc(x)  # (N, 12)" in now
    assert word(app)["kind"] == "read"
    type_in(app, now.replace("512, 12", "512, 14"))
    app.shows_no_trouble()


def test_a_no_leaves_the_network(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trained, "_runs", lambda: [{"fc.weight": (10, 512), "fc.bias": (10,)}])
    app.open("code", project("digits_cnn"))
    choose(app, "module")
    (text,), before = edited(app), app.graph
    type_in(app, text.replace("nn.Linear(512, 10)", "nn.Linear(512, 12)"))
    app.click("lw_code_no")
    assert app.graph is before
    assert word(app)["kind"] == "refused"
    app.shows_no_trouble()


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "text", "doc": "x/module", "text": "import os"},
        {"op": "text", "doc": "{}/nothing", "text": "import os"},
        {"op": "text", "doc": "{}/module", "text": 3},
        {"op": "text", "doc": "{}/module", "text": "\0" * 10},
        {"op": "text", "doc": "{}/manual", "text": "x = 1"},
        {"op": "text", "doc": "{}/module", "text": "x" * 300_000},
        {"op": "line", "doc": "{}/module", "line": "4"},
        {"op": "line", "doc": "{}/module", "line": -4},
        {"op": "what"},
    ],
)
def test_what_makes_no_sense_changes_nothing(app: App, operation: dict[str, Any]) -> None:
    app.open("code", project("digits_cnn"))
    choose(app, "module")
    before = app.graph
    doc = str(operation.get("doc", "")).replace("{}", app.session.work.id)
    app.send({**operation, "doc": doc}, to="lw_code_editor")
    assert app.graph is before
    app.shows_no_trouble()
