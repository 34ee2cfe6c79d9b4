"""The layers of a network as PyTorch holds them: their path in the module, and their index in a chain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from builder.catalogue.entry import Family


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer. `path`: where it stands in the module ("fc1", "encoder.0.attention").

    `index`: its place in the nn.Sequential that the same network is written as, None where it is
    no chain or stands inside a block. `kind`: torch's class ("Linear"), or a block's name.
    `parameters`: the names in the `state_dict` of what it learns.
    """

    path: str
    index: int | None
    kind: str
    family: Family
    parameters: tuple[str, ...]

    @property
    def title(self) -> str:
        return f"{self.path} · {self.kind}"

    def holds(self, name: str) -> bool:
        """Whether an entry of the `state_dict` is this layer's."""
        return name.startswith(f"{self.path}.")
