"""Starts workers, as many at once as the machine bears, and knows how each of them ends.

A worker has a session of its own and needs nobody: when the server ends, it trains on; when the
server is there again, the worker is found by its process id and start time, or its end is noted.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO, Any, Final

from builder.errors import JobRefused
from builder.home import StorageRefused, home_path
from builder.training.check import check_plan
from builder.training.database import DiskRefused
from builder.training.folder import Ending, RunFolder
from builder.training.headless import prepare_resume
from builder.training.job import JobRequest, too_many_wait
from builder.training.limits import (
    JOBS_AT_ONCE,
    KEEP_A_WORKER_WARM,
    WAITING_JOBS_PER_OWNER,
    WORKER_START_SECONDS,
)
from builder.training.prepare import Plan, make_plan, run_data, write_run
from builder.training.processes import this_process
from builder.training.room import refuse_without_room
from builder.training.spare import Spare
from builder.training.store import Store
from builder.training.tensors import RunData

_LOG: Final = logging.getLogger("layerwise")
_LOOK_EVERY_SECONDS: Final = 0.2
_PAUSE_SECONDS: Final = 1.0  # after something went wrong: the disk may come back
_SOURCES: Final = Path(__file__).parents[2]


class Supervisor:
    """Runs the queue of one home. Several servers may each have one: the store keeps them apart."""

    def __init__(self, store: Store | None = None, at_once: int = JOBS_AT_ONCE) -> None:
        self.store = store or Store()
        self.at_once = at_once
        self._spare = Spare(launch_spare)
        self._children: dict[tuple[str, int], tuple[subprocess.Popen[bytes], float]] = {}
        self._unstarted: dict[tuple[str, int], str] = {}  # why; to be noted once the disk lets us
        self._told: set[str] = set()  # what the log has said already
        self._lock = threading.RLock()
        self._woken, self._closed = threading.Event(), threading.Event()
        self.reconcile()
        self._thread = threading.Thread(target=self._watch, name="training", daemon=True)
        self._thread.start()

    # --- what a page asks for --------------------------------------------------------------------

    def start(self, request: JobRequest) -> str:
        """Checks a job, writes its folder and puts it into the queue; gives the run's id.

        Errors: JobRefused with everything that is in the way; DataRefused; WeightsRefused;
        StorageRefused.
        """
        self._refuse_full(request.owner)
        plan = checked_plan(request)
        run_id = self.store.new_id()
        folder = self.store.folders / run_id
        try:
            name = request.name or self.store.name_for(request.owner, request.project.name)
            write_run(folder, plan, name, link=True)
            summary = _summary(plan, request.project_id, self.store.folder(run_id))
            self.store.add(run_id, request.owner, name, summary, WAITING_JOBS_PER_OWNER)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        self._pump()
        return run_id

    def stop(self, run_id: str, owner: str) -> None:
        """Stops a run: one that waits leaves the queue, one that trains ends after its batch.

        What was learned is kept. A run that has ended already is no error. Errors: NotFound.
        """
        card = self.store.get(run_id, owner)
        if card.state == "queued" and self.store.drop_from_queue(
            run_id, "Stopped before it had begun."
        ):
            return
        if self.store.get(run_id, owner).state == "running":
            self.store.folder(run_id).want_stop()

    def resume(self, run_id: str, owner: str, epochs: int | None = None) -> None:
        """Lets a run that was interrupted or stopped go on from its last committed epoch.

        `epochs`: train until this epoch instead. Errors: NotFound; JobRefused when it is active or
        complete, or the owner's places or room are taken.
        """
        card = self.store.get(run_id, owner)
        if card.active:
            raise JobRefused(f"“{card.name}” is waiting or being trained already.")
        self._refuse_full(owner)
        folder = self.store.folder(run_id)
        job, ending = folder.job(), folder.ending()
        prepare_resume(folder, epochs)
        attempt = max(card.attempt, folder.attempts) + 1
        try:
            self.store.requeue(run_id, attempt, WAITING_JOBS_PER_OWNER)
        except (JobRefused, StorageRefused):  # it stays as it ended
            folder.write_job(job)
            if ending is not None:
                folder.write_ending(ending)
            raise
        self._pump()

    def _refuse_full(self, owner: str) -> None:
        """Before anything is written. Errors: JobRefused when the owner's places or room are taken."""
        if self.store.count(owner, ["queued"]) >= WAITING_JOBS_PER_OWNER:
            raise too_many_wait(WAITING_JOBS_PER_OWNER)
        refuse_without_room(self.store.folders_of(owner))

    def warm_up(self) -> None:
        """Somebody looks at the Train page: keep a worker ready for ten minutes. Returns at once."""
        if KEEP_A_WORKER_WARM:
            self._spare.want()
            self._woken.set()

    # --- keeping order ---------------------------------------------------------------------------

    def reconcile(self) -> None:
        """After a start: living workers go on, dead ones are noted as interrupted or as they ended.

        A disk that takes nothing is told in the log: the pages still show what there is.
        Errors: StorageRefused when the list of runs is damaged and the disk takes no other.
        """
        for step in (self.store.sweep, self.store.settle_all):
            try:
                step()
            except DiskRefused as refusal:
                _LOG.warning("The list of runs is not brought up to date: %s", refusal)

    def close(self, timeout_seconds: float = 5.0) -> None:
        """Ends the watching; the workers train on."""
        self._closed.set()
        self._woken.set()
        self._thread.join(timeout_seconds)
        self._spare.close()

    def _watch(self) -> None:
        while not self._closed.is_set():
            self._woken.wait(_LOOK_EVERY_SECONDS)
            self._woken.clear()
            # Each by itself: nothing may end this thread, all owners' runs depend on it.
            done = [
                self._survives(step)
                for step in (self._collect, self.store.settle_all, self._pump, self._tend_spare)
            ]
            if not all(done):
                self._closed.wait(_PAUSE_SECONDS)

    def _survives(self, step: Callable[[], None]) -> bool:
        """Does a step; when it fails, the log says so, once for each cause."""
        try:
            step()
        except Exception as error:
            if repr(error) not in self._told:
                self._told.add(repr(error))
                _LOG.exception("The supervisor of the trainings goes on after an error.")
            return False
        return True

    def _tend_spare(self) -> None:
        self._spare.tend(may_start=not self._any_starting())

    def _pump(self) -> None:
        """Launches waiting runs while there is room."""
        with self._lock:
            while not self._closed.is_set():
                claimed = self.store.claim_next(self.at_once, this_process())
                if claimed is None:
                    return
                run_id, attempt = claimed
                try:
                    folder = self.store.folder(run_id)
                    child = self._spare.take(folder, attempt) or launch(folder, attempt)
                except Exception as error:
                    why = getattr(error, "strerror", None) or str(error)
                    self._unstarted[run_id, attempt] = why
                    self._survives(self._note_unstarted)
                    continue
                self._children[run_id, attempt] = (child, time.monotonic())

    def _collect(self) -> None:
        """Takes leave of children that ended, and notes those that never began."""
        with self._lock:
            for (run_id, attempt), (child, since) in list(self._children.items()):
                ended = child.poll() is not None
                begun = self.store.folder(run_id).worker(attempt) is not None
                late = time.monotonic() - since > WORKER_START_SECONDS
                if not ended and not (late and not begun):
                    continue
                del self._children[run_id, attempt]
                if begun:
                    continue  # settle_all notes how it ended
                if not ended:
                    child.kill()
                    child.wait()
                self._unstarted[run_id, attempt] = _last_line(self.store.folder(run_id))
            self._note_unstarted()

    def _note_unstarted(self) -> None:
        """Writes down which attempts could not be started; what the disk refuses is tried again."""
        for (run_id, attempt), why in list(self._unstarted.items()):
            if self._survives(partial(self._could_not_start, run_id, attempt, why)):
                del self._unstarted[run_id, attempt]

    def _any_starting(self) -> bool:
        """Whether a worker has not reported its first step yet: a spare would slow it down."""
        with self._lock:
            return any(
                child.poll() is None and not self.store.folder(run_id).metrics.exists()
                for (run_id, _), (child, _) in self._children.items()
            )

    def _could_not_start(self, run_id: str, attempt: int, why: str) -> None:
        sentence = f"The training process could not be started: {why or 'it ended at once'}."
        folder = self.store.folder(run_id)
        ending = Ending("failed", sentence, attempt=attempt)
        with contextlib.suppress(OSError):  # its folder may be gone
            folder.write_ending(ending)  # first, or whoever looks in between takes it for not begun
        if folder.void(attempt):
            self.store.end(run_id, attempt, ending)


