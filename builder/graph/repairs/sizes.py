"""Candidates for sizes that do not fit: features, channels, heads, groups, kernels."""

from __future__ import annotations

from collections.abc import Iterator
from math import gcd, prod

from builder.errors import quote
from builder.graph.checks.common import spatial_dims
from builder.graph.checks.sequences import nearest_divisors
from builder.graph.edits import UNSET, SetArgument, SetInputSpec, Several, UnshareWeights
from builder.graph.model import Argument, Node, TensorSpec
from builder.graph.repairs.case import Candidate, Case

_COLOURS = (1, 3, 4)
_MOST_SIZES = 3  # alternatives offered for one number
_WIDTHS = ("out_features", "out_channels", "hidden_size", "embedding_dim", "num_features")


def in_size(case: Case) -> Iterator[Candidate]:
    """The last size against in_features and its kin."""
    spec, expected = case.arriving(), case.argument(case.parameter)
    if spec is None or not spec.shape:
        return
    size = spec.shape[-1]
    inner = [s for s in spec.shape[1:] if isinstance(s, int)]
    whole = len(inner) == len(spec.shape) - 1 and prod(inner) == expected
    if isinstance(size, int) and case.problem.kind != "shared_size":
        yield case.set(case.parameter, size, tier=1 if whole else 0)
        if case.chosen(case.parameter) is not None:
            yield case.leave_out(case.parameter, tier=1)
    if len(spec.shape) > 2:
        yield from case.insert([("torch.nn.Flatten", {})], tier=0 if whole else 2)
    if not isinstance(expected, int):
        return
    yield from resize_origin(case, expected, tier=1)
    if len(spec.shape) == 3 and spec.shape[1] == expected:
        yield from case.insert([("torch.transpose", {"dim0": 1, "dim1": 2})], tier=1)
    if isinstance(size, int):
        yield from case.insert([("torch.nn.Linear", {"out_features": expected})], tier=2)


def resize_origin(
    case: Case, wanted: int, tier: int, port: str | None = None
) -> Iterator[Candidate]:
    """Changes the width of the layer that gave the value its size."""
    origin = case.origin(port)
    if origin is not None:
        yield from resize(case, origin, wanted, tier)


def resize(case: Case, origin: Node, wanted: int, tier: int) -> Iterator[Candidate]:
    """Changes the width of a layer."""
    owner = case.graph.owner_of(origin)
    if owner is None or origin.id == case.node.id:
        return
    for name in _WIDTHS:
        old = owner.arguments.get(name)
        if not isinstance(old, int):
            continue
        if name == "hidden_size" and owner.arguments.get("bidirectional") is True:
            wanted = wanted // 2
        yield case.set(name, wanted, tier, node=origin)
        return


def shared_size(case: Case) -> Iterator[Candidate]:
    """Weights shared by calls with different sizes."""
    edit = UnshareWeights(case.node.id, scope=case.scope)
    yield Candidate(f"Give {case.label} weights of its own", edit)
    owner = case.graph.owner_of(case.node)
    expected = case.argument(case.parameter)
    if owner is not None and case.chosen(case.parameter) is not None:
        # Its own weights would still have the size that was set: let them follow the input.
        unset = SetArgument(case.node.id, case.parameter, UNSET, scope=case.scope)
        label = f"Give {case.label} weights of its own, in the size of its input"
        yield Candidate(label, Several((edit, unset), label))
    if isinstance(expected, int):
        yield from resize_origin(case, expected, tier=1)
        if spatial_dims_of(case) is None:
            yield from case.insert([("torch.nn.Linear", {"out_features": expected})], tier=1)
        else:
            yield from project_channels(case, expected, tier=1)


def spatial_dims_of(case: Case) -> int | None:
    """2 for Conv2d; None for what works on features."""
    return spatial_dims(case.entry) if case.entry else None


def batch_as_features(case: Case) -> Iterator[Candidate]:
    """N alone, or a single number, has no features: give it one."""
    follow = SetArgument(case.node.id, case.parameter, UNSET, scope=case.scope)
    then = (follow,) if case.chosen(case.parameter) not in (None, 1) else ()
    yield from case.insert([("torch.unsqueeze", {"dim": -1})], then=then)
    if case.entry is not None and case.entry.key in ("torch.nn.LayerNorm", "torch.nn.RMSNorm"):
        yield case.leave_out(case.parameter, tier=0)


