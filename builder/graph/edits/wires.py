"""Edits of wires: connect, disconnect, put a node on one, join two values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from builder.errors import EditRefused, quote
from builder.graph.allowed import call_names, kind_word, plain_label, refuse_name_of_argument
from builder.graph.edits.adding import new_call, refuse_arguments
from builder.graph.edits.drawn import Connect, Disconnect, InsertOnWire, Join
from builder.graph.edits.lookup import node_at, refuse_more
from builder.graph.edits.ordering import settle_near
from builder.graph.edits.rewiring import (
    first_part,
    place,
    values_read,
    with_argument,
    with_node,
)
from builder.graph.edits.values import AddNode
from builder.graph.model import Argument, Graph, Node, Ref, TensorSpec, Value
from builder.graph.shapes import infer_shapes
from builder.graph.validate import way_back


def connect(root: Graph, graph: Graph, edit: Connect) -> Graph:
    """See `Connect`."""
    value = edit.value
    if not isinstance(value, Ref):
        value = first_part(root, graph, node_at(graph, value))
    node = node_at(graph, edit.node)
    many = _takes_many(root, graph, node, edit.port)
    if edit.index < 0 or (edit.index and not many):
        raise EditRefused(
            f"{quote(edit.port)} of {quote(graph.label(node.id))} reads one value. Connect it there."
        )
    new: Argument = value
    if many:
        parts = _parts(node, edit.port)
        kept = (*parts[: edit.index], value, *parts[edit.index + 1 :])
        whole = len(kept) == 1 and isinstance(_value(root, graph, value), tuple)
        new = value if whole else kept  # torch.cat takes the tuple that torch.split gives as it is
    graph = with_node(graph, with_argument(root, graph, node, edit.port, new))
    return settle_near(root, graph, node.id)


def disconnect(root: Graph, graph: Graph, edit: Disconnect) -> Graph:
    """See `Disconnect`."""
    node = node_at(graph, edit.node)
    wired_at(root, graph, node, edit.port, edit.index)
    now = node.arguments[edit.port]
    parts = _parts(node, edit.port)
    kept = (*parts[: edit.index], *parts[edit.index + 1 :])
    arguments = {k: a for k, a in node.arguments.items() if k != edit.port}
    if isinstance(now, tuple) and kept:
        arguments = {**node.arguments, edit.port: kept}
    return with_node(graph, replace(node, arguments=arguments))


def insert_on_wire(root: Graph, graph: Graph, edit: InsertOnWire) -> Graph:
    """See `InsertOnWire`."""
    refuse_more(graph)
    reader = node_at(graph, edit.node)
    value = wired_at(root, graph, reader, edit.port, edit.index)
    if edit.target in ("input", "output"):
        raise EditRefused(
            f"An {edit.target} cannot stand on a wire: nothing goes through it. Choose a layer."
        )
    order = list(graph.nodes)
    anchor = order[order.index(reader.id) - 1]
    new = AddNode(
        edit.target,
        name=edit.name,
        arguments=edit.arguments,
        id=edit.id,
        position=edit.position,
        scope=edit.scope,
    )
    graph, node = new_call(root, graph, new, anchor, value)
    graph = _before(graph, node, reader.id)
    refuse_arguments(root, graph, node)
    graph = settle_near(root, graph, node.id)
    return _reading(root, graph, (edit.node, edit.port, edit.index), node)


def join(root: Graph, graph: Graph, edit: Join) -> Graph:
    """See `Join`."""
    refuse_more(graph)
    for ref in (edit.a, edit.b):
        node_at(graph, ref.node)
    order = list(graph.nodes)
    anchor = max((edit.a.node, edit.b.node), key=order.index)
    slot = edit.slot or _joined_slot(graph, edit.a, edit.b)
    if edit.slot is not None:
        wired_at(root, graph, node_at(graph, edit.slot[0]), edit.slot[1], edit.slot[2])
    target, given = "operator.add", dict[str, Argument](input=edit.a, other=edit.b)
    if edit.how == "cat":
        target = "torch.cat"
        given = {"tensors": (edit.a, edit.b), "dim": _axis(root, graph, edit.a, edit.b)}
    new = AddNode(target, arguments=given, id=edit.id, position=edit.position, scope=edit.scope)
    graph, node = new_call(root, graph, new, anchor, edit.a)
    graph = place(graph, node, anchor)
    refuse_arguments(root, graph, node)
    return graph if slot is None else _reading(root, graph, slot, node)


def wired_at(root: Graph, graph: Graph, node: Node, port: str, index: int) -> Ref:
    """What a slot reads; EditRefused where it has no wire that could be moved."""
    _takes_many(root, graph, node, port)
    parts = _parts(node, port)
    part = parts[index] if 0 <= index < len(parts) else None
    if not isinstance(part, Ref):
        raise EditRefused(
            f"{quote(port)} of {quote(graph.label(node.id))} has no wire there. It may be gone already."
        )
    return part


def _takes_many(root: Graph, graph: Graph, node: Node, port: str) -> bool:
    """Whether a port takes several values; EditRefused for what is no port."""
    ports, _ = call_names(root, graph, node)
    if port in ports:
        return ports[port][0]
    if sentence := refuse_name_of_argument(root, graph, node, port):
        raise EditRefused(sentence)
    raise EditRefused(
        f"{kind_word(node)} {quote(plain_label(graph, node))} takes no wire at {quote(port)}: set it in the form."
    )


def _parts(node: Node, port: str) -> tuple[Argument, ...]:
    now = node.arguments.get(port)
    return now if isinstance(now, tuple) else () if now is None else (now,)


def _before(graph: Graph, node: Node, reader: str) -> Graph:
    nodes: dict[str, Node] = {}
    for identity, other in graph.nodes.items():
        if identity == reader:
            nodes[node.id] = node
        nodes[identity] = other
    return replace(graph, nodes=nodes)


def _reading(root: Graph, graph: Graph, slot: tuple[str, str, int], node: Node) -> Graph:
    """The graph with one slot reading a new node's result."""
    reader, port, index = slot
    result = first_part(root, graph, node)
    old = graph.nodes[reader].arguments.get(port)
    new: Argument = result
    if isinstance(old, tuple):
        new = (*old[:index], result, *old[index + 1 :])
    elif old is not None and _takes_many(root, graph, graph.nodes[reader], port):
        new = (result,)
    changed = with_argument(root, graph, graph.nodes[reader], port, new)
    return settle_near(root, with_node(graph, changed), reader)


