"""The column to learn, as class numbers or as numbers, and why it was taken so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.data.card import Target, TargetKind
from builder.data.choice import Task
from builder.data.columns import (
    Categories,
    Numbers,
    as_categories,
    as_numbers,
    different,
    kind_of,
)
from builder.data.limits import FEW_WHOLE_NUMBERS, MAX_CLASSES
from builder.errors import DataRefused, quote

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

_NAMES_IN_A_NOTE = 6


@dataclass(frozen=True)
class Goal:
    """The target of every row that has one.

    `present` (rows,) says which rows those are. For classes and binary `codes` (present rows,) are
    int64; for a number `values` (present rows,) are float64.
    """

    target: Target
    present: npt.NDArray[np.bool_]
    codes: npt.NDArray[np.int64] | None
    values: npt.NDArray[np.float64] | None
    notes: tuple[str, ...]


def read_goal(name: str, column: pa.ChunkedArray, task: Task, known: Target | None) -> Goal:
    """Reads a target column as the task says, or for "auto" as its values suggest.

    `known`: what a card says about this column: its classes keep the card's order.
    Errors: DataRefused when the column cannot be that, or holds nothing to learn.
    """
    kind = kind_of(column.type)
    if kind in ("date", "other"):
        held = "dates" if kind == "date" else f"values of type {column.type}"
        raise DataRefused(
            f"{quote(name)} holds {held}, which no loss can learn. Choose another target."
        )
    if task == "number":
        return _number(name, column, known)
    if task in ("classes", "binary"):
        return _classes(name, column, task, known, ())
    if known is not None and known.kind == "number":
        return _number(name, column, known)
    if kind == "number" and known is None:
        return _number_or_classes(name, column)
    return _classes(name, column, "classes", known, ())


def _number_or_classes(name: str, column: pa.ChunkedArray) -> Goal:
    import numpy as np

    numbers = as_numbers(column)
    present = numbers.values[~np.isnan(numbers.values)]
    unique = np.unique(present)
    if len(unique) > FEW_WHOLE_NUMBERS or not np.all(unique == np.floor(unique)):
        return _number(name, column, None)
    note = (
        f"{quote(name)} holds {len(unique)} different whole numbers and is taken as classes. To learn "
        "its size, choose the task “number”."
    )
    return _classes(name, column, "classes", None, (note,))


def _classes(
    name: str, column: pa.ChunkedArray, task: Task, known: Target | None, notes: tuple[str, ...]
) -> Goal:
    found = as_categories(column)
    present = found.codes >= 0
    held = different(found, present)
    _refuse_nothing(name, column, len(held.names))
    _refuse_too_few_or_many(name, held, int(present.sum()), kind_of(column.type) == "text")
    held = _in_the_order_of(known, held)
    if task == "binary" and len(held.names) != 2:
        raise DataRefused(
            f"{quote(name)} has {len(held.names)} classes, and yes or no has 2. Choose the task “classes”."
        )
    listed = ", ".join(
        f"{quote(n, 24)} is {i}" for i, n in enumerate(held.names[:_NAMES_IN_A_NOTE])
    )
    more = len(held.names) - _NAMES_IN_A_NOTE
    listed += f" and {more} more" if more > 0 else ""
    says = () if known and known.kind != "number" else (f"Classes of {quote(name)}: {listed}.",)
    kind: TargetKind = "binary" if task == "binary" else "classes"
    return Goal(
        Target(kind, name, held.names),
        present,
        held.codes,
        None,
        (*notes, *says, *_left_out(name, present)),
    )


def _refuse_nothing(name: str, column: pa.ChunkedArray, values: int) -> None:
    if values:
        return
    infinite = kind_of(column.type) == "number" and as_numbers(column).infinite
    held = "is infinite or too big for float32" if infinite else "is empty"
    raise DataRefused(f"{quote(name)} {held} in every row. Choose another target.")


def _refuse_too_few_or_many(name: str, held: Categories, rows: int, text: bool) -> None:
    count = len(held.names)
    if count == 1:
        raise DataRefused(
            f"{quote(name)} is {quote(held.names[0])} in every row: there is nothing to tell apart. "
            "Choose another target, or bring rows of a second class."
        )
    if count > MAX_CLASSES or (text and count > max(FEW_WHOLE_NUMBERS, rows // 2)):
        way = "Choose another target" if text else "Choose the task “number”"
        raise DataRefused(
            f"{quote(name)} holds {count} different values in {rows} rows, too many to be classes. {way}."
        )


def _in_the_order_of(known: Target | None, held: Categories) -> Categories:
    """The card's names with the card's numbers, where the card knows every class found."""
    import numpy as np

    if known is None or not set(held.names) <= set(known.names):
        return held
    places = np.array([known.names.index(n) for n in held.names], np.int64)
    return Categories(places[held.codes], known.names)


def _number(name: str, column: pa.ChunkedArray, known: Target | None) -> Goal:
    import numpy as np

    if kind_of(column.type) == "text":
        first = next((v for v in column.slice(0, 1000).to_pylist() if v is not None), "")
        raise DataRefused(
            f"{quote(name)} holds text such as {quote(first, 24)}, which is no number. Choose the task "
            "“classes”, or another target."
        )
    numbers: Numbers = as_numbers(column)
    present = ~np.isnan(numbers.values)
    values = numbers.values[present]
    _refuse_nothing(name, column, len(values))
    if np.all(values == values[0]) and len(values) > 1:
        raise DataRefused(
            f"{quote(name)} is {values[0]:g} in every row: there is nothing to learn. Choose another "
            "target."
        )
    target = Target("number", name, unit=known.unit if known and known.kind == "number" else "")
    return Goal(target, present, None, values, _left_out(name, present))


def _left_out(name: str, present: npt.NDArray[np.bool_]) -> tuple[str, ...]:
    missing = int((~present).sum())
    if not missing:
        return ()
    rows = "1 row has" if missing == 1 else f"{missing:,} rows have"
    return (f"{rows} no {quote(name)} and {'is' if missing == 1 else 'are'} left out.",)
