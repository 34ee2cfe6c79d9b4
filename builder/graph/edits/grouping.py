"""Putting nodes into a block of their own, with the meaning kept exactly.

What the group reads from outside becomes the block's inputs, what is read of it outside becomes its
outputs. `ungroup` is the inverse and gives the same graph back; where the nodes did not stand together,
the call remembers what they stood among.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from builder.errors import EditRefused, quote
from builder.graph.allowed import settings_in
from builder.graph.blocks import change_refs, graph_at, graphs, with_graph
from builder.graph.edits.lookup import free_id, node_at
from builder.graph.edits.meaning import refuse_lost_branch, refuse_passing
from builder.graph.edits.rewiring import in_order
from builder.graph.edits.values import GroupIntoBlock
from builder.graph.edits.weights import lifted
from builder.graph.model import (
    BLOCK_PREFIX,
    Argument,
    Graph,
    Literals,
    Node,
    Owner,
    Ref,
    Setting,
    refs_in,
)
from builder.graph.names import (
    class_name,
    class_names,
    name_for,
    names_in,
    refuse_name,
    suggest_name,
)

_OWNED = ("layer", "weight")


def group(root: Graph, edit: GroupIntoBlock) -> Graph:
    """See `GroupIntoBlock`. Refused when a value would leave the block and come back into it."""
    graph = graph_at(root, edit.scope)
    chosen = _with_weights(graph, {node_at(graph, i).id for i in edit.nodes})
    members = [n for n in graph.nodes.values() if n.id in chosen]
    block_name = _name(root, edit.name)
    _refuse_members(graph, members)
    owners = _owners_of(graph, members)
    _refuse_return(graph, members)
    refuse_lost_branch(graph, chosen)

    settings = _settings_of(graph, members, owners)
    outer_names = names_in(_without(graph, chosen, {o.id for o in owners}))
    inner_names = names_in(Graph(nodes={n.id: n for n in members if n.kind not in _OWNED}))
    inner_names |= {o.name for o in owners} | set(settings)
    inputs = _inputs(graph, members, inner_names)
    outputs = _outputs(graph, members, inner_names, {n.id for n in inputs.values()})
    body = [change_refs(n, lambda r: Ref(inputs[r].id) if r in inputs else r) for n in members]
    block = Graph(
        name=block_name,
        nodes={n.id: n for n in (*inputs.values(), *body, *outputs.values())},
        owners={o.id: o for o in owners},
        settings=settings,
    )
    name = suggest_name(name_for(BLOCK_PREFIX + block_name).rstrip("1"), outer_names)
    owner = Owner(
        id=free_id(None, name, graph.owners),
        name=name,
        target=BLOCK_PREFIX + block_name,
        arguments={s: Setting(s) for s in settings},
    )
    call = Node(
        id=free_id(edit.id, name, graph.nodes),
        kind="layer",
        target=owner.id,
        arguments={n.name: ref for ref, n in inputs.items()},
        position=middle(members),
    )
    after = _called(root, graph, members, call, list(outputs))
    call = replace(call, among=_among(graph.nodes, after.nodes, call.id, [n.id for n in members]))
    called = exchange(graph.owners, [o.id for o in owners], [owner])
    among = _among(graph.owners, called, owner.id, [o.id for o in owners])
    called[owner.id] = replace(owner, among=among)
    graph = replace(after, nodes={**after.nodes, call.id: call}, owners=called)
    stay, graph, owner = lifted(graph, {o.id: o for o in owners}, called[owner.id])
    graph = replace(graph, owners={**graph.owners, owner.id: owner})
    block = replace(block, owners={o.id: o for o in stay})
    root = with_graph(root, edit.scope, graph)
    return replace(root, blocks={**root.blocks, block_name: block})


def _without(graph: Graph, nodes: Collection[str], owners: Collection[str]) -> Graph:
    """What stays outside, with the names it goes on using; its references are not looked at."""
    return replace(
        graph,
        nodes={i: n for i, n in graph.nodes.items() if i not in nodes},
        owners={i: o for i, o in graph.owners.items() if i not in owners},
    )


def _with_weights(graph: Graph, chosen: set[str]) -> set[str]:
    """The nodes with what gives a tensor of theirs to them: it cannot come in from outside.

    EditRefused where somebody else reads it there too.
    """
    owned = {n.target for i in chosen if (n := graph.nodes[i]).kind in _OWNED}
    found = set(chosen)
    for node in graph.nodes.values():
        if node.kind != "weight" or node.id in chosen or node.target not in owned:
            continue
        readers = {reader.id for reader in graph.readers_of(node.id)}
        if readers and readers <= chosen:
            found.add(node.id)
        elif readers & chosen:
            label = quote(graph.label(node.id))
            other = quote(graph.label(next(iter(readers - chosen))))
            raise EditRefused(
                f"{label} belongs to what goes into the block, and {other} outside reads it too. Choose "
                f"{other} as well, or let it read {label} by a node of its own."
            )
    return found


def exchange(
    owners: Mapping[str, Owner], old: Collection[str], new: Iterable[Owner]
) -> dict[str, Owner]:
    """The owners with some taken out and others where the first of those stood (else at the end)."""
    exchanged: dict[str, Owner] = {}
    waiting = list(new)
    for identity, owner in owners.items():
        if identity in old:
            exchanged.update({o.id: o for o in waiting})
            waiting = []
        else:
            exchanged[identity] = owner
    exchanged.update({o.id: o for o in waiting})
    return exchanged


def _called(root: Graph, graph: Graph, members: list[Node], call: Node, read: list[Ref]) -> Graph:
    """The graph with the call where the first member stood, and its readers reading the call."""
    results = {ref: Ref(call.id, (i,) if len(read) > 1 else ()) for i, ref in enumerate(read)}
    chosen = {n.id for n in members}
    nodes: dict[str, Node] = {}
    for node in graph.nodes.values():
        if node.id not in chosen:
            nodes[node.id] = change_refs(node, lambda r: results.get(r, r))
        elif call.id not in nodes:
            nodes[call.id] = call
    called = in_order(replace(graph, nodes=nodes))
    refuse_passing(root, graph, chosen, list(called.nodes), call.id)
    return called


def _among(
    before: Iterable[str], after: Iterable[str], new: str, members: list[str]
) -> tuple[str, ...]:
    """What stood where, as far as it is not plain from the new order; nothing for neighbours."""
    old, put_back = list(before), [j for i in after for j in (members if i == new else [i])]
    differ = [i for i, pair in enumerate(zip(old, put_back, strict=True)) if len(set(pair)) > 1]
    return tuple(old[differ[0] : differ[-1] + 1]) if differ else ()


def _inputs(graph: Graph, members: list[Node], names: set[str]) -> dict[Ref, Node]:
    """The values read from outside, each with the input of the block that stands for it."""
    chosen = {n.id for n in members}
    read = list(dict.fromkeys(r for n in members for r in refs_in(n) if r.node not in chosen))
    taken = set(chosen)
    inputs: dict[Ref, Node] = {}
    for ref in read:
        wish = _plain_name(graph, ref.node) if len(read) > 1 else "x"
        name = suggest_name(wish, names)
        identity = free_id(None, name, taken)
        source = graph.nodes[ref.node]
        inputs[ref] = Node(identity, "input", name, spec=source.spec)
        names.add(name)
        taken.add(identity)
    return inputs


def _outputs(
    graph: Graph, members: list[Node], names: set[str], inputs: set[str]
) -> dict[Ref, Node]:
    """The values read outside (the last one, if none is), each with the output that gives it."""
    chosen = {n.id for n in members}
    outside = (n for n in graph.nodes.values() if n.id not in chosen)
    read = dict.fromkeys(r for n in outside for r in refs_in(n) if r.node in chosen)
    place = {n.id: i for i, n in enumerate(members)}
    refs = sorted(read, key=lambda r: (place[r.node], r.path)) or [Ref(members[-1].id)]
    taken = chosen | inputs
    outputs: dict[Ref, Node] = {}
    for ref in refs:
        wish = f"{_plain_name(graph, ref.node)}_out" if len(refs) > 1 else "output"
        name = suggest_name(wish, names)
        identity = free_id(None, name, taken)
        outputs[ref] = Node(identity, "output", name, "", {"value": ref})
        names.add(name)
        taken.add(identity)
    return outputs


def _plain_name(graph: Graph, node_id: str) -> str:
    """A node's name where it can be a variable; "x" for the digits of an nn.Sequential."""
    node = graph.nodes[node_id]
    owner = graph.owner_of(node)
    name = owner.name if owner else node.name or node.id
    return "x" if name.isdecimal() else name


