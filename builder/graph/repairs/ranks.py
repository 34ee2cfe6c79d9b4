"""Candidates for dimensions and dtypes that do not fit: reshaping, swapping the layer, converting."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from math import isqrt

from builder import catalogue
from builder.catalogue.entry import Entry
from builder.errors import quote
from builder.graph.checks.common import spatial_dims
from builder.graph.edits import UNSET, Edit, SetArgument, SetCallArgument, SetInputSpec, Several
from builder.graph.model import (
    Argument,
    Ref,
    Slice,
    TensorSpec,
    format_shape,
    primary_input,
    refs_in,
)
from builder.graph.repairs.case import Candidate, Case
from builder.graph.repairs.sizes import batch_as_features

_COLOURS = (1, 3)


def rank(case: Case) -> Iterator[Candidate]:
    """Too many or too few dimensions."""
    spec, entry = case.arriving(), case.entry
    if spec is None or entry is None:
        return
    if not spec.shape and case.parameter:
        yield from batch_as_features(case)
    spatial = spatial_dims(entry)
    if entry.family == "dropout" and len(spec.shape) == 2:
        yield from case.swap("torch.nn.Dropout")
    if spatial is not None or "ixel" in entry.key:
        yield from _pictures(case, spec, spatial or 2)
    elif entry.key.endswith("Cell"):
        yield from _one_step(case, spec)
    elif entry.family in ("recurrent", "transformer"):
        yield from _sequences(case, spec)
    else:
        yield from _by_number(case, spec)
    yield from _swap_dimensions(case, entry, len(spec.shape) - 2, tier=1)


def _swap_dimensions(case: Case, entry: Entry, spatial: int, tier: int) -> Iterator[Candidate]:
    """Conv2d in place of Conv1d, and so on for every layer that has such kin."""
    found = re.fullmatch(r"(torch\.nn\.[A-Za-z]+)[123]d", entry.key)
    key = f"{found[1]}{spatial}d" if found else ""
    if key in catalogue.entries() and key != entry.key:
        yield from case.swap(key, tier)


def _pictures(case: Case, spec: TensorSpec, spatial: int) -> Iterator[Candidate]:
    dims, batched = len(spec.shape), isinstance(spec.shape[0], str) if spec.shape else False
    yield from _before_flatten(case, spatial)
    if dims == 2 and batched and isinstance(spec.shape[1], int):
        yield from _input_as_picture(case, spec.shape[1], spatial)
        yield from _as_linear(case)
        for sizes in _as_picture(spec.shape[1], spatial):
            steps: dict[str, Argument] = {"dim": 1, "unflattened_size": sizes}
            yield from case.insert([("torch.nn.Unflatten", steps)], tier=1)
    if dims == spatial + 1:
        yield from case.insert([("torch.unsqueeze", {"dim": 1 if batched else 0})], tier=1)
    if dims > spatial + 2:
        start = dims - (dims - spatial - 2) - 1
        merge: dict[str, Argument] = {"start_dim": max(start, 2), "end_dim": -1}
        yield from case.insert([("torch.nn.Flatten", merge)], tier=2)
    if dims == 1 and batched:
        yield from case.insert([("torch.unsqueeze", {"dim": 1})] * (spatial + 1), tier=2)


def _by_number(case: Case, spec: TensorSpec) -> Iterator[Candidate]:
    """One dimension more or less, wherever that helps; it is tried."""
    for dim in (-1, 1, 0):
        yield from case.insert([("torch.unsqueeze", {"dim": dim})], tier=1)
    if len(spec.shape) > 2:
        yield from case.insert([("torch.nn.Flatten", {})], tier=1)
        yield from case.insert([("torch.nn.Flatten", {"start_dim": 2})], tier=1)
        yield from case.insert([("torch.nn.Flatten", {"end_dim": -2})], tier=2)


def _as_linear(case: Case) -> Iterator[Candidate]:
    """Linear in place of a convolution, with as many features as it had channels."""
    width = case.argument("out_channels")
    if isinstance(width, int):
        yield from case.swap("torch.nn.Linear", tier=1, more={"out_features": width})


def _input_as_picture(case: Case, features: int, spatial: int) -> Iterator[Candidate]:
    """The network's input given as pictures, where nothing but this layer reads it: N×784 as N×1×28×28."""
    refs = case.refs()
    node = case.source(refs[0]) if refs else None
    if node is None or node.kind != "input" or node.spec is None or case.scope:
        return
    reads = [n.id for n in case.graph.nodes.values() if any(r.node == node.id for r in refs_in(n))]
    if reads != [case.node.id]:
        return
    for sizes in islice(_as_picture(features, spatial), 1):
        spec = TensorSpec((node.spec.shape[0], *sizes), node.spec.dtype)
        label = f"Let {quote(case.graph.label(node.id))} be {format_shape(spec.shape)}"
        yield Candidate(label, SetInputSpec(node.id, spec, scope=case.scope))


