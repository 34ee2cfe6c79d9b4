"""Files people bring: checked in a child process, kept clean in their owner's folder.

`check_upload` looks at the size, lets `builder.data.upload_worker` read the file under limits, and
keeps what came out as `owner_dir/datasets/<id>/` with `table.parquet` and `meta.json`. The original
bytes are not kept, and nothing of theirs is decoded in this process.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from builder.data.card import Card, Target
from builder.data.limits import (
    MAX_CLASSES,
    MAX_FILE_BYTES,
    MAX_OWNER_BYTES,
    MAX_UPLOADS,
    MIB,
    WORKER_TIMEOUT_SECONDS,
)
from builder.data.profile import ColumnProfile
from builder.data.upload_worker import DISK_REFUSED, memory_sentence
from builder.errors import DataRefused, NotFound, quote
from builder.graph.model import TensorSpec
from builder.home import make_folder, storage_refused

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_ID: Final = re.compile(r"[0-9a-f]{20}")
_META_VERSION: Final = 1
_REPORT_BYTES: Final = 32 * MIB
_KEEP_TRIES: Final = 3
_STALE_SECONDS: Final = 3600.0  # what a killed server left behind half done


@dataclass(frozen=True)
class Upload:
    """One file that was read: what was found in it, and where its clean table lies.

    `target`: the column that is taken when a choice names none, the last that can be learned.
    `notes`: what was noticed while reading. `preview`: the first rows, by column, as short texts.
    """

    id: str
    folder: Path
    filename: str
    rows: int
    columns: tuple[ColumnProfile, ...]
    notes: tuple[str, ...]
    preview: dict[str, list[str]]
    created: float

    @property
    def source(self) -> str:
        """What a DataChoice calls it."""
        return f"upload:{self.id}"

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of all columns, in order."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def target(self) -> str:
        """The last column that can be a target, else the last one."""
        able = [
            c for c in self.columns if c.kind in ("number", "boolean", "text") and c.different >= 2
        ]
        classes = [c for c in able if c.kind != "text" or c.different <= MAX_CLASSES]
        return (classes or able or self.columns)[-1].name

    @property
    def card(self) -> Card:
        """A card like those of the built-in sets; input and target are settled by a choice."""
        features = tuple(name for name in self.names if name != self.target)
        return Card(
            key=self.source,
            title=self.filename,
            description=f"Your own table of {len(self.columns):,} columns.",
            rows=self.rows,
            spec=TensorSpec(("N", len(features))),
            target=Target("number", self.target),
            features=features,
            family="upload",
        )

    def column(self, name: str) -> ColumnProfile:
        """The profile of one column. Errors: KeyError."""
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, ColumnProfile]:
        return {column.name: column for column in self.columns}

    def head(self) -> pd.DataFrame:
        """The first rows as a table of texts."""
        import pandas as pd

        return pd.DataFrame(self.preview)


def check_upload(
    content: bytes | Path, filename: str, owner_dir: Path, header: bool | None = None
) -> Upload:
    """Reads a CSV, TSV or parquet file and keeps it under its owner.

    Args:    content: the bytes, or where they lie. header: whether the first line holds names;
             None: find out. The same bytes again give the same upload.
    Errors:  DataRefused in one sentence: the file, the cause, the way out. Nothing is kept then.
             StorageRefused when the disk is full or read-only.
    """
    _refuse_name(filename)
    _refuse_size(content, quote(filename))
    store = make_folder(owner_dir / "datasets")
    try:
        return _take_in(content, filename, store, header)
    except OSError as error:
        raise storage_refused(error, store) from None


def list_uploads(owner_dir: Path) -> list[Upload]:
    """An owner's uploads, the newest first; a folder that cannot be read is passed over."""
    found = []
    for folder in sorted((owner_dir / "datasets").glob("*")):
        try:
            found.append(open_upload(owner_dir, folder.name))
        except (DataRefused, NotFound):
            continue
    return sorted(found, key=lambda upload: -upload.created)


