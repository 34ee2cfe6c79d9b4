"""Batches of data that lies in memory, in the order of a DataLoader with `shuffle=True`.

The same two numbers are drawn from torch's generator as DataLoader draws (its base seed, then the
sampler's), so the batches are those of the loop people write, without the DataLoader's cost per row.
Its weights come out to the last bit when that loop runs on one thread (`torch.set_num_threads(1)`)
and its optimizer has `fused=True` where torch offers that, as a run has; torch's other
implementations, and sums shared among threads, round differently.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from torch import Tensor

_PERMUTE_WHOLE_BYTES: Final = 8_000_000  # below it one gather an epoch was measured to be quicker


class Batches:
    """Iterates once over all rows, shuffled anew each time; the last batch may be smaller.

    x: (N, …), y: (N, …), both on the device the model is on.
    """

    def __init__(self, x: Tensor, y: Tensor, batch_size: int) -> None:
        self.x, self.y, self.batch_size = x, y, batch_size
        size = sum(t.numel() * t.element_size() for t in (x, y))
        self._whole = size <= _PERMUTE_WHOLE_BYTES

    def __len__(self) -> int:
        return math.ceil(len(self.x) / self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        import torch

        order = shuffled(len(self.x)).to(self.x.device)
        if self._whole:
            xs = torch.split(self.x.index_select(0, order), self.batch_size)
            ys = torch.split(self.y.index_select(0, order), self.batch_size)
            yield from zip(xs, ys, strict=True)
            return
        for rows in torch.split(order, self.batch_size):
            yield self.x.index_select(0, rows), self.y.index_select(0, rows)


def shuffled(count: int) -> Tensor:
    """A random order of `count` rows, as DataLoader's RandomSampler draws it."""
    import torch

    torch.empty((), dtype=torch.int64).random_()  # DataLoader's base seed for its workers
    seed = int(torch.empty((), dtype=torch.int64).random_().item())
    generator = torch.Generator()
    generator.manual_seed(seed)
    return torch.randperm(count, generator=generator)
