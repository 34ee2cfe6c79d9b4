"""Tensors whose numbers the text says: `[x.item() for x in torch.linspace(0, rate, depth)]`."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final

import torch

from builder.code.reading import raws
from builder.code.reading.closed import is_random
from builder.code.reading.reader import Reader
from builder.code.reading.values import Tensor
from builder.graph.model import Argument, Calc, Ref, Setting, Slice, TensorSpec, Value
from builder.graph.symbols import probe_from_dim

_MOST_STEPS: Final = 50
_MOST_NUMBERS: Final = 10_000
_DONE: Final[dict[str, Callable[..., Any]]] = {
    **{f"torch.{name}": getattr(torch, name) for name in (
        "linspace", "arange", "logspace", "zeros", "ones", "full", "tensor", "eye", "flip", "sqrt",
        "exp", "log", "sin", "cos", "cumsum", "pow", "unbind",
    )},
    **{f"operator.{name}": getattr(operator, name) for name in (
        "add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "neg", "getitem",
    )},
    "torch.Tensor.float": torch.Tensor.float, "torch.Tensor.long": torch.Tensor.long,
    "torch.Tensor.to": torch.Tensor.to,
}  # fmt: skip
"""Ours, by names of ours: the text only chooses among them."""


def numbers_of(reader: Reader, tensor: Tensor) -> torch.Tensor | None:
    """What a small tensor holds that was made outside of forward; None where it is not known."""
    trace = reader.trace
    steps = raws.steps_behind(trace, tensor.ref)
    if not steps or len(steps) > _MOST_STEPS:
        return None
    made: dict[str, Any] = {}
    for step in steps:
        small = _count(step.result) <= _MOST_NUMBERS
        do = _DONE.get(step.target)
        if step.frame is not trace.making or is_random(step) or not small or do is None:
            return None
        given = {k: _value(reader, v, made) for k, v in step.arguments.items() if k != "device"}
        if isinstance(given.get("dtype"), str):
            given["dtype"] = getattr(torch, given["dtype"])  # a dtype of ours: `values.Dtype`
        try:
            if step.target.startswith("operator."):
                made[step.id] = do(*given.values())
            else:
                first = given.pop("input", None)
                made[step.id] = do(**given) if first is None else do(first, **given)
        except (TypeError, ValueError, RuntimeError, IndexError, KeyError):
            return None
    found = made[steps[-1].id]
    for index in tensor.ref.path:
        found = found[index]
    right = steps[-1].id == tensor.ref.node and isinstance(found, torch.Tensor)
    return found if right else None


def _count(value: Value) -> int:
    if not isinstance(value, TensorSpec):
        return sum(_count(part) for part in value)
    total = 1
    for size in value.shape:
        total *= probe_from_dim(size)
    return total


def _value(reader: Reader, argument: Argument, made: dict[str, Any]) -> Any:
    match argument:
        case Ref(node=node, path=path):
            found = made[node]
            for index in path:
                found = found[index]
            return found
        case Setting(name=name):
            return reader.trace.settings[name]
        case Calc(op=op, left=left, right=right):
            one, other = _value(reader, left, made), _value(reader, right, made)
            return {"+": operator.add, "-": operator.sub, "*": operator.mul}.get(
                op, operator.floordiv
            )(one, other)
        case Slice(start=start, stop=stop, step=step):
            return slice(*(_value(reader, part, made) for part in (start, stop, step)))
        case tuple():
            return tuple(_value(reader, part, made) for part in argument)
    return argument
