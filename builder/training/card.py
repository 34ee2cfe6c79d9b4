"""One run as the list shows it, and how a row of the database says it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from builder.training.database import Row
from builder.training.folder import Ending, RunState
from builder.training.metrics_log import finite

ACTIVE: Final = ("queued", "running")


@dataclass(frozen=True)
class RunCard:
    """One line of the list of runs. Times are seconds since 1970, `seconds` is of training.

    `summary`: {"data", "network", "parameters", "optimizer", "lr", "epochs", "loss"}. `figures`:
    the last whole epoch's, {"train": {"loss": …}, "validation": {"accuracy": …}}, and "test" once
    it ended. `epoch`: that one.
    """

    id: str
    name: str
    state: RunState
    sentence: str
    created: float
    started: float | None
    ended: float | None
    attempt: int = 1
    epoch: int = 0
    seconds: float = 0.0
    summary: Mapping[str, Any] = field(default_factory=dict)
    figures: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)

    @property
    def active(self) -> bool:
        """Whether it waits or trains."""
        return self.state in ACTIVE


def card_of(row: Row) -> RunCard:
    """The card a row stands for; a damaged figure is left out."""
    figures = _object(row["figures"])
    return RunCard(
        row["id"],
        row["name"],
        row["state"],
        row["sentence"],
        row["created"],
        row["started"],
        row["ended"],
        row["attempt"],
        figures.pop("epoch", 0),
        figures.pop("seconds", 0.0),
        _object(row["summary"]),
        figures,
    )


def as_ended(ending: Ending) -> Row:
    """What a row says of an ending."""
    figures = {
        "epoch": ending.epoch,
        "seconds": ending.seconds,
        **{name: finite(figures) for name, figures in ending.figures.items()},
    }
    return {
        "state": ending.state,
        "sentence": ending.sentence,
        "ended": time.time(),
        "figures": json.dumps(figures),
    }


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, TypeError):
        return {}
    return value if isinstance(value, dict) else {}
