"""Dimensions that exist, views that keep the number of elements, splits that stay few."""

from __future__ import annotations

from math import prod

from builder.catalogue.entry import Entry
from builder.graph.call import Call, show
from builder.graph.checks.common import has_batch
from builder.graph.diagnostics import Finding
from builder.graph.model import Slice, TensorSpec
from builder.graph.symbols import dim_from_probe, probe_from_dim

MOST_PARTS = 1024
"""A split into more tensors is refused: each one is a tensor of its own."""

_LARGEST_COUNT = 100_000  # rows of a batch that a person may mean by a plain number

_DIMS = ("dim", "dim0", "dim1", "dim2", "dims", "start_dim", "end_dim", "source", "destination")
_NOT_DIMS = {("torch.tile", "dims")}  # there it is how often
_INSERTS = {"torch.unsqueeze": 1, "torch.stack": 1}


def check_dims(call: Call) -> Finding | None:
    """Every argument that names a dimension names one that exists."""
    spec = call.tensor() or next(iter(call.tensors()), None)
    if spec is None:
        return None
    rank = len(spec.shape) + _INSERTS.get(call.entry.key, 0)
    for name in dim_parameters(call.entry):
        value = call.argument(name)
        for dim in value if isinstance(value, tuple) else (value,):
            if not isinstance(dim, int) or isinstance(dim, bool) or -rank <= dim < max(rank, 1):
                continue
            allowed = f"from {-rank} to {rank - 1}" if rank else "0"
            return call.finding(
                "dim",
                f"has {name}={dim}, but {show(spec)}{call.out_of()} has {len(spec.shape)} dimensions. "
                f"Choose {name} {allowed}.",
                port=call.first,
                parameter=name,
            )
    return None


def dim_parameters(entry: Entry) -> list[str]:
    """The arguments that name dimensions."""
    names = (p.name for p in (*entry.parameters, *entry.call_parameters))
    return [n for n in names if n in _DIMS and (entry.key, n) not in _NOT_DIMS]


def check_over_batch(call: Call) -> Finding | None:
    """Softmax over the batch makes each sample depend on the others."""
    spec, dim = call.tensor(), call.whole("dim")
    if spec is None or not has_batch(spec) or len(spec.shape) < 2:
        return None
    given = f"dim={dim}"
    if dim is None:  # torch then takes 0 for three dimensions, and 1 for two or four
        dim = 0 if len(spec.shape) == 3 else 1
        given = f"no dim, which here means {dim}"
    if -len(spec.shape) <= dim < len(spec.shape) and isinstance(spec.shape[dim], str):
        fitting = sizes_dim(spec)
        if fitting % len(spec.shape) == dim % len(spec.shape):
            return None  # N×N: every axis is the batch, and comparing samples is what is meant
        last = " for the last size" if fitting == -1 else ""
        return call.finding(
            "over_batch",
            f"has {given}, the batch of {show(spec)}{call.from_()}: the samples would be normalised "
            f"against each other. Set dim to {fitting}{last}.",
            parameter="dim",
            severity="warning",
        )
    return None


def sizes_dim(spec: TensorSpec) -> int:
    """The last dimension that is not the batch: -1, or counted from the front."""
    if not isinstance(spec.shape[-1], str):
        return -1
    return max((i for i, s in enumerate(spec.shape) if not isinstance(s, str)), default=-1)


def check_idle_squeeze(call: Call) -> Finding | None:
    """squeeze takes away sizes of 1, and leaves every other one as it is without a word."""
    spec, dims = call.tensor(), call.argument("dim")
    if spec is None or dims is None or not spec.shape:
        return None
    rank = len(spec.shape)
    named = [d for d in (dims if isinstance(dims, tuple) else (dims,)) if isinstance(d, int)]
    if any(isinstance(spec.shape[d % rank], str) or spec.shape[d % rank] == 1 for d in named):
        return None
    ones = [i for i, size in enumerate(spec.shape) if size == 1]
    way = f"Set dim to {ones[-1]}, which is 1." if ones else "Take it out: no size is 1."
    return call.finding(
        "idle_squeeze",
        f"changes nothing: dim={show(dims)} of {show(spec)}{call.out_of()} is not 1. {way}",
        parameter="dim",
        severity="warning",
    )


def check_squeeze(call: Call) -> Finding | None:
    """A batch of one would lose its batch: it works in training, and fails on a single sample."""
    spec = call.tensor()
    if spec is None or "N" not in spec.shape:
        return None
    place, dims = spec.shape.index("N"), call.argument("dim")
    given = dims if isinstance(dims, tuple) else () if dims is None else (dims,)
    rank = len(spec.shape)
    named = [d % rank for d in given if isinstance(d, int) and -rank <= d < rank]
    if dims is not None and place not in named:
        return None
    ones = [i for i, size in enumerate(spec.shape) if size == 1]
    way = f"Set dim to {ones[-1]}." if ones else "Take it out: no other size is 1."
    return call.finding(
        "squeezed_batch",
        f"also takes away the batch of {show(spec)}{call.out_of()} where it is a batch of one. {way}",
        parameter="dim",
        severity="warning",
    )


