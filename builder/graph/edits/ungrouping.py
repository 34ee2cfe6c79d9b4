"""Putting the content of a block where its call stands: the inverse of grouping."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from builder.errors import EditRefused, quote
from builder.graph.blocks import change_refs, graph_at, result_paths, with_graph
from builder.graph.edits.grouping import exchange, middle
from builder.graph.edits.lookup import free_id, owner_at, refuse_more
from builder.graph.edits.rewiring import in_order
from builder.graph.edits.values import Ungroup
from builder.graph.edits.weights import lowered
from builder.graph.model import (
    Argument,
    Calc,
    Compare,
    Frame,
    Graph,
    Literals,
    Node,
    Owner,
    Ref,
    Setting,
    Slice,
)
from builder.graph.names import names_in, suggest_name

_Part = TypeVar("_Part", Node, Owner)


@dataclass(frozen=True)
class _Taken:
    """What is in use where the content of a block goes; grows as names are given."""

    names: set[str]
    nodes: set[str]
    owners: set[str]

    def name(self, wish: str) -> str:
        name = wish if wish not in self.names else suggest_name(wish, self.names)
        self.names.add(name)
        return name


def ungroup(root: Graph, edit: Ungroup) -> Graph:
    """See `Ungroup`. Names and ids are kept where they are free. The block stays for other callers.

    Repetitions are written out one behind the other: layers of their own for each, or the same ones
    called again where they share their weights.
    """
    graph = graph_at(root, edit.scope)
    owner = owner_at(graph, edit.node, "content to take out")
    call = graph.nodes[edit.node]
    block = _refuse(root, graph, owner, call)
    taken = _Taken(
        names=names_in(graph, but=call.id),
        nodes=set(graph.nodes) - {call.id},
        owners=set(graph.owners) - {owner.id},
    )
    values, settings = _settings(graph, block, owner, taken)
    body = [n for n in block.nodes.values() if n.kind not in ("input", "output")]
    refuse_more(graph, len(body) * owner.repeat - 1)
    shift = (0.0, 0.0) if edit.stay else _shift(call, body)
    opened: list[Node] = []
    every: dict[str, Owner] = {}
    reads = dict(call.arguments)
    for number in range(owner.repeat):
        if number == 0 or not owner.shared:
            owners = {
                o.id: _opened_owner(o, owner.frozen, values, taken, again=number > 0)
                for o in block.owners.values()
            }
            for inner, o in owners.items():
                ties = {p: (owners[i].id, q) for p, (i, q) in block.owners[inner].ties.items()}
                every[o.id] = replace(o, ties=ties)
        ids = _ids(body, owners, taken, again=number > 0)
        outside = _outside(block, reads, ids)
        for node in body:
            new = _opened_node(node, ids[node.id], owners, values, outside, taken)
            # Only the first stands where the block's content stood; the others find a free place.
            new = _shifted(new, shift) if number == 0 else replace(new, position=None, note="")
            opened.append(new)
        results = _results(block, call, outside)
        given = [results(Ref(call.id, path)) for _, path in result_paths(block)]
        reads |= dict(zip([n.name or n.id for n in block.inputs], given, strict=False))
    nodes: dict[str, Node] = {}
    for node in graph.nodes.values():
        if node.id == call.id:
            nodes.update({n.id: n for n in opened})
        else:
            nodes[node.id] = change_refs(node, results)
    if owner.repeat == 1 or owner.shared:
        graph, owners = lowered(replace(graph, nodes=nodes), block, owner, owners)
        nodes = dict(graph.nodes)
        every = {o.id: o for o in owners.values()}
    opened_owners = exchange(graph.owners, [owner.id], every.values())
    if owner.repeat == 1 and all(new == old for old, new in ids.items()):
        nodes = _put_back(nodes, call.among)
        if all(o.id == old for old, o in owners.items()):
            opened_owners = _put_back(opened_owners, owner.among)
    graph = replace(
        graph,
        nodes=nodes,
        owners=opened_owners,
        settings={**graph.settings, **settings},
        frames=_frames(graph, block, shift),
    )
    return with_graph(root, edit.scope, in_order(graph) if call.among else graph)


def _ids(
    body: list[Node], owners: Mapping[str, Owner], taken: _Taken, *, again: bool
) -> dict[str, str]:
    """The new id of each node: its own where it is free; of a further repetition, from its name."""
    ids = {}
    for node in body:
        wish = node.id
        if again:
            owner = owners.get(node.target) if node.kind == "layer" else None
            wish = owner.name if owner else suggest_name(node.name or node.id, taken.nodes)
        ids[node.id] = free_id(None, wish, taken.nodes)
        taken.nodes.add(ids[node.id])
    return ids


def _put_back(parts: dict[str, _Part], among: tuple[str, ...]) -> dict[str, _Part]:
    """The parts with those that stood among each other in that order again; others stay in place."""
    order = [i for i in among if i in parts]
    places = set(order)
    waiting = iter(order)
    return {j: parts[j] for i in parts for j in [next(waiting) if i in places else i]}


def _shift(call: Node, body: list[Node]) -> tuple[float, float]:
    """How far the content moves so that its centre comes to where the call stands."""
    centre = middle(body)
    if call.position is None or centre is None:
        return 0, 0
    return call.position[0] - centre[0], call.position[1] - centre[1]


def _shifted(node: Node, shift: tuple[float, float]) -> Node:
    if node.position is None or not any(shift):
        return node
    return replace(node, position=(node.position[0] + shift[0], node.position[1] + shift[1]))


def _frames(graph: Graph, block: Graph, shift: tuple[float, float]) -> dict[str, Frame]:
    """The frames of both: those of the block come along."""
    frames = dict(graph.frames)
    for identity, frame in block.frames.items():
        x, y = frame.position
        frames[free_id(None, identity, frames)] = replace(
            frame, position=(x + shift[0], y + shift[1])
        )
    return frames


def _settings(
    graph: Graph, block: Graph, owner: Owner, taken: _Taken
) -> tuple[dict[str, Argument], dict[str, Literals]]:
    """What each setting of the block is outside, and the settings that are new there.

    A condition must stay a setting; everywhere else the value itself is written.
    """
    values: dict[str, Argument] = {**block.settings, **owner.arguments}
    conditions = [n.arguments.get("condition") for n in block.nodes.values() if n.kind == "branch"]
    new: dict[str, Literals] = {}
    for name in {c.name for c in conditions if isinstance(c, Setting)}:
        value = values[name]
        if isinstance(value, Setting):
            continue
        if not (value is None or isinstance(value, bool | int | float | str)):
            raise EditRefused(
                f"A branch of {quote(block.name)} depends on {quote(name)}, which is calculated for "
                f"{quote(owner.name)}. Set it to a value first."
            )
        outside = taken.name(name)
        new[outside] = value
        values[name] = Setting(outside)
    return values, new


def _opened_owner(
    inner: Owner, frozen: bool, values: Mapping[str, Argument], taken: _Taken, *, again: bool
) -> Owner:
    name = taken.name(inner.name)
    identity = free_id(None, name if again else inner.id, taken.owners)
    taken.owners.add(identity)
    return replace(
        inner,
        id=identity,
        name=name,
        frozen=inner.frozen or frozen,
        arguments={k: with_settings(a, values) for k, a in inner.arguments.items()},
    )


def _opened_node(
    node: Node,
    identity: str,
    owners: Mapping[str, Owner],
    values: Mapping[str, Argument],
    outside: Callable[[Ref], Ref | None],
    taken: _Taken,
) -> Node:
    is_layer = node.kind in ("layer", "weight")
    name = "" if is_layer else taken.name(node.name or node.id)
    if not node.name and name == node.id:
        name = ""  # as it was: the id stands for the name
    opened = replace(
        node,
        id=identity,
        name=name,
        target=owners[node.target].id if is_layer else node.target,
        arguments={k: with_settings(a, values) for k, a in node.arguments.items()},
    )
    return change_refs(opened, outside)


def _outside(
    block: Graph, reads: Mapping[str, Argument], ids: Mapping[str, str]
) -> Callable[[Ref], Ref | None]:
    """Where what is read inside the block is found outside; None where the call left it unwired."""
    given = {n.id: reads.get(n.name or n.id) for n in block.inputs}

    def outside(ref: Ref) -> Ref | None:
        if ref.node not in given:
            return Ref(ids[ref.node], ref.path)
        source = given[ref.node]
        return Ref(source.node, source.path + ref.path) if isinstance(source, Ref) else None

    return outside


def _results(
    block: Graph, call: Node, outside: Callable[[Ref], Ref | None]
) -> Callable[[Ref], Ref | None]:
    """Where the parts of the call's result are found; None where an output read nothing."""
    paths = result_paths(block)

    def result(ref: Ref) -> Ref | None:
        if ref.node != call.id:
            return ref
        for output, path in paths:
            value = block.nodes[output].arguments.get("value")
            if ref.path[: len(path)] == path and isinstance(value, Ref):
                source = outside(value)
                return source and Ref(source.node, source.path + ref.path[len(path) :])
        return None

    return result


