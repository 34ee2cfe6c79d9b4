"""A checkpoint beside a network: do its names and shapes fit? Nothing in the file is ever executed.

    fit = fit_weights(graph, read_shapes(Path("model.safetensors")))

Of .safetensors only the head is read. A .pt goes through `torch.load(weights_only=True)` onto the meta
device, in a process of its own with limits on memory and time. No tensor's numbers are read.
"""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from builder.code.building import build_hollow
from builder.code.limits import limit_memory, refuse_own_code
from builder.errors import CodeRefused, quote
from builder.graph.model import Graph

if TYPE_CHECKING:
    from torch import Tensor

ENDINGS: Final = (".safetensors", ".pt", ".pth")
SECONDS: Final = 60
_LARGEST_HEAD: Final = 16 << 20  # bytes of names and shapes; a large model has a hundred thousandth
_MOST: Final = 200_000  # tensors
_MEMORY: Final = 1 << 30  # bytes for what is no tensor
_MOST_NAMED: Final = 3  # names in a sentence
_WRAPPERS: Final = ("module.", "_orig_mod.")  # nn.DataParallel, torch.compile
_HELD_UNDER: Final = ("state_dict", "model_state_dict", "model_state", "model", "net", "weights")

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Fit:
    """A checkpoint held against a network's `state_dict`, strictly.

    `count`: tensors in the file. `other`: name, shape in the file, shape in the network. `left_off`: what all names of the file
    begin with, as a wrapper puts it there. `style`: the style of the code whose names they are.
    """

    count: int
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    other: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...] = ()
    left_off: str = ""
    style: str = "module"

    @property
    def off(self) -> int:
        """How many names and shapes do not fit."""
        return len(self.missing) + len(self.unexpected) + len(self.other)

    @property
    def ok(self) -> bool:
        """Whether `load_state_dict` takes it strictly."""
        return not self.off

    @property
    def sentences(self) -> list[str]:
        """What fits and what does not, in words."""
        said = []
        if self.left_off:
            said.append(f"The names in the file begin with “{self.left_off}”, which is left off.")
        if self.ok:
            named = " of the code as nn.Sequential" if self.style == "sequential" else ""
            return [f"All {self.count} tensors fit, by name and by shape{named}.", *said]
        if self.missing:
            said.append(f"The network has what the file lacks: {_some(self.missing)}.")
        if self.unexpected:
            said.append(f"The file has what the network lacks: {_some(self.unexpected)}.")
        said += [
            f"{quote(name)} is {_shape(there)} in the file and {_shape(here)} in the network."
            for name, there, here in self.other[:_MOST_NAMED]
        ]
        if len(self.other) > _MOST_NAMED:
            said.append(f"{len(self.other) - _MOST_NAMED} more have another shape.")
        return said


def fit_weights(graph: Graph, shapes: Shapes) -> Fit:
    """Holds a checkpoint's names and shapes against those of a network, in the style they fit best.

    Errors: CodeRefused where the network cannot be made, or holds code of a person's own.
    """
    refuse_own_code(graph)
    first = _fit(_state(graph, "module"), shapes, "module")
    if first.ok:
        return first
    try:
        other = _fit(_state(graph, "sequential"), shapes, "sequential")
    except CodeRefused:
        return first  # no chain
    return min((first, other), key=lambda fit: fit.off)


def _state(graph: Graph, style: str) -> dict[str, Tensor]:
    return dict(build_hollow(graph, style).state_dict(keep_vars=True))


def _fit(here: Mapping[str, Tensor], shapes: Shapes, style: str) -> Fit:
    prefix = next((p for p in _WRAPPERS if shapes and all(n.startswith(p) for n in shapes)), "")
    prefix = "" if prefix and all(name in here for name in shapes) else prefix
    there = {name.removeprefix(prefix): shape for name, shape in shapes.items()}
    given = {id(here[name]) for name in there if name in here}  # a tied tensor is in a file once
    return Fit(
        len(there),
        tuple(n for n, value in here.items() if n not in there and id(value) not in given),
        tuple(n for n in there if n not in here),
        tuple(
            (n, there[n], tuple(value.shape))
            for n, value in here.items()
            if n in there and there[n] != tuple(value.shape)
        ),
        prefix,
        style,
    )


