"""By hand: linear layers, embeddings, convolutions."""

from __future__ import annotations

from builder.code.writing.layout import Expression, Group, call
from builder.code.writing.literals import keyword, text
from builder.code.writing.manual.recipe import (
    Called,
    Drawn,
    Layer,
    by_hand,
    learning,
    matmul,
    numbers,
    over,
    plus,
    times,
    uniform,
)
from builder.errors import CodeRefused


def with_bias(layer: Layer, size: Expression, fan_in: Expression) -> list[Drawn]:
    """The bias, where the layer has one."""
    return [Drawn("bias", uniform(size, fan_in=fan_in))] if layer.literal("bias") else []


def _linear(layer: Layer) -> list[Drawn]:
    taken, given = layer.written("in_features"), layer.written("out_features")
    return [
        Drawn("weight", uniform(given, taken, fan_in=taken)),
        *with_bias(layer, given, taken),
    ]


@by_hand("Linear", draw=_linear)
def linear(layer: Called) -> Expression:
    """`x @ weight.T + bias`."""
    product = matmul(layer.x, layer.tensor("weight"))
    return plus(product, layer.tensor("bias")) if layer.has("bias") else product


def _bilinear(layer: Layer) -> list[Drawn]:
    one, other = layer.written("in1_features"), layer.written("in2_features")
    given = layer.written("out_features")
    return [
        Drawn("weight", uniform(given, one, other, fan_in=one)),
        *with_bias(layer, given, one),
    ]


@by_hand("Bilinear", draw=_bilinear)
def bilinear(layer: Called) -> Expression:
    product = layer.help(
        "bilinear", layer.port("input1"), layer.port("input2"), layer.tensor("weight")
    )
    return plus(product, layer.tensor("bias")) if layer.has("bias") else product


def _embedding(layer: Layer) -> list[Drawn]:
    layer.refuse_unless_default(
        max_norm="it shortens rows in place as it reads them (max_norm)",
        scale_grad_by_freq="its gradients are scaled by how often a row is read",
        sparse="its gradients are sparse, which autograd gives to nn.Embedding alone",
    )
    size = (layer.written("num_embeddings"), layer.written("embedding_dim"))
    if layer.is_default("padding_idx"):
        return [Drawn("weight", learning("torch.randn", *size))]
    place = keyword("padding_idx", layer.written("padding_idx"))
    return [Drawn("weight", call("table", *size, place))]


@by_hand("Embedding", draw=_embedding)
def embedding(layer: Called) -> Expression:
    """`weight[x]`."""
    if layer.is_default("padding_idx"):
        return Group(f"{layer.tensor('weight')}[", (layer.x,), "]")
    place = layer.written("padding_idx")
    if str(layer.literal("padding_idx")).startswith("-"):
        raise CodeRefused("its padding_idx counts from the end")
    return layer.help("embedding", layer.x, layer.tensor("weight"), place)


# Convolutions ----------------------------------------------------------------------------------

_DIMS = {"1d": 1, "2d": 2, "3d": 3}
_MODES = {"zeros": "", "reflect": "reflect", "replicate": "replicate", "circular": "circular"}


def dims_of(layer: Layer) -> int:
    """How many places a value of the layer has beside batch and channels."""
    return _DIMS[layer.entry.key[-2:]]


def _conv(layer: Layer) -> list[Drawn]:
    kernel = layer.sizes("kernel_size", dims_of(layer))
    taken = over(layer.written("in_channels"), layer.written("groups"))
    given, fan_in = layer.written("out_channels"), times(taken, *kernel)
    return [
        Drawn("weight", uniform(given, taken, *kernel, fan_in=fan_in)),
        *with_bias(layer, given, fan_in),
    ]


