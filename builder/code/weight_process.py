"""The process that opens a file of weights: `python -m builder.code.weight_process shapes|convert`.

It reads its job from standard input and prints its answer, both JSON. Its memory is limited by what
the file and the network's tensors need, so what a file claims to hold cannot take the machine down.
"""

from __future__ import annotations

import json
import re
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from builder.code.limits import limit_memory

if TYPE_CHECKING:
    from torch import Tensor

_MEMORY: Final = 1 << 30  # bytes for what is no tensor
_HELD_UNDER: Final = ("state_dict", "model_state_dict", "model_state", "model", "net", "weights")


def main() -> None:
    """Does one job."""
    task, job = sys.argv[1], json.loads(sys.stdin.buffer.read())
    print(json.dumps(_shapes(job) if task == "shapes" else _convert(job)))


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