def _joined_slot(graph: Graph, a: Ref, b: Ref) -> tuple[str, str, int] | None:
    """Who reads the sum of two values where nobody was named: see `Join`."""
    outputs = graph.outputs
    reading = [n for n in outputs if n.arguments.get("value") in (a, b)]
    if len({n.arguments["value"] for n in reading}) == 1:
        return reading[-1].id, "value", 0
    if unwired := [n for n in outputs if n.arguments.get("value") is None]:
        return unwired[0].id, "value", 0
    if reading:
        return None
    used = {r for n in graph.nodes.values() for r in values_read(n)}
    if (a in used) == (b in used):
        return None
    main, side = (a, b) if a in used else (b, a)
    for node in graph.nodes.values():
        for port, index, ref in slots_of(node):
            if ref == main and not way_back(graph, side.node, node.id):
                return node.id, port, index
    return None


def slots_of(node: Node) -> Iterator[tuple[str, int, Ref]]:
    """The wires into a node that can be taken and moved: port, place and value."""
    for port, argument in node.arguments.items():
        parts = argument if isinstance(argument, tuple) else (argument,)
        for index, part in enumerate(parts):
            if isinstance(part, Ref):
                yield port, index, part


def _axis(root: Graph, graph: Graph, a: Ref, b: Ref) -> int:
    """Along which axis two values are put behind each other: the one that differs, never the batch."""
    one, other = (_value(root, graph, ref) for ref in (a, b))
    if isinstance(one, TensorSpec) and isinstance(other, TensorSpec):
        if len(one.shape) == len(other.shape):
            pairs = zip(one.shape, other.shape, strict=True)
            differ = [i for i, pair in enumerate(pairs) if len(set(pair)) > 1]
            if len(differ) == 1:
                return differ[0]
        if len(one.shape) < 2:
            return 0
        if isinstance(one.shape[1], str):  # the batch stands second, as in an LSTM's h_n
            return len(one.shape) - 1
    return 1


def _value(root: Graph, graph: Graph, ref: Ref) -> Value | None:
    """What a reference gives in this graph, as far as it is known."""
    report = infer_shapes(replace(graph, blocks=root.blocks)).nodes.get(ref.node)
    value = report.result if report else None
    for step in ref.path:
        value = value[step] if isinstance(value, tuple) and step < len(value) else None
    return value
