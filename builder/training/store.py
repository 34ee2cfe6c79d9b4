"""Whose run is whose, and in which state: one row a run in SQLite, beside the run folders.

A row never says more than is so: whenever it is read as running, the process is looked for, so no
run is shown that nobody trains. Commits are on the disk when a call returns.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import secrets
import shutil
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

from builder.errors import JobRefused, NotFound
from builder.home import StorageRefused, home, make_folder
from builder.training import pool
from builder.training.folder import Ending, RunFolder, RunState
from builder.training.job import too_many_wait
from builder.training.killed import ending_of_killed
from builder.training.metrics_log import Points, finite, read_points
from builder.training.processes import ProcessMark, read_mark
from builder.training.run import Run, open_run

_LOG: Final = logging.getLogger("layerwise")
ACTIVE: Final = ("queued", "running")
_BUSY_TIMEOUT_SECONDS: Final = 30.0
_ID: Final = re.compile(r"[0-9a-z]{8,32}")
_LONGEST_NAME: Final = 80
_ORPHAN_AFTER_SECONDS: Final = 3600.0  # younger folders may be about to get their row

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS runs (
    place    INTEGER PRIMARY KEY AUTOINCREMENT,  -- the order of the queue
    id       TEXT NOT NULL UNIQUE,
    owner    TEXT NOT NULL,
    name     TEXT NOT NULL,
    state    TEXT NOT NULL,
    sentence TEXT NOT NULL DEFAULT '',
    attempt  INTEGER NOT NULL DEFAULT 1,
    launcher TEXT NOT NULL DEFAULT '',           -- the server that started the attempt, as JSON
    created  REAL NOT NULL,
    started  REAL,
    ended    REAL,
    summary  TEXT NOT NULL DEFAULT '{}',
    figures  TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX IF NOT EXISTS runs_by_owner ON runs (owner, created);
CREATE INDEX IF NOT EXISTS runs_by_state ON runs (state, place);
"""


@dataclass(frozen=True)
class RunCard:
    """One line of the list of runs. Times are seconds since 1970, `seconds` is of training.

    `summary`: {"data", "network", "parameters", "optimizer", "lr", "epochs", "loss"}. `figures`:
    the last whole epoch's, {"train": {"loss": …}, "validation": {"accuracy": …}}, and "test" once
    it ended. `epoch`: that one.
    """

    id: str
    name: str
    state: RunState
    sentence: str
    created: float
    started: float | None
    ended: float | None
    attempt: int = 1
    epoch: int = 0
    seconds: float = 0.0
    summary: Mapping[str, Any] = field(default_factory=dict)
    figures: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)

    @property
    def active(self) -> bool:
        """Whether it waits or trains."""
        return self.state in ACTIVE


