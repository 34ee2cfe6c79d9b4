"""What a person may say about a text, as one field each: the inputs of a network in words."""

from __future__ import annotations

import re
from typing import Final

from builder.code.reading.inputs import sizes_alone
from builder.graph.model import Graph

_ONE: Final = re.compile(r"[^\[\](),;]*[\[(][^\])]*[\])]|[^\[\](),;]+")


def split_inputs(text: str) -> list[str] | None:
    """ "float32[N, 1, 28, 28], int64[7, N]" as two; None for an empty text.

    Sizes alone, "1,8,8", are one input.
    """
    if sizes_alone(text) is not None:
        return [text]
    found = [one.strip() for one in _ONE.findall(text) if one.strip()]
    return found or None


def write_inputs(graph: Graph) -> str:
    """The inputs of a network as `split_inputs` takes them: "float32[N, 1, 28, 28], int64[7, N]"."""
    specs = [node.spec for node in graph.inputs if node.spec is not None]
    return ", ".join(f"{s.dtype}[{', '.join(map(str, s.shape))}]" for s in specs)
