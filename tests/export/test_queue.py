"""The queue of exports: how many at once, whose turn it is, and how one ends before it is done."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import builder
from builder.errors import ExportRefused, LayerwiseError
from builder.export import kept, queue, worker
from builder.export.queue import MOST_OF_ONE, Exports
from builder.export.wish import Wish
from builder.gallery import project
from builder.graph.edits import SetPosition, apply
from builder.home import StorageRefused
from builder.training.processes import ProcessMark, start_time
from tests.export.fake import ended, starter, until

MLP = project("digits_mlp")


def wish(number: int = 0) -> Wish:
    """Another one for each number."""
    return Wish.of(replace(MLP, name=f"Net {number}"), "py")


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where processes that make nothing wait for "go"."""
    monkeypatch.setenv("LAYERWISE_HOME", str(tmp_path / "home"))
    place = tmp_path / "gate"
    place.mkdir()
    monkeypatch.setattr(queue, "_start", starter(place))
    return place


@pytest.fixture
def exports(gate: Path) -> Iterator[Exports]:
    made = Exports(at_once=2)
    yield made
    made.close()


def states(exports: Exports, count: int) -> list[str]:
    found = [exports.status(wish(n)) for n in range(count)]
    return [status.state if status else "none" for status in found]


def test_only_so_many_are_made_at_once_and_the_others_know_their_place(
    exports: Exports, gate: Path
) -> None:
    for number in range(5):
        exports.ask(wish(number), f"owner {number}")
    until(lambda: (s := exports.status(wish(0))) and s.steps)
    assert states(exports, 5) == ["running", "running", "waiting", "waiting", "waiting"]
    assert [s.before for n in range(5) if (s := exports.status(wish(n)))] == [0, 0, 0, 1, 2]
    (gate / "go").touch()
    until(lambda: states(exports, 5) == ["done"] * 5)
    assert not [p for p in exports.folder.iterdir() if p.name.startswith(".work")]


def test_who_has_none_under_way_comes_before_who_asked_for_many(gate: Path) -> None:
    exports = Exports(at_once=2)
    for number in range(3):
        exports.ask(wish(number), "eager")
    exports.ask(wish(3), "late")
    assert states(exports, 4) == ["running", "running", "waiting", "waiting"]
    exports.cancel(wish(0), "eager")
    until(lambda: states(exports, 4) == ["none", "running", "waiting", "running"])
    exports.close()


def test_a_cancelled_one_ends_with_all_it_started_and_leaves_nothing(
    exports: Exports, gate: Path
) -> None:
    (gate / "grandchild").touch()
    exports.ask(wish(), "me")
    until(lambda: (gate / "grandchild").read_text())
    child = int((gate / "grandchild").read_text())
    mark = ProcessMark(child, start_time(child) or "")
    assert mark.alive
    exports.cancel(wish(), "another person")
    assert states(exports, 1) == ["running"]
    exports.cancel(wish(), "me")
    assert states(exports, 1) == ["none"]
    until(lambda: not mark.alive)
    until(lambda: not list(exports.folder.iterdir()))


def test_one_that_was_cancelled_can_be_asked_for_again_at_once(
    exports: Exports, gate: Path
) -> None:
    exports.ask(wish(), "me")
    exports.cancel(wish(), "me")
    exports.ask(wish(), "me")
    (gate / "go").touch()
    assert ended(exports, wish()).state == "done"


def test_behind_one_that_was_cancelled_the_one_before_is_found_again(
    exports: Exports, gate: Path
) -> None:
    first, second = wish(), Wish.of(replace(MLP, name="Net 0"), "py", "functional")
    (gate / "go").touch()
    exports.ask(first, "me", "project")
    ended(exports, first)
    (gate / "go").unlink()
    exports.ask(second, "me", "project")
    assert exports.last("me", "project", "py") == second
    exports.cancel(second, "me")
    assert exports.last("me", "project", "py") == first
    assert exports.last("me", "another", "py") is None


def test_one_that_waits_is_cancelled_before_it_begins(exports: Exports) -> None:
    for number in range(3):
        exports.ask(wish(number), "me")
    exports.cancel(wish(2), "me")
    assert states(exports, 3) == ["running", "running", "none"]


def test_equal_wishes_of_two_people_are_made_once_and_go_on_for_the_other(
    exports: Exports, gate: Path
) -> None:
    exports.ask(wish(), "one")
    exports.ask(wish(), "two")
    exports.cancel(wish(), "one")
    assert states(exports, 1) == ["running"]
    (gate / "go").touch()
    assert ended(exports, wish()).state == "done"


