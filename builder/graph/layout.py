"""How a value lies in memory, where that is not the plain order: what decides whether `view` works.

A transpose moves no number; it only reads them in another order, and so does everything element by
element behind it. `x.transpose(1, 2).view(…)` is refused by torch for that reason, which shapes alone
cannot tell.
"""

from __future__ import annotations

from dataclasses import dataclass

from builder.graph.model import TensorSpec


@dataclass(frozen=True, slots=True, eq=False)
class Strided(TensorSpec):
    """A tensor whose numbers do not stand in the order of its sizes.

    `strides`: as torch gives them, with the batch as the probe. To everyone who asks for a shape it is
    the plain spec: it equals it.
    """

    strides: tuple[int, ...] = ()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TensorSpec):
            return NotImplemented
        return (self.shape, self.dtype) == (other.shape, other.dtype)

    def __hash__(self) -> int:
        return TensorSpec.__hash__(self)
