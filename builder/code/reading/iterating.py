"""What a loop or an unpacking takes one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from builder.code.reading import again
from builder.code.reading.arithmetic import depends_on_batch
from builder.code.reading.protocol import NOT_ASKED, asked
from builder.code.reading.reader import Reader
from builder.code.reading.trace import Module, Raw
from builder.code.reading.twofold import not_on_both
from builder.code.reading.values import (
    Array,
    Differs,
    Generator,
    Lazy,
    Packed,
    Sym,
    Tensor,
    Unknown,
    UserClass,
)
from builder.graph.model import Size
from builder.graph.symbols import probe_from_dim


def items_of(reader: Reader, value: Any) -> list[Any]:
    """The values of anything that can be gone through."""
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, Array):
        return [Array(row) if row.ndim else row.item() for row in value.data]
    if value.__class__ is Generator:
        return list(going_through(reader, value))
    if isinstance(value, Lazy):
        refuse_late(reader, value)
        return list(value.items) if value.view else list(_taken(reader, value))
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
    if isinstance(value, Differs):
        raise not_on_both(reader)
    raise reader.refuse("This cannot be gone through one by one", kind="raised")


def each_of(reader: Reader, value: Any) -> Iterable[Any]:
    """The same one after the other, as a loop asks for them: it may make a list longer."""
    if value.__class__ is Generator:
        return going_through(reader, value)
    if isinstance(value, Lazy) and not value.view:
        refuse_late(reader, value)
        return _taken(reader, value)
    return value if value.__class__ is list else items_of(reader, value)


def _taken(reader: Reader, value: Lazy) -> Iterator[Any]:
    again.written(reader, value)
    while value.items:
        yield value.items.pop(0)


def going_through(reader: Reader, value: Generator) -> Iterator[Any]:
    """What is left of a generator. Errors: CodeRefused where it would be used up on one side only."""
    if reader.trace.side != value.side:
        raise reader.refuse(
            "A generator is gone through on one side of a condition and made outside of it",
            "Make a list of it: [f(x) for x in xs].",
        )
    again.written(reader, value)
    for item in value.rest:  # noqa: UP028 - “yield from” would end it where a loop breaks
        yield item


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
