"""Projects on disk: whole or not at all, never two tabs over each other, never outside the folder."""

from __future__ import annotations

import errno
import json
import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from builder.errors import NotFound, ProjectRefused
from builder.gallery import project
from builder.graph.edits import AddNode, RenameModel
from builder.graph.model import Graph, Node
from builder.graph.project import Project, from_json, to_json
from builder.ui import opened, projects, saving, session, work
from builder.ui.owner import new_token
from builder.ui.work import Work


@pytest.fixture
def owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("LAYERWISE_HOME", str(tmp_path))
    return new_token()


def test_what_is_written_is_read(owner: str) -> None:
    stamp = projects.write_project(owner, "abcdefgh", project("unet"), None)
    value, found = projects.read_project(owner, "abcdefgh")
    assert value.graph == project("unet").graph and found == stamp


def test_a_version_that_is_not_the_one_last_seen_is_not_overwritten(owner: str) -> None:
    first = projects.write_project(owner, "abcdefgh", project("unet"), None)
    projects.write_project(owner, "abcdefgh", project("lenet5"), first)
    with pytest.raises(projects.ChangedElsewhere):
        projects.write_project(owner, "abcdefgh", project("siamese"), first)
    assert projects.read_project(owner, "abcdefgh")[0].name == project("lenet5").name


