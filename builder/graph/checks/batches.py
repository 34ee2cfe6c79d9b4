"""What a call does with the rows of a batch: how many it needs, and whether it mixes them.

Shapes are worked out with one large batch, where an eighth row is always there and 16 of N are 16.
So a call that names the batch's dimension is tried with small batches too, and one that keeps the
batch is run with a few numbers: does a row of its result change with another row? Both are remembered.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from builder import catalogue
from builder.catalogue.entry import Entry
from builder.graph import meta
from builder.graph.call import Call, show
from builder.graph.checks.reshaping import dim_parameters, sizes_dim
from builder.graph.diagnostics import Finding
from builder.graph.layout import Strided
from builder.graph.model import BATCH, Slice, TensorSpec, Value
from builder.graph.remember import Remembered
from builder.graph.symbols import (
    Evaluated,
    dim_at,
    dim_from_probe,
    frozen,
    is_part_of_batch,
    probe_from_dim,
)

_LARGEST_BATCH = 2**20  # tried; what no such batch suits says nothing about small ones
_ROWS = 5  # of the batch that is really computed with
_MOST_NUMBERS = 500_000  # computed with; larger pictures are tried with small sides
_SMALL_SIDE = 4
_VIEWS = ("torch.Tensor.view", "torch.reshape")
_least: Remembered[int] = Remembered(4096)
_mixing: Remembered[int] = Remembered(4096)


def check_least_batch(call: Call) -> Finding | None:
    """topk(k=8, dim=0): the last batch of an epoch, or a single sample, has fewer rows."""
    spec, parameter = _batched(call), _along_batch(call)
    if spec is None or not parameter or call.entry.kind != "operation":
        return None
    arguments = {**call.inputs, **call.literals}
    key = (call.entry.key, tuple((name, frozen(value)) for name, value in arguments.items()))
    least = _least.get(key)
    if least is None:
        least = _least.put(key, _least_batch(call.entry, arguments))
    # Two halves of a batch are common, and a batch of one has none.
    if least <= (2 if call.entry.key == "torch.chunk" else 1):
        return None
    uneven = ", as does one that it does not divide" if call.entry.key == "torch.chunk" else ""
    return call.finding(
        "least_batch",
        f"works only for N ≥ {least} on {show(spec)}{call.from_()}: a smaller batch, such as the last "
        f"one or a single sample, fails or gives less{uneven}. {_way(call, spec, parameter)}",
        parameter=parameter,
        severity="warning",
    )


def check_mixing(call: Call) -> Finding | None:
    """flip(dims=(0,)): what a sample gives would depend on the others in its batch."""
    spec, parameter = _batched(call), _along_batch(call)
    is_view = call.entry.key in _VIEWS
    if spec is None or not (parameter or is_view) or spec.shape.count(BATCH) != 1:
        return None
    given = (call.arguments, call.inputs, call.literals)
    key = (call.entry.key, *(tuple((n, frozen(v)) for n, v in part.items()) for part in given))
    mixes = _mixing.get(key)
    if mixes is None:
        mixes = _mixing.put(key, int(_mixes(call)))
    if not mixes:
        return None
    if is_view:
        text = (
            f"puts the numbers of {show(spec)}{call.out_of()} into other rows, so that it mixes the "
            "rows of a batch. Keep the batch where it is, or use permute to move it."
        )
        return call.finding("rows_mixed", text, parameter="shape", severity="warning")
    text = (
        f"works along the batch of {show(spec)}{call.out_of()} ({parameter}="
        f"{show(call.argument(parameter))}): it mixes the rows of a batch, so what one sample gives "
        f"depends on the others. {_way(call, spec, parameter)}"
    )
    return call.finding("rows_mixed", text, parameter=parameter, severity="warning")


def _batched(call: Call) -> TensorSpec | None:
    """The first tensor, where it has a batch."""
    spec = call.tensor() or next(iter(call.tensors()), None)
    batched = spec is not None and any(isinstance(size, str) for size in spec.shape)
    return spec if batched else None


def _along_batch(call: Call) -> str:
    """The argument that names the batch's dimension, or picks from it; "" where none does."""
    spec = _batched(call)
    if spec is None:
        return ""
    if call.entry.key == "operator.getitem":
        index = call.argument("index")
        first = index[0] if isinstance(index, tuple) and index else index
        kept = first is ... or first == Slice()
        return "" if kept and isinstance(spec.shape[0], str) else "index"
    rank = len(spec.shape)
    for name in dim_parameters(call.entry):
        value = call.argument(name)
        for dim in value if isinstance(value, tuple) else (value,):
            if dim is None:
                return name
            is_dim = isinstance(dim, int) and not isinstance(dim, bool) and -rank <= dim < rank
            if is_dim and isinstance(spec.shape[dim], str):  # type: ignore[index]
                return name
    return ""


def _way(call: Call, spec: TensorSpec, parameter: str) -> str:
    fitting: Evaluated = sizes_dim(spec)
    if parameter == "index":
        return "Keep the batch with a slice in front, as in x[:, 0]."
    if len(spec.shape) < 2 or call.entry.key == "torch.diagonal":
        return "Choose another dimension, or take it out."
    if isinstance(call.argument(parameter), tuple):
        fitting = (fitting,)
    return f"Set {parameter} to {show(fitting)}."


# Small batches ------------------------------------------------------------------------------------


