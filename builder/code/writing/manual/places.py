"""By hand: layers that move numbers about: flattening, padding, upsampling, shuffles, distances."""

from __future__ import annotations

from builder.code.writing.layout import Expression, Group, call, flat
from builder.code.writing.literals import keyword, text
from builder.code.writing.manual.dense import padded
from builder.code.writing.manual.recipe import Called, by_hand, numbers
from builder.errors import CodeRefused


@by_hand("Flatten")
def flatten(layer: Called) -> Expression:
    """`x.flatten(1)`."""
    ends = [] if layer.is_default("end_dim") else [keyword("end_dim", layer.written("end_dim"))]
    return call(f"{layer.term}.flatten", layer.written("start_dim"), *ends)


@by_hand("Unflatten")
def unflatten(layer: Called) -> Expression:
    sizes = layer.written("unflattened_size")
    sizes = sizes if isinstance(sizes, Group) else numbers((sizes,))
    return call("torch.unflatten", layer.x, layer.written("dim"), sizes)


def _pad(layer: Called, mode: str = "", **more: str) -> Expression:
    pads = layer.sizes("padding", 2 * int(layer.entry.key[-2]))
    return padded(layer.x, pads, mode, **more)


@by_hand("ZeroPad1d", "ZeroPad2d", "ZeroPad3d")
def zero_pad(layer: Called) -> Expression:
    return _pad(layer)


@by_hand("ConstantPad1d", "ConstantPad2d", "ConstantPad3d")
def constant_pad(layer: Called) -> Expression:
    return _pad(layer, value=flat(layer.written("value")))


@by_hand("ReflectionPad1d", "ReflectionPad2d", "ReflectionPad3d")
def reflection_pad(layer: Called) -> Expression:
    return _pad(layer, "reflect")


@by_hand("ReplicationPad1d", "ReplicationPad2d", "ReplicationPad3d")
def replication_pad(layer: Called) -> Expression:
    return _pad(layer, "replicate")


@by_hand("CircularPad1d", "CircularPad2d", "CircularPad3d")
def circular_pad(layer: Called) -> Expression:
    return _pad(layer, "circular")


@by_hand("Upsample", "UpsamplingNearest2d")
def upsample(layer: Called) -> Expression:
    """Each number several times: `x.repeat_interleave(2, dim=2)`, for every place."""
    if layer.entry.parameter("mode") and layer.literal("mode") != "nearest":
        raise CodeRefused(
            f"{text(layer.literal('mode'))} mixes neighbours, which has no short formula"
        )
    scale, shape = layer.literal("scale_factor"), layer.shape()
    if scale is None or shape is None:
        raise CodeRefused("it is made for a size, not to grow by a whole number")
    scales = scale if isinstance(scale, tuple) else (scale,) * (len(shape) - 2)
    if any(each != int(each) or each < 1 for each in scales):
        raise CodeRefused("it does not grow by a whole number")
    value = layer.x
    for dim, each in enumerate(scales, start=2):
        value = call(f"{flat(value)}.repeat_interleave", str(int(each)), keyword("dim", str(dim)))
    return value


@by_hand("PixelShuffle")
def pixel_shuffle(layer: Called) -> Expression:
    return layer.help("pixel_shuffle", layer.x, layer.written("upscale_factor"))


@by_hand("PixelUnshuffle")
def pixel_unshuffle(layer: Called) -> Expression:
    return layer.help("pixel_unshuffle", layer.x, layer.written("downscale_factor"))


@by_hand("ChannelShuffle")
def channel_shuffle(layer: Called) -> Expression:
    groups = layer.written("groups")
    return layer.help("channel_shuffle", layer.x, groups)


@by_hand("CosineSimilarity")
def cosine_similarity(layer: Called) -> Expression:
    options = layer.optional(dim="dim", eps="eps")
    return layer.help("cosine_similarity", layer.port("x1"), layer.port("x2"), *options)


@by_hand("PairwiseDistance")
def pairwise_distance(layer: Called) -> Expression:
    """`((x1 - x2 + 1e-06).abs() ** 2.0).sum(dim=-1) ** 0.5`, by a helper."""
    layer.refuse_unless_default(keepdim="it keeps a size of 1 behind")
    options = layer.optional(p="p", eps="eps")
    return layer.help("distance", layer.port("x1"), layer.port("x2"), *options)
