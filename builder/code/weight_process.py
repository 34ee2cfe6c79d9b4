"""The process that opens a file of weights: `python -m builder.code.weight_process shapes|convert`.

It reads its job from standard input and prints its answer, both JSON. Its memory is limited by what
the file and the network's tensors need, so what a file claims to hold cannot take the machine down.
"""

from __future__ import annotations

import json
import re
import sys
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from builder.code.limits import limit_memory

if TYPE_CHECKING:
    from torch import Tensor

_MEMORY: Final = 1 << 30  # bytes for what is no tensor
_PROCESSOR_SECONDS: Final = 20  # importing torch takes some 3 of them
_PROCESSOR_SECONDS_PER_GB: Final = 20
_MOST_OPCODES: Final = 1_000_000
"""Of a pickle's little language, which torch reads in Python: a tensor takes 31, so 32,000 tensors."""
_PICKLES: Final = 5  # one after the other in a .pt of before 2020; its numbers come behind them
_HELD_UNDER: Final = ("state_dict", "model_state_dict", "model_state", "model", "net", "weights")


def main() -> None:
    """Does one job."""
    task, job = sys.argv[1], json.loads(sys.stdin.buffer.read())
    path = Path(job["path"])
    _limit_time(path.stat().st_size)
    if why := _too_long(path):
        print(json.dumps({"why": why}))
        return
    print(json.dumps(_shapes(job) if task == "shapes" else _convert(job)))


def _limit_time(size: int) -> None:
    import resource

    seconds = _PROCESSOR_SECONDS + int(_PROCESSOR_SECONDS_PER_GB * size / 1e9)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))


def _too_long(path: Path) -> str:
    """Why its pickles are not opened: they would be at work too long. "" for others."""
    left = _MOST_OPCODES
    if not zipfile.is_zipfile(path):
        if path.suffix == ".safetensors":
            return ""
        with path.open("rb") as file:
            for _ in range(_PICKLES):
                left -= _opcodes(file, left)
    else:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                if entry.filename.endswith(".pkl"):
                    with archive.open(entry) as file:
                        left -= _opcodes(file, left)
    if left > 0:
        return ""
    return (
        f"it does more than {_MOST_OPCODES:,} things beside its tensors. Save only its state_dict."
    )


def _opcodes(file: IO[bytes], most: int) -> int:
    """How many opcodes a pickle has, up to `most` and one; what is no pickle has those up to there."""
    import pickletools

    count = 0
    try:
        for _ in pickletools.genops(file):
            count += 1
            if count > most:
                break
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error):
        pass  # torch says what is wrong with it
    return count


def _shapes(job: Mapping[str, Any]) -> dict[str, list[int]]:
    """The names and shapes in a .pt file, read onto the meta device."""
    import torch

    path = Path(job["path"])
    # A .pt of before 2020 is no archive: its tensors are read with it.
    limit_memory(_MEMORY + (0 if zipfile.is_zipfile(path) else 2 * path.stat().st_size))
    found = _state_dict(torch.load(path, map_location="meta", weights_only=True))
    return {name: list(value.shape) for name, value in found.items()}


def _convert(job: Mapping[str, Any]) -> dict[str, Any]:
    """Writes the tensors that are wanted under the network's names, in its types."""
    import torch

    path = Path(job["path"])
    limit_memory(_MEMORY + 2 * path.stat().st_size + 4 * int(job["bytes"]))
    try:
        found = _tensors(path)
        chosen = {}
        for ours, theirs, dtype in job["names"]:
            value, wanted = found[theirs], getattr(torch, dtype)
            if why := _why_not(theirs, value, wanted):
                return {"why": why}
            plain = value.detach().resolve_conj().resolve_neg()
            chosen[ours] = plain.to(wanted).contiguous().clone()
        for one, other in job["ties"]:
            if not torch.equal(chosen[one], chosen[other]):
                return {"why": f"“{one}” and “{other}” are one tensor in the network, and differ "
                        "in the file. Untie them, or bring the weights of a network that ties them."}  # fmt: skip
    except MemoryError:
        return {"why": "it needs more memory than its size explains."}
    return _written(chosen, Path(job["into"]), job["about"])


def _written(chosen: Mapping[str, Tensor], into: Path, about: Mapping[str, str]) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    try:
        save_file(dict(chosen), into, dict(about))
    except OSError as error:
        return {"errno": error.errno, "why": error.strerror or str(error)}
    except SafetensorError as error:  # wraps the error of the disk, without its number
        number = re.search(r"(?:os error|code:) (\d+)", str(error))
        return {"errno": int(number[1]) if number else 5, "why": str(error)[:200]}
    return {"tensors": len(chosen)}


def _why_not(name: str, value: Tensor, wanted: Any) -> str:
    import torch

    if value.layout is not torch.strided or value.is_quantized or value.is_nested:
        return f"“{name}” is sparse or quantized. Save it as a dense tensor of floats."
    if value.is_complex() and not wanted.is_complex:
        return f"“{name}” holds complex numbers, and the network real ones."
    return ""


def _tensors(path: Path) -> dict[str, Tensor]:
    import torch
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
        return _state_dict(loaded)


def _state_dict(value: Any) -> dict[str, Tensor]:
    """The tensors of a state_dict, or of the one that a training script put beside other things."""
    import torch

    if not isinstance(value, dict):
        return {}
    found = {str(k): v for k, v in value.items() if isinstance(v, torch.Tensor)}
    if found and len(found) == len(value):
        return found
    held = [value[k] for k in _HELD_UNDER if isinstance(value.get(k), dict)]
    return _state_dict(held[0]) if held else {}


if __name__ == "__main__":
    main()