def test_a_process_killed_from_outside_is_told_and_may_be_tried_again(
    exports: Exports, gate: Path
) -> None:
    exports.ask(wish(), "me")
    until(lambda: (s := exports.status(wish())) and s.steps)
    [job] = exports._jobs.values()
    assert job.process is not None
    os.kill(job.process.pid, signal.SIGKILL)
    status = ended(exports, wish())
    assert status.state == "refused"
    assert "ended from outside, perhaps for want of memory" in status.sentence
    (gate / "go").touch()
    exports.ask(wish(), "me")
    assert ended(exports, wish()).state == "done"


def test_one_that_takes_too_long_is_ended_and_says_so(gate: Path) -> None:
    exports = Exports(seconds=0.5)
    exports.ask(wish(), "me")
    status = ended(exports, wish())
    assert status.state == "refused"
    assert status.sentence.startswith("The export was not done after 0.5 seconds")
    assert not list(exports.folder.iterdir())


def test_a_failed_proof_is_told_and_nothing_is_given(exports: Exports, gate: Path) -> None:
    (gate / "go").write_text(
        json.dumps({"refused": "The proof failed, so nothing is exported: x."})
    )
    exports.ask(wish(), "me")
    status = ended(exports, wish())
    assert (status.state, status.kept) == ("refused", None)
    assert status.sentence == "The proof failed, so nothing is exported: x."


