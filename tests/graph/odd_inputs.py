"""Every member of the catalogue with inputs that it is not made for, as networks of one call."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from builder import catalogue
from builder.catalogue.entry import Entry
from builder.graph.model import Argument, Graph, Node, Owner, Ref, TensorSpec
from builder.graph.shapes import infer_shapes

Specs = Mapping[str, tuple[TensorSpec, ...]]
DTYPES = ("int64", "bool", "complex64", "float64", "float16", "float32", "uint8")
SHAPES: Mapping[str, Callable[[tuple[Any, ...]], tuple[Any, ...]]] = {
    "one size less": lambda shape: shape[:-1],
    "two sizes less": lambda shape: shape[:-2],
    "one size more": lambda shape: (*shape, 3),
    "two sizes more": lambda shape: (*shape, 3, 3),
    "a single number": lambda shape: (),
    "the batch alone": lambda shape: ("N",),
    "no batch": lambda shape: shape[1:],
    "a fixed batch": lambda shape: (2, *shape[1:]),
    "nothing in it": lambda shape: (*shape[:-1], 0),
    "no channels": lambda shape: (shape[0], 0, *shape[2:]),
    "sizes of one": lambda shape: (shape[0], *(1,) * (len(shape) - 1)),
    "the batch second": lambda shape: (*shape[1:2], shape[0], *shape[2:]),
}


@dataclass(frozen=True)
class Odd:
    """One call that may be refused. `how`: which ports are odd, and in what."""

    entry: Entry
    how: str
    specs: Specs
    graph: Graph

    def refusal_of_the_cpu(self) -> str:
        """What torch says when it really runs, with a batch of two; "" where it does run."""
        used = catalogue.example(self.entry)
        arguments = infer_shapes(self.graph).nodes["it"].arguments or used.arguments
        values: dict[str, Any] = dict(used.call)
        for port, specs in self.specs.items():
            made = tuple(_tensor(spec) for spec in specs)
            values[port] = made if isinstance(used.inputs[port], tuple) else made[0]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                target: Any = catalogue.target_of(self.entry)
                if self.entry.kind == "layer":
                    target = catalogue.build_layer(self.entry, arguments)
                positional, keywords = catalogue.call_arguments(self.entry, values, training=True)
                target(*positional, **keywords)
            except Exception as error:
                return f"{type(error).__name__}: {error}"
        return ""


def odd_dtypes(entry: Entry) -> Iterator[Odd]:
    """One port, and all of them, in every other dtype."""
    for dtype in DTYPES:
        yield from _changed(entry, dtype, partial(_in_dtype, dtype=dtype))


def odd_shapes(entry: Entry) -> Iterator[Odd]:
    """One port, and all of them, in other dimensions and sizes."""
    for how, change in SHAPES.items():
        yield from _changed(entry, how, partial(_in_shape, change=change))


def tuples(entry: Entry) -> Iterator[Odd]:
    """An LSTM's whole result at each port in turn."""
    for port, specs in _usual(entry).items():
        graph = _network(entry, _usual(entry), whole_lstm_at=port)
        yield Odd(entry, f"{port}: a tuple", {port: specs}, graph)


def _in_dtype(spec: TensorSpec, dtype: str) -> TensorSpec:
    return TensorSpec(spec.shape, dtype)


def _in_shape(spec: TensorSpec, change: Callable[[tuple[Any, ...]], tuple[Any, ...]]) -> TensorSpec:
    return TensorSpec(change(spec.shape), spec.dtype)


def _changed(entry: Entry, how: str, change: Callable[[TensorSpec], TensorSpec]) -> Iterator[Odd]:
    usual = _usual(entry)
    wholes = [tuple(usual)] if len(usual) > 1 else []
    for ports in [*((port,) for port in usual), *wholes]:
        specs = {
            port: tuple(change(s) for s in given) if port in ports else given
            for port, given in usual.items()
        }
        yield Odd(entry, f"{' and '.join(ports)}: {how}", specs, _network(entry, specs))


def _usual(entry: Entry) -> dict[str, tuple[TensorSpec, ...]]:
    feeds = catalogue.example(entry).inputs
    return {
        port: tuple(
            TensorSpec(("N", *f.shape[1:]), f.dtype)
            for f in (feed if isinstance(feed, tuple) else (feed,))
        )
        for port, feed in feeds.items()
    }


def _network(entry: Entry, specs: Specs, whole_lstm_at: str = "") -> Graph:
    used = catalogue.example(entry)
    nodes: dict[str, Node] = {}
    owners: dict[str, Owner] = {}
    arguments: dict[str, Argument] = {}
    for port, given in specs.items():
        refs = []
        for i, spec in enumerate(given):
            nodes[f"{port}{i}"] = Node(f"{port}{i}", "input", f"{port}{i}", spec=spec)
            refs.append(Ref(f"{port}{i}"))
        arguments[port] = tuple(refs) if isinstance(used.inputs[port], tuple) else refs[0]
    if whole_lstm_at:
        nodes["s"] = Node("s", "input", "s", spec=TensorSpec(("N", 5, 8)))
        settings = {"hidden_size": 8, "batch_first": True}
        owners["lstm"] = Owner("lstm", "lstm", "torch.nn.LSTM", settings)
        nodes["lstm"] = Node("lstm", "layer", target="lstm", arguments={"input": Ref("s")})
        old = arguments[whole_lstm_at]
        whole = Ref("lstm")
        arguments[whole_lstm_at] = (whole, *old[1:]) if isinstance(old, tuple) else whole
    if entry.kind == "layer":
        inferred = {p.name for p in entry.parameters if p.inferred is not None}
        set_ = {n: v for n, v in used.arguments.items() if n not in inferred}
        owners["it"] = Owner("it", "it", entry.key, set_)
        nodes["it"] = Node("it", "layer", target="it", arguments=arguments)
    else:
        nodes["it"] = Node("it", "operation", "it", entry.key, {**arguments, **used.call})
    nodes["out"] = Node("out", "output", "out", arguments={"value": Ref("it")})
    return Graph("Model", nodes, owners)


def _tensor(spec: TensorSpec) -> torch.Tensor:
    sizes = [2 if isinstance(size, str) else size for size in spec.shape]
    return torch.ones(sizes, dtype=getattr(torch, spec.dtype))
