"""The weights kept with a person's projects: how much there may be, and keeping, copying, taking away.

Knows nothing of Streamlit. They lie beside the project files, `<project id>.weights.safetensors`, and
are replaced, never written into: a run that was started from them shares the file.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from builder.code.weight_fit import Fit, fit_weights
from builder.errors import WeightsRefused, quote
from builder.graph.model import Graph
from builder.graph.remember import Remembered
from builder.graph.size import format_bytes
from builder.home import owner_folder, storage_refused
from builder.training.own_weights import (
    SUFFIX,
    OwnWeights,
    find_weights,
    refuse_unfit,
    share,
    take_in,
    weights_beside,
)
from builder.ui.projects import project_path

MAX_BYTES: Final = int(os.environ.get("LAYERWISE_WEIGHTS_MIB") or 512) * 2**20
"""Of one owner: ten of the largest files a browser may bring; a class of 30 stays below 16 GB."""
_STALE_SECONDS: Final = 3600.0  # what a killed server left behind half done

_LOCKS: Final = tuple(threading.Lock() for _ in range(64))  # one server process owns the home
_found: Final[Remembered[OwnWeights]] = Remembered(500)
_fits: Final[Remembered[tuple[Graph, Fit]]] = Remembered(200)


def kept_weights(owner: str, project_id: str) -> OwnWeights | None:
    """The weights kept with a project; None without. Errors: NotFound; WeightsRefused: damaged."""
    path = weights_beside(project_path(owner, project_id))
    try:
        seen = path.stat()
    except OSError:
        return None
    key = (str(path), seen.st_ino, seen.st_mtime_ns, seen.st_size)
    known = _found.get(key)
    if known is None and (found := find_weights(path)) is not None:
        known = _found.put(key, found)
    return known


def has_weights(owner: str, project_id: str) -> bool:
    """Whether some are kept with a project, damaged ones too. Errors: NotFound."""
    return weights_beside(project_path(owner, project_id)).is_file()


def fit_of(weights: OwnWeights, graph: Graph) -> Fit:
    """How kept weights fit a network, worked out once for each version of both.

    Errors: CodeRefused, WeightsRefused where that cannot be said of such a network.
    """
    key = (str(weights.path), weights.stamp, id(graph))
    known = _fits.get(key)
    if known is None:  # the graph is kept beside, so that no other one can get its id
        known = _fits.put(key, (graph, fit_weights(graph, weights.shapes, any_style=False)))
    return known[1]


def keep_weights(owner: str, project_id: str, graph: Graph, path: Path, name: str) -> OwnWeights:
    """Keeps a checkpoint with a project, in place of what was kept. `name`: what its owner calls it.

    Errors: WeightsRefused where it does not fit the network, or the owner's room is used up;
    StorageRefused when the disk is full or read-only. What was kept stays then.
    """
    project = project_path(owner, project_id)
    if not project.is_file():
        raise WeightsRefused("Weights are kept with a project that is saved. Save this one first.")
    into = weights_beside(project)
    with _LOCKS[hash(owner) % len(_LOCKS)]:
        fit = refuse_unfit(path, graph, name)
        _sweep(into.parent)
        _refuse_full(into, fit.bytes)
        take_in(path, graph, into, name=name, anew=True)
    kept = kept_weights(owner, project_id)
    if kept is None:
        raise WeightsRefused("This project was just deleted, and its weights with it.")
    return kept


def copy_weights(owner: str, project_id: str, to: str) -> None:
    """Gives the copy of a project the same weights; nothing where there are none. They share the room.

    Errors: NotFound; StorageRefused.
    """
    source = weights_beside(project_path(owner, project_id))
    if source.is_file():
        share(source, weights_beside(project_path(owner, to)))


def remove_weights(owner: str, project_id: str) -> None:
    """Takes a project's weights away. Errors: NotFound; StorageRefused."""
    path = weights_beside(project_path(owner, project_id))
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise storage_refused(error, path) from error


def bytes_kept(owner: str, without: Path | None = None) -> int:
    """What an owner's weights take; copies that share a file count once."""
    sizes: dict[tuple[int, int], int] = {}
    for path in (owner_folder(owner) / "projects").glob(f"*{SUFFIX}"):
        with suppress(OSError):
            if path != without:
                seen = path.stat()
                sizes[seen.st_dev, seen.st_ino] = seen.st_size
    return sum(sizes.values())


def _refuse_full(into: Path, needed: int) -> None:
    taken = bytes_kept(into.parent.parent.name, without=into)
    if taken + needed > MAX_BYTES:
        raise WeightsRefused(
            f"These weights take {format_bytes(needed)}, and {format_bytes(max(0, MAX_BYTES - taken))} "
            f"of your {format_bytes(MAX_BYTES)} for weights are left. Take those of another project "
            "away first."
        )


def _sweep(folder: Path) -> None:
    """Removes weights whose project is gone, and what a killed server left half done."""
    for path in folder.glob(f"*{SUFFIX}"):
        if not path.with_name(f"{path.name.removesuffix(SUFFIX)}.json").exists():
            path.unlink(missing_ok=True)
    for path in folder.glob(f".*{SUFFIX}.*"):
        with suppress(OSError):
            if path.stat().st_mtime < time.time() - _STALE_SECONDS:
                path.unlink()


def unfit_sentence(name: str, fit: Fit) -> str:
    """Why weights that are kept are of no use to the network as it is now; "" where they fit."""
    if fit.ok:
        return ""
    return (
        f"Your weights ({quote(name)}) no longer fit the network: {fit.difference}. Undo "
        "the edit, or bring others."
    )