@by_hand("Conv1d", "Conv2d", "Conv3d", draw=_conv)
def conv(layer: Called) -> Expression:
    """`conv(F.pad(x, (1, 1, 1, 1)), weight, bias)`."""
    dims = dims_of(layer)
    layer.needs_batch(dims + 2)
    mode = _MODES[layer.literal("padding_mode")]
    x = padded(layer.x, _padding(layer, dims), mode)
    bias = [layer.tensor("bias")] if layer.has("bias") else []
    options = steps(layer, dims)
    if layer.is_default("groups"):
        return layer.help("conv", x, layer.tensor("weight"), *bias, *options)
    items = [layer.tensor("weight"), *(bias or ["None"]), layer.written("groups")]
    return layer.help("grouped_conv", x, *items, *options)


def steps(layer: Layer, dims: int) -> list[Expression]:
    """`stride=(2, 2)` and `dilation=(2, 2)` where they are not 1."""
    return [
        keyword(name, numbers(layer.sizes(name, dims)))
        for name in ("stride", "dilation")
        if not _all(layer, name, 1)
    ]


def _all(layer: Layer, name: str, number: int) -> bool:
    value = layer.value(name)
    return value == number or (isinstance(value, tuple) and all(v == number for v in value))


def padded(x: Expression, pads: tuple[Expression, ...], mode: str = "", **more: str) -> Expression:
    """`F.pad(x, (left, right, top, bottom))`, or x itself where nothing is added."""
    if all(pad == "0" for pad in pads):
        return x
    options = [keyword("mode", text(mode))] if mode else []
    options += [keyword(name, value) for name, value in more.items()]
    return call("F.pad", x, numbers(pads), *options)


def both_sides(layer: Layer, name: str, dims: int) -> tuple[Expression, ...]:
    """What F.pad takes, the last size first, of a padding that is the same on both sides."""
    return tuple(pad for size in reversed(layer.sizes(name, dims)) for pad in (size, size))


def _padding(layer: Layer, dims: int) -> tuple[Expression, ...]:
    value = layer.value("padding")
    if value == "valid":
        return ("0",) * (2 * dims)
    if value != "same":
        return both_sides(layer, "padding", dims)
    kernel, gaps = _counts(layer, "kernel_size", dims), _counts(layer, "dilation", dims)
    totals = [gap * (size - 1) for size, gap in zip(kernel, gaps, strict=True)]
    return tuple(str(p) for total in reversed(totals) for p in (total // 2, total - total // 2))


def _counts(layer: Layer, name: str, dims: int) -> tuple[int, ...]:
    value = layer.literal(name)
    return value if isinstance(value, tuple) else (value,) * dims


def _transposed(layer: Layer) -> list[Drawn]:
    kernel = layer.sizes("kernel_size", dims_of(layer))
    layer.refuse_unless_default(groups="it is transposed and has groups")
    taken, given = layer.written("in_channels"), layer.written("out_channels")
    fan_in = times(given, *kernel)
    return [
        Drawn("weight", uniform(taken, given, *kernel, fan_in=fan_in)),
        *with_bias(layer, given, fan_in),
    ]


@by_hand("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d", draw=_transposed)
def transposed(layer: Called) -> Expression:
    """A convolution of x with zeros between its places, the weight turned back to front."""
    dims = dims_of(layer)
    layer.needs_batch(dims + 2)
    if layer.reads("output_size"):
        raise CodeRefused("its output_size is given when it is called")
    kernel, gaps = _counts(layer, "kernel_size", dims), _counts(layer, "dilation", dims)
    pads, more = _counts(layer, "padding", dims), _counts(layer, "output_padding", dims)
    edges = [gap * (size - 1) - pad for gap, size, pad in zip(gaps, kernel, pads, strict=True)]
    sides = zip(reversed(edges), reversed(more), strict=True)
    amounts = tuple(str(p) for edge, extra in sides for p in (edge, edge + extra))
    x = layer.x
    if not _all(layer, "stride", 1):
        x = layer.help("spread", x, numbers(layer.sizes("stride", dims)))
    bias = [layer.tensor("bias")] if layer.has("bias") else []
    options = [keyword("dilation", numbers(layer.sizes("dilation", dims)))]
    return layer.help(
        "conv",
        padded(x, amounts),
        layer.help("turned", layer.tensor("weight")),
        *bias,
        *([] if _all(layer, "dilation", 1) else options),
    )
