"""The child process that reads one stranger's file: `python -m builder.data.upload_worker`.

A request comes as JSON on stdin: {"path", "name", "header", "folder"}. The answer is a file
"report.json" in the folder, with "refused" (a sentence) or what was found, beside "table.parquet".
The limits are set before anything is opened; whatever happens here, the server only sees an answer
or its absence.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from builder.data.limits import (
    MAX_DECODED_BYTES,
    PREVIEW_COLUMNS,
    PREVIEW_ROWS,
    WORKER_CPU_SECONDS,
    WORKER_MEMORY_BYTES,
)
from builder.errors import DataRefused, quote

if TYPE_CHECKING:
    import pyarrow as pa

DISK_REFUSED: Final = 100  # a return code above it: the number of the error, added
_OF_THE_DISK: Final = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.EIO,
)


def main() -> int:
    """Carries out the request on stdin. Returns 0 when an answer was written, see DISK_REFUSED."""
    _limit_this_process()
    request = json.load(sys.stdin)
    folder = Path(request["folder"])
    try:
        (folder / "report.json").write_text(json.dumps(_answer(request, folder)), "utf-8")
    except OSError as error:
        if error.errno not in _OF_THE_DISK:
            raise
        return DISK_REFUSED + error.errno
    return 0


def _answer(request: dict[str, Any], folder: Path) -> dict[str, Any]:
    try:
        return read_file(Path(request["path"]), request["name"], request["header"], folder)
    except DataRefused as error:
        return {"refused": str(error)}
    except MemoryError:
        return {"refused": memory_sentence(quote(request["name"]))}


def memory_sentence(name: str) -> str:
    """What is said when reading took all the memory it may."""
    gib = WORKER_MEMORY_BYTES / 2**30
    return f"{name} needs more than {gib:g} GiB to unpack. Bring fewer rows or columns."


def read_file(path: Path, name: str, header: bool | None, folder: Path) -> dict[str, Any]:
    """Reads, checks, profiles and stores a table. Errors: DataRefused, MemoryError."""
    from builder.data.csv_file import check_size, check_texts, read_csv
    from builder.data.parquet_file import MAGIC, read_parquet
    from builder.data.profile import profile
    from builder.data.usable import usable

    said = quote(name)
    with path.open("rb") as file:
        start = file.read(8)
        is_parquet = start.startswith(MAGIC)
        data = b"" if is_parquet else start + file.read()
    digest = _digest(path, header)
    read = read_parquet(path, said) if is_parquet else read_csv(data, said, header)
    del data
    check_size(read.table.num_rows, read.table.num_columns, said)
    check_texts(read.table, said)
    table, left_out = usable(read.table, said)
    notes = [*read.notes, *left_out]
    if table.num_columns < 2:
        raise DataRefused(
            f"{said} has fewer than two columns a model can read. Bring a table of numbers or texts."
        )
    if is_parquet != name.lower().endswith((".parquet", ".pq")):
        notes.insert(
            0, f"The file is {'parquet' if is_parquet else 'text'}, whatever its name says."
        )
    _write_table(table, folder / "table.parquet")
    return {
        "id": digest,
        "kind": "parquet" if is_parquet else "text",
        "rows": table.num_rows,
        "columns": [column.to_json() for column in profile(table)],
        "notes": notes,
        "preview": _preview(table),
    }


def _limit_this_process() -> None:
    os.environ["ARROW_DEFAULT_MEMORY_POOL"] = "system"  # the others reserve address space ahead
    try:
        import resource
    except ImportError:  # Windows: the timeout of the parent is what remains
        return
    for kind, amount in (
        (resource.RLIMIT_AS, WORKER_MEMORY_BYTES),
        (resource.RLIMIT_CPU, WORKER_CPU_SECONDS),
        (resource.RLIMIT_FSIZE, MAX_DECODED_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        limit = amount if hard == resource.RLIM_INFINITY else min(amount, hard)
        resource.setrlimit(kind, (limit, limit))


def _digest(path: Path, header: bool | None) -> str:
    """The id of an upload: the same bytes read the same way are the same upload."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    digest.update(repr(header).encode())
    return digest.hexdigest()[:20]


def _write_table(table: pa.Table, path: Path) -> None:
    import pyarrow.parquet as pq

    pq.write_table(table, path, compression="zstd", row_group_size=1 << 16)


def _preview(table: pa.Table) -> dict[str, list[str]]:
    """The first rows of the first columns, as short texts."""
    from builder.data.profile import shown

    few = table.select(table.column_names[:PREVIEW_COLUMNS]).slice(0, PREVIEW_ROWS)
    return {
        name: [shown(value) for value in column.to_pylist()]
        for name, column in zip(few.column_names, few.columns, strict=True)
    }


if __name__ == "__main__":
    sys.exit(main())
