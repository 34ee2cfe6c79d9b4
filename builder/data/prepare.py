"""From a table to tensors: which columns, what stands where nothing stood, texts as 0 and 1.

What is *measured* (means, the most frequent category, the scale) is measured on the training part.
Which categories exist is read from the whole column: a category is a column of the input, and the
input of a model must not change with the seed of the split.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.data.card import Target
from builder.data.choice import DataChoice
from builder.data.columns import Categories, Numbers, as_categories, as_numbers, different, kind_of
from builder.data.limits import MAX_CATEGORIES, MAX_FEATURES, MAX_TENSOR_BYTES
from builder.data.split import Split, split_rows
from builder.data.target import Goal, read_goal
from builder.errors import DataRefused, did_you_mean, quote

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    Mask = npt.NDArray[np.bool_]

_NAMES_IN_A_NOTE = 4


@dataclass(frozen=True)
class Prepared:
    """Rows ready for a model, still in numpy and not yet standardised.

    `x` (rows, features) float32; `y` as `Target` says, by rows; `one_hot` which features are 0 or 1
    by making; `features` one name a column of `x`.
    """

    x: npt.NDArray[np.float32]
    y: npt.NDArray[np.int64] | npt.NDArray[np.float32]
    target: Target
    split: Split
    features: tuple[str, ...]
    one_hot: tuple[bool, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Feature:
    name: str
    content: Numbers | Categories


def prepare(table: pa.Table, target: str, known: Target | None, choice: DataChoice) -> Prepared:
    """Carries out the recipe of a choice on a table.

    Args:    target: the column used when the choice names none; known: what a card says of it.
    Errors:  DataRefused for an unknown column, a target that cannot be learned, nothing left.
    """
    goal_name = choice.target or target
    _refuse_unknown(table, (goal_name,))
    goal = read_goal(
        goal_name, table.column(goal_name), choice.task, known if goal_name == target else None
    )
    features, notes = _read_features(table, goal_name, choice)
    keep, dropped = _rows_kept(goal, features, choice)
    _refuse_nothing_left(features, keep, goal_name)
    features = [_only(feature, keep) for feature in features]
    codes, y = _target_values(goal, keep)
    split = split_rows(int(keep.sum()), choice.split, choice.split_seed, codes)
    x, names, one_hot, filled = _matrix(features, split, choice)
    handled = (*goal.notes, *notes, *dropped, *filled, *split.notes)
    return Prepared(x, y, goal.target, split, names, one_hot, handled)


def feature_names(table_names: Sequence[str], target: str, choice: DataChoice) -> tuple[str, ...]:
    """The columns a choice takes as features: those named, or all but the target."""
    if choice.columns is not None:
        return choice.columns
    return tuple(name for name in table_names if name != target)


def _refuse_unknown(table: pa.Table, names: tuple[str, ...]) -> None:
    known = dict.fromkeys(table.column_names)  # which pyarrow makes anew each time it is asked
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known) or "It has " + ", ".join(
                quote(n, 24) for n in list(known)[:8]
            )
            raise DataRefused(
                f"The data has no column {quote(name)}. {hint.rstrip('.')}.".replace("?.", "?")
            )


def _read_features(
    table: pa.Table, target: str, choice: DataChoice
) -> tuple[list[_Feature], tuple[str, ...]]:
    names = feature_names(table.column_names, target, choice)
    _refuse_unknown(table, names)
    if target in names:
        raise DataRefused(
            f"{quote(target)} is the target and cannot be a feature too. Take it out of the columns."
        )
    features, notes = [], []
    for name in names:
        column = table.column(name)
        kind = kind_of(column.type)
        if column.null_count == len(column):
            notes.append(f"{quote(name)} is empty in every row: left out.")
        elif kind == "other":
            notes.append(f"{quote(name)} holds values of type {column.type}: left out.")
        elif kind == "text":
            found = as_categories(column)
            if len(found.names) > MAX_CATEGORIES:
                notes.append(
                    f"{quote(name)} holds {len(found.names):,} different texts, more than the "
                    f"{MAX_CATEGORIES} that become columns: left out."
                )
            else:
                features.append(_Feature(name, found))
        else:
            numbers = as_numbers(column)
            features.append(_Feature(name, numbers))
            if numbers.infinite:
                notes.append(
                    f"{quote(name)} has {_values(numbers.infinite)} that are infinite or too big for "
                    "float32: they count as missing."
                )
            if kind == "date":
                notes.append(f"{quote(name)} holds dates: they count as years since 2000.")
    return features, tuple(notes)


def _rows_kept(
    goal: Goal, features: list[_Feature], choice: DataChoice
) -> tuple[Mask, tuple[str, ...]]:
    keep = goal.present.copy()
    for feature in features:
        drops = choice.missing_categories if _is_text(feature) else choice.missing_numbers
        if drops == "drop":
            keep &= ~_missing(feature)
    lost = int(goal.present.sum() - keep.sum())
    if not lost:
        return keep, ()
    rows = (
        "1 row with a missing value is" if lost == 1 else f"{lost:,} rows with missing values are"
    )
    return keep, (f"{rows} left out; {int(keep.sum()):,} stay.",)


def _refuse_nothing_left(features: list[_Feature], keep: Mask, target: str) -> None:
    if not features:
        raise DataRefused(
            f"No column is left as a feature beside the target {quote(target)}. Choose columns that "
            "hold numbers, or texts that repeat."
        )
    if not keep.any():
        raise DataRefused(
            "Every row has a missing value, so leaving those rows out leaves none. Put in the mean "
            "instead, or leave out the emptiest column."
        )


def _target_values(
    goal: Goal, keep: Mask
) -> tuple[npt.NDArray[np.int64] | None, npt.NDArray[np.int64] | npt.NDArray[np.float32]]:
    import numpy as np

    stays = keep[goal.present]
    if goal.values is not None:
        return None, goal.values[stays].astype(np.float32).reshape(-1, 1)
    assert goal.codes is not None
    codes = goal.codes[stays]
    if len(np.unique(codes)) < 2:
        raise DataRefused(
            f"Only one class of {quote(goal.target.name)} is left once rows with missing values are "
            "out. Put in the mean instead."
        )
    if goal.target.kind == "binary":
        return codes, codes.astype(np.float32).reshape(-1, 1)
    return codes, codes


def _matrix(
    features: list[_Feature], split: Split, choice: DataChoice
) -> tuple[npt.NDArray[np.float32], tuple[str, ...], tuple[bool, ...], tuple[str, ...]]:
    """All features side by side, holes filled from the training part."""
    import numpy as np

    plans = [_plan(feature, split, choice) for feature in features]
    names = tuple(name for plan in plans for name in plan.names)
    rows = len(split.train) + len(split.validation) + len(split.test)
    if len(names) > MAX_FEATURES or rows * len(names) * 4 > MAX_TENSOR_BYTES:
        raise DataRefused(
            f"The features make {rows:,} rows of {len(names):,} numbers, more than the "
            f"{MAX_FEATURES:,} a row or {MAX_TENSOR_BYTES // 2**20:,} MiB in all that fit. Choose "
            "fewer columns."
        )
    x = np.zeros((rows, len(names)), np.float32)
    start = 0
    for feature, plan in zip(features, plans, strict=True):
        block = x[:, start : start + len(plan.names)]
        start += len(plan.names)
        if isinstance(feature.content, Numbers):
            values = feature.content.values
            block[:, 0] = np.where(np.isnan(values), plan.fill, values)
        else:
            found = feature.content.codes
            block[np.arange(rows), np.where(found < 0, int(plan.fill), found)] = 1.0
    one_hot = tuple(plan.text for plan in plans for _ in plan.names)
    return x, names, one_hot, tuple(note for plan in plans for note in plan.notes)


@dataclass(frozen=True)
class _Plan:
    """How one feature becomes columns: their names, and what fills a hole (a number, or a code)."""

    names: tuple[str, ...]
    fill: float
    text: bool
    notes: tuple[str, ...]


def _plan(feature: _Feature, split: Split, choice: DataChoice) -> _Plan:
    import numpy as np

    name, missing = quote(feature.name), int(_missing(feature).sum())
    if isinstance(feature.content, Numbers):
        training = feature.content.values[split.train]
        known = training[~np.isnan(training)]
        mean = float(known.mean()) if len(known) else 0.0
        filled = (
            f"{name} has {_missing_values(missing)}: the training mean {mean:.4g} stands there."
        )
        return _Plan((feature.name,), mean, False, (filled,) if missing else ())
    texts, codes = feature.content.names, feature.content.codes
    notes = [_columns_note(name, texts)]
    fill = len(texts)
    if missing and choice.missing_categories == "own":
        texts = (*texts, "missing")
        notes.append(f"{name} has {_missing_values(missing)}: a column of its own says so.")
    elif missing:
        trained = codes[split.train]
        counts = np.bincount(trained[trained >= 0], minlength=len(texts))
        fill = int(counts.argmax())
        notes.append(
            f"{name} has {_missing_values(missing)}: the training part's most frequent "
            f"{quote(texts[fill], 24)} stands there."
        )
    return _Plan(tuple(f"{feature.name} = {text}" for text in texts), fill, True, tuple(notes))


def _columns_note(name: str, texts: tuple[str, ...]) -> str:
    shown = ", ".join(quote(text, 24) for text in texts[:_NAMES_IN_A_NOTE])
    rest = len(texts) - _NAMES_IN_A_NOTE
    more = f" and {rest} more" if rest > 0 else ""
    columns = "1 column" if len(texts) == 1 else f"{len(texts)} columns"
    return f"{name} holds text and becomes {columns} of 0 and 1: {shown}{more}."


def _is_text(feature: _Feature) -> bool:
    return isinstance(feature.content, Categories)


def _missing(feature: _Feature) -> Mask:
    import numpy as np

    if isinstance(feature.content, Numbers):
        return np.isnan(feature.content.values)
    return feature.content.codes < 0


def _only(feature: _Feature, keep: Mask) -> _Feature:
    import numpy as np

    if isinstance(feature.content, Numbers):
        return _Feature(feature.name, Numbers(np.compress(keep, feature.content.values)))
    return _Feature(feature.name, different(feature.content, keep))


def _values(count: int) -> str:
    return "1 value" if count == 1 else f"{count:,} values"


def _missing_values(count: int) -> str:
    return "1 missing value" if count == 1 else f"{count:,} missing values"
