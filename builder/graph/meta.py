"""Asks torch: builds one layer on the meta device and runs one call there, without any memory.

Nothing here knows a graph. What torch refuses comes back as the text of its message.
"""

from __future__ import annotations

import re
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from builder import catalogue
from builder.catalogue.entry import Entry
from builder.catalogue.packing import ENFORCE_SORTED, LENGTHS, TOTAL_LENGTH
from builder.graph.layout import Strided
from builder.graph.model import BATCH, Slice, TensorSpec, Value
from builder.graph.remember import Remembered
from builder.graph.symbols import (
    BATCH_PROBE,
    Evaluated,
    dim_from_probe,
    dim_per_sample,
    frozen,
    is_part_of_batch,
    probe_from_dim,
    share_of_batch,
)

META = torch.device("meta")
_RECURRENT = ("torch.nn.RNN", "torch.nn.LSTM", "torch.nn.GRU")
_KEEP_SHAPE = frozenset(
    f"torch.nn.{name}"
    for name in re.split(
        r"\s+",
        "Identity ReLU ReLU6 LeakyReLU RReLU ELU CELU SELU GELU SiLU Mish Sigmoid Tanh Softplus "
        "Softsign Softshrink Hardshrink Tanhshrink LogSigmoid Hardtanh Hardsigmoid Hardswish Threshold "
        "Softmax LogSoftmax Softmin Dropout Dropout1d Dropout2d Dropout3d AlphaDropout BatchNorm1d "
        "BatchNorm2d BatchNorm3d InstanceNorm1d InstanceNorm2d InstanceNorm3d LayerNorm RMSNorm GroupNorm",
    )
)
"""Layers that give what they take, once built and checked. Torch works most of them out in Python on
the meta device (BatchNorm2d: 1 ms, ReLU: 0.2 ms), which is most of the time an edit takes; the tests
hold them to the CPU."""
_PLAIN_RESULT = frozenset(
    f"torch.nn.{name}"
    for name in (
        *("LogSigmoid", "RReLU", "MaxPool1d", "BatchNorm1d", "BatchNorm2d", "BatchNorm3d"),
        *("functional.logsigmoid", "functional.max_pool1d", "functional.one_hot"),
    )
)
"""Where the CPU gives the plain order in memory and the meta device another one."""
_COMPOSITE = ("recurrent", "transformer")
"""Families whose layers are made of others, so that far more than their result is kept for backward."""
_NO_COPIES = (torch.ops.aten._unsafe_view.default,)
_modules: Remembered[torch.nn.Module] = Remembered(1024)
_quiet = threading.RLock()  # `warnings.catch_warnings` changes the whole process


@dataclass(frozen=True, slots=True)
class Ran:
    """What a call gave. `flops`: of one sample, 2 for each multiply-add, None where they are no
    matter of one sample (a product of two N×N). `inside_bytes`: of everything computed on the way in
    a layer made of others, per sample, else 0."""

    result: Value
    flops: int | None = 0
    inside_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Weights:
    """What a layer owns, as counts of numbers."""

    parameters: int = 0
    buffers: int = 0


def build(entry: Entry, arguments: Mapping[str, Any]) -> torch.nn.Module:
    """A layer on the meta device, remembered. Raises whatever torch raises for bad arguments."""
    key = (entry.key, tuple((name, frozen(value)) for name, value in arguments.items()))
    module = _modules.get(key)
    if module is None:
        with torch.no_grad(), quiet_on_meta():
            module = _modules.put(key, catalogue.build_layer(entry, arguments))
    return module


@contextmanager
def quiet_on_meta() -> Iterator[None]:
    """Whatever is made stands on the meta device, and torch's warnings about it are nobody's news."""
    with META, _quiet, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def weights_of(module: torch.nn.Module) -> Weights:
    """Counts of a layer's parameters and buffers."""
    return Weights(
        sum(p.numel() for p in module.parameters()), sum(b.numel() for b in module.buffers())
    )


def tensors_of(entry: Entry, arguments: Mapping[str, Any]) -> dict[str, tuple[TensorSpec, bool]]:
    """The tensors of a layer's `state_dict` by name, each with whether it is a parameter."""
    module = build(entry, arguments)
    own = {name for name, _ in module.named_parameters()}
    return {
        name: (TensorSpec(tuple(value.shape), str(value.dtype).removeprefix("torch.")), name in own)
        for name, value in [*module.named_parameters(), *module.named_buffers()]
    }


