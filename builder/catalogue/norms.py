"""Ways in which torch computes a layer's weight from other tensors before each call.

Each wraps a layer: `nn.utils.spectral_norm(nn.Conv2d(3, 64, 3))`. Torch has two generations of them,
which keep their tensors under other names in the `state_dict`; `parametrizations` are the newer ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from builder.catalogue.entry import Parameter

_UTILS: Final = "torch.nn.utils."
_NEW: Final = f"{_UTILS}parametrizations."


@dataclass(frozen=True, slots=True)
class NormEntry:
    """One such function. `name`: as people say it; `help`: what it does, in one sentence."""

    key: str
    name: str
    parameters: tuple[Parameter, ...]
    help: str
    link: str

    @property
    def is_new(self) -> bool:
        """Whether its tensors stand under `parametrizations.weight` in the `state_dict`."""
        return self.key.startswith(_NEW)

    def parameter(self, name: str) -> Parameter | None:
        """The argument of that name."""
        return next((p for p in self.parameters if p.name == name), None)


_NAME: Final = Parameter("name", "str", "weight", help="Which weight of the layer is computed.")
_WEIGHT: Final = (
    _NAME,
    Parameter(
        "dim", "int", 0, minimum=-1, maximum=8,
        help="Each place along this axis has a length of its own; -1: one length for all.",
    ),
)  # fmt: skip
_SPECTRAL: Final = (
    _NAME,
    Parameter(
        "n_power_iterations", "int", 1, minimum=1, maximum=1000,
        help="Steps towards the largest singular value, in each call while training.",
    ),
    Parameter("eps", "float", 1e-12, minimum=0, help="Keeps a division from being one by zero."),
    Parameter(
        "dim", "int", None, optional=True, minimum=0, maximum=8,
        help="The axis of the outputs; None: 0, of a transposed convolution 1.",
    ),
)  # fmt: skip
_ORTHOGONAL: Final = (
    _NAME,
    Parameter(
        "orthogonal_map", "choice", None, optional=True,
        choices=("matrix_exp", "cayley", "householder"),
        help="How it is kept orthogonal; None: matrix_exp for a square, else householder.",
    ),
    Parameter("use_trivialization", "bool", True, help="Begin where the layer was made."),
)  # fmt: skip

_HELP: Final = {
    "weight_norm": "The weight as a direction and a length, which learn apart.",
    "spectral_norm": "The weight divided by its largest singular value: the layer cannot stretch "
    "what it is given, as the discriminator of a GAN wants.",
    "orthogonal": "The weight is kept orthogonal: its rows, or its columns, stand at right angles.",
}


def _entry(prefix: str, name: str, parameters: tuple[Parameter, ...]) -> NormEntry:
    link = f"https://docs.pytorch.org/docs/stable/generated/{prefix}{name}.html"
    return NormEntry(prefix + name, name.replace("_", " "), parameters, _HELP[name], link)


NORMS: Final[Mapping[str, NormEntry]] = MappingProxyType(
    {
        entry.key: entry
        for entry in (
            _entry(_NEW, "weight_norm", _WEIGHT),
            _entry(_NEW, "spectral_norm", _SPECTRAL),
            _entry(_NEW, "orthogonal", _ORTHOGONAL),
            _entry(_UTILS, "weight_norm", _WEIGHT),
            _entry(_UTILS, "spectral_norm", _SPECTRAL),
        )
    }
)
"""By key, the newer generation first."""