def _owners_of(graph: Graph, members: list[Node]) -> list[Owner]:
    """The owners that go into the block; EditRefused where a call outside shares their weights."""
    chosen = {n.id for n in members}
    called = {n.target for n in members if n.kind in _OWNED}
    for node in graph.nodes.values():
        if node.kind == "layer" and node.target in called and node.id not in chosen:
            name = quote(graph.owners[node.target].name)
            raise EditRefused(
                f"{name} is also called outside of the group ({quote(graph.label(node.id))}), with the same weights. "
                "Choose all its calls, or give one of them weights of its own."
            )
    return [o for o in graph.owners.values() if o.id in called]


def _settings_of(graph: Graph, members: list[Node], owners: list[Owner]) -> dict[str, Literals]:
    values: list[Argument] = [a for owner in owners for a in owner.arguments.values()]
    values += [a for node in members for a in node.arguments.values()]
    used = {name for value in values for name in settings_in(value)}
    return {name: value for name, value in graph.settings.items() if name in used}


def middle(members: Iterable[Node]) -> tuple[float, float] | None:
    """The centre of those nodes that stand somewhere."""
    placed = [n.position for n in members if n.position is not None]
    if not placed:
        return None
    return sum(x for x, _ in placed) / len(placed), sum(y for _, y in placed) / len(placed)


