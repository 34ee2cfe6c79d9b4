"""By hand: activations and dropout, each by its formula."""

from __future__ import annotations

from builder.code.writing.layout import Expression, Infix, call, flat
from builder.code.writing.literals import keyword
from builder.code.writing.manual.recipe import Called, Drawn, Layer, by_hand, learning, numbers
from builder.errors import CodeRefused


@by_hand("Identity")
def identity(layer: Called) -> Expression:
    return layer.x


@by_hand("ReLU")
def relu(layer: Called) -> Expression:
    """`torch.where(x <= 0, 0.0, x)`: at 0 its gradient is 0, as in nn.ReLU and not as in clamp."""
    return _between(layer, "0.0", None)


@by_hand("ReLU6")
def relu6(layer: Called) -> Expression:
    return _between(layer, "0.0", "6.0")


@by_hand("Hardtanh")
def hardtanh(layer: Called) -> Expression:
    return _between(layer, *(flat(layer.written(f"{n}_val")) for n in ("min", "max")))


def _between(layer: Called, low: str, high: str | None) -> Expression:
    """x with no number below or above, and no gradient where it reaches a bound."""
    inner = layer.x
    if high is not None:
        inner = call("torch.where", f"{layer.term} >= {high.removesuffix('.0')}", high, inner)
    return call("torch.where", f"{layer.term} <= {low.removesuffix('.0')}", low, inner)


@by_hand("Sigmoid")
def sigmoid(layer: Called) -> Expression:
    return call("torch.sigmoid", layer.x)


@by_hand("Tanh")
def tanh(layer: Called) -> Expression:
    return call("torch.tanh", layer.x)


@by_hand("SiLU")
def silu(layer: Called) -> Expression:
    """`x * torch.sigmoid(x)`."""
    return _product(layer.term, call("torch.sigmoid", layer.x))


@by_hand("Softsign")
def softsign(layer: Called) -> Expression:
    """`x / (1 + x.abs())`."""
    return Infix((layer.term, f"(1 + {layer.term}.abs())"), ("/",))


@by_hand("Tanhshrink")
def tanhshrink(layer: Called) -> Expression:
    return Infix((layer.term, call("torch.tanh", layer.x)), ("-",))


@by_hand("Hardsigmoid")
def hardsigmoid(layer: Called) -> Expression:
    """`torch.where(x >= 3, 1.0, torch.where(x <= -3, 0.0, x / 6 + 0.5))`, still at ±3 as torch's own."""
    line = Infix((f"{layer.term} / 6", "0.5"), ("+",))
    above_low = call("torch.where", f"{layer.term} <= -3", "0.0", line)
    return call("torch.where", f"{layer.term} >= 3", "1.0", above_low)


@by_hand("Hardswish")
def hardswish(layer: Called) -> Expression:
    """x times its hardsigmoid: its gradient is 0 at -3, and 1 at 3."""
    return Infix((layer.term, hardsigmoid(layer)), ("*",))


@by_hand("Hardshrink")
def hardshrink(layer: Called) -> Expression:
    """0 where x is small."""
    return call("torch.where", f"{layer.term}.abs() > {_number(layer, 'lambd')}", layer.x, "0.0")


@by_hand("Softshrink")
def softshrink(layer: Called) -> Expression:
    """`x - x.clamp(min=-0.5, max=0.5)`."""
    bound = _number(layer, "lambd")
    return Infix((layer.term, f"{layer.term}.clamp(min=-{bound}, max={bound})"), ("-",))


@by_hand("Threshold")
def threshold(layer: Called) -> Expression:
    above = f"{layer.term} > {_number(layer, 'threshold')}"
    return call("torch.where", above, layer.x, _number(layer, "value"))


@by_hand("Softmax")
def softmax(layer: Called) -> Expression:
    return layer.help("softmax", layer.x, keyword("dim", str(_dim(layer))))


@by_hand("LogSoftmax")
def log_softmax(layer: Called) -> Expression:
    return layer.help("log_softmax", layer.x, keyword("dim", str(_dim(layer))))


@by_hand("Softmin")
def softmin(layer: Called) -> Expression:
    return layer.help("softmax", f"-{layer.term}", keyword("dim", str(_dim(layer))))


