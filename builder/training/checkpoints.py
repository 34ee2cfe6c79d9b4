"""The weights of a run on disk, in safetensors: nothing in them is ever executed.

    checkpoints/epoch-00012.safetensors    weights and buffers after epoch 12, named as in state_dict
    checkpoints/resume-00012.safetensors   the same, with the optimizer and the random generators

Both are written whole or not at all. Epoch 0 holds the initial weights.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from builder.errors import NotFound
from builder.home import make_folder, put_in_place, storage_refused, temporary_path
from builder.training.limits import KEPT_EPOCHS, KEPT_EPOCHS_BYTES

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module
    from torch.optim import Optimizer

_NAME: Final = re.compile(r"(epoch|resume)-(\d{5,})\.safetensors")


def epochs_to_keep(epochs: int, bytes_each: int) -> frozenset[int]:
    """Which epochs' weights stay: all when they fit, else 0, 1, … and the last, spread out.

    Dense at the beginning, where weights change most, then in geometric steps. Ten epochs of which
    four may be kept: 0, 1, 3, 10.
    """
    room = max(2, min(KEPT_EPOCHS, KEPT_EPOCHS_BYTES // max(1, bytes_each)))
    kept = [0]
    while kept[-1] < epochs:
        last, left = kept[-1], room - len(kept)
        ratio = (epochs / max(1, last)) ** (1 / left)
        kept.append(epochs if left == 1 else max(last + 1, round(last * ratio)))
    return frozenset(kept)


def snapshot(model: Module) -> dict[str, Tensor]:
    """A copy of the model's `state_dict` on the CPU, each tensor with its own memory."""
    import torch

    return {
        name: torch.empty_like(value, device="cpu", memory_format=torch.contiguous_format).copy_(
            value
        )
        for name, value in model.state_dict().items()
    }


def save_weights(folder: Path, epoch: int, weights: Mapping[str, Tensor], **about: Any) -> None:
    """Writes one epoch's weights. Errors: StorageRefused when the disk is full or read-only."""
    _save(_path(folder, "epoch", epoch), weights, {"epoch": epoch, **about})


def load_weights(folder: Path, epoch: int) -> dict[str, Tensor]:
    """One epoch's weights by their names in `state_dict`.

    Errors: NotFound when they are not kept, or their file is damaged.
    """
    path = _path(folder, "epoch", epoch)
    resume = _path(folder, "resume", epoch)
    if path.exists():
        try:
            return _load(path, epoch)[0]
        except NotFound:
            if not resume.exists():
                raise
    if resume.exists():
        return _under(_load(resume, epoch)[0], "model/")
    kept = ", ".join(map(str, kept_epochs(folder))) or "none"
    raise NotFound(f"The weights of epoch {epoch} are not kept. There are those of {kept}.")


def kept_epochs(folder: Path) -> list[int]:
    """Epochs whose weights can be looked at, ascending."""
    return sorted({*_epochs(folder, "epoch"), *_epochs(folder, "resume")})


def save_resume(
    folder: Path, epoch: int, weights: Mapping[str, Tensor], optimizer: Optimizer, **about: Any
) -> None:
    """Writes all that is needed to go on after `epoch` as if nothing had happened."""
    import torch

    state = optimizer.state_dict()
    tensors = {f"model/{name}": value for name, value in weights.items()}
    plain: dict[str, dict[str, Any]] = {}
    for index, entries in state["state"].items():
        for name, value in entries.items():
            if isinstance(value, torch.Tensor):
                tensors[f"optimizer/{index}/{name}"] = value.detach().cpu().contiguous()
            else:
                plain.setdefault(str(index), {})[name] = value
    for name, generator_state in random_state().items():
        tensors[f"random/{name}"] = generator_state
    about = {**about, "epoch": epoch, "groups": state["param_groups"], "plain": plain}
    _save(_path(folder, "resume", epoch), tensors, about)


