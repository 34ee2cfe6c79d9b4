"""Files of weights that people have: what is in them, and the same as safetensors with our names.

    shapes = read_shapes(Path("model.pt"))
    convert(Path("model.pt"), fit_weights(graph, shapes), Path("out.safetensors"))

Nothing in them is ever executed. Of .safetensors the head is read here; a .pt goes through
`torch.load(weights_only=True)`, and every file's numbers are read, in a process of its own with limits
on memory and time (`weight_process`).
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from builder.code.weight_fit import Fit
from builder.errors import WeightsRefused, quote

ENDINGS: Final = (".safetensors", ".pt", ".pth")
SECONDS: Final = 120
_WAIT_SECONDS: Final = 60
MARK: Final = "layerwise_weights"
"""In the head of a file that `convert` made: what it was made from, as JSON."""
_AT_ONCE: Final = threading.BoundedSemaphore(2)  # a file may take gigabytes while it is open
_OUT_OF_TIME: Final = -24  # SIGXCPU
_MOST_DIMENSIONS: Final = 64  # as torch
_LARGEST_HEAD: Final = 16 << 20  # bytes of names and shapes; a large model has a hundred thousandth
_MOST: Final = 200_000  # tensors


def read_shapes(path: Path, name: str | None = None) -> dict[str, tuple[int, ...]]:
    """The names and shapes in a checkpoint. `name`: the file's own, where it lies under another one.

    Errors: WeightsRefused for what is no checkpoint, or one that only a full unpickling could open.
    """
    name = name or path.name
    return _of_head(path, name) if _ending(path, name) == ".safetensors" else _of_pickle(path, name)


def convert(
    path: Path, fit: Fit, into: Path, name: str | None = None, called: str | None = None
) -> None:
    """Writes a checkpoint that fits as safetensors: the network's names, in its order and its types.

    Args:    into: a new file. name: as in `read_shapes`. called: what stands in the head, under
             `MARK`, as the file's name; by default `name`.
    Errors:  WeightsRefused; OSError where the disk does not take it.
    """
    name = name or path.name
    _ending(path, name)
    job = {
        "path": str(path.absolute()),
        "into": str(into.absolute()),
        "names": [[ours, fit.sources[ours], fit.dtypes[ours]] for ours in fit.dtypes],
        "ties": fit.ties,
        "about": {MARK: json.dumps({"file": (called or name)[:200], "ties": fit.ties})},
        "bytes": fit.bytes,
    }
    found = _asked("convert", json.dumps(job), name)
    if found is None:
        raise _no_checkpoint(name)
    if (number := found.get("errno")) is not None:
        raise OSError(number, str(found.get("why")))
    if "why" in found:
        raise WeightsRefused(f"{quote(called or name)} is not taken: {found['why']}")


def made_here(path: Path) -> dict[str, Any] | None:
    """What the head of a file says that `convert` made; None for every other file."""
    try:
        head = _head(path)
        found = json.loads(head["__metadata__"][MARK]) if head else None
    except (OSError, KeyError, TypeError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _ending(path: Path, name: str) -> str:
    ending = Path(name).suffix.lower()
    if ending not in ENDINGS:
        raise WeightsRefused(
            f"{quote(name)} is no checkpoint that is read here. "
            "Weights are read from .safetensors, and from .pt saved as a state_dict."
        )
    if not path.is_file():
        raise WeightsRefused(f"There is no file {quote(name)}. Check the path of the weights.")
    return ending


def _of_head(path: Path, name: str) -> dict[str, tuple[int, ...]]:
    try:
        head = _head(path)
    except (ValueError, RecursionError):
        raise _no_checkpoint(name) from None
    if head is None:
        raise _no_checkpoint(name)
    head.pop("__metadata__", None)
    return _checked({n: v.get("shape") for n, v in head.items() if isinstance(v, dict)}, name)


def _head(path: Path) -> dict[str, Any] | None:
    """What stands before the numbers in a .safetensors file."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        if not 1 < size <= min(_LARGEST_HEAD, path.stat().st_size):
            return None
        found = json.loads(file.read(size))
    return found if isinstance(found, dict) else None


def _of_pickle(path: Path, name: str) -> dict[str, tuple[int, ...]]:
    _refuse_bomb(path, name)
    found = _asked("shapes", json.dumps({"path": str(path.absolute())}), name)
    if found and isinstance(why := found.get("why"), str):  # no tensor's shape
        raise WeightsRefused(f"{quote(name)} is not opened: {why}")
    return _checked(found, name)


def _asked(task: str, job: str, name: str) -> dict[str, Any] | None:
    """The answer of a process that opens the file; None where it gave none.

    Errors: WeightsRefused where it takes too long, or where others are opened for too long.
    """
    if not _AT_ONCE.acquire(timeout=_WAIT_SECONDS):
        raise WeightsRefused(
            f"{quote(name)} was not opened within {_WAIT_SECONDS} seconds, as this server opens others' "
            "files of weights. Try again in a moment."
        )
    try:
        done = subprocess.run(
            [sys.executable, "-m", "builder.code.weight_process", task],
            input=job.encode("utf-8", "surrogatepass"),
            capture_output=True,
            timeout=SECONDS,
            cwd=Path(__file__).parents[2],
            check=False,
        )
        if done.returncode == _OUT_OF_TIME:
            raise _too_slow(name)
        found = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        raise _too_slow(name) from None
    except (ValueError, RecursionError):
        return None
    finally:
        _AT_ONCE.release()
    return found if isinstance(found, dict) else None


def _too_slow(name: str) -> WeightsRefused:
    return WeightsRefused(
        f"Opening {quote(name)} takes too long. Save its weights as .safetensors."
    )


def _refuse_bomb(path: Path, name: str) -> None:
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            pickles = [e.file_size for e in archive.infolist() if e.filename.endswith(".pkl")]
    except (zipfile.BadZipFile, OSError, ValueError):
        raise _no_checkpoint(name) from None
    if sum(pickles) > _LARGEST_HEAD:
        raise WeightsRefused(
            f"{quote(name)} holds {sum(pickles) / 1e6:,.0f} MB beside its tensors, "
            f"of at most {_LARGEST_HEAD / 1e6:,.0f} MB. Save only its state_dict."
        )


def _checked(found: Mapping[str, Any] | None, name: str) -> dict[str, tuple[int, ...]]:
    if not found or len(found) > _MOST:
        raise _no_checkpoint(name)
    shapes = {}
    for key, shape in found.items():
        fine = isinstance(shape, list) and len(shape) <= _MOST_DIMENSIONS
        if not fine or not all(type(n) is int and 0 <= n < 2**63 for n in shape):
            raise _no_checkpoint(name)
        shapes[key] = tuple(shape)
    return shapes


def _no_checkpoint(name: str) -> WeightsRefused:
    return WeightsRefused(
        f"{quote(name)} holds no tensors under names, or more than tensors. "
        "Save model.state_dict(), as .safetensors or by torch.save; nothing else is opened."
    )
