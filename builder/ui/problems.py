"""The problems of a network, each with the repairs that were already tried, one click away.

A button's key says what it does, not where it stands: while an edit is still being worked out, the
buttons on the screen are those of before, and a click on one must do what it says or nothing.
"""

from __future__ import annotations

import hashlib
from typing import Final

import streamlit as st

from builder.graph.diagnostics import Diagnostic
from builder.graph.model import Graph
from builder.graph.repairs import Repair
from builder.graph.size import format_parameters
from builder.ui import state
from builder.ui.markdown import plain

_SHOWN: Final = 6  # at once; mending those brings up the next
_REPAIRS_SHOWN: Final = 4


def problem_list() -> None:
    """Draws every problem of the network, the first ones in full."""
    found = state.check()
    problems = state.problems()
    if not problems:
        return
    with st.container(key="lw_problems", border=True, gap="small"):
        for problem in problems[:_SHOWN]:
            _problem(problem, found.repairs.get(problem, ()))
        if len(problems) > _SHOWN:
            st.caption(f"{len(problems) - _SHOWN} more problems further on.")


def _problem(problem: Diagnostic, repairs: tuple[Repair, ...]) -> None:
    symbol = ":material/error:" if problem.severity == "error" else ":material/warning:"
    colour = "red" if problem.severity == "error" else "orange"
    st.markdown(f":{colour}[{symbol}] {plain(problem.message)}")
    with st.container(horizontal=True, gap="xsmall"):
        for i, repair in enumerate(repairs[:_REPAIRS_SHOWN]):
            st.button(
                f"{plain(repair.label)}{_cost(repair)}",
                key=f"lw_repair_{_meaning(problem, repair)}",
                on_click=_mend,
                args=(repair,),
                type="primary" if i == 0 else "secondary",
                wrap=True,
            )
        if problem.node and (
            problem.node != state.selected() or problem.scope != state.scope_path()
        ):
            st.button(
                "Show layer",
                icon=":material/my_location:",
                key=f"lw_show_{_meaning(problem)}",
                on_click=state.select,
                args=(problem.node, problem.scope),
                type="tertiary",
                help=f"Go to {_where(problem)}",
            )


def _cost(repair: Repair) -> str:
    """What a repair costs in parameters: " · +1 290 parameters"; nothing where it costs none."""
    if not repair.parameters_delta:
        return ""
    sign = "+" if repair.parameters_delta > 0 else "−"
    return f" · {sign}{format_parameters(abs(repair.parameters_delta))} parameters"


def _meaning(problem: Diagnostic, repair: Repair | None = None) -> str:
    said = repr(
        (problem.scope, problem.node, problem.message, repair and (repair.label, repair.edit))
    )
    return hashlib.blake2b(said.encode("utf-8", "replace"), digest_size=8).hexdigest()


def _mend(repair: Repair) -> None:
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
