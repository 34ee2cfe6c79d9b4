"""The checks that must know where a value comes from, so that they cannot be remembered with a call."""

from __future__ import annotations

from collections.abc import Mapping

from builder import catalogue
from builder.catalogue.entry import Entry
from builder.errors import NotFound
from builder.graph.call import Call, show
from builder.graph.diagnostics import Finding
from builder.graph.model import Graph, Node, TensorSpec
from builder.graph.symbols import Evaluated

_COLOURS = (1, 3, 4)
_PICTURE_FAMILIES = ("convolution", "pooling", "padding", "vision")


def depends_on_origin(entry: Entry, inputs: Mapping[str, Evaluated]) -> bool:
    """Whether `find_by_origin` may have something to say: a Linear that receives N×C×H×W."""
    if entry.key != "torch.nn.Linear":
        return False
    value = inputs.get("input")
    return (
        isinstance(value, TensorSpec) and len(value.shape) >= 4 and isinstance(value.shape[0], str)
    )


def find_by_origin(call: Call, graph: Graph, origin: Node | None) -> Finding | None:
    """A picture into Linear. Torch allows it: Linear works on the last size, here the width.

    That is hardly ever meant straight behind a convolution, a pooling or the picture itself; behind
    a permute (channels last) it is, and stays silent.
    """
    spec = call.tensor()
    if spec is None or origin is None or not _gives_picture(graph, origin, spec):
        return None
    return call.finding(
        "picture_into_linear",
        f"receives a picture, {show(spec)}{call.from_()}, and works on its last size alone, "
        f"{spec.shape[-1]}. Insert Flatten before it to use all of it.",
        port="input",
        severity="warning",
    )


def _gives_picture(graph: Graph, origin: Node, spec: TensorSpec) -> bool:
    if origin.kind == "input":
        return spec.shape[1] in _COLOURS
    owner = graph.owner_of(origin)
    try:
        entry = catalogue.get(owner.target if owner else origin.target)
    except NotFound:
        return False
    return entry.family in _PICTURE_FAMILIES
