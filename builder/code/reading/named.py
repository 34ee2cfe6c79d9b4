"""Members of a module by their names: `get_submodule`, `get_parameter`, `__getattr__`, `__setattr__`."""

from __future__ import annotations

from typing import Any

from builder.code.reading import norms
from builder.code.reading.attributes import of_module
from builder.code.reading.modules import answers, set_attribute
from builder.code.reading.reader import Reader
from builder.code.reading.trace import Layer, Module, Raw
from builder.code.reading.values import plain


@answers("get_submodule")
def get_submodule(reader: Reader, module: Module, args: list[Any], kwargs: dict[str, Any]) -> Any:
    found: Any = module
    for step in str(plain(args[0])).split("."):
        if step:
            found = found.members.get(step) if isinstance(found, Module) else None
    return found if found is not None else reader.unknown("There is no such module")


@answers("get_parameter", "get_buffer")
def get_parameter(reader: Reader, module: Module, args: list[Any], kwargs: dict[str, Any]) -> Any:
    from builder.code.reading.layers import attribute
    from builder.code.reading.weights import weight_of

    path, _, name = str(plain(args[0])).rpartition(".")
    path, inside, rest = path.partition(".parametrizations.")
    holder = get_submodule(reader, module, [path], {})
    if isinstance(holder, Layer) and inside:
        found = norms.part(reader, holder, f"parametrizations.{rest}.{name}")
        return found if found is not None else reader.unknown("There is no such parameter")
    if isinstance(holder, Layer):
        return attribute(reader, holder, name)
    found = holder.members.get(name) if isinstance(holder, Module) else None
    if isinstance(found, Raw):
        return weight_of(reader, found)
    return reader.unknown("There is no such parameter")


@answers("__setattr__")
def set_by_name(reader: Reader, module: Module, args: list[Any], kwargs: dict[str, Any]) -> None:
    set_attribute(reader, module, str(plain(args[0])), args[1])


@answers("__getattr__", "__getattribute__")
def attribute(reader: Reader, module: Module, args: list[Any], kwargs: dict[str, Any]) -> Any:
    name = str(plain(args[0]))
    if name in module.attributes or name in module.members:
        return of_module(reader, module, name)
    return reader.unknown(f"This module has no “{name[:60]}”")
