"""Torch's meta device, asked the way `infer_shapes` asks it, gives what the CPU gives."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from builder import catalogue
from builder.catalogue.example import Example, example, tensors
from builder.catalogue.feed import Feed
from builder.graph import checks, meta
from builder.graph.call import Call
from builder.graph.layout import Strided
from builder.graph.model import TensorSpec, Value
from builder.graph.outcome import judge
from builder.graph.symbols import dim_per_sample, probe_from_dim

# Whether the size 2 of the first dimension may be read as the batch: not where it is a plain size.
_NO_BATCH = {
    "torch.nn.Unflatten",
    "torch.diagonal",
    "torch.meshgrid",
    "torch.outer",
    "torch.index_select",
    "torch.Tensor.expand",
}


def spec_of(feed: Feed, batched: bool) -> TensorSpec:
    shape: tuple[int | str, ...] = feed.shape
    if batched and len(feed.shape) > 1 and feed.shape[0] == 2:
        shape = ("N", *feed.shape[1:])
    return TensorSpec(shape, feed.dtype)


def specs_of(found: Example, batched: bool) -> dict[str, Any]:
    return {
        name: tuple(spec_of(f, batched) for f in feed)
        if isinstance(feed, tuple)
        else spec_of(feed, batched)
        for name, feed in found.inputs.items()
    }


def with_batch_of_two(value: Value) -> Any:
    """The expected shapes on the CPU: N is 2, everything else is a number already."""
    if isinstance(value, tuple):
        return tuple(with_batch_of_two(part) for part in value)
    sizes = tuple(2 * dim_per_sample(s) if isinstance(s, str) else s for s in value.shape)
    return sizes, value.dtype


def shapes_of(result: Any) -> Any:
    if isinstance(result, torch.Tensor):
        return tuple(result.shape), str(result.dtype).removeprefix("torch.")
    if result is None:
        return ()
    if isinstance(result, bool):
        return (), "bool"
    return tuple(shapes_of(part) for part in result)


@pytest.mark.parametrize("key", list(catalogue.entries()))
def test_every_example_has_the_shape_the_cpu_gives(key: str) -> None:
    entry = catalogue.get(key)
    found = example(entry)
    specs = specs_of(found, batched=key not in _NO_BATCH)
    outcome = judge(entry, found.arguments, specs, found.call)
    call = Call(entry, "it", found.arguments, inputs=specs, literals=found.call)
    finding = checks.find(call)
    assert finding is None or finding.severity == "warning", finding
    assert not outcome.refusal, outcome.refusal
    assert outcome.result is not None

    torch.manual_seed(0)
    values = {**tensors(found.inputs, "cpu"), **found.call}
    positional, keywords = catalogue.call_arguments(entry, values, training=True)
    if entry.kind == "layer":
        target: Any = catalogue.build_layer(entry, found.arguments)
        assert outcome.weights.parameters == sum(p.numel() for p in target.parameters())
        assert outcome.weights.buffers == sum(b.numel() for b in target.buffers())
    else:
        target = catalogue.target_of(entry)
    with torch.no_grad():
        result = target(*positional, **keywords)
    assert with_batch_of_two(outcome.result) == shapes_of(result)


def test_the_probe_is_a_prime_that_leaves_room_for_its_square() -> None:
    probe = probe_from_dim("N")
    assert all(probe % divisor for divisor in range(2, 4000))
    assert probe * probe < 2**63


@pytest.mark.filterwarnings("ignore:Implicit dimension choice")
@pytest.mark.parametrize("key", sorted(meta._KEEP_SHAPE))
def test_a_layer_that_is_not_asked_gives_what_it_takes_on_the_cpu_too(key: str) -> None:
    entry = catalogue.get(key)
    port = entry.ports[0].name
    accepted = 0
    for sizes in ((), (6,), (6, 4), (6, 4, 3), (6, 4, 3, 2), (6, 1), (6, 1, 1), (6, 4, 3, 2, 5)):
        spec = TensorSpec(("N", *sizes))
        chosen = {"num_groups": 3} if key.endswith("GroupNorm") else {}
        if key.endswith("Threshold"):
            chosen = {"threshold": 0.1, "value": 0.0}
        outcome = judge(entry, chosen, {port: spec}, {})
        call = Call(entry, "it", outcome.arguments, outcome.inferred, {port: spec})
        finding = checks.find(call)
        if outcome.refusal or (finding is not None and finding.severity == "error"):
            continue
        accepted += 1
        assert outcome.result == spec
        layer = catalogue.build_layer(entry, outcome.arguments)
        assert layer(torch.rand(2, *sizes)).shape == (2, *sizes)
    assert accepted


def turned(value: Any) -> Any:
    """The same numbers with the last two sizes exchanged in memory, as behind a transpose."""
    if isinstance(value, tuple):
        return tuple(turned(part) for part in value)
    if not isinstance(value, torch.Tensor) or value.dim() < 2:
        return value
    return value.transpose(-1, -2).contiguous().transpose(-1, -2)


def in_plain_order(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return tuple(in_plain_order(part) for part in value)
    if isinstance(value, torch.Tensor):
        return value.is_contiguous()
    return not isinstance(value, Strided) if isinstance(value, TensorSpec) else ()


@pytest.mark.parametrize("key", list(catalogue.entries()))
def test_the_order_in_memory_is_that_of_the_cpu(key: str) -> None:
    entry = catalogue.get(key)
    found = example(entry)
    given = {name: turned(value) for name, value in tensors(found.inputs, "cpu").items()}

    def spec(tensor: Any) -> Any:
        if isinstance(tensor, tuple):
            return tuple(spec(part) for part in tensor)
        dtype = str(tensor.dtype).removeprefix("torch.")
        if tensor.is_contiguous():
            return TensorSpec(tuple(tensor.shape), dtype)
        return Strided(tuple(tensor.shape), dtype, tensor.stride())

    outcome = judge(entry, found.arguments, {n: spec(v) for n, v in given.items()}, found.call)
    torch.manual_seed(0)
    positional, keywords = catalogue.call_arguments(entry, {**given, **found.call}, training=True)
    layer = entry.kind == "layer"
    target: Any = (
        catalogue.build_layer(entry, found.arguments) if layer else catalogue.target_of(entry)
    )
    try:
        with torch.no_grad():
            result = target(*positional, **keywords)
    except RuntimeError:
        assert outcome.refusal  # a view
        return
    assert in_plain_order(outcome.result) == in_plain_order(result)
