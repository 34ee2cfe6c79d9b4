"""What stands in each column: its kind, how much is missing, its range, a few statistics."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from builder.data.columns import ColumnKind, as_numbers, kind_of
from builder.data.limits import PREVIEW_CHARACTERS

if TYPE_CHECKING:
    import pyarrow as pa

_EXAMPLES = 3


@dataclass(frozen=True)
class ColumnProfile:
    """One column. `low`, `high`, `mean` and `deviation` are None for text and for nothing at all.

    Dates have `low` and `high` as years since 2000, as a model sees them; `examples` show them as
    they stand. `different`: how many different values there are.
    """

    name: str
    kind: ColumnKind
    missing: int
    different: int
    low: float | None = None
    high: float | None = None
    mean: float | None = None
    deviation: float | None = None
    examples: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values for a report."""
        return asdict(self) | {"examples": list(self.examples)}

    @staticmethod
    def from_json(data: dict[str, Any]) -> ColumnProfile:
        """The profile a report holds."""
        return ColumnProfile(**(data | {"examples": tuple(data["examples"])}))


def profile(table: pa.Table) -> tuple[ColumnProfile, ...]:
    """A profile of every column of a table, in order."""
    return tuple(
        _profile(name, column)
        for name, column in zip(table.column_names, table.columns, strict=True)
    )


def shown(value: object) -> str:
    """A value as a preview shows it: short, numbers with at most six digits."""
    if value is None:
        return ""
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= PREVIEW_CHARACTERS else text[: PREVIEW_CHARACTERS - 1] + "…"


def _profile(name: str, column: pa.ChunkedArray) -> ColumnProfile:
    import numpy as np
    import pyarrow.compute as pc

    kind = kind_of(column.type)
    if kind == "text":
        different = _different_texts(column)
    else:
        different = int(pc.count_distinct(column, mode="only_valid").as_py())
    plain = ColumnProfile(name, kind, column.null_count, different, examples=_examples(column))
    if kind == "text" or column.null_count == len(column):
        return plain
    values = as_numbers(column).values
    known = values[~np.isnan(values)]
    if not len(known):
        return ColumnProfile(name, kind, len(values), different, examples=plain.examples)
    return ColumnProfile(
        name,
        kind,
        missing=int(len(values) - len(known)),
        different=different,
        low=float(known.min()),
        high=float(known.max()),
        mean=float(known.mean()),
        deviation=float(known.std()),
        examples=plain.examples,
    )


def _different_texts(column: pa.ChunkedArray) -> int:
    """Of texts, also where they stand in a dictionary (which may list texts that no row has)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        return len(column.unify_dictionaries().unique().drop_null())
    return int(pc.count_distinct(column, mode="only_valid").as_py())


def _examples(column: pa.ChunkedArray) -> tuple[str, ...]:
    found: list[str] = []
    for value in column.slice(0, 200).to_pylist():
        text = shown(value)
        if text and text not in found:
            found.append(text)
        if len(found) == _EXAMPLES:
            break
    return tuple(found)
