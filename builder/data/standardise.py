"""Mean 0 and deviation 1, measured on the training part only and applied to every part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Scale:
    """What is subtracted and divided by. For a table one of each a column; for pictures a channel.

    A constant has deviation 0; it is divided by 1, so it becomes 0 and stays finite.
    """

    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    def apply(self, x: Floats) -> Floats:
        """x (rows, features) or (rows, channels, …), scaled; float32, a new array."""
        import numpy as np

        shape = (1, -1) + (1,) * (x.ndim - 2)
        mean = np.asarray(self.mean, np.float32).reshape(shape)
        deviation = np.asarray(self.deviation, np.float32).reshape(shape)
        return (x - mean) / deviation

    def undo(self, x: Floats) -> Floats:
        """What `apply` was given, but for rounding."""
        import numpy as np

        shape = (1, -1) + (1,) * (x.ndim - 2)
        mean = np.asarray(self.mean, np.float32).reshape(shape)
        deviation = np.asarray(self.deviation, np.float32).reshape(shape)
        return x * deviation + mean


def fit_scale(x: Floats, keep: tuple[bool, ...] = ()) -> Scale:
    """The scale of the training part: x (rows, features) or (rows, channels, …).

    `keep`: features that stay as they are (one-hot columns); () keeps none.
    """
    import numpy as np

    axes = (0, *range(2, x.ndim))
    mean = x.mean(axis=axes, dtype=np.float64)
    deviation = x.std(axis=axes, dtype=np.float64)
    # Rounding leaves a constant column with a deviation of about 1e-9 of its size, not 0.
    flat = deviation <= 1e-7 * np.maximum(np.abs(mean), 1e-30)
    deviation[flat] = 1.0
    if keep:
        mean[list(keep)] = 0.0
        deviation[list(keep)] = 1.0
    return Scale(tuple(mean.tolist()), tuple(deviation.tolist()))
