"""Tensors the text makes of nothing: `torch.zeros(2, n)`, `torch.arange(t)`, `torch.tensor([1, 2])`."""

from __future__ import annotations

from typing import Any, Final

from builder.code.reading.iterating import items_of
from builder.code.reading.reader import Reader
from builder.code.reading.torch_calls import operation
from builder.code.reading.values import (
    Array,
    Device,
    Dtype,
    Known,
    Lazy,
    Shape,
    Sym,
    Tensor,
    Unknown,
    plain,
)
from builder.graph.model import Calc, Ref

_OF_SHAPE: Final = frozenset({"zeros", "ones", "empty", "randn", "rand"})
_OLD: Final = {
    "FloatTensor": "float32",
    "LongTensor": "int64",
    "Tensor": "float32",
    "IntTensor": "int32",
    "BoolTensor": "bool",
    "DoubleTensor": "float64",
}
_ORDER: Final[dict[str, tuple[str, ...]]] = {
    "full": ("size", "fill_value"),
    "randperm": ("n",),
    "linspace": ("start", "end", "steps"),
    "logspace": ("start", "end", "steps", "base"),
    "eye": ("n", "m"),
    "tensor": ("data",),
    "as_tensor": ("data",),
    "from_numpy": ("data",),
    "tril_indices": ("row", "col", "offset"),
    "triu_indices": ("row", "col", "offset"),
    "arange": ("start", "end", "step"),
    "randint": ("low", "high", "size"),
}
NAMES: Final = frozenset({*_OF_SHAPE, *_OLD, *_ORDER})


def made(reader: Reader, path: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """One tensor more."""
    name = path.rpartition(".")[2]
    dtype, device = kwargs.pop("dtype", None), kwargs.pop("device", None)
    learning = plain(kwargs.get("requires_grad", False)) is True
    kwargs = {k: v for k, v in kwargs.items() if k not in _NOTHING}
    bad = next((a for a in (*args, *kwargs.values()) if isinstance(a, Unknown)), None)
    if bad is not None:
        if reader.state.get("forward"):
            raise reader.refuse_unknown(bad)
        return bad
    if args and isinstance(args[0], Array) and name not in _OLD:
        dtype = dtype if isinstance(dtype, Dtype) else Dtype(args[0].dtype)
    if name in _OLD:
        dtype = Dtype(_OLD[name])
        literal = bool(args) and isinstance(args[0], list | tuple | Array)
        literal = literal and args[0].__class__ is not Shape  # FloatTensor(x.size()) is that large
        name = "tensor" if literal else "empty"
    given = _given(reader, name, args, kwargs)
    if isinstance(given, Tensor):  # torch.as_tensor(x)
        if name == "tensor":
            from builder.code.reading.gradients import copied

            given = copied(reader, given)
        if isinstance(dtype, Dtype) and dtype.name != given.spec.dtype:
            return operation(reader, "torch.Tensor.to", {"input": given, "dtype": dtype})
        return given
    if isinstance(dtype, Known):
        raise reader.refuse(
            f"A tensor of {dtype.path[:40]} cannot be kept here", "Use torch.float32."
        )
    if isinstance(dtype, Dtype):
        given["dtype"] = dtype
    if isinstance(device, Device):
        given["device"] = device.of
    elif reader.state.get("forward") and (inside := _nearby(reader)) is not None:
        given["device"] = inside
    found = operation(
        reader, f"torch.{'tensor' if name in ('as_tensor', 'from_numpy') else name}", given
    )
    if isinstance(found, Tensor):
        found.learns = learning
    return found


_NOTHING: Final = frozenset(
    {"requires_grad", "layout", "pin_memory", "out", "generator", "memory_format", "names"}
)


def _nearby(reader: Reader) -> Tensor | None:
    """A tensor that came in: on its device others are made, so that a network runs on any."""
    for entering in reader.trace.frame.inputs:
        return Tensor(entering.spec, Ref(entering.id))
    return None


def _given(reader: Reader, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if name in _OF_SHAPE:
        return {"size": _sizes(reader, args or [kwargs.get("size", ())])}
    order = _ORDER[name]
    if name == "arange" and len(args) == 1:
        args = [0, *args]
    if name == "randint" and len(args) < 3 and "low" not in kwargs:
        args = [0, *args]
    given = dict(zip(order, args, strict=False))
    given.update({k: v for k, v in kwargs.items() if k in order})
    if name == "arange":
        given.setdefault("start", 0)
    if "size" in given:
        given["size"] = _sizes(reader, [given["size"]])
    if "data" in given:
        if isinstance(given["data"], Tensor):
            return given["data"]
        given["data"] = _literal(reader, given["data"])
    return given


def _sizes(reader: Reader, given: list[Any]) -> tuple[Any, ...]:
    if len(given) == 1 and isinstance(given[0], tuple | list | Lazy):
        given = items_of(reader, given[0])
    for size in given:
        if isinstance(plain(size), bool) or not isinstance(plain(size), int):
            raise reader.refuse("The size of a tensor is a whole number", kind="raised")
    return tuple(given)


def _literal(reader: Reader, value: Any) -> Any:
    if isinstance(value, Array):
        reader.budget.items(value.data.size)
        value = value.items if value.data.ndim else value.data.item()
    if isinstance(value, list | tuple):
        reader.budget.items(len(value))
        return tuple(_literal(reader, part) for part in value)
    if isinstance(value, Tensor):
        raise reader.refuse(
            "A tensor made of tensors is a copy without gradient", "Use torch.stack."
        )
    if not isinstance(plain(value), bool | int | float):
        raise reader.refuse("A tensor is made of numbers", kind="raised")
    return value


__all__ = ["NAMES", "Calc", "Sym", "made"]
