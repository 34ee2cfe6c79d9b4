"""Edits that add: a layer, an operation, a block, an input, an output, a branch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from builder import catalogue
from builder.catalogue.entry import Entry
from builder.errors import EditRefused, NotFound, quote
from builder.graph.allowed import refuse_call_argument, refuse_constructor_argument, refuse_target
from builder.graph.blocks import blocks_inside
from builder.graph.edits.lookup import free_id, new_name, node_at, refuse_more
from builder.graph.edits.rewiring import (
    first_part,
    insert,
    next_reader,
    owners_behind,
    place,
    reread,
    settle,
    values_read,
    with_node,
)
from builder.graph.edits.scoped import UNSET
from builder.graph.edits.values import AddBranch, AddNode
from builder.graph.edits.weights import add_tensor
from builder.graph.limits import refuse_position
from builder.graph.model import (
    BATCH,
    BLOCK_PREFIX,
    Argument,
    Graph,
    Node,
    Owner,
    Ref,
    TensorSpec,
    iter_refs,
    primary_input,
)
from builder.graph.names import names_in
from builder.graph.report import NodeReport
from builder.graph.shapes import infer_shapes

FIRST_SPEC = TensorSpec((BATCH, 64))  # a new input where there is none to copy


def add_node(root: Graph, graph: Graph, edit: AddNode) -> Graph:
    """See `AddNode`."""
    refuse_more(graph)
    if edit.target in (*catalogue.TENSORS, "weight"):
        return add_tensor(root, graph, edit)
    if edit.target in ("input", "output"):
        return _add_end(root, graph, edit)
    if edit.reads is UNSET:
        anchor, value, reader = _anchor(root, graph, edit.after)
    else:
        anchor, value, reader = *_apart(graph, edit), None
    graph, node = new_call(root, graph, edit, anchor, value)
    graph = insert(root, graph, node, anchor, value, reader)
    refuse_arguments(root, graph, node)
    return settle(graph, node.id)


def new_call(
    root: Graph, graph: Graph, edit: AddNode, anchor: str | None, value: Ref | None
) -> tuple[Graph, Node]:
    """A new node that reads `value`, not placed yet, and the graph with its owner behind the anchor's."""
    if edit.position is not None and (sentence := refuse_position(edit.position)):
        raise EditRefused(sentence)
    target, is_layer, constructor, call = _arguments(root, graph, edit, value)
    name = new_name(edit.name, target, names_in(graph), layer=is_layer)
    identity = free_id(edit.id, name, graph.nodes)
    if not is_layer:
        return graph, Node(identity, "operation", name, target, call, position=edit.position)
    owner = Owner(free_id(None, identity, graph.owners), name, target, constructor)
    node = Node(identity, "layer", "", owner.id, call, position=edit.position)
    return replace(graph, owners=owners_behind(graph, owner, anchor)), node


def add_branch(root: Graph, graph: Graph, edit: AddBranch) -> Graph:
    """See `AddBranch`."""
    refuse_more(graph)
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


def _arguments(
    root: Graph, graph: Graph, edit: AddNode, value: Ref | None
) -> tuple[str, bool, dict[str, Argument], dict[str, Argument]]:
    """The target as it is kept, whether it is a layer, and the arguments of constructor and call."""
    target = edit.target
    if target.startswith(BLOCK_PREFIX):
        refuse_recursion(root, target, edit.scope)
        block = root.blocks[target[len(BLOCK_PREFIX) :]]
        ports = [n.name or n.id for n in block.inputs]
        wired: dict[str, Argument] = {p: value for p in ports if value is not None}
        given, is_layer, at_construction = dict(edit.arguments), True, set(block.settings)
    else:
        entry = _entry(target)
        if entry.kind == "tensor":
            raise EditRefused(
                f"A {target} reads nothing, so it cannot stand on a wire. Add it beside."
            )
        target = entry.key
        wired = _wire(root, graph, entry, edit.arguments, value)
        ports = [p.name for p in entry.ports]
        given = {**catalogue.defaults_for(entry), **edit.arguments}
        is_layer, at_construction = entry.kind == "layer", {p.name for p in entry.parameters}
    call = {**wired, **{k: a for k, a in given.items() if k not in at_construction}}
    call = {k: call[k] for k in ports if k in call} | call
    return target, is_layer, {k: a for k, a in given.items() if k in at_construction}, call


