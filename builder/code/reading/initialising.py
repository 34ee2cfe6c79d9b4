"""`nn.init.…_(tensor)`: how a parameter of the text starts. Of layers it is left to PyTorch."""

from __future__ import annotations

import math
from typing import Any, Final

from torch import nn

from builder.code.reading import in_forward
from builder.code.reading.reader import Reader
from builder.code.reading.trace import Raw
from builder.code.reading.values import Tensor, plain

_ARGUMENTS: Final[dict[str, tuple[str, tuple[tuple[str, str, Any], ...]]]] = {
    "normal_": ("normal", (("mean", "mean", 0.0), ("std", "std", 1.0))),
    "uniform_": ("uniform", (("a", "low", 0.0), ("b", "high", 1.0))),
    "zeros_": ("zeros", ()),
    "ones_": ("ones", ()),
    "constant_": ("constant", (("val", "value", 0.0),)),
    "xavier_uniform_": ("xavier_uniform", (("gain", "gain", 1.0),)),
    "xavier_normal_": ("xavier_normal", (("gain", "gain", 1.0),)),
    "kaiming_uniform_": (
        "kaiming_uniform",
        (
            ("a", "a", 0.0),
            ("mode", "mode", "fan_in"),
            ("nonlinearity", "nonlinearity", "leaky_relu"),
        ),
    ),
    "kaiming_normal_": (
        "kaiming_normal",
        (
            ("a", "a", 0.0),
            ("mode", "mode", "fan_in"),
            ("nonlinearity", "nonlinearity", "leaky_relu"),
        ),
    ),
    "trunc_normal_": (
        "trunc_normal",
        (("mean", "mean", 0.0), ("std", "std", 1.0), ("a", "low", -2.0), ("b", "high", 2.0)),
    ),
    "orthogonal_": ("orthogonal", (("gain", "gain", 1.0),)),
    "eye_": ("eye", ()),
}
_DRAWN: Final = frozenset({"xavier", "kaiming", "orthogonal", "normal", "uniform", "trunc"})


def filled(reader: Reader, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """What the tensor starts as; the tensor itself is given back."""
    target = args[0] if args else kwargs.get("tensor")
    known = _ARGUMENTS.get(name)
    if name == "calculate_gain":
        return _gain(reader, args, kwargs)
    if name in ("_calculate_fan_in_and_fan_out", "_calculate_correct_fan"):
        return _fans(reader, target, args[1:] or [kwargs.get("mode")])
    in_forward.refuse_change(reader, f"nn.init.{name[:40]} fills a tensor")
    if isinstance(target, Raw) and known is not None:
        init, parameters = known
        details = {}
        for place, (theirs, ours, default) in enumerate(parameters, 1):
            value = plain(args[place] if len(args) > place else kwargs.get(theirs, default))
            value = float(value) if isinstance(default, float) and isinstance(value, int) else value
            if isinstance(value, type(default)) and (value != default or init == "constant"):
                details[ours] = value
        target.initialised = (init, details)
        return target
    if not isinstance(target, Tensor | Raw):
        reader.note("How the layers' weights start is left to PyTorch; a checkpoint brings others.")
    return target


def _gain(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    name = plain(args[0] if args else kwargs.get("nonlinearity"))
    parameter = plain(args[1] if len(args) > 1 else kwargs.get("param"))
    if not isinstance(name, str) or not isinstance(parameter, int | float | None):
        return reader.unknown("This gain is not worked out")
    try:
        return nn.init.calculate_gain(name, parameter)  # type: ignore[arg-type]
    except ValueError:
        raise reader.refuse(f"There is no gain for {name[:40]!r}", kind="raised") from None


def _fans(reader: Reader, target: Any, rest: list[Any]) -> Any:
    """How many numbers go into one of a layer's outputs, and come of one of its inputs."""
    from builder.code.reading.attributes import get

    shape = get(reader, target, "shape")
    sizes = [plain(size) for size in shape] if isinstance(shape, tuple) else []
    if len(sizes) < 2:
        return reader.unknown("The sizes of this weight are not known")
    field = math.prod(sizes[2:])
    fans = (sizes[1] * field, sizes[0] * field)
    mode = plain(rest[0]) if rest else None
    return fans if mode is None else fans[mode == "fan_out"]