def checked_plan(request: JobRequest) -> Plan:
    """The plan of a request. Errors: JobRefused with every problem in one text; WeightsRefused."""
    dataset = request.dataset()
    rows = dataset if isinstance(dataset, RunData) else run_data(dataset)
    problems = check_plan(request.project, rows, request.settings)
    errors = [p.message for p in problems if p.severity == "error"]
    if errors:
        raise JobRefused(" ".join(errors))
    return make_plan(request.project, rows, request.settings, weights=request.weights)


def launch(folder: RunFolder, attempt: int) -> subprocess.Popen[bytes]:
    """Starts a worker in a session of its own. Errors: OSError when the system cannot."""
    with open(folder.log, "ab") as log:
        return _start([str(folder.path), str(attempt)], folder.path, subprocess.DEVNULL, log)


def launch_spare() -> subprocess.Popen[bytes]:
    """Starts a worker that waits for its folder on its standard input. Errors: OSError."""
    return _start(["--spare"], Path.cwd(), subprocess.PIPE, subprocess.DEVNULL)


def _start(
    arguments: list[str], folder: Path, stdin: int, output: IO[bytes] | int
) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": _python_path(), "PYTHONUNBUFFERED": "1"}
    environment.update(dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
    options: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        quiet = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.BELOW_NORMAL_PRIORITY_CLASS
        options = {"creationflags": quiet}
    return subprocess.Popen(
        [sys.executable, "-m", "builder.training.worker", *arguments],
        stdin=stdin,
        stdout=output,
        stderr=output,
        cwd=folder,
        env=environment,
        close_fds=True,
        **options,
    )


_current: list[Supervisor] = []
_current_lock: Final = threading.Lock()


def get_supervisor() -> Supervisor:
    """The supervisor of this process for the home there is, made at the first call."""
    root = home_path()
    with _current_lock:
        if not _current or _current[0].store.root != root:
            for other in _current:
                other.close()
            _current[:] = [Supervisor(Store(root))]
        return _current[0]


def reconcile() -> None:
    """What a server does at its start: makes the supervisor, which settles what was left over."""
    get_supervisor()


def _python_path() -> str:
    """Where `builder` lies, for a worker whose working folder is its run's."""
    return os.pathsep.join(filter(None, (str(_SOURCES), os.environ.get("PYTHONPATH"))))


def _last_line(folder: RunFolder) -> str:
    try:
        lines = folder.log.read_text("utf-8", errors="replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1][:200].rstrip(".") if lines else ""


def _summary(plan: Plan, project_id: str, folder: RunFolder) -> dict[str, Any]:
    start = folder.job().get("start")
    return {
        **({"start": start} if start else {}),
        "project": project_id,
        "data": plan.data.title,
        "network": plan.project.graph.name,
        "parameters": plan.parameters,
        "optimizer": plan.settings.optimizer,
        "lr": plan.settings.learning_rate,
        "batch_size": plan.settings.batch_size,
        "epochs": plan.settings.epochs,
        "seed": plan.settings.seed,
        "loss": plan.loss.key,
    }
