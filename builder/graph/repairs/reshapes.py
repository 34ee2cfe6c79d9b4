"""Candidates for operations that name dimensions and sizes: view, permute, split, an index, softmax."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import prod

from builder.graph.checks.reshaping import sizes_dim
from builder.graph.edits import SetBypassed
from builder.graph.model import Argument, Calc, Size, Slice
from builder.graph.repairs.case import Candidate, Case
from builder.graph.repairs.windows import smaller_strides


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
    first = wanted[0] if wanted else None
    is_kept = isinstance(first, Size) and case.problem.kind == "view"
    batch = first if is_kept else Size(case.refs("input")[0], 0)
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
        yield from smaller_strides(case, tier=1)
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


def view_layout(case: Case) -> Iterator[Candidate]:
    """reshape, which copies where it must; or a copy before."""
    yield from case.swap("torch.reshape")
    yield from case.insert([("torch.Tensor.contiguous", {})], tier=1)


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
    """The last dimension that is not the batch."""
    spec = case.arriving()
    if spec is not None:
        yield case.set("dim", sizes_dim(spec))
    yield case.set("dim", -1, tier=1)
    yield case.set("dim", 1, tier=1)


def squeezed_batch(case: Case) -> Iterator[Candidate]:
    """The sizes of one that are no batch."""
    spec = case.arriving()
    ones = [i for i, size in enumerate(spec.shape) if size == 1] if spec is not None else []
    if ones:
        yield case.set("dim", ones[-1] if len(ones) == 1 else tuple(ones))
        yield case.set("dim", ones[-1], tier=1)
    yield Candidate(f"Bypass {case.label}", SetBypassed(case.node.id, True, scope=case.scope), 2)


def along_batch(case: Case) -> Iterator[Candidate]:
    """Another dimension than the batch's."""
    spec, old = case.arriving(), case.argument(case.parameter)
    if spec is None or not case.parameter:
        return
    if case.parameter == "index":
        rest = old if isinstance(old, tuple) else (old,)
        yield case.set("index", (Slice(), *rest))
        return
    if case.parameter == "shape":
        yield from case.insert([("torch.nn.Flatten", {})], tier=1)
        yield Candidate(
            f"Bypass {case.label}", SetBypassed(case.node.id, True, scope=case.scope), 2
        )
        return
    sizes = [i for i, size in enumerate(spec.shape) if not isinstance(size, str)]
    for tier, dim in enumerate(dict.fromkeys((sizes_dim(spec), *sizes))):
        if dim != -1 or sizes:
            yield case.set(case.parameter, (dim,) if isinstance(old, tuple) else dim, min(tier, 1))


def idle_squeeze(case: Case) -> Iterator[Candidate]:
    """The sizes that are 1, or none."""
    spec = case.arriving()
    for i in reversed([i for i, size in enumerate(spec.shape) if size == 1] if spec else []):
        yield case.set("dim", i)
    yield Candidate(f"Bypass {case.label}", SetBypassed(case.node.id, True, scope=case.scope), 1)


def no_spread(case: Case) -> Iterator[Candidate]:
    """A dimension with several numbers, or division by how many there are."""
    spec = case.arriving()
    for i, size in reversed(list(enumerate(spec.shape if spec else ()))):
        if isinstance(size, int) and size > 1:
            yield case.set("dim", i)
    yield case.set("correction", 0, tier=1)


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


def batch_part(case: Case) -> Iterator[Candidate]:
    """The first half, or all of it."""
    source, old = next(iter(case.refs()), None), case.chosen("index")
    if source is None:
        return
    rest = old[1:] if isinstance(old, tuple) else ()
    for tier, first in enumerate((Slice(None, Calc("//", Size(source, 0), 2)), Slice())):
        yield case.set("index", (first, *rest) if isinstance(old, tuple) else first, tier)


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


CANDIDATES = {
    "dim": dim,
    "view": view,
    "size_out_of_range": view,
    "size_of_tuple": view,
    "calculation": view,
    "view_layout": view_layout,
    "permutation": permutation,
    "over_batch": over_batch,
    "squeezed_batch": squeezed_batch,
    "batch_merged": batch_merged,
    "least_batch": along_batch,
    "rows_mixed": along_batch,
    "idle_squeeze": idle_squeeze,
    "no_spread": no_spread,
    "parts": parts,
    "index": index,
    "batch_part": batch_part,
    "mode": mode,
}