def check_view(call: Call) -> Finding | None:
    """As many elements after as before, at most one size left open."""
    spec, wanted = call.tensor(), call.argument("shape")
    if spec is None or not isinstance(wanted, tuple):
        return None
    sizes = [size for size in wanted if isinstance(size, int) and not isinstance(size, bool)]
    if len(sizes) != len(wanted):
        return None
    return _count_finding(call, spec, spec.shape, tuple(sizes), "shape")


def check_unflatten(call: Call) -> Finding | None:
    """The new sizes multiply to the one that is split."""
    spec = call.tensor()
    dim = call.whole("dim")
    name = "unflattened_size" if call.entry.key == "torch.nn.Unflatten" else "sizes"
    wanted = call.argument(name)
    if spec is None or dim is None or not isinstance(wanted, tuple):
        return None
    if not all(isinstance(size, int) for size in wanted) or not -len(spec.shape) <= dim < len(
        spec.shape
    ):
        return None
    sizes = tuple(size for size in wanted if isinstance(size, int))
    return _count_finding(call, spec, (spec.shape[dim],), sizes, name)


def _count_finding(
    call: Call, spec: TensorSpec, before: tuple[int | str, ...], sizes: tuple[int, ...], name: str
) -> Finding | None:
    open_sizes = sizes.count(-1)
    total = prod(probe_from_dim(size) for size in before)
    known = prod(size for size in sizes if size != -1)
    shown = "×".join(show(size) for size in sizes)
    came = call.from_()
    if open_sizes > 1:
        return call.finding(
            "view",
            f"leaves {open_sizes} sizes open in {shown}; torch works out only one -1.",
            parameter=name,
        )
    if any(size < -1 for size in sizes):
        return call.finding("view", f"has a negative size in {shown}.", parameter=name)
    fits = total == known if not open_sizes else known != 0 and total % known == 0
    if fits:
        return None
    rest = [size for size in spec.shape if not isinstance(size, str)]
    if before == spec.shape and len(rest) < len(spec.shape):
        held = f"{show(spec)} ({prod(rest)} numbers for each sample)"
        if (
            not open_sizes
            and known < probe_from_dim("N")
            and not any(isinstance(show_dim, str) for show_dim in sizes)
        ):
            return call.finding(
                "view",
                f"makes {shown}, a fixed number of samples, from {held}{came}. Write x.size(0) or -1 "
                "for the batch.",
                port=call.first,
                parameter=name,
            )
    else:
        held = "×".join(map(str, before))
    return call.finding(
        "view",
        f"cannot make {shown} from {held}{came}: the numbers of elements differ.",
        port=call.first,
        parameter=name,
    )


def check_permutation(call: Call) -> Finding | None:
    """Every dimension once."""
    spec, dims = call.tensor(), call.argument("dims")
    if spec is None or not isinstance(dims, tuple):
        return None
    rank = len(spec.shape)
    places = sorted(d % rank for d in dims if isinstance(d, int)) if rank else []
    if places == list(range(rank)):
        return None
    return call.finding(
        "permutation",
        f"orders the dimensions as {show(dims)}, but {show(spec)}{call.out_of()} has {rank}. Name each "
        "of them once.",
        port=call.first,
        parameter="dims",
    )


def check_flatten(call: Call) -> Finding | None:
    """Flattening from dimension 0 mixes the samples; from behind end_dim is impossible."""
    spec, start, end = call.tensor(), call.whole("start_dim"), call.whole("end_dim")
    if spec is None or start is None or end is None or not spec.shape:
        return None
    rank = len(spec.shape)
    if start % rank > end % rank:
        return call.finding(
            "dim",
            f"has start_dim={start} behind end_dim={end} in {show(spec)}{call.from_()}.",
            parameter="start_dim",
        )
    merged = spec.shape[start % rank : end % rank + 1]
    if call.entry.kind == "layer" and len(merged) > 1 and any(isinstance(s, str) for s in merged):
        return call.finding(
            "batch_merged",
            f"has start_dim={start}, so it mixes the batch of {show(spec)}{call.out_of()} with the "
            "other sizes. Set start_dim to 1.",
            parameter="start_dim",
            severity="warning",
        )
    return None


