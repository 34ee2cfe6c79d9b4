"""What a weight node may read and what may be tied: one question each, answered by a sentence or None."""

from __future__ import annotations

import re

from builder import catalogue
from builder.errors import did_you_mean, quote
from builder.graph.allowed_norms import refuse_computed
from builder.graph.model import OPAQUE, PARAMETER, Graph, Node, Owner

_PATH = re.compile(r"[^\W]\w*(?:\.\w+)*")
_LONGEST = 400  # characters of a path


def refuse_weight(root: Graph, graph: Graph, node: Node) -> str | None:
    """Why a weight node gives no tensor; None when it does, as far as no shapes are needed."""
    owner = graph.owners.get(node.target)
    if owner is None:
        hint = did_you_mean(node.target, graph.owners)
        return f"The node {quote(node.id)} reads {quote(node.target)}, which does not exist. {hint}".rstrip()
    path = node.arguments.get("name", "")
    if set(node.arguments) - {"name"}:
        return f"The weight {quote(node.id)} takes nothing but the name of a tensor."
    if not isinstance(path, str):
        return f"The weight {quote(node.id)} reads {quote(path)}: give the name of a tensor."
    return refuse_path(root, owner, path)


def refuse_path(root: Graph, owner: Owner, path: str) -> str | None:
    """Why an owner can have no tensor under a path; None when it may."""
    if owner.raw:
        return f"{quote(owner.name)} is a tensor itself: leave {quote(path)} out." if path else None
    if not path:
        return f"{quote(owner.name)} is a layer: say which tensor of it is read, such as “weight”."
    if len(path) > _LONGEST or not _PATH.fullmatch(path):
        return f"{quote(path)} is no path of a tensor, such as “weight” or “fc.weight”."
    if owner.target == OPAQUE:
        return (
            f"{quote(owner.name)} is code of your own: nobody knows its tensors without running it."
        )
    if owner.block is None:
        return refuse_computed(owner, path)
    rest = path
    if owner.repeat > 1 and not owner.shared:
        place, _, rest = path.partition(".")
        if not place.isascii() or not place.isdecimal() or int(place) >= owner.repeat:
            return f"{quote(owner.name)} repeats {owner.repeat} times: begin with which one, “0.{path}”."
    inner = root.blocks.get(owner.block)
    found = inside(inner, rest) if inner is not None else None
    if found is None:
        near = did_you_mean(
            rest.partition(".")[0], [o.name for o in inner.owners.values()] if inner else []
        )
        return f"The block {quote(owner.name)} has nothing under {quote(rest)}. {near}".rstrip()
    return refuse_path(root, *found)


def inside(graph: Graph, path: str) -> tuple[Owner, str] | None:
    """The owner of a block that a path leads to, and the rest of the path in it."""
    for owner in graph.owners.values():
        if path == owner.name:
            return owner, ""
        if path.startswith(f"{owner.name}."):
            return owner, path[len(owner.name) + 1 :]
    return None


def refuse_tie(
    root: Graph, graph: Graph, owner: Owner, path: str, tie: tuple[str, str]
) -> str | None:
    """Why a tensor cannot be another owner's; None when it can, as far as no shapes are needed."""
    what = f"{quote(f'{owner.name}.{path}' if path else owner.name)} cannot be tied."
    other = graph.owners.get(tie[0])
    if other is None:
        return f"{what} There is no layer {quote(tie[0])} beside it."
    if (other.id, tie[1]) == (owner.id, path):
        return f"{what} It would be tied to itself."
    for holder, at in ((owner, path), (other, tie[1])):
        if sentence := refuse_path(root, holder, at):
            return f"{what} {sentence}"
        if holder.raw and holder.target != PARAMETER:
            return f"{what} {quote(holder.name)} is a buffer; only parameters are tied."
    if tie[1] in other.ties:
        return f"{what} {quote(other.name)} is tied itself: tie both to the same tensor."
    return None


def refuse_kind(owner: Owner) -> str | None:
    """Why nothing of an owner can be read as a tensor; None where something can."""
    if owner.target == OPAQUE:
        return (
            f"{quote(owner.name)} is code of your own: nobody knows its tensors without running it."
        )
    if owner.block is None and not owner.raw and not catalogue.get(owner.target).parameters:
        return f"{quote(owner.name)} has no weights."
    return None