class Store:
    """The runs of one home. Safe to use from several threads and processes at once."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or home()
        self.folders = make_folder(self.root / "runs")
        self._pool = self.root / "run-data"
        self._told: set[tuple[str, str]] = set()  # what the log has said of runs already
        with self._database() as db:
            db.execute("PRAGMA journal_mode=WAL")
            db.executescript(_SCHEMA)

    # --- an owner's runs -------------------------------------------------------------------------

    def runs(self, owner: str) -> list[RunCard]:
        """An owner's runs, the newest first."""
        with self._database() as db:
            rows = db.execute(
                "SELECT * FROM runs WHERE owner = ? ORDER BY place DESC", (owner,)
            ).fetchall()
        return [_card(self._settled(row)) for row in rows]

    def get(self, run_id: str, owner: str) -> RunCard:
        """One run. Errors: NotFound when there is none of that owner's."""
        return _card(self._settled(self._row(run_id, owner)))

    def open(self, run_id: str, owner: str) -> Run:
        """The run's folder, to look inside. Errors: NotFound."""
        self._row(run_id, owner)
        return open_run(self.folders / run_id)

    def points(self, run_id: str, owner: str, since: str = "") -> Points:
        """What the run reported since the last look (`Points.position`). Errors: NotFound."""
        self._row(run_id, owner)
        return read_points(self.folder(run_id).metrics, since)

    def waiting_before(self, run_id: str, owner: str) -> int:
        """How many runs of anybody's wait in front of this one."""
        place = self._row(run_id, owner)["place"]
        with self._database() as db:
            found = db.execute(
                "SELECT COUNT(*) FROM runs WHERE state = 'queued' AND place < ?", (place,)
            ).fetchone()
        return int(found[0])

    def rename(self, run_id: str, owner: str, name: str) -> None:
        """Another name in the list; an empty one changes nothing. Errors: NotFound."""
        clean = " ".join(name.split())[:_LONGEST_NAME]
        self._row(run_id, owner)
        if clean:
            with self._database() as db:
                db.execute("UPDATE runs SET name = ? WHERE id = ?", (clean, run_id))

    def delete(self, run_id: str, owner: str) -> None:
        """Removes a run with its folder. Errors: NotFound; JobRefused while it trains."""
        row = self._settled(self._row(run_id, owner))
        if row["state"] == "running":
            raise JobRefused(f"“{row['name']}” is being trained. Stop it first.")
        with self._database() as db:
            gone = db.execute(
                "DELETE FROM runs WHERE id = ? AND owner = ? AND state != 'running'",
                (run_id, owner),
            ).rowcount
        if not gone:
            raise JobRefused(f"“{row['name']}” has just been started. Stop it first.")
        self._remove_folder(self.folders / run_id)
        pool.sweep(self._pool)

    # --- for the supervisor ----------------------------------------------------------------------

    def folder(self, run_id: str) -> RunFolder:
        """Where a run lies."""
        return RunFolder(self.folders / run_id)

    def new_id(self) -> str:
        """A fresh id: time first, so that folders sort, then what nobody guesses."""
        return f"{int(time.time()):x}{secrets.token_hex(8)}"

    def add(
        self,
        run_id: str,
        owner: str,
        name: str,
        summary: Mapping[str, Any],
        most_waiting: int | None = None,
    ) -> None:
        """Puts a run whose folder is written at the end of the queue.

        Errors: JobRefused when so many of the owner's wait already; counted in the transaction that
        adds, so that two clicks at once never both take the last place.
        """
        clean = " ".join(name.split())[:_LONGEST_NAME] or "Untitled"
        data = self.folder(run_id).data
        if data.exists():
            pool.share(data, self._pool)
        with self._database() as db:
            db.execute("BEGIN IMMEDIATE")
            if most_waiting is not None:
                waiting = db.execute(
                    "SELECT COUNT(*) FROM runs WHERE owner = ? AND state = 'queued'", (owner,)
                ).fetchone()[0]
                if waiting >= most_waiting:
                    raise too_many_wait(most_waiting)
            db.execute(
                "INSERT INTO runs (id, owner, name, state, created, summary) VALUES (?,?,?,?,?,?)",
                (run_id, owner, clean, "queued", time.time(), json.dumps(finite(summary))),
            )

    def count(self, owner: str, states: Sequence[str]) -> int:
        """How many of an owner's runs are in one of some states."""
        marks = ",".join("?" * len(states))
        with self._database() as db:
            found = db.execute(
                f"SELECT COUNT(*) FROM runs WHERE owner = ? AND state IN ({marks})",
                (owner, *states),
            ).fetchone()
        return int(found[0])

    def claim_next(self, at_once: int, launcher: ProcessMark) -> tuple[str, int] | None:
        """Takes the next waiting run for a process to launch: (id, attempt), None when none may start.

        Whoever has fewest running goes first, then whoever waits longest. One transaction, so that
        two servers never launch one run, nor more than `at_once` together.
        """
        with self._database() as db:
            db.execute("BEGIN IMMEDIATE")
            running = db.execute("SELECT COUNT(*) FROM runs WHERE state = 'running'").fetchone()[0]
            row = db.execute(
                "SELECT id, attempt FROM runs AS waiting WHERE state = 'queued' ORDER BY (SELECT "
                "COUNT(*) FROM runs WHERE state = 'running' AND owner = waiting.owner), place LIMIT 1"
            ).fetchone()
            if row is None or running >= at_once:
                return None
            db.execute(
                "UPDATE runs SET state = 'running', launcher = ?, started = ?, sentence = '' "
                "WHERE id = ?",
                (json.dumps([launcher.pid, launcher.started]), time.time(), row["id"]),
            )
            return str(row["id"]), int(row["attempt"])

    def name_for(self, owner: str, wish: str) -> str:
        """A name that tells an owner's runs of one network apart: "Digits MLP", "Digits MLP (2)", …"""
        base = " ".join(wish.split())[: _LONGEST_NAME - 6] or "Untitled"
        with self._database() as db:
            taken = {r[0] for r in db.execute("SELECT name FROM runs WHERE owner = ?", (owner,))}
        number = 1
        while (name := base if number == 1 else f"{base} ({number})") in taken:
            number += 1
        return name

    def requeue(self, run_id: str, attempt: int) -> None:
        """Lets a run wait for its turn again, as a new attempt; an older one has no say any more."""
        with self._database() as db:
            db.execute(
                "UPDATE runs SET state = 'queued', attempt = ?, sentence = '', ended = NULL "
                "WHERE id = ? AND attempt < ?",
                (attempt, run_id, attempt),
            )

    def drop_from_queue(self, run_id: str, sentence: str) -> bool:
        """Takes a waiting run out of the queue; False when it does not wait any more."""
        with self._database() as db:
            return bool(
                db.execute(
                    "UPDATE runs SET state = 'stopped', sentence = ?, ended = ? "
                    "WHERE id = ? AND state = 'queued'",
                    (sentence, time.time(), run_id),
                ).rowcount
            )

    def end(self, run_id: str, attempt: int, ending: Ending) -> None:
        """Writes down how an attempt ended, once."""
        figures = {
            "epoch": ending.epoch,
            "seconds": ending.seconds,
            **{name: finite(figures) for name, figures in ending.figures.items()},
        }
        with self._database() as db:
            db.execute(
                "UPDATE runs SET state = ?, sentence = ?, ended = ?, figures = ? "
                "WHERE id = ? AND attempt = ? AND state = 'running'",
                (ending.state, ending.sentence, time.time(), json.dumps(figures), run_id, attempt),
            )

    def settle_all(self) -> None:
        """Brings every row that says running into agreement with the processes that live.

        A run that cannot be looked at is told in the log, once, and does not stop the others.
        """
        with self._database() as db:
            rows = db.execute("SELECT * FROM runs WHERE state = 'running'").fetchall()
        for row in rows:
            try:
                self._settled(row)
            except Exception as error:
                if (row["id"], repr(error)) not in self._told:
                    self._told.add((row["id"], repr(error)))
                    _LOG.exception("Run %s cannot be looked at.", row["id"])

    def sweep(self) -> None:
        """Removes folders without a row: what a kill in the middle of a delete or start left."""
        with self._database() as db:
            known = {row[0] for row in db.execute("SELECT id FROM runs")}
        for path in self.folders.iterdir():
            try:
                young = time.time() - path.stat().st_mtime < _ORPHAN_AFTER_SECONDS
            except OSError:
                continue  # gone by now
            if path.name.startswith(".deleted-") or (path.name not in known and not young):
                shutil.rmtree(path, ignore_errors=True)
        pool.sweep(self._pool)

    # --- inside ----------------------------------------------------------------------------------

    def _settled(self, row: sqlite3.Row) -> sqlite3.Row:
        """The row itself, or what it says once the end of its process is written down."""
        if row["state"] != "running":
            return row
        folder, attempt = self.folder(row["id"]), int(row["attempt"])
        mark = folder.worker(attempt)
        if mark is None:
            if read_mark(row["launcher"]).alive or not folder.void(attempt):
                return row  # it is being started, or has begun at this very moment
            self.requeue(row["id"], attempt + 1)
        else:
            alive = mark.alive  # looked at first: it writes its ending before it dies
            ending = folder.ending()
            if ending is None or ending.attempt != attempt:
                if alive:
                    return row
                if mark.void:  # no worker ever began it, and none can any more
                    self.requeue(row["id"], attempt + 1)
                    return self._row(row["id"], row["owner"])
                ending = ending_of_killed(folder, attempt)
            self.end(row["id"], attempt, ending)
        return self._row(row["id"], row["owner"])

    def _row(self, run_id: str, owner: str) -> sqlite3.Row:
        if isinstance(run_id, str) and _ID.fullmatch(run_id):
            with self._database() as db:
                row = db.execute(
                    "SELECT * FROM runs WHERE id = ? AND owner = ?", (run_id, owner)
                ).fetchone()
            if row is not None:
                return cast(sqlite3.Row, row)
        raise NotFound("There is no such run. It may have been deleted; choose one from the list.")

    def _remove_folder(self, path: Path) -> None:
        """First out of sight in one step, then piece by piece: a kill leaves no half run."""
        if not path.exists():
            return
        hidden = path.with_name(f".deleted-{path.name}")
        with contextlib.suppress(OSError):
            path.rename(hidden)
            shutil.rmtree(hidden, ignore_errors=True)

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        """One connection a call: cheap, and nothing is shared between threads."""
        try:
            db = sqlite3.connect(self.root / "runs.sqlite", timeout=_BUSY_TIMEOUT_SECONDS)
        except sqlite3.DatabaseError as error:
            raise StorageRefused(_cannot(self.root, error)) from error
        try:
            db.row_factory = sqlite3.Row
            db.execute("PRAGMA synchronous=FULL")
            with db:
                yield db
        except sqlite3.DatabaseError as error:
            raise StorageRefused(_cannot(self.root, error)) from error
        finally:
            db.close()


def _card(row: sqlite3.Row) -> RunCard:
    figures = _object(row["figures"])
    return RunCard(
        row["id"],
        row["name"],
        row["state"],
        row["sentence"],
        row["created"],
        row["started"],
        row["ended"],
        row["attempt"],
        figures.pop("epoch", 0),
        figures.pop("seconds", 0.0),
        _object(row["summary"]),
        figures,
    )


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, TypeError):
        return {}
    return value if isinstance(value, dict) else {}


def _cannot(root: Path, error: Exception) -> str:
    if not isinstance(error, sqlite3.OperationalError):  # the file is no database, or a broken one
        return (
            f"The list of runs {root / 'runs.sqlite'} is damaged: {error}. Put a copy of it back, or "
            "move it away together with the folder runs beside it, to begin with an empty list."
        )
    return (
        f"The list of runs in {root} cannot be used: {error}. Free some space, or give this user "
        "write access to it."
    )