def open_upload(owner_dir: Path, upload_id: str) -> Upload:
    """An owner's upload by its id. Errors: NotFound; DataRefused when its record is damaged."""
    folder = owner_dir / "datasets" / upload_id
    if not _ID.fullmatch(upload_id) or not (folder / "meta.json").is_file():
        raise NotFound(f"The uploaded data {quote(upload_id, 24)} is gone. Upload the file again.")
    try:
        meta = json.loads((folder / "meta.json").read_text("utf-8"))
        if meta["version"] != _META_VERSION:
            raise ValueError("version")
        return _upload(meta, folder)
    except FileNotFoundError:  # deleted at this very moment
        raise NotFound(
            f"The uploaded data {quote(upload_id, 24)} is gone. Upload the file again."
        ) from None
    except (OSError, ValueError, KeyError, TypeError):
        raise DataRefused(
            "The record of this uploaded data is damaged. Upload the file again."
        ) from None


def delete_upload(owner_dir: Path, upload_id: str) -> None:
    """Takes an upload away, a damaged one too. Errors: NotFound; StorageRefused, nothing is lost then."""
    folder = owner_dir / "datasets" / upload_id
    if not _ID.fullmatch(upload_id) or not folder.is_dir():
        raise NotFound(f"The uploaded data {quote(upload_id, 24)} is gone already.")
    hidden = folder.with_name(f".incoming-{secrets.token_hex(8)}")  # what is left of it is swept
    try:
        folder.rename(hidden)  # whole and at once, or not at all
    except FileNotFoundError:
        return  # another tab was quicker
    except OSError as error:
        raise storage_refused(error, owner_dir / "datasets") from None
    shutil.rmtree(hidden, ignore_errors=True)


def read_table(upload: Upload) -> pa.Table:
    """The clean table of an upload, which we wrote ourselves. Errors: DataRefused when it is damaged."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(upload.folder / "table.parquet", memory_map=True)
    except (OSError, pa.ArrowException):
        raise DataRefused(
            f"The stored table of {quote(upload.filename)} is damaged. Upload the file again."
        ) from None


def _take_in(content: bytes | Path, filename: str, store: Path, header: bool | None) -> Upload:
    name = quote(filename)
    _sweep(store)
    _refuse_full(store, name)
    incoming = store / f".incoming-{secrets.token_hex(8)}"
    incoming.mkdir()
    try:
        path = content if isinstance(content, Path) else incoming / "source"
        if isinstance(content, bytes):
            path.write_bytes(content)
        report = _read_in_child(path.absolute(), filename, header, incoming)
        if isinstance(content, bytes):
            path.unlink()
        return _keep(report, filename, incoming, store)
    finally:
        shutil.rmtree(incoming, ignore_errors=True)


def _refuse_name(filename: str) -> None:
    try:
        filename.encode("utf-8")
    except UnicodeEncodeError:  # half of a pair of surrogates, or bytes that are no text
        raise DataRefused(
            f"The file name {quote(filename)} holds a character that is no text. Rename the file and "
            "bring it again."
        ) from None


def _refuse_size(content: bytes | Path, name: str) -> None:
    if isinstance(content, Path):
        try:
            is_file, size = content.is_file(), content.stat().st_size
            if is_file:
                content.open("rb").close()
        except OSError as error:
            raise DataRefused(f"{name} cannot be opened: {error.strerror}.") from None
        if not is_file:
            raise DataRefused(f"{name} is no file. Give the path of a CSV, TSV or parquet file.")
    else:
        size = len(content)
    if size == 0:
        raise DataRefused(f"{name} is empty. Bring a table with a line of names and rows below it.")
    if size > MAX_FILE_BYTES:
        raise DataRefused(
            f"{name} has {size // MIB:,} MiB, and at most {MAX_FILE_BYTES // MIB:,} MiB fit. Bring fewer "
            "rows, or write it as parquet, which is smaller."
        )


def _refuse_full(store: Path, name: str) -> None:
    kept = [folder for folder in store.iterdir() if _ID.fullmatch(folder.name)]
    size = sum(_bytes_in(folder) for folder in kept)
    if len(kept) >= MAX_UPLOADS or size >= MAX_OWNER_BYTES:
        raise DataRefused(
            f"{name} finds no room: you keep {len(kept)} of {MAX_UPLOADS} uploads, {size // MIB:,} of "
            f"{MAX_OWNER_BYTES // MIB:,} MiB in all. Delete one you no longer need."
        )


def _bytes_in(folder: Path) -> int:
    """What an upload takes; nothing of one that is taken away meanwhile."""
    with contextlib.suppress(FileNotFoundError):
        return sum(file.stat().st_size for file in folder.iterdir())
    return 0


def _sweep(store: Path) -> None:
    for folder in store.glob(".incoming-*"):
        with contextlib.suppress(FileNotFoundError):  # another upload has swept it, or is done
            if time.time() - folder.stat().st_mtime > _STALE_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)


def _read_in_child(path: Path, filename: str, header: bool | None, folder: Path) -> dict[str, Any]:
    name = quote(filename)
    request = {
        "path": str(path),
        "name": filename[:300],
        "header": header,
        "folder": str(folder.absolute()),
    }
    try:
        done = subprocess.run(
            [sys.executable, "-m", "builder.data.upload_worker"],
            input=json.dumps(request).encode(),
            capture_output=True,
            timeout=WORKER_TIMEOUT_SECONDS,
            env=_small_environment(),
            start_new_session=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise DataRefused(
            f"{name} took longer than {WORKER_TIMEOUT_SECONDS} seconds to read. Bring fewer rows or "
            "columns."
        ) from None
    except OSError as error:
        raise DataRefused(
            f"{name} could not be read: no reader could be started ({error.strerror}). Try again in "
            "a moment."
        ) from None
    if done.returncode > DISK_REFUSED:
        number = done.returncode - DISK_REFUSED
        raise OSError(number, os.strerror(number))
    report = folder / "report.json"
    if done.returncode == 0 and report.is_file() and report.stat().st_size <= _REPORT_BYTES:
        answer: dict[str, Any] = json.loads(report.read_text("utf-8"))
        report.unlink()
        if "refused" in answer:
            raise DataRefused(str(answer["refused"])[:1000])
        return answer
    if (
        b"MemoryError" in done.stderr
        or b"bad_alloc" in done.stderr
        or b"out of memory" in done.stderr
    ):
        raise DataRefused(memory_sentence(name))
    raise DataRefused(
        f"{name} could not be read: it stopped the reader ({_ending(done)}). Save it again as CSV or "
        "parquet."
    )


def _ending(done: subprocess.CompletedProcess[bytes]) -> str:
    if done.returncode < 0:
        return f"signal {-done.returncode}"
    lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
    # its kind alone: what follows can name a folder, and an owner's folder is their secret
    return quote(lines[-1].partition(":")[0] if lines else f"code {done.returncode}", 80)


def _small_environment() -> dict[str, str]:
    """Ours, with single-threaded libraries: each thread reserves address space the limit counts."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    arrow = {"ARROW_DEFAULT_MEMORY_POOL": "system", "ARROW_IO_THREADS": "1"}
    return {**os.environ, **threads, **arrow, "PYTHONDONTWRITEBYTECODE": "1"}


