"""Convolutions and poolings: dimensions, channels, and a window that fits into the picture."""

from __future__ import annotations

from builder.graph.call import Call, show, spread_sizes
from builder.graph.checks.common import has_batch, spatial_dims, words_for_picture
from builder.graph.diagnostics import Finding
from builder.graph.model import Dim, TensorSpec

_AXES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}


def check_rank(call: Call, port: str = "input") -> Finding | None:
    """Dimensions and the place of the batch.

    Torch also takes one picture without a batch. So three dimensions with the batch in front would be
    read as one picture with N channels, and the batch be lost: that is a mistake here.
    """
    spatial, spec = spatial_dims(call.entry), call.tensor(port)
    if spatial is None or spec is None:
        return None
    needs, came = words_for_picture(spatial), call.from_(port)
    rank = len(spec.shape)
    if not has_batch(spec):
        if rank in (spatial + 1, spatial + 2):
            return None
        return call.finding("rank", f"needs {needs} but receives {show(spec)}{came}.", port=port)
    if rank == spatial + 2 and isinstance(spec.shape[0], str):
        if not any(isinstance(size, str) for size in spec.shape[1:]):
            return None
        return call.finding(
            "rank",
            f"needs {needs} but receives {show(spec)}{came}: the batch stands twice.",
            port=port,
        )
    if rank == spatial + 2:
        return call.finding(
            "batch_position",
            f"needs the batch in front, {needs}, but receives {show(spec)}{came}. Permute it first.",
            port=port,
        )
    read = _read_without_batch(call, spec, spatial)
    if read:
        return call.finding(
            "rank",
            f"needs {needs} but receives {show(spec)}{came}. {read}",
            port=port,
            severity="warning",
        )
    way = _way_out(call, rank, spatial)
    return call.finding("rank", f"needs {needs} but receives {show(spec)}{came}. {way}", port=port)


def _read_without_batch(call: Call, spec: TensorSpec, spatial: int) -> str:
    """What torch makes of one dimension too few, where it runs and may be meant; else nothing."""
    if call.entry.family == "dropout" and len(spec.shape) == 2:
        return "Torch takes each feature for a channel here; Dropout says what is meant."
    if len(spec.shape) != spatial + 1:
        return ""
    if call.entry.family == "pooling" and not any(isinstance(d, str) for d in spec.shape[1:]):
        if spatial > 1:  # each sample is one picture: it runs, and may be meant
            return _way_out(call, len(spec.shape), spatial)
        return (
            "Torch reads the batch as channels, which here gives the same. Add a dimension with "
            "unsqueeze to say what is meant."
        )
    if spatial == 1 and call.entry.family == "convolution" and not isinstance(spec.shape[0], str):
        return "Torch reads one sequence without a batch, N as its length."
    return ""


def _way_out(call: Call, rank: int, spatial: int) -> str:
    name = call.entry.name
    if rank == 2 and call.entry.family == "dropout":
        return "Use Dropout for features."
    if rank == 2:
        return f"These are features: unflatten them into a {_thing(spatial)}, or use Linear."
    if rank == spatial + 1:
        return (
            f"Torch would read the batch as channels. Use {name.replace(f'{spatial}d', f'{spatial - 1}d')},"
            " or add a dimension with unsqueeze."
        )
    if rank > spatial + 2 and rank - 2 <= 3:
        return f"Use {name.replace(f'{spatial}d', f'{rank - 2}d')}, or flatten a dimension away."
    return "Bring it to these dimensions with view or flatten."


def _thing(spatial: int) -> str:
    return "sequence" if spatial == 1 else "picture"


