"""Pasting a fragment: fresh ids, names and weights, its own wires kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from builder.errors import EditRefused
from builder.graph.blocks import blocks_inside, change_refs, graphs, using
from builder.graph.edits.adding import FIRST_SPEC, refuse_recursion
from builder.graph.edits.drawn import PasteFragment
from builder.graph.edits.lookup import free_id, refuse_more
from builder.graph.edits.rewiring import place
from builder.graph.edits.ungrouping import with_settings
from builder.graph.fragment import Fragment
from builder.graph.history import same
from builder.graph.limits import refuse_position
from builder.graph.model import (
    Argument,
    Graph,
    Node,
    Owner,
    Ref,
    Setting,
)
from builder.graph.names import class_names, names_in, suggest_name
from builder.graph.validate import MAX_BLOCKS

_BESIDE = 40.0  # canvas units between a copy and what it was copied from
_APART = 110.0  # canvas units between pasted nodes that stood nowhere


def with_blocks(root: Graph, edit: PasteFragment) -> tuple[Graph, PasteFragment]:
    """The network with the blocks a fragment brings, and the edit calling them by their names here.

    A block that is here already just so is used; another one of its name gets a free name.
    """
    fragment = edit.fragment
    here = _known(root, fragment)
    taken = class_names(root) | {s for _, graph in graphs(root) for s in graph.settings}
    names: dict[str, str] = {}
    for name in fragment.blocks:
        names[name] = name if name in here else suggest_name(name, taken)
        taken.add(names[name])
    new = {
        names[k]: replace(_calling(b, names), name=names[k])
        for k, b in fragment.blocks.items()
        if k not in here
    }
    if len(root.blocks) + len(new) > MAX_BLOCKS:
        raise EditRefused(f"A network has at most {MAX_BLOCKS:,} blocks. Ungroup some of them.")
    root = replace(root, blocks={**root.blocks, **new})
    renamed = _calling(Graph(owners=fragment.owners), names).owners
    return root, replace(edit, fragment=replace(fragment, owners=renamed))


def paste(root: Graph, graph: Graph, edit: PasteFragment) -> Graph:
    """See `PasteFragment`. The blocks are in the network already: see `with_blocks`."""
    fragment = edit.fragment
    refuse_more(graph, len(fragment.nodes))
    for target in {o.target for o in fragment.owners.values() if o.block is not None}:
        refuse_recursion(root, target, edit.scope)
    graph, settings = _with_settings(root, graph, fragment)
    names = names_in(graph)
    owners: dict[str, Owner] = {}
    ids: dict[str, str] = {}
    called: dict[str, str] = {}
    pasted: list[Node] = []
    taken_ids, taken_owners = set(graph.nodes), set(graph.owners)
    for node in fragment.nodes.values():
        owned = node.kind in ("layer", "weight")
        owner = fragment.owners.get(node.target) if owned else None
        wish = owner.name if owner else node.name or node.id
        if owner is not None and owner.id in called:
            name = owners[called[owner.id]].name
        else:
            name = suggest_name(wish, names)
            names.add(name)
        if owner is not None and owner.id not in called:
            called[owner.id] = free_id(None, name, taken_owners)
            taken_owners.add(called[owner.id])
            owners[called[owner.id]] = replace(
                owner,
                id=called[owner.id],
                name=name,
                arguments=_set(owner.arguments, settings),
                among=(),
            )
        ids[node.id] = free_id(None, name, taken_ids)
        taken_ids.add(ids[node.id])
        target = called[owner.id] if owner else node.target
        new = replace(node, id=ids[node.id], name="" if owner else name, target=target, among=())
        pasted.append(replace(new, arguments=_set(node.arguments, settings)))
    for identity, owner in owners.items():
        ties = {p: (called[o], q) for p, (o, q) in owner.ties.items() if o in called}
        owners[identity] = replace(owner, ties=ties)
    source = _source(graph, ids, edit.keep_inputs)
    pasted = [change_refs(n, source) for n in _placed(pasted, edit.position)]
    graph = replace(graph, owners={**graph.owners, **_in_order(fragment, owners, called)})
    return _added(graph, pasted, bool(edit.scope))


def _known(root: Graph, fragment: Fragment) -> set[str]:
    """The blocks of a fragment that the network has already, with all that is inside them."""
    alike = {k for k, b in fragment.blocks.items() if k in root.blocks and same(b, root.blocks[k])}
    inner = Graph(blocks=fragment.blocks)
    return {k for k in alike if blocks_inside(inner, k) <= alike}


def _calling(graph: Graph, names: Mapping[str, str]) -> Graph:
    return replace(graph, owners={i: using(o, names) for i, o in graph.owners.items()})


def _with_settings(
    root: Graph, graph: Graph, fragment: Fragment
) -> tuple[Graph, dict[str, Argument]]:
    """The graph with the settings that are new in it, and what each of the fragment's is called here."""
    taken = names_in(graph) | class_names(root)
    called: dict[str, Argument] = {}
    settings = dict(graph.settings)
    for name, value in fragment.settings.items():
        here = name if name in graph.settings else suggest_name(name, taken)
        settings.setdefault(here, value)
        taken.add(here)
        called[name] = Setting(here)
    return replace(graph, settings=settings), called


