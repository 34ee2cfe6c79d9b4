"""metrics.jsonl: what a run reports while it trains, a JSON line each, only ever appended to.

    {"kind": "start", "attempt": 1, "epochs": 20, "steps_per_epoch": 33, …}
    {"kind": "step", "epoch": 1, "step": 1, "loss": 2.31, "seconds": 0.01}
    {"kind": "epoch", "epoch": 1, "step": 33, "train": {"loss": …}, "validation": {…}, "seconds": …}

An epoch line is what commits an epoch: it is written after the epoch's checkpoint. JSON knows no
infinity: a figure that is not finite is null, and "not_finite" says which ones and why.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

from builder.home import storage_refused, write_atomically

Record: TypeAlias = dict[str, Any]
_LONGEST_LINE: Final = 1_000_000


class MetricsLog:
    """Appends lines. One `os.write` a call: a kill leaves whole lines, or one half at the end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as error:
            raise storage_refused(error, path) from error

    def append(self, *records: Mapping[str, Any], durable: bool = False) -> None:
        """`durable`: on the disk when this returns. Errors: StorageRefused when it is full."""
        text = "".join(json.dumps(finite(r), allow_nan=False) + "\n" for r in records)
        try:
            rest = memoryview(text.encode("utf-8"))
            while rest:
                rest = rest[os.write(self._file, rest) :]
            if durable:
                os.fsync(self._file)
        except OSError as error:
            raise storage_refused(error, self.path) from error

    def close(self) -> None:
        os.close(self._file)


@dataclass(frozen=True)
class Points:
    """What is new since the last look. `position`: hand it back next time.

    `fresh`: nothing before this is known any more (first look, or the run was resumed): draw anew.
    """

    position: str
    fresh: bool
    start: Record | None = None
    steps: tuple[Record, ...] = ()
    epochs: tuple[Record, ...] = field(default=())


def read_points(path: Path, since: str = "", at_most_bytes: int = -1) -> Points:
    """The lines after `since` (a `Points.position`; "" for all). Half a line is left for next time.

    `at_most_bytes`: of a log of any length so much at once; ask again until the position stays.

    Lines that are no JSON are passed over: a log is for looking at, it never stops a page.
    """
    try:
        with open(path, "rb") as file:
            found = os.fstat(file.fileno())
            inode, _, offset = since.partition(":")
            start = int(offset) if inode == str(found.st_ino) and offset.isdigit() else 0
            if start > found.st_size:
                start = 0
            file.seek(start)
            content = file.read(at_most_bytes)
    except FileNotFoundError:
        return Points("", fresh=True)
    whole = content[: content.rfind(b"\n") + 1]
    if not whole and len(content) == at_most_bytes:
        whole = content  # a part of a line that is too long to be one of ours
    records = list(_parse(whole))
    return Points(
        f"{found.st_ino}:{start + len(whole)}",
        fresh=start == 0,
        start=next((r for r in reversed(records) if r["kind"] == "start"), None),
        steps=tuple(r for r in records if r["kind"] == "step"),
        epochs=tuple(r for r in records if r["kind"] == "epoch"),
    )


def rewind(path: Path, epoch: int) -> None:
    """Keeps the lines up to the commit of `epoch`: what came after is going to be done again.

    The new file replaces the old one, so readers notice that they have to start over.
    """
    kept = []
    if path.exists():
        for record in _parse(path.read_bytes()):
            number = epoch if record["kind"] == "start" else record.get("epoch")
            known = isinstance(number, int) and number <= epoch  # any other is of no epoch
            if known and not record.get("partial"):
                kept.append(record)
    lines = "".join(json.dumps(record, allow_nan=False) + "\n" for record in kept)
    write_atomically(path, lines)


def finite(value: Any) -> Any:
    """The same value for JSON: a number that is not finite becomes null, with its reason beside it.

    {"loss": inf} becomes {"loss": None, "not_finite": {"loss": "infinite"}}.
    """
    if not isinstance(value, Mapping):
        return value
    plain: dict[str, Any] = {}
    reasons: dict[str, str] = {}
    for key, item in value.items():
        if isinstance(item, float) and not math.isfinite(item):
            plain[key] = None
            reasons[key] = "not a number" if math.isnan(item) else "infinite"
        else:
            plain[key] = finite(item)
    return {**plain, "not_finite": reasons} if reasons else plain


def _parse(content: bytes) -> Iterable[Record]:
    for line in content.splitlines():
        if len(line) > _LONGEST_LINE:
            continue
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and record.get("kind") in {"start", "step", "epoch"}:
            yield record
