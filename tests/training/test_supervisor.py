"""Jobs in processes of their own: they outlive servers, and nothing that died is shown as living."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch

from builder.errors import JobRefused, NotFound
from builder.training.folder import Ending, RunFolder
from builder.training.processes import ProcessMark, this_process
from builder.training.store import RunCard, Store
from builder.training.supervisor import Supervisor
from builder.training.tensors import load_data
from tests.training.support import SLOW, moons, wait_until, write_folder

ANNA, BERT = "anna-token", "bert-token"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


@pytest.fixture
def supervisor(store: Store) -> Iterator[Supervisor]:
    made = Supervisor(store, at_once=1)
    yield made
    made.close()
    end_workers(store)


def end_workers(store: Store) -> None:
    for path in store.folders.iterdir():
        folder = store.folder(path.name)
        folder.want_stop()  # also for one that has not begun yet
        mark = folder.worker(folder.attempts)
        if mark is not None and mark.alive:
            os.kill(mark.pid, signal.SIGKILL)


def submit(supervisor: Supervisor, owner: str = ANNA, **changes: Any) -> str:
    """Puts a tiny run into the queue as `Supervisor.start` does, past the rooms above."""
    store = supervisor.store
    run_id = store.new_id()
    write_folder(store.folders / run_id, **changes)
    store.add(run_id, owner, "test", {})
    supervisor._woken.set()
    return run_id


def state(store: Store, run_id: str, owner: str = ANNA) -> str:
    return store.get(run_id, owner).state


def ended(store: Store, run_id: str, owner: str = ANNA) -> RunCard | None:
    card = store.get(run_id, owner)
    return None if card.active else card


def epochs_done(store: Store, run_id: str) -> int:
    return len(store.points(run_id, ANNA).epochs)


def kill_worker(store: Store, run_id: str) -> None:
    folder = store.folder(run_id)
    mark = folder.worker(folder.attempts)
    assert mark is not None
    os.kill(mark.pid, signal.SIGKILL)


def curve(store: Store, run_id: str) -> list[Any]:
    return [(e["epoch"], e["train"], e["validation"]) for e in store.points(run_id, ANNA).epochs]


def test_a_run_trains_in_a_session_of_its_own_and_ends_in_the_list(supervisor: Supervisor) -> None:
    store = supervisor.store
    run_id = submit(supervisor, epochs=3)
    mark = wait_until(lambda: store.folder(run_id).worker(1))
    assert os.getsid(mark.pid) == mark.pid
    card = wait_until(lambda: ended(store, run_id))
    assert (card.state, card.epoch) == ("finished", 3)
    assert card.sentence.startswith("Finished 3 epochs in ")
    assert "s. Validation accuracy " in card.sentence
    assert 0 <= card.figures["validation"]["accuracy"] <= 1


def test_stop_works_at_once_and_keeps_what_was_learned(supervisor: Supervisor) -> None:
    store = supervisor.store
    run_id = submit(supervisor, code=SLOW, epochs=100_000)
    wait_until(lambda: epochs_done(store, run_id) >= 2)
    began = time.monotonic()
    supervisor.stop(run_id, ANNA)
    wait_until(lambda: store.folder(run_id).ending())
    assert time.monotonic() - began < 0.5
    card = wait_until(lambda: ended(store, run_id))
    assert card.state == "stopped"
    assert "What was learned is kept." in card.sentence
    run = store.open(run_id, ANNA)
    assert run.epochs()[-1] >= card.epoch
    assert not torch.equal(run.state_dict()["head.weight"], run.state_dict(0)["head.weight"])


def test_a_killed_worker_is_interrupted_and_goes_on_as_if_nothing_had_happened(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    from builder.training.session import run_session

    store = supervisor.store
    whole = write_folder(tmp_path / "whole", code=SLOW, epochs=60)
    torch.set_num_threads(1)
    run_session(whole, 1)
    run_id = submit(supervisor, code=SLOW, epochs=60)
    for kills in (1, 2, 3):
        before = epochs_done(store, run_id)
        wait_until(lambda before=before: epochs_done(store, run_id) > before + 5)
        kill_worker(store, run_id)
        card = wait_until(lambda: ended(store, run_id))
        assert card.state == "interrupted", kills
        assert card.epoch == epochs_done(store, run_id)
        supervisor.resume(run_id, ANNA)
    card = wait_until(lambda: ended(store, run_id), 40)
    assert (card.state, card.epoch, card.attempt) == ("finished", 60, 4)
    from builder.training.run import open_run

    expected = open_run(whole.path)
    assert curve(store, run_id) == [
        (e["epoch"], e["train"], e["validation"]) for e in expected.metrics()
    ]
    found = store.open(run_id, ANNA).state_dict()
    assert all(torch.equal(found[name], value) for name, value in expected.state_dict().items())


def test_a_new_supervisor_adopts_living_workers(supervisor: Supervisor) -> None:
    store = supervisor.store
    run_id = submit(supervisor, code=SLOW, epochs=40)
    wait_until(lambda: epochs_done(store, run_id) >= 1)
    supervisor.close()
    again = Supervisor(store)
    try:
        assert state(store, run_id) == "running"
        card = wait_until(lambda: ended(store, run_id))
        assert (card.state, card.epoch, card.attempt) == ("finished", 40, 1)
    finally:
        again.close()


def test_a_killed_server_harms_no_run(tmp_path: Path) -> None:
    store = Store(tmp_path)
    run_id = store.new_id()
    write_folder(store.folders / run_id, code=SLOW, epochs=60)
    store.add(run_id, ANNA, "test", {})
    server = subprocess.Popen(
        [
            sys.executable,
            "-c",
            textwrap.dedent(
                """
                import sys, time
                from pathlib import Path
                from builder.training.store import Store
                from builder.training.supervisor import Supervisor
                Supervisor(Store(Path(sys.argv[1])))
                time.sleep(60)
                """
            ),
            str(tmp_path),
        ]
    )
    wait_until(lambda: epochs_done(store, run_id) >= 1)
    server.send_signal(signal.SIGKILL)
    server.wait()
    assert state(store, run_id) == "running"
    card = wait_until(lambda: ended(store, run_id))
    assert (card.state, card.epoch) == ("finished", 60)


def test_a_process_id_given_out_again_is_no_ghost(supervisor: Supervisor) -> None:
    store = supervisor.store
    run_id = submit(supervisor, code=SLOW, epochs=100_000)
    wait_until(lambda: epochs_done(store, run_id) >= 1)
    supervisor.close()
    kill_worker(store, run_id)
    path = store.folder(run_id).path / "workers" / "1.json"
    path.write_text(f'{{"pid": {os.getpid()}, "started": "long ago"}}')  # our own id, another start
    assert state(store, run_id) == "interrupted"


def test_a_mark_knows_its_process() -> None:
    assert this_process().alive
    assert not ProcessMark(os.getpid(), "another time").alive
    assert not ProcessMark(0, "void").alive


def test_the_second_job_waits_for_the_first(supervisor: Supervisor) -> None:
    store = supervisor.store
    first = submit(supervisor, code=SLOW, epochs=100_000)
    second = submit(supervisor, owner=BERT, epochs=2)
    wait_until(lambda: epochs_done(store, first) >= 1)
    assert (state(store, second, BERT), store.waiting_before(second, BERT)) == ("queued", 0)
    supervisor.stop(first, ANNA)
    card = wait_until(lambda: ended(store, second, BERT))
    assert card.state == "finished"


def test_who_has_nothing_running_goes_first(store: Store) -> None:
    for run_id, owner in (("aaaaaaaa1", ANNA), ("aaaaaaaa2", ANNA), ("bbbbbbbb1", BERT)):
        store.add(run_id, owner, run_id, {})
    me = this_process()
    claimed = [store.claim_next(9, me) for _ in range(4)]
    assert claimed == [("aaaaaaaa1", 1), ("bbbbbbbb1", 1), ("aaaaaaaa2", 1), None]


def test_a_waiting_run_can_be_stopped(supervisor: Supervisor) -> None:
    store = supervisor.store
    submit(supervisor, code=SLOW, epochs=100_000)
    second = submit(supervisor, epochs=2)
    supervisor.stop(second, ANNA)
    assert store.get(second, ANNA).sentence == "Stopped before it had begun."


def test_another_owner_finds_nothing(supervisor: Supervisor) -> None:
    store = supervisor.store
    run_id = submit(supervisor, epochs=1)
    wait_until(lambda: ended(store, run_id))
    for refused in (
        lambda: store.get(run_id, BERT),
        lambda: store.open(run_id, BERT),
        lambda: store.points(run_id, BERT),
        lambda: store.rename(run_id, BERT, "mine"),
        lambda: store.delete(run_id, BERT),
        lambda: supervisor.stop(run_id, BERT),
        lambda: supervisor.resume(run_id, BERT),
        lambda: store.get("../../etc", ANNA),
    ):
        with pytest.raises(NotFound):
            refused()
    assert store.runs(BERT) == []
    assert [card.id for card in store.runs(ANNA)] == [run_id]


def test_deleting_removes_the_folder_but_not_while_it_trains(supervisor: Supervisor) -> None:
    store = supervisor.store
    run_id = submit(supervisor, code=SLOW, epochs=100_000)
    wait_until(lambda: epochs_done(store, run_id) >= 1)
    with pytest.raises(JobRefused, match="Stop it first"):
        store.delete(run_id, ANNA)
    supervisor.stop(run_id, ANNA)
    wait_until(lambda: ended(store, run_id))
    store.delete(run_id, ANNA)
    assert list(store.folders.iterdir()) == []
    with pytest.raises(NotFound):
        store.get(run_id, ANNA)


def test_runs_on_the_same_rows_hold_them_once(store: Store) -> None:
    ids = [store.new_id() for _ in range(3)]
    for run_id, rows in zip(ids, (240, 240, 100), strict=True):
        write_folder(store.folders / run_id, data=moons(rows))
        store.add(run_id, ANNA, "test", {})
    first, second, other = (store.folder(run_id).data.stat().st_ino for run_id in ids)
    assert first == second != other
    store.delete(ids[0], ANNA)
    assert load_data(store.folder(ids[1]).data).rows["train"] == 180
    for run_id in ids[1:]:
        store.delete(run_id, ANNA)
    assert list((store.root / "run-data").iterdir()) == []


def test_a_worker_that_cannot_start_fails_with_its_reason(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    run_id = submit(supervisor)
    card = wait_until(lambda: ended(supervisor.store, run_id))
    assert card.state == "failed"
    assert "could not be started: No such file or directory" in card.sentence


def test_a_server_killed_while_it_starts_a_worker_lets_the_run_wait_again(store: Store) -> None:
    run_id = store.new_id()
    write_folder(store.folders / run_id)
    store.add(run_id, ANNA, "test", {})
    store.claim_next(1, ProcessMark(1, "a server of yesterday"))
    card = store.get(run_id, ANNA)
    assert (card.state, card.attempt) == ("queued", 2)
    assert not store.folder(run_id).begin(1, this_process())  # a late worker is turned away


def test_two_who_find_it_at_once_let_it_wait_once(store: Store) -> None:
    run_id = store.new_id()
    write_folder(store.folders / run_id)
    store.add(run_id, ANNA, "test", {})
    store.claim_next(1, ProcessMark(1, "a server of yesterday"))
    store.folder(run_id).void(1)  # the other one got so far
    assert (store.get(run_id, ANNA).state, store.get(run_id, ANNA).attempt) == ("queued", 2)


def test_a_machine_that_shuts_down_interrupts_cleanly(supervisor: Supervisor) -> None:
    store = supervisor.store
    run_id = submit(supervisor, code=SLOW, epochs=100_000)
    wait_until(lambda: epochs_done(store, run_id) >= 1)
    mark = store.folder(run_id).worker(1)
    assert mark is not None
    mark.terminate()
    card = wait_until(lambda: ended(store, run_id))
    assert card.state == "interrupted"
    assert "can go on" in card.sentence


def test_a_run_that_is_done_can_go_on_further(supervisor: Supervisor) -> None:
    store = supervisor.store
    run_id = submit(supervisor, epochs=2)
    wait_until(lambda: ended(store, run_id))
    with pytest.raises(JobRefused, match="All 2 epochs"):
        supervisor.resume(run_id, ANNA)
    supervisor.resume(run_id, ANNA, epochs=4)
    card = wait_until(lambda: ended(store, run_id))
    assert (card.state, card.epoch) == ("finished", 4)


def test_a_warm_worker_takes_the_next_run_and_goes_with_its_supervisor(
    supervisor: Supervisor,
) -> None:
    store = supervisor.store
    supervisor.warm_up()
    spare = wait_until(lambda: supervisor._spare._child)
    run_id = submit(supervisor, epochs=3)
    card = wait_until(lambda: ended(store, run_id))
    mark = store.folder(run_id).worker(1)
    assert (card.state, mark is not None and mark.pid) == ("finished", spare.pid)
    following = wait_until(lambda: supervisor._spare._child)
    assert following.pid != spare.pid
    supervisor.close()
    assert following.poll() is not None


def test_a_dead_spare_is_no_obstacle(supervisor: Supervisor) -> None:
    supervisor.warm_up()
    spare = wait_until(lambda: supervisor._spare._child)
    spare.kill()
    run_id = submit(supervisor, epochs=1)
    assert wait_until(lambda: ended(supervisor.store, run_id)).state == "finished"


def test_clicks_at_once_never_take_more_places_than_there_are(store: Store) -> None:
    def click(number: int) -> bool:
        try:
            store.add(f"{number:08d}", ANNA, "test", {}, most_waiting=3)
        except JobRefused as refusal:
            assert "3 of your trainings are waiting already" in str(refusal)
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(click, range(12))) == 3
    assert store.count(ANNA, ["queued"]) == 3
    store.add("another1", BERT, "test", {}, most_waiting=3)


def test_nothing_unforeseen_ends_the_supervisor(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise ZeroDivisionError("unforeseen")

    with monkeypatch.context() as patch:
        patch.setattr(supervisor, "_collect", broken)
        wait_until(lambda: "unforeseen" in caplog.text)
        run_id = submit(supervisor, epochs=1)  # what else there is to do is done all the same
        wait_until(lambda: ended(supervisor.store, run_id))
    assert supervisor._thread.is_alive()


def test_one_run_that_cannot_be_looked_at_stops_no_other(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for run_id in ("aaaaaaaa", "bbbbbbbb"):
        store.add(run_id, ANNA, run_id, {})
        store.claim_next(2, this_process())
        (store.folders / run_id).mkdir()
        store.folder(run_id).begin(1, ProcessMark(-1, "gone"))
    real = RunFolder.ending

    def ending(folder: RunFolder) -> Ending | None:
        if folder.path.name == "aaaaaaaa":
            raise ZeroDivisionError
        return real(folder)

    monkeypatch.setattr(RunFolder, "ending", ending)
    store.settle_all()
    store.settle_all()
    assert state(store, "bbbbbbbb") == "interrupted"
    assert caplog.text.count("Run aaaaaaaa cannot be looked at.") == 1


def test_a_killed_run_whose_log_says_little_is_interrupted(store: Store) -> None:
    store.add("aaaaaaaa", ANNA, "test", {})
    store.claim_next(1, this_process())
    folder = store.folder("aaaaaaaa")
    folder.path.mkdir()
    folder.begin(1, ProcessMark(-1, "gone"))
    folder.metrics.write_text(
        '{"kind": "epoch", "epoch": 1, "seconds": 2.0, "train": {"loss": 1.0}}\n'
        '{"kind": "epoch"}\n{"kind": "epoch", "epoch": 2, "seconds": 1, "train": 5}\n'
    )
    store.settle_all()
    card = store.get("aaaaaaaa", ANNA)
    assert (card.state, card.epoch, card.seconds) == ("interrupted", 1, 2.0)


def test_a_run_whose_folder_is_gone_ends_and_lets_the_next_begin(supervisor: Supervisor) -> None:
    store = supervisor.store
    store.add("aaaaaaaa", ANNA, "gone", {})
    run_id = submit(supervisor, epochs=1)
    assert wait_until(lambda: ended(store, "aaaaaaaa")).state == "failed"
    assert wait_until(lambda: ended(store, run_id)).state == "finished"


@pytest.mark.parametrize("content", [b"no database at all" * 100, None])
def test_a_list_that_was_damaged_before_the_start_is_moved_aside(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "runs.sqlite"
    if content is None:  # whole at its head, rubbish behind
        Store(tmp_path).add("aaaaaaaa", ANNA, "test", {})
        whole = path.read_bytes()
        for other in tmp_path.glob("runs.sqlite-*"):
            other.unlink()
        content = whole[:100] + b"\xff" * (len(whole) - 100)
    path.write_bytes(content)
    supervisor = Supervisor(Store(tmp_path))
    supervisor.close()
    assert supervisor.store.runs(ANNA) == []
    assert [p.read_bytes() for p in tmp_path.glob("runs.sqlite.damaged-*[0-9]")] == [content]
