"""Names of layers that cannot stay in written code, so that a checkpoint's keys will not fit: told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from builder import catalogue
from builder.code.reading.reader import Reader
from builder.errors import NotFound, quote
from builder.graph.allowed import refuse_id
from builder.graph.blocks import graphs
from builder.graph.model import BUFFER, PARAMETER, Graph, Owner, Ref, iter_refs, map_refs
from builder.graph.names import can_be_name, refuse_name, safe_identifier, suggest_name

_NAMED = 3  # names in the sentence
Lines: TypeAlias = dict[tuple[str, str], list[Any]]


def tell_other_names(reader: Reader, graph: Graph) -> None:
    """Adds a note on the layers with weights whose names Python cannot have."""
    found = [
        (owner.name, other)
        for scope in (graph, *graph.blocks.values())
        for in_sequential in [_is_sequential(scope, scope is graph)]
        for owner in scope.owners.values()
        if (other := _other_name(owner, in_sequential)) and _has_weights(owner)
    ]
    if found:
        said = ", ".join(f"{quote(old)} is called {quote(new)}" for old, new in found[:_NAMED])
        more = f", and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        text = f"A checkpoint's keys will not fit: in the code as nn.Module {said}{more}."
        reader.notes.append((None, text))


def with_names_that_can_be(graph: Graph, lines: Lines) -> tuple[Graph, Lines]:
    """The graph as a project may hold it: what Python cannot have as a name, or we as an id, is another.

    `lines`: by (block or "", node), where it was read; the same for the new ids.
    """
    found = {scope: _renamed(one, not scope) for scope, one in graphs(graph)}
    if all(
        new is old and not ids
        for (new, ids), (_, old) in zip(found.values(), graphs(graph), strict=True)
    ):
        return graph, lines
    root = replace(found[""][0], blocks={name: found[name][0] for name in graph.blocks})
    return root, {(s, found[s][1].get(node, node)): at for (s, node), at in lines.items()}


def _renamed(scope: Graph, is_root: bool) -> tuple[Graph, dict[str, str]]:
    """One graph with names and ids that can be, and the ids of nodes that have changed."""
    taken = {o.name for o in scope.owners.values()}
    names: dict[str, str] = {}
    for owner in scope.owners.values():
        other = "" if owner.name.isdecimal() else _other_name(owner, False)
        if other:
            names[owner.id] = suggest_name(other, taken)
            taken.add(names[owner.id])
    ids, owner_ids = _free_ids(scope.nodes), _free_ids(scope.owners)
    if not names and not ids and not owner_ids:
        return scope, {}
    owners = {}
    for owner in scope.owners.values():
        ties = {p: (owner_ids.get(o, o), q) for p, (o, q) in owner.ties.items()}
        new = owner_ids.get(owner.id, owner.id)
        owners[new] = replace(owner, id=new, name=names.get(owner.id, owner.name), ties=ties)
    nodes = {}
    for node in scope.nodes.values():
        arguments = {
            name: map_refs(value, lambda ref: Ref(ids.get(ref.node, ref.node), ref.path))
            for name, value in node.arguments.items()
        }
        new = ids.get(node.id, node.id)
        target = (
            owner_ids.get(node.target, node.target)
            if node.kind in ("layer", "weight")
            else node.target
        )
        nodes[new] = replace(node, id=new, target=target, arguments=arguments)
    return replace(scope, nodes=nodes, owners=owners), ids


def _free_ids(known: Mapping[str, object]) -> dict[str, str]:
    """An id that can be for each that cannot."""
    found: dict[str, str] = {}
    for one in known:
        if refuse_id(one) is not None:
            found[one] = suggest_name(safe_identifier(one), {*known, *found.values()})
    return found


def loses_names(block: Graph) -> bool:
    """Whether layers with weights could not keep their names in a class of their own."""
    in_sequential = _is_sequential(block)
    return any(
        _other_name(owner, in_sequential) and _has_weights(owner) for owner in block.owners.values()
    )


def _other_name(owner: Owner, in_sequential: bool) -> str:
    """What the code calls an owner; "" where its name stays."""
    name = owner.name
    if name.isdecimal():
        return "" if in_sequential else f"layer{name}"
    kept = refuse_name(name) is None if "." in name else can_be_name(name, False)
    return "" if kept else safe_identifier(name)


def _is_sequential(scope: Graph, is_root: bool = False) -> bool:
    """Whether a graph is a chain of layers 0, 1, …, which is written as an nn.Sequential."""
    calls = [node for node in scope.nodes.values() if node.kind not in ("input", "output")]
    if not is_root and any(node.kind != "layer" for node in calls):
        return False
    if not _is_chain(scope) or any(o.ties for o in scope.owners.values() if not is_root):
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


def _has_weights(owner: Owner) -> bool:
    from builder.graph import meta
    from builder.graph.symbols import CannotEvaluate

    if owner.target in (PARAMETER, BUFFER):
        return True
    try:
        module = meta.build(catalogue.get(owner.target), dict(owner.arguments))
        return any(True for _ in module.state_dict())
    except (NotFound, TypeError, ValueError, RuntimeError, CannotEvaluate):
        return True


__all__ = ["loses_names", "tell_other_names", "with_names_that_can_be"]
