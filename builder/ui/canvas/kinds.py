"""What kind of value travels on a wire, in everyday words: image, sequence, tokens, a state …

Worked out from rank, dtype, and what made it. It colours ports and sorts suggestions; whether a wire
really fits is never judged by it.
"""

from __future__ import annotations

import re
from typing import Final, Literal

from builder.catalogue.entry import Entry
from builder.catalogue.packing import LENGTHS
from builder.graph.model import TensorSpec, Value

PortKind = Literal[
    "image",
    "sequence",
    "features",
    "tokens",
    "volume",
    "signal",
    "state",
    "scalar",
    "mask",
    "any",
]

_BY_RANK: Final[dict[int, PortKind]] = {
    0: "scalar",
    1: "features",
    2: "features",
    3: "sequence",
    4: "image",
    5: "volume",
}
_BY_AXES: Final[dict[str, PortKind]] = {
    "batch × length × features": "sequence",
    "batch × channels × length": "signal",
    "batch × channels × height × width": "image",
    "batch × channels × depth × height × width": "volume",
}
_SPATIAL: Final[dict[str, PortKind]] = {"1": "signal", "2": "image", "3": "volume"}
_DIMENSIONS: Final = re.compile(r"([123])d$")
_STATE: Final = re.compile(r"^(h|c|hx|h_n|c_n|state|hidden|cell)$")
_MASK: Final = re.compile(r"mask")
_SEQUENCES: Final = ("recurrent", "transformer")


def kind_of(value: Value | None, axes: str = "") -> PortKind:
    """The kind of a value. `axes`: their names, "" where they are not known."""
    if not isinstance(value, TensorSpec):
        return "any"
    rank = len(value.shape)
    if value.dtype == "bool":
        return "mask"
    if value.dtype.startswith(("int", "uint")) and 1 <= rank <= 2:
        return "tokens"
    return _BY_AXES.get(axes) or _BY_RANK.get(rank, "any")


def kind_of_part(name: str, value: Value | None, axes: str = "") -> PortKind:
    """The kind of a named part of a tuple: LSTM's h_n is a state."""
    return "state" if _STATE.match(name) else kind_of(value, axes)


def wanted_at(entry: Entry | None, port: str) -> PortKind:
    """The kind a port is made for, "any" where it takes many kinds."""
    if _MASK.search(port):
        return "mask"
    if _STATE.match(port):
        return "state"
    if entry is None:
        return "any"
    if port == LENGTHS:
        return "tokens"  # whole numbers, one for each sequence
    if entry.family == "embedding":
        return "tokens" if port == entry.ports[0].name else "any"
    if entry.family == "linear" and entry.kind == "layer":
        return "features"
    if entry.family in _SEQUENCES and not entry.name.endswith("Cell"):
        return "sequence"
    found = _DIMENSIONS.search(entry.name)
    if found and entry.kind == "layer" and entry.family != "dropout":
        return _SPATIAL[found[1]] if not entry.name.startswith("BatchNorm1") else "any"
    return "any"
