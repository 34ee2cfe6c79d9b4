"""runs.sqlite: one connection a call, whole transactions, and a way to read where nothing can be written.

SQLite's write-ahead log needs two files beside the database even for a look. On a disk that is full or
read-only they cannot be made, so the database is then read as it lies: a person who has to delete runs
to make room has to see them first.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeAlias

from builder.home import StorageRefused, make_folder, storage_refused, write_atomically

_LOG: Final = logging.getLogger("layerwise")
Row: TypeAlias = dict[str, Any]
_NAME: Final = "runs.sqlite"
_BUSY_TIMEOUT_SECONDS: Final = 30.0
_RESERVE: Final = "runs.reserve"
_RESERVE_BYTES: Final = 256 * 1024  # SQLite's two files beside the list, with one small transaction
_OF_THE_DISK: Final = frozenset(
    {
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
    }
)

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
_COLUMNS: Final = ", ".join(re.findall(r"^    (\w+) +[A-Z]", _SCHEMA, re.MULTILINE))


_DAMAGE: Final = frozenset({sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT})
_NO_SUCH: Final = re.compile(r"no such (table|column)|has no column named")
_MENDING: Final = (
    "runs.mending"  # an empty database: holding it keeps other servers from mending too
)


class DiskRefused(StorageRefused):
    """The disk keeps the list of runs from being written (or, with nothing to fall back on, read)."""


class ListLost(StorageRefused):
    """The list is damaged, or an empty file where it was: it can be made anew from the run folders."""


def prepare(root: Path, *folders: Path) -> None:
    """Makes the tables and folders where they are missing. Errors: as `database`."""
    try:
        for folder in (root, *folders):
            make_folder(folder)
    except StorageRefused as refusal:
        raise DiskRefused(str(refusal), refusal.errno) from refusal
    with database(root) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.executescript(_SCHEMA)


def identity(root: Path) -> tuple[int, int] | None:
    """Which file the list is; another one after it was deleted or put back, None where there is none."""
    with contextlib.suppress(OSError):
        found = (root / _NAME).stat()
        return found.st_dev, found.st_ino
    return None


def make_anew(root: Path, *folders: Path) -> None:
    """An empty list where the old one is lost; what is left of a damaged one is moved aside.

    Of several servers that notice it one does it. Errors: as `database`.
    """
    try:
        lock = sqlite3.connect(root / _MENDING, timeout=_BUSY_TIMEOUT_SECONDS)
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.DatabaseError as error:
        raise _refused(root, error) from error
    with contextlib.closing(lock):
        try:
            _look_through(root)
        except ListLost:
            _move_aside(root)
        prepare(root, *folders)


def _look_through(root: Path) -> None:
    """Errors: ListLost where any part of the list cannot be read."""
    with database(root) as db:
        [said] = db.execute("PRAGMA quick_check(1)").fetchone()
        if said != "ok":
            raise ListLost(f"The list of runs in {root} is damaged: {said}.")
        db.execute(f"SELECT {_COLUMNS} FROM runs LIMIT 1").fetchone()


def _move_aside(root: Path) -> None:
    """Keeps a damaged list under another name; an empty file holds nothing to keep."""
    moved = f"{_NAME}.damaged-{datetime.now():%Y%m%d-%H%M%S-%f}"
    try:
        if (root / _NAME).stat().st_size == 0:
            return
        for ending in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                (root / f"{_NAME}{ending}").rename(root / f"{moved}{ending}")
    except FileNotFoundError:
        return
    except OSError as error:
        raise DiskRefused(str(storage_refused(error, root)), error.errno) from error
    _LOG.warning("The list of runs was damaged. It is kept as %s.", root / moved)


def keep_reserve(root: Path) -> None:
    """Holds some room on the disk, so that on a full one a run can still be taken out of the list."""
    path = root / _RESERVE
    if not path.exists():
        with contextlib.suppress(StorageRefused):
            write_atomically(path, os.urandom(_RESERVE_BYTES))  # no file system makes it smaller


def give_reserve(root: Path) -> None:
    """Gives that room up, for whoever is about to make some."""
    with contextlib.suppress(OSError):
        (root / _RESERVE).unlink(missing_ok=True)


@contextmanager
def database(root: Path) -> Iterator[sqlite3.Connection]:
    """One connection, one transaction: on the disk when the block ends, undone when it raises.

    Errors: DiskRefused when the disk takes nothing, ListLost when the list is damaged or gone.
    """
    try:
        db = sqlite3.connect(root / _NAME, timeout=_BUSY_TIMEOUT_SECONDS)
    except sqlite3.DatabaseError as error:
        raise _refused(root, error) from error
    try:
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA synchronous=FULL")
        with db:
            yield db
    except sqlite3.DatabaseError as error:
        raise _refused(root, error) from error
    finally:
        db.close()


def rows(root: Path, query: str, values: Sequence[object] = ()) -> list[Row]:
    """What a SELECT finds, also on a disk that takes nothing. Errors: as `database`."""
    try:
        with database(root) as db:
            return [dict(row) for row in db.execute(query, values)]
    except DiskRefused:
        if not (root / _NAME).exists():
            return []  # no run was ever started here
        return _rows_as_they_lie(root, query, values)


def _rows_as_they_lie(root: Path, query: str, values: Sequence[object]) -> list[Row]:
    """Reads without the files SQLite wants to make. What a killed server left in the log is read in
    a copy elsewhere; where there is no elsewhere, the state before it is what is left to show."""
    with contextlib.ExitStack() as stack:
        place = root / _NAME
        log = root / f"{_NAME}-wal"
        if log.exists() and log.stat().st_size:
            with contextlib.suppress(OSError):
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
                shutil.copyfile(log, folder / log.name)
                place = Path(shutil.copyfile(place, folder / _NAME))
        how = "mode=ro&immutable=1" if place.parent == root else "mode=rw"
        try:
            db = sqlite3.connect(f"{place.absolute().as_uri()}?{how}", uri=True)
            with contextlib.closing(db):
                db.row_factory = sqlite3.Row
                return [dict(row) for row in db.execute(query, values)]
        except sqlite3.DatabaseError as error:
            raise _refused(root, error) from error


def _refused(root: Path, error: sqlite3.DatabaseError) -> StorageRefused:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest of it says more exactly where
    if code in _DAMAGE or _NO_SUCH.search(str(error)):
        return ListLost(
            f"The list of runs {root / _NAME} is damaged: {error}. Put a copy of it back, or move it "
            "away: the list is then made anew from the folders of the runs."
        )
    sentence = (
        f"The list of runs in {root} cannot be used: {error}. Free some space, or give this user "
        "write access to it."
    )
    if code not in _OF_THE_DISK:
        return StorageRefused(f"The list of runs in {root} cannot be used: {error}. Try again.")
    return DiskRefused(sentence, errno.ENOSPC if code == sqlite3.SQLITE_FULL else errno.EIO)
