"""The head that every page has: name, saved state, chip, undo; and what happens with two tabs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.runtime.context import ContextProxy

from builder.ui import projects
from builder.ui.owner import COOKIE, new_token
from tests.pages.app import App


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """One person's cookie, the same in every tab."""
    token = new_token()
    monkeypatch.setattr(ContextProxy, "cookies", property(lambda self: {COOKIE: token}))
    yield token


def test_the_name_is_edited_in_place_and_an_empty_one_changes_nothing(app: App) -> None:
    app.open("gallery").click("lw_empty")
    app.field("Project name").set_value("  My   first net ").run()
    assert app.session.work.name == "My first net"
    app.field("Project name").set_value("").run()
    assert app.field("Project name").value == "My first net"


def test_the_chip_counts_and_leads_to_the_first_problem(app: App) -> None:
    app.open("gallery").click("lw_empty").add("torch.nn.Linear", "torch.nn.Conv2d")
    chip = app.at.button(key="lw_chip_bad")
    assert chip.label == "2 layers · 59\u2009472 parameters · 1 problem"
    app.send({"op": "select", "node": "input"})
    app.click("lw_chip_bad")
    assert app.graph.label(app.session.selected) == "conv1"


def test_every_edit_is_on_disk_and_a_reload_finds_it(app: App, person: str) -> None:
    app.open("gallery").click("lw_empty").add("torch.nn.Linear")
    url = dict(app.at.query_params)
    again = App()
    again.at.query_params.update(url)
    again.open("build")
    assert again.labels == ["x", "linear1", "output"]


def test_a_new_tab_opens_what_was_worked_on_last(app: App, person: str) -> None:
    app.open("gallery").click("lw_empty").add("torch.nn.ReLU")
    assert App().open("build").labels == ["x", "relu1", "output"]


def test_a_second_tab_is_told_and_overwrites_nothing(app: App, person: str) -> None:
    app.open("gallery").click("lw_empty").add("torch.nn.Linear")
    other = App().open("build")
    other.add("torch.nn.ReLU")
    app.add("torch.nn.Dropout")
    assert "changed in another tab" in " ".join(m.value for m in app.at.markdown)
    saved, _ = projects.read_project(person, app.session.work.id)
    assert [saved.graph.label(n) for n in saved.graph.nodes] == other.labels

    app.click("lw_take_theirs")
    assert app.labels == other.labels
    app.click("lw_undo")
    assert "dropout1" in app.labels, "what this tab had is one undo away"


def test_a_second_tab_may_keep_its_own_as_a_copy(app: App, person: str) -> None:
    app.open("gallery").click("lw_empty").add("torch.nn.Linear")
    other = App().open("build")
    other.add("torch.nn.ReLU")
    app.add("torch.nn.Dropout").click("lw_keep_mine")
    assert "dropout1" in app.labels and "dropout1" not in other.run().labels
    assert app.session.work.id != other.session.work.id
    assert other.session.work.look() == "saved"


def test_a_page_without_a_project_offers_one(app: App) -> None:
    app.open("build")
    assert app.at.subheader[-1].value == "No network is open"
    app.click("lw_start_empty")
    assert app.labels == ["x", "output"]


@pytest.mark.parametrize("wanted", ["nothing-here", "../../etc/passwd", "a" * 500, "x\x00y"])
def test_a_project_that_is_not_ours_is_refused_in_words(app: App, wanted: str) -> None:
    app.at.query_params["project"] = wanted
    app.open("gallery")
    assert any("was not opened" in text for text in app.said)
    app.shows_no_trouble()


def test_one_person_does_not_see_the_projects_of_another(app: App) -> None:
    app.open("gallery").click("lw_empty")
    stranger = App()
    stranger.at.query_params["project"] = app.session.work.id
    stranger.open("build")
    assert stranger.session.work is None


def test_a_disk_that_refuses_is_told_and_the_edit_stays(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.open("gallery").click("lw_empty")

    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(projects, "write_atomically", full)
    app.add("torch.nn.Linear")
    assert "linear1" in app.labels
    assert any("disk refused" in text for text in app.said)
    monkeypatch.undo()


def test_a_broken_file_among_the_projects_hides_nothing_else(
    app: App, person: str, empty_home: Path
) -> None:
    app.open("gallery").click("lw_empty")
    folder = empty_home / "owners" / person / "projects"
    (folder / "brokenbroken.json").write_text('{"layerwise": 1, "na')
    (folder / "notours.txt").write_text("x")
    tab = App().open("gallery")
    assert len(projects.list_projects(person)) == 1
    tab.shows_no_trouble()


@pytest.mark.parametrize("page", ["gallery", "build", "code", "graph", "data", "train", "inspect"])
def test_a_network_whose_check_fails_takes_no_page_down(
    app: App, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.open("gallery").click("lw_open_linear_regression")

    def fails(graph: object) -> None:
        raise RecursionError("deep")

    monkeypatch.setattr("builder.graph.check.check", fails)
    app.session.checks.clear()
    app.at.switch_page(f"pages/{page}.py").run()
    assert any("could not be checked" in text for text in app.said)
    app.shows_no_trouble()
    app.click("lw_empty" if page == "gallery" else "lw_out")
    assert app.at.title or app.at.subheader, "the way out leads somewhere"
    assert "lw_empty" in [b.key for b in app.at.button] or app.labels == ["x", "output"]


def test_a_project_that_cannot_be_drawn_keeps_its_card(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.open("gallery").click("lw_empty")

    def fails(graph: object, dark: bool) -> str:
        raise RuntimeError("no picture")

    monkeypatch.setattr("builder.ui.cards.sketch", fails)
    app.field("Project name").set_value("Still here").run()
    app.at.switch_page("pages/gallery.py").run()
    assert "Still here" in [button.label for button in app.at.button]
    app.shows_no_trouble()


def test_what_a_person_writes_never_becomes_markdown(app: App) -> None:
    app.open("gallery").click("lw_empty")
    app.field("Project name").set_value(":red[x] **bold** <b>").run()
    app.at.switch_page("pages/gallery.py").run()
    labels = [b.label for b in app.at.button]
    assert any(label.replace("\u2060", "").startswith("\\:red\\[x\\]") for label in labels)
