"""Tensors that a network owns itself, without a layer: a parameter learns, a buffer is only kept.

No layers and no operations, so `catalogue.entries` leaves them out; `catalogue.get` knows them, and
forms, checks and the palette read their entries as any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from builder.catalogue.entry import Entry, Parameter
from builder.catalogue.literals import DTYPES
from builder.catalogue.rules import LARGEST_SIZE

INITS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "zeros": (),
        "ones": (),
        "constant": ("value",),
        "normal": ("mean", "std"),
        "uniform": ("low", "high"),
        "trunc_normal": ("mean", "std", "low", "high"),
        "xavier_uniform": ("gain",),
        "xavier_normal": ("gain",),
        "kaiming_uniform": ("a", "mode", "nonlinearity"),
        "kaiming_normal": ("a", "mode", "nonlinearity"),
        "orthogonal": ("gain",),
        "eye": (),
        "empty": (),
        "made": ("made_by",),
    }
)
"""How a tensor gets its first values, with the arguments each way reads. "made": by the operations of
a block without inputs and with one output (`made_by`), whose settings are arguments too."""

DRAWN: Final = frozenset(
    {"normal", "uniform", "trunc_normal", "orthogonal"}
    | {f"{name}_{kind}" for name in ("xavier", "kaiming") for kind in ("uniform", "normal")}
)
"""The ways that draw random numbers, which whole numbers cannot hold."""

_NONLINEARITIES: Final = (
    *("linear", "relu", "leaky_relu", "selu", "tanh", "sigmoid", "conv1d", "conv2d", "conv3d"),
    *("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"),
)


def _number(name: str, default: float, help: str) -> Parameter:
    return Parameter(name, "float", default, help=help)


_FIRST: Final = (
    Parameter(
        "size",
        "ints",
        minimum=0,
        maximum=LARGEST_SIZE,
        suggested=(64,),
        help="The sizes of the tensor, without the batch: 1, 65, 128.",
    ),
    Parameter(
        "init",
        "choice",
        "zeros",
        choices=tuple(INITS),
        help="How it gets its first values.",
    ),
    Parameter("dtype", "dtype", "float32", choices=DTYPES, help="The type of its numbers."),
)
_DETAILS: Final = (
    _number("value", 0.0, "Every number of it, with init constant."),
    _number("mean", 0.0, "The mean that is drawn around, with init normal."),
    _number("std", 1.0, "The standard deviation, with init normal."),
    _number("low", 0.0, "The smallest value, with init uniform; trunc_normal cuts there (-2)."),
    _number("high", 1.0, "The largest value, with init uniform; trunc_normal cuts there (2)."),
    _number("gain", 1.0, "A factor on the spread, with init xavier and orthogonal."),
    _number("a", 0.0, "The slope of the leaky ReLU behind it, with init kaiming."),
    Parameter(
        "mode",
        "choice",
        "fan_in",
        choices=("fan_in", "fan_out"),
        help="Which size the spread follows, with init kaiming.",
    ),
    Parameter(
        "nonlinearity",
        "choice",
        "leaky_relu",
        choices=_NONLINEARITIES,
        help="What follows, with init kaiming.",
    ),
    Parameter(
        "made_by",
        "str",
        None,
        optional=True,
        help="The block whose operations make it, with init made.",
    ),
)


def _flag(name: str, help: str) -> Parameter:
    return Parameter(name, "bool", True, help=help)


TENSORS: Final[Mapping[str, Entry]] = MappingProxyType(
    {
        "parameter": Entry(
            "parameter",
            "Parameter",
            "tensor",
            "other",
            (*_FIRST, _flag("requires_grad", "Whether it learns."), *_DETAILS),
            ports=(),
            help="A tensor of your own that learns: nn.Parameter, read wherever a wire takes it.",
            link="https://docs.pytorch.org/docs/stable/generated/torch.nn.parameter.Parameter.html",
            words=("raw tensor", "weight", "bias", "cls token", "position embedding", "scale"),
        ),
        "buffer": Entry(
            "buffer",
            "Buffer",
            "tensor",
            "other",
            (
                *_FIRST,
                _flag("persistent", "Whether it is saved with the network's weights."),
                *_DETAILS,
            ),
            ports=(),
            help="A tensor of your own that is kept and does not learn: register_buffer.",
            link="https://docs.pytorch.org/docs/stable/generated/torch.nn.parameter.Buffer.html",
            words=("register buffer", "constant tensor", "mask", "positional encoding"),
        ),
    }
)
"""By owner target."""


def read_by(init: object) -> tuple[str, ...]:
    """The arguments that a way of filling a tensor reads; all of them where it is unknown."""
    known = INITS.get(init) if isinstance(init, str) else None
    return known if known is not None else tuple(p.name for p in _DETAILS)