def read_shapes(path: Path, name: str | None = None) -> dict[str, tuple[int, ...]]:
    """The names and shapes in a checkpoint. `name`: the file's own, where it lies under another one.

    Errors: CodeRefused for what is no checkpoint, or one that only a full unpickling could open.
    """
    name = name or path.name
    ending = Path(name).suffix.lower()
    if ending not in ENDINGS:
        raise CodeRefused(
            f"{quote(name)} is no checkpoint that is read here.",
            help="Weights are read from .safetensors, and from .pt saved as a state_dict.",
        )
    return _of_safetensors(path, name) if ending == ".safetensors" else _of_pickle(path, name)


def _of_safetensors(path: Path, name: str) -> dict[str, tuple[int, ...]]:
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        if not 1 < size <= min(_LARGEST_HEAD, path.stat().st_size):
            raise _no_checkpoint(name)
        head = file.read(size)
    try:
        found = json.loads(head)
    except (ValueError, RecursionError):
        raise _no_checkpoint(name) from None
    return _checked(
        {n: v.get("shape") for n, v in found.items() if n != "__metadata__" and isinstance(v, dict)}
        if isinstance(found, dict)
        else None,
        name,
    )


def _of_pickle(path: Path, name: str) -> dict[str, tuple[int, ...]]:
    _refuse_bomb(path, name)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "builder.code.weight_files", str(path)],
            capture_output=True,
            timeout=SECONDS,
            cwd=Path(__file__).parents[2],
            check=False,
        )
        found = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        raise CodeRefused(
            f"Opening {quote(name)} takes too long.", help="Save its weights as .safetensors."
        ) from None
    except (ValueError, RecursionError):
        raise _no_checkpoint(name) from None
    return _checked(found, name)


def _refuse_bomb(path: Path, name: str) -> None:
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            pickles = [e.file_size for e in archive.infolist() if e.filename.endswith(".pkl")]
    except (zipfile.BadZipFile, OSError, ValueError):
        raise _no_checkpoint(name) from None
    if sum(pickles) > _LARGEST_HEAD:
        raise CodeRefused(
            f"{quote(name)} holds {sum(pickles) / 1e6:,.0f} MB beside its tensors, "
            f"of at most {_LARGEST_HEAD / 1e6:,.0f} MB.", help="Save only its state_dict.",
        )  # fmt: skip


def _checked(found: Any, name: str) -> dict[str, tuple[int, ...]]:
    if not isinstance(found, dict) or not found or len(found) > _MOST:
        raise _no_checkpoint(name)
    shapes = {}
    for key, shape in found.items():
        if not isinstance(shape, list) or not all(type(n) is int and n >= 0 for n in shape):
            raise _no_checkpoint(name)
        shapes[key] = tuple(shape)
    return shapes


def _no_checkpoint(name: str) -> CodeRefused:
    return CodeRefused(
        f"{quote(name)} holds no tensors under names, or more than tensors.",
        help="Save model.state_dict(), as .safetensors or by torch.save; nothing else is opened.",
    )


def _some(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(quote(n) for n in names[:_MOST_NAMED]) + more


def _shape(sizes: tuple[int, ...]) -> str:
    return "×".join(map(str, sizes)) or "one number"


# In the process of its own ------------------------------------------------------------------------


def _tensors(value: Any) -> dict[str, list[int]]:
    """The tensors of a state_dict, or of the one that a training script put beside other things."""
    import torch

    if not isinstance(value, dict):
        return {}
    found = {k: list(v.shape) for k, v in value.items() if isinstance(v, torch.Tensor)}
    if found and len(found) == len(value):
        return {str(k): shape for k, shape in found.items()}
    held = [value[k] for k in _HELD_UNDER if isinstance(value.get(k), dict)]
    return _tensors(held[0]) if held else {}


def main() -> None:
    """Prints the names and shapes of the .pt file named on the command line, as JSON."""
    import torch

    path = Path(sys.argv[1])
    # A .pt of before 2020 is no archive: its tensors are read with it.
    limit_memory(_MEMORY + (0 if zipfile.is_zipfile(path) else 2 * path.stat().st_size))
    print(json.dumps(_tensors(torch.load(path, map_location="meta", weights_only=True))))


if __name__ == "__main__":
    main()
