"""Everything the stack shows at once, as the data its component draws."""

from __future__ import annotations

from typing import Any

from builder.graph.words import totals_words
from builder.ui import state
from builder.ui.workbench.operations import FOLDED_AT
from builder.ui.workbench.rows import rows_of
from builder.ui.workbench.window import fold


def stack_data() -> dict[str, Any]:
    """Rows, breadcrumbs and totals of the graph being looked at."""
    graph, report = state.scoped_graph(), state.scoped_report()
    rows = rows_of(graph, report, state.graph())
    selected = state.selected()
    order = [row["id"] for row in rows]
    at = order.index(selected) if selected in order else None
    looked_at = state.recall(FOLDED_AT)
    return {
        "rows": fold(rows, looked_at if looked_at is not None else at),
        "selected": selected,
        "crumbs": [state.project().name, *state.scope_names()],
        "totals": totals_words(report.totals) if report else [],
        "hint": _hint(len(rows)),
    }


def _hint(rows: int) -> str:
    if rows > 2:
        return ""
    return "Click a layer in the palette: it goes behind the selected one. Or drag it to its place."
