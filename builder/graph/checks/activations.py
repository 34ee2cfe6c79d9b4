"""Activations: numbers that torch refuses only once the layer runs."""

from __future__ import annotations

from builder.graph.call import Call
from builder.graph.diagnostics import Finding


def check_celu(call: Call) -> Finding | None:
    """CELU divides by alpha."""
    if call.argument("alpha") != 0:
        return None
    return call.finding(
        "value", "has alpha=0, by which it divides. Leave it out for 1.0.", parameter="alpha"
    )


def check_bounds(call: Call) -> Finding | None:
    """RReLU draws its slope between two bounds."""
    lower, upper = call.argument("lower"), call.argument("upper")
    if not isinstance(lower, int | float) or not isinstance(upper, int | float) or lower <= upper:
        return None
    return call.finding(
        "value",
        f"has lower={lower} above upper={upper}. Choose a lower of at most {upper}.",
        parameter="lower" if "lower" in call.arguments else "upper",
    )


CHECKS = {
    **{f"torch.nn.{name}": (check_celu,) for name in ("CELU", "functional.celu")},
    **{f"torch.nn.{name}": (check_bounds,) for name in ("RReLU", "functional.rrelu")},
}
