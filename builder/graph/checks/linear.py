"""Linear and Bilinear: the last size must be in_features."""

from __future__ import annotations

from math import prod

from builder.graph.call import Call, show
from builder.graph.diagnostics import Finding


def check_last_size(call: Call, parameter: str, port: str) -> Finding | None:
    """The last size of a port against in_features, input_size, …"""
    spec = call.tensor(port)
    if spec is None:
        return None
    shown, came = show(spec), call.from_(port)
    if not spec.shape:
        return call.finding(
            "rank",
            f"needs features but receives a single number{came}. Add a dimension with unsqueeze.",
            port=port,
            parameter=parameter,
        )
    size, expected = spec.shape[-1], call.whole(parameter)
    if isinstance(size, str):
        return call.finding(
            "batch_as_features",
            f"reads its features from the last size, but receives {shown}{came}, whose last size is "
            "the batch. Add a dimension behind it with unsqueeze.",
            port=port,
            parameter=parameter,
        )
    if expected is None or size == expected:
        return None
    if call.partner:
        return call.finding(
            "shared_size",
            f"shares the weights of its first call, with {parameter}={expected}, but receives "
            f"{size}{came}. Give it weights of its own, or bring its input to {expected}.",
            port=port,
            parameter=parameter,
        )
    rest = [s for s in spec.shape[1:] if isinstance(s, int)]
    if len(spec.shape) > 2 and len(rest) == len(spec.shape) - 1 and prod(rest) == expected:
        return call.finding(
            "in_size",
            f"expects {parameter}={expected} but receives {shown}{came}. {'×'.join(map(str, rest))} "
            f"is {expected}: insert Flatten before it.",
            port=port,
            parameter=parameter,
        )
    whole = f" ({shown})" if len(spec.shape) > 2 else ""
    return call.finding(
        "in_size",
        f"expects {parameter}={expected} but receives {size}{whole}{came}. Set {parameter} to {size}.",
        port=port,
        parameter=parameter,
    )


def check_linear(call: Call) -> Finding | None:
    """in_features against the last size."""
    return check_last_size(call, "in_features", "input")


def check_bilinear(call: Call) -> Finding | None:
    """Both inputs, and that all sizes but the last agree."""
    found = check_last_size(call, "in1_features", "input1") or check_last_size(
        call, "in2_features", "input2"
    )
    one, two = call.tensor("input1"), call.tensor("input2")
    if found or one is None or two is None or one.shape[:-1] == two.shape[:-1]:
        return found
    return call.finding(
        "merge_shapes",
        f"needs two inputs that agree in all but the last size, but receives {show(one)} and {show(two)}.",
        port="input2",
    )


CHECKS = {"torch.nn.Linear": (check_linear,), "torch.nn.Bilinear": (check_bilinear,)}
