"""The problems of a network, each with the repairs that were already tried, one click away."""

from __future__ import annotations

from typing import Final

import streamlit as st

from builder.graph.diagnostics import Diagnostic
from builder.graph.model import Graph
from builder.graph.repairs import Repair
from builder.ui import state
from builder.ui.canvas.holding import edit_or_ask
from builder.ui.markdown import plain
from builder.ui.mending import REPAIRS_SHOWN, cost_words, repair_id, takes_away

_SHOWN: Final = 6  # at once; mending those brings up the next


def problem_list(node: str | None = None) -> None:
    """Draws every problem of the network, the first ones in full; or those of one node shown."""
    found = state.check()
    problems = state.problems()
    if node is not None:
        here = (state.scope_path(), node)
        inside = (*state.scope_path(), node)
        problems = tuple(
            p for p in problems if (p.scope, p.node) == here or p.scope[: len(inside)] == inside
        )
    if not problems:
        return
    mild = all(problem.severity != "error" for problem in problems)
    key = "lw_problems_mild" if mild else "lw_problems"
    with st.container(key=key, border=True, gap="small"):
        for problem in problems[:_SHOWN]:
            _problem(problem, found.repairs.get(problem, ()), node is not None)
        if len(problems) > _SHOWN:
            st.caption(f"{len(problems) - _SHOWN} more problems further on.")


def _problem(problem: Diagnostic, repairs: tuple[Repair, ...], ask: bool) -> None:
    """`ask`: before trained weights go; only beside the canvas there is a place for it."""
    symbol = ":material/error:" if problem.severity == "error" else ":material/warning:"
    colour = "red" if problem.severity == "error" else "orange"
    st.markdown(f":{colour}[{symbol}] {plain(problem.message)}")
    with st.container(horizontal=True, gap="xsmall"):
        for i, repair in enumerate(repairs[:REPAIRS_SHOWN]):
            st.button(
                plain(repair.label) + (f" · {cost}" if (cost := cost_words(repair)) else ""),
                key=f"lw_repair_{repair_id(problem, repair)}",
                on_click=_mend,
                args=(repair, ask),
                type="primary" if i == 0 and not takes_away(repair) else "secondary",
                wrap=True,
            )
        if problem.node and (
            problem.node != state.selected() or problem.scope != state.scope_path()
        ):
            st.button(
                "Show layer",
                icon=":material/my_location:",
                key=f"lw_show_{repair_id(problem)}",
                on_click=state.select,
                args=(problem.node, problem.scope),
                type="tertiary",
                help=f"Go to {_where(problem)}",
            )


def _mend(repair: Repair, ask: bool) -> None:
    if ask:
        edit_or_ask(repair.edit)
    else:
        state.edit(repair.edit)


def _where(problem: Diagnostic) -> str:
    graph: Graph = state.graph()
    for node_id in problem.scope:
        node = graph.nodes.get(node_id)
        owner = graph.owner_of(node) if node else None
        inside = state.graph().blocks.get(owner.block or "") if owner else None
        if inside is None:
            return "the layer"
        graph = inside
    return plain(graph.label(problem.node)) if problem.node in graph.nodes else "the layer"
