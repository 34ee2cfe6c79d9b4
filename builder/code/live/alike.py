"""Whether two texts read as one network, whatever its parts are called in them."""

from __future__ import annotations

from builder.graph.model import Graph, Owner, map_refs
from builder.graph.model import Ref as _Ref


def alike(one: Graph, other: Graph, *, names: bool = True) -> bool:
    """Whether two graphs do the same in the same order; with `names`, in a `state_dict` of one form."""
    values = [{n: repr(v) for n, v in graph.settings.items()} for graph in (one, other)]
    return values[0] == values[1] and _alike(one, other, one, other, names)


def _alike(root: Graph, other_root: Graph, one: Graph, other: Graph, names: bool) -> bool:
    if len(one.nodes) != len(other.nodes) or len(one.owners) != len(other.owners):
        return False
    if names and [o.name for o in one.owners.values()] != [o.name for o in other.owners.values()]:
        return False
    ids = dict(zip(one.nodes, other.nodes, strict=True))
    called: dict[str, str] = {}
    for a, b in zip(one.nodes.values(), other.nodes.values(), strict=True):
        if a.kind != b.kind or a.spec != b.spec or a.arguments.keys() != b.arguments.keys():
            return False
        for name, value in a.arguments.items():
            there = map_refs(value, lambda ref: _Ref(ids.get(ref.node, ""), ref.path))
            if there != b.arguments[name] or type(there) is not type(b.arguments[name]):
                return False
        if a.kind not in ("layer", "weight"):
            if a.target != b.target:
                return False
        elif called.setdefault(a.target, b.target) != b.target:
            return False
    if len(set(called.values())) != len(called):
        return False
    for here, there in called.items():
        if not _same_owner(root, other_root, one.owners[here], other.owners[there], names):
            return False
    return True


def _same_owner(root: Graph, other_root: Graph, a: Owner, b: Owner, names: bool) -> bool:
    if (a.repeat, a.shared, len(a.ties)) != (b.repeat, b.shared, len(b.ties)):
        return False
    if (names and a.name != b.name) or a.norms != b.norms:
        return False
    if dict(a.arguments) != dict(b.arguments) and not (a.made_by and b.made_by):
        return False
    if (a.block is None) != (b.block is None):
        return False
    if a.block is None or b.block is None:
        return a.target == b.target
    here, there = root.blocks[a.block], other_root.blocks[b.block]
    return dict(here.settings) == dict(there.settings) and _alike(
        root, other_root, here, there, names
    )