def _name(root: Graph, name: str | None) -> str:
    """The name asked for if a block can have it, else EditRefused; without one a free one."""
    settings = {s for _, graph in graphs(root) for s in graph.settings}
    taken = class_names(root) | settings
    if name is None:
        return suggest_name("Block", taken)
    if sentence := refuse_name(name, taken, digits=False):
        wish = class_name(name)
        if name not in taken and not refuse_name(wish, taken, digits=False):
            sentence = f"{quote(name)} cannot be the name of a class: {quote(wish)} would do."
        raise EditRefused(sentence)
    return name


def _refuse_members(graph: Graph, members: list[Node]) -> None:
    if not members:
        raise EditRefused("Choose at least one layer to put into the block.")
    for node in members:
        if node.kind in ("input", "output"):
            raise EditRefused(
                f"The {node.kind} {quote(graph.label(node.id))} belongs to the network itself: leave it out of the group."
            )


def _refuse_return(graph: Graph, members: list[Node]) -> None:
    """Refuses a group that a value leaves and comes back into, naming the path."""
    chosen = {n.id for n in members}
    came_from: dict[str, str] = {}  # nodes outside that depend on the group, each with what it read
    for node in graph.nodes.values():
        for ref in refs_in(node):
            if (
                node.id not in chosen
                and node.id not in came_from
                and (ref.node in chosen or ref.node in came_from)
            ):
                came_from[node.id] = ref.node
            if node.id in chosen and ref.node in came_from:
                path = [node.id, ref.node]
                while path[-1] not in chosen:
                    path.append(came_from[path[-1]])
                way = " → ".join(graph.label(i) for i in reversed(path))
                raise EditRefused(
                    f"A value would leave the block and come back into it ({quote(way, 300)}). "
                    f"Choose {quote(graph.label(ref.node))} too, or leave {quote(graph.label(node.id))} out."
                )
