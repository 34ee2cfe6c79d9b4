"""Finished exports on the disk, each under the key of its wish: asked for again, it is there at once.

A folder holds the file and `about.json` with its name and proof. It is a store of copies: what is old,
or is too much, is removed, and would be made anew.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from builder.export.exporting import Exported
from builder.export.proof import Proof
from builder.home import make_folder, storage_refused, write_atomically

MOST_BYTES: Final = int(float(os.environ.get("LAYERWISE_EXPORTS_GB") or 2) * 1e9)
"""Of all finished exports together; the ones nobody looked at for longest go first."""
MOST_SECONDS: Final = 7 * 24 * 3600.0
"""After which an export nobody looked at goes."""
_KEY: Final = re.compile(r"[0-9a-f]{40}")
_FILE, _ABOUT = "file", "about.json"


@dataclass(frozen=True)
class Kept:
    """A finished export. `size`: of the file in bytes. `made`: seconds since 1970."""

    name: str
    mime: str
    size: int
    made: float
    proof: Proof | None
    path: Path

    def content(self) -> bytes:
        """The file's bytes. Errors: OSError where it has been removed meanwhile."""
        return self.path.read_bytes()


def write(exported: Exported, folder: Path) -> None:
    """Lays an export into an empty folder. Errors: StorageRefused."""
    proof = exported.proof.to_json() if exported.proof is not None else None
    about = {
        "name": exported.name, "mime": exported.mime, "size": len(exported.content),
        "made": time.time(), "proof": proof,
    }  # fmt: skip
    make_folder(folder)
    write_atomically(folder / _FILE, exported.content)
    write_atomically(folder / _ABOUT, json.dumps(about))


def take_in(folder: Path, key: str, exports: Path) -> None:
    """Gives a folder that was written its place among the finished ones. Errors: StorageRefused."""
    place = exports / key
    try:
        if place.exists():  # another server was quicker, or it is damaged
            shutil.rmtree(place, ignore_errors=True)
        os.replace(folder, place)
    except OSError as error:
        raise storage_refused(error, exports) from error
    prune(exports, but=key)


def find(key: str, exports: Path) -> Kept | None:
    """The finished export of a key, which then counts as looked at; None where there is none."""
    if not _KEY.fullmatch(key):
        return None
    place = exports / key
    try:
        about: dict[str, Any] = json.loads((place / _ABOUT).read_text("utf-8"))
        proof = Proof.from_json(about["proof"]) if about["proof"] is not None else None
        found = Kept(
            about["name"], about["mime"], about["size"], about["made"], proof, place / _FILE
        )
        if found.path.is_symlink() or found.path.stat().st_size != found.size:
            return None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    with contextlib.suppress(OSError):
        os.utime(place)
    return found


def prune(exports: Path, but: str = "") -> None:
    """Removes what is old, and of the rest what is too much."""
    seen: list[tuple[float, int, Path]] = []
    for place in exports.iterdir():
        if _KEY.fullmatch(place.name) and place.name != but:
            with contextlib.suppress(OSError):
                seen.append((place.stat().st_mtime, _size(place), place))
    room = MOST_BYTES - (_size(exports / but) if but else 0)
    for looked_at, size, place in sorted(seen, reverse=True):
        room -= size
        if room < 0 or time.time() - looked_at > MOST_SECONDS:
            shutil.rmtree(place, ignore_errors=True)


def _size(place: Path) -> int:
    return sum(path.stat().st_size for path in place.iterdir())
