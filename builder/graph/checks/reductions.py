"""Reductions: what torch works out without a word, and is not a number."""

from __future__ import annotations

from math import prod

from builder.graph.call import Call, show
from builder.graph.diagnostics import Finding


def check_spread(call: Call) -> Finding | None:
    """std and var divide by n - correction, which is 0 for a single number: the result is NaN."""
    spec, dims, correction = call.tensor(), call.argument("dim"), call.argument("correction")
    if spec is None or not isinstance(correction, int) or correction < 1:
        return None
    rank = len(spec.shape)
    given = range(rank) if dims is None else dims if isinstance(dims, tuple) else (dims,)
    axes = [d for d in given if isinstance(d, int) and -rank <= d < rank]
    sizes = [spec.shape[d] for d in axes]
    if any(isinstance(size, str) for size in sizes):
        return None
    count = prod(size for size in sizes if isinstance(size, int))
    if not count or count > correction:
        return None
    which = "all of it" if dims is None else f"dim={show(dims)}"
    others = [i for i, size in enumerate(spec.shape) if isinstance(size, int) and size > correction]
    way = f"Set dim to {others[-1]}, or correction to 0." if others else "Set correction to 0."
    return call.finding(
        "no_spread",
        f"gives NaN: {which} of {show(spec)}{call.out_of()} has {count} number{'s' * (count > 1)}, and "
        f"it divides by {count} - correction={correction}. {way}",
        parameter="dim" if others else "correction",
        severity="warning",
    )


CHECKS = {f"torch.{name}": (check_spread,) for name in ("std", "var")}