def _keep(report: dict[str, Any], filename: str, incoming: Path, store: Path) -> Upload:
    """Moves what the child made to its place in one step.

    The same bytes may lie there already, or come by another upload at this very moment. Then each
    file replaces its equal: nobody who reads finds the folder without them.
    """
    upload_id = str(report["id"])
    if not _ID.fullmatch(upload_id):
        raise DataRefused(f"{quote(filename)} could not be read. Save it again as CSV or parquet.")
    meta = report | {
        "version": _META_VERSION,
        "filename": Path(filename).name[:200],
        "created": time.time(),
    }
    folder = store / upload_id
    upload = _upload(meta, folder)
    (incoming / "meta.json").write_text(json.dumps(meta, ensure_ascii=False, indent=1), "utf-8")
    for _ in range(_KEEP_TRIES):
        try:
            incoming.rename(folder)
            return upload
        except OSError:
            if not folder.exists():
                raise
        try:
            for part in ("table.parquet", "meta.json"):
                if (incoming / part).exists():  # not one that took its place at an earlier try
                    os.replace(incoming / part, folder / part)
            return upload
        except FileNotFoundError:  # and it was deleted at this very moment: once more
            continue
    raise DataRefused(
        f"{quote(filename)} is being deleted in another tab. Bring it again in a moment."
    )


def _upload(meta: dict[str, Any], folder: Path) -> Upload:
    return Upload(
        id=str(meta["id"]),
        folder=folder,
        filename=str(meta["filename"]),
        rows=int(meta["rows"]),
        columns=tuple(ColumnProfile.from_json(column) for column in meta["columns"]),
        notes=tuple(str(note) for note in meta["notes"]),
        preview={str(name): [str(v) for v in values] for name, values in meta["preview"].items()},
        created=float(meta["created"]),
    )
