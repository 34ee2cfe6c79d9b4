"""Exports one after the other: a few proofs at once, however many people press the button.

Each is carried out by a process of its own (`builder.export.worker`), with limits on memory and time,
in a folder that is removed with it. What is finished is kept on the disk under its wish's key.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from builder.errors import ExportRefused
from builder.export import kept
from builder.export.kept import Kept
from builder.export.wish import Wish
from builder.home import (
    StorageRefused,
    home_path,
    is_full,
    make_folder,
    storage_refused,
    why_nothing_is_kept,
)
from builder.training.processes import ProcessMark, start_time

_LOG: Final = logging.getLogger("layerwise")

AT_ONCE: Final = max(1, int(os.environ.get("LAYERWISE_EXPORTS") or 2))
"""Proofs side by side on this machine; the others wait. Each is one thread, and some 700 MB."""
SECONDS: Final = float(os.environ.get("LAYERWISE_EXPORT_SECONDS") or 600)
"""Of one export from its start to its end, the first epoch of a training being part of it."""
MEMORY_GB: Final = os.environ.get("LAYERWISE_PROOF_GB") or "4"
"""Of each of its two processes, on top of what torch takes."""
MOST_OF_ONE: Final = 8  # exports one person may have waiting: each format once
MOST_WAITING: Final = 200
_MOST_REMEMBERED: Final = 500  # refusals, and what was asked for last
_MOST_OF_A_FORMAT: Final = 4  # wishes of a person for a project, in a format
_SOURCES: Final = Path(__file__).parents[2]
_WORK: Final = re.compile(r"\.work-(\d+)-(\d*)-[0-9a-f]+")

State = Literal["waiting", "running", "done", "refused"]


@dataclass(frozen=True)
class Status:
    """How an export stands. `since`: when it was asked for, or began, in seconds since 1970.

    `steps`: what was done, and is done now, each with its begin. `before`: how many wait in front of it.
    `sentence`: why it was refused. `kept`: the file.
    """

    state: State
    since: float = 0.0
    steps: tuple[tuple[str, float], ...] = ()
    before: int = 0
    sentence: str = ""
    kept: Kept | None = None

    @property
    def active(self) -> bool:
        """Whether it waits or is made."""
        return self.state in ("waiting", "running")


@dataclass
class _Job:
    wish: Wish
    askers: list[str]
    since: float = field(default_factory=time.time)
    state: State = "waiting"
    steps: list[tuple[str, float]] = field(default_factory=list)
    process: subprocess.Popen[bytes] | None = None
    ended: Literal["", "cancelled", "late"] = ""  # before it was done


class Exports:
    """The queue of one server. Safe to use from several threads."""

    def __init__(
        self, root: Path | None = None, at_once: int = AT_ONCE, seconds: float = SECONDS
    ) -> None:
        self.folder = (root or home_path()) / "exports"
        self.at_once, self.seconds = at_once, seconds
        self._jobs: dict[str, _Job] = {}
        self._refused: dict[str, str] = {}
        self._asked: dict[tuple[str, str, str], list[Wish]] = {}
        self._lock = threading.RLock()
        self._closed = False
        self._sweep()

    def ask(self, wish: Wish, owner: str, project_id: str = "") -> None:
        """Has a wish carried out, unless it is or was already; whoever asks for the same shares it.

        Errors: ExportRefused where too many wait; StorageRefused where the disk takes nothing.
        """
        with self._lock:
            key = wish.key
            self._refused.pop(key, None)
            self._remember(wish, owner, project_id)
            if kept.find(key, self.folder) is not None:
                return
            job = self._jobs.get(key)
            if job is not None and job.ended != "cancelled":
                if owner not in job.askers:
                    job.askers.append(owner)
                return
            if (refusal := why_nothing_is_kept()) is not None:
                raise refusal
            self._refuse_too_many(owner)
            if job is not None:  # the cancelled one takes its leave without being in the way
                del self._jobs[key]
            self._jobs[key] = _Job(wish, [owner])
            self._pump()

    def status(self, wish: Wish) -> Status | None:
        """How a wish stands; None where nobody asked for it."""
        key = wish.key
        with self._lock:
            job = self._jobs.get(key)
            if job is not None and job.ended != "cancelled":
                waiting = [k for k, j in self._jobs.items() if j.state == "waiting"]
                before = waiting.index(key) if key in waiting else 0
                return Status(job.state, job.since, tuple(job.steps), before)
            if key in self._refused:
                return Status("refused", sentence=self._refused[key])
        found = kept.find(key, self.folder)
        return Status("done", kept=found) if found is not None else None

    def last(self, owner: str, project_id: str, to: str) -> Wish | None:
        """What a person asked for last of a project in a format, and has not taken back."""
        with self._lock:
            asked = list(self._asked.get((owner, project_id, to), ()))
        return next((wish for wish in reversed(asked) if self.status(wish) is not None), None)

    def cancel(self, wish: Wish, owner: str) -> None:
        """Takes a person's wish back: with the last one who asked, it ends. None there is no error."""
        with self._lock:
            job = self._jobs.get(wish.key)
            if job is None or owner not in job.askers:
                return
            job.askers.remove(owner)
            if not job.askers:
                self._cancel(wish.key, job)

    def close(self) -> None:
        """Ends everything; what waits is forgotten."""
        with self._lock:
            self._closed = True
            for key, job in list(self._jobs.items()):
                self._cancel(key, job)

    # --- inside ----------------------------------------------------------------------------------

    def _remember(self, wish: Wish, owner: str, project_id: str) -> None:
        place = (owner, project_id, wish.to)
        before = [each for each in self._asked.pop(place, ()) if each.key != wish.key]
        self._asked[place] = [*before[1 - _MOST_OF_A_FORMAT :], wish]
        while len(self._asked) > _MOST_REMEMBERED:
            del self._asked[next(iter(self._asked))]

    def _refuse_too_many(self, owner: str) -> None:
        waiting = [job for job in self._jobs.values() if job.state == "waiting"]
        if sum(owner in job.askers for job in waiting) >= MOST_OF_ONE:
            raise ExportRefused(
                f"{MOST_OF_ONE} exports of yours wait already. Wait for one, or cancel one."
            )
        if len(waiting) >= MOST_WAITING:
            raise ExportRefused(
                f"{MOST_WAITING} exports wait on this server already. Try again in a minute."
            )

    def _pump(self) -> None:
        """Starts what waits while there is room: who has fewest under way first, then who came first."""
        running = [job for job in self._jobs.values() if job.state == "running"]
        while len(running) < self.at_once and not self._closed:
            waiting = [(k, j) for k, j in self._jobs.items() if j.state == "waiting"]
            if not waiting:
                return
            busy = [owner for job in running for owner in job.askers]
            key, job = min(waiting, key=lambda one: min(map(busy.count, one[1].askers)))
            job.state, job.since = "running", time.time()
            running.append(job)
            threading.Thread(target=self._run, args=(key, job), name="export", daemon=True).start()

    def _cancel(self, key: str, job: _Job) -> None:
        job.ended = "cancelled"
        if job.state == "waiting":
            del self._jobs[key]
        elif job.process is not None:
            _kill(job.process)

    def _run(self, key: str, job: _Job) -> None:
        """One export from its process's start to its end."""
        work = self.folder / f".work-{os.getpid()}-{start_time(os.getpid())}-{secrets.token_hex(6)}"
        try:
            sentence = self._carried_out(key, job, work)
        except (StorageRefused, ExportRefused) as refusal:
            sentence = str(refusal)
        except OSError as error:
            sentence = str(storage_refused(error, self.folder))
        except Exception:
            number = secrets.token_hex(4)
            _LOG.exception("An export failed unexpectedly (error %s)", number)
            sentence = _stumbled(number)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        with self._lock:
            if self._jobs.get(key) is job:
                del self._jobs[key]
                if sentence and job.ended != "cancelled":
                    self._refused[key] = sentence
                    while len(self._refused) > _MOST_REMEMBERED:
                        del self._refused[next(iter(self._refused))]
            self._pump()

    def _carried_out(self, key: str, job: _Job, work: Path) -> str:
        """Why it was refused; "" where it is finished and kept."""
        make_folder(work)
        with self._lock:
            if job.ended:
                return ""
            process = job.process = _start(work)
        timer = threading.Timer(self.seconds, self._too_long, (job, process))
        timer.daemon = True
        timer.start()
        answer: dict[str, str] = {}
        try:
            assert process.stdin is not None and process.stdout is not None
            with contextlib.suppress(BrokenPipeError):  # it ended at once; its answer says nothing
                process.stdin.write(json.dumps(job.wish.to_json()).encode() + b"\n")
                process.stdin.flush()
            for line in process.stdout:
                answer = json.loads(line)
                if "step" in answer:
                    job.steps.append((answer["step"], time.time()))
        finally:
            timer.cancel()
            _kill(process)
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):  # what it did not read any more
                        pipe.close()
        if job.ended:
            return (
                f"The export was not done after {self.seconds:g} seconds, so nothing is given. Choose a "
                "smaller network or less data, or run `python -m builder export` on a machine of your own."
            )
        if "done" in answer:
            kept.take_in(work / "export", key, self.folder)
            return ""
        if is_full(self.folder):
            return str(storage_refused(OSError(28, "full"), self.folder))
        if "refused" in answer:
            return answer["refused"]
        if "stumbled" in answer:
            number = secrets.token_hex(4)
            _LOG.error("An export stumbled (error %s):\n%s", number, answer["stumbled"])
            return _stumbled(number)
        return (
            "The process that makes the export was ended from outside, perhaps for want of memory. Try "
            "again, or run `python -m builder export` on a machine of your own."
        )

    def _too_long(self, job: _Job, process: subprocess.Popen[bytes]) -> None:
        with self._lock:
            job.ended = job.ended or "late"
        _kill(process)

    def _sweep(self) -> None:
        """Removes what a server that was killed left behind."""
        if not self.folder.is_dir():
            return
        for path in self.folder.iterdir():
            found = _WORK.fullmatch(path.name)
            if found and not ProcessMark(int(found[1]), found[2]).alive:
                shutil.rmtree(path, ignore_errors=True)
        with contextlib.suppress(OSError):
            kept.prune(self.folder)


