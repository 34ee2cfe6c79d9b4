"""What a loop or an unpacking takes one after the other."""

from __future__ import annotations

from typing import Any

from builder.code.reading.arithmetic import depends_on_batch
from builder.code.reading.protocol import NOT_ASKED, asked
from builder.code.reading.reader import Reader
from builder.code.reading.trace import Module, Raw
from builder.code.reading.values import Array, Lazy, Packed, Sym, Tensor, Unknown, UserClass
from builder.graph.model import Size
from builder.graph.symbols import probe_from_dim


def items_of(reader: Reader, value: Any) -> list[Any]:
    """The values of anything that can be gone through."""
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, Array):
        return [Array(row) if row.ndim else row.item() for row in value.data]
    if isinstance(value, Lazy):
        refuse_late(reader, value)
        items, value.items = value.items[value.at :], []
        value.at = 0
        return items
    if isinstance(value, range):
        reader.budget.items(len(value))
        return list(value)
    if isinstance(value, dict):
        return list(value)
    if isinstance(value, set):
        return sorted(value, key=str)
    if isinstance(value, str):
        return list(value)
    if isinstance(value, Unknown):
        raise reader.refuse_unknown(value)
    if (own := asked(reader, value, "__iter__")) is not NOT_ASKED:
        return items_of(reader, own)
    if isinstance(value, Module):
        return list(value.members) if value.kind == "ModuleDict" else _children(reader, value)
    if value.__class__ is Tensor:
        return _rows(reader, value)
    if isinstance(value, UserClass) and value.kind == "enum":
        return list(value.body.values())
    if isinstance(value, Packed):
        from builder.code.reading.packing import refused

        raise refused(reader, "The parts of packed sequences have sizes that depend on the data")
    raise reader.refuse("This cannot be gone through one by one", kind="raised")


def refuse_late(reader: Reader, value: Lazy, after: int = 0) -> None:
    """Errors: CodeRefused where what zip, map or a dict's keys go through was changed before they did."""
    if value.is_late(after):
        raise reader.refuse(
            "What is gone through here was changed after this was made",
            "Make a list of it at once: list(zip(a, b)).",
        )


def _children(reader: Reader, module: Module) -> list[Any]:
    if module.kind in ("Sequential", "ModuleList", "ParameterList"):
        if reader.state.get("forward"):
            from builder.code.reading.weights import weight_of

            return [
                weight_of(reader, m) if isinstance(m, Raw) else m for m in module.members.values()
            ]
        return list(module.members.values())
    raise reader.refuse("A module cannot be gone through one by one", kind="raised")


def _rows(reader: Reader, tensor: Tensor) -> list[Any]:
    """`for row in x`: x[0], x[1], …"""
    from builder.code.reading.torch_calls import operation

    if not tensor.spec.shape:
        raise reader.refuse("A tensor of one number cannot be gone through", kind="raised")
    count = probe_from_dim(tensor.spec.shape[0])
    if depends_on_batch(Sym(count, Size(tensor.ref, 0))):
        raise reader.refuse(
            "This loop goes over the batch, whose size is not known",
            "Give the inputs with every size as a number, such as float32[4, 10].",
        )
    reader.budget.items(count)
    return list(operation(reader, "torch.unbind", {"input": tensor, "dim": 0}))