def _as_picture(features: int, spatial: int) -> Iterator[tuple[int, ...]]:
    """Ways to see a row of features as channels and sides: 784 as 1×28×28."""
    if spatial == 1:
        yield (1, features)
        yield (features, 1)
        return
    for channels in _COLOURS:
        side = isqrt(features // channels)
        if spatial == 2 and side * side * channels == features and side > 1:
            yield (channels, side, side)
    if spatial == 2:
        rows = next(d for d in range(isqrt(features), 0, -1) if features % d == 0)
        yield (1, rows, features // rows)
    yield (features, *(1,) * spatial)


def _before_flatten(case: Case, spatial: int) -> Iterator[Candidate]:
    """Reads what came into a Flatten that stands before."""
    refs = case.refs()
    for _ in range(len(case.graph.nodes)):
        node = case.source(refs[0]) if refs else None
        entry = case.entry_of(node) if node else None
        before = primary_input(node) if node else None
        if node is None or before is None:
            return
        spec = case.tensor(before)
        if entry is not None and entry.name in ("Flatten", "flatten", "view", "reshape"):
            if spec is not None and len(spec.shape) == spatial + 2:
                name = quote(case.graph.label(node.id))
                yield case.read(before, f"Read what comes before {name}")
            return
        refs = [before]


def _unsqueezed(case: Case, dim: int, tier: int) -> Iterator[Candidate]:
    """A length for what arrives."""
    yield from _for_all_alike(case, [("torch.unsqueeze", {"dim": dim})], tier)


def _for_all_alike(
    case: Case, steps: list[tuple[str, dict[str, Argument]]], tier: int
) -> Iterator[Candidate]:
    """Nodes in front; the ports that read the same (key and value) read it with them too."""
    read = case.refs()
    for found in case.insert(steps, tier=tier):
        ports = [port.name for port in case.entry.ports] if case.entry else []
        same = [p for p in ports if p != case.port and case.refs(p) == read]
        [new] = case.after(found.edit).refs()
        more = (SetCallArgument(case.node.id, p, new, scope=case.scope) for p in same)
        edit = Several((found.edit, *more), found.label) if same else found.edit
        yield replace(found, edit=edit)


def _sequences(case: Case, spec: TensorSpec) -> Iterator[Candidate]:
    dims = len(spec.shape)
    if dims == 2:
        yield from _unsqueezed(case, 1, 0)
        yield from _unsqueezed(case, -1, 1)
    if dims == 4:
        rows: list[tuple[str, dict[str, Argument]]] = [
            ("torch.nn.Flatten", {"start_dim": 2}),
            ("torch.transpose", {"dim0": 1, "dim1": 2}),
        ]
        yield from case.insert(rows, label=f"Turn the picture into a sequence before {case.label}")
        yield from case.insert([("torch.nn.Flatten", {"start_dim": 1, "end_dim": 2})], tier=1)
    if dims > 4:
        yield from case.insert(
            [("torch.nn.Flatten", {"start_dim": 1, "end_dim": dims - 2})], tier=1
        )
    if dims == 1:
        yield from case.insert([("torch.unsqueeze", {"dim": -1})] * 2, tier=1)


def _one_step(case: Case, spec: TensorSpec) -> Iterator[Candidate]:
    if len(spec.shape) == 3:
        yield from case.insert([("operator.getitem", {"index": (Slice(), -1)})])
        key = case.entry.key.removesuffix("Cell") if case.entry else ""
        yield from case.swap(key, tier=1)
    if len(spec.shape) > 2:
        yield from case.insert([("torch.nn.Flatten", {})], tier=1)


def norm_rank(case: Case) -> Iterator[Candidate]:
    """BatchNorm of the wrong dimension: the one that fits."""
    spec, entry = case.arriving(), case.entry
    if spec is None or entry is None:
        return
    dims = len(spec.shape)
    unbatched = not any(isinstance(size, str) for size in spec.shape)
    if unbatched and dims == (spatial_dims(entry) or 2) + 1:
        yield from _in_front(case)
    yield from _swap_dimensions(case, entry, max(1, dims - 2), tier=1 if unbatched else 0)
    if dims > 2 and (spatial_dims(entry) or 2) == 1:
        yield from case.insert([("torch.nn.Flatten", {})], tier=1)
    if dims == 2:
        yield from _before_flatten(case, spatial_dims(entry) or 2)


def batch_position(case: Case) -> Iterator[Candidate]:
    """The batch to the front."""
    spec = case.arriving()
    if spec is None:
        return
    places = [i for i, size in enumerate(spec.shape) if isinstance(size, str)]
    if not places:
        return
    rest = [i for i in range(len(spec.shape)) if i != places[0]]
    yield from case.insert([("torch.permute", {"dims": (places[0], *rest)})])


def batch_first(case: Case) -> Iterator[Candidate]:
    """The other way round."""
    yield case.set("batch_first", case.argument("batch_first") is not True)
    yield from case.insert([("torch.transpose", {"dim0": 0, "dim1": 1})], tier=1)


def picture_into_linear(case: Case) -> Iterator[Candidate]:
    """Flatten, or the mean of each channel."""
    flatten: tuple[str, dict[str, Argument]] = ("torch.nn.Flatten", {})
    pool: tuple[str, dict[str, Argument]] = ("torch.nn.AdaptiveAvgPool2d", {"output_size": 1})
    follow = SetArgument(case.node.id, "in_features", UNSET, scope=case.scope)
    then = (follow,) if case.chosen("in_features") is not None else ()
    yield from case.insert([flatten], then=then)
    spec = case.arriving()
    if spec is not None and len(spec.shape) == 4:
        yield from case.insert([pool, flatten], tier=1, then=then)


def float_input(case: Case) -> Iterator[Candidate]:
    """Whole numbers for an Embedding."""
    yield from _input_dtype(case, "int64", tier=0)
    yield from case.insert([("torch.Tensor.long", {})], tier=1)
    width = case.argument("embedding_dim")
    if isinstance(width, int) and case.entry is not None:
        yield from case.swap("torch.nn.Linear", tier=2, more={"out_features": width})


def integer_input(case: Case) -> Iterator[Candidate]:
    """Real numbers in place of whole ones: looked up in an Embedding, or converted."""
    spec = case.arriving()
    if spec is None:
        return
    if spec.dtype in ("int64", "int32"):
        yield from _for_all_alike(case, [_looked_up(case, 1000)], 0)
    else:
        numbers = 2 if spec.dtype == "bool" else 1000
        yield from _for_all_alike(case, [("torch.Tensor.long", {}), _looked_up(case, numbers)], 1)
    yield from _for_all_alike(case, [("torch.Tensor.float", {})], 0)
    yield from _input_dtype(case, "float32", tier=1)
    around = case.around()
    if around is not None:
        sizes = case.argument("normalized_shape") or case.argument("in_features") or 64
        size = sizes[-1] if isinstance(sizes, tuple) else sizes
        looked_up: dict[str, Argument] = {"num_embeddings": 1000, "embedding_dim": size}
        yield from around.insert([("torch.nn.Embedding", looked_up)])
        yield from around.insert([("torch.Tensor.float", {})])
        yield from _input_dtype(around, "float32", tier=1)


def _looked_up(case: Case, numbers: int) -> tuple[str, dict[str, Argument]]:
    """An Embedding as wide as the layer wants it, else 64 or so: its heads must divide that."""
    sizes = (case.argument(n) for n in ("in_features", "input_size", "embed_dim", "d_model"))
    wanted = next((size for size in sizes if size is not None), None)
    heads = case.argument("num_heads") or case.argument("nhead")
    width = -(-64 // heads) * heads if isinstance(heads, int) and heads > 0 else 64
    if isinstance(wanted, int) and case.report.inferred == frozenset():
        width = wanted
    return "torch.nn.Embedding", {"num_embeddings": numbers, "embedding_dim": width}


def dtype(case: Case) -> Iterator[Candidate]:
    """float32."""
    yield from _input_dtype(case, "float32", tier=0)
    yield from case.insert([("torch.Tensor.float", {})], tier=0)


def _needs(method: str, wanted: str) -> Callable[[Case], Iterator[Candidate]]:
    """Candidates for a value of another dtype: converted, there or at every port, or made so."""

    def candidates(case: Case) -> Iterator[Candidate]:
        yield from case.insert([(f"torch.Tensor.{method}", {})])
        yield from _input_dtype(case, wanted, tier=1)
        edits: list[Edit] = []
        current = case
        masks = case.port.endswith("mask")
        for port in case.entry.ports if case.entry else ():
            if port.name.endswith("mask") != masks:
                continue
            for ref in case.refs(port.name):
                spec = case.tensor(ref)
                if spec is None or spec.dtype == wanted:
                    continue
                step: list[tuple[str, dict[str, Argument]]] = [(f"torch.Tensor.{method}", {})]
                for found in current.insert(step, ref=ref, port=port.name):
                    edits.append(found.edit)
                    current = current.after(found.edit)
        if len(edits) > 1:
            label = (
                f"Insert .{method}() before every {'mask' if masks else 'input'} of {case.label}"
            )
            yield Candidate(label, Several(tuple(edits), label), 1)

    return candidates


def _input_dtype(case: Case, wanted: str, tier: int) -> Iterator[Candidate]:
    refs = case.refs()
    node = case.source(refs[0]) if refs else None
    if node is None or node.kind != "input" or node.spec is None:
        return
    label = f"Set the dtype of {quote(case.graph.label(node.id))} to {wanted}"
    spec = TensorSpec(node.spec.shape, wanted)
    yield Candidate(label, SetInputSpec(node.id, spec, scope=case.scope), tier)


def _in_front(case: Case) -> Iterator[Candidate]:
    """N in front of the sizes of an input."""
    for node in case.graph.inputs:
        if node.spec is not None:
            spec = TensorSpec(("N", *node.spec.shape), node.spec.dtype)
            label = f"Put N in front of the sizes of {quote(case.graph.label(node.id))}"
            yield Candidate(label, SetInputSpec(node.id, spec, scope=case.scope))


def one_value(case: Case) -> Iterator[Candidate]:
    """A batch for the input."""
    for node in case.graph.inputs:
        if node.spec is not None and node.spec.shape:
            name = quote(case.graph.label(node.id))
            shape = ("N", *node.spec.shape[1:])
            edit = SetInputSpec(node.id, TensorSpec(shape, node.spec.dtype), scope=case.scope)
            yield Candidate(f"Write N for the first size of {name}", edit)


def tuple_input(case: Case) -> Iterator[Candidate]:
    """Each part of the tuple, by its name."""
    for ref in case.refs():
        value, node = case.value(ref), case.source(ref)
        if not isinstance(value, tuple) or node is None:
            continue
        inside = case.around() if node.kind == "input" else None
        if inside is not None:
            yield from tuple_input(inside)
            return
        for name, path in parts_of(case, ref):
            label = f"Take part {name} of {quote(case.graph.label(node.id))}"
            yield case.read(Ref(ref.node, ref.path + path), label, replacing=ref)
        if case.chosen("return_indices", node) is True:
            yield case.set("return_indices", False, node=node)
        first = case.value(Ref(ref.node, (*ref.path, 0)))
        if isinstance(first, TensorSpec) and len(first.shape) == 3:
            part = Ref(ref.node, (*ref.path, 0))
            label = f"Take the last step of {quote(case.graph.label(node.id))}"
            last: dict[str, Argument] = {"index": (Slice(), -1)}
            yield from case.insert(
                [("operator.getitem", last)], tier=1, ref=part, replacing=ref, label=label
            )
        return


def parts_of(case: Case, ref: Ref) -> Iterator[tuple[str, tuple[int, ...]]]:
    node, value = case.source(ref), case.value(ref)
    entry = case.entry_of(node) if node else None
    if node is not None and entry is not None and not ref.path:
        owner = case.graph.owner_of(node)
        arguments = {**(owner.arguments if owner else {}), **node.arguments}
        named = catalogue.parts_of(entry, arguments)
        if named:
            yield from ((quote(part.name), part.path) for part in named)
            return
    yield from ((str(i), (i,)) for i in range(len(value) if isinstance(value, tuple) else 0))


CANDIDATES = {
    "rank": rank,
    "norm_rank": norm_rank,
    "batch_position": batch_position,
    "batch_first": batch_first,
    "picture_into_linear": picture_into_linear,
    "float_input": float_input,
    "integer_input": integer_input,
    "dtype": dtype,
    "needs_float": _needs("float", "float32"),
    "needs_long": _needs("long", "int64"),
    "needs_bool": _needs("bool", "bool"),
    "one_value": one_value,
    "tuple_input": tuple_input,
}
