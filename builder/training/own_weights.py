"""Weights that a person brought for a network: kept beside its project, taken up by a training.

    net.json, net.weights.safetensors     a project file, and the weights kept with it

The file holds the network's `state_dict` as it was when they were brought. Whether they still fit is
worked out from its head each time it is asked, never stored: an edit of a name or a shape makes them
unfit, and Undo makes them fit again.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from builder.code.weight_files import convert, made_here, read_shapes
from builder.code.weight_fit import Fit, fit_weights
from builder.errors import WeightsRefused, quote
from builder.graph.model import Graph
from builder.graph.project import Project
from builder.home import make_folder, put_in_place, storage_refused, temporary_path

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

SUFFIX: Final = ".weights.safetensors"
_LONGEST_NAME: Final = 200  # characters of a file's name


@dataclass(frozen=True)
class OwnWeights:
    """Weights that are kept. `name`: of the file they came from. `stamp`: changes with the file."""

    path: Path
    name: str
    stamp: tuple[int, int, int]
    shapes: Mapping[str, tuple[int, ...]] = field(compare=False)

    @property
    def bytes(self) -> int:
        """What the file takes on the disk."""
        return self.stamp[2]

    @property
    def tensors(self) -> int:
        """How many there are; tied ones count under each of their names."""
        return len(self.shapes)


def weights_beside(project_file: Path) -> Path:
    """Where the weights of a project lie: net.json has net.weights.safetensors."""
    return project_file.with_name(f"{project_file.stem}{SUFFIX}")


def find_weights(path: Path) -> OwnWeights | None:
    """The weights in a file; None where there is none. Errors: WeightsRefused for a damaged one."""
    try:
        found = path.stat()
        shapes = read_shapes(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise WeightsRefused(f"{quote(path.name)} cannot be read: {error.strerror}.") from None
    stamp = (found.st_ino, found.st_mtime_ns, found.st_size)
    return OwnWeights(path, _called(path, None), stamp, shapes)


def why_unfit(name: str, fit: Fit) -> str:
    """One sentence on weights that do not fit; "" where they do."""
    return "" if fit.ok else f"{quote(name)} does not fit the network: {fit.difference}."


def refuse_unfit(path: Path, graph: Graph, name: str | None = None) -> Fit:
    """How a file of weights fits. Errors: WeightsRefused with what differs, or why it is not read."""
    fit = fit_weights(graph, read_shapes(path, name))
    if sentence := why_unfit(_called(path, name), fit):
        raise WeightsRefused(sentence)
    return fit


def take_in(
    path: Path,
    graph: Graph,
    into: Path,
    *,
    name: str | None = None,
    anew: bool = False,
    link: bool = False,
) -> None:
    """Puts a checkpoint's weights under the network's own names into a file, whole or not at all.

    Args:    path: .safetensors or .pt, of any code style; a file that this verb made is copied as it
             is. anew: it is a stranger's, whatever it says that made it. link: nobody ever writes
             into it, so it need not be copied.
    Errors:  WeightsRefused in one sentence; StorageRefused when the disk is full or read-only.
    """
    fit = refuse_unfit(path, graph, name)
    make_folder(into.parent)
    temporary = temporary_path(into)
    try:
        if anew or not _ready(path, fit):
            convert(path, fit, temporary, name, _called(path, name))
        elif link:
            _link_or_copy(path, temporary)
        else:
            shutil.copyfile(path, temporary)
        put_in_place(temporary, into)
    except OSError as error:
        raise storage_refused(error, into) from error
    finally:
        temporary.unlink(missing_ok=True)


def share(path: Path, into: Path) -> None:
    """Gives a file of ours a second name, or a copy where links cannot be made.

    Errors: StorageRefused.
    """
    temporary = temporary_path(into)
    try:
        _link_or_copy(path, temporary)
        put_in_place(temporary, into)
    except OSError as error:
        raise storage_refused(error, into) from error
    finally:
        temporary.unlink(missing_ok=True)


def load_weights(model: Graph | Project, path: str | Path) -> dict[str, Tensor]:
    """A checkpoint's tensors by the names of the network's `state_dict`, which takes them strictly.

        model.load_state_dict(builder.load_weights(graph, "model.pt"))

    Args:    path: .safetensors, or .pt (its tensors only, `weights_only=True`), of any code style.
    Errors:  WeightsRefused with what is missing, unknown, or of another shape.
    """
    graph = model.graph if isinstance(model, Project) else model
    with tempfile.TemporaryDirectory(prefix="layerwise-") as folder:
        into = Path(folder) / "weights.safetensors"
        take_in(Path(path), graph, into)
        found = read_tensors(into)
    return {name: found[name] for name in fit_weights(graph, _shapes_of(found)).dtypes}


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a file that `take_in` wrote. Errors: WeightsRefused where it is damaged."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise WeightsRefused(
            f"{quote(path.name)} is damaged or cut short. Bring the weights again."
        ) from error


def start_from(path: Path, model: Module) -> None:
    """Loads a run's own start into its model, strictly; nothing where the run has none.

    Errors: WeightsRefused.
    """
    if not path.exists():
        return
    try:
        model.load_state_dict(read_tensors(path), strict=True)
    except RuntimeError as error:
        raise WeightsRefused(
            "The weights this run was to start from do not belong to its network. Start it again."
        ) from error


def is_ready(path: Path, graph: Graph) -> bool:
    """Whether a file was made by `take_in` and fits as it is. Errors: WeightsRefused."""
    return _ready(path, refuse_unfit(path, graph))


def _ready(path: Path, fit: Fit) -> bool:
    """Whether a file is ours, with the very names, and what is tied was found equal."""
    same = all(ours == theirs for ours, theirs in fit.sources.items())
    about = made_here(path)
    if not same or fit.count != len(fit.sources) or about is None:
        return False
    return all(list(tie) in about.get("ties", []) for tie in fit.ties)


def _called(path: Path, name: str | None) -> str:
    """What a person calls a file: of one of ours, the file that it was made from."""
    return name or str((made_here(path) or {}).get("file") or path.name)[:_LONGEST_NAME]


def _link_or_copy(path: Path, into: Path) -> None:
    try:
        os.link(path, into)
    except OSError:  # some file systems have no links
        shutil.copyfile(path, into)


def _shapes_of(found: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in found.items()}