def test_what_was_not_foreseen_is_logged_under_a_number_and_not_shown(
    exports: Exports, gate: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (gate / "go").write_text(json.dumps({"stumbled": "Traceback of /secret/place"}))
    exports.ask(wish(), "me")
    sentence = ended(exports, wish()).sentence
    assert "/secret/place" not in sentence
    number = sentence.partition("(error ")[2].partition(")")[0]
    assert number and number in caplog.text and "/secret/place" in caplog.text


def test_a_full_disk_is_told_before_and_after(
    exports: Exports, gate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exports.ask(wish(), "me")
    monkeypatch.setattr(queue, "is_full", lambda folder: True)
    (gate / "go").write_text(json.dumps({"stumbled": "PytorchStreamWriter failed writing file"}))
    assert "is full: nothing was written" in ended(exports, wish()).sentence
    full = StorageRefused("The disk is full.")
    monkeypatch.setattr(queue, "why_nothing_is_kept", lambda: full)
    with pytest.raises(StorageRefused):
        exports.ask(wish(1), "me")


def test_the_disk_full_at_the_last_step_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(worker, "_limit", lambda: None)
    monkeypatch.setattr(kept, "write_atomically", full)
    answer = worker._answered(Wish.of(MLP, "svg").to_json(), tmp_path / "export", lambda step: None)
    assert "is full: nothing was written" in answer["refused"]


def test_a_file_too_large_for_a_page_is_refused_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_limit", lambda: None)
    monkeypatch.setattr(worker, "MAX_FILE", 10)
    answer = worker._answered(Wish.of(MLP, "svg").to_json(), tmp_path / "export", lambda step: None)
    assert "python -m builder export" in answer["refused"]
    assert not (tmp_path / "export").exists()


def test_nobody_fills_the_queue(exports: Exports) -> None:
    for number in range(2 + MOST_OF_ONE):
        exports.ask(wish(number), "eager")
    with pytest.raises(ExportRefused, match="8 exports of yours wait already"):
        exports.ask(wish(99), "eager")
    exports.ask(wish(100), "another person")


def test_a_finished_one_is_there_at_once_also_for_the_next_server(
    exports: Exports, gate: Path
) -> None:
    (gate / "go").touch()
    exports.ask(wish(), "me")
    found = ended(exports, wish()).kept
    assert found is not None and found.content() == b"made" and found.name == "net.py"
    (gate / "go").unlink()  # whoever is started now, waits for ever
    exports.ask(wish(), "me")
    later = Exports()
    later.ask(wish(), "somebody")
    assert states(exports, 1) == states(later, 1) == ["done"]
    assert exports.last("me", "", "py") == wish()


def test_a_damaged_one_is_made_anew(exports: Exports, gate: Path) -> None:
    (gate / "go").touch()
    exports.ask(wish(), "me")
    found = ended(exports, wish()).kept
    assert found is not None
    found.path.write_bytes(b"half")
    found.path.write_bytes(b"hal")
    assert exports.status(wish()) is None
    exports.ask(wish(), "me")
    assert ended(exports, wish()).state == "done"


def test_what_nobody_looked_at_goes_when_it_is_old_or_too_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [str(n) * 40 for n in range(4)]
    for age, key in enumerate(keys):
        (tmp_path / key).mkdir()
        (tmp_path / key / "file").write_bytes(b"x" * 100)
        at = time.time() - 3600 * age
        os.utime(tmp_path / key, (at, at))
    monkeypatch.setattr(kept, "MOST_BYTES", 250)
    kept.prune(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == keys[:2]
    monkeypatch.setattr(kept, "MOST_SECONDS", 1800.0)
    kept.prune(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == keys[:1]


def test_what_a_killed_server_left_is_swept_and_what_another_works_on_is_not(gate: Path) -> None:
    folder = Exports().folder
    mine = folder / f".work-{os.getpid()}-{start_time(os.getpid())}-ab"
    dead = folder / ".work-999999999-1-ab"
    for place in (mine, dead):
        place.mkdir(parents=True)
    Exports()
    assert mine.exists() and not dead.exists()


# The key ------------------------------------------------------------------------------------------


def test_moving_a_layer_makes_another_picture_and_no_other_code() -> None:
    node = next(iter(MLP.graph.nodes))
    moved = replace(MLP, graph=apply(MLP.graph, SetPosition(node, (50, 60))))
    assert Wish.of(moved, "py").key == Wish.of(MLP, "py").key
    assert Wish.of(moved, "svg").key != Wish.of(MLP, "svg").key


def test_what_changes_the_file_changes_the_key(tmp_path: Path) -> None:
    wishes = [
        Wish.of(MLP, "py"),
        Wish.of(MLP, "pt2"),
        Wish.of(MLP, "py", "functional"),
        Wish.of(MLP, "py", seed=1),
        Wish.of(replace(MLP, name="Other"), "py"),
        Wish.of(MLP, "py", run=tmp_path, epoch=1),
        Wish.of(MLP, "py", run=tmp_path, epoch=2),
        Wish.of(MLP, "zip"),
        Wish.of(replace(MLP, training={"epochs": 3}), "zip"),
        Wish.of(replace(MLP, data={"source": "iris"}), "zip"),
    ]
    assert len({w.key for w in wishes}) == len(wishes)
    unused = Wish.of(replace(MLP, data={"source": "iris"}, training={"epochs": 3}), "py")
    assert unused.key == Wish.of(MLP, "py").key
    for each in wishes:
        assert Wish.from_json(each.to_json()).key == each.key


def test_an_upload_is_its_owners_alone(tmp_path: Path) -> None:
    own = replace(MLP, data={"source": "upload:0123456789abcdef"})
    mine, theirs = (Wish.of(own, "zip", owner_dir=tmp_path / name) for name in ("a", "b"))
    assert mine.key != theirs.key
    assert Wish.of(MLP, "zip", owner_dir=tmp_path / "a").owner_dir is None


# For real -----------------------------------------------------------------------------------------


def test_the_process_gives_what_the_verb_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAYERWISE_HOME", str(tmp_path))
    exports, wanted = Exports(), Wish.of(MLP, "py")
    exports.ask(wanted, "me")
    status = ended(exports, wanted)
    assert status.kept is not None, status.sentence
    direct = builder.export_project(MLP, "py")
    assert status.kept.content() == direct.content
    assert status.kept.proof == direct.proof
    assert status.kept.name == direct.name


def test_the_memory_of_one_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAYERWISE_HOME", str(tmp_path))
    monkeypatch.setattr(queue, "MEMORY_GB", "0.02")
    exports, wanted = Exports(), Wish.of(project("mlp_784_sequential"), "py")
    exports.ask(wanted, "me")
    status = ended(exports, wanted)
    assert "of memory, the most that this server gives one" in status.sentence


def test_it_ends_with_the_server_that_started_it(tmp_path: Path) -> None:
    server = subprocess.Popen(
        [
            sys.executable, "-c",
            "import sys, time, pathlib\nfrom builder.export import queue\n"
            "made = queue._start(pathlib.Path(sys.argv[1]))\n"
            "print(made.pid, flush=True)\ntime.sleep(600)",
            str(tmp_path),
        ],
        stdout=subprocess.PIPE,
    )  # fmt: skip
    assert server.stdout is not None
    pid = int(server.stdout.readline())
    mark = ProcessMark(pid, start_time(pid) or "")
    assert mark.alive
    server.kill()
    server.wait()
    server.stdout.close()
    until(lambda: not mark.alive)


def test_a_wish_that_cannot_be_is_a_refusal_not_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_limit", lambda: None)
    answer = worker._answered(
        Wish.of(MLP, "safetensors", "manual").to_json(), tmp_path / "export", lambda step: None
    )
    assert "manual" in answer["refused"]
    with pytest.raises(LayerwiseError):
        Wish.of(MLP, "docx")
