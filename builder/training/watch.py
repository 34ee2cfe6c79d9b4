"""What there is to see of a run while it trains and after: curves, progress, speed, time left.

`watch(store, run_id, owner)` is asked once a second by everybody who looks, so a run's log is read
on from where the last look ended, whoever looked.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from builder.training.card import RunCard
from builder.training.folder import RunFolder
from builder.training.killed import tells_an_epoch
from builder.training.metrics_log import Points, read_points
from builder.training.store import Store

PartName: TypeAlias = Literal["train", "validation"]
_MOST_STEPS: Final = 2000
_MOST_EPOCHS: Final = 4000  # far more than a chart has pixels
_READ_AT_ONCE_BYTES: Final = 8_000_000
_RUNS_REMEMBERED: Final = 200


@dataclass(frozen=True)
class Series:
    """One line of a chart: x in epochs, None in y where a figure was not finite."""

    x: tuple[float, ...] = ()
    y: tuple[float | None, ...] = ()

    @property
    def last(self) -> float | None:
        return next((value for value in reversed(self.y) if value is not None), None)


@dataclass(frozen=True)
class Watch:
    """One run as it stands. `epoch`: complete ones; `share`: 0…1 of the whole training.

    `rows_per_second`, `seconds_left`: None while nothing can be said. `steps`: the loss of single
    batches, with x as a fraction of epochs. `metric`: the figure to draw beside the loss.
    `place`: how many runs wait in front of it. `started`: whether a first step was reported.
    `curves`: of a run of many thousand epochs not every one, but real ones, among them the first, the
    last and for every figure the lowest, the highest and one that was not finite, where there is one.
    """

    card: RunCard
    epoch: int
    epochs: int
    share: float
    started: bool
    metric: str
    rows_per_second: float | None = None
    seconds: float = 0.0
    seconds_left: float | None = None
    place: int = 0
    steps: Series = field(default_factory=Series)
    curves: Mapping[tuple[PartName, str], Series] = field(default_factory=dict)

    def series(self, part: PartName, figure: str) -> Series:
        """The epochs of one figure, empty where there is none."""
        return self.curves.get((part, figure), Series())


def watch(store: Store, run_id: str, owner: str) -> Watch:
    """A run as it stands now. Errors: NotFound when there is none of that owner's."""
    card = store.get(run_id, owner)
    log = _log_of(store.folder(run_id))
    with log.lock:
        log.read_on()
        start, epochs, steps = log.start, log.epochs, log.steps
        total = int(start.get("epochs") or card.summary.get("epochs") or 0)
        last = steps[-1] if steps else {}
        seconds = max(
            float(last.get("seconds", 0.0)),
            float(epochs[-1]["seconds"]) if epochs else 0.0,
        )
        done = max((e["epoch"] for e in epochs if not e.get("partial")), default=0)
        share = _share(done, total, last, int(start.get("steps_per_epoch") or 0))
        names = start.get("metrics") or []
        speed = _speed(steps)
        return Watch(
            card,
            done,
            total,
            1.0 if card.state == "finished" else share,
            bool(epochs or steps),
            str(names[0]) if names else "",
            speed,
            seconds,
            seconds * (1 - share) / share if share > 0 and card.active else None,
            store.waiting_before(run_id, owner) if card.state == "queued" else 0,
            _step_series(steps, int(start.get("steps_per_epoch") or 1)),
            _curves(epochs),
        )


def wait_for_first_point(store: Store, run_id: str, seconds: float) -> bool:
    """Waits until a run has reported something, or for so long; whether it has."""
    end = time.monotonic() + seconds
    path = store.folder(run_id).metrics
    while not (reported := path.exists()) and time.monotonic() < end:
        time.sleep(0.01)
    return reported


def _share(done: int, total: int, last: Mapping[str, Any], steps_per_epoch: int) -> float:
    if not total:
        return 0.0
    within = 0.0
    if steps_per_epoch and int(last.get("epoch", 0)) == done + 1:
        within = int(last["step_in_epoch"]) / steps_per_epoch
    return min(1.0, (done + within) / total)


def _speed(steps: list[dict[str, Any]]) -> float | None:
    """Rows a second over the last reports; the very first one measures a single batch."""
    recent = [s["rows_per_second"] for s in steps[-5:] if "rows_per_second" in s and s["step"] > 1]
    return sum(recent) / len(recent) if recent else None


