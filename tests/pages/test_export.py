"""The panel Export in AppTest: formats and choices, what is refused at once, the file with its proof."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from builder.data import load_dataset
from builder.export import queue
from builder.export.formats import FORMATS
from builder.export.proof import Proof
from builder.export.queue import get_exports
from builder.export.wish import Wish
from builder.gallery import project
from builder.graph.edits import Rename, SetArgument
from builder.graph.project import Project
from builder.training import Store, train
from tests.code.weight_networks import opaque
from tests.export.fake import ended, starter, until
from tests.pages.app import App

PROOF = Proof(
    "this file was imported, its state_dict (4 tensors) loaded strictly, and run",
    "as PyTorch draws them with the seed 0",
    0,
    ("float32 (4, 64)",),
    ("float32 (4, 10)",),
    ("eval", "train"),
    torch="2.0",
    more=("Losses are equal | <b>x</b>.",),
)


@pytest.fixture(autouse=True)
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where exports wait for "go": no test here has to make one."""
    place = tmp_path / "gate"
    place.mkdir()
    monkeypatch.setattr(queue, "_start", starter(place))
    return place


def panel(app: App, value: Project | None = None, to: str = "py") -> App:
    app.open("code", value or project("digits_mlp"))
    app.click("lw_export_switch")
    return choose(app, to)


def choose(app: App, to: str) -> App:
    app.at.radio(key="lw_export_format").set_value(to).run()
    return app


def export(app: App, gate: Path, answer: dict[str, object] | None = None) -> App:
    """Presses the button, and lets the process end."""
    app.click("lw_export_go")
    (gate / "go").write_text(json.dumps(answer or {"done": True, "proof": PROOF.to_json()}))
    ended(get_exports(), last(app))
    return app.run()


def last(app: App) -> Wish:
    found = get_exports().last(app.owner, app.session.work.id, str(app.at.radio[0].value))
    assert found is not None
    return found


def words(app: App) -> str:
    shown = [*app.at.caption, *app.at.markdown, *app.at.error, *app.at.warning]
    text = "\n".join(element.value for element in shown)
    return text.replace("\\", "").replace("\u2060", "")


def has(app: App, key: str) -> bool:
    buttons = [*app.at.button, *app.at.get("download_button")]
    return any(str(getattr(b, "key", "")) == key or key in str(b.proto.id) for b in buttons)


def test_every_format_stands_with_what_it_is_for(app: App) -> None:
    panel(app)
    radio = app.at.radio(key="lw_export_format")
    assert list(radio.options) == [f"{f.title}  `{f.suffix}`" for f in FORMATS.values()]
    captions = list(radio.proto.captions)
    assert captions == [f.help for f in FORMATS.values()]
    for to in FORMATS:
        choose(app, to)
        assert has(app, "lw_export_go"), to
        app.shows_no_trouble()


def test_the_style_is_the_one_looked_at_until_another_is_chosen_here(app: App) -> None:
    panel(app)
    assert app.at.selectbox(key="lw_export_style").value == "sequential"
    app.at.button_group(key="lw_code_style").set_value("functional").run()
    assert app.at.selectbox(key="lw_export_style").value == "functional"
    app.at.selectbox(key="lw_export_style").set_value("mixed").run()
    assert app.at.button_group(key="lw_code_style").value == "functional"
    app.click("lw_export_go")
    assert last(app).style == "mixed"
    app.at.button_group(key="lw_code_style").set_value("ordered").run()
    assert app.at.selectbox(key="lw_export_style").value == "ordered"


def test_while_it_is_made_it_says_what_is_done_and_can_be_cancelled(app: App) -> None:
    panel(app)
    app.click("lw_export_go")
    until(lambda: (s := get_exports().status(last(app))) and s.steps)
    app.run()
    assert "Making and proving: Python file" in words(app)
    assert "Working · 0 s" in words(app)
    assert not has(app, "lw_export_go")
    wish = last(app)
    app.click("lw_export_cancel")
    assert get_exports().status(wish) is None
    assert has(app, "lw_export_go")
    app.shows_no_trouble()


