"""One column of a table as numbers or as categories, and what had to be read between the lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

ColumnKind = Literal["number", "boolean", "date", "text", "other"]

_LARGEST: Final = 3.0e38  # float32 ends at 3.4e38
_DAYS_A_YEAR: Final = 365.2425
_DAYS_TO_2000: Final = 10957  # from 1970-01-01 to 2000-01-01


@dataclass(frozen=True)
class Numbers:
    """float64 values (rows,), NaN where nothing (finite) stands; `infinite` of them were infinite."""

    values: npt.NDArray[np.float64]
    infinite: int = 0


@dataclass(frozen=True)
class Categories:
    """Codes (rows,) int64 into `names`, sorted; -1 where nothing stands."""

    codes: npt.NDArray[np.int64]
    names: tuple[str, ...]


def kind_of(type_: pa.DataType) -> ColumnKind:
    """What a column of an arrow type is to a person. A column of nothing at all is a number."""
    import pyarrow.types as t

    if t.is_integer(type_) or t.is_floating(type_) or t.is_decimal(type_) or t.is_null(type_):
        return "number"
    if t.is_boolean(type_):
        return "boolean"
    if t.is_date(type_) or t.is_timestamp(type_):
        return "date"
    if t.is_dictionary(type_):
        return "text" if kind_of(type_.value_type) == "text" else "other"
    if t.is_string(type_) or t.is_large_string(type_) or t.is_string_view(type_):
        return "text"
    return "other"


def as_numbers(column: pa.ChunkedArray) -> Numbers:
    """Numbers as they are, booleans as 0 and 1, dates as years since 2000 with decimals."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if kind_of(column.type) == "date":
        days = column.cast(pa.timestamp("us"), safe=False).cast(pa.int64())
        plain = pc.divide(days.cast(pa.float64()), 86_400e6)
        column = pc.divide(pc.subtract(plain, float(_DAYS_TO_2000)), _DAYS_A_YEAR)
    elif kind_of(column.type) == "boolean":
        column = column.cast(pa.int8())
    values = np.array(column.cast(pa.float64(), safe=False).to_numpy(), np.float64)
    with np.errstate(invalid="ignore"):
        beyond = np.abs(values) > _LARGEST
    values[beyond] = np.nan
    return Numbers(values, int(beyond.sum()))


def as_categories(column: pa.ChunkedArray) -> Categories:
    """Different values as codes: texts in the order of their characters, numbers by size."""
    import numpy as np

    kind = kind_of(column.type)
    if kind in ("number", "boolean"):
        values = as_numbers(column).values
        present = ~np.isnan(values)
        unique = np.unique(values[present])
        codes = np.full(len(values), -1, np.int64)
        codes[present] = np.searchsorted(unique, values[present])
        return Categories(codes, tuple(_number_name(v, kind) for v in unique.tolist()))
    encoded = _encoded(column)
    texts = [str(text) for text in encoded.dictionary.to_pylist()]
    order = sorted(range(len(texts)), key=texts.__getitem__)
    rank = np.empty(len(texts) + 1, np.int64)
    rank[order] = np.arange(len(texts))
    rank[-1] = -1  # a missing value has the index -1
    found = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return Categories(rank[found], tuple(texts[i] for i in order))


def _encoded(column: pa.ChunkedArray) -> Any:
    """A dictionary array. Texts that stand in a dictionary stay there: spelled out they may be huge."""
    import pyarrow as pa

    if not pa.types.is_dictionary(column.type):
        column = column.cast(pa.large_string()).dictionary_encode()
    return column.unify_dictionaries().combine_chunks()


def different(categories: Categories, rows: npt.NDArray[np.bool_]) -> Categories:
    """The categories of some rows only: names that no longer occur are gone."""
    import numpy as np

    codes = categories.codes[rows]
    used = np.unique(codes[codes >= 0])
    renumber = np.full(len(categories.names) + 1, -1, np.int64)
    renumber[used] = np.arange(len(used))
    return Categories(renumber[codes], tuple(categories.names[i] for i in used))


def _number_name(value: float, kind: ColumnKind) -> str:
    if kind == "boolean":
        return "true" if value else "false"
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
