"""What a call keeps for its backward pass, writes over, and shares memory with: asked of torch.

One call is run on the meta device with autograd listening. Autograd's own hooks say which tensors it
keeps, the version counters say which ones were written over, and the storages say what is a view of
what, so no list of layers is kept here. Remembered for each target and what decides its behaviour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch

from builder import catalogue
from builder.catalogue.entry import Entry
from builder.catalogue.example import tensors as example_tensors
from builder.graph import meta
from builder.graph.layout import Strided
from builder.graph.model import TensorSpec
from builder.graph.remember import Remembered
from builder.graph.symbols import Evaluated, frozen

Path = tuple[str | int, ...]
"""Where a tensor stands: an input as ("tensors", 1), a part of a result as (1, 0), all of it as ()."""

_WIDTHS = frozenset({"out_features", "out_channels", "hidden_size", "embedding_dim", "kernel_size"})
"""Sizes that change what a layer computes, but not what it keeps."""


@dataclass(frozen=True, slots=True)
class Effects:
    """What a call does besides giving its result.

    `shares`: for each tensor of the result the inputs whose memory it lies in. `keeps_inputs`,
    `keeps_results`: what the backward pass reads again. `writes`: the inputs that are written over.
    `learns`: the tensors of the result that a gradient flows through. `refuses`: whether its own
    backward pass raises because it wrote over its input (LeakyReLU with a negative slope).
    """

    shares: Mapping[Path, tuple[Path, ...]]
    keeps_inputs: frozenset[Path] = frozenset()
    keeps_results: frozenset[Path] = frozenset()
    writes: frozenset[Path] = frozenset()
    learns: frozenset[Path] = frozenset()
    refuses: bool = False


_effects: Remembered[Effects] = Remembered(4096)


def effects_of(
    entry: Entry,
    arguments: Mapping[str, Evaluated],
    call: Mapping[str, Evaluated],
    learning: frozenset[Path],
    *,
    is_frozen: bool = False,
    training: bool = True,
) -> Effects | None:
    """What a layer's or operation's call does to memory; None where torch refuses the call.

    Args: arguments: of the constructor, inferred ones included. call: inputs and literals by name.
          learning: the inputs that a gradient flows through.
    """
    sizes = _sizes_of(entry.key)
    key = (
        entry.key,
        tuple((n, frozen(v)) for n, v in arguments.items() if n not in sizes),
        tuple((n, _signature(v, entry.kind == "layer")) for n, v in call.items()),
        learning,
        is_frozen,
        training,
    )
    found = _effects.get(key)
    if found is None:
        try:
            found = _run(entry, arguments, call, learning, is_frozen, training)
        except Exception:  # whatever torch raises was said when the shapes were worked out
            return None
        _effects.put(key, found)
    return found


@cache
def _sizes_of(key: str) -> frozenset[str]:
    """The arguments that do not decide what is kept. Asked for every call of a network at each edit."""
    inferred = (p.name for p in catalogue.get(key).parameters if p.inferred is not None)
    return _WIDTHS.union(inferred)


def forget() -> None:
    """Empties the memory, for benchmarks and tests."""
    _effects.clear()


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """What stands in a (nested) tuple, each with its path."""
    if isinstance(value, tuple | list):
        for i, part in enumerate(value):
            yield from leaves(part, (*path, i))
    else:
        yield path, value


def _signature(value: Evaluated, is_layer: bool) -> object:
    """Of a layer's tensor only the dimensions count, where its order in memory is the plain one."""
    if isinstance(value, tuple):
        return tuple(_signature(part, is_layer) for part in value)
    if isinstance(value, TensorSpec) and is_layer and not isinstance(value, Strided):
        return ("tensor", len(value.shape), value.dtype)
    return frozen(value)


