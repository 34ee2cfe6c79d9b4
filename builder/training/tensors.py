"""What a run learns from, as tensors in one file: a later change of the set cannot change the run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from builder.errors import DataRefused
from builder.home import write_atomically
from builder.training.losses import TargetKind

if TYPE_CHECKING:
    from torch import Tensor

Part: TypeAlias = "tuple[Tensor, Tensor]"
PARTS: Final = ("train", "validation", "test")


@dataclass(frozen=True)
class RunData:
    """The rows of one run. `parts`: "train", "validation" and "test", those that have rows.

    x is (N, …), y (N,) class numbers or (N, k) numbers. `kind`, `classes`: the target, with the
    names of its classes; `target` and `unit` name it. `title`: the set's.
    """

    parts: Mapping[str, Part]
    kind: TargetKind
    classes: tuple[str, ...] = ()
    target: str = "target"
    unit: str = ""
    title: str = "Your data"
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def class_count(self) -> int:
        return len(self.classes)

    @property
    def rows(self) -> dict[str, int]:
        return {name: len(x) for name, (x, _) in self.parts.items()}

    @property
    def row_shape(self) -> tuple[int, ...]:
        """The shape of one row of x."""
        return tuple(self.parts["train"][0].shape[1:])

    @property
    def target_shape(self) -> tuple[int, ...]:
        """The shape of one row of y."""
        return tuple(self.parts["train"][1].shape[1:])

    @property
    def bytes(self) -> int:
        return sum(t.numel() * t.element_size() for part in self.parts.values() for t in part)


def save_data(data: RunData, path: Path) -> None:
    """Writes one safetensors file: "train.x", "train.y", …, the names as metadata."""
    from safetensors.torch import save

    tensors = {
        f"{name}.{letter}": tensor.detach().cpu().contiguous().clone()
        for name, pair in data.parts.items()
        for letter, tensor in zip("xy", pair, strict=True)
    }
    about = {
        "kind": data.kind,
        "classes": list(data.classes),
        "target": data.target,
        "unit": data.unit,
        "title": data.title,
        "about": dict(data.about),
    }
    write_atomically(path, save(tensors, {"layerwise": json.dumps(about)}))


def load_data(path: Path) -> RunData:
    """Reads what `save_data` wrote. Errors: DataRefused for a file that is not one."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {}).get("layerwise", "null"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, ValueError) as error:
        raise DataRefused(f"The data of this run cannot be read ({path.name}).") from error
    if not isinstance(about, dict) or "train.x" not in tensors:
        raise DataRefused(f"{path.name} holds no data of a run.")
    parts = {
        name: (tensors[f"{name}.x"], tensors[f"{name}.y"])
        for name in PARTS
        if f"{name}.x" in tensors
    }
    return RunData(
        parts,
        about["kind"],
        tuple(about["classes"]),
        about["target"],
        about["unit"],
        about["title"],
        about["about"],
    )
