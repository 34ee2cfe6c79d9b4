"""One valid use of every entry: constructor arguments, inputs and call arguments.

The family test runs them on the meta device and on the CPU, the code writer's tests write and run
them. A new layer needs nothing here as long as an input of its family's shape suits it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from builder.catalogue.calls import defaults_for
from builder.catalogue.entry import Entry, Family
from builder.catalogue.feed import Feed

if TYPE_CHECKING:
    import torch

_BATCH, _CHANNELS, _LENGTH, _FEATURES = 2, 4, 8, 8
_SEQUENCE: Final = Feed((_BATCH, 5, _FEATURES))
_INDICES: Final = Feed((_BATCH, 5), "int64", below=10)
_DEFAULT: Final = Feed((2, 3, 4))

_SEQUENCE_FAMILIES: Final[frozenset[Family]] = frozenset({"recurrent", "transformer"})

_FEEDS: Final[Mapping[str, Mapping[str, Feed]]] = MappingProxyType(
    {
        "GRUCell": {"input": Feed((_BATCH, _FEATURES))},
        "LSTMCell": {"input": Feed((_BATCH, _FEATURES))},
        "RNNCell": {"input": Feed((_BATCH, _FEATURES))},
        "Embedding": {"input": _INDICES},
        "EmbeddingBag": {"input": _INDICES},
        "Fold": {"input": Feed((_BATCH, _CHANNELS * 9, 36))},
        **{
            f"MaxUnpool{n}d": {"indices": Feed((_BATCH, _CHANNELS, *[_LENGTH] * n), "int64")}
            for n in (1, 2, 3)
        },
    }
)
"""Inputs that differ from what the family or the name says, by layer and port."""

_ARGUMENTS: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType({"Fold": {"output_size": 8}})
"""Constructor arguments that differ from the suggested ones, by layer."""


@dataclass(frozen=True, slots=True)
class Example:
    """`arguments`: the constructor's, inferred ones included. `inputs`: a feed for each port used,
    a tuple of feeds for a port of many. `call`: the literal arguments of the call."""

    arguments: Mapping[str, Any]
    inputs: Mapping[str, Feed | tuple[Feed, ...]]
    call: Mapping[str, Any]


def example(entry: Entry) -> Example:
    """One valid use of an entry: what a newly added one starts with, on inputs that suit it."""
    suggested = defaults_for(entry)
    call = {p.name: suggested[p.name] for p in entry.call_parameters if p.name in suggested}
    if entry.kind == "operation":
        declared = _declared_feeds()[entry.key]
        inputs = {p.name: declared.get(p.name, _DEFAULT) for p in entry.ports if not p.optional}
        return Example({}, inputs, call)
    special = _FEEDS.get(entry.name, {})
    feeds = {p.name: special.get(p.name, _feed(entry)) for p in entry.ports if not p.optional}
    arguments = {
        **{p.name: suggested[p.name] for p in entry.parameters if p.name in suggested},
        **{
            p.name: feeds[p.inferred.port].shape[p.inferred.axis]
            for p in entry.parameters
            if p.inferred is not None
        },
        **_ARGUMENTS.get(entry.name, {}),
    }
    return Example(arguments, feeds, call)


def tensors(inputs: Mapping[str, Feed | tuple[Feed, ...]], device: str) -> dict[str, Any]:
    """The inputs of an example as tensors on a device, drawn with a seed of their own."""
    import torch

    generator = torch.Generator().manual_seed(0)
    return {
        name: tuple(_tensor(f, device, generator) for f in feed)
        if isinstance(feed, tuple)
        else _tensor(feed, device, generator)
        for name, feed in inputs.items()
    }


def _tensor(feed: Feed, device: str, generator: torch.Generator) -> torch.Tensor:
    import torch

    dtype = getattr(torch, feed.dtype)
    if dtype.is_floating_point:
        return torch.rand(feed.shape, generator=generator, dtype=dtype).to(device)
    return torch.randint(feed.below, feed.shape, generator=generator).to(dtype).to(device)


def _feed(entry: Entry) -> Feed:
    """Features last for sequences; channels second, and as many sizes as the name says, else."""
    if entry.family in _SEQUENCE_FAMILIES:
        return _SEQUENCE
    named = re.search(r"([123])d$", entry.name)
    sizes = int(named[1]) if named else 2 if entry.family == "vision" else 1
    return Feed((_BATCH, _CHANNELS, *[_LENGTH] * sizes))


@cache
def _declared_feeds() -> Mapping[str, Mapping[str, Feed | tuple[Feed, ...]]]:
    from builder.catalogue.operations import OPERATIONS

    return {operation.entry.key: operation.feeds for operation in OPERATIONS}
