"""The Train page in AppTest: settings kept, problems mended by a click, a run from start to list."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from builder.data import DataChoice
from builder.gallery import project
from builder.graph.project import Project
from builder.training import supervisor as supervisor_module
from builder.training.store import RunCard
from builder.training.supervisor import get_supervisor
from tests.pages.app import App
from tests.training.support import fill, mounted


@pytest.fixture(autouse=True)
def _no_worker_is_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(supervisor_module, "KEEP_A_WORKER_WARM", False)
    yield
    supervisor = get_supervisor()
    for folder in supervisor.store.folders.iterdir():
        supervisor.store.folder(folder.name).want_stop()
    supervisor.close()


def design(key: str = "moons_mlp", data: str | None = "moons", **training: object) -> Project:
    choice = None if data is None else DataChoice(data).to_json()
    return replace(project(key), data=choice, training=training or None)


def kept(app: App) -> dict[str, object]:
    return dict(app.session.work.training or {})


def trained(app: App, epochs: int = 3) -> RunCard:
    """Presses Train and waits for the run to end; the page is drawn once more then."""
    before = len(runs(app))
    app.click("lw_train")
    card = runs(app)[0]
    assert len(runs(app)) == before + 1
    until(lambda: not get_supervisor().store.get(card.id, app.owner).active)
    app.run()
    return get_supervisor().store.get(card.id, app.owner)


def runs(app: App) -> list[RunCard]:
    return get_supervisor().store.runs(app.owner)


def until(done: Callable[[], bool], seconds: float = 40.0) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        time.sleep(0.05)


def texts(app: App) -> str:
    return "\n".join(element.value for element in (*app.at.markdown, *app.at.caption))


def test_the_loss_is_suggested_and_explained_in_a_sentence(app: App) -> None:
    app.open("train", design())
    loss = app.box("lw_t.loss")
    assert loss.options[0] == "Cross-entropy (suggested)"
    assert loss.help.startswith("For one class out of several: it rewards a high score")
    app.shows_no_trouble()


def test_settings_are_kept_with_the_project(app: App) -> None:
    app.open("train", design())
    app.at.selectbox(key="lw_t.optimizer").set_value("sgd").run()
    app.at.number_input(key="lw_t.sgd.momentum").set_value(0.9).run()
    app.at.number_input(key="lw_t.lr.sgd").set_value(0.05).run()
    app.at.number_input(key="lw_t.epochs").set_value(7).run()
    assert kept(app) == {"optimizer": "sgd", "lr": 0.05, "epochs": 7, "momentum": 0.9}
    app.shows_no_trouble()


def test_nesterov_brings_its_momentum(app: App) -> None:
    app.open("train", design(optimizer="sgd"))
    app.at.toggle(key="lw_t.sgd.nesterov").set_value(True).run()
    assert kept(app) == {"optimizer": "sgd", "nesterov": True, "momentum": 0.9}
    assert not app.at.button(key="lw_train").disabled


def test_without_data_the_way_to_it_is_offered(app: App) -> None:
    app.open("train", design(data=None))
    assert "No data is chosen" in texts(app)
    assert "Choose a data set first" in texts(app)
    assert "Press **Train**" not in texts(app)
    assert app.box("lw_t.loss").options[0] == "Choose a data set first"
    assert app.at.button(key="lw_to_data")
    assert app.at.button(key="lw_train").disabled
    app.click("lw_to_data_0")
    assert app.at.subheader[0].value == "Data" or app.at.header


def test_data_of_another_shape_is_fitted_by_one_click(app: App) -> None:
    app.open("train", design(data="iris"))
    assert "Iris gives N×4, but the input “x” takes N×2" in texts(app).replace("\\", "")
    assert app.at.button(key="lw_train").disabled
    app.click("lw_remedy_0_0")
    assert not app.at.button(key="lw_train").disabled
    app.shows_no_trouble()


def test_a_run_trains_and_its_result_is_told(app: App) -> None:
    app.open("train", design(epochs=3))
    card = trained(app)
    assert card.state == "finished"
    assert app.at.success[0].value.startswith("Finished 3 epochs in ")
    assert app.at.button(key="lw_inspect")
    table = app.at.dataframe[0].value
    assert list(table["Name"]) == ["Two moons, 2-16-16-2"]
    assert list(table["Epochs"]) == ["3 of 3"]
    app.shows_no_trouble()


def test_a_running_run_is_found_again_by_a_new_session_and_stopped(app: App) -> None:
    app.open("train", design("digits_cnn", "digits", epochs=10_000))
    app.click("lw_train")
    (card,) = runs(app)
    until(lambda: len(get_supervisor().store.points(card.id, app.owner).epochs) >= 1)
    session = app.session
    again = App()
    again.at.run()
    again.session.owner = session.owner  # the cookie, in a browser
    again.at.query_params["project"] = session.work.id
    again.at.switch_page("pages/train.py").run()
    again.click("lw_stop")
    until(lambda: not get_supervisor().store.get(card.id, app.owner).active)
    again.run()
    assert "What was learned is kept" in again.at.warning[0].value
    again.click("lw_resume")
    until(lambda: get_supervisor().store.get(card.id, app.owner).active)
    again.shows_no_trouble()


def test_a_learning_rate_of_a_million_ends_with_the_reason(app: App) -> None:
    app.open("train", design(optimizer="sgd", lr=1e6))
    assert trained(app).state == "failed"
    assert "The learning rate of 1e+06 is the likely cause" in app.at.error[0].value.replace(
        "\\", ""
    )
    app.shows_no_trouble()


def test_runs_are_compared_renamed_and_deleted(app: App) -> None:
    app.open("train", design(epochs=2))
    first, second = trained(app), trained(app)
    assert [card.name for card in runs(app)] == ["Two moons, 2-16-16-2 (2)", "Two moons, 2-16-16-2"]
    select(app, 0, 1)
    assert app.at.session_state["lw_compare_by"] == "loss"
    assert "2 runs compared" in [heading.value for heading in app.at.subheader]
    assert not [b for b in app.at.button if b.key == "lw_more"]  # the chart stands in its place
    app.click("lw_compare_end")
    assert app.at.button(key="lw_more")
    select(app, 0)
    app.at.text_input(key=f"lw_rename_{second.id}").set_value("Better").run()
    assert runs(app)[0].name == "Better"
    select(app, 0)
    app.click("lw_delete_runs")
    assert [card.id for card in runs(app)] == [first.id]
    app.shows_no_trouble()


def select(app: App, *rows: int) -> None:
    generation = app.session.kept.get("train.table", 0)
    app.at.session_state[f"lw_runs_{generation}"] = {"selection": {"rows": list(rows)}}
    app.run()


def shown(markdown: str) -> str:
    """What a person sees of it: without escapes and without the joints that keep colons apart."""
    return markdown.replace("\\", "").replace("\u2060", "")


def test_a_run_of_an_earlier_network_says_so_and_what_going_on_means(app: App) -> None:
    app.open("train", design(epochs=1))
    trained(app)
    assert "This run trained" not in texts(app)
    assert "optimizer as it was" in app.at.button(key="lw_more").help
    app.at.switch_page("pages/build.py").run()
    app.add("torch.nn.Dropout")
    app.at.switch_page("pages/train.py").run()
    words = "This run trained an earlier version of the network, before “drop"
    assert words in shown(texts(app)) and "was added, and going on" in shown(texts(app))
    assert "an earlier version" in app.at.button(key="lw_more").help
    app.shows_no_trouble()


def test_what_blocks_training_is_said_where_the_curves_will_be(app: App) -> None:
    app.open("train", design(data="iris"))
    assert "Press **Train**" not in texts(app)
    assert "Training cannot begin yet" in texts(app)


def test_a_strange_name_is_shown_as_it_is(app: App) -> None:
    name = "<script>alert(1)</script> a_b*c`d` $x$ :smile:"
    app.open("train", replace(design(epochs=1), name=name))
    trained(app)
    assert runs(app)[0].name == name
    assert name in [shown(heading.value) for heading in app.at.subheader]
    app.shows_no_trouble()


def test_runs_of_other_projects_are_listed_when_asked_for(app: App) -> None:
    app.open("train", design(epochs=1))
    trained(app)
    app.open("train", design("digits_cnn", "digits", epochs=1))
    assert not app.at.dataframe
    app.at.toggle(key="lw_runs_all").set_value(True).run()
    assert list(app.at.dataframe[0].value["Name"]) == ["Two moons, 2-16-16-2"]
    app.shows_no_trouble()


@pytest.fixture
def full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home on a disk of its own, to be filled."""
    with mounted(tmp_path / "disk", megabytes=8) as disk:
        monkeypatch.setenv("LAYERWISE_HOME", str(disk))
        yield disk
        get_supervisor().close()
        monkeypatch.setenv("LAYERWISE_HOME", str(tmp_path / "home"))


