"""How an entry is built and called: the torch object behind it, its arguments, its parts."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from builder.catalogue.entry import REQUIRED, Entry, Part
from builder.catalogue.literals import to_torch
from builder.catalogue.making import DEVICE, LEADING
from builder.catalogue.packing import PACKING, packs

if TYPE_CHECKING:
    from torch import nn

_MOST_PARTS = 64  # named parts; a chunk into more is read by path all the same
_PAIR_WITH_DIM = frozenset({"torch.max", "torch.min", "torch.median"})


def target_of(entry: Entry) -> Callable[..., Any]:
    """The class of a layer, or the function of an operation, as torch (or operator) has it."""
    return _target(entry.key)


@cache
def _target(key: str) -> Callable[..., Any]:
    found: Callable[..., Any]
    if key == "operator.setitem":
        found = _written_into
    elif key.startswith("operator."):
        found = getattr(operator, key.removeprefix("operator."))
    else:
        import torch

        found = attrgetter(key.removeprefix("torch."))(torch)
    return found


def _written_into(tensor: Any, index: Any, value: Any) -> Any:
    tensor[index] = value
    return tensor


def defaults_for(entry: Entry) -> dict[str, Any]:
    """What a newly added layer or operation starts with: name → suggested value, none inferred."""
    return {
        p.name: p.suggested
        for p in (*entry.parameters, *entry.call_parameters)
        if p.suggested is not None
    }


def build_layer(entry: Entry, arguments: Mapping[str, Any]) -> nn.Module:
    """The layer of torch with these constructor arguments (inferred ones included).

    Errors: what torch raises, TypeError for a missing argument too.
    """
    own, inner = split_inner(entry, to_torch(entry, arguments))
    if entry.inner is not None:
        own = {entry.inner.argument: _target(entry.inner.key)(**inner), **own}
        if own.pop("norm", False):
            own["norm"] = _target("torch.nn.LayerNorm")(inner["d_model"])
    module: nn.Module = _target(entry.key)(**own)
    return module


def split_inner(
    entry: Entry, arguments: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """(the entry's own constructor arguments, those of the layer it is built from)."""
    names = entry.inner.parameters if entry.inner is not None else ()
    own = {name: value for name, value in arguments.items() if name not in names}
    return own, {name: value for name, value in arguments.items() if name in names}


def call_arguments(
    entry: Entry, arguments: Mapping[str, Any], training: bool = False
) -> tuple[list[Any], dict[str, Any]]:
    """(positional, keyword) arguments for `target_of(entry)`, or for a layer's forward.

    Required ports and parameters go by position in `entry.order`, the others by keyword. A None that
    only repeats a default is left out: some of torch's functions know no `dim=None`. What torch takes
    around a call (`builder.catalogue.packing`) is left out too.
    """
    ready = to_torch(entry, arguments, training)
    positional: list[Any] = []
    keywords: dict[str, Any] = {}
    around = PACKING if packs(entry) else ()
    for name in entry.order:
        if name not in ready or name in around:
            continue
        port = entry.port(name)
        if name == DEVICE and port is not None:
            continue  # everything here is made on one device
        if is_optional(entry, name) and (entry.key, name) not in LEADING:
            if ready[name] is not None:
                keywords[name] = ready[name]
        elif port is not None and port.spread:
            positional.extend(ready[name])
        else:
            positional.append(ready[name])
    if entry.training:
        keywords[entry.training] = ready[entry.training]
    return positional, keywords


def is_optional(entry: Entry, name: str) -> bool:
    """Whether a call may leave a port or call parameter out; such a one is written by keyword."""
    port = entry.port(name)
    if port is not None:
        return port.optional
    return any(p.name == name and p.default is not REQUIRED for p in entry.call_parameters)


def parts_of(entry: Entry, arguments: Mapping[str, Any]) -> tuple[Part, ...]:
    """The named parts of a result, where constructor and call arguments decide; () for one tensor.

    `torch.max` gives a pair only along a dimension, MaxPool2d only with return_indices, chunk as
    many parts as asked for (torch may give fewer). How many parts split and unbind give depends on
    the shapes: as many as are known are named.
    """
    if entry.key in _PAIR_WITH_DIM and arguments.get("dim") is None:
        return ()
    if arguments.get("return_indices") is True:
        return (Part("output", (0,)), Part("indices", (1,)))
    if arguments.get("need_weights") is False:
        return entry.parts[:1]
    count = _count_of_parts(entry, arguments)
    if count is None:
        return entry.parts
    return tuple(Part(f"part {i}", (i,)) for i in range(count))


def _count_of_parts(entry: Entry, arguments: Mapping[str, Any]) -> int | None:
    chunks = arguments.get("chunks")
    if entry.key == "torch.chunk" and isinstance(chunks, int):
        return min(chunks, _MOST_PARTS)
    sizes, tensors = arguments.get("split_size"), arguments.get("tensors")
    if entry.key == "torch.split" and isinstance(sizes, tuple | list):
        return len(sizes)
    if entry.key == "torch.meshgrid" and isinstance(tensors, tuple | list):
        return len(tensors)
    return None