def test_one_that_waits_says_how_many_are_before_it(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel(app)
    for number in range(3):
        other = Wish.of(replace(project("digits_mlp"), name=f"Net {number}"), "py")
        get_exports().ask(other, f"person {number}")
    app.click("lw_export_go")
    assert "Waiting for its turn" in words(app)
    assert "1 before it. This server makes 2 at a time." in words(app)


def test_it_goes_on_while_one_is_on_another_page_and_is_found_again(app: App, gate: Path) -> None:
    panel(app, to="safetensors")
    app.click("lw_export_go")
    app.at.switch_page("pages/data.py").run()
    (gate / "go").write_text(json.dumps({"done": True, "proof": PROOF.to_json()}))
    until(lambda: not [p for p in get_exports().folder.iterdir() if p.name.startswith(".work")])
    app.at.switch_page("pages/code.py").run()
    assert app.at.radio(key="lw_export_format").value == "safetensors"
    assert "Proven: it gives what the network gives, bit for bit." in words(app)
    assert list(app.at.radio[0].proto.captions)[3].startswith(":material/check_circle: Ready.")
    app.shows_no_trouble()


def test_the_file_comes_with_its_proof_in_plain_words(app: App, gate: Path) -> None:
    export(panel(app), gate)
    text = words(app)
    assert has(app, "lw_export_download") and not has(app, "lw_export_go")
    for said in (
        "| Max difference | 0.0 |",
        "| Tried on | 1 input drawn with seed 0: float32 (4, 64) |",
        "| Came out | float32 (4, 10), in eval and training mode |",
        "torch 2.0",
        "| Besides | Losses are equal &#124; <b>x</b>. |",
    ):
        assert said in text
    [table] = [m.value for m in app.at.markdown if "Max difference" in m.value]
    assert "<b>" not in table  # its signs are escaped
    app.shows_no_trouble()


def test_a_tolerance_is_named(app: App, gate: Path) -> None:
    near = replace(PROOF, tolerance=1e-4, max_difference=2.5e-7)
    export(panel(app), gate, {"done": True, "proof": near.to_json()})
    assert "to within 0.0001" in words(app)
    assert "| Max difference | 2.5e-07 |" in words(app)


def test_a_failed_proof_gives_no_file_and_can_be_tried_again(app: App, gate: Path) -> None:
    export(panel(app), gate, {"refused": "The proof failed, so nothing is exported: <i>x</i>."})
    assert not has(app, "lw_export_download")
    assert "The proof failed, so nothing is exported: <i>x</i>." in words(app)
    (gate / "go").write_text(json.dumps({"done": True, "proof": PROOF.to_json()}))
    app.click("lw_export_again")
    ended(get_exports(), last(app))
    app.run()
    assert has(app, "lw_export_download")


def test_after_an_edit_the_file_says_that_it_is_of_before(app: App, gate: Path) -> None:
    export(panel(app), gate)
    node = next(n.id for n in app.graph.nodes.values() if n.kind == "layer")
    app.session.work.edit(SetArgument(node, "out_features", 16))
    app.run()
    assert "This is of the network before “fc1” was changed." in words(app)
    assert has(app, "lw_export_download") and has(app, "lw_export_go")
    assert app.at.radio[0].proto.captions[0].startswith(":material/history: Made before")
    app.session.work.undo()
    app.run()
    assert "This is of the network before" not in words(app)
    assert not has(app, "lw_export_go")
    app.session.work.edit(Rename(node, "first"))
    app.run()
    assert "This is of the network before" in words(app)


def test_a_file_in_another_style_says_so(app: App, gate: Path) -> None:
    export(panel(app), gate)
    app.at.selectbox(key="lw_export_style").set_value("functional").run()
    assert "This is in the style “sequential”." in words(app)
    assert has(app, "lw_export_go")


def test_a_network_with_problems_is_refused_at_once(app: App) -> None:
    value = project("digits_mlp")
    owner = next(o for o in value.graph.owners.values() if o.target.endswith("Linear"))
    broken = replace(owner, arguments={**owner.arguments, "in_features": 7})
    owners = {**value.graph.owners, owner.id: broken}
    panel(app, replace(value, graph=replace(value.graph, owners=owners)))
    assert "The network does not run yet: " in words(app)
    assert not has(app, "lw_export_go")
    choose(app, "png")
    assert has(app, "lw_export_go")  # a picture shows the problem
    app.shows_no_trouble()


def test_code_of_ones_own_is_refused_at_once(app: App) -> None:
    panel(app, Project("Strange", opaque("N×4")))
    assert "is code of your own, which this server does not run" in words(app)
    assert not has(app, "lw_export_go")
    app.shows_no_trouble()


def test_onnx_that_is_not_installed_says_how_to_get_it(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builder.export.programs.missing_for_onnx", lambda: ["onnxscript"])
    panel(app, to="onnx")
    assert "ONNX needs onnxscript, not installed here: `pip install -e .[onnx]`" in words(app)
    assert not has(app, "lw_export_go")


def test_a_project_without_data_leads_to_the_data_page(app: App) -> None:
    panel(app, replace(project("digits_mlp"), data=None), "zip")
    assert "no data is chosen" in words(app)
    assert has(app, "lw_export_to_data") and not has(app, "lw_export_go")
    choose(app, "ipynb")
    assert "the notebook holds the model alone" in words(app)
    assert has(app, "lw_export_go")


def test_a_style_by_hand_is_for_the_python_file_alone(app: App) -> None:
    panel(app)
    app.at.selectbox(key="lw_export_style").set_value("manual").run()
    assert has(app, "lw_export_go")
    choose(app, "safetensors")
    assert "makes no nn.Module, which Weights needs. Choose another style." in words(app)
    assert not has(app, "lw_export_go")


def test_the_weights_are_those_of_the_last_run_of_this_network(app: App) -> None:
    panel(app, to="safetensors")
    assert app.box("lw_export_weights").value == "fresh"
    store, value = Store(), project("digits_mlp")
    run_id = store.new_id()
    store.add(run_id, app.owner, "First", {"project": app.session.work.id, "data": "Digits"})
    folder = store.folder(run_id).path
    train(value, load_dataset(value.data), folder=folder, epochs=2, batch_size=256)
    app.run()
    assert app.box("lw_export_weights").value == run_id
    assert app.box("lw_export_epoch").value == 2
    app.box("lw_export_epoch").set_value(1).run()
    app.click("lw_export_go")
    assert (last(app).run, last(app).epoch) == (folder, 1)
    choose(app, "zip")
    assert "Trains as the run did: Digits" in words(app)
    node = next(n.id for n in app.graph.nodes.values() if n.kind == "layer")
    app.session.work.edit(SetArgument(node, "out_features", 16))
    app.run()
    assert app.box("lw_export_weights").value == "fresh"
    app.shows_no_trouble()


def test_the_training_of_the_project_stands_beside_it(app: App) -> None:
    panel(app, to="zip")
    assert "Trains on Digits: " in words(app)
    assert "Chosen on the Data and Train pages." in words(app)
    app.click("lw_export_go")
    wish = last(app)
    assert wish.project.data == {"source": "digits", "options": {"layout": "flat"}}
    assert wish.project.training is not None


def test_a_full_queue_is_told(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "MOST_OF_ONE", 0)
    monkeypatch.setattr(get_exports(), "at_once", 0)
    panel(app)
    app.click("lw_export_go")
    assert "0 exports of yours wait already" in words(app)
