"""`x[…]` and `x[…] = y`: of tensors, lists, dicts and modules."""

from __future__ import annotations

from typing import Any, Final

from builder.code.reading import again, arrays, in_forward
from builder.code.reading.equality import known
from builder.code.reading.factories import made
from builder.code.reading.gradients import written
from builder.code.reading.reader import Reader
from builder.code.reading.torch_calls import operation
from builder.code.reading.trace import Layer, Module, Raw
from builder.code.reading.twofold import is_twofold, on_both
from builder.code.reading.values import (
    Array,
    Instance,
    Known,
    Lazy,
    Members,
    Named,
    Packed,
    Parts,
    Shape,
    Tensor,
    Unknown,
    UserClass,
    deep_plain,
    plain,
)
from builder.code.reading.weights import Handle, starts_otherwise
from builder.graph.model import Ref

MEMBERS_HELP: Final = "Use self.add_module(name, layer), register_parameter or register_buffer."


def get(reader: Reader, value: Any, index: Any) -> Any:
    """`value[index]`."""
    kind = value.__class__
    if kind is Tensor:
        found = _index(reader, index)
        return operation(reader, "operator.getitem", {"input": value, "index": found})
    if kind is Array:
        return arrays.element(reader, value, index)
    if isinstance(value, Unknown):
        return value
    if is_twofold(value):
        return on_both(value, lambda side: get(reader, side, index))
    if isinstance(index, Unknown):
        return index
    if isinstance(value, Lazy):
        value = value.items
    if isinstance(value, list | tuple | str | range):
        return _of_sequence(reader, value, index)
    if isinstance(value, dict):
        key = known(reader, index)
        try:
            if key in value:
                return value[key]
        except TypeError:
            pass
        raise reader.refuse(f"There is no entry {str(key)[:60]!r} here", kind="raised")
    if kind is Module:
        return _of_module(reader, value, index)
    if kind is Layer and value.entry.name in ("TransformerEncoder", "TransformerDecoder"):
        return reader.unknown("A layer inside nn.TransformerEncoder")
    if kind is Known or isinstance(value, UserClass):
        return value  # a type hint: list[int]
    if isinstance(value, Instance):
        from builder.code.reading.calling import call_method

        return call_method(reader, value, "__getitem__", [index], {})
    if kind is Packed:
        from builder.code.reading.packing import refused

        raise refused(reader, "The parts of packed sequences have sizes that depend on the data")
    if isinstance(value, Raw | Handle) and reader.state.get("forward"):
        return get(reader, in_forward.as_read(reader, value), index)
    if isinstance(value, Raw):
        return get(reader, value.made, index)
    if isinstance(value, Handle):
        return value  # a part of a weight, to be filled
    raise reader.refuse("This has no elements", kind="raised")


def _index(reader: Reader, index: Any) -> Any:
    """A list among the indices picks several: it stands as a tuple inside the tuple, or as a tensor."""
    if isinstance(index, str) or (
        isinstance(index, tuple) and any(isinstance(i, str) for i in index)
    ):
        raise reader.refuse(
            "A tensor is asked for an element by a name",
            "A network is given tensors: write each entry as an argument of forward.",
        )
    if isinstance(index, list):
        return (tuple(index),)
    if isinstance(index, tuple) and len(index) > 1 and any(isinstance(i, list) for i in index):
        return tuple(
            made(reader, "torch.tensor", [i], {}) if isinstance(i, list) else i for i in index
        )
    return index


def _of_sequence(reader: Reader, value: Any, index: Any) -> Any:
    if isinstance(index, slice):
        parts = [known(reader, p) for p in (index.start, index.stop, index.step)]
        if not all(p is None or isinstance(p, int) for p in parts) or parts[2] == 0:
            raise reader.refuse("A slice needs whole numbers", kind="raised")
        found = value[slice(*parts)]
        return (
            list(found)
            if isinstance(value, list)
            else Shape(found)
            if isinstance(value, Shape)
            else found
        )
    at = known(reader, index)
    if not isinstance(at, int):
        if at is None or isinstance(value, str):
            return reader.unknown("This element is not known")
        raise reader.refuse("A list is asked for an element by a whole number", kind="raised")
    if not -len(value) <= at < len(value):
        raise reader.refuse(
            f"A list of {len(value)} values has no element {str(at)[:20]}", kind="raised"
        )
    return value[at]


def _of_module(reader: Reader, module: Module, index: Any) -> Any:
    key = deep_plain(index)
    if module.kind == "ModuleDict" or module.kind == "ParameterDict":
        member = module.members.get(key)
        if isinstance(member, Raw):
            from builder.code.reading.weights import weight_of

            return weight_of(reader, member)
        if key in module.members:
            return member
        raise reader.refuse(f"There is no layer {str(key)[:60]!r} here", kind="raised")
    if module.kind not in ("Sequential", "ModuleList", "ParameterList"):
        if module.cls is not None:
            from builder.code.reading.calling import call_method

            return call_method(reader, module, "__getitem__", [index], {})
        raise reader.refuse("This module has no elements", kind="raised")
    from builder.code.reading.iterating import items_of

    children = items_of(reader, module)
    if isinstance(index, slice):
        from builder.code.reading.containers import part_of

        return part_of(
            reader, module, slice(*(plain(p) for p in (index.start, index.stop, index.step)))
        )
    return _of_sequence(reader, children, index)


def put(reader: Reader, value: Any, index: Any, given: Any) -> None:
    """`value[index] = given`."""
    key = deep_plain(index)
    if isinstance(value, Unknown):
        return
    if is_twofold(value):
        on_both(value, lambda side: put(reader, side, index, given))
        return
    if isinstance(value, Array):
        arrays.put(reader, value, index, given)
        return
    if isinstance(value, Members):
        raise reader.refuse("What a module holds is written directly here", MEMBERS_HELP)
    if isinstance(value, dict | list):
        again.written(reader, value)
    if isinstance(value, dict):
        from builder.code.reading.expressions import hashed

        hashed(reader, lambda: value.__setitem__(key, given))
        reader.budget.items(len(value))
        return
    if isinstance(value, list):
        if isinstance(key, slice):
            raise reader.refuse("Parts of a list cannot be set")
        if not isinstance(key, int) or not -len(value) <= key < len(value):
            raise reader.refuse("A list has no such element", kind="raised")
        value[key] = given
        return
    if value.__class__ is Module:
        from builder.code.reading.containers import set_element

        set_element(reader, value, key, given)
        return
    if value.__class__ is Tensor:
        again.refuse_lasting(reader, value)
        given = written(reader, given)
        made = operation(
            reader,
            "operator.setitem",
            {"input": value, "index": _index(reader, index), "value": given},
        )
        reader.trace.move(value, made.ref, value.spec)
        return
    if isinstance(value, Raw | Handle) and reader.state.get("forward"):
        put(reader, in_forward.as_read(reader, value), index, given)
        return
    if isinstance(value, Raw) and value.initialised is None:
        put(reader, value.made, index, given.made if isinstance(given, Raw) else given)
        return
    if isinstance(value, Raw | Handle):
        starts_otherwise(reader, value)
        return
    if isinstance(value, Instance):
        from builder.code.reading.calling import call_method

        call_method(reader, value, "__setitem__", [index, given], {})
        return
    raise reader.refuse("The elements of this cannot be set", kind="raised")


__all__ = ["Named", "Parts", "Ref", "get", "put"]
