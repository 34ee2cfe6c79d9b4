"""Where Layerwise keeps what outlives a click, and how a file is written so that it is never half there.

$LAYERWISE_HOME or ~/.layerwise
├─ owners/<token>/      one person's projects, with weights they brought, and uploads
├─ runs/<run id>/       one training run each (builder/training/folder.py)
├─ run-data/            rows that several runs share (builder/training/pool.py)
├─ exports/<key>/       finished exports, copies that may go (builder/export/kept.py)
├─ runs.sqlite          whose run is whose, and in which state (builder/training/store.py)
└─ runs.reserve         room held for deleting a run on a full disk (builder/training/database.py)
"""

from __future__ import annotations

import errno
import itertools
import os
import re
import shutil
from pathlib import Path
from typing import Final

from builder.errors import LayerwiseError, NotFound

_OWNER: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")  # never a path, a dot file or a drive
_TEMPORARY: Final = ".tmp"
_FULL_DISK_BYTES: Final = 1_000_000  # a project, a run's first lines and the database need as much
_counter: Final = itertools.count()


class StorageRefused(LayerwiseError, OSError):
    """The disk does not take what has to be written: it is full, or may not be written to.

    An OSError too, so that whoever is ready for a disk that refuses is ready for this one.
    """

    def __init__(self, sentence: str, number: int | None = None) -> None:
        super().__init__(sentence)
        self.errno, self.strerror = number, sentence

    def __str__(self) -> str:
        return str(self.strerror)


def home_path() -> Path:
    """The folder that holds everything: $LAYERWISE_HOME, else ~/.layerwise. It may not be there yet."""
    folder = Path(os.environ.get("LAYERWISE_HOME") or Path.home() / ".layerwise").expanduser()
    return folder.absolute()


def home() -> Path:
    """`home_path`, made when missing. Errors: StorageRefused with the way out when it cannot be."""
    return make_folder(home_path())


def owner_folder(owner: str) -> Path:
    """One person's folder. Who writes into it first makes it: a look never asks the disk for room.

    Errors: NotFound for a token that could not be one of ours (only letters, digits, - and _).
    """
    if not isinstance(owner, str) or not _OWNER.fullmatch(owner):
        raise NotFound("This owner is not known here. Reload the page to get a new name.")
    return home_path() / "owners" / owner


def why_nothing_is_kept() -> StorageRefused | None:
    """What the disk would say to whoever wants to keep something now; None where it takes it."""
    try:
        folder = home()
        full = is_full(folder)
    except StorageRefused as refusal:
        return refusal
    except OSError as error:
        return storage_refused(error, home_path())
    if not os.access(folder, os.W_OK):
        return storage_refused(OSError(errno.EROFS, "read-only"), folder)
    if full:
        return storage_refused(OSError(errno.ENOSPC, "full"), folder)
    return None


def is_full(folder: Path) -> bool:
    """Whether so little is left on the disk of a folder that work could not be kept. Errors: OSError."""
    return shutil.disk_usage(folder).free < _FULL_DISK_BYTES


def make_folder(path: Path) -> Path:
    """The folder, made with its parents when missing. Errors: StorageRefused."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_refused(error, path) from error
    return path


def write_atomically(path: Path, content: bytes | str) -> None:
    """Writes a whole file or nothing: temporary file beside it, fsync, `os.replace`.

    A kill at any moment leaves the old content or the new one, and at worst a temporary file that
    `sweep_temporary_files` removes. Errors: StorageRefused when the disk is full or read-only.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    temporary = temporary_path(path)
    try:
        with open(temporary, "xb") as file:
            file.write(data)
        put_in_place(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise storage_refused(error, path) from error


def temporary_path(path: Path) -> Path:
    """A name beside `path` that no other writer, in this process or another, uses."""
    return path.with_name(f".{path.name}.{os.getpid()}-{next(_counter)}{_TEMPORARY}")


def put_in_place(temporary: Path, path: Path) -> None:
    """Makes a finished temporary file durable and gives it its name in one step. Errors: OSError."""
    descriptor = os.open(temporary, os.O_RDWR)  # Windows refuses to fsync a read-only one
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.replace(temporary, path)
    _sync_folder(path.parent)


def sweep_temporary_files(folder: Path) -> None:
    """Removes what a killed writer left behind. Only for folders that nobody is writing to."""
    for path in folder.glob(f".*{_TEMPORARY}"):
        path.unlink(missing_ok=True)


def storage_refused(error: OSError, path: Path) -> StorageRefused:
    """The one sentence for a disk that refuses, with the folder and the way out."""
    place = _shown(path.parent if path.suffix else path)
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return StorageRefused(
            f"The disk that holds {place} is full: nothing was written. Delete past runs or free "
            "some space, then try again.",
            error.errno,
        )
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return StorageRefused(
            f"{place} may not be written to. Give this user write access to it, or set "
            "LAYERWISE_HOME to a folder of your own.",
            error.errno,
        )
    if error.errno in {errno.EEXIST, errno.ENOTDIR}:
        return StorageRefused(
            f"{_shown(_file_in_the_way(path))} is a file, so it cannot be the folder that is needed. "
            "Move it away, or choose another place.",
            error.errno,
        )
    return StorageRefused(f"{place} cannot be written to: {error.strerror or error}.", error.errno)


def _shown(place: Path) -> Path:
    """The place as a sentence may name it: what lies in our home is ours to know, not a person's, and
    an owner's folder is named by their secret token."""
    if place.is_relative_to(home_path()):
        return home_path()
    parts = place.parts
    return Path(*parts[: parts.index("owners")]) if "owners" in parts else place


def _file_in_the_way(path: Path) -> Path:
    return next((p for p in (path, *path.parents) if p.exists() and not p.is_dir()), path)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # a folder cannot be opened there; the rename is durable by itself
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