def _least_batch(entry: Entry, arguments: Mapping[str, Evaluated]) -> int:
    """The smallest batch that gives what the large one does; 1 where nothing can be said."""
    try:
        large = meta.run(entry, None, arguments).result
    except Exception:  # torch's refusal is said elsewhere
        return 1

    def works(batch: int) -> bool:
        try:
            return _agrees(large, meta.run(entry, None, _all_at(arguments, batch)).result, batch)
        except Exception:  # torch has no common class for a refusal
            return False

    batch = 1
    while not works(batch):
        batch *= 2
        if batch > _LARGEST_BATCH:
            return 1
    low = batch // 2
    while batch - low > 1:
        middle = (low + batch) // 2
        low, batch = (low, middle) if works(middle) else (middle, batch)
    return batch


def _agrees(large: Value, small: Value, batch: int) -> bool:
    if isinstance(large, tuple) or isinstance(small, tuple):
        return (
            isinstance(large, tuple)
            and isinstance(small, tuple)
            and len(large) == len(small)
            and all(_agrees(a, b, batch) for a, b in zip(large, small, strict=True))
        )
    return len(large.shape) == len(small.shape) and all(
        # Which way a part was rounded is only known for the large batch.
        is_part_of_batch(a) or dim_at(a, batch) == b
        for a, b in zip(large.shape, small.shape, strict=True)
    )


def _all_at(arguments: Mapping[str, Evaluated], batch: int) -> dict[str, Evaluated]:
    return {name: _at(value, batch) for name, value in arguments.items()}


def _at(value: Evaluated, batch: int) -> Evaluated:
    """A value with a batch of that many samples in the place of N."""
    if isinstance(value, tuple):
        return tuple(_at(part, batch) for part in value)
    if isinstance(value, TensorSpec):
        shape = tuple(dim_at(size, batch) for size in value.shape)
        if isinstance(value, Strided):
            strides = tuple(dim_at(dim_from_probe(step), batch) for step in value.strides)
            return Strided(shape, value.dtype, strides)
        return TensorSpec(shape, value.dtype)
    if isinstance(value, Slice):
        parts = (_at(part, batch) for part in (value.start, value.stop, value.step))  # type: ignore[arg-type]
        return Slice(*parts)  # type: ignore[arg-type]
    if isinstance(value, int) and not isinstance(value, bool):
        size = dim_at(dim_from_probe(abs(value)), batch)
        return -size if value < 0 else size
    return value


# Mixed rows ---------------------------------------------------------------------------------------


def _mixes(call: Call) -> bool:
    """Whether a row of the result changes when another row of the first input does."""
    entry, spec = call.entry, _batched(call)
    assert spec is not None
    try:
        module = meta.build(entry, call.arguments) if entry.kind == "layer" else None
        result = meta.run(entry, module, {**call.inputs, **call.literals}).result
        axes = [_batch_axis(part) for part in (result if isinstance(result, tuple) else (result,))]
        if all(axis is None for axis in axes):
            return False
        given = _all_at({**call.inputs, **call.literals}, _ROWS)
        return _rows_depend(call, given, spec.shape.index(BATCH), axes)
    except Exception:  # torch's refusal is said elsewhere, and may only be due to the small sides
        return False


def _batch_axis(value: Value) -> int | None:
    """Where a result has the batch; None where it has none, several, or something made of it."""
    if not isinstance(value, TensorSpec):
        return None
    sizes = [size for size in value.shape if isinstance(size, str)]
    return value.shape.index(BATCH) if sizes == [BATCH] else None


def _rows_depend(
    call: Call, given: Mapping[str, Evaluated], axis: int, axes: list[int | None]
) -> bool:
    values = {name: _made(value) for name, value in given.items()}
    if sum(v.numel() for v in values.values() if isinstance(v, torch.Tensor)) > _MOST_NUMBERS:
        values = {
            name: _cut(value) if isinstance(value, torch.Tensor) else value
            for name, value in values.items()
        }
    first = values[call.first]
    changed = first.clone()
    row = changed.select(axis, 0)
    is_real = first.is_floating_point() or first.is_complex()
    row.copy_(row + 10 if is_real else 1 - row.long())
    before, after = (_computed(call, {**values, call.first: v}) for v in (first, changed))
    return any(
        at is not None and not torch.equal(a.narrow(at, 1, _ROWS - 1), b.narrow(at, 1, _ROWS - 1))
        for at, a, b in zip(axes, before, after, strict=False)
    )


def _computed(call: Call, values: Mapping[str, Any]) -> tuple[torch.Tensor, ...]:
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)  # both runs draw the same numbers
        target: Any = catalogue.target_of(call.entry)
        if call.entry.kind == "layer":
            target = catalogue.build_layer(call.entry, call.arguments)
        positional, keywords = catalogue.call_arguments(call.entry, values, training=True)
        result = target(*positional, **keywords)
    return tuple(result) if isinstance(result, tuple | list) else (result,)


def _made(value: Evaluated) -> Any:
    """Numbers in place of a spec: what torch computes with."""
    if isinstance(value, tuple):
        return tuple(_made(part) for part in value)
    if not isinstance(value, TensorSpec):
        return meta.to_torch(value)
    shape, dtype = [probe_from_dim(size) for size in value.shape], getattr(torch, value.dtype)
    generator = torch.Generator().manual_seed(0)
    if dtype.is_floating_point:
        return torch.rand(shape, generator=generator).to(dtype)
    return torch.randint(2, shape, generator=generator).to(dtype)


def _cut(tensor: torch.Tensor) -> torch.Tensor:
    """The same with short sides, the batch as it is."""
    for axis, size in enumerate(tensor.shape):
        if size > _ROWS:
            tensor = tensor.narrow(axis, 0, _SMALL_SIDE)
    return tensor.contiguous()


__all__ = ["check_least_batch", "check_mixing"]