def check_parts(call: Call) -> Finding | None:
    """A bounded number of parts, known before any data."""
    spec = call.tensor()
    dim = call.whole("dim")
    if spec is None or dim is None or not -len(spec.shape) <= dim < len(spec.shape):
        return None
    size = spec.shape[dim]
    share = call.argument("split_size")
    parts: int | str = 1
    if call.entry.key == "torch.unbind":
        parts = size
    elif call.entry.key == "torch.chunk":
        chunks = call.whole("chunks") or 1
        parts = chunks if isinstance(size, str) else min(chunks, size)
        if isinstance(size, str) and isinstance(
            dim_from_probe(-(-probe_from_dim(size) // max(chunks, 1))), int
        ):
            parts = size  # such a part of the batch has no name
    elif isinstance(share, int) and share > 0:
        parts = size if isinstance(size, str) else -(-size // share)
    elif isinstance(share, tuple) and not isinstance(size, str):
        total = sum(s for s in share if isinstance(s, int))
        if total != size:
            return call.finding(
                "parts",
                f"splits {size} ({show(spec)}){call.out_of()} into sizes that sum to {total}. Make them "
                f"sum to {size}.",
                parameter="split_size",
            )
    if isinstance(parts, str):
        return call.finding(
            "parts",
            f"takes {show(spec)}{call.out_of()} apart along the batch, whose size is not known before. "
            "Choose another dim.",
            parameter="dim",
        )
    if parts > MOST_PARTS:
        return call.finding(
            "parts", f"would give {parts} tensors, of at most {MOST_PARTS}.", parameter="dim"
        )
    return None


def check_index(call: Call) -> Finding | None:
    """No more indices than dimensions, and whole numbers within each size."""
    spec, index = call.tensor(), call.argument("index")
    if spec is None or index is None:
        return None
    parts = index if isinstance(index, tuple) else (index,)
    taken = [p for p in parts if p is not None and p is not ...]
    if len(taken) > len(spec.shape):
        return call.finding(
            "index",
            f"has {len(taken)} indices, but {show(spec)}{call.out_of()} has {len(spec.shape)} dimensions.",
            parameter="index",
        )
    if ... in parts:
        return None
    axis = 0
    for part in parts:
        if part is None:
            continue
        size, place = spec.shape[axis], part if isinstance(part, int) else 0
        if isinstance(size, str) and isinstance(part, Slice) and _is_nameless(size, part):
            return call.finding(
                "batch_part",
                f"takes a part of the batch of {show(spec)}{call.out_of()} that cannot be told from "
                "an ordinary size. Take a half, a third, … or an eighth of it, such as "
                "x.size(0) // 2.",
                parameter="index",
            )
        if isinstance(size, int) and size > 0 and not -size <= place < size:
            return call.finding(
                "index",
                f"picks number {place} of {size} in {show(spec)}{call.from_()}. Choose {-size} to "
                f"{size - 1}.",
                parameter="index",
            )
        axis += 1
    return None


def check_selected(call: Call) -> Finding | None:
    """index_select takes a row of places; torch notices only when it runs."""
    spec = call.tensor("index")
    if spec is None or len(spec.shape) <= 1:
        return None
    return call.finding(
        "rank",
        f"needs 1 dimension at “index” but receives {show(spec)}{call.from_('index')}. Use gather or "
        "take_along_dim for places of their own in every row.",
        port="index",
    )


def _is_nameless(size: str, part: Slice) -> bool:
    """Whether what a slice leaves of the batch grows with it, in a way that no size can say."""
    bounds = (part.start, part.stop, part.step)
    if not all(b is None or isinstance(b, int) for b in bounds):
        return False
    whole = probe_from_dim(size)
    left = len(range(*slice(*bounds).indices(whole)))
    if isinstance(dim_from_probe(left), str):
        return False
    return left > _LARGEST_COUNT or (part.step not in (None, 1) and part.stop is None)


_WITH_BATCH_DIM = (
    "torch.nn.Softmax",
    "torch.nn.LogSoftmax",
    "torch.nn.Softmin",
    "torch.nn.functional.softmax",
    "torch.nn.functional.log_softmax",
    "torch.nn.functional.softmin",
)
CHECKS = {
    **dict.fromkeys(_WITH_BATCH_DIM, (check_over_batch,)),
    "torch.Tensor.view": (check_view,),
    "torch.reshape": (check_view,),
    "torch.unflatten": (check_unflatten,),
    "torch.nn.Unflatten": (check_unflatten,),
    "torch.permute": (check_permutation,),
    "torch.flatten": (check_flatten,),
    "torch.nn.Flatten": (check_flatten,),
    "torch.chunk": (check_parts,),
    "torch.split": (check_parts,),
    "torch.unbind": (check_parts,),
    "torch.squeeze": (check_squeeze, check_idle_squeeze),
    "operator.getitem": (check_index,),
    "torch.index_select": (check_selected,),
}
