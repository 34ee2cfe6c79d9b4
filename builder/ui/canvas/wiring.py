"""What is added, wired and taken away on the canvas, as edits."""

from __future__ import annotations

import secrets
from dataclasses import replace

from builder import catalogue
from builder.graph.blocks import graph_at
from builder.graph.edits import (
    AddBranch,
    AddNode,
    Connect,
    DeleteNodes,
    Edit,
    InsertOnWire,
    Join,
    SetFrame,
    SetPositions,
    Several,
    apply,
    describe,
)
from builder.graph.model import Graph, Ref, Training, anchor_at, primary_input
from builder.ui import state
from builder.ui.canvas import clipboard, questions, reading
from builder.ui.canvas.holding import edit_or_ask
from builder.ui.canvas.losses import effect_words
from builder.ui.canvas.place import select
from builder.ui.canvas.reading import Operation, Point
from builder.ui.canvas.wires import Slot, slots_of
from builder.ui.ports import ports_of


def add(operation: Operation) -> None:
    graph, scope = state.scoped_graph(), state.scope()
    key, new = reading.text(operation, "key"), reading.identity(operation, "id")
    if key is None or (new is not None and new in graph.nodes):
        return  # done already: sent again after the server was started anew
    at = reading.point(operation.get("at"))
    value = reading.ref(operation.get("from"), graph)
    slot = reading.slot(operation.get("to"), graph)
    on = reading.wire(operation.get("on"), graph)
    after = reading.identity(operation, "after")
    aside = made_room(operation, graph)
    if key == "branch":
        _add_branch(graph, new, at, value, on or slot, after, aside)
        return
    if slot is not None and _read_at(graph, slot) is not None:
        on = slot
    if key in (*catalogue.TENSORS, "weight"):
        _add_tensor(graph, key, new, at, slot or on, after, aside)
        return
    edit: Edit
    if on is not None and key not in ("input", "output"):
        edit = InsertOnWire(key, on.node, on.port, on.index, id=new, position=at, scope=scope)
    elif slot is not None and new is not None and key != "output":
        apart = AddNode(key, after=_before(graph, slot.node), id=new, position=at, reads=None)
        to_slot = Connect(new, slot.node, slot.port, slot.index, scope=scope)
        edit = together(replace(apart, scope=scope), to_slot)
    elif value is not None:
        edit = AddNode(key, id=new, position=at, reads=value, scope=scope)
    elif after is not None:
        edit = AddNode(key, after=anchor_at(graph, after), id=new, position=at, scope=scope)
    else:
        edit = AddNode(key, id=new, position=at, reads=None, scope=scope)
    state.edit(together(edit, *aside), select_new=True)


def _add_tensor(
    graph: Graph,
    key: str,
    new: str | None,
    at: Point | None,
    slot: Slot | None,
    after: str | None,
    aside: list[Edit],
) -> None:
    """A tensor reads nothing: it stands beside, and gives its value to the slot it was asked for at."""
    scope = state.scope()
    behind = _before(graph, slot.node) if slot is not None else anchor_at(graph, after)
    parts: list[Edit] = [AddNode(key, after=behind, id=new, position=at, scope=scope)]
    if slot is not None and new is not None:
        parts.append(Connect(new, slot.node, slot.port, slot.index, scope=scope))
    state.edit(together(*parts, *aside), select_new=True)


def made_room(operation: Operation, graph: Graph, name: str = "move") -> list[Edit]:
    """What moves along with something new: in the same step, so that undo takes it back too."""
    places = {n: p for n, p in reading.points(operation, name).items() if n in graph.nodes}
    edits: list[Edit] = [SetPositions(places, scope=state.scope())] if places else []
    for identity, (x, y, w, h) in reading.boxes(operation, "frames").items():
        if old := graph.frames.get(identity):
            frame = replace(old, position=(x, y), size=(w, h))
            edits.append(SetFrame(identity, frame, scope=state.scope()))
    return edits


def _add_branch(
    graph: Graph,
    new: str | None,
    at: Point | None,
    value: Ref | None,
    slot: Slot | None,
    after: str | None,
    aside: list[Edit],
) -> None:
    """A branch between a value and what came before it; only the slot asked for is rewired."""
    behind = value or (_read_at(graph, slot) if slot else None)
    if behind is None:
        anchor = after or state.selected() or _last(graph)
        if anchor is None or anchor not in graph.nodes:
            state.say("A branch chooses between two values: add an input first.", "warning")
            return
        behind = Ref(anchor_at(graph, anchor) or anchor)
    other = primary_input(graph.nodes[behind.node]) or behind
    new = new or f"branch_{secrets.token_hex(3)}"
    add = AddBranch(Training(), behind, other, id=new, scope=state.scope())
    parts: list[Edit] = [add]
    if value is not None or slot is not None:
        parts += _undone_rewiring(graph, add, new)
    if slot is not None:
        parts.append(Connect(new, slot.node, slot.port, slot.index, scope=state.scope()))
    if at is not None:
        parts.append(SetPositions({new: at}, scope=state.scope()))
    state.edit(together(*parts, *aside), select_new=True)


