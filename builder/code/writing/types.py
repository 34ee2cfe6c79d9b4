"""Which values of `forward` are tuples and how their types are written, shapes known or not."""

from __future__ import annotations

from collections.abc import Mapping

from builder import catalogue
from builder.catalogue.entry import Entry
from builder.code.writing.shapes import part_of, type_text
from builder.graph.model import Node, Owner, Ref, TensorSpec, Value

# By torch's types these give tuples of any length, which is no tuple[Tensor, Tensor].
_ANY_LENGTH = frozenset({"torch.chunk", "torch.split", "torch.unbind", "torch.meshgrid"})
_TENSOR = TensorSpec(())


def structure(entry: Entry | None, owner: Owner | None, node: Node) -> Value | None:
    """What a call gives as far as its entry tells: tensors, in a tuple where it gives several.

    Only for how values hang together: the shapes mean nothing. None where it cannot be told.
    """
    if entry is None:
        return None
    given = {**(owner.arguments if owner is not None else {}), **node.arguments}
    if given.get("need_weights") is False:
        return (_TENSOR, ())
    parts = [part.path for part in catalogue.parts_of(entry, given)]
    if entry.key in _ANY_LENGTH and not any(parts):
        return (_TENSOR,)
    return _nested(parts) if any(parts) else None


def _nested(paths: list[tuple[int, ...]]) -> Value:
    if not any(paths):
        return _TENSOR
    width = max(path[0] for path in paths if path) + 1
    return tuple(_nested([p[1:] for p in paths if p[:1] == (i,)]) for i in range(width))


def value_type(ref: Ref, nodes: Mapping[str, Node], value: Value | None) -> str:
    """The type hint of what a reference means; `value`: what its node gives."""
    node = nodes[ref.node]
    if node.kind == "operation" and node.target in _ANY_LENGTH and not ref.path:
        return "tuple[Tensor, ...]"
    return type_text(part_of(value, ref.path))
