"""Run folders the list does not know, and what becomes of them.

A folder never goes because a row is missing: the list may be what was lost (moved away, restored from
an old copy). Only what was hidden by a delete, and what never began and never was listed, is removed.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from builder.training.folder import RunFolder

_LOG: Final = logging.getLogger("layerwise")
_HIDDEN: Final = ".deleted-"
_BEING_WRITTEN_SECONDS: Final = 3600.0  # a younger folder may be about to get its row
_FOUND_AGAIN: Final = "Found again after the list of runs was lost. It had not begun."


@dataclass
class Leftovers:
    """`adopted`: run folders to be listed again; `undone`: hidden by a delete that was not carried
    out; `gone`: to be removed."""

    adopted: list[RunFolder] = field(default_factory=list)
    undone: list[Path] = field(default_factory=list)
    gone: list[Path] = field(default_factory=list)


def hidden(path: Path) -> Path:
    """What a run's folder is called from its delete on: out of sight in one step."""
    return path.with_name(f"{_HIDDEN}{path.name}")


def shown_again(path: Path) -> Path:
    """What a hidden folder was called before."""
    return path.with_name(path.name.removeprefix(_HIDDEN))


def find_leftovers(folders: Path, known: Collection[str], lost: bool = False) -> Leftovers:
    """Looks through all run folders. `known`: the ids that have a row. `lost`: the list has just been
    made anew, so what says whose it is had its row, however young it is."""
    found = Leftovers()
    nobodys = 0
    for path in sorted(folders.iterdir()):
        if path.name.startswith(_HIDDEN):
            before = shown_again(path)
            undone = before.name in known and not before.exists()
            (found.undone if undone else found.gone).append(path)
        elif path.name not in known and path.is_dir():
            folder = RunFolder(path)
            settled = folder.attempts > 0 or not _young(path)
            if (settled or lost) and folder.listed() is not None:
                found.adopted.append(folder)
            elif folder.attempts:
                nobodys += 1
            elif settled:  # a start that was killed before the run was listed
                found.gone.append(path)
    found.adopted.sort(key=lambda folder: (folder.listed() or {}).get("created", 0.0))
    if nobodys:
        _LOG.warning(
            "%d run folders in %s say not whose they are; they are left.", nobodys, folders
        )
    return found


def adopt(db: sqlite3.Connection, folder: RunFolder) -> None:
    """Gives a run its row again. Whether it trains or how it ended is settled as for any other."""
    listed = folder.listed()
    if listed is None:
        return
    begun = folder.attempts > 0
    db.execute(
        "INSERT INTO runs (id, owner, name, state, sentence, attempt, created, summary) "
        "VALUES (?,?,?,?,?,?,?,?)",
        (
            folder.path.name,
            listed["owner"],
            listed["name"],
            "running" if begun else "stopped",
            "" if begun else _FOUND_AGAIN,
            max(1, folder.attempts),
            listed["created"],
            json.dumps(listed["summary"]),
        ),
    )


def listing(owner: str, name: str, created: float, summary: Any) -> dict[str, Any]:
    """What a folder keeps of its row, for the list to be made anew."""
    return {"owner": owner, "name": name, "created": created, "summary": summary}


def _young(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime < _BEING_WRITTEN_SECONDS
    except OSError:
        return True  # gone by now
