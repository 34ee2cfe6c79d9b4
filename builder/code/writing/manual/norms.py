"""By hand: normalization, and the running statistics it keeps."""

from __future__ import annotations

from builder.code.writing.layout import Expression, Group, Infix, call
from builder.code.writing.manual.recipe import Called, Drawn, Layer, by_hand, learning, plus
from builder.errors import CodeRefused


def _scale_and_shift(layer: Layer, affine: str, *size: Expression) -> list[Drawn]:
    if not layer.literal(affine):
        return []
    drawn = [Drawn("weight", learning("torch.ones", *size))]
    has_bias = layer.entry.parameter("bias") is not None and layer.literal("bias")
    return drawn + ([Drawn("bias", learning("torch.zeros", *size))] if has_bias else [])


def _tensors(layer: Called) -> list[Expression]:
    return [layer.tensor(name) for name in ("weight", "bias") if layer.has(name)]


def _batch(layer: Layer) -> list[Drawn]:
    size = layer.written("num_features")
    drawn = _scale_and_shift(layer, "affine", size)
    if layer.literal("track_running_stats"):
        drawn += [
            Drawn("running_mean", call("torch.zeros", size), learns=False),
            Drawn("running_var", call("torch.ones", size), learns=False),
        ]
    return drawn


@by_hand("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", draw=_batch)
def batch_norm(layer: Called) -> Expression:
    if layer.literal("momentum") is None:
        raise CodeRefused("its running statistics are the mean of all batches (momentum=None)")
    if not layer.has("running_mean"):
        raise CodeRefused("it keeps no running statistics")
    statistics = layer.tensor("running_mean"), layer.tensor("running_var")
    options = layer.optional(momentum="momentum", eps="eps")
    return layer.help(
        "batch_norm", layer.x, *statistics, layer.training(), *_tensors(layer), *options
    )


@by_hand("InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d", draw=_batch)
def instance_norm(layer: Called) -> Expression:
    layer.needs_batch(2 + int(layer.entry.key[-2]))
    layer.refuse_unless_default(track_running_stats="it keeps running statistics")
    return layer.help("instance_norm", layer.x, *_tensors(layer), *layer.optional(eps="eps"))


def _group(layer: Layer) -> list[Drawn]:
    return _scale_and_shift(layer, "affine", layer.written("num_channels"))


@by_hand("GroupNorm", draw=_group)
def group_norm(layer: Called) -> Expression:
    groups = layer.written("num_groups")
    return layer.help("group_norm", layer.x, groups, *_tensors(layer), *layer.optional(eps="eps"))


def _normalized(layer: Layer) -> list[Drawn]:
    size = layer.written("normalized_shape")
    sizes = size.items if isinstance(size, Group) else (size,)
    return _scale_and_shift(layer, "elementwise_affine", *sizes)


def _dims(layer: Layer) -> int:
    shape = layer.value("normalized_shape")
    return len(shape) if isinstance(shape, tuple) else 1


@by_hand("LayerNorm", draw=_normalized)
def layer_norm(layer: Called) -> Expression:
    """`layer_norm(x) * weight + bias`."""
    dims = _dims(layer)
    options = [f"dims={dims}"] if dims != 1 else []
    x: Expression = layer.help("layer_norm", layer.x, *options, *layer.optional(eps="eps"))
    if layer.has("weight"):
        x = Infix((x, layer.tensor("weight")), ("*",))
    return plus(x, layer.tensor("bias")) if layer.has("bias") else x


@by_hand("RMSNorm", draw=_normalized)
def rms_norm(layer: Called) -> Expression:
    """`rms_norm(x) * weight`."""
    dims = _dims(layer)
    options = [f"dims={dims}"] if dims != 1 else []
    x = layer.help("rms_norm", layer.x, *options, *layer.optional(eps="eps"))
    return Infix((x, layer.tensor("weight")), ("*",)) if layer.has("weight") else x


@by_hand("LocalResponseNorm")
def local_response_norm(layer: Called) -> Expression:
    options = layer.optional(alpha="alpha", beta="beta", k="k")
    return layer.help("local_response_norm", layer.x, layer.written("size"), *options)