def check_channels(call: Call, parameter: str = "in_channels") -> Finding | None:
    """The channels that arrive against those the layer was built for."""
    spatial, spec = spatial_dims(call.entry), call.tensor()
    expected = call.whole(parameter)
    if spec is None or expected is None or spatial is None:
        return None
    axis = len(spec.shape) - spatial - 1
    channels = spec.shape[axis]
    if channels == expected:
        return None
    if call.partner:
        return call.finding(
            "shared_size",
            f"shares the weights of its first call, with {parameter}={expected}, but receives "
            f"{_channels(channels)} ({show(spec)}){call.from_()}. Give it weights of its own.",
            port="input",
            parameter=parameter,
        )
    last = ""
    if spec.shape[-1] == expected and len(spec.shape) == spatial + 2:
        last = " Its channels seem to stand last: permute it, or"
    return call.finding(
        "in_channels",
        f"expects {parameter}={expected} but receives {_channels(channels)} ({show(spec)})"
        f"{call.from_()}.{last} {'set' if last else 'Set'} {parameter} to {channels}.",
        port="input",
        parameter=parameter,
    )


def _channels(count: Dim) -> str:
    return "1 channel" if count == 1 else f"{count} channels"


def check_groups(call: Call) -> Finding | None:
    """groups divides both channel counts."""
    groups = call.whole("groups")
    if not groups or groups < 1:
        return None
    for name in ("in_channels", "out_channels"):
        channels = call.whole(name)
        if channels is not None and channels % groups:
            return call.finding(
                "groups",
                f"splits its channels into groups={groups}, which does not divide {name}={channels}. "
                f"Choose groups that divide {channels}.",
                parameter="groups",
            )
    return None


def check_window(call: Call) -> Finding | None:
    """Kernel (spread by dilation) against the picture with its padding."""
    spatial, spec = spatial_dims(call.entry), call.tensor()
    if spatial is None or spec is None:
        return None
    kernel = spread_sizes(call.argument("kernel_size"), spatial)
    dilation = spread_sizes(call.argument("dilation") or 1, spatial)
    padding = call.argument("padding") or 0
    if kernel is None or dilation is None or padding == "same":
        return None
    sides = (0,) * spatial if padding == "valid" else spread_sizes(padding, spatial)
    if sides is None:
        return None
    picture = spec.shape[len(spec.shape) - spatial :]
    for axis, size, k, d, p in zip(_AXES[spatial], picture, kernel, dilation, sides, strict=True):
        if isinstance(size, int) and d * (k - 1) + 1 > size + 2 * p:
            reach = f"kernel_size={k}" if d == 1 else f"kernel_size={k} with dilation={d}"
            padded = f" (with padding {size + 2 * p})" if p else ""
            return call.finding(
                "kernel_too_large",
                f"has {reach}, larger than the {axis} {size}{padded} that it receives "
                f"({show(spec)}){call.from_()}. Choose a smaller kernel_size or a larger padding, or "
                f"shrink the {_thing(spatial)} less before.",
                port="input",
                parameter="kernel_size",
            )
    return None


def check_pool_padding(call: Call) -> Finding | None:
    """Torch pads a pooling by at most half its kernel."""
    spatial = spatial_dims(call.entry) or 2
    kernel = spread_sizes(call.argument("kernel_size"), spatial)
    padding = spread_sizes(call.argument("padding") or 0, spatial)
    if kernel is None or padding is None:
        return None
    for k, p in zip(kernel, padding, strict=True):
        if p > k // 2:
            return call.finding(
                "pool_padding",
                f"has padding={p}, more than half of kernel_size={k}. Set padding to at most {k // 2}.",
                parameter="padding",
            )
    return None


def check_same_padding(call: Call) -> Finding | None:
    """padding='same' is only defined for stride 1."""
    spatial = spatial_dims(call.entry) or 2
    stride = spread_sizes(call.argument("stride") or 1, spatial)
    if call.argument("padding") == "same" and stride is not None and any(s != 1 for s in stride):
        return call.finding(
            "same_padding",
            "has padding=“same”, which needs stride=1. Set stride to 1, or padding to a number.",
            parameter="stride",
        )
    return None


