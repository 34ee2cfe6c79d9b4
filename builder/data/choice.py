"""Which data, cut and prepared how: `DataChoice`, what a project keeps and a job asks for."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, Literal, get_args

from builder.data.card import OptionValue
from builder.errors import DataRefused, did_you_mean, quote

UPLOAD_PREFIX: Final = "upload:"
MOST_SIZES: Final = 4
"""Of the shape that a row is cut into."""

Task = Literal["auto", "classes", "binary", "number"]
MissingNumbers = Literal["mean", "drop"]
MissingCategories = Literal["own", "frequent", "drop"]

TASKS: Final[Mapping[Task, str]] = {
    "auto": "As the target suggests",
    "classes": "Classes: one output each",
    "binary": "Yes or no: one output for two classes",
    "number": "A number: one output",
}
MISSING_NUMBERS: Final[Mapping[MissingNumbers, str]] = {
    "mean": "Put in the column's mean",
    "drop": "Leave the row out",
}
MISSING_CATEGORIES: Final[Mapping[MissingCategories, str]] = {
    "own": "A category of their own",
    "frequent": "Put in the most frequent one",
    "drop": "Leave the row out",
}


@dataclass(frozen=True)
class DataChoice:
    """A data set by name or upload, and the recipe from its rows to tensors.

    Args:
        source: a key of `cards()`, or "upload:<id>".
        options: what the set's card offers (n, noise, seed, layout…); left out: its defaults.
        target: the column to learn; "" is the set's own, or an upload's last column.
        columns: the features, in order; None is every other column.
        task: "classes", "binary", "number", or "auto" as the target suggests.
        split: shares of training, validation and test rows; they add up to 1.
        split_seed: the same seed, the same split.
        standardise: mean 0 and deviation 1 for every number, measured on the training part; None
            as the set's card suggests.
        missing_numbers, missing_categories: what stands where nothing stood.
        shape: cuts each row's features into this shape, (1, 28, 28) or (64,); None leaves them.
    Errors: DataRefused with the field, what was received and what is possible.
    """

    source: str
    options: Mapping[str, OptionValue] = field(default_factory=dict)
    target: str = ""
    columns: tuple[str, ...] | None = None
    task: Task = "auto"
    split: tuple[float, float, float] = (0.7, 0.15, 0.15)
    split_seed: int = 0
    standardise: bool | None = None
    missing_numbers: MissingNumbers = "mean"
    missing_categories: MissingCategories = "own"
    shape: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        _check_texts(self)
        _check_split(self)
        _check_shape(self.shape)

    def to_json(self) -> dict[str, Any]:
        """Plain dicts and lists of what differs from the defaults, for a project file."""
        plain = DataChoice(self.source)
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {
            name: dict(v) if isinstance(v, Mapping) else list(v) if isinstance(v, tuple) else v
            for name, v in values.items()
            if name == "source" or v != getattr(plain, name)
        }

    @classmethod
    def from_json(cls, data: object) -> DataChoice:
        """The choice a project file holds. Errors: DataRefused for an unknown or bad field."""
        if not isinstance(data, Mapping) or not isinstance(data.get("source"), str):
            raise DataRefused("The choice of data has no “source”. Choose the data again.")
        known = [f.name for f in fields(cls)]
        for key in data:
            if key not in known:
                hint = did_you_mean(str(key), known) or "Choose the data again."
                raise DataRefused(f"The choice of data has an unknown field {quote(key)}. {hint}")
        values: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in data.items()
        }
        return cls(**values)

    @property
    def upload_id(self) -> str | None:
        """The id of the uploaded set, None for a registered one."""
        return self.source[len(UPLOAD_PREFIX) :] if self.source.startswith(UPLOAD_PREFIX) else None


def parse_shape(text: str) -> tuple[int, ...] | None:
    """A shape as people write it: "1, 28, 28", "1×28×28", "1x28x28"; empty is None.

    Errors: DataRefused with the text.
    """
    sizes = re.split(r"[\s,;×xX*]+", text.strip().strip("()[]"))
    if sizes == [""]:
        return None
    if not all(size.isascii() and size.isdigit() and len(size) < 7 for size in sizes):
        raise DataRefused(f"A shape is sizes such as 1, 28, 28, not {quote(text, 30)}.")
    shape = tuple(int(size) for size in sizes)
    _check_shape(shape)
    return shape


def split_at(validation_from: int, test_from: int) -> tuple[float, float, float]:
    """The shares of a split cut at two whole percents: 70 and 85 are 0.7, 0.15 and 0.15."""
    parts = (validation_from, test_from - validation_from, 100 - test_from)
    return (parts[0] / 100, parts[1] / 100, parts[2] / 100)


def to_json(choice: DataChoice) -> dict[str, Any]:
    """The same as `choice.to_json()`."""
    return choice.to_json()


def from_json(data: object) -> DataChoice:
    """The same as `DataChoice.from_json`."""
    return DataChoice.from_json(data)


def _check_texts(choice: DataChoice) -> None:
    if not isinstance(choice.source, str) or not 0 < len(choice.source) <= 100:
        raise DataRefused(f"A data set is chosen by its name, not {quote(choice.source)}.")
    if not isinstance(choice.target, str):
        raise DataRefused(f"The target is a column's name, not {quote(choice.target)}.")
    if not isinstance(choice.options, Mapping):
        raise DataRefused(f"The options of a data set have names, unlike {quote(choice.options)}.")
    columns = choice.columns
    if columns is not None and not (
        isinstance(columns, tuple) and all(isinstance(name, str) for name in columns)
    ):
        raise DataRefused(f"The columns are a list of names, not {quote(columns)}.")
    if columns is not None and len(set(columns)) < len(columns):
        raise DataRefused("A column is chosen twice as a feature. Choose each once.")
    for name, value, allowed in (
        ("task", choice.task, get_args(Task)),
        ("missing_numbers", choice.missing_numbers, get_args(MissingNumbers)),
        ("missing_categories", choice.missing_categories, get_args(MissingCategories)),
    ):
        if value not in allowed:
            raise DataRefused(f"{name} is one of {', '.join(allowed)}, not {quote(value)}.")
    if choice.standardise is not None and not isinstance(choice.standardise, bool):
        raise DataRefused(f"standardise is true or false, not {quote(choice.standardise)}.")


def _check_split(choice: DataChoice) -> None:
    split = choice.split
    numbers = isinstance(split, tuple) and all(
        isinstance(share, int | float) and not isinstance(share, bool) and math.isfinite(share)
        for share in split
    )
    if not numbers or len(split) != 3:
        raise DataRefused(
            "The split is three shares, for training, validation and test, such as 0.7, 0.15, 0.15."
        )
    if split[0] <= 0 or min(split) < 0 or abs(sum(split) - 1) > 1e-6:
        raise DataRefused(
            f"The shares {split[0]:g}, {split[1]:g} and {split[2]:g} do not split the rows: they add "
            "up to 1, training has more than 0 and none is negative."
        )
    seed = choice.split_seed
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**31:
        raise DataRefused(
            f"The split's seed is a whole number from 0 to 2147483647, not {quote(seed)}."
        )


def _check_shape(shape: object) -> None:
    if shape is None:
        return
    whole = isinstance(shape, tuple) and all(
        isinstance(size, int) and not isinstance(size, bool) and size > 0 for size in shape
    )
    if not whole or not isinstance(shape, tuple) or not 1 <= len(shape) <= MOST_SIZES:
        raise DataRefused(
            f"A shape is one to four sizes above 0, such as 1, 28, 28, not {quote(shape)}."
        )
