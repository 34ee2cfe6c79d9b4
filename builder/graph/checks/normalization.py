"""Normalization layers: dimensions, channels, and groups that divide them."""

from __future__ import annotations

from builder.graph.call import Call, show
from builder.graph.checks.common import has_batch, spatial_dims
from builder.graph.checks.pictures import check_channels, check_rank
from builder.graph.diagnostics import Finding

_RANKS = {1: (2, 3), 2: (4,), 3: (5,)}
_NEEDS = {
    1: "N×features or N×channels×length",
    2: "N×channels×height×width",
    3: "N×channels×depth×height×width",
}


def check_batch_norm(call: Call) -> Finding | None:
    """Dimensions, and that num_features is the second size."""
    spec, spatial = call.tensor(), spatial_dims(call.entry)
    if spec is None or spatial is None:
        return None
    rank, came = len(spec.shape), call.from_()
    if rank not in _RANKS[spatial]:
        fitting = next((d for d, ranks in _RANKS.items() if rank in ranks), None)
        way = f"Use BatchNorm{fitting}d." if fitting else "Bring it to these dimensions first."
        if rank == spatial + 1 and not has_batch(spec):
            way = "Give the input a batch: put N in front of its sizes."
        return call.finding(
            "norm_rank",
            f"needs {_NEEDS[spatial]} but receives {show(spec)}{came}. {way}",
            port="input",
        )
    return _check_channels(call, "num_features", 1)


def check_eps(call: Call) -> Finding | None:
    """Torch refuses a BatchNorm without an eps, though only once it runs."""
    eps = call.argument("eps")
    if not isinstance(eps, int | float) or eps > 0:
        return None
    return call.finding(
        "value",
        f"has eps={eps}, which must be above 0. Leave it out for 1e-05.",
        parameter="eps",
    )


def check_instance_norm(call: Call) -> Finding | None:
    """Dimensions, channels, and more than one value to take the deviation of."""
    spec, spatial = call.tensor(), spatial_dims(call.entry)
    if spec is None or spatial is None:
        return None
    found = check_rank(call)
    if found is not None:
        rank = len(spec.shape) - 2
        kind = "norm_rank" if rank in (1, 2, 3) and rank != spatial else found.kind
        return call.finding(kind, found.message.removeprefix(f"{call.who} "), port="input")
    if all(size == 1 for size in spec.shape[len(spec.shape) - spatial :]):
        return call.finding(
            "one_value",
            f"takes the deviation of each channel, but receives one value in each ({show(spec)})"
            f"{call.from_()}. Take it out, or shrink the {'sequence' if spatial == 1 else 'picture'} less "
            "before.",
            port="input",
        )
    return check_channels(call, "num_features") if has_batch(spec) else None


def check_one_value(call: Call) -> Finding | None:
    """BatchNorm on one sample with one value in each channel has nothing to normalise."""
    spec = call.tensor()
    if spec is None or has_batch(spec):
        return None
    values = 1
    for axis, size in enumerate(spec.shape):
        values *= size if axis != 1 and isinstance(size, int) else 1
    if values != 1:
        return None
    return call.finding(
        "one_value",
        f"needs more than one value in each channel while training, but receives {show(spec)}"
        f"{call.from_()}. Give the input a batch: write N for its first size.",
        port="input",
    )


def check_layer_norm(call: Call) -> Finding | None:
    """normalized_shape against the last sizes."""
    spec = call.tensor()
    wanted = call.argument("normalized_shape")
    if spec is None:
        return None
    if wanted is None:
        wanted = (0,)  # it could not follow its input: the last size is the batch, or there is none
    sizes = wanted if isinstance(wanted, tuple) else (wanted,)
    if tuple(spec.shape[-len(sizes) :]) == sizes and len(sizes) <= len(spec.shape):
        return None
    last = spec.shape[-min(len(sizes), len(spec.shape)) :]
    if not last or any(isinstance(size, str) for size in last):
        return call.finding(
            "batch_as_features",
            f"normalises the last {_sizes(len(sizes))}, but receives {show(spec)}{call.from_()}, where "
            f"that {'is' if len(sizes) == 1 else 'includes'} the batch. "
            f"{'Permute the batch to the front' if len(sizes) == 1 else 'Choose fewer sizes'}.",
            port=call.first,
            parameter="normalized_shape",
        )
    fitting = show(last[0] if len(last) == 1 else tuple(last))
    return call.finding(
        "normalized_shape",
        f"expects normalized_shape={show(wanted)} but receives {show(spec)}{call.from_()}. Set "
        f"normalized_shape to {fitting}.",
        port=call.first,
        parameter="normalized_shape",
    )


def _sizes(count: int) -> str:
    return "size" if count == 1 else f"{count} sizes"


def check_group_norm(call: Call) -> Finding | None:
    """num_channels is the second size, and num_groups divides it."""
    spec = call.tensor()
    if spec is not None and len(spec.shape) < 2:
        return call.finding(
            "rank", f"needs N×channels×… but receives {show(spec)}{call.from_()}.", port="input"
        )
    found = _check_channels(call, "num_channels", 1)
    if found:
        return found
    groups, channels = call.whole("num_groups"), call.whole("num_channels")
    if groups and channels and channels % groups:
        return call.finding(
            "norm_groups",
            f"splits {channels} channels into num_groups={groups}, which does not divide them. Choose "
            f"a num_groups that divides {channels}.",
            parameter="num_groups",
        )
    return None


def _check_channels(call: Call, parameter: str, axis: int) -> Finding | None:
    spec, expected = call.tensor(), call.whole(parameter)
    if spec is None:
        return None
    channels, came = spec.shape[axis], call.from_()
    if isinstance(channels, str):
        return call.finding(
            "batch_position",
            f"normalises over the second size, which is the batch in {show(spec)}{came}. Permute the "
            "batch to the front.",
            port="input",
        )
    if expected is None or channels == expected:
        return None
    if call.partner:
        return call.finding(
            "shared_size",
            f"shares the weights of its first call, with {parameter}={expected}, but receives "
            f"{channels} ({show(spec)}){came}. Give it weights of its own.",
            port="input",
            parameter=parameter,
        )
    return call.finding(
        "in_channels",
        f"expects {parameter}={expected} but receives {channels} ({show(spec)}){came}. "
        f"Set {parameter} to {channels}.",
        port="input",
        parameter=parameter,
    )


CHECKS = {
    **{
        f"torch.nn.BatchNorm{d}d": (check_eps, check_batch_norm, check_one_value) for d in (1, 2, 3)
    },
    **{f"torch.nn.InstanceNorm{d}d": (check_instance_norm,) for d in (1, 2, 3)},
    "torch.nn.LayerNorm": (check_layer_norm,),
    "torch.nn.RMSNorm": (check_layer_norm,),
    "torch.nn.functional.layer_norm": (check_layer_norm,),
    "torch.nn.functional.rms_norm": (check_layer_norm,),
    "torch.nn.GroupNorm": (check_group_norm,),
}
