"""Which rows train, validate and test: drawn from a seed, with every class in its share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.errors import DataRefused

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Rows = npt.NDArray[np.int64]

_PARTS = ("training", "validation", "test")


@dataclass(frozen=True)
class Split:
    """Row numbers of the three parts, ascending; they share no row and leave none out."""

    train: Rows
    validation: Rows
    test: Rows
    notes: tuple[str, ...] = ()


def split_rows(
    rows: int,
    shares: tuple[float, float, float],
    seed: int,
    classes: npt.NDArray[np.int64] | None = None,
) -> Split:
    """Draws the parts; with `classes` (rows,) each class is spread over them in the same shares.

    Every part that has a share gets a row. A class's first drawn row trains, so that no class is
    unknown to the model. Errors: DataRefused when there are fewer rows than parts.
    """
    import numpy as np

    sizes = part_sizes(rows, shares)
    random = np.random.Generator(np.random.PCG64(seed))
    order = random.permutation(rows) if classes is None else _spread(classes, random)
    ends = np.cumsum(sizes)
    parts = [np.sort(part).astype(np.int64) for part in np.split(order, ends[:-1])]
    return Split(parts[0], parts[1], parts[2], _notes(parts, shares, classes))


def part_sizes(rows: int, shares: tuple[float, float, float]) -> tuple[int, int, int]:
    """How many rows each part gets: 150 at 0.7, 0.15, 0.15 is 104, 23, 23."""
    wanted = [share > 0 for share in shares]
    if rows < sum(wanted):
        asked = " and ".join(name for name, want in zip(_PARTS, wanted, strict=True) if want)
        has = "one row" if rows == 1 else f"{rows} rows"
        raise DataRefused(
            f"{has.capitalize()} cannot be split into {asked}: each part needs at least one. Bring "
            "more rows, or set the other shares to 0."
        )
    validation, test = (max(1, int(rows * share + 0.5)) if share > 0 else 0 for share in shares[1:])
    while validation + test >= rows:  # only with a handful of rows: training needs one too
        if validation >= test:
            validation -= 1
        else:
            test -= 1
    return rows - validation - test, validation, test


def _spread(classes: npt.NDArray[np.int64], random: np.random.Generator) -> Rows:
    """All rows in an order of which any stretch holds every class in about its share.

    A class's rows are shuffled and laid at even distances over 0…1, with a random offset each;
    the first lies at 0. Sorting all rows by these places mixes the classes evenly.
    """
    import numpy as np

    place = np.empty(len(classes))
    for code in np.unique(classes):
        members = np.flatnonzero(classes == code)
        shuffled = random.permutation(members)
        offsets = random.random(len(members))
        offsets[0] = 0.0
        place[shuffled] = (np.arange(len(members)) + offsets) / len(members)
    return np.argsort(place, kind="stable").astype(np.int64)


def _notes(
    parts: list[Rows], shares: tuple[float, ...], classes: npt.NDArray[np.int64] | None
) -> tuple[str, ...]:
    import numpy as np

    if classes is None:
        return ()
    everyone = set(np.unique(classes).tolist())
    lines = []
    for name, part, share in zip(_PARTS, parts, shares, strict=True):
        lacking = len(everyone - set(np.unique(classes[part]).tolist()))
        if share > 0 and lacking:
            lines.append(
                f"The {name} part has no row of {lacking} of the {len(everyone)} classes: they are "
                "too rare."
            )
    return tuple(lines)