def _add_end(root: Graph, graph: Graph, edit: AddNode) -> Graph:
    """Adds an input (behind the others) or an output (reading `after`, or the last value)."""
    wish = "x" if edit.target == "input" else "output"
    name = new_name(edit.name, wish, names_in(graph), layer=False)
    identity = free_id(edit.id, name, graph.nodes)
    if edit.position is not None and (sentence := refuse_position(edit.position)):
        raise EditRefused(sentence)
    if edit.target == "input":
        inputs = graph.inputs
        spec = inputs[-1].spec if inputs else FIRST_SPEC
        node = Node(identity, "input", name, spec=spec or FIRST_SPEC, position=edit.position)
        if inputs:
            return place(graph, node, inputs[-1].id)
        return replace(graph, nodes={node.id: node, **graph.nodes})
    value = _anchor(root, graph, edit.after)[1] if edit.reads is UNSET else _apart(graph, edit)[1]
    arguments = {"value": value, **edit.arguments} if value else dict(edit.arguments)
    node = Node(identity, "output", name, "", arguments, position=edit.position)
    graph = replace(graph, nodes={**graph.nodes, identity: node})
    refuse_arguments(root, graph, node)
    return graph


def _apart(graph: Graph, edit: AddNode) -> tuple[str | None, Ref | None]:
    """Behind which node one stands that nobody reads yet, and the value it reads itself."""
    value = edit.reads if isinstance(edit.reads, Ref) else None
    behind = edit.after or (value.node if value else None)
    if behind is not None and node_at(graph, behind).kind != "output":
        return behind, value
    before = [n.id for n in graph.nodes.values() if n.kind != "output"]
    return (before[-1] if before else None), value


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
    root: Graph, graph: Graph, entry: Entry, given: Mapping[str, Argument], value: Ref | None
) -> dict[str, Argument]:
    """The required ports that were not given, reading the value.

    The further ports of an operation read a value that nobody reads, if there is one: it waits to be
    merged. Else they read what came before.
    """
    if value is None:
        return {}
    further = value if entry.kind == "layer" else _value_before(graph, value)
    if entry.kind == "operation" and _has_further(entry):
        further = _loose_value(root, graph, value) or further
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


def _has_further(entry: Entry) -> bool:
    required = [p for p in entry.ports if not p.optional]
    return len(required) > 1 or any(p.many for p in required)


def _loose_value(root: Graph, graph: Graph, value: Ref) -> Ref | None:
    """The latest value before `value` that nobody reads and that has as many axes as it."""
    read = {
        r.node for n in graph.nodes.values() for a in n.arguments.values() for r in iter_refs(a)
    }
    order = list(graph.nodes)
    before = [graph.nodes[i] for i in order[: order.index(value.node)]]
    loose = [n for n in before if n.id not in read and n.kind != "output"]
    if not loose:
        return None
    found = infer_shapes(replace(graph, blocks=root.blocks)).nodes
    wanted = _rank(found, value)
    refs = (first_part(root, graph, n) for n in reversed(loose))
    return next((r for r in refs if wanted is not None and _rank(found, r) == wanted), None)


def _rank(found: Mapping[str, NodeReport], ref: Ref) -> int | None:
    value = found[ref.node].result if ref.node in found else None
    for step in ref.path:
        value = value[step] if isinstance(value, tuple) and step < len(value) else None
    return len(value.shape) if isinstance(value, TensorSpec) else None


def _entry(target: str) -> Entry:
    try:
        return catalogue.get(target)
    except NotFound as error:
        raise EditRefused(str(error)) from None


def refuse_recursion(root: Graph, target: str, scope: str) -> None:
    """EditRefused where a block that is not there, or that contains the scope, would be called in it."""
    if sentence := refuse_target(root, target, "layer"):
        raise EditRefused(sentence)
    block = target[len(BLOCK_PREFIX) :]
    if scope and scope in blocks_inside(root, block):
        inner = "itself" if block == scope else f"{quote(block)}, which contains it"
        raise EditRefused(
            f"The block {quote(scope)} cannot contain {inner}. Add another block or layer."
        )


def refuse_arguments(root: Graph, graph: Graph, node: Node) -> None:
    """EditRefused where a new node, or the owner it calls, cannot be given one of its arguments."""
    owner = graph.owner_of(node)
    for name, value in (owner.arguments if owner else {}).items():
        assert owner is not None
        if sentence := refuse_constructor_argument(root, graph, owner, name, value):
            raise EditRefused(sentence)
    for name, value in node.arguments.items():
        if sentence := refuse_call_argument(root, graph, node, name, value):
            raise EditRefused(sentence)
