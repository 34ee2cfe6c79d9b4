"""The room an owner's runs take on the disk, and the refusal when it is used up."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from builder.errors import JobRefused
from builder.training.limits import OWNER_RUN_BYTES


def refuse_without_room(folders: Sequence[Path]) -> None:
    """Before a run is written. Errors: JobRefused when an owner's runs take all the room they have."""
    taken = bytes_of(folders)
    if taken >= OWNER_RUN_BYTES:
        raise JobRefused(
            f"Your {len(folders)} run{'' if len(folders) == 1 else 's'} take {_gigabytes(taken)} of "
            f"the {_gigabytes(OWNER_RUN_BYTES)} you have here. Delete past runs you no longer need, "
            "then train again."
        )


def bytes_of(folders: Sequence[Path]) -> int:
    """What some run folders take; rows that several of them share count once."""
    sizes: dict[tuple[int, int], int] = {}
    for folder in folders:
        for place, _, names in os.walk(folder):
            for name in names:
                try:
                    found = os.stat(os.path.join(place, name), follow_symlinks=False)
                except OSError:
                    continue  # gone meanwhile
                sizes[found.st_dev, found.st_ino] = found.st_size
    return sum(sizes.values())


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.2g} GB" if count >= 1e9 else f"{count / 1e6:.3g} MB"