def _step_series(steps: list[dict[str, Any]], steps_per_epoch: int) -> Series:
    ordered = sorted(steps, key=lambda s: int(s["step"]))  # a failed epoch is told after the fact
    return Series(
        tuple(s["epoch"] - 1 + s["step_in_epoch"] / max(1, steps_per_epoch) for s in ordered),
        tuple(s["loss"] for s in ordered),
    )


def _curves(epochs: list[dict[str, Any]]) -> dict[tuple[PartName, str], Series]:
    found: dict[tuple[PartName, str], tuple[list[float], list[float | None]]] = {}
    parts: tuple[PartName, PartName] = ("train", "validation")
    for record in epochs:
        for part in parts:
            for figure, value in (record.get(part) or {}).items():
                if figure != "not_finite":
                    x, y = found.setdefault((part, figure), ([], []))
                    x.append(record["epoch"])
                    y.append(value)
    return {key: Series(tuple(x), tuple(y)) for key, (x, y) in found.items()}


def _tells_a_start(record: Mapping[str, Any]) -> bool:
    numbers = (record.get(name) or 0 for name in ("epochs", "steps_per_epoch"))
    return all(isinstance(n, int) for n in numbers) and isinstance(
        record.get("metrics") or [], list
    )


def _tells_a_step(record: Mapping[str, Any]) -> bool:
    """Whether a line says what a step's line has to say: one that does not is passed over."""
    return (
        all(isinstance(record.get(name), int) for name in ("epoch", "step", "step_in_epoch"))
        and isinstance(record.get("seconds", 0.0), int | float)
        and isinstance(record.get("rows_per_second", 0.0), int | float)
        and "loss" in record
    )


class _Log:
    """A run's reports so far, read on at every look."""

    def __init__(self, folder: RunFolder) -> None:
        self.lock = threading.Lock()
        self._path = folder.metrics
        self._position = ""
        self.start: dict[str, Any] = {}
        self.epochs: list[dict[str, Any]] = []
        self.steps: list[dict[str, Any]] = []

    def read_on(self) -> None:
        before = None
        while before != self._position or before is None:
            before = self._position
            self._take(read_points(self._path, before, _READ_AT_ONCE_BYTES))
            if not self._position:
                return  # there is no log yet

    def _take(self, new: Points) -> None:
        self._position = new.position
        if new.fresh:
            self.start, self.epochs, self.steps = {}, [], []
        if new.start and _tells_a_start(new.start):
            self.start = new.start
        self.epochs.extend(e for e in new.epochs if tells_an_epoch(e))
        if len(self.epochs) > 2 * _MOST_EPOCHS:
            self.epochs = thinned(self.epochs, _MOST_EPOCHS)
        self.steps.extend(s for s in new.steps if _tells_a_step(s))
        while len(self.steps) > _MOST_STEPS:
            self.steps = [*self.steps[:-1:2], self.steps[-1]]


def thinned(epochs: Sequence[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    """About `most` of the epochs, in their order, with which the curves look as with all of them.

    Kept are the first, the last, and of each stretch the epochs where a figure is lowest, highest or
    not finite. So a spike of a single epoch stays, and thinning again keeps what matters again.
    """
    figures = {
        (part, name)
        for record in (epochs[0], epochs[-1])
        for part in ("train", "validation")
        for name in record.get(part) or {}
        if name != "not_finite"
    }
    stretches = max(1, most // (3 * max(1, len(figures))))
    length = max(1, -(-len(epochs) // stretches))
    kept = {0, len(epochs) - 1}
    for begin in range(0, len(epochs), length):
        stretch = range(begin, min(begin + length, len(epochs)))
        kept.add(begin)
        for part, name in figures:
            values = [((epochs[i].get(part) or {}).get(name), i) for i in stretch]
            finite = [(value, i) for value, i in values if value is not None]
            if finite:
                kept.update((min(finite)[1], max(finite)[1]))
            kept.update([i for value, i in values if value is None][:1])
    return [epochs[i] for i in sorted(kept)]


_logs: Final[OrderedDict[str, _Log]] = OrderedDict()
_logs_lock: Final = threading.Lock()


def _log_of(folder: RunFolder) -> _Log:
    with _logs_lock:
        log = _logs.setdefault(str(folder.path), _Log(folder))
        _logs.move_to_end(str(folder.path))
        while len(_logs) > _RUNS_REMEMBERED:
            _logs.popitem(last=False)
        return log
