"""Where the tensors of a class's members are found in the code: `self.emb.weight`."""

from __future__ import annotations

from collections.abc import Mapping

from builder import catalogue
from builder.code.writing.literals import text
from builder.code.writing.scope import Scope
from builder.errors import CodeRefused, NotFound, quote
from builder.graph.allowed_norms import is_kept
from builder.graph.allowed_weights import inside
from builder.graph.model import BUFFER, Owner

_KEPT = frozenset({"running_mean", "running_var", "num_batches_tracked"})
"""The buffers that layers of torch have."""
_BIAS_TYPED = frozenset({"torch.nn.Linear"})


def tensor_path(
    scope: Scope, scopes: Mapping[str, Scope], owner: Owner, path: str, *, writes: bool = False
) -> str:
    """The expression for a tensor of an owner, read or (`writes`) set.

    Where torch's types do not say that an attribute is a tensor it is asked for by its name.
    """
    parts, leaf, kept = _parts(scope, scopes, owner, path)
    dotted = scope.attributes[owner.id].count(".")
    indexed = dotted or any(part.isdecimal() for part in parts)
    if writes and dotted:
        return f"{scope.member(owner.id)}{_steps(parts[dotted + 1 :])}"
    if writes or (not indexed and _is_typed(leaf, parts[-1])):
        return f"self{_steps(parts)}"
    return f"self.get_{'buffer' if kept else 'parameter'}({text('.'.join(parts))})"


def _steps(parts: list[str]) -> str:
    """`.layers[0].weight`; what a parametrization keeps has no types: `.get_submodule("…").original`."""
    found = ""
    for part in parts:
        above, _, name = part.rpartition(".")
        found += f".get_submodule({text(above)})" if above else ""
        found += f"[{name}]" if name.isdecimal() else f".{name}"
    return found


def _parts(
    scope: Scope, scopes: Mapping[str, Scope], owner: Owner, path: str
) -> tuple[list[str], Owner, bool]:
    """The attributes on the way to a tensor, the owner it belongs to, and whether it is a buffer."""
    found = scope.attributes[owner.id].split(".")
    if owner.raw:
        return found, owner, owner.target == BUFFER
    if owner.block is None:
        return [*found, path], owner, path in _KEPT or is_kept(owner, path)
    if owner.repeat > 1 and not owner.shared:
        place, _, path = path.partition(".")
        found.append(place)
    inner = scopes[owner.block]
    below = inside(inner.graph, path)
    if below is None or below[0].id not in inner.attributes:
        raise CodeRefused(f"{quote(owner.name)} has no tensor {quote(path)}. Choose another one.")
    more, leaf, kept = _parts(inner, scopes, *below)
    return [*found, *more], leaf, kept


def _is_typed(leaf: Owner, name: str) -> bool:
    if leaf.raw:
        return True
    try:
        family = catalogue.get(leaf.target).family
    except NotFound:
        return False
    return (name == "weight" and family != "recurrent") or (
        name == "bias" and leaf.target in _BIAS_TYPED
    )
