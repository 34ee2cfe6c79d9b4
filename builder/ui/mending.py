"""The repairs a page offers as buttons: which one was meant, and what it costs.

A button's id says what it does, not where it stands: while an edit is still being worked out, the
buttons on the screen are those of before, and a click on one must do what it says or nothing.
"""

from __future__ import annotations

import hashlib
from typing import Final

from builder.graph.diagnostics import Diagnostic
from builder.graph.edits import DeleteNode, DeleteNodes
from builder.graph.repairs import Repair
from builder.graph.size import format_parameters

REPAIRS_SHOWN: Final = 4  # of one problem


def repair_id(problem: Diagnostic, repair: Repair | None = None) -> str:
    """A short digest of what a repair of a problem does; without one, of the problem."""
    said = repr(
        (problem.scope, problem.node, problem.message, repair and (repair.label, repair.edit))
    )
    return hashlib.blake2b(said.encode("utf-8", "replace"), digest_size=8).hexdigest()


def takes_away(repair: Repair) -> bool:
    """Whether a repair deletes: no button for that should be the first that comes to hand."""
    return isinstance(repair.edit, DeleteNode | DeleteNodes)


def cost_words(repair: Repair) -> str:
    """What a repair costs in parameters: "+1 290 parameters"; "" where it costs none."""
    if not repair.parameters_delta:
        return ""
    sign = "+" if repair.parameters_delta > 0 else "−"
    return f"{sign}{format_parameters(abs(repair.parameters_delta))} parameters"