def _stumbled(number: str) -> str:
    return (
        f"Something went wrong on our side while this was exported (error {number}). Choose another "
        "format or style, or tell whoever runs this server the number."
    )


def _start(work: Path) -> subprocess.Popen[bytes]:
    """The process that exports, in a session of its own, with the folder as its place for all files."""
    path = os.pathsep.join(filter(None, (str(_SOURCES), os.environ.get("PYTHONPATH"))))
    environment = {
        **os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "", "TMPDIR": str(work), "TEMP": str(work), "TMP": str(work),
        "LAYERWISE_PROOF_GROUP": "kept", "LAYERWISE_PROOF_GB": MEMORY_GB,
    }  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-m", "builder.export.worker", str(work / "export")],
        cwd=work,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        close_fds=True,
    )


_killing: Final = threading.Lock()


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Ends a process with everything in its group, and collects it; once, as its number is given on."""
    with _killing:
        if process.returncode is not None:
            return
        with contextlib.suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
        process.wait()


_current: list[Exports] = []
_current_lock: Final = threading.Lock()


def get_exports() -> Exports:
    """The queue of this process for the home there is, made at the first call."""
    folder = home_path() / "exports"
    with _current_lock:
        if not _current or _current[0].folder != folder:
            for other in _current:
                other.close()
            _current[:] = [Exports()]
        return _current[0]


def _close() -> None:
    for exports in _current:
        exports.close()


atexit.register(_close)
