"""Tensors whose numbers the text says: `[x.item() for x in torch.linspace(0, rate, depth)]`."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final

import torch

from builder.code.reading import raws
from builder.code.reading.closed import is_random
from builder.code.reading.reader import Reader
from builder.code.reading.trace import Step
from builder.code.reading.values import Tensor
from builder.graph.model import Argument, Calc, Ref, Setting, Size, Slice, TensorSpec, Value
from builder.graph.symbols import probe_from_dim

_MOST_STEPS: Final = 50
_MOST_NUMBERS: Final = 10_000
_DONE: Final[dict[str, Callable[..., Any]]] = {
    **{f"torch.{name}": getattr(torch, name) for name in (
        "linspace", "arange", "logspace", "zeros", "ones", "full", "tensor", "eye", "flip", "sqrt",
        "exp", "log", "sin", "cos", "cumsum", "pow", "unbind", "prod", "sum",
    )},
    **{f"operator.{name}": getattr(operator, name) for name in (
        "add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "neg", "getitem",
    )},
    "torch.Tensor.float": torch.Tensor.float, "torch.Tensor.long": torch.Tensor.long,
    "torch.Tensor.to": torch.Tensor.to,
}  # fmt: skip
"""Ours, by names of ours: the text only chooses among them."""


def numbers_of(reader: Reader, tensor: Tensor) -> torch.Tensor | None:
    """What a small tensor holds that is made of numbers alone; None where it is not known."""
    trace = reader.trace
    steps = raws.steps_behind(trace, tensor.ref)
    if not steps or len(steps) > _MOST_STEPS:
        return None
    made: dict[str, Any] = {}
    for step in steps:
        small = _count(step.result) <= _MOST_NUMBERS
        do = _DONE.get(step.target)
        if is_random(step) or not small or do is None or _may_change(reader, step):
            return None
        try:
            given = {k: _value(reader, v, made) for k, v in step.arguments.items() if k != "device"}
        except LookupError:  # it goes by the batch
            return None
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


def _may_change(reader: Reader, step: Step) -> bool:
    """Whether a tensor of forward may be written over, as no other step says."""
    if step.frame is reader.trace.making:
        return False
    return any(s.changed is not None or s.must_stay for s in reader.trace.steps.values())


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
        case Size(of=of, dim=dim):
            spec = reader.trace.value_of(of)
            size = spec.shape[dim] if isinstance(spec, TensorSpec) else None
            if not isinstance(size, int):
                raise LookupError
            return size
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
