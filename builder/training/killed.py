"""The ending of a worker that could not write one: what its log holds is what is left."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from builder.home import is_full
from builder.training.folder import Ending, RunFolder
from builder.training.metrics_log import read_points
from builder.training.run import DISK_FULL, KILLED


def ending_of_killed(folder: RunFolder, attempt: int) -> Ending:
    """The ending of a worker that could not write one: what its log holds is what is left."""
    full = False
    records: Sequence[Mapping[str, Any]] = ()
    with contextlib.suppress(OSError):  # even when its folder is gone, it has ended
        full = is_full(folder.path)  # then the worker could not even say why it ended
        records = read_points(folder.metrics).epochs
    sentence = DISK_FULL if full else KILLED
    epochs = [e for e in records if tells_an_epoch(e) and not e.get("partial")]
    if not epochs:
        return Ending("interrupted", sentence, attempt=attempt)
    last = epochs[-1]
    figures = {name: last.get(name) or {} for name in ("train", "validation")}
    return Ending("interrupted", sentence, last["epoch"], last["seconds"], figures, attempt)


def tells_an_epoch(record: Mapping[str, Any]) -> bool:
    """Whether a line of metrics.jsonl says what an epoch's line has to say."""
    return (
        isinstance(record.get("epoch"), int)
        and isinstance(record.get("seconds"), int | float)
        and all(_tells_figures(record.get(p) or {}) for p in ("train", "validation"))
    )


def _tells_figures(figures: object) -> bool:
    return isinstance(figures, Mapping) and all(
        name == "not_finite" or value is None or isinstance(value, int | float)
        for name, value in figures.items()
    )
