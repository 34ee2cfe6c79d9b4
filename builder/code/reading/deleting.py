"""`del net.fc`, `del layers[-1]`, `delattr(net, "fc")`: what is taken away is gone for all that follows."""

from __future__ import annotations

from typing import Any

from builder.code.reading.reader import Reader
from builder.code.reading.trace import Module
from builder.code.reading.values import Instance, Members, Unknown, deep_plain

_WAY = "Leave it out from the start, and take this line away."
_CONTAINERS = ("Sequential", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict")


def attribute(reader: Reader, value: Any, name: str) -> None:
    """`del value.name`."""
    if isinstance(value, Unknown):
        return
    if reader.state.get("forward") and isinstance(value, Module):
        raise reader.refuse(
            f"“self.{name[:40]}” is taken away while the network runs",
            "Keep it in a variable of forward instead.",
        )
    if isinstance(value, Module):
        if name not in value.members and name not in value.attributes:
            raise _missing(reader, name)
        value.members.pop(name, None)
        value.attributes.pop(name, None)
    elif isinstance(value, Instance):
        if name not in value.attributes:
            raise _missing(reader, name)
        del value.attributes[name]
    else:
        raise reader.refuse(f"“.{name[:60]}” cannot be taken away here", _WAY)


def element(reader: Reader, value: Any, index: Any) -> None:
    """`del value[index]`."""
    if isinstance(value, Unknown):
        return
    if isinstance(index, slice):
        index = slice(*(deep_plain(part) for part in (index.start, index.stop, index.step)))
    key = deep_plain(index)
    if isinstance(value, Module) and value.kind in _CONTAINERS:
        _of_container(reader, value, key)
    elif isinstance(value, list | dict) and not isinstance(value, Members):
        try:
            del value[key]
        except (KeyError, IndexError, TypeError, ValueError):
            raise _missing(reader, key) from None
    else:
        raise reader.refuse("The elements of this cannot be taken away", _WAY)


def _of_container(reader: Reader, module: Module, key: Any) -> None:
    """Those of a list are counted anew, as torch does."""
    names = list(module.members)
    if module.kind in ("ModuleDict", "ParameterDict"):
        gone = [key] if key in module.members else []
    else:
        try:
            gone = names[key] if isinstance(key, slice) else [names[key]]
        except (IndexError, TypeError, ValueError):
            gone = []
    if not gone:
        raise _missing(reader, key)
    for name in gone:
        del module.members[name]
    if module.kind in ("Sequential", "ModuleList"):
        module.members = {str(at): part for at, part in enumerate(module.members.values())}


def _missing(reader: Reader, key: Any) -> Exception:
    return reader.refuse(f"There is no “{str(key)[:60]}” to take away", _WAY, kind="raised")
