"""Tensors made from nothing, and values written into a tensor: what people's code does in `forward`.

They stand in no palette: a network that is drawn has parameters and buffers for its own tensors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from builder.catalogue.entry import REQUIRED, Entry, Parameter, Port
from builder.catalogue.literals import DTYPES

_DTYPE: Final = Parameter(
    "dtype", "dtype", None, optional=True, choices=DTYPES, help="The type of the result."
)
LEADING: Final = frozenset({("torch.arange", "start")})
"""Arguments that may be left out in front of one that is needed, as Python's range has it."""
DEVICE: Final = "device"
"""The port of a tensor on whose device another one is made: written `device=x.device`."""
_SIZE: Final = Parameter("size", "ints", REQUIRED, scalar=True, minimum=0, help="The shape.")


def _number(name: str, default: object = REQUIRED) -> Parameter:
    return Parameter(name, "float", default, optional=default is not REQUIRED)


def _whole(name: str, default: object = REQUIRED) -> Parameter:
    return Parameter(name, "int", default, optional=default is not REQUIRED)


def _made(name: str, *parameters: Parameter) -> Entry:
    every = (*parameters, _DTYPE)
    return Entry(
        key=f"torch.{name}",
        name=name,
        kind="operation",
        family="other",
        call_parameters=every,
        ports=(Port(DEVICE, optional=True),),
        form="function",
        order=(*(p.name for p in every), DEVICE),
        help="A tensor made in forward.",
    )


_SETITEM: Final = Entry(
    key="operator.setitem",
    name="setitem",
    kind="operation",
    family="shape",
    call_parameters=(Parameter("index", "index"),),
    ports=(Port("input"), Port("value", number=True)),
    form="function",
    order=("input", "index", "value"),
    help="Writes a value into a part of a tensor, and gives that tensor.",
)

MAKING: Final[Mapping[str, Entry]] = {
    entry.key: entry
    for entry in (
        _made("zeros", _SIZE),
        _made("ones", _SIZE),
        _made("empty", _SIZE),
        _made("full", _SIZE, _number("fill_value")),
        _made("randn", _SIZE),
        _made("rand", _SIZE),
        _made("randint", _whole("low"), _whole("high"), _SIZE),
        _made("randperm", _whole("n")),
        _made("arange", _number("start", 0), _number("end"), _number("step", 1)),
        _made("linspace", _number("start"), _number("end"), _whole("steps")),
        _made("logspace", _number("start"), _number("end"), _whole("steps"), _number("base", 10.0)),
        _made("eye", _whole("n"), _whole("m", None)),
        _made("tensor", Parameter("data", "numbers")),
        _made("tril_indices", _whole("row"), _whole("col"), _whole("offset", 0)),
        _made("triu_indices", _whole("row"), _whole("col"), _whole("offset", 0)),
        _SETITEM,
    )
}