def _set(
    arguments: Mapping[str, Argument], settings: Mapping[str, Argument]
) -> dict[str, Argument]:
    return {k: with_settings(a, settings) for k, a in arguments.items()}


def _source(graph: Graph, ids: Mapping[str, str], keep: bool) -> Callable[[Ref], Ref | None]:
    """Where a pasted node reads: from its own copies, and from outside if that is kept and there."""

    def source(ref: Ref) -> Ref | None:
        if ref.node in ids:
            return Ref(ids[ref.node], ref.path)
        there = graph.nodes.get(ref.node)
        return ref if keep and there is not None and there.kind != "output" else None

    return source


def _placed(nodes: list[Node], position: tuple[float, float] | None) -> list[Node]:
    """The nodes with their upper left corner at a position, or a little beside where they stood."""
    if position is not None and (sentence := refuse_position(position)):
        raise EditRefused(sentence)
    places = [n.position for n in nodes if n.position is not None]
    if not places:
        if position is None:
            return nodes
        x, y = position
        return [replace(n, position=(x, y + _APART * i)) for i, n in enumerate(nodes)]
    corner = min(x for x, _ in places), min(y for _, y in places)
    x, y = position or (corner[0] + _BESIDE, corner[1] + _BESIDE)
    dx, dy = x - corner[0], y - corner[1]
    moved = [
        replace(n, position=(n.position[0] + dx, n.position[1] + dy)) if n.position else n
        for n in nodes
    ]
    for node in moved:
        if node.position is not None and (sentence := refuse_position(node.position)):
            raise EditRefused(sentence)
    return moved


def _in_order(
    fragment: Fragment, owners: Mapping[str, Owner], called: Mapping[str, str]
) -> dict[str, Owner]:
    """The new owners in the order in which the copied ones stood."""
    return {called[i]: owners[called[i]] for i in fragment.owners if i in called}


def _added(graph: Graph, pasted: list[Node], inside: bool) -> Graph:
    """Inputs behind the inputs, outputs at the end, the others before the outputs that stand last."""
    inputs = graph.inputs
    spec = (inputs[-1].spec if inputs else None) or FIRST_SPEC
    for node in [n for n in pasted if n.kind == "input"]:
        if node.spec is None and not inside:
            node = replace(node, spec=spec)
        if graph.inputs:
            graph = place(graph, node, graph.inputs[-1].id)
        else:
            graph = replace(graph, nodes={node.id: node, **graph.nodes})
    old = list(graph.nodes.values())
    cut = max((i + 1 for i, n in enumerate(old) if n.kind != "output"), default=0)
    layers = [n for n in pasted if n.kind not in ("input", "output")]
    outputs = [n for n in pasted if n.kind == "output"]
    return replace(graph, nodes={n.id: n for n in [*old[:cut], *layers, *old[cut:], *outputs]})