def run(entry: Entry, module: torch.nn.Module | None, arguments: Mapping[str, Evaluated]) -> Ran:
    """Calls a layer or an operation on meta tensors.

    Args:    arguments: those of the call by name, tensors as specs, the batch in sizes as the probe.
    Returns: the result's specs, the FLOPs, and what is computed inside.
    Errors:  whatever torch raises.
    """
    only = next(iter(arguments.values())) if len(arguments) == 1 else None
    if entry.key in _KEEP_SHAPE and isinstance(only, TensorSpec) and _is_common(only):
        return Ran(only)
    asked = arguments
    arguments, steps, axis = one_step(entry, module, arguments)
    values = {name: to_torch(value) for name, value in arguments.items()}
    for parameter in entry.call_parameters:
        # Whether a mask is causal is looked up in its numbers, which meta tensors have none of.
        if parameter.name.endswith("is_causal") and values.get(parameter.name) is None:
            values[parameter.name] = False
    with torch.no_grad(), quiet_on_meta(), _Counter() as counter:
        # As while training: that is when a network has to run.
        positional, keywords = catalogue.call_arguments(entry, values, training=True)
        target = catalogue.target_of(entry) if module is None else module
        result = target(*positional, **keywords)
    flops = counter.flops
    if entry.key == "torch.nn.Bilinear" and module is not None:
        # Torch counts none: x₁ᵀ·W·x₂, a multiply-add for each weight at each place.
        flops = 2 * module.weight.numel() * prod(result.shape[:-1])  # type: ignore[operator]
    value = _to_value(result, entry.key in _PLAIN_RESULT)
    if isinstance(value, tuple) and isinstance(first := value[0], TensorSpec):
        if asked.get(LENGTHS) is not None:
            value = (_padded(first, module, asked, steps), *value[1:])
        elif steps != 1:
            value = (_all_steps(first, axis, steps), *value[1:])
    inside = (
        counter.bytes * dim_per_sample(dim_from_probe(steps)) if entry.family in _COMPOSITE else 0
    )
    return Ran(value, _per_sample(flops * steps, asked), inside)


def _is_common(spec: TensorSpec) -> bool:
    """A batch of real numbers in plain order, none of its sizes zero: the rest is asked of torch."""
    batched = bool(spec.shape) and spec.shape[0] == BATCH and 0 not in spec.shape
    return batched and spec.dtype == "float32" and not isinstance(spec, Strided)


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up FLOPs, and the bytes (of one sample) of every result that is not a view.

    torch's FlopCounterMode without its hooks on every module of the process.

    Those hooks are global, so two sessions counting at once would disturb each other; a dispatch
    mode belongs to its thread.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.flops = self.bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        count = flop_registry.get(func._overloadpacket)
        if count is not None:
            self.flops += count(*args, **kwargs, out_val=result)
        if not func.is_view and not func._schema.is_mutable and func not in _NO_COPIES:
            for part in result if isinstance(result, tuple | list) else (result,):
                if isinstance(part, torch.Tensor):
                    self.bytes += _bytes_per_sample(part)
        return result


def _bytes_per_sample(tensor: torch.Tensor) -> int:
    return prod(dim_per_sample(dim_from_probe(s)) for s in tensor.shape) * tensor.itemsize


def one_step(
    entry: Entry, module: torch.nn.Module | None, arguments: Mapping[str, Evaluated]
) -> tuple[Mapping[str, Evaluated], int, int]:
    """One time step in place of the sequence: on meta torch loops over all of them, 3 ms each.

    The cost and the shapes are linear in the length, so they are scaled back afterwards.
    """
    value = arguments.get("input")
    if entry.key not in _RECURRENT:
        return arguments, 1, 0
    if not isinstance(value, TensorSpec) or len(value.shape) not in (2, 3):
        return arguments, 1, 0
    axis = 1 if len(value.shape) == 3 and getattr(module, "batch_first", False) else 0
    steps = probe_from_dim(value.shape[axis])
    if steps < 1:
        return arguments, 1, 0
    return {**arguments, "input": _with_size(value, axis, 1)}, steps, axis