def _undone_rewiring(graph: Graph, edit: AddBranch, new: str) -> list[Edit]:
    """The edits that let everybody read what they read before a node was added."""
    after = graph_at(apply(state.graph(), edit), state.scope())
    was = {slot: ref for node in graph.nodes.values() for slot, ref in slots_of(node)}
    return [
        Connect(was[slot], slot.node, slot.port, slot.index, scope=state.scope())
        for node in after.nodes.values()
        for slot, ref in slots_of(node)
        if ref.node == new and slot in was and not slot.fixed
    ]


def insert(operation: Operation) -> None:
    """A node that stands loose, dropped on a wire."""
    graph, scope = state.scoped_graph(), state.scope()
    node, on = reading.node(operation, graph), reading.wire(operation.get("on"), graph)
    at = reading.point(operation.get("at"))
    value = _read_at(graph, on) if on else None
    if node is None or on is None or value is None or on.node == node:
        return
    ports = ports_of(graph, graph.nodes[node], state.graph())
    if not ports:
        return
    parts: list[Edit] = [
        Connect(value, node, ports[0].name, 0, scope=scope),
        Connect(node, on.node, on.port, on.index, scope=scope),
    ]
    if at is not None:
        parts.append(SetPositions({node: at}, scope=scope))
    parts += made_room(operation, graph)
    label = f"Put “{graph.label(node)}” in front of “{graph.label(on.node)}”"
    edit_or_ask(Several(tuple(parts), label))


def connect(operation: Operation) -> None:
    graph = state.scoped_graph()
    value = reading.ref(operation.get("from"), graph)
    slot = reading.slot(operation.get("to"), graph)
    if value is not None and slot is not None:
        edit_or_ask(Connect(value, slot.node, slot.port, slot.index, scope=state.scope()))


def disconnect(operation: Operation) -> None:
    slots = reading.wires(operation, "wires", state.scoped_graph())
    if slots:
        edit_or_ask(together(*questions.cuts(slots)))


def join(operation: Operation) -> None:
    graph = state.scoped_graph()
    one = reading.ref(operation.get("a"), graph)
    other = reading.ref(operation.get("b"), graph)
    new, how = reading.identity(operation, "id"), operation.get("how")
    if one is None or other is None or how not in ("add", "cat") or new in graph.nodes:
        return
    to = reading.slot(operation.get("to"), graph)
    edit = Join(
        one,
        other,
        "add" if how == "add" else "cat",
        id=new,
        position=reading.point(operation.get("at")),
        slot=(to.node, to.port, to.index) if to else None,
        scope=state.scope(),
    )
    state.edit(together(edit, *made_room(operation, graph)), select_new=True)


def delete(operation: Operation) -> None:
    graph = state.scoped_graph()
    edit = questions.deletion(operation)
    if edit is None:
        return
    if operation.get("sure") is not True:
        words = effect_words(edit)
        if words:
            itself = {k: v for k, v in operation.items() if k not in ("seq", "at_ms")}
            questions.answer(operation, {"ask": words, "op": itself})
            return
    gone = reading.nodes(operation, "nodes", graph)
    left = _left_behind(graph, gone)
    if state.edit(edit) and gone:
        select((left,) if left else ())


def cut_out(operation: Operation) -> None:
    nodes = reading.nodes(operation, "nodes", state.scoped_graph())
    if nodes:
        questions.answer(operation, {"copied": clipboard.copy(nodes)})
        left = _left_behind(state.scoped_graph(), nodes)
        if edit_or_ask(DeleteNodes(nodes, scope=state.scope())):
            select((left,) if left else ())


def _left_behind(graph: Graph, gone: tuple[str, ...]) -> str | None:
    """The node before those that go: what is selected once they are gone."""
    before = None
    for identity in graph.nodes:
        if identity in gone:
            return before
        before = identity
    return None


def together(*edits: Edit) -> Edit:
    """Several edits as one step, named after the first."""
    return edits[0] if len(edits) == 1 else Several(edits, describe(edits[0], state.graph()))


def _read_at(graph: Graph, slot: Slot) -> Ref | None:
    node = graph.nodes.get(slot.node)
    return next((ref for s, ref in slots_of(node) if s == slot), None) if node else None


def _before(graph: Graph, node: str) -> str | None:
    order = list(graph.nodes)
    place = order.index(node)
    return order[place - 1] if place else None


def _last(graph: Graph) -> str | None:
    return next((n.id for n in reversed([*graph.nodes.values()]) if n.kind != "output"), None)
