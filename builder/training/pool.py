"""Runs that learn from the same rows share one file on the disk.

Each run has its own name for the data in its folder (a hard link), so a run stays whole when others
are deleted, and twenty runs on one upload do not hold it twenty times.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

from builder.home import make_folder, temporary_path


def share(path: Path, pool: Path) -> None:
    """Lets a finished data file and its equals in `pool` be one. Where links cannot be made (some
    file systems), it stays a file of its own."""
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    with contextlib.suppress(OSError):
        known = make_folder(pool) / f"{digest}{path.suffix}"
        try:
            os.link(path, known)
        except FileExistsError:
            temporary = temporary_path(path)
            os.link(known, temporary)
            os.replace(temporary, path)


def sweep(pool: Path) -> None:
    """Removes what no run uses any more."""
    if not pool.is_dir():
        return
    for known in pool.iterdir():
        with contextlib.suppress(OSError):
            if known.stat().st_nlink == 1:
                known.unlink()
