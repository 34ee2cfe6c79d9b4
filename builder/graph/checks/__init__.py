"""What torch says poorly or not at all, said before it is asked, in the words of the screen.

A check looks at one `Call` and returns a `Finding` or None. It knows nothing of the rest of the graph,
so that what it says can be remembered with the call. The few that must know where a value comes
from stand in `origin.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from builder import catalogue
from builder.catalogue.entry import Entry
from builder.graph.call import Call
from builder.graph.checks import (
    activations,
    batches,
    common,
    linear,
    merging,
    normalization,
    pictures,
    reductions,
    reshaping,
    resizing,
    sequences,
    trials,
)
from builder.graph.checks.common import spatial_dims
from builder.graph.checks.origin import depends_on_origin, find_by_origin
from builder.graph.diagnostics import Finding

__all__ = [
    "NOT_TO_BE_BUILT",
    "batched_rank",
    "depends_on_origin",
    "explain",
    "find",
    "find_by_origin",
    "refused",
]

Check = Callable[[Call], Finding | None]

NOT_TO_BE_BUILT = frozenset(
    {"value", "missing_argument", "one_of", "groups", "heads", "norm_groups"}
)
"""Findings after which the layer is not even built to count its weights."""

_ALWAYS: tuple[Check, ...] = (
    common.check_tuples,
    common.check_values,
    common.check_dtypes,
    reshaping.check_dims,
)
_FAMILIES: tuple[Mapping[str, tuple[Check, ...]], ...] = (
    linear.CHECKS,
    pictures.CHECKS,
    normalization.CHECKS,
    sequences.CHECKS,
    reshaping.CHECKS,
    reductions.CHECKS,
    merging.CHECKS,
    resizing.CHECKS,
    activations.CHECKS,
)


def find(call: Call) -> Finding | None:
    """The first error at a call, else the first warning, else None."""
    warning = None
    for check in _checks_of(call.entry.key):
        finding = check(call)
        if finding is not None and finding.severity == "error":
            return finding
        warning = warning or finding
    return warning


def explain(call: Call, refusal: str) -> Finding:
    """Words for what torch has refused where no check knew better."""
    ranks = trials.explain_rank(call) if call.entry.key in catalogue.entries() else None
    return common.explain_empty(call) or ranks or common.explain(call, refusal)


def refused(call: Call, warning: Finding, refusal: str) -> Finding:
    """Words for what torch has refused and a check has only warned of."""
    listed = call.entry.key in catalogue.entries()
    found = trials.explain_rank(call) if warning.kind == "rank" and listed else None
    return found or common.refused(call, warning, refusal)


@cache
def _checks_of(key: str) -> tuple[Check, ...]:
    own = (check for family in _FAMILIES for check in family.get(key, ()))
    rows = (batches.check_least_batch, batches.check_mixing)
    # Only what has an example can be tried with other numbers.
    by_trial = (trials.check_by_trial,) if key in catalogue.entries() else ()
    return (*_ALWAYS, *own, *rows, *by_trial)


def batched_rank(entry: Entry) -> int | None:
    """Dimensions of a batched input where an unbatched one has one less: 4 for Conv2d."""
    spatial = spatial_dims(entry)
    if spatial is None or entry.key.startswith("torch.nn.BatchNorm"):
        return None
    return spatial + 2
