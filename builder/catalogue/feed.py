"""A tensor as an example needs it: its shape, its dtype, and how large whole numbers may be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Feed:
    """Shape (all sizes are numbers) and dtype; whole numbers are drawn from 0 to `below` - 1."""

    shape: tuple[int, ...]
    dtype: str = "float32"
    below: int = 2
