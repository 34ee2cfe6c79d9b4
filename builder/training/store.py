"""Whose run is whose, and in which state: one row a run in SQLite, beside the run folders.

A row never says more than is so: whenever it is read as running, the process is looked for, so no
run is shown that nobody trains. Commits are on the disk when a call returns.
"""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import re
import secrets
import shutil
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from builder.errors import JobRefused, NotFound
from builder.home import StorageRefused, home_path, is_full, storage_refused
from builder.training import pool
from builder.training.card import RunCard as RunCard
from builder.training.card import as_ended, card_of
from builder.training.database import (
    DiskRefused,
    ListLost,
    Row,
    database,
    give_reserve,
    identity,
    keep_reserve,
    make_anew,
    prepare,
    rows,
)
from builder.training.folder import Ending, RunFolder
from builder.training.job import too_many_wait
from builder.training.killed import ending_of_killed
from builder.training.leftovers import adopt, find_leftovers, hidden, listing, shown_again
from builder.training.metrics_log import Points, finite, read_points
from builder.training.processes import ProcessMark, read_mark
from builder.training.run import Run, open_run

_LOG: Final = logging.getLogger("layerwise")
_ID: Final = re.compile(r"[0-9a-z]{8,32}")
_LONGEST_NAME: Final = 80


class Store:
    """The runs of one home. Safe to use from several threads and processes at once."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or home_path()
        self.folders = self.root / "runs"
        self._pool = self.root / "run-data"
        self._told: set[tuple[str, str]] = set()  # what the log has said of runs already
        self._prepared: tuple[int, int] | None = None  # the file of the list that was prepared
        with contextlib.suppress(DiskRefused):  # what is there can be looked at all the same
            self._prepare()
            keep_reserve(self.root)

    # --- an owner's runs -------------------------------------------------------------------------

    def runs(self, owner: str) -> list[RunCard]:
        """An owner's runs, the newest first."""
        found = self._rows("SELECT * FROM runs WHERE owner = ? ORDER BY place DESC", owner)
        return [card_of(self._settled(row)) for row in found]

    def get(self, run_id: str, owner: str) -> RunCard:
        """One run. Errors: NotFound when there is none of that owner's."""
        return card_of(self._settled(self._row(run_id, owner)))

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
        return len(self._rows("SELECT id FROM runs WHERE state = 'queued' AND place < ?", place))

    def rename(self, run_id: str, owner: str, name: str) -> None:
        """Another name in the list; an empty one changes nothing. Errors: NotFound."""
        clean = " ".join(name.split())[:_LONGEST_NAME]
        self._row(run_id, owner)
        if clean:
            with self._database() as db:
                db.execute("UPDATE runs SET name = ? WHERE id = ?", (clean, run_id))
            folder = self.folder(run_id)
            if (listed := folder.listed()) is not None:
                with contextlib.suppress(StorageRefused):  # the list has it
                    folder.write_listed({**listed, "name": clean})

    def delete(self, run_id: str, owner: str) -> None:
        """Removes a run with its folder. Errors: NotFound; JobRefused while it trains.

        On a full disk not even the row can go: then the reserve and what the run holds go first.
        """
        try:
            self._forget(run_id, owner)
        except DiskRefused as refusal:
            if refusal.errno != errno.ENOSPC and not is_full(self.root):
                raise
            give_reserve(self.root)
            self._empty(self.folders / run_id)
            self._forget(run_id, owner)
        shutil.rmtree(hidden(self.folders / run_id), ignore_errors=True)
        pool.sweep(self._pool)
        keep_reserve(self.root)

    # --- for the supervisor ----------------------------------------------------------------------

    def folder(self, run_id: str) -> RunFolder:
        """Where a run lies."""
        return RunFolder(self.folders / run_id)

    def folders_of(self, owner: str) -> list[Path]:
        """Where an owner's runs lie."""
        found = self._rows("SELECT id FROM runs WHERE owner = ?", owner)
        return [self.folders / row["id"] for row in found]

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
        folder, created = self.folder(run_id), time.time()
        if folder.path.is_dir():
            folder.write_listed(listing(owner, clean, created, summary))
        if folder.data.exists():
            pool.share(folder.data, self._pool)
        with self._database() as db:
            db.execute("BEGIN IMMEDIATE")
            _refuse_queue(db, owner, most_waiting)
            db.execute(
                "INSERT INTO runs (id, owner, name, state, created, summary) VALUES (?,?,?,?,?,?) "
                "ON CONFLICT (id) DO UPDATE SET state = 'queued', sentence = ''",  # just adopted
                (run_id, owner, clean, "queued", created, json.dumps(finite(summary))),
            )

    def count(self, owner: str, states: Sequence[str]) -> int:
        """How many of an owner's runs are in one of some states."""
        marks = ",".join("?" * len(states))
        query = f"SELECT id FROM runs WHERE owner = ? AND state IN ({marks})"
        return len(self._rows(query, owner, *states))

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
        taken = {row["name"] for row in self._rows("SELECT name FROM runs WHERE owner = ?", owner)}
        number = 1
        while (name := base if number == 1 else f"{base} ({number})") in taken:
            number += 1
        return name

    def requeue(self, run_id: str, attempt: int, most_waiting: int | None = None) -> None:
        """Lets a run wait for its turn again, as a new attempt; an older one has no say any more.

        Errors: JobRefused as in `add`.
        """
        with self._database() as db:
            db.execute("BEGIN IMMEDIATE")
            for row in db.execute("SELECT owner FROM runs WHERE id = ?", (run_id,)).fetchall():
                _refuse_queue(db, row["owner"], most_waiting)
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
        with self._database() as db:
            db.execute(
                "UPDATE runs SET state = :state, sentence = :sentence, ended = :ended, "
                "figures = :figures WHERE id = :id AND attempt = :attempt AND state = 'running'",
                {**as_ended(ending), "id": run_id, "attempt": attempt},
            )

    def settle_all(self) -> None:
        """Brings every row that says running into agreement with the processes that live.

        A run that cannot be looked at is told in the log, once, and does not stop the others.
        """
        for row in self._rows("SELECT * FROM runs WHERE state = 'running'"):
            try:
                self._settled(row)
            except Exception as error:
                if (row["id"], repr(error)) not in self._told:
                    self._told.add((row["id"], repr(error)))
                    _LOG.exception("Run %s cannot be looked at.", row["id"])

    def sweep(self) -> None:
        """Lists again the runs whose rows were lost, and removes what a kill in the middle of a
        delete or of a start left."""
        self._prepare_again()
        self._sweep()

    # --- inside ----------------------------------------------------------------------------------

    def _settled(self, row: Row) -> Row:
        """The row itself, or what it says once the end of its process is written down.

        Where the disk does not take that, the row still says what is so.
        """
        if row["state"] != "running":
            return row
        folder, attempt = self.folder(row["id"]), int(row["attempt"])
        mark = folder.worker(attempt)
        if mark is not None:
            alive = mark.alive  # looked at first: it writes its ending before it dies
            ending = folder.ending()
            if ending is None or ending.attempt != attempt:
                if alive:
                    return row
                ending = None if mark.void else ending_of_killed(folder, attempt)
            if ending is not None:
                with contextlib.suppress(DiskRefused):
                    self.end(row["id"], attempt, ending)
                    return self._row(row["id"], row["owner"])
                return {**row, **as_ended(ending)}
        # No worker ever began it: it is being started, or waits again.
        with contextlib.suppress(StorageRefused):
            if mark is None and (read_mark(row["launcher"]).alive or not folder.void(attempt)):
                return row  # at this very moment
            self.requeue(row["id"], attempt + 1)
            return self._row(row["id"], row["owner"])
        return {**row, "state": "queued"}

    def _forget(self, run_id: str, owner: str) -> None:
        """Takes a run out of the list and its folder out of sight, both or neither."""
        row = self._settled(self._row(run_id, owner))
        if row["state"] == "running":
            raise JobRefused(f"“{row['name']}” is being trained. Stop it first.")
        path, away = self.folders / run_id, hidden(self.folders / run_id)
        try:
            with self._database() as db:
                gone = db.execute(
                    "DELETE FROM runs WHERE id = ? AND owner = ? AND state != 'running'",
                    (run_id, owner),
                ).rowcount
                if not gone:
                    raise JobRefused(f"“{row['name']}” has just been started. Stop it first.")
                _hide(path, away)
        except DiskRefused:
            if away.exists():
                away.rename(path)
            raise

    def _empty(self, path: Path) -> None:
        """Removes what takes room in a run that is deleted: its weights, and rows nobody else has."""
        shutil.rmtree(path / "checkpoints", ignore_errors=True)
        for name in ("data.safetensors", "start.safetensors"):
            with contextlib.suppress(OSError):
                (path / name).unlink(missing_ok=True)
        pool.sweep(self._pool)

    def _row(self, run_id: str, owner: str) -> Row:
        if isinstance(run_id, str) and _ID.fullmatch(run_id):
            found = self._rows("SELECT * FROM runs WHERE id = ? AND owner = ?", run_id, owner)
            if found:
                return found[0]
        raise NotFound("There is no such run. It may have been deleted; choose one from the list.")

    def _rows(self, query: str, *values: object) -> list[Row]:
        with contextlib.suppress(DiskRefused):
            self._prepare_again()
        try:
            return rows(self.root, query, values)
        except ListLost as lost:
            self._make_anew(lost)
            return rows(self.root, query, values)

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        self._prepare_again()
        try:
            with database(self.root) as db:
                yield db
        except ListLost as lost:
            self._make_anew(lost)
            raise StorageRefused(
                "The list of runs was damaged and has been made anew from the folders of the runs. "
                "Try again."
            ) from lost

    def _prepare_again(self) -> None:
        """Before each use: the list may have been deleted, or another one put in its place, since."""
        if self._prepared is None or self._prepared != identity(self.root):
            self._prepare()

    def _prepare(self) -> None:
        try:
            prepare(self.root, self.folders)
            if self._prepared is not None:
                self._sweep(lost=True)
        except ListLost as lost:
            self._make_anew(lost)
        self._prepared = identity(self.root)

    def _make_anew(self, lost: ListLost) -> None:
        """Goes on with a new list of the runs whose folders are there. Errors: `lost`, where the disk
        does not let us."""
        try:
            make_anew(self.root, self.folders)
            self._sweep(lost=True)
        except DiskRefused:
            raise lost from None
        self._prepared = identity(self.root)

    def _sweep(self, lost: bool = False) -> None:
        with database(self.root) as db:
            db.execute("BEGIN IMMEDIATE")  # nobody else deletes or adopts meanwhile
            known = {row["id"] for row in db.execute("SELECT id FROM runs")}
            found = find_leftovers(self.folders, known, lost)
            for path in found.undone:
                path.rename(shown_again(path))
            for folder in found.adopted:
                adopt(db, folder)
        for path in found.gone:
            shutil.rmtree(path, ignore_errors=True)
        pool.sweep(self._pool)


def _hide(path: Path, away: Path) -> None:
    try:
        path.rename(away)
    except FileNotFoundError:  # there is nothing to hide
        return
    except OSError as error:
        raise storage_refused(error, path) from error


def _refuse_queue(db: sqlite3.Connection, owner: str, most_waiting: int | None) -> None:
    if most_waiting is None:
        return
    query = "SELECT COUNT(*) FROM runs WHERE owner = ? AND state = 'queued'"
    if db.execute(query, (owner,)).fetchone()[0] >= most_waiting:
        raise too_many_wait(most_waiting)
