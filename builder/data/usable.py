"""What of a table as read a model can use: without columns of nothing, and dates a calendar has."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Final

from builder.data.columns import kind_of
from builder.errors import DataRefused, quote

if TYPE_CHECKING:
    import pyarrow as pa

_1970: Final = datetime.date(1970, 1, 1)
_FIRST_DAY: Final = (datetime.date(2, 1, 1) - _1970).days  # a year from the ends: a time zone may
_LAST_DAY: Final = (datetime.date(9998, 12, 31) - _1970).days  # carry a date across
_IN_A_DAY: Final = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000}


def usable(table: pa.Table, name: str) -> tuple[pa.Table, tuple[str, ...]]:
    """The table to keep, and notes on what was left out. `name`: the file's, quoted.

    Errors: DataRefused where fewer than two columns hold anything.
    """
    import pyarrow as pa

    kept, empty, notes = {}, [], []
    for column_name, column in zip(table.column_names, table.columns, strict=True):
        if kind_of(column.type) == "date":
            column, beyond = _dates(column)
            if beyond:
                notes.append(
                    f"{quote(column_name, 30)} holds dates outside the years 2 to 9998 in "
                    f"{beyond:,} row{'' if beyond == 1 else 's'}: they count as missing."
                )
        if _is_empty(column):
            empty.append(column_name)
        else:
            kept[column_name] = column
    _refuse_too_few(list(kept), len(empty), name)
    if empty:
        notes.append(_empty_words(empty))
    return pa.table(kept), tuple(notes)


def _is_empty(column: pa.ChunkedArray) -> bool:
    """Whether no row holds a value; not a number (NaN) is none, an infinite one is."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.null_count == len(column):
        return True
    if pa.types.is_floating(column.type):
        return not pc.any(pc.invert(pc.is_nan(column.cast(pa.float64())))).as_py()
    return False


def _dates(column: pa.ChunkedArray) -> tuple[pa.ChunkedArray, int]:
    """Dates that can be shown and counted with, to the microsecond; how many were beyond them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    type_ = column.type
    if pa.types.is_date64(type_):
        type_, per_day = pa.date64(), _IN_A_DAY["ms"]
    elif pa.types.is_date32(type_):
        per_day = 1
    else:
        type_ = pa.timestamp("us" if type_.unit == "ns" else type_.unit, _known_zone(type_.tz))
        per_day = _IN_A_DAY[type_.unit]
    counts = column.cast(pa.int32() if per_day == 1 else pa.int64()).cast(pa.int64())
    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        counts = pc.divide(counts, 1000)
    fits = pc.and_(
        pc.greater_equal(counts, _FIRST_DAY * per_day),
        pc.less(counts, (_LAST_DAY + 1) * per_day),
    )
    beyond = int(pc.sum(pc.invert(fits)).as_py() or 0)
    counts = pc.if_else(fits, counts, pa.scalar(None, pa.int64()))
    return counts.cast(pa.int32() if per_day == 1 else pa.int64()).cast(type_), beyond


def _known_zone(zone: str | None) -> str | None:
    """The time zone where this machine knows it: what it does not know cannot be shown."""
    import pyarrow as pa

    try:
        pa.scalar(0, pa.timestamp("s", zone)).as_py()
    except (pa.ArrowException, KeyError, ValueError, OSError):
        return None
    return zone


def _refuse_too_few(kept: list[str], empty: int, name: str) -> None:
    if len(kept) >= 2 or not empty:
        return
    if not kept:
        raise DataRefused(
            f"{name} holds no values: every cell is empty. Bring a table with values."
        )
    raise DataRefused(
        f"{name} holds values only in {quote(kept[0], 30)}: every other column is empty. A set needs "
        "a feature and a target."
    )


def _empty_words(empty: list[str]) -> str:
    if len(empty) == 1:
        return f"{quote(empty[0], 30)} is empty in every row: left out."
    return (
        f"{len(empty):,} columns, such as {quote(empty[0], 30)}, are empty in every row: left out."
    )
