"""The list of runs where the disk refuses, where the list itself is lost, and where room is used up."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from builder.data import DataChoice
from builder.errors import JobRefused, NotFound
from builder.gallery import project
from builder.home import StorageRefused
from builder.training import room, supervisor
from builder.training.folder import Ending, RunFolder
from builder.training.job import JobRequest
from builder.training.processes import ProcessMark, this_process
from builder.training.session import run_session
from builder.training.settings import TrainingSettings
from builder.training.store import Store
from builder.training.supervisor import Supervisor
from tests.training.support import fill, mounted, write_folder

ANNA, BERT = "anna-token", "bert-token"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def finished(store: Store, owner: str = ANNA, name: str = "Net") -> str:
    """A run that was trained here, by this very process."""
    run_id = store.new_id()
    folder = write_folder(store.folders / run_id, epochs=1)
    store.add(run_id, owner, name, {"project": "abc"})
    store.claim_next(9, this_process())
    folder.begin(1, this_process())
    run_session(folder, 1)
    assert store.get(run_id, owner).state == "finished"
    return run_id


def refuse(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """From now on SQLite can write nothing, and make none of the files it wants beside the list."""
    connect = sqlite3.connect

    def refused(place: Any, *args: Any, **kwargs: Any) -> sqlite3.Connection:
        if kwargs.get("uri"):
            opened: sqlite3.Connection = connect(place, *args, **kwargs)
            return opened
        error = sqlite3.OperationalError("the disk refuses")
        error.sqlite_errorcode = code
        raise error

    monkeypatch.setattr(sqlite3, "connect", refused)


# --- a disk that refuses --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code", [sqlite3.SQLITE_READONLY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN]
)
def test_runs_are_listed_where_nothing_can_be_written(
    store: Store, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    run_id = finished(store)
    refuse(monkeypatch, code)
    again = Store(store.root)
    assert [card.name for card in again.runs(ANNA)] == ["Net"]
    assert again.open(run_id, ANNA).epochs() == [0, 1]
    assert again.runs(BERT) == []
    Supervisor(again).close()  # it starts all the same
    with pytest.raises(StorageRefused, match="Free some space"):
        again.rename(run_id, ANNA, "Other")


def test_a_run_that_cannot_be_noted_as_ended_is_shown_as_it_ended(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = store.new_id()
    folder = write_folder(store.folders / run_id)
    store.add(run_id, ANNA, "Net", {})
    store.claim_next(1, this_process())
    folder.begin(1, ProcessMark(999_999_999, "long ago"))
    refuse(monkeypatch, sqlite3.SQLITE_FULL)
    assert store.get(run_id, ANNA).state == "interrupted"
    folder.write_ending(Ending("finished", "Done.", 3))
    assert [(card.state, card.epoch) for card in store.runs(ANNA)] == [("finished", 3)]


def test_without_a_list_and_without_a_disk_there_are_no_runs(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = Store(tmp_path / "file" / "home")
    assert store.runs(ANNA) == []
    Supervisor(store).close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "disk", megabytes=2) as disk:
        yield disk


def test_on_a_full_disk_a_run_can_be_deleted_to_make_room(small_disk: Path) -> None:
    store = Store(small_disk)
    first, second = finished(store), finished(store)
    fill(small_disk)
    full = Store(small_disk)
    assert {card.id for card in full.runs(ANNA)} == {first, second}
    full.delete(first, ANNA)
    assert [card.id for card in full.runs(ANNA)] == [second]
    assert [path.name for path in full.folders.iterdir()] == [second]


def test_on_a_read_only_disk_nothing_is_lost_and_everything_is_seen(small_disk: Path) -> None:
    run_id = finished(Store(small_disk))
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    store = Store(small_disk)
    with pytest.raises(StorageRefused):
        store.delete(run_id, ANNA)
    assert [card.id for card in store.runs(ANNA)] == [run_id]
    assert store.open(run_id, ANNA).epochs() == [0, 1]
    Supervisor(store).close()


@pytest.mark.parametrize(
    ("code", "gone"), [(sqlite3.SQLITE_FULL, True), (sqlite3.SQLITE_READONLY, False)]
)
def test_only_a_full_disk_lets_a_run_be_emptied_before_its_row_goes(
    store: Store, monkeypatch: pytest.MonkeyPatch, code: int, gone: bool
) -> None:
    run_id = finished(store)
    with monkeypatch.context() as patch:
        refuse(patch, code)
        with pytest.raises(StorageRefused):
            store.delete(run_id, ANNA)
    assert (store.folder(run_id).checkpoints.exists(), len(store.runs(ANNA))) == (not gone, 1)
    store.delete(run_id, ANNA)
    assert store.runs(ANNA) == []


# --- a list that is lost --------------------------------------------------------------------------


def lose_the_list(store: Store) -> Store:
    for path in store.root.glob("runs.sqlite*"):
        path.unlink()
    return Store(store.root)


def test_runs_are_listed_again_when_the_list_was_lost(store: Store) -> None:
    first, second = finished(store, name="First"), finished(store, BERT)
    store.rename(first, ANNA, "Renamed")
    again = lose_the_list(store)
    Supervisor(again).close()
    [card] = again.runs(ANNA)
    assert (card.id, card.name, card.state, card.epoch) == (first, "Renamed", "finished", 1)
    assert card.summary == {"project": "abc"} and card.figures["train"]["loss"] is not None
    assert [card.id for card in again.runs(BERT)] == [second]
    assert again.open(first, ANNA).epochs() == [0, 1]


def test_a_trained_run_that_does_not_say_whose_it_is_stays_on_the_disk(store: Store) -> None:
    run_id = finished(store)
    (store.folders / run_id / "listed.json").unlink()
    age(store, run_id)
    again = lose_the_list(store)
    again.sweep()
    assert (store.folders / run_id / "checkpoints").is_dir()
    assert again.runs(ANNA) == []


def test_a_run_that_waited_when_the_list_was_lost_does_not_begin_by_itself(store: Store) -> None:
    run_id = store.new_id()
    write_folder(store.folders / run_id)
    store.add(run_id, ANNA, "Net", {})
    age(store, run_id)
    again = lose_the_list(store)
    again.sweep()
    assert again.get(run_id, ANNA).state == "stopped"
    assert "It had not begun" in again.get(run_id, ANNA).sentence


def delete_list(path: Path, beside: str = "*") -> None:
    for file in path.parent.glob(path.name + beside):
        file.unlink()


def replace_list(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE runs (id)")


HARMS: dict[str, Callable[[Path], object]] = {
    "deleted": delete_list,
    "deleted alone": lambda path: delete_list(path, ""),
    "emptied": lambda path: path.write_bytes(b""),
    "no database": lambda path: path.write_bytes(b"not a database " * 1000),
    "another database": replace_list,
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:5000]),
}


@pytest.mark.parametrize("harm", HARMS)
def test_a_list_harmed_under_a_running_server_is_made_anew(store: Store, harm: str) -> None:
    run_id = finished(store, name="Kept")
    trains, folder = running(store)
    HARMS[harm](store.root / "runs.sqlite")
    assert {(c.id, c.name, c.state) for c in store.runs(ANNA)} == {
        (run_id, "Kept", "finished"),
        (trains, "Net", "running"),
    }
    folder.write_ending(Ending("finished", "Done.", 3))
    ended = store.get(trains, ANNA)
    assert (ended.state, ended.epoch) == ("finished", 3)
    aside = list(store.root.glob("runs.sqlite.damaged-*"))
    assert bool(aside) == (harm in {"no database", "another database", "cut off"})


@pytest.mark.parametrize("harm", HARMS)
def test_a_run_can_be_added_right_after_the_list_was_harmed(store: Store, harm: str) -> None:
    before = finished(store)
    HARMS[harm](store.root / "runs.sqlite")
    run_id = store.new_id()
    write_folder(store.folders / run_id)
    with suppress(StorageRefused):  # "Try again"
        store.add(run_id, ANNA, "Next", {})
    store.add(run_id, ANNA, "Next", {})
    assert [(c.id, c.state) for c in store.runs(ANNA)][-1] == (before, "finished")
    assert store.get(run_id, ANNA).state == "queued"
    assert store.claim_next(9, this_process()) == (run_id, 1)


def test_of_two_servers_that_notice_a_damaged_list_neither_loses_the_other_s(store: Store) -> None:
    finished(store)
    other = Store(store.root)
    HARMS["no database"](store.root / "runs.sqlite")
    with ThreadPoolExecutor(8) as threads:
        seen = list(threads.map(lambda i: (store, other)[i % 2].runs(ANNA), range(16)))
    assert [len(cards) for cards in seen] == [1] * 16
    assert len(list(store.root.glob("runs.sqlite.damaged-*[0-9]"))) == 1


def running(store: Store) -> tuple[str, RunFolder]:
    """A run that this very process trains, as far as the list can tell."""
    run_id = store.new_id()
    folder = write_folder(store.folders / run_id)
    store.add(run_id, ANNA, "Net", {})
    store.claim_next(9, this_process())
    folder.begin(1, this_process())
    return run_id, folder


def age(store: Store, run_id: str) -> None:
    os.utime(store.folders / run_id, (0, 0))


def test_a_start_that_was_killed_halfway_is_swept_once_it_is_old(store: Store) -> None:
    run_id = store.new_id()
    write_folder(store.folders / run_id)
    store.sweep()
    assert (store.folders / run_id).exists()  # somebody may be writing it
    age(store, run_id)
    store.sweep()
    assert not (store.folders / run_id).exists()


def test_a_delete_that_was_killed_is_carried_out_or_undone(store: Store) -> None:
    kept, deleted = finished(store), finished(store)
    for run_id in (kept, deleted):
        (store.folders / run_id).rename(store.folders / f".deleted-{run_id}")
    with sqlite3.connect(store.root / "runs.sqlite") as db:
        db.execute("DELETE FROM runs WHERE id = ?", (deleted,))
    store.sweep()
    assert [path.name for path in store.folders.iterdir()] == [kept]
    assert store.open(kept, ANNA).epochs() == [0, 1]


def test_a_folder_the_disk_does_not_let_go_of_keeps_its_row(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = finished(store)

    def refused(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "rename", refused)
    with pytest.raises(StorageRefused, match="may not be written to"):
        store.delete(run_id, ANNA)
    assert store.get(run_id, ANNA).state == "finished"


# --- places and room ------------------------------------------------------------------------------


@pytest.fixture
def waiting(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Supervisor]:
    """A supervisor that lets everything wait."""
    monkeypatch.setattr(supervisor, "KEEP_A_WORKER_WARM", False)
    made = Supervisor(store, at_once=0)
    yield made
    made.close()


def request() -> JobRequest:
    return JobRequest(project("moons_mlp"), DataChoice("moons"), TrainingSettings(), ANNA)


def test_a_resume_takes_a_place_in_the_queue_and_is_refused_without_one(
    waiting: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "WAITING_JOBS_PER_OWNER", 2)
    store, ids = waiting.store, [finished(waiting.store) for _ in range(3)]
    for run_id in ids[:2]:
        waiting.resume(run_id, ANNA, epochs=2)
    with pytest.raises(JobRefused, match="2 of your trainings are waiting already"):
        waiting.resume(ids[2], ANNA, epochs=2)
    assert store.get(ids[2], ANNA).state == store.open(ids[2], ANNA).state == "finished"


def test_the_last_place_taken_meanwhile_leaves_the_run_as_it_ended(
    waiting: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, run_id = waiting.store, finished(waiting.store)
    monkeypatch.setattr(supervisor, "WAITING_JOBS_PER_OWNER", 1)
    monkeypatch.setattr(store, "count", lambda *_: 0)  # looked a moment before the other click
    other = store.new_id()
    store.add(other, ANNA, "Other", {})
    with pytest.raises(JobRefused, match="waiting already"):
        waiting.resume(run_id, ANNA, epochs=9)
    run = store.open(run_id, ANNA)
    assert run.state == "finished" and run.settings.epochs == 1
    assert store.get(run_id, ANNA).state == "finished"


def test_an_owner_whose_room_is_used_up_deletes_before_training_on(
    waiting: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = finished(waiting.store)
    monkeypatch.setattr(room, "OWNER_RUN_BYTES", 1000)
    words = r"Your 1 run take.* of the 0\.001 MB you have here\. Delete past runs"
    with pytest.raises(JobRefused, match=words):
        waiting.start(request())
    with pytest.raises(JobRefused, match=words):
        waiting.resume(run_id, ANNA, epochs=2)
    assert len(list(waiting.store.folders.iterdir())) == 1
    waiting.store.delete(run_id, ANNA)
    assert waiting.store.get(waiting.start(request()), ANNA).state == "queued"


def test_rows_that_runs_share_count_once(store: Store) -> None:
    ids = [finished(store) for _ in range(2)]
    folders = store.folders_of(ANNA)
    data = store.folder(ids[0]).data.stat().st_size
    apart = sum(room.bytes_of([folder]) for folder in folders)
    assert room.bytes_of(folders) == apart - data
    with pytest.raises(NotFound):
        store.delete(ids[0], BERT)
