"""What a recurrent layer's call takes beside torch's own arguments: how long each sequence is.

Torch says it around the call: `pack_padded_sequence` in front of the layer, `pad_packed_sequence` behind
it. Here it is one port of the layer, and the writer and the reader know the three lines.
"""

from __future__ import annotations

from typing import Final

from builder.catalogue.entry import Entry, Parameter, Port
from builder.catalogue.rules import LARGEST_SIZE

LENGTHS: Final = "lengths"
ENFORCE_SORTED: Final = "enforce_sorted"
TOTAL_LENGTH: Final = "total_length"
PACKING: Final = frozenset({LENGTHS, ENFORCE_SORTED, TOTAL_LENGTH})
"""Names of a layer's call that are no arguments of its forward."""

PACKED_PORTS: Final = (
    Port(
        LENGTHS,
        optional=True,
        help="How long each sequence of the batch is: N whole numbers, from 1 to the input's length. Then "
        "the output is as long as the longest of the batch; the shape shown assumes that it fills the "
        "input.",
    ),
)
PACKED_ARGUMENTS: Final = (
    Parameter(
        ENFORCE_SORTED,
        "bool",
        default=True,
        help="With lengths: if True, the longest sequence of a batch must stand first and the shortest "
        "last; if False, they are sorted and put back.",
    ),
    Parameter(
        TOTAL_LENGTH,
        "int",
        default=None,
        optional=True,
        minimum=1,
        maximum=LARGEST_SIZE,
        help="With lengths: how long the output is made, with zeros behind; None for as long as the "
        "longest sequence of the batch.",
    ),
)


def packs(entry: Entry | None) -> bool:
    """Whether a layer can be told how long each sequence is."""
    return entry is not None and entry.kind == "layer" and entry.port(LENGTHS) is not None
