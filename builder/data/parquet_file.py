"""Reads a stranger's parquet: what it declares first, then piece by piece, counting what comes out.

A parquet of 890 KB held 1.5 GB and declared 0.8 MB: what a file says of itself is only believed
when it is bad news. Runs in the child process of an upload.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from builder.data.column_names import clean_names
from builder.data.columns import kind_of
from builder.data.csv_file import ReadTable, check_size
from builder.data.limits import MAX_COLUMNS, MAX_DECODED_BYTES, MIB
from builder.errors import DataRefused, quote

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

MAGIC: Final = b"PAR1"
_BATCH_ROWS: Final = 8192
_FOOTER_STRINGS: Final = 64 * MIB  # bytes of names and statistics in the footer
_FOOTER_ITEMS: Final = 1_000_000


def read_parquet(path: Path, name: str) -> ReadTable:
    """Reads a parquet file. `name`: the file's, quoted.

    Errors: DataRefused for a truncated or damaged file, too many rows or columns, too much inside.
    """
    import pyarrow as pa

    _refuse_cut(path, name)
    try:
        file = _open(path)
        columns = file.schema_arrow
        _refuse_counts(file, len(columns.names), name)
        return _read(file, name)
    except pa.ArrowMemoryError:
        raise MemoryError from None
    except (pa.ArrowException, OSError) as error:
        raise DataRefused(
            f"{name} is a damaged parquet file ({quote(error, 100)}). Write it again."
        ) from None


def _refuse_cut(path: Path, name: str) -> None:
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - 8))
        tail = file.read(8)
    if size < 12 or not tail.endswith(MAGIC):
        raise DataRefused(
            f"{name} begins as a parquet file but its end is missing: it was cut off. Copy it again."
        )
    if int.from_bytes(tail[:4], "little") > size - 12:
        raise DataRefused(f"{name} is a parquet file whose footer is damaged. Write it again.")


def _open(path: Path) -> pq.ParquetFile:
    """Texts stay dictionaries: a text repeated in a million rows is held once."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    limits = {
        "thrift_string_size_limit": _FOOTER_STRINGS,
        "thrift_container_size_limit": _FOOTER_ITEMS,
    }
    schema = pq.ParquetFile(path, **limits).schema_arrow
    texts = [
        field.name
        for field in schema
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)
    ]
    return pq.ParquetFile(path, read_dictionary=texts, pre_buffer=False, **limits)


def _refuse_counts(file: pq.ParquetFile, columns: int, name: str) -> None:
    if columns > MAX_COLUMNS:
        raise DataRefused(
            f"{name} has {columns:,} columns, and at most {MAX_COLUMNS:,} fit. Leave out columns."
        )
    if columns < 2:
        raise DataRefused(f"{name} has a single column. A set needs a feature and a target.")
    rows = file.metadata.num_rows
    if rows == 0:
        raise DataRefused(f"{name} has columns and no rows. Bring the rows too.")
    check_size(rows, columns, name)
    metadata = file.metadata
    declared = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    if declared > MAX_DECODED_BYTES:
        raise DataRefused(f"{name} says it holds {declared // MIB:,} MiB. {_way()}")


def _read(file: pq.ParquetFile, name: str) -> ReadTable:
    import pyarrow as pa

    names, notes = clean_names(file.schema_arrow.names)
    batches, decoded, rows = [], 0, 0
    for batch in file.iter_batches(batch_size=_BATCH_ROWS, use_threads=False):
        decoded += batch.nbytes
        rows += batch.num_rows
        if decoded > MAX_DECODED_BYTES:
            raise DataRefused(
                f"{name} unpacks to more than {MAX_DECODED_BYTES // MIB:,} MiB. {_way()}"
            )
        check_size(rows, batch.num_columns, name)
        batches.append(batch)
    table = pa.Table.from_batches(batches).rename_columns(list(names))
    return _usable(table, notes)


def _usable(table: pa.Table, notes: tuple[str, ...]) -> ReadTable:
    """Without the columns no model can read (lists, bytes…): the notes say which."""
    left, said = [], list(notes)
    for field in table.schema:
        if kind_of(field.type) == "other":
            said.append(f"{quote(field.name, 30)} holds values of type {field.type}: left out.")
        else:
            left.append(field.name)
    return ReadTable(table.select(left).replace_schema_metadata(None), tuple(said))


def _way() -> str:
    return f"At most {MAX_DECODED_BYTES // MIB:,} MiB fit: bring fewer rows or columns."