def _all_steps(spec: TensorSpec, axis: int, steps: int) -> TensorSpec:
    whole = _with_size(spec, axis, dim_from_probe(steps))
    if axis == 0:
        return whole
    # Torch works with the sequence in front and transposes its result back.
    batch, features = probe_from_dim(whole.shape[0]), probe_from_dim(whole.shape[2])
    return Strided(whole.shape, whole.dtype, (features, batch * features, 1))


def _padded(
    spec: TensorSpec, module: torch.nn.Module | None, asked: Mapping[str, Evaluated], steps: int
) -> TensorSpec:
    """The output of packed sequences, of which the longest fills the input, if no length is set."""
    total = asked.get(TOTAL_LENGTH)
    size = total if isinstance(total, int) else steps
    axis = 1 if getattr(module, "batch_first", False) else 0
    if size != 1 and asked.get(ENFORCE_SORTED) is not False:
        return _all_steps(spec, axis, size)
    return _with_size(spec, axis, dim_from_probe(size))  # put back into their order: a new tensor


def _with_size(spec: TensorSpec, axis: int, size: int | str) -> TensorSpec:
    return TensorSpec((*spec.shape[:axis], size, *spec.shape[axis + 1 :]), spec.dtype)


def _per_sample(flops: int, arguments: Mapping[str, Evaluated]) -> int | None:
    dims = [dim for value in arguments.values() for dim in _batch_dims(value)]
    if not dims or not flops:
        return flops
    if any(len(found) > 1 or "²" in found[0] for found in dims):
        return None
    part = next((found[0] for found in dims if is_part_of_batch(found[0])), None)
    if part is not None:
        return round(flops * share_of_batch(part) / probe_from_dim(part))
    if flops % BATCH_PROBE:  # a part of the cost is the same for every batch size
        return sum(divmod(flops, BATCH_PROBE))
    flops //= BATCH_PROBE
    # What grows with N² (similarities within the batch) is given for a batch of one too.
    return flops // BATCH_PROBE if flops % BATCH_PROBE == 0 else flops


def _batch_dims(value: Evaluated) -> list[list[str]]:
    """For each tensor with a batch: its sizes that grow with it."""
    if isinstance(value, tuple):
        return [found for part in value for found in _batch_dims(part)]
    if not isinstance(value, TensorSpec):
        return []
    found = [dim for dim in value.shape if isinstance(dim, str)]
    return [found] if found else []


def to_torch(value: Evaluated) -> Any:
    if isinstance(value, TensorSpec):
        return empty(value)
    if isinstance(value, tuple):
        return tuple(to_torch(part) for part in value)
    if isinstance(value, Slice):
        return slice(to_torch(value.start), to_torch(value.stop), to_torch(value.step))  # type: ignore[arg-type]
    return value


def empty(spec: TensorSpec) -> torch.Tensor:
    """A meta tensor of that shape and dtype. Raises ValueError for what is neither."""
    dtype = getattr(torch, spec.dtype, None)
    if not isinstance(dtype, torch.dtype):
        raise ValueError(f"{spec.dtype!r} is not a dtype of torch")
    sizes = [probe_from_dim(d) for d in spec.shape]
    if isinstance(spec, Strided):
        return torch.empty_strided(sizes, spec.strides, dtype=dtype, device=META)
    return torch.empty(sizes, dtype=dtype, device=META)


def _to_value(result: Any, always_plain: bool = False) -> Value:
    if isinstance(result, torch.Tensor):
        shape = tuple(dim_from_probe(size) for size in result.shape)
        dtype = str(result.dtype).removeprefix("torch.")
        if always_plain or result.is_contiguous():
            return TensorSpec(shape, dtype)
        return Strided(shape, dtype, tuple(result.stride()))
    if isinstance(result, tuple | list):
        return tuple(_to_value(part, always_plain) for part in result)
    if result is None:
        return ()  # keeps its place in a path: attention's weights when they are not asked for
    if isinstance(result, bool | int | float):
        return TensorSpec((), {bool: "bool", int: "int64", float: "float32"}[type(result)])
    raise TypeError(f"the result is a {type(result).__name__}, not a tensor")


def forget() -> None:
    """Empties the memory of built layers."""
    _modules.clear()