def in_channels(case: Case) -> Iterator[Candidate]:
    """The channels against in_channels, num_features, num_channels."""
    spec, expected = case.arriving(), case.argument(case.parameter)
    spatial = spatial_dims_of(case)
    if spec is None:
        return
    convolves = case.entry is not None and case.entry.family == "convolution"
    axis = len(spec.shape) - spatial - 1 if spatial and convolves else 1
    if axis >= len(spec.shape):
        return
    channels = spec.shape[axis]
    rank = len(spec.shape)
    last = spec.shape[-1] == expected and rank > 2
    if isinstance(channels, int):
        yield case.set(case.parameter, channels, tier=1 if last else 0)
        if case.chosen(case.parameter) is not None:
            yield case.leave_out(case.parameter, tier=1)
    if not isinstance(expected, int):
        return
    if last:
        dims = (0, rank - 1, *range(1, rank - 1))
        yield from case.insert([("torch.permute", {"dims": dims})], tier=0)
    yield from resize_origin(case, expected, tier=1)
    yield from channels_first(case)
    yield from project_channels(case, expected, tier=2)


def channels_first(case: Case) -> Iterator[Candidate]:
    """Pictures of the network's inputs whose channels seem to stand last, put in front."""
    for node in case.root.inputs:
        spec = node.spec
        if spec is None or len(spec.shape) != 4 or spec.shape[3] not in _COLOURS:
            continue
        if spec.shape[1] not in _COLOURS:
            shape = TensorSpec((spec.shape[0], spec.shape[3], *spec.shape[1:3]), spec.dtype)
            label = f"Set the shape of {quote(case.root.label(node.id))} to {shape}"
            yield Candidate(label, SetInputSpec(node.id, shape), 1)


def project_channels(case: Case, wanted: int, tier: int) -> Iterator[Candidate]:
    """A 1×1 convolution in front."""
    spec = case.arriving()
    spatial = len(spec.shape) - 2 if spec else 0
    if spatial in (1, 2, 3):
        sizes: dict[str, Argument] = {"out_channels": wanted, "kernel_size": 1}
        yield from case.insert([(f"torch.nn.Conv{spatial}d", sizes)], tier)


