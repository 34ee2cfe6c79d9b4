"""A mistake in a model: a value that sits at its layer and says what, where, received, way out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem of one node. An error stops the network from running; a warning does not.

    `node`: the node's id ("" where the network has no node yet). `scope`: the calling nodes' ids
    from the root down to the block the node stands in, () at the root. `port`, `parameter`: the
    input or argument it is about, when it is about one. `kind`: a short stable word that repairs
    and tests go by, such as "in_size", "not_wired" or "merge_shapes".
    """

    node: str
    message: str
    port: str | None = None
    parameter: str | None = None
    severity: Severity = "error"
    scope: tuple[str, ...] = ()
    kind: str = "torch"

    def inside(self, caller: str) -> Diagnostic:
        """The same problem seen from the graph in which the node `caller` calls this block."""
        return replace(self, scope=(caller, *self.scope))

    def same_place(self, other: Diagnostic) -> bool:
        """Whether both are one problem, although its numbers may have changed."""
        return (self.scope, self.node, self.kind) == (other.scope, other.node, other.kind)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found at a call, before it is known where the call stands."""

    kind: str
    message: str
    port: str | None = None
    parameter: str | None = None
    severity: Severity = "error"

    def at(self, node: str) -> Diagnostic:
        """The finding as a problem of a node."""
        return Diagnostic(
            node, self.message, self.port, self.parameter, self.severity, (), self.kind
        )


def first_of(problems: Sequence[Diagnostic]) -> Diagnostic | None:
    """Where one begins to mend: the first error, else the first warning; None where all is well."""
    errors = (problem for problem in problems if problem.severity == "error")
    return next(errors, problems[0] if problems else None)
