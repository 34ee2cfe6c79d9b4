"""By hand: pooling, as windows and one number of each."""

from __future__ import annotations

from builder.code.writing.layout import Expression, call
from builder.code.writing.literals import keyword
from builder.code.writing.manual.dense import both_sides, dims_of, padded
from builder.code.writing.manual.recipe import Called, by_hand, numbers
from builder.errors import CodeRefused

_INDICES = "it gives the places of the largest numbers too"


def _size_and_stride(layer: Called, dims: int) -> tuple[Expression, Expression]:
    kernel = layer.sizes("kernel_size", dims)
    given = not layer.is_default("stride")
    return numbers(kernel), numbers(layer.sizes("stride", dims) if given else kernel)


def _rounds_down(layer: Called) -> None:
    layer.refuse_unless_default(ceil_mode="it rounds sizes up (ceil_mode)")


@by_hand("MaxPool1d", "MaxPool2d", "MaxPool3d")
def max_pool(layer: Called) -> Expression:
    dims = dims_of(layer)
    layer.needs_batch(dims + 2)
    _rounds_down(layer)
    layer.refuse_unless_default(return_indices=_INDICES)
    x = padded(layer.x, both_sides(layer, "padding", dims), value='-float("inf")')
    more = []
    if not layer.is_default("dilation"):
        more = [keyword("dilation", numbers(layer.sizes("dilation", dims)))]
    return layer.help("max_pool", x, *_size_and_stride(layer, dims), *more)


@by_hand("AvgPool1d", "AvgPool2d", "AvgPool3d")
def mean_pool(layer: Called) -> Expression:
    dims = dims_of(layer)
    layer.needs_batch(dims + 2)
    _rounds_down(layer)
    pads = both_sides(layer, "padding", dims)
    if layer.entry.parameter("divisor_override"):
        layer.refuse_unless_default(divisor_override="it divides by another number than it counts")
    if any(pad != "0" for pad in pads):
        layer.refuse_unless_default(count_include_pad="it leaves its own padding out of the mean")
    return layer.help("mean_pool", padded(layer.x, pads), *_size_and_stride(layer, dims))


@by_hand("LPPool1d", "LPPool2d", "LPPool3d")
def power_pool(layer: Called) -> Expression:
    dims = dims_of(layer)
    layer.needs_batch(dims + 2)
    _rounds_down(layer)
    sizes = _size_and_stride(layer, dims)
    return layer.help("power_pool", layer.x, layer.written("norm_type"), *sizes)


@by_hand("AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d")
def adaptive_mean(layer: Called) -> Expression:
    """`x.mean(dim=(2, 3), keepdim=True)`, or windows where the sizes divide."""
    windows = _windows(layer)
    if windows is None:
        return _of_all(layer, "mean")
    return layer.help("mean_pool", layer.x, windows, windows)


@by_hand("AdaptiveMaxPool1d", "AdaptiveMaxPool2d", "AdaptiveMaxPool3d")
def adaptive_max(layer: Called) -> Expression:
    layer.refuse_unless_default(return_indices=_INDICES)
    windows = _windows(layer)
    shape = layer.shape()
    if windows is None and shape is not None and all(isinstance(s, int) for s in shape[2:]):
        windows = numbers(tuple(str(size) for size in shape[2:]))
    if windows is None:
        return _of_all(layer, "amax")
    return layer.help("max_pool", layer.x, windows, windows)


def _of_all(layer: Called, function: str) -> Expression:
    dims = numbers(tuple(str(2 + i) for i in range(dims_of(layer))))
    return call(f"{layer.term}.{function}", keyword("dim", dims), "keepdim=True")


def _windows(layer: Called) -> Expression | None:
    """The windows' size that gives the output's; None for one number of all."""
    dims = dims_of(layer)
    layer.needs_batch(dims + 2)
    wanted = layer.literal("output_size")
    wanted = wanted if isinstance(wanted, tuple) else (wanted,) * dims
    if all(size == 1 for size in wanted):
        return None
    shape = layer.shape()
    if shape is None or not all(isinstance(size, int) for size in shape[2:]):
        raise CodeRefused("the sizes it reads are not known, or not the same wherever it is used")
    sizes = []
    for have, want in zip(shape[2:], wanted, strict=True):
        want = have if want is None else want
        if not want or have % want:
            raise CodeRefused(f"its windows would overlap, as {want} does not divide {have}")
        sizes.append(str(have // want))
    return numbers(tuple(sizes))
