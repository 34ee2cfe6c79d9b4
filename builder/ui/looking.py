"""Where a person looks in the network: in which block, at which node, and what is known of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from builder.graph.model import Graph
from builder.ui.session import Session, current, whole, work

if TYPE_CHECKING:
    from builder.graph.check import Check
    from builder.graph.diagnostics import Diagnostic
    from builder.graph.report import ShapeReport

_CHECKS_KEPT: Final = 24  # so that undo and redo cost nothing


def check() -> Check:
    """Shapes, problems and tried repairs of the open network, worked out once per graph."""
    from builder.graph.check import check as check_graph

    session, graph = current(), work().graph
    for known, found in session.checks:
        if known is graph:
            return found
    found = check_graph(graph)
    session.checks = [(graph, found), *session.checks[: _CHECKS_KEPT - 1]]
    return found


def carry_check(before: Graph, after: Graph) -> None:
    """Takes over what is known of a graph for one that differs only in where things stand."""
    session = current()
    found = next((c for known, c in session.checks if known is before), None)
    if found is not None and after is not before:
        session.checks = [(after, found), *session.checks[: _CHECKS_KEPT - 1]]


def problems() -> tuple[Diagnostic, ...]:
    """The problems of the open network, each once: where it sits, not also at the blocks around it."""
    found = check().report.problems
    inside = {p.scope[:depth] for p in found for depth in range(1, len(p.scope) + 1)}
    return tuple(p for p in found if (*p.scope, p.node) not in inside)


def scoped_report() -> ShapeReport | None:
    """The shapes of the graph being looked at: the root's, or those of the block entered.

    None where a block is entered that nothing has reached yet (its input has no shape).
    """
    report: ShapeReport = check().report
    for node_id, _ in current().scope:
        node = report.nodes.get(node_id)
        if node is None or not node.body:
            return None
        report = node.body[0]
    return report


def scope() -> str:
    """The name of the block being looked at, "" for the root: what `Edit.scope` wants."""
    entered = current().scope
    return entered[-1][1] if entered else ""


def scope_path() -> tuple[str, ...]:
    """The ids of the nodes entered, outermost first: what `Diagnostic.scope` holds."""
    return tuple(node_id for node_id, _ in current().scope)


def scope_names() -> tuple[str, ...]:
    """The blocks entered, outermost first, for breadcrumbs."""
    return tuple(block for _, block in current().scope)


def scoped_graph() -> Graph:
    """The graph being looked at: the root, or the block entered."""
    root = work().graph
    return root.blocks[scope()] if scope() else root


@whole
def enter(node_id: str) -> None:
    """Goes into the block a node calls; anything else changes nothing."""
    session, here = current(), scoped_graph()
    node = here.nodes.get(node_id)
    owner_called = here.owner_of(node) if node else None
    if owner_called and owner_called.block in work().graph.blocks:
        session.scope = (*session.scope, (node_id, owner_called.block or ""))
        session.selected = None


@whole
def leave(depth: int = -1) -> None:
    """Comes out of blocks until `depth` are entered; -1 comes out of one. Selects what was left."""
    session = current()
    keep = len(session.scope) - 1 if depth < 0 else depth
    if 0 <= keep < len(session.scope):
        session.selected = session.scope[keep][0]
        session.scope = session.scope[:keep]


def selected() -> str | None:
    """The id of the selected node of `scoped_graph()`, the same on every page."""
    return current().selected


@whole
def select(node_id: str | None, scope: tuple[str, ...] | None = None) -> None:
    """Selects a node. `scope`: the path of node ids into blocks, as a `Diagnostic` holds it."""
    session = current()
    if scope is not None and scope != scope_path():
        leave(0)
        for block_node in scope:
            enter(block_node)
    session.selected = node_id if node_id in scoped_graph().nodes else None


def forget_what_is_gone(session: Session) -> None:
    """After an edit or undo: leaves blocks and selections that are no longer in the network."""
    here = work().graph
    for depth, (node_id, block) in enumerate(session.scope):
        node = here.nodes.get(node_id)
        called = here.owner_of(node) if node else None
        if called is None or called.block != block or block not in work().graph.blocks:
            session.scope, session.selected = session.scope[:depth], None
            break
        here = work().graph.blocks[block]
    if session.selected not in scoped_graph().nodes:
        session.selected = None
