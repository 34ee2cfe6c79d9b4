"""The Inspect page in AppTest: a trained run's weights, asked for as in Python, before and after."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.gallery import project
from builder.graph.history import History
from builder.training import Store, train
from tests.pages.app import App


@pytest.fixture
def trained(app: App, tmp_path: Path) -> App:
    """The digits network after two epochs, among this person's runs."""
    app.open("inspect")
    store = Store()
    run_id = store.new_id()
    store.add(run_id, app.owner, "Digits", {})
    folder = store.folder(run_id).path
    if folder.exists():
        folder.rmdir()
    train(project("digits_cnn"), "digits", folder=folder, epochs=2, batch_size=256)
    return app.run()


def test_without_a_run_the_way_to_train_is_shown(app: App) -> None:
    app.open("inspect")
    assert "Nothing has been trained yet" in app.at.info[0].value
    app.shows_no_trouble()


def test_a_run_shows_its_weights_by_name_and_by_index(trained: App) -> None:
    assert [c.value for c in trained.at.code[:2]] == ["model.conv1.weight", "model[0].weight"]
    table = trained.at.dataframe[-1].value
    assert list(table["Parameter"])[:2] == ["conv1.weight", "conv1.bias"]
    assert (table["Change"] > 0).all()
    trained.shows_no_trouble()


@pytest.mark.parametrize("view", ["Filters", "Heatmap", "Table", "Histogram", "Printed"])
def test_every_view_is_drawn(trained: App, view: str) -> None:
    trained.at.session_state["inspect_view"] = view
    trained.run().shows_no_trouble()


def test_a_weight_is_looked_up_as_in_python(trained: App) -> None:
    trained.at.text_input(key="inspect_look_up").set_value("model.fc.weight[0, :3]").run()
    assert trained.at.code[0].value == "model.fc.weight"
    assert trained.at.code[-1].value.startswith("tensor([")
    trained.shows_no_trouble()


@pytest.mark.parametrize("typed", ["model.fc9", "model[99]", "__import__('os')", "<script>"])
def test_a_look_up_of_nothing_gets_one_sentence(trained: App, typed: str) -> None:
    trained.at.text_input(key="inspect_look_up").set_value(typed).run()
    assert len(trained.at.warning) == 1
    trained.shows_no_trouble()


def test_the_slider_goes_back_to_before_training(trained: App) -> None:
    trained.at.select_slider[0].set_value(0).run()
    assert list(trained.at.dataframe[0].value[""]) == ["Epoch 0"]
    trained.shows_no_trouble()


def test_a_run_of_an_older_network_says_so(app: App, tmp_path: Path) -> None:
    app.open("inspect", project("digits_cnn"))
    store = Store()
    run_id = store.new_id()
    store.add(run_id, app.owner, "Digits", {"project": app.session.work.id})
    folder = store.folder(run_id).path
    train(project("digits_cnn"), "digits", folder=folder, epochs=1, batch_size=256)
    app.run()
    assert not [c for c in app.at.caption if "This run was made before" in c.value]
    app.session.work.history = History(project("digits_mlp").graph)
    app.run()
    (said,) = [c.value for c in app.at.caption if "This run was made before" in c.value]
    assert "layers were deleted" in said
    app.shows_no_trouble()
