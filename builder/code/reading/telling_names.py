"""Which variables of a text say something, so that what they are given is called by them."""

from __future__ import annotations

import re

from builder.graph.names import refuse_name, safe_identifier

_PLAIN = frozenset(
    [
        "x",
        "y",
        "z",
        "h",
        "out",
        "output",
        "outputs",
        "result",
        "res",
        "ret",
        "tmp",
        "temp",
        "o",
        "a",
        "b",
        "input",
        "inputs",
    ]
)


def says_nothing(variable: str) -> bool:
    """Whether a step is better called by what it does."""
    bare = variable.strip("_")
    return len(bare) < 2 or bare in _PLAIN or refuse_name(variable) is not None


def is_usual(variable: str, layer: str) -> bool:
    """Whether what a layer gives is called so anyway: by the layer, and "encoder_2" for a second call."""
    return re.fullmatch(rf"{safe_identifier(layer)}_?\d*", variable) is not None
