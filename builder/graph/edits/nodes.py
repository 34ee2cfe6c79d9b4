"""Edits that add, delete, move and copy nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from builder import catalogue
from builder.catalogue.entry import Entry
from builder.errors import EditRefused, NotFound, quote
from builder.graph.allowed import refuse_call_argument, refuse_constructor_argument, refuse_target
from builder.graph.blocks import blocks_inside
from builder.graph.edits.lookup import free_id, new_name, node_at
from builder.graph.edits.rewiring import (
    bridge,
    first_part,
    in_order,
    next_reader,
    place,
    reread,
    settle,
    values_read,
    with_node,
)
from builder.graph.edits.values import AddBranch, AddNode, DeleteNode, DuplicateNode, MoveNode
from builder.graph.limits import MAX_NODES
from builder.graph.model import (
    BATCH,
    BLOCK_PREFIX,
    Argument,
    Graph,
    Node,
    Owner,
    Ref,
    TensorSpec,
    primary_input,
)
from builder.graph.names import names_in, suggest_name

_FIRST_SPEC = TensorSpec((BATCH, 64))  # a new input where there is none to copy


def add_node(root: Graph, graph: Graph, edit: AddNode) -> Graph:
    """See `AddNode`."""
    _refuse_more(graph)
    if edit.target in ("input", "output"):
        return _add_end(root, graph, edit)
    anchor, value, reader = _anchor(root, graph, edit.after)
    target, is_layer, constructor, call = _arguments(root, graph, edit, value)
    name = new_name(edit.name, target, names_in(graph), layer=is_layer)
    identity = free_id(edit.id, name, graph.nodes)
    owner = None
    if is_layer:
        owner = Owner(free_id(None, identity, graph.owners), name, target, constructor)
        node = Node(identity, "layer", "", owner.id, call)
        graph = replace(graph, owners=_behind(graph, owner, anchor))
    else:
        node = Node(identity, "operation", name, target, call)
    graph = _insert(root, graph, node, anchor, value, reader)
    _refuse_arguments(root, graph, node, owner)
    return settle(graph, node.id)


def _arguments(
    root: Graph, graph: Graph, edit: AddNode, value: Ref | None
) -> tuple[str, bool, dict[str, Argument], dict[str, Argument]]:
    """The target as it is kept, whether it is a layer, and what its constructor and its call are given, ports first."""
    target = edit.target
    if target.startswith(BLOCK_PREFIX):
        _refuse_recursion(root, edit)
        block = root.blocks[target[len(BLOCK_PREFIX) :]]
        ports = [n.name or n.id for n in block.inputs]
        wired: dict[str, Argument] = {p: value for p in ports if value is not None}
        given, is_layer, at_construction = dict(edit.arguments), True, set(block.settings)
    else:
        entry = _entry(target)
        target = entry.key
        wired = _wire(graph, entry, edit.arguments, value)
        ports = [p.name for p in entry.ports]
        given = {**catalogue.defaults_for(entry), **edit.arguments}
        is_layer, at_construction = entry.kind == "layer", {p.name for p in entry.parameters}
    call = {**wired, **{k: a for k, a in given.items() if k not in at_construction}}
    call = {k: call[k] for k in ports if k in call} | call
    return target, is_layer, {k: a for k, a in given.items() if k in at_construction}, call


def add_branch(root: Graph, graph: Graph, edit: AddBranch) -> Graph:
    """See `AddBranch`."""
    _refuse_more(graph)
    sides = [
        ref if isinstance(ref, Ref) else first_part(root, graph, node_at(graph, ref))
        for ref in (edit.if_true, edit.if_false)
    ]
    name = new_name(edit.name, "branch", names_in(graph), layer=False)
    node = Node(
        free_id(edit.id, name, graph.nodes),
        "branch",
        name,
        "",
        {"condition": edit.condition, "if_true": sides[0], "if_false": sides[1]},
    )
    for argument, value in node.arguments.items():
        if sentence := refuse_call_argument(root, graph, node, argument, value):
            raise EditRefused(sentence)
    order = list(graph.nodes)
    reads = [r.node for r in values_read(node)]
    if edit.after is not None:
        wanted = {first_part(root, graph, node_at(graph, edit.after))}
        reads.append(edit.after)
    else:
        wanted = set(sides)
    behind = max(reads, key=order.index)
    later = order[order.index(behind) + 1 :]
    reader = next((i for i in later if wanted & set(values_read(graph.nodes[i]))), None)
    graph = place(graph, node, behind)
    if reader is not None:
        changed = graph.nodes[reader]
        for ref in wanted:
            changed = reread(changed, ref, Ref(node.id))
        graph = with_node(graph, changed)
    return settle(graph, node.id)


def delete_node(root: Graph, graph: Graph, edit: DeleteNode) -> Graph:
    """See `DeleteNode`."""
    node = node_at(graph, edit.node)
    if node.kind == "output" and len(graph.outputs) == 1:
        raise EditRefused(
            f"{quote(graph.label(node.id))} is the only output, and a network needs one. "
            "Choose another value for it to read, or add a second output first."
        )
    return without_idle_owners(replace(graph, nodes=bridge(graph, node)), [node.target])


def without_idle_owners(graph: Graph, owners: list[str]) -> Graph:
    """The graph without those of the owners that no node calls any more."""
    called = {n.target for n in graph.nodes.values() if n.kind == "layer"}
    idle = {i for i in owners if i in graph.owners and i not in called}
    if not idle:
        return graph
    return replace(graph, owners={i: o for i, o in graph.owners.items() if i not in idle})


def move_node(root: Graph, graph: Graph, edit: MoveNode) -> Graph:
    """See `MoveNode`. An output reads the other node from then on; an input only changes its place."""
    node, after = node_at(graph, edit.node), node_at(graph, edit.after)
    if node.id == after.id:
        raise EditRefused(
            f"{quote(graph.label(node.id))} cannot stand behind itself. Choose another place."
        )
    if after.kind == "output":
        raise EditRefused(
            f"Nothing comes behind the output {quote(graph.label(after.id))}. Choose the value it reads."
        )
    if node.kind == "input":
        if after.kind != "input":
            raise EditRefused(
                f"The input {quote(graph.label(node.id))} stands before all layers. "
                "It can only change places with other inputs."
            )
        rest = replace(graph, nodes={i: n for i, n in graph.nodes.items() if i != node.id})
        return in_order(place(rest, node, after.id))
    if node.kind == "output":
        moved = replace(node, arguments={"value": first_part(root, graph, after)})
        return settle(with_node(graph, moved), node.id)
    came_in = primary_input(node)
    if came_in is None:  # nothing to be put between
        rest = replace(graph, nodes={i: n for i, n in graph.nodes.items() if i != node.id})
        return in_order(place(rest, node, after.id))
    detached = replace(graph, nodes=bridge(graph, node))
    reader, value = next_reader(root, detached, after.id)
    moved = reread(node, came_in, value)
    graph = settle(_insert(root, detached, moved, after.id, value, reader), node.id)
    owner = graph.owner_of(moved)
    if owner is not None and len(graph.calls_of(owner.id)) == 1:  # code makes layers in this order
        rest = replace(graph, owners={i: o for i, o in graph.owners.items() if i != owner.id})
        graph = replace(graph, owners=_behind(rest, owner, node.id))
    return graph


def duplicate_node(root: Graph, graph: Graph, edit: DuplicateNode) -> Graph:
    """See `DuplicateNode`. A copied input is not read yet; a copied output reads the same value."""
    _refuse_more(graph)
    node = node_at(graph, edit.node)
    owner = graph.owner_of(node)
    name = suggest_name(owner.name if owner else node.name or node.id, names_in(graph))
    identity = free_id(None, name, graph.nodes)
    copy = replace(node, id=identity, name="" if owner else name, position=None)
    if owner is not None:
        new = replace(owner, id=free_id(None, name, graph.owners), name=name)
        copy = replace(copy, target=new.id)
        graph = replace(graph, owners=_behind(graph, new, node.id))
    if node.kind in ("input", "output"):
        last = (graph.inputs if node.kind == "input" else graph.outputs)[-1]
        return place(graph, copy, last.id)
    reader, value = next_reader(root, graph, node.id)
    if came_in := primary_input(node):
        copy = reread(copy, came_in, value)
    return settle(_insert(root, graph, copy, node.id, value, reader), copy.id)


def _refuse_more(graph: Graph) -> None:
    if len(graph.nodes) >= MAX_NODES:
        raise EditRefused(
            f"A network has at most {MAX_NODES:,} nodes. Group some into a block and repeat it."
        )


def _entry(target: str) -> Entry:
    try:
        return catalogue.get(target)
    except NotFound as error:
        raise EditRefused(str(error)) from None


def _refuse_recursion(root: Graph, edit: AddNode) -> None:
    if sentence := refuse_target(root, edit.target, "layer"):
        raise EditRefused(sentence)
    block = edit.target[len(BLOCK_PREFIX) :]
    if edit.scope and edit.scope in blocks_inside(root, block):
        inner = "itself" if block == edit.scope else f"{quote(block)}, which contains it"
        raise EditRefused(
            f"The block {quote(edit.scope)} cannot contain {inner}. Add another block or layer."
        )


def _add_end(root: Graph, graph: Graph, edit: AddNode) -> Graph:
    """Adds an input (behind the others) or an output (reading `after`, or the last value)."""
    wish = "x" if edit.target == "input" else "output"
    name = new_name(edit.name, wish, names_in(graph), layer=False)
    identity = free_id(edit.id, name, graph.nodes)
    if edit.target == "input":
        inputs = graph.inputs
        spec = inputs[-1].spec if inputs else _FIRST_SPEC
        node = Node(identity, "input", name, spec=spec or _FIRST_SPEC)
        if inputs:
            return place(graph, node, inputs[-1].id)
        return replace(graph, nodes={node.id: node, **graph.nodes})
    _, value, _ = _anchor(root, graph, edit.after)
    arguments = {"value": value, **edit.arguments} if value else dict(edit.arguments)
    node = Node(identity, "output", name, "", arguments)
    graph = replace(graph, nodes={**graph.nodes, identity: node})
    _refuse_arguments(root, graph, node, None)
    return graph


def _anchor(
    root: Graph, graph: Graph, after: str | None
) -> tuple[str | None, Ref | None, str | None]:
    """Behind which node to stand, which value to read, and who reads the new node instead."""
    if after is not None and node_at(graph, after).kind != "output":
        reader, value = next_reader(root, graph, after)
        return after, value, reader
    outputs = [graph.nodes[after]] if after is not None else graph.outputs[::-1]
    for output in outputs:
        read = output.arguments.get("value")
        if isinstance(read, Ref):
            order = list(graph.nodes)
            return order[order.index(output.id) - 1], read, output.id
    reader = outputs[0].id if outputs else None
    before = [n for n in graph.nodes.values() if n.kind != "output"]
    if not before:
        return None, None, reader
    return before[-1].id, first_part(root, graph, before[-1]), reader


def _wire(
    graph: Graph, entry: Entry, given: Mapping[str, Argument], value: Ref | None
) -> dict[str, Argument]:
    """The required ports that were not given, reading the value, or of an operation the one before."""
    if value is None:
        return {}
    further = value if entry.kind == "layer" else _value_before(graph, value)
    wired: dict[str, Argument] = {}
    for i, port in enumerate(p for p in entry.ports if not p.optional):
        if port.name in given:
            continue
        first = value if i == 0 else further
        wired[port.name] = (first, *(further,) * ((port.length or 2) - 1)) if port.many else first
    return wired


def _value_before(graph: Graph, value: Ref) -> Ref:
    """What came into the node that gives this value; of an input, the input before it or itself."""
    node = graph.nodes[value.node]
    if node.kind != "input":
        return primary_input(node) or value
    inputs = [n.id for n in graph.inputs]
    place_in = inputs.index(node.id)
    return Ref(inputs[place_in - 1]) if place_in else value


def _insert(
    root: Graph, graph: Graph, node: Node, after: str | None, value: Ref | None, reader: str | None
) -> Graph:
    """Puts a wired node behind another one; the reader of its value reads its result instead."""
    graph = (
        place(graph, node, after) if after else replace(graph, nodes={node.id: node, **graph.nodes})
    )
    if reader is None or (value is not None and value not in set(values_read(node))):
        return graph
    result = first_part(root, graph, node)
    old = graph.nodes[reader]
    if value is None or (old.kind == "output" and "value" not in old.arguments):
        return with_node(graph, replace(old, arguments={"value": result}))
    return with_node(graph, reread(old, value, result))


def _behind(graph: Graph, owner: Owner, node_id: str | None) -> dict[str, Owner]:
    """The owners with one put behind that of the last layer up to a node: code makes them in order."""
    before = None
    for node in graph.nodes.values():
        if node.kind == "layer" and node.target in graph.owners:
            before = node.target
        if node.id == node_id:
            break
    if before is None:
        return {owner.id: owner, **graph.owners}
    owners: dict[str, Owner] = {}
    for identity, other in graph.owners.items():
        owners[identity] = other
        if identity == before:
            owners[owner.id] = owner
    return owners


def _refuse_arguments(root: Graph, graph: Graph, node: Node, owner: Owner | None) -> None:
    for name, value in (owner.arguments if owner else {}).items():
        assert owner is not None
        if sentence := refuse_constructor_argument(root, graph, owner, name, value):
            raise EditRefused(sentence)
    for name, value in node.arguments.items():
        if sentence := refuse_call_argument(root, graph, node, name, value):
            raise EditRefused(sentence)
