"""Arguments by position and by name, put under the names the catalogue has for them."""

from __future__ import annotations

from typing import Any, Final

from builder.catalogue.entry import Entry
from builder.code.reading.reader import Reader
from builder.code.reading.trace import Raw
from builder.code.reading.values import Lazy, Tensor, Unknown, plain

_OTHER_NAMES: Final = {
    "axis": ("dim", "dims"),
    "keepdims": ("keepdim",),
    "self": ("input",),
    "x": ("input",),
    "dim": ("dims",),
    "dims": ("dim",),
    "size": ("shape", "sizes", "output_size", "repeats"),
    "shape": ("sizes", "size"),
    "sizes": ("repeats",),
    "split_size_or_sections": ("split_size",),
    "unbiased": ("correction",),
    "mat2": ("other",),
    "tensor2": ("other",),
    "tensor": ("input",),
    "a_min": ("min",),
    "a_max": ("max",),
    "axis0": ("dim0",),
    "axis1": ("dim1",),
}
_MEANS_NOTHING: Final[dict[str, tuple[Any, ...]]] = {
    "inplace": (False,),
    "dtype": (None,),
    "out": (None,),
    "sorted": (True,),
    "recompute_scale_factor": (None, False),
    "antialias": (False,),
    "return_indices": (False,),
    "device": (),
    "non_blocking": (),
    "memory_format": (),
    "pin_memory": (),
    "layout": (),
    "requires_grad": (False,),
    "_stacklevel": (),
    "stacklevel": (),
    "stable": (False,),
    "divisor_override": (None,),
    "enable_gqa": (False,),
    "alpha": (1,),
    "rounding_mode": (None,),
    "generator": (None,),
    "interpolation": ("linear",),
    "posinf": (None,),
    "neginf": (None,),
    "copy": (False,),
}
"""Arguments the catalogue leaves out, with the values that change nothing (none: whatever it is)."""


def bound(reader: Reader, entry: Entry, args: list[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    """A call's arguments by the entry's names. Errors: CodeRefused for one it does not have."""
    order = entry.order or (
        *(p.name for p in entry.ports),
        *(p.name for p in entry.call_parameters),
    )
    given: dict[str, Any] = {}
    waiting = list(args)
    for place, name in enumerate(order):
        if not waiting:
            break
        if name in kwargs:
            continue
        if _spreads(entry, name):
            rest: Any = waiting
            if len(waiting) == 1 and isinstance(waiting[0], list | tuple | Lazy):
                rest = waiting[0].items if isinstance(waiting[0], Lazy) else waiting[0]
                given[name] = rest if hasattr(rest, "ref") else tuple(rest)
            else:
                taken = len(waiting) - _needed_after(entry, order[place + 1 :])
                given[name] = tuple(waiting[:taken])
                waiting = waiting[taken:]
                continue
            waiting = waiting[1:]
            continue
        given[name] = waiting.pop(0)
    if waiting:
        raise reader.refuse(f"{entry.name} is given more values than it takes here")
    for name, value in kwargs.items():
        target = _named(entry, order, name, given)
        if target is not None:
            given[target] = tuple(value) if isinstance(value, list) else value
        elif not _says_nothing(name, value):
            raise reader.refuse(f"{entry.name} cannot be given “{name[:60]}” here")
    for name, value in given.items():
        if isinstance(value, Unknown):
            raise reader.refuse_unknown(value)
        if isinstance(value, Raw):
            from builder.code.reading.weights import weight_of

            given[name] = weight_of(reader, value)
    return _without_nothing(entry, given)


def _without_nothing(entry: Entry, given: dict[str, Any]) -> dict[str, Any]:
    """Leaves out what only repeats a default of None."""
    found = {}
    for name, value in given.items():
        parameter = entry.parameter(name)
        if value is None and (parameter is None or parameter.default is None):
            continue
        found[name] = value
    return found


def _spreads(entry: Entry, name: str) -> bool:
    port, parameter = entry.port(name), entry.parameter(name)
    if port is not None:
        return port.spread or (port.many and entry.key in ("torch.meshgrid",))
    return parameter is not None and parameter.spread


def _needed_after(entry: Entry, names: tuple[str, ...]) -> int:
    return 0


def _named(entry: Entry, order: tuple[str, ...], name: str, given: dict[str, Any]) -> str | None:
    if name in order:
        return name
    for other in _OTHER_NAMES.get(name, ()):
        if other in order and other not in given:
            return other
    return None


def _says_nothing(name: str, value: Any) -> bool:
    allowed = _MEANS_NOTHING.get(name)
    if allowed is None:
        return False
    known = plain(value)
    if allowed == ():
        return not isinstance(value, Tensor)
    return any(known is one or (type(known) is type(one) and known == one) for one in allowed)