def load_resume(folder: Path, epoch: int, model: Module, optimizer: Optimizer) -> dict[str, Any]:
    """Puts model, optimizer and random generators back; gives what else was saved with them.

    Errors: NotFound when there is no such state, or its file is damaged.
    """
    path = _path(folder, "resume", epoch)
    if not path.exists():
        raise NotFound(f"There is nothing to go on from after epoch {epoch}.")
    tensors, about = _load(path, epoch)
    if not {"plain", "groups"} <= about.keys() or "random/cpu" not in tensors:
        raise _damaged(path, epoch)
    model.load_state_dict(_under(tensors, "model/"))
    state: dict[int, dict[str, Any]] = {}
    for index, entries in about["plain"].items():
        state.setdefault(int(index), {}).update(entries)
    for name, value in _under(tensors, "optimizer/").items():
        index, _, key = name.partition("/")
        state.setdefault(int(index), {})[key] = value
    groups = [
        {k: tuple(v) if k == "betas" else v for k, v in group.items()} for group in about["groups"]
    ]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
    restore_random_state(_under(tensors, "random/"))
    return about


def resumable_epoch(folder: Path, committed: int) -> int | None:
    """The newest epoch up to `committed` that a run can go on from."""
    return max((e for e in _epochs(folder, "resume") if e <= committed), default=None)


def drop_resume_states(folder: Path, keep: int) -> None:
    """Removes the states of other epochs: after a commit of `keep` nobody needs them."""
    for epoch in _epochs(folder, "resume"):
        if epoch != keep:
            _path(folder, "resume", epoch).unlink(missing_ok=True)


def drop_after(folder: Path, epoch: int) -> None:
    """Removes weights of epochs that were not committed: they are going to be made again."""
    for kind in ("epoch", "resume"):
        for later in _epochs(folder, kind):
            if later > epoch:
                _path(folder, kind, later).unlink(missing_ok=True)


def random_state() -> dict[str, Tensor]:
    """The states of torch's generators, by device."""
    import torch

    states = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            states[f"cuda:{index}"] = torch.cuda.get_rng_state(index)
    return states


def restore_random_state(states: Mapping[str, Tensor]) -> None:
    """Puts the generators back; those of devices that are not here are passed over."""
    import torch

    torch.set_rng_state(states["cpu"])
    for name, state in states.items():
        if name.startswith("cuda:") and torch.cuda.is_available():
            index = int(name.partition(":")[2])
            if index < torch.cuda.device_count():
                torch.cuda.set_rng_state(state, index)


def shapes_of_weights(folder: Path) -> dict[str, tuple[int, ...]]:
    """The names and shapes of the newest weights kept, read without the weights themselves.

    Empty where none are kept or the file is damaged.
    """
    from safetensors import SafetensorError, safe_open

    kept = _epochs(folder, "epoch")
    if not kept or max(kept) == 0:
        return {}
    try:
        with safe_open(_path(folder, "epoch", max(kept)), framework="pt") as file:
            return {k: tuple(file.get_slice(k).get_shape()) for k in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError):
        return {}


def _path(folder: Path, kind: str, epoch: int) -> Path:
    return folder / f"{kind}-{epoch:05d}.safetensors"


def _epochs(folder: Path, kind: str) -> list[int]:
    if not folder.is_dir():
        return []
    found = (_NAME.fullmatch(path.name) for path in folder.iterdir())
    return [int(match[2]) for match in found if match and match[1] == kind]


def _save(path: Path, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    make_folder(path.parent)
    temporary = temporary_path(path)
    try:
        save_file(dict(tensors), temporary, {"layerwise": json.dumps(about)})
        put_in_place(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise storage_refused(error, path) from error
    except SafetensorError as error:  # wraps the error of the disk, without its number
        temporary.unlink(missing_ok=True)
        raise storage_refused(_disk_error(error, path), path) from error


def _disk_error(error: Exception, path: Path) -> OSError:
    import errno

    text = str(error)
    for number in (errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT):
        if f"code: {number}," in text or f"os error {number}" in text:
            return OSError(number, text)
    return OSError(errno.EIO, text)


def _load(path: Path, epoch: int) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Errors: NotFound when the file cannot be read or is damaged."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {}).get("layerwise", "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, ValueError) as error:
        raise _damaged(path, epoch) from error
    if not isinstance(about, dict):
        raise _damaged(path, epoch)
    return tensors, about


def _damaged(path: Path, epoch: int) -> NotFound:
    return NotFound(
        f"The weights of epoch {epoch} cannot be read: {path.name} is damaged or cut short. "
        "Choose another epoch, or train again."
    )


def _under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}
