"""Candidates for dimensions and dtypes that do not fit: reshaping, swapping the layer, converting."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from math import isqrt, prod

from builder import catalogue
from builder.catalogue.entry import Entry
from builder.errors import quote
from builder.graph.checks.common import spatial_dims
from builder.graph.edits import UNSET, SetArgument, SetInputSpec
from builder.graph.model import Argument, Ref, Size, Slice, TensorSpec, primary_input
from builder.graph.repairs.case import Candidate, Case

_COLOURS = (1, 3)


def rank(case: Case) -> Iterator[Candidate]:
    """Too many or too few dimensions."""
    spec, entry = case.arriving(), case.entry
    if spec is None or entry is None:
        return
    spatial = spatial_dims(entry)
    if spatial is not None or "ixel" in entry.key:
        yield from _pictures(case, spec, spatial or 2)
    elif entry.key.endswith("Cell"):
        yield from _one_step(case, spec)
    elif entry.family in ("recurrent", "transformer"):
        yield from _sequences(case, spec)
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


def _as_linear(case: Case) -> Iterator[Candidate]:
    """Linear in place of a convolution, with as many features as it had channels."""
    width = case.argument("out_channels")
    if isinstance(width, int):
        yield from case.swap("torch.nn.Linear", tier=1, more={"out_features": width})


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


def _sequences(case: Case, spec: TensorSpec) -> Iterator[Candidate]:
    dims = len(spec.shape)
    if dims == 2:
        yield from case.insert([("torch.unsqueeze", {"dim": 1})])
        yield from case.insert([("torch.unsqueeze", {"dim": -1})], tier=1)
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
    yield from _swap_dimensions(case, entry, max(1, dims - 2), tier=0)
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
    if spec.dtype in ("int64", "int32") and case.entry is not None:
        wanted = case.argument("in_features") or case.argument("input_size")
        width = wanted if isinstance(wanted, int) and case.report.inferred == frozenset() else 64
        numbers: dict[str, Argument] = {"num_embeddings": 1000, "embedding_dim": width}
        yield from case.insert([("torch.nn.Embedding", numbers)], tier=0)
    yield from case.insert([("torch.Tensor.float", {})], tier=0)
    yield from _input_dtype(case, "float32", tier=1)


def dtype(case: Case) -> Iterator[Candidate]:
    """float32."""
    yield from _input_dtype(case, "float32", tier=0)
    yield from case.insert([("torch.Tensor.float", {})], tier=0)


def _input_dtype(case: Case, wanted: str, tier: int) -> Iterator[Candidate]:
    refs = case.refs()
    node = case.source(refs[0]) if refs else None
    if node is None or node.kind != "input" or node.spec is None:
        return
    label = f"Set the dtype of {quote(case.graph.label(node.id))} to {wanted}"
    spec = TensorSpec(node.spec.shape, wanted)
    yield Candidate(label, SetInputSpec(node.id, spec, scope=case.scope), tier)


def dim(case: Case) -> Iterator[Candidate]:
    """The last dimension, the first behind the batch, or none."""
    spec, old = case.arriving(), case.argument(case.parameter)
    if spec is None:
        return
    ranks = len(spec.shape)
    if isinstance(old, tuple):
        yield case.set(case.parameter, tuple(range(1, ranks)) or (0,))
        yield case.set(case.parameter, (-1,), tier=1)
        return
    if isinstance(old, int) and not isinstance(old, bool):
        yield case.set(case.parameter, ranks - 1 if old > 0 else 0)
    yield case.set(case.parameter, -1)
    yield case.set(case.parameter, 1, tier=1)


def view(case: Case) -> Iterator[Candidate]:
    """The right sizes, with the batch kept as it comes."""
    spec = case.arriving()
    name = case.parameter
    wanted = case.chosen(name)
    if spec is None or not isinstance(wanted, tuple):
        return
    unflatten = case.entry is not None and "nflatten" in case.entry.key
    if unflatten:
        dim_value = case.argument("dim")
        size = spec.shape[dim_value] if isinstance(dim_value, int) else None
        yield from _fill_in(case, name, wanted, size if isinstance(size, int) else 0)
        if isinstance(size, int):
            yield case.set(name, (1, size), tier=2)
        return
    batch = Size(case.refs(case.entry.ports[0].name if case.entry else None)[0], 0)
    inner = [s for s in spec.shape[1:] if isinstance(s, int)]
    each = prod(inner)
    rest = wanted[1:]
    known = prod(s for s in rest if isinstance(s, int) and s > 0)
    if isinstance(spec.shape[0], str):
        if rest and known == each and all(isinstance(s, int) and s > 0 for s in rest):
            yield _sizes(case, (batch, *rest), 0, "Keep the batch as it comes")
        for filled in _filled(rest, each):
            yield _sizes(case, (batch, *filled), 0, "")
        yield _sizes(case, (batch, -1), 1, "Keep the batch, and put the rest into one row")
    yield from _fill_in(case, name, wanted, prod(s for s in spec.shape if isinstance(s, int)))


def _sizes(case: Case, sizes: tuple[Argument, ...], tier: int, label: str) -> Candidate:
    found = case.set(case.parameter, sizes, tier)
    shown = "×".join("N" if isinstance(s, Size) else str(s) for s in sizes)
    return replace(found, label=f"{label} ({shown})" if label else f"Make it {shown}")


def _filled(sizes: tuple[Argument, ...], total: int) -> Iterator[tuple[Argument, ...]]:
    """The sizes with one of them (the last first) made to fit."""
    for i in reversed(range(len(sizes))):
        others = prod(s for j, s in enumerate(sizes) if j != i and isinstance(s, int) and s > 0)
        fixed = all(isinstance(s, int) and s > 0 for j, s in enumerate(sizes) if j != i)
        if fixed and others and total % others == 0:
            yield (*sizes[:i], total // others, *sizes[i + 1 :])


def _fill_in(
    case: Case, name: str, wanted: tuple[Argument, ...], total: int
) -> Iterator[Candidate]:
    for filled in _filled(wanted, total):
        yield case.set(name, filled, tier=1)
    for i in reversed(range(len(wanted))):
        if all(s != -1 for j, s in enumerate(wanted) if j != i):
            yield case.set(name, (*wanted[:i], -1, *wanted[i + 1 :]), tier=1)


def permutation(case: Case) -> Iterator[Candidate]:
    """Every dimension once, in the order asked for as far as it goes."""
    spec, old = case.arriving(), case.argument("dims")
    if spec is None:
        return
    ranks = len(spec.shape)
    given = (
        [d % ranks for d in old if isinstance(d, int)] if isinstance(old, tuple) and ranks else []
    )
    kept = list(dict.fromkeys(d for d in given if d < ranks))
    missing = [d for d in range(ranks) if d not in kept]
    yield case.set("dims", (*kept, *missing))
    if ranks > 2:
        yield case.set("dims", (0, *range(2, ranks), 1), tier=1)


def over_batch(case: Case) -> Iterator[Candidate]:
    """The last dimension."""
    yield case.set("dim", -1)
    yield case.set("dim", 1, tier=1)


def batch_merged(case: Case) -> Iterator[Candidate]:
    """From the first dimension behind the batch."""
    yield case.set("start_dim", 1)


def parts(case: Case) -> Iterator[Candidate]:
    """Another dimension, or sizes that sum up."""
    spec, share = case.arriving(), case.argument("split_size")
    dim_value = case.argument("dim")
    if spec is None or not isinstance(dim_value, int):
        return
    yield case.set("dim", -1, tier=1)
    yield case.set("dim", 1, tier=1)
    size = spec.shape[dim_value] if -len(spec.shape) <= dim_value < len(spec.shape) else 0
    if isinstance(share, tuple) and isinstance(size, int):
        front = sum(s for s in share[:-1] if isinstance(s, int))
        if size > front:
            yield case.set("split_size", (*share[:-1], size - front))
        even = size // len(share)
        yield case.set(
            "split_size", (*(even,) * (len(share) - 1), size - even * (len(share) - 1)), 1
        )
    elif isinstance(size, int) and size > 1:
        yield case.set("split_size", -(-size // 2))


def index(case: Case) -> Iterator[Candidate]:
    """The last element in place of one that does not exist; fewer indices."""
    spec, old = case.arriving(), case.chosen("index")
    if spec is None:
        return
    picked = old if isinstance(old, tuple) else (old,)
    clamped: list[Argument] = []
    for part, size in zip(picked, spec.shape, strict=False):
        beyond = isinstance(part, int) and isinstance(size, int) and not -size <= part < size
        clamped.append(-1 if beyond else part)
    yield case.set("index", tuple(clamped) if isinstance(old, tuple) else clamped[0])
    yield case.set("index", (..., -1), tier=1)


def one_value(case: Case) -> Iterator[Candidate]:
    """A batch for the input."""
    for node in case.graph.inputs:
        if node.spec is not None and node.spec.shape:
            name = quote(case.graph.label(node.id))
            shape = ("N", *node.spec.shape[1:])
            edit = SetInputSpec(node.id, TensorSpec(shape, node.spec.dtype), scope=case.scope)
            yield Candidate(f"Write N for the first size of {name}", edit)


def mode(case: Case) -> Iterator[Candidate]:
    """The mode for as many dimensions."""
    spec = case.arriving()
    if spec is None:
        return
    fitting = {3: "linear", 4: "bilinear", 5: "trilinear"}.get(len(spec.shape))
    if fitting:
        yield case.set("mode", fitting)
    yield case.set("mode", "nearest", tier=1)
    if len(spec.shape) == 2:
        yield from case.insert([("torch.unsqueeze", {"dim": 1})], tier=1)


def tuple_input(case: Case) -> Iterator[Candidate]:
    """Each part of the tuple, by its name."""
    for ref in case.refs():
        value, node = case.value(ref), case.source(ref)
        if not isinstance(value, tuple) or node is None:
            continue
        for name, path in _parts(case, ref):
            label = f"Take part {name} of {quote(case.graph.label(node.id))}"
            yield case.read(Ref(ref.node, ref.path + path), label)
        first = case.value(Ref(ref.node, (*ref.path, 0)))
        if isinstance(first, TensorSpec) and len(first.shape) == 3:
            part = Ref(ref.node, (*ref.path, 0))
            label = f"Take the last step of {quote(case.graph.label(node.id))}"
            last: dict[str, Argument] = {"index": (Slice(), -1)}
            yield from case.insert(
                [("operator.getitem", last)], tier=1, ref=part, replacing=ref, label=label
            )
        return


def _parts(case: Case, ref: Ref) -> Iterator[tuple[str, tuple[int, ...]]]:
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
    "dim": dim,
    "view": view,
    "permutation": permutation,
    "over_batch": over_batch,
    "batch_merged": batch_merged,
    "parts": parts,
    "index": index,
    "one_value": one_value,
    "mode": mode,
    "tuple_input": tuple_input,
}