@by_hand("Softmax2d")
def softmax2d(layer: Called) -> Expression:
    return layer.help("softmax", layer.x, keyword("dim", "-3"))


@by_hand("LogSigmoid")
def logsigmoid(layer: Called) -> Expression:
    """`-softplus(-x)`."""
    return f"-{flat(layer.help('softplus', f'-{layer.term}'))}"


@by_hand("GELU")
def gelu(layer: Called) -> Expression:
    exact = layer.literal("approximate") == "none"
    return layer.help("gelu" if exact else "gelu_tanh", layer.x)


@by_hand("LeakyReLU")
def leaky_relu(layer: Called) -> Expression:
    return layer.help("leaky_relu", layer.x, *layer.optional(slope="negative_slope"))


@by_hand("ELU")
def elu(layer: Called) -> Expression:
    return layer.help("elu", layer.x, *layer.optional(alpha="alpha"))


@by_hand("CELU")
def celu(layer: Called) -> Expression:
    """elu of x over alpha, times alpha."""
    alpha = _number(layer, "alpha")
    if layer.is_default("alpha"):
        return layer.help("elu", layer.x)
    return layer.help("celu", layer.x, alpha)


@by_hand("SELU")
def selu(layer: Called) -> Expression:
    return layer.help("selu", layer.x)


@by_hand("Mish")
def mish(layer: Called) -> Expression:
    return layer.help("mish", layer.x)


@by_hand("Softplus")
def softplus(layer: Called) -> Expression:
    options = layer.optional(beta="beta", threshold="threshold")
    return layer.help("softplus", layer.x, *options)


@by_hand("GLU")
def glu(layer: Called) -> Expression:
    return layer.help("glu", layer.x, *layer.optional(dim="dim"))


@by_hand("RReLU")
def rrelu(layer: Called) -> Expression:
    bounds = layer.written("lower"), layer.written("upper")
    return layer.help("rrelu", layer.x, *bounds, layer.training())


def _slopes(layer: Layer) -> list[Drawn]:
    sizes = (layer.written("num_parameters"),)
    return [Drawn("weight", learning("torch.full", numbers(sizes), layer.written("init")))]


@by_hand("PReLU", draw=_slopes)
def prelu(layer: Called) -> Expression:
    slope = layer.tensor("weight")
    shape = layer.shape()
    if layer.literal("num_parameters") != 1:
        if shape is None:
            raise CodeRefused("it has a slope for each channel, and the input's shape is unknown")
        if len(shape) > 2:
            ones = ", ".join("1" for _ in shape[2:])
            slope = f"{slope}.view(-1, {ones})"
    return layer.help("leaky_relu", layer.x, slope)


# Dropout ----------------------------------------------------------------------------------------


@by_hand("Dropout")
def dropout(layer: Called) -> Expression:
    return _dropped(layer, "dropout")


@by_hand("Dropout1d", "Dropout2d", "Dropout3d")
def channel_dropout(layer: Called) -> Expression:
    layer.needs_batch(2 + int(layer.entry.key[-2]))
    return _dropped(layer, "channel_dropout")


@by_hand("AlphaDropout")
def alpha_dropout(layer: Called) -> Expression:
    return _dropped(layer, "alpha_dropout")


@by_hand("FeatureAlphaDropout")
def feature_alpha_dropout(layer: Called) -> Expression:
    return _dropped(layer, "alpha_dropout", keyword("channels", "True"))


def _dropped(layer: Called, helper: str, *more: Expression) -> Expression:
    if layer.value("p") == 1:
        raise CodeRefused("it drops everything, so that nothing is left to scale")
    items = [layer.x, keyword("p", layer.written("p")), keyword("training", layer.training())]
    return layer.help(helper, *items, *more)


# Small parts ------------------------------------------------------------------------------------


def _product(one: str, other: Expression) -> Infix:
    return Infix((one, other), ("*",))


def _number(layer: Called, name: str) -> str:
    """A number in a formula."""
    return flat(layer.written(name))


def _dim(layer: Called) -> int:
    """The axis; without one torch takes 0 for one, and three sizes, else 1."""
    dim = layer.literal("dim")
    if isinstance(dim, int):
        return dim
    shape = layer.shape()
    if shape is None:
        raise CodeRefused("it has no dim, and the input's shape is unknown")
    return 0 if len(shape) in (0, 1, 3) else 1
