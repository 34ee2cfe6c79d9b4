"""What the canvas sends is carried out once, whatever was restarted, repeated or deleted meanwhile."""

from __future__ import annotations

import errno
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from builder.gallery import project
from builder.ui import opened, projects, received, session
from builder.ui.canvas import operations
from builder.ui.canvas.operations import handle
from tests.pages.app import App


@pytest.fixture
def digits(app: App) -> App:
    return app.open("build", project("digits_cnn"))


def tab_of(app: App) -> App:
    """Another session of the same person, at the same project."""
    other = App()
    other.at.run()
    other.session.owner = app.owner
    other.at.query_params["project"] = app.session.work.id
    other.at.switch_page("pages/build.py").run()
    return other


def says(client: str, seq: int, **operation: object) -> dict[str, object]:
    return {"ops": {"client": client, "ops": [{"seq": seq, **operation}]}}


def test_a_server_started_anew_does_what_is_not_in_the_file_and_no_more(digits: App) -> None:
    copy = says("tab", 7, op="duplicate", nodes=["relu1"])
    digits.at.session_state["lw_canvas"] = copy
    digits.run()
    assert len(digits.graph.nodes) == 10
    received._done.clear()  # all that the old server's memory had
    after = tab_of(digits)
    for message in (copy, copy, says("tab", 8, op="bypass", nodes=["relu2"])):
        after.at.session_state["lw_canvas"] = message
        after.run()
    assert len(after.graph.nodes) == 10 and after.graph.nodes["relu2"].bypassed
    with place_of(after):
        assert "done" not in json.loads(opened.export_project()), "no business of another reader"


def test_an_idle_tab_repeats_nothing_after_many_others(digits: App) -> None:
    copy = says("idle", 1, op="duplicate", nodes=["relu1"])
    digits.at.session_state["lw_canvas"] = copy
    digits.run()
    for i in range(40):
        with_others(digits, f"other{i}")
    digits.at.session_state["lw_canvas"] = copy
    digits.run()
    assert len(digits.graph.nodes) == 10


@pytest.mark.parametrize("op", ["frame", "note", "rename"])
def test_a_text_that_is_too_long_is_refused_and_the_old_one_kept(digits: App, op: str) -> None:
    at = {"at": [0, 0], "size": [100, 100], "kind": "note", "colour": "grey"}
    digits.draw({"op": "frame", "id": "f", "title": "", "text": "old", **at})
    digits.draw({"op": "note", "node": "conv1", "text": "old"})
    long = "x" * 20_001
    about = {"id": "f", "title": "", **at} if op == "frame" else {"node": "conv1"}
    digits.draw({"op": op, **about, "name" if op == "rename" else "text": long})
    assert "20,001 characters" in digits.session.kept["canvas.message"]["text"]
    assert digits.graph.frames["f"].text == digits.graph.nodes["conv1"].note == "old"
    assert digits.graph.label("conv1") == "conv1"


def test_of_many_questions_in_one_message_only_the_last_of_a_kind_is_answered(
    digits: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered: list[int] = []
    monkeypatch.setitem(operations._ACTS, "picture", lambda o: answered.append(o["seq"]))
    digits.draw(*[{"op": "picture", "at": {}, "format": "svg"} for _ in range(200)])
    assert answered == [200]


@pytest.mark.parametrize("place", ["/" * 1_000_000, "x/" * 500_000, "a/" * 40])
def test_a_place_of_a_million_parts_is_none(digits: App, place: str) -> None:
    before, start = digits.graph, time.monotonic()
    with place_of(digits):
        handle(
            {
                "op": "bypass",
                "nodes": ["relu1"],
                "seq": 1,
                "in": f"{digits.session.work.id}/{place}",
            }
        )
        assert time.monotonic() - start < 0.5
    assert digits.graph == before


def test_why_nothing_is_saved_stands_on_the_canvas_and_above_it(
    digits: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(projects, "write_atomically", full)
        digits.draw({"op": "bypass", "nodes": ["relu1"]})
        with place_of(digits):
            told = operations.message()
        assert told is not None and "No space left on device" in told["text"]
        assert any("No space left on device" in text for text in digits.said)
        digits.run()
        assert any(b.key == "lw_save_again" for b in digits.at.button)
    digits.click("lw_save_again")
    with place_of(digits):
        assert operations.message() is None


def test_what_a_full_disk_refused_is_done_by_the_tab_that_is_loaded_anew(
    digits: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    first = says("tab", 7, op="bypass", nodes=["relu2"])
    digits.at.session_state["lw_canvas"] = first
    digits.run()
    copy = says("tab", 8, op="duplicate", nodes=["relu1"])
    with monkeypatch.context() as disk:
        disk.setattr(projects, "write_atomically", full)
        digits.at.session_state["lw_canvas"] = copy
        digits.run().run()
        assert len(digits.graph.nodes) == 10, "once, in the session that is here"
    after = tab_of(digits)
    assert len(after.graph.nodes) == 9
    for message in (first, copy, copy):
        after.at.session_state["lw_canvas"] = message
        after.run()
    assert len(after.graph.nodes) == 10 and after.graph.nodes["relu2"].bypassed


def test_a_project_deleted_in_another_tab_is_called_so_and_can_be_kept(digits: App) -> None:
    old = digits.session.work.id
    projects.delete_project(digits.owner, old)
    digits.draw({"op": "bypass", "nodes": ["relu1"]})
    digits.run()
    assert any("was deleted in another tab" in m.value for m in digits.at.markdown)
    assert not any("was changed in another tab" in m.value for m in digits.at.markdown)
    digits.click("lw_keep_deleted")
    assert digits.session.work.id != old and digits.graph.nodes["relu1"].bypassed
    [card] = projects.list_projects(digits.owner)
    assert card.id == digits.session.work.id


@contextmanager
def place_of(app: App) -> Iterator[None]:
    """Inside, the app's session is the one at hand."""
    before = list(session._find)
    session.found_by(lambda: app.session)
    try:
        yield
    finally:
        session._find[:] = before


def with_others(app: App, client: str) -> None:
    app.at.session_state["lw_canvas"] = says(client, 1, op="select", nodes=[])
    app.run()
