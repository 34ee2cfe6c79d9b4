"""What dtypes and how many dimensions a call takes, found by trying its example with others.

One rule for the whole catalogue: a call with unusual dtypes is tried on the CPU with the tiny tensors
of its example (the meta device does not notice most dtypes), one that torch has refused is tried on
the meta device in other dimensions. Each trial is remembered, so that no list of layers is kept here.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import torch

from builder import catalogue
from builder.catalogue.entry import Entry
from builder.graph import meta
from builder.graph.call import Call, show
from builder.graph.diagnostics import Finding
from builder.graph.model import BATCH, TensorSpec
from builder.graph.symbols import Evaluated

Dtypes = tuple[tuple[str, tuple[str, ...]], ...]
"""For each port: the dtypes of its tensors."""
Ranks = tuple[tuple[str, tuple[int, ...]], ...]
"""For each port: the dimensions of its tensors."""

_CONVERSIONS = {"float": "float32", "long": "int64", "bool": "bool"}
_WORDS = {"float": "real numbers", "long": "whole numbers", "bool": "True and False"}
_HALF = ("float16", "bfloat16")  # the CPU knows less of them than a GPU does
_MOST_DIMENSIONS = 6


def check_by_trial(call: Call) -> Finding | None:
    """Dtypes that torch refuses on the CPU, with the conversion that it does not refuse."""
    dtypes = tuple(
        (port.name, tuple(spec.dtype for spec in call.tensors(port.name)))
        for port in call.entry.ports
        if call.tensors(port.name) and not port.optional
    )
    if all(dtype == "float32" for _, given in dtypes for dtype in given):
        usual = _usual_dtypes(call.entry.key)
        if all(usual.get(port, "float32") == "float32" for port, _ in dtypes):
            return None
    chosen = _chosen(call)
    way = _way_out(call.entry.key, dtypes, chosen)
    if way is None:
        return None
    port, conversion = way
    dtype = next(d for d in dict(dtypes)[port] if d != _CONVERSIONS[conversion])
    at = f" at “{port}”" if len(call.entry.ports) > 1 else ""
    if conversion == "float" and getattr(torch, dtype).is_floating_point:
        text = (
            f"needs one dtype, float32, but receives {dtype}{at}{call.from_(port)}. Turn it into "
            "float32 with .float()."
        )
    else:
        keeps = ", which keeps the real part" if dtype.startswith("complex") else ""
        text = (
            f"works on {_WORDS[conversion]}{at} but receives {_described(dtype)}{call.from_(port)}. "
            f"Turn them into {_WORDS[conversion]} with .{conversion}(){keeps}."
        )
    return call.finding(f"needs_{conversion}", text, port=port)


def _described(dtype: str) -> str:
    if dtype == "bool":
        return "True and False"
    kind = getattr(torch, dtype)
    what = "complex numbers" if kind.is_complex else "whole numbers"
    return f"{'real numbers' if kind.is_floating_point else what} ({dtype})"


@lru_cache(maxsize=1024)
def _usual_dtypes(key: str) -> Mapping[str, str]:
    feeds = catalogue.example(catalogue.get(key)).inputs
    return {n: (f[0] if isinstance(f, tuple) else f).dtype for n, f in feeds.items()}


def _chosen(call: Call) -> tuple[tuple[str, Any], ...]:
    """The arguments that decide about dtypes: numbers, dtypes, and what is switched on."""
    parameters = (*call.entry.parameters, *call.entry.call_parameters)
    given = {**call.arguments, **call.literals}
    return tuple(
        (p.name, given[p.name])
        for p in parameters
        if p.type in ("float", "dtype", "bool") and p.name in given
    )


@lru_cache(maxsize=4096)
def _way_out(
    key: str, dtypes: Dtypes, chosen: tuple[tuple[str, Any], ...]
) -> tuple[str, str] | None:
    """The port and the conversion that make a refused call run; None where it runs, or nothing does."""
    entry = catalogue.get(key)
    usual = _usual_dtypes(key)
    if _runs(entry, dtypes, chosen) or not set(usual) <= {port for port, _ in dtypes}:
        return None
    if not _runs(entry, tuple((port, (dtype,)) for port, dtype in usual.items()), chosen):
        return None
    odd = [port for port, given in dtypes if any(d != usual.get(port, "float32") for d in given)]
    for conversion, dtype in _CONVERSIONS.items():
        for ports in (*((port,) for port in odd), tuple(odd)):
            if _runs(entry, tuple((p, (dtype,) if p in ports else d) for p, d in dtypes), chosen):
                return ports[0], conversion
    return None


def _runs(entry: Entry, dtypes: Dtypes, chosen: tuple[tuple[str, Any], ...]) -> bool:
    """Whether the CPU runs the entry's example with these dtypes (the last one for further tensors).

    What it cannot do in half precision a GPU often can: float64 stands for it then, which mixes with
    float32 no better. Only normalizations take half precision beside their float32 weights.
    """
    if _runs_as_given(entry, dtypes, chosen):
        return True
    if not any(d in _HALF for _, given in dtypes for d in given):
        return False
    whole = tuple((p, tuple("float64" if d in _HALF else d for d in ds)) for p, ds in dtypes)
    return entry.family == "normalization" or _runs_as_given(entry, whole, chosen)


def _runs_as_given(entry: Entry, dtypes: Dtypes, chosen: tuple[tuple[str, Any], ...]) -> bool:
    used, wanted = catalogue.example(entry), dict(dtypes)
    values: dict[str, Any] = {}
    for port, feed in used.inputs.items():
        given = wanted.get(port, ("float32",))
        feeds = feed if isinstance(feed, tuple) else (feed,)
        made = [
            torch.ones(f.shape, dtype=getattr(torch, given[min(i, len(given) - 1)]))
            for i, f in enumerate(feeds)
        ]
        values[port] = tuple(made) if isinstance(feed, tuple) else made[0]
    return _is_called(entry, {**used.arguments}, {**values, **used.call}, dict(chosen), "cpu")


def _is_called(
    entry: Entry,
    arguments: dict[str, Evaluated],
    call: dict[str, Any],
    chosen: Mapping[str, Any],
    device: str,
) -> bool:
    made = {p.name for p in entry.parameters}
    arguments |= {n: v for n, v in chosen.items() if n in made}
    call |= {n: v for n, v in chosen.items() if n not in made}
    # Random layers draw numbers: nobody else's sequence may move.
    with torch.random.fork_rng(devices=[]), torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with torch.device(device):
                target: Any = catalogue.target_of(entry)
                if entry.kind == "layer":
                    target = catalogue.build_layer(entry, arguments)
                positional, keywords = catalogue.call_arguments(entry, call, training=True)
                target(*positional, **keywords)
        except Exception:  # torch has no common class for a refusal
            return False
    return True


# Dimensions ---------------------------------------------------------------------------------------


def explain_rank(call: Call) -> Finding | None:
    """For a refused call: the port with too many or too few dimensions, and how many it takes."""
    given: Ranks = tuple(
        (port.name, tuple(len(spec.shape) for spec in call.tensors(port.name)))
        for port in call.entry.ports
        if call.tensors(port.name) and not port.optional
    )
    words = tuple(
        (p.name, call.literals[p.name])
        for p in call.entry.call_parameters
        if p.type in ("str", "choice") and p.name in call.literals
    )
    found = _ranks_taken(call.entry.key, given, words)
    if found is None:
        return None
    port, ranks = found
    spec = next(s for s in call.tensors(port) if len(s.shape) not in ranks)
    feed = catalogue.example(call.entry).inputs[port]
    shape = (feed[0] if isinstance(feed, tuple) else feed).shape
    example = TensorSpec((BATCH, *shape[1:])) if len(shape) > 1 else TensorSpec(shape)
    at = f" at “{port}”" if len(call.entry.ports) > 1 else ""
    has = f"{len(spec.shape)} dimension{'s' * (len(spec.shape) != 1)}"
    text = (
        f"needs {_counted(ranks)}{at}, such as {show(example)}, but receives {show(spec)}"
        f"{call.from_(port)}, which has {has}."
    )
    return call.finding("rank", text, port=port)


def _counted(ranks: tuple[int, ...]) -> str:
    if len(ranks) > 1 and ranks[-1] == _MOST_DIMENSIONS and len(ranks) == ranks[-1] - ranks[0] + 1:
        return f"at least {ranks[0]} dimension{'s' * (ranks[0] != 1)}"
    said = " or ".join(str(rank) for rank in ranks)
    return f"{said} dimension{'s' * (ranks != (1,))}"


@lru_cache(maxsize=1024)
def _ranks_taken(
    key: str, given: Ranks, words: tuple[tuple[str, Any], ...]
) -> tuple[str, tuple[int, ...]] | None:
    """The port at fault and the dimensions it takes; None where the dimensions are not the fault."""
    entry = catalogue.get(key)
    feeds = catalogue.example(entry).inputs
    if set(feeds) - {port for port, _ in given} or _fits(entry, given, words):
        return None
    usual = tuple(
        (p, (len(f[0].shape if isinstance(f, tuple) else f.shape),)) for p, f in feeds.items()
    )
    for port, had in given:
        for others in (given, usual):
            ranks = tuple(
                rank
                for rank in range(_MOST_DIMENSIONS + 1)
                if _fits(entry, tuple((p, (rank,) if p == port else r) for p, r in others), words)
            )
            if ranks and not set(had) <= set(ranks):
                return port, ranks
    return None


def _fits(entry: Entry, ranks: Ranks, words: tuple[tuple[str, Any], ...]) -> bool:
    """Whether some tensors of these dimensions are taken, made from the example's sizes."""
    used, wanted = catalogue.example(entry), dict(ranks)
    options: list[list[Any]] = []
    for port, feed in used.inputs.items():
        if isinstance(feed, tuple):
            rank = wanted[port]
            made = [
                [_tensor(shape, f.dtype) for shape in _shapes(f.shape, rank[min(i, len(rank) - 1)])]
                for i, f in enumerate(feed)
            ]
            options.append([tuple(one) for one in zip(*made, strict=False)])
        else:
            options.append([_tensor(s, feed.dtype) for s in _shapes(feed.shape, wanted[port][0])])
    return any(
        _is_called(
            entry,
            {**used.arguments},
            {**dict(zip(used.inputs, tensors, strict=True)), **used.call},
            dict(words),
            "meta",
        )
        for tensors in itertools.product(*options)
    )


def _tensor(shape: tuple[int, ...], dtype: str) -> torch.Tensor:
    return torch.empty(shape, dtype=getattr(torch, dtype), device=meta.META)


def _shapes(sizes: tuple[int, ...], rank: int) -> Iterator[tuple[int, ...]]:
    """Sizes of as many dimensions: some dropped or added at the back, or behind the batch."""
    more = rank - len(sizes)
    if more <= 0:
        yield sizes[:rank]
        yield (*sizes[:1], *sizes[1 - more :]) if rank else ()
        yield sizes[-more:]
    else:
        yield (*sizes, *sizes[-1:] * more)
        yield (*sizes[:1], *sizes[:1] * more, *sizes[1:])


__all__ = ["check_by_trial", "explain_rank"]
