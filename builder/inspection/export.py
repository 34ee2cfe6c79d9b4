"""A whole tensor as a file a person takes along."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import numpy.typing as npt

from builder.errors import InspectionRefused
from builder.graph.size import format_exact
from builder.inspection.tiles import as_matrix

MOST_NUMBERS_IN_CSV = 2_000_000  # about 25 MB of text


def to_csv(values: npt.NDArray[Any], name: str) -> bytes:
    """The full tensor as text: a first line that begins with # and says what it is, then its rows.

    Every number is written with as many digits as give it back exactly. Read it with
    `numpy.loadtxt(file, delimiter=",")`. Errors: InspectionRefused when it has too many numbers.
    """
    values = np.asarray(values)
    if values.size > MOST_NUMBERS_IN_CSV:
        raise InspectionRefused(
            f"{name} holds {format_exact(values.size)} numbers; CSV is offered up to {format_exact(MOST_NUMBERS_IN_CSV)}. "
            "Take the npy file."
        )
    shape = ", ".join(map(str, values.shape))
    lines = [f"# {name}, shape ({shape}), a row for each index of the first axis"]
    lines += [",".join(row) for row in as_matrix(values).astype(str).tolist()]
    return ("\n".join(lines) + "\n").encode()


def to_npy(values: npt.NDArray[Any]) -> bytes:
    """The full tensor as an .npy file, in its own dtype."""
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(values), allow_pickle=False)
    return buffer.getvalue()