def _run(
    entry: Entry,
    arguments: Mapping[str, Evaluated],
    call: Mapping[str, Evaluated],
    learning: frozenset[Path],
    is_frozen: bool,
    training: bool,
) -> Effects:
    tensors: dict[Path, torch.Tensor] = {}
    kept: list[torch.Tensor] = []  # held, so that no other storage can get one's address

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept.append(tensor)
        return tensor

    hooks = torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor)
    with meta.quiet_on_meta(), torch.set_grad_enabled(training):
        target: Callable[..., Any] = catalogue.target_of(entry)
        if entry.kind == "layer":
            module = catalogue.build_layer(entry, arguments).requires_grad_(not is_frozen)
            target = module.train(training)
            call, _, _ = meta.one_step(entry, module, call)
        values = {
            name: _made(value, (name,), learning if training else frozenset(), tensors)
            for name, value in call.items()
        }
        before = {path: tensor._version for path, tensor in tensors.items()}
        with hooks:
            positional, keywords = catalogue.call_arguments(entry, values, training=training)
            result = target(*positional, **keywords)
    parts = {p: part for p, part in leaves(result) if isinstance(part, torch.Tensor)}
    memory = {_storage(tensor) for tensor in kept}
    writes = frozenset(p for p, t in tensors.items() if t._version != before[p])
    return Effects(
        shares={
            path: tuple(p for p, tensor in tensors.items() if _storage(tensor) == _storage(part))
            for path, part in parts.items()
        },
        keeps_inputs=frozenset(p for p, t in tensors.items() if _storage(t) in memory),
        keeps_results=frozenset(p for p, t in parts.items() if _storage(t) in memory),
        writes=writes,
        learns=frozenset(p for p, t in parts.items() if t.requires_grad),
        refuses=bool(writes & learning) and training and _refuses(entry, arguments, call),
    )


def _refuses(
    entry: Entry, arguments: Mapping[str, Evaluated], call: Mapping[str, Evaluated]
) -> bool:
    """Whether a call's own backward pass raises, tried with the tiny tensors of its example.

    On the CPU, where the numbers are: the meta device has no backward pass for all of them.
    """
    example = catalogue.example(entry)
    literals = {n: v for n, v in call.items() if entry.port(n) is None}
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        try:
            tensors = example_tensors(example.inputs, "cpu")
            arrived = {n: t.requires_grad_().clone() for n, t in tensors.items()}
            target: Callable[..., Any] = catalogue.target_of(entry)
            if entry.kind == "layer":
                target = catalogue.build_layer(entry, arguments).train()
            values = {**arrived, **literals}
            positional, keywords = catalogue.call_arguments(entry, values, training=True)
            result = target(*positional, **keywords)
        except Exception:  # the example does not suit these arguments: nothing is known
            return False
        try:
            result.sum().backward()
        except RuntimeError:
            return True
        return False


def _made(
    value: Evaluated, path: Path, learning: frozenset[Path], tensors: dict[Path, torch.Tensor]
) -> Any:
    """A value as torch takes it; its tensors are written down under their paths."""
    if isinstance(value, tuple):
        return tuple(_made(part, (*path, i), learning, tensors) for i, part in enumerate(value))
    if not isinstance(value, TensorSpec):
        return meta.to_torch(value)
    made = meta.empty(value)
    if path in learning and (made.is_floating_point() or made.is_complex()):
        # Not a leaf: torch refuses to write over those, and what a layer gives is none.
        made = _Arrived.apply(torch.empty(1, device="meta", requires_grad=True), value)  # type: ignore[no-untyped-call]
    tensors[path] = made
    return made


class _Arrived(torch.autograd.Function):
    """A tensor that some layer has given, in its order in memory."""

    @staticmethod
    def forward(_ctx: Any, _weight: torch.Tensor, spec: TensorSpec) -> torch.Tensor:
        return meta.empty(spec)


def _storage(tensor: torch.Tensor) -> int:
    address: int = tensor.untyped_storage()._cdata
    return address


__all__ = ["Effects", "Path", "effects_of", "forget", "leaves"]