def check_output_padding(call: Call) -> Finding | None:
    """output_padding must be smaller than stride or dilation."""
    spatial = spatial_dims(call.entry) or 2
    extra = spread_sizes(call.argument("output_padding") or 0, spatial)
    stride = spread_sizes(call.argument("stride") or 1, spatial)
    dilation = spread_sizes(call.argument("dilation") or 1, spatial)
    if extra is None or stride is None or dilation is None:
        return None
    for o, s, d in zip(extra, stride, dilation, strict=True):
        if o >= max(s, d):
            return call.finding(
                "output_padding",
                f"has output_padding={o}, which must be smaller than stride={s} or dilation={d}. Set it "
                f"to at most {max(s, d) - 1}.",
                parameter="output_padding",
            )
    return None


def check_indices(call: Call) -> Finding | None:
    """MaxUnpool needs the places of the maxima, as whole numbers in the shape of its input."""
    spec, indices = call.tensor("input"), call.tensor("indices")
    if spec is None or indices is None:
        return None
    if indices.dtype != "int64" or indices.shape != spec.shape:
        return call.finding(
            "indices",
            f"needs the indices of a MaxPool in the shape {show(spec)} but receives {show(indices)} "
            f"({indices.dtype}){call.from_('indices')}. Set return_indices on the MaxPool and take its "
            "part “indices”.",
            port="indices",
        )
    return None


def check_zero(call: Call) -> Finding | None:
    """A picture that has a side of zero."""
    spec: TensorSpec | None = call.tensor()
    if spec is None or 0 not in spec.shape[1:]:
        return None
    return call.finding(
        "empty",
        f"receives an empty {_thing(spatial_dims(call.entry) or 2)}, {show(spec)}{call.from_()}.",
        port="input",
    )


def check_padded(call: Call) -> Finding | None:
    """A padding of more dimensions than there are behind the batch."""
    spec, spatial = call.tensor(), spatial_dims(call.entry)
    if (
        spec is None
        or spatial is None
        or not any(isinstance(s, str) for s in spec.shape[-spatial:])
    ):
        return None
    return call.finding(
        "rank",
        f"pads the last {spatial} sizes of {show(spec)}{call.from_()}, and the batch is one of them. "
        f"It needs {words_for_picture(spatial)}.",
        port="input",
        severity="warning",
    )


_CONV = (check_rank, check_zero, check_channels, check_groups, check_same_padding, check_window)
_TRANSPOSED = (check_rank, check_zero, check_channels, check_groups, check_output_padding)
_POOL = (check_rank, check_zero, check_pool_padding, check_window)
CHECKS = {
    **{f"torch.nn.Conv{d}d": _CONV for d in (1, 2, 3)},
    **{f"torch.nn.ConvTranspose{d}d": _TRANSPOSED for d in (1, 2, 3)},
    **{f"torch.nn.{kind}Pool{d}d": _POOL for kind in ("Max", "Avg") for d in (1, 2, 3)},
    **{f"torch.nn.functional.{kind}_pool{d}d": _POOL for kind in ("max", "avg") for d in (1, 2)},
    **{f"torch.nn.LPPool{d}d": (check_rank, check_zero, check_window) for d in (1, 2, 3)},
    **{
        f"torch.nn.Adaptive{kind}Pool{d}d": (check_rank, check_zero)
        for kind in ("Max", "Avg")
        for d in (1, 2, 3)
    },
    **{f"torch.nn.FractionalMaxPool{d}d": (check_rank, check_zero, check_window) for d in (2, 3)},
    **{f"torch.nn.MaxUnpool{d}d": (check_rank, check_indices) for d in (1, 2, 3)},
    **{
        f"torch.nn.{kind}Pad{d}d": (check_padded,)
        for kind in ("Zero", "Constant", "Reflection", "Replication", "Circular")
        for d in (1, 2, 3)
    },
    **{f"torch.nn.Dropout{d}d": (check_rank,) for d in (1, 2, 3)},
}
