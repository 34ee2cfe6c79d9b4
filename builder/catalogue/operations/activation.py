"""Activations of torch.nn.functional: element by element, or along one dimension."""

from __future__ import annotations

from typing import Final

from builder.catalogue.entry import Parameter
from builder.catalogue.operations.declare import F, Operation, X, choice, dim, op, real


def _activation(name: str, *parameters: Parameter, words: str = "", help: str = "") -> Operation:
    return op(F + name, "activation", X, *parameters, words=words, help=help)


ACTIVATION: Final[tuple[Operation, ...]] = (
    _activation("relu", words="rectified linear unit, rectifier, nonlinearity"),
    _activation("relu6", words="clipped relu, mobilenet"),
    _activation(
        "gelu",
        choice("approximate", "none", "none tanh", help="Exactly, or by a formula with tanh."),
        words="gaussian error linear unit, transformer activation",
        help="Applies the Gaussian Error Linear Units function element-wise.",
    ),
    _activation("silu", words="swish, sigmoid linear unit"),
    _activation("mish"),
    _activation(
        "elu",
        real("alpha", 1.0, help="The value for large negative inputs is -alpha."),
        words="exponential linear unit",
    ),
    _activation(
        "selu",
        help="Applies the scaled exponential linear unit element-wise.",
        words="scaled exponential linear unit, self normalizing",
    ),
    _activation("celu", real("alpha", 1.0, help="How soon negative inputs level off.")),
    _activation(
        "leaky_relu",
        real("negative_slope", 0.01, help="The slope for negative inputs."),
        words="leaky rectifier",
    ),
    _activation(
        "softplus",
        real("beta", 1.0, help="How sharp the bend is."),
        real("threshold", 20.0, help="Values above this revert to a linear function."),
        words="smooth relu",
        help="Applies the Softplus function element-wise.",
    ),
    _activation("softsign"),
    _activation(
        "hardtanh",
        real("min_val", -1.0, help="The smallest value."),
        real("max_val", 1.0, help="The largest value."),
        words="clip",
    ),
    _activation("hardswish", words="mobilenet"),
    _activation("hardsigmoid", words="mobilenet"),
    _activation("tanhshrink"),
    _activation("logsigmoid", words="log of the sigmoid"),
    _activation("glu", dim(-1), words="gated linear unit, gate"),
    _activation(
        "softmax",
        dim(suggested=-1),
        words="probabilities, normalize to one, attention weights, class probabilities",
    ),
    _activation("log_softmax", dim(suggested=-1), words="log probabilities, nll"),
    _activation("softmin", dim(suggested=-1)),
    op(
        "torch.sigmoid",
        "activation",
        X,
        doc=F + "sigmoid",
        words="logistic, probability, squash, gate",
    ),
    op("torch.tanh", "activation", X, doc=F + "tanh", words="hyperbolic tangent, squash"),
)
