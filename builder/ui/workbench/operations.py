"""What a click or a key in the palette or the stack means: an edit, or a look somewhere else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from builder.graph.edits import (
    AddBranch,
    AddNode,
    DeleteNode,
    DuplicateNode,
    Edit,
    GroupIntoBlock,
    MoveNode,
    SetBypassed,
    SetFrozen,
)
from builder.graph.model import Graph, Ref, Training, anchor_at, primary_input
from builder.graph.names import suggest_name
from builder.ui import state

FOLDED_AT: Final = "build.folded_at"


def handle(operation: Mapping[str, Any]) -> None:
    """Carries out one operation of the browser; one that makes no sense changes nothing."""
    act = _ACTS.get(str(operation.get("op")))
    if act is not None:
        state.keep(FOLDED_AT, None)  # what is worked on is what is shown
        act(operation)


def add(key: str, after: str | None = None) -> None:
    """Adds a layer, operation, block, input, output or branch behind `after` or the selected one."""
    graph = state.scoped_graph()
    after = anchor_at(graph, after or state.selected())
    if key == "branch":
        _add_branch(graph, after)
        return
    state.edit(AddNode(key, after=after, scope=state.scope()), select_new=True)


def group(nodes: tuple[str, ...], name: str | None = None) -> None:
    """Groups nodes into a block under a free name, and selects it."""
    root = state.graph()
    wish = name or "Block"
    block = suggest_name(wish, {*root.blocks, root.name})
    state.edit(GroupIntoBlock(nodes, block, scope=state.scope()), select_new=True)


def delete(node: str) -> None:
    """Deletes a node and selects the one before it."""
    order = list(state.scoped_graph().nodes)
    if node not in order:
        return
    before = order[order.index(node) - 1] if order.index(node) else None
    was_selected = state.selected() == node
    if state.edit(DeleteNode(node, scope=state.scope())) and was_selected:
        state.select(before)


def _add_branch(graph: Graph, after: str | None) -> None:
    anchor = after or next((r.node for o in graph.outputs if (r := primary_input(o))), None)
    if anchor is None:
        state.say("A branch chooses between two values: add an input or a layer first.", "warning")
        return
    came_in = primary_input(graph.nodes[anchor])
    other = came_in or Ref(anchor)
    edit = AddBranch(Training(), Ref(anchor), other, after=anchor, scope=state.scope())
    state.edit(edit, select_new=True)


def _each(
    make: Callable[[str], Edit | None], *, select_new: bool = False
) -> Callable[[Mapping[str, Any]], None]:
    def act(operation: Mapping[str, Any]) -> None:
        node = operation.get("node")
        if isinstance(node, str) and node in state.scoped_graph().nodes:
            edit = make(node)
            if edit is not None:
                state.edit(edit, select_new=select_new)

    return act


def _bypass(node: str) -> Edit:
    return SetBypassed(node, not state.scoped_graph().nodes[node].bypassed, scope=state.scope())


def _freeze(node: str) -> Edit | None:
    graph = state.scoped_graph()
    owner = graph.owner_of(graph.nodes[node])
    return SetFrozen(node, not owner.frozen, scope=state.scope()) if owner else None


def _text(operation: Mapping[str, Any], name: str) -> str | None:
    value = operation.get(name)
    return value if isinstance(value, str) else None


def _add(operation: Mapping[str, Any]) -> None:
    if key := _text(operation, "key"):
        add(key, _text(operation, "after"))


def _move(operation: Mapping[str, Any]) -> None:
    node, after = _text(operation, "node"), _text(operation, "after")
    if node and after:
        state.edit(MoveNode(node, after, scope=state.scope()))


def _group(operation: Mapping[str, Any]) -> None:
    nodes = operation.get("nodes")
    if isinstance(nodes, list) and nodes:
        group(tuple(n for n in nodes if isinstance(n, str)))


def _leave(operation: Mapping[str, Any]) -> None:
    depth = operation.get("depth")
    if isinstance(depth, int) and depth >= 0:
        state.leave(depth)


def _show(operation: Mapping[str, Any]) -> None:
    row = operation.get("row")
    if isinstance(row, int):
        state.keep(FOLDED_AT, row)


_ACTS: Final[Mapping[str, Callable[[Mapping[str, Any]], None]]] = {
    "select": lambda operation: state.select(_text(operation, "node")),
    "add": _add,
    "move": _move,
    "delete": lambda operation: delete(_text(operation, "node") or ""),
    "duplicate": _each(lambda node: DuplicateNode(node, scope=state.scope()), select_new=True),
    "bypass": _each(_bypass),
    "freeze": _each(_freeze),
    "group": _group,
    "open": lambda operation: state.enter(_text(operation, "node") or ""),
    "leave": _leave,
    "show": _show,
}