def test_of_many_tabs_saving_at_once_exactly_one_wins(owner: str) -> None:
    first = projects.write_project(owner, "abcdefgh", project("unet"), None)
    won, refused = [], []

    def save() -> None:
        try:
            won.append(projects.write_project(owner, "abcdefgh", project("lenet5"), first))
        except projects.ChangedElsewhere:
            refused.append(1)

    tabs = [threading.Thread(target=save) for _ in range(8)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    assert (len(won), len(refused)) == (1, 7)


@pytest.mark.parametrize(
    "name", ["../x", "a/b", "", "a" * 41, "short", "ab cd efgh", "..........."]
)
def test_an_id_from_a_url_is_never_a_path(owner: str, name: str) -> None:
    with pytest.raises(NotFound):
        projects.read_project(owner, name)
    assert not projects.is_project_id(name)


def test_the_list_shows_the_last_saved_first_and_follows_changes(owner: str) -> None:
    projects.write_project(owner, "abcdefgh", project("unet"), None)
    stamp = projects.write_project(owner, "ijklmnop", project("lenet5"), None)
    assert [card.id for card in projects.list_projects(owner)] == ["ijklmnop", "abcdefgh"]
    projects.write_project(owner, "ijklmnop", project("siamese"), stamp)
    assert projects.list_projects(owner)[0].name == project("siamese").name
    projects.delete_project(owner, "ijklmnop")
    projects.delete_project(owner, "ijklmnop")
    assert [card.id for card in projects.list_projects(owner)] == ["abcdefgh"]


def test_a_project_deleted_elsewhere_is_noticed_and_nothing_is_lost(owner: str) -> None:
    work = Work.new(owner, project("lenet5"))
    work.save()
    projects.delete_project(owner, work.id)
    assert work.edit(AddNode("torch.nn.ReLU"))
    work.save()
    assert work.look() == "deleted_elsewhere"
    assert projects.list_projects(owner) == []


def test_edits_of_two_runs_at_once_are_both_kept_and_no_other_tab_is_suspected(owner: str) -> None:
    work = Work.new(owner, project("linear_regression"))
    work.save()
    before = len(work.graph.nodes)

    def edit() -> None:
        for _ in range(10):
            work.edit(AddNode("torch.nn.ReLU"))
            work.save()

    runs = [threading.Thread(target=edit) for _ in range(3)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert len(work.graph.nodes) == before + 30
    assert work.look() == "saved"
    assert len(projects.read_project(owner, work.id)[0].graph.nodes) == before + 30


def test_a_reload_can_still_undo_but_not_over_another_tabs_version(owner: str) -> None:
    work = Work.new(owner, Project("Net", Graph(name="Net")))
    work.save()
    work.edit(RenameModel("Renamed"))
    work.save()
    again = Work.read(owner, work.id)
    assert again.graph.name == "Renamed" and again.history.undo_label is not None
    again.undo()
    assert again.graph.name == "Net"
    projects.write_project(owner, work.id, Project("Net", Graph(name="Theirs")), work.stamp)
    assert Work.read(owner, work.id).history.undo_label is None


def tab_with(work: Work, monkeypatch: pytest.MonkeyPatch) -> session.Session:
    tab = session.Session(work.owner, work)
    monkeypatch.setattr(session, "_find", [lambda: tab])
    return tab


def test_an_edit_saved_soon_is_on_disk_once_settled(
    owner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = Work.new(owner, Project("Net", Graph(name="Net")))
    work.save()
    tab_with(work, monkeypatch)
    with saving.saving_soon():
        opened.edit(RenameModel("Renamed"))
        assert projects.read_project(owner, work.id)[0].graph.name == "Net"
    saving.settle()
    assert projects.read_project(owner, work.id)[0].graph.name == "Renamed"
    assert not work.waits and saving.saved() == "saved"


def test_an_edit_of_a_run_that_is_broken_off_is_saved_by_itself(
    owner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builder.ui.work._SAVE_WITHIN", 0.01)
    work = Work.new(owner, Project("Net", Graph(name="Net")))
    work.save()
    tab_with(work, monkeypatch)
    with saving.saving_soon():
        opened.edit(RenameModel("Renamed"))
    end = time.monotonic() + 10
    while work.waits and time.monotonic() < end:
        time.sleep(0.01)
    assert work.look() == "saved"
    assert projects.read_project(owner, work.id)[0].graph.name == "Renamed"


def test_who_opens_a_project_that_waits_to_be_saved_has_its_last_edit(
    owner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = Work.new(owner, Project("Net", Graph(name="Net")))
    work.save()
    tab_with(work, monkeypatch)
    with saving.saving_soon():
        opened.edit(RenameModel("Renamed"))
    assert Work.read(owner, work.id).graph.name == "Renamed"
    assert work.look() == "saved"


def test_a_disk_that_refuses_what_was_to_be_saved_soon_is_told(
    owner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = Work.new(owner, Project("Net", Graph(name="Net")))
    work.save()
    tab = tab_with(work, monkeypatch)
    with saving.saving_soon():
        opened.edit(RenameModel("Renamed"))
    monkeypatch.setattr(projects, "to_json", lambda _: "\ud800")
    assert saving.saved() == "failed"
    [(tone, text)] = tab.messages
    assert tone == "error" and text.startswith("Not saved: ")


@pytest.mark.parametrize("bad", [{"lr": float("inf")}, {"lr": float("nan")}, {"lr": "\ud800"}])
def test_what_cannot_be_written_is_told_and_never_called_saved(
    owner: str, bad: dict[str, object]
) -> None:
    work = Work.new(owner, Project("Net", Graph(name="Net"), training=bad))
    assert isinstance(work.save(), ProjectRefused)
    assert work.look() == "failed" and work.saved_at == 0.0
    assert projects.list_projects(owner) == []
    work.training = {"lr": 0.1}
    assert work.save() is None
    assert work.look() == "saved"


def test_a_text_no_file_can_hold_fails_to_save(owner: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projects, "to_json", lambda _: "\ud800")
    work = Work.new(owner, Project("Net", Graph(name="Net")))
    assert "broken character" in str(work.save()) and work.look() == "failed"


def test_a_new_project_that_cannot_be_saved_says_so(
    owner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tab = session.Session(owner)
    monkeypatch.setattr(session, "_find", [lambda: tab])
    data = {"source": "moons", "options": {"a": float("inf")}}
    opened.new_project(Project("Net", Graph(name="Net"), data))
    assert saving.saved() == "failed"
    [(tone, text)] = tab.messages
    assert tone == "error" and text.startswith("Not saved: ")


def test_a_project_beyond_the_room_of_its_owner_is_not_kept_but_the_others_are_saved(
    owner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projects, "MAX_PROJECTS", 2)
    first, *_ = [Work.new(owner, project("unet")) for _ in range(2)]
    stamp = projects.write_project(owner, first.id, first.project, None)
    projects.write_project(owner, "abcdefgh", project("unet"), None)
    with pytest.raises(ProjectRefused, match=r"You keep 2 projects, and 2 fit\. Delete one"):
        projects.write_project(owner, "ijklmnop", project("unet"), None)
    projects.write_project(owner, first.id, first.project, stamp)
    assert len(projects.list_projects(owner)) == 2


@pytest.mark.parametrize("number", [errno.EROFS, errno.EIO, errno.EBUSY])
def test_a_project_the_disk_does_not_let_go_of_stays_and_says_why(
    owner: str, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    tab = session.Session(owner)
    monkeypatch.setattr(session, "_find", [lambda: tab])
    kept = opened.new_project(project("unet"))

    def refuse(path: Path, missing_ok: bool = False) -> None:
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(Path, "unlink", refuse)
    opened.delete_project(kept)
    [(tone, text)] = tab.messages
    assert tone == "error" and text.startswith("The project was not deleted: ")
    assert owner not in text and opened.project_id() == kept
    assert [card.id for card in projects.list_projects(owner)] == [kept]


def test_a_look_at_the_list_needs_no_room_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LAYERWISE_HOME", str(tmp_path / "file" / "home"))
    tab = session.Session(new_token())
    monkeypatch.setattr(session, "_find", [lambda: tab])
    assert opened.list_projects() == []
    opened.new_project(project("unet"))
    assert saving.saved() == "failed" and "Nothing is lost in this tab" in tab.messages[0][1]
    assert ".." not in tab.messages[0][1]
    opened.delete_project("abcdefgh")
    assert len(tab.messages) == 1


def twice(graph: Graph) -> Graph:
    """The network with an output called like its input, which no edit makes."""
    return replace(graph, nodes={**graph.nodes, "y": Node("y", "output", graph.inputs[0].name)})


TWICE = to_json(Project("Broken", twice(project("lenet5").graph)))


def test_a_project_that_cannot_be_opened_is_listed_with_the_reason_and_given_back(
    owner: str,
) -> None:
    projects.write_project(owner, "abcdefgh", project("unet"), None)
    path = projects.project_path(owner, "ijklmnop")
    path.write_text(TWICE)
    assert [card.id for card in projects.list_projects(owner)] == ["abcdefgh"]
    [card] = projects.unreadable_projects(owner)
    assert (card.id, card.name) == ("ijklmnop", "Broken")
    assert "needs another name" in card.unreadable
    assert projects.read_file(owner, "ijklmnop") == TWICE.encode()
    path.write_bytes(b"\xff\x00")
    assert [c.name for c in projects.unreadable_projects(owner)] == [""]
    projects.delete_project(owner, "ijklmnop")
    assert projects.unreadable_projects(owner) == []


def test_an_edit_that_makes_no_network_is_refused_and_the_old_one_stays(
    owner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tab = session.Session(owner=owner)
    monkeypatch.setattr(session, "_find", [lambda: tab])
    opened.new_project(project("unet"))
    before = opened.graph()
    monkeypatch.setattr(work, "apply", lambda graph, edit: twice(graph))
    assert not opened.edit(AddNode("torch.nn.ReLU"))
    [(_, text)] = tab.messages
    assert text.startswith("That was not done") and "needs another name" in text
    assert opened.graph() is before


def test_the_mark_of_an_operation_is_written_with_what_it_did(
    owner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = Work.new(owner, Project("Net", Graph(name="Net")))
    work.save()
    tab_with(work, monkeypatch)
    with saving.saving_soon(), saving.marked("canvas:tab", 3):
        opened.edit(RenameModel("Renamed"))
    before = projects.read_project(owner, work.id)[0]
    assert (before.graph.name, before.done, saving.done_on_disk()) == ("Net", {}, {})
    saving.settle()
    after = projects.read_project(owner, work.id)[0]
    assert (after.graph.name, after.done) == ("Renamed", {"canvas:tab": 3})
    assert Work.read(owner, work.id).done == saving.done_on_disk() == {"canvas:tab": 3}


@pytest.mark.parametrize(
    "bad", [3, ["tab"], {"tab": -1}, {"tab": True}, {"tab": 1.5}, {"tab": None}]
)
def test_marks_that_are_none_are_refused(owner: str, bad: object) -> None:
    text = json.loads(to_json(Project("Net", project("lenet5").graph)))
    with pytest.raises(ProjectRefused, match="“done”"):
        from_json(json.dumps({**text, "done": bad}))