def groups(case: Case) -> Iterator[Candidate]:
    """A number of groups that divides both channel counts."""
    wish = case.argument(case.parameter)
    sizes = [case.argument(n) for n in ("in_channels", "out_channels", "num_channels")]
    whole = [s for s in sizes if isinstance(s, int)]
    spec = case.arriving()
    if not whole and spec is not None and len(spec.shape) > 1 and isinstance(spec.shape[1], int):
        whole = [spec.shape[1]]
    if not whole or not isinstance(wish, int):
        return
    for count in nearest_divisors(gcd(*whole), wish)[:_MOST_SIZES]:
        yield case.set(case.parameter, count, tier=0)
    out = case.argument("out_channels")
    if isinstance(out, int) and wish > 0 and whole[0] % wish == 0:
        yield case.set("out_channels", -(-out // wish) * wish, tier=1)


def heads(case: Case) -> Iterator[Candidate]:
    """A number of heads that divides the features, or features that divide among the heads."""
    size = "embed_dim" if case.parameter == "num_heads" else "d_model"
    features, wish = case.argument(size), case.argument(case.parameter)
    if not isinstance(features, int) or not isinstance(wish, int) or wish < 1:
        return
    for count in nearest_divisors(features, wish)[:_MOST_SIZES]:
        yield case.set(case.parameter, count)
    port = case.entry.ports[0].name if case.entry else None
    yield from resize_origin(case, -(-features // wish) * wish, tier=1, port=port)


def pool_padding(case: Case) -> Iterator[Candidate]:
    """At most half the kernel."""
    kernel, padding = case.argument("kernel_size"), case.argument("padding")
    if isinstance(kernel, int):
        yield case.set("padding", kernel // 2)
        if isinstance(padding, int):
            yield case.set("kernel_size", 2 * padding, tier=1)
    elif isinstance(kernel, tuple):
        yield case.set("padding", tuple(k // 2 for k in kernel if isinstance(k, int)))


def same_padding(case: Case) -> Iterator[Candidate]:
    """Stride 1, or the padding as a number."""
    kernel = case.argument("kernel_size")
    yield case.set("stride", 1)
    if isinstance(kernel, int):
        yield case.set("padding", kernel // 2)


def output_padding(case: Case) -> Iterator[Candidate]:
    """Smaller than the stride."""
    stride, extra = case.argument("stride"), case.argument("output_padding")
    yield case.set("output_padding", stride - 1 if isinstance(stride, int) and stride > 0 else 0)
    yield case.set("output_padding", 0, tier=1)
    if isinstance(extra, int):
        yield case.set("stride", extra + 1, tier=1)


def normalized_shape(case: Case) -> Iterator[Candidate]:
    """The sizes that arrive last."""
    spec, wanted = case.arriving(), case.argument("normalized_shape")
    if spec is None:
        return
    count = len(wanted) if isinstance(wanted, tuple) else 1
    last = tuple(s for s in spec.shape[-count:] if isinstance(s, int))
    if len(last) == count:
        yield case.set("normalized_shape", last if isinstance(wanted, tuple) else last[0])
    yield case.leave_out("normalized_shape", tier=1)
    if isinstance(wanted, int):
        yield from resize_origin(case, wanted, tier=2)


def proj_size(case: Case) -> Iterator[Candidate]:
    """Smaller than the hidden size."""
    hidden = case.argument("hidden_size")
    if isinstance(hidden, int) and hidden > 1:
        yield case.set("proj_size", hidden // 2)
    yield case.set("proj_size", 0)


def shuffle(case: Case) -> Iterator[Candidate]:
    """Channels that are a multiple of the factor squared, or a factor that divides."""
    spec, factor = case.arriving(), case.argument(case.parameter)
    if spec is None or len(spec.shape) < 3 or not isinstance(factor, int) or factor < 1:
        return
    channels = spec.shape[-3]
    if case.parameter == "upscale_factor" and isinstance(channels, int):
        square = factor * factor
        yield from resize_origin(case, -(-channels // square) * square, tier=0)
        fitting = [f for f in range(1, 33) if channels % (f * f) == 0]
        yield from project_channels(case, -(-channels // square) * square, tier=1)
    else:
        sides = [s for s in spec.shape[-2:] if isinstance(s, int)]
        fitting = nearest_divisors(gcd(*sides), factor) if sides else []
    for size in sorted(fitting, key=lambda f: abs(f - factor))[:_MOST_SIZES]:
        yield case.set(case.parameter, size, tier=1)


def halves(case: Case) -> Iterator[Candidate]:
    """One more."""
    spec, dim = case.arriving(), case.argument("dim")
    if spec is None or not isinstance(dim, int):
        return
    size = spec.shape[dim]
    if isinstance(size, int):
        yield from resize_origin(case, size + 1, tier=0)
        for other in range(1, len(spec.shape)):
            side = spec.shape[other]
            if isinstance(side, int) and side % 2 == 0:
                yield case.set("dim", other, tier=1)
        yield from case.insert([("torch.nn.Linear", {"out_features": size + 1})], tier=2)


def idle_dropout(case: Case) -> Iterator[Candidate]:
    """A second layer, between which it drops; or none at all."""
    yield case.set("num_layers", 2)
    yield case.set("dropout", 0.0, tier=1)


CANDIDATES = {
    "idle_dropout": idle_dropout,
    "in_size": in_size,
    "shared_size": shared_size,
    "batch_as_features": batch_as_features,
    "in_channels": in_channels,
    "groups": groups,
    "norm_groups": groups,
    "heads": heads,
    "pool_padding": pool_padding,
    "same_padding": same_padding,
    "output_padding": output_padding,
    "normalized_shape": normalized_shape,
    "proj_size": proj_size,
    "shuffle": shuffle,
    "halves": halves,
}