def test_on_a_full_disk_runs_are_seen_on_both_pages_and_deleted_to_make_room(
    app: App, full_disk: Path
) -> None:
    app.open("train", design(epochs=1))
    first, second = trained(app), trained(app)
    fill(full_disk)
    supervisor_module.get_supervisor().close()
    supervisor_module._current.clear()  # as after a restart of the server
    app.at.switch_page("pages/inspect.py").run()
    assert len(app.box("inspect_run").options) == 2
    assert any("is full" in text for text in app.said)
    app.shows_no_trouble()
    app.at.switch_page("pages/train.py").run()
    assert any("is full" in text and "Delete past runs" in text for text in app.said)
    select(app, 0)
    app.click("lw_delete_runs")
    assert [card.id for card in runs(app)] == [first.id] != [second.id]
    app.shows_no_trouble()


def test_on_a_disk_that_takes_nothing_runs_are_seen_and_a_delete_says_why_not(
    app: App, full_disk: Path
) -> None:
    app.open("train", design(epochs=1))
    card = trained(app)
    get_supervisor().close()
    supervisor_module._current.clear()
    read_only = ["mount", "-o", "remount,ro", str(full_disk)]  # once the worker has let go of it
    until(lambda: subprocess.run(read_only, capture_output=True).returncode == 0)
    app.at.switch_page("pages/inspect.py").run()
    assert len(app.box("inspect_run").options) == 1
    app.at.switch_page("pages/train.py").run()
    assert any("may not be written to" in text for text in map(shown, app.said))
    assert len(app.at.dataframe[0].value) == 1
    select(app, 0)
    app.click("lw_delete_runs")
    assert any("cannot be used" in text for text in app.said)
    app.click("lw_train")
    assert [found.id for found in runs(app)] == [card.id]
    app.shows_no_trouble()
