"""Names of layers that cannot stay in written code, so that a checkpoint's keys will not fit: told."""

from __future__ import annotations

from builder import catalogue
from builder.code.reading.reader import Reader
from builder.errors import NotFound, quote
from builder.graph.model import Graph, Owner, iter_refs
from builder.graph.names import can_be_name, refuse_name, safe_identifier

_NAMED = 3  # names in the sentence


def tell_other_names(reader: Reader, graph: Graph) -> None:
    """Adds a note on the layers with weights whose names Python cannot have."""
    found = [
        (owner.name, other)
        for scope in (graph, *graph.blocks.values())
        for owner in scope.owners.values()
        if (other := _other_name(scope, owner, scope is graph)) and _has_weights(owner)
    ]
    if found:
        said = ", ".join(f"{quote(old)} is called {quote(new)}" for old, new in found[:_NAMED])
        more = f", and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        text = f"A checkpoint's keys will not fit: in the code as nn.Module {said}{more}."
        reader.notes.append((None, text))


def loses_names(block: Graph) -> bool:
    """Whether layers with weights could not keep their names in a class of their own."""
    return any(
        _other_name(block, owner, False) and _has_weights(owner) for owner in block.owners.values()
    )


def _other_name(scope: Graph, owner: Owner, is_root: bool) -> str:
    """What the code calls an owner; "" where its name stays."""
    name = owner.name
    if name.isdecimal():
        kept = _is_sequential(scope, is_root) and not (is_root and _loses_names(scope))
        return "" if kept else f"layer{name}"
    kept = refuse_name(name) is None if "." in name else can_be_name(name, False)
    return "" if kept else safe_identifier(name)


def _is_sequential(scope: Graph, is_root: bool = False) -> bool:
    """Whether a graph is a chain of layers 0, 1, …, which is written as an nn.Sequential."""
    calls = [node for node in scope.nodes.values() if node.kind not in ("input", "output")]
    if not is_root and any(node.kind != "layer" for node in calls):
        return False
    if not _is_chain(scope) or any(owner.ties for owner in scope.owners.values()):
        return False
    places = {node.target: str(at) for at, node in enumerate(calls) if node.kind == "layer"}
    count = sum(node.kind == "layer" for node in calls)
    return count == len(scope.owners) and all(
        places.get(owner.id) == owner.name for owner in scope.owners.values()
    )


def _is_chain(scope: Graph) -> bool:
    """Whether each node reads the one in front of it, and nothing else."""
    if len(scope.inputs) != 1 or len(scope.outputs) != 1:
        return False
    before = scope.inputs[0].id
    for node in scope.nodes.values():
        if node.kind == "input":
            continue
        read = [ref.node for a in node.arguments.values() for ref in iter_refs(a)]
        if read != [before] or node.target.startswith("operator."):
            return False
        before = node.id
    return True


def _loses_names(scope: Graph) -> bool:
    """Whether a block with names of its own is a chain, which an nn.Sequential writes as 0, 1, …"""
    for owner in scope.owners.values():
        block = scope.blocks.get(owner.uses) if owner.uses else None
        if block is not None and _is_chain(block) and not _is_sequential(block):
            targets = [n.target for n in block.nodes.values() if n.kind == "layer"]
            if len(set(targets)) == len(targets):
                return True
    return False


def _has_weights(owner: Owner) -> bool:
    from builder.graph import meta
    from builder.graph.symbols import CannotEvaluate

    try:
        module = meta.build(catalogue.get(owner.target), dict(owner.arguments))
        return any(True for _ in module.state_dict())
    except (NotFound, TypeError, ValueError, RuntimeError, CannotEvaluate):
        return True


__all__ = ["loses_names", "tell_other_names"]