def with_settings(argument: Argument, values: Mapping[str, Argument]) -> Argument:
    """The argument with every setting of the block replaced by what it is outside."""
    match argument:
        case Setting(name=name):
            return values[name]
        case Calc(left=left, right=right) | Compare(left=left, right=right):
            return replace(
                argument, left=with_settings(left, values), right=with_settings(right, values)
            )
        case Slice(start=start, stop=stop, step=step):
            return Slice(*(with_settings(part, values) for part in (start, stop, step)))
        case tuple():
            return tuple(with_settings(part, values) for part in argument)
        case _:
            return argument


def _refuse(root: Graph, graph: Graph, owner: Owner, call: Node) -> Graph:
    """The block called, where its content can stand in the call's place; else EditRefused."""
    name = quote(owner.name)
    if owner.block is None:
        raise EditRefused(
            f"{name} is no block, so there is nothing to take out of it. Choose a block."
        )
    if len(graph.calls_of(owner.id)) > 1:
        raise EditRefused(
            f"{name} is called {len(graph.calls_of(owner.id))} times with the same weights. "
            "Give this call weights of its own first."
        )
    apart = owner.repeat > 1 and not owner.shared
    tied = any(source == owner.id for o in graph.owners.values() for source, _ in o.ties.values())
    if apart and (owner.ties or tied or graph.reads_of(owner.id)):
        raise EditRefused(
            f"A tensor inside {name} is read or tied from outside, which only one of its copies can "
            "have. Untie it first."
        )
    if call.bypassed:
        raise EditRefused(
            f"{name} is bypassed, and its content would run again. Use it again first."
        )
    return root.blocks[owner.block]
