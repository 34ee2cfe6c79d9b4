"""Questions about what a value is, and attributes by name: isinstance, type, getattr."""

from __future__ import annotations

from typing import Any, Final

from builder.code.reading.branches import on_each_side
from builder.code.reading.known import does
from builder.code.reading.reader import Reader
from builder.code.reading.trace import Layer, Module, Raw
from builder.code.reading.values import (
    Bound,
    Differs,
    Dtype,
    Function,
    Instance,
    Known,
    Lazy,
    Method,
    Mode,
    Packed,
    Partial,
    Question,
    Tensor,
    Unknown,
    UserClass,
    plain,
)


@does("isinstance")
def isinstance_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    value, wanted = plain(args[0]), args[1]
    if isinstance(value, Unknown):
        return value
    choices = wanted if isinstance(wanted, tuple) else (wanted,)
    if isinstance(value, Differs):
        return on_each_side(reader, value, wanted, lambda v, w: isinstance_(reader, [v, w], {}))
    if isinstance(value, Mode):
        value = True
    return any(_is_a(value, choice) for choice in choices)


_KINDS: Final[dict[str, Any]] = {
    "int": int, "float": float, "str": str, "bool": bool, "list": list, "tuple": tuple, "dict": dict,
    "collections.OrderedDict": dict, "set": set, "torch.Tensor": Tensor,
    "torch.nn.Parameter": Raw, "torch.nn.parameter.Parameter": Raw, "typing.Sequence": (list, tuple),
    "collections.abc.Iterable": (list, tuple, Lazy, dict, str), "torch.Size": tuple,
    "collections.abc.Sequence": (list, tuple), "object": object, "torch.dtype": Dtype,
    "typing.Callable": (Function, Bound, Known), "collections.abc.Callable": (Function, Bound, Known),
    "numbers.Number": (int, float), "typing.List": list, "typing.Tuple": tuple,
    "collections.abc.Mapping": dict, "range": range, "torch.nn.utils.rnn.PackedSequence": Packed,
}  # fmt: skip


def _is_a(value: Any, choice: Any) -> bool:
    if isinstance(choice, UserClass):
        cls = value.cls if isinstance(value, Module | Instance) else None
        return cls is not None and choice in cls.mro
    if not isinstance(choice, Known):
        return value is None and choice is None
    path = choice.path
    if path.startswith("torch.nn.") and path not in _KINDS:
        return is_layer(value, path.rpartition(".")[2])
    kinds = _KINDS.get(path)
    return kinds is not None and isinstance(value, kinds)


def is_layer(value: Any, name: str) -> bool:
    """Whether a module is of this class of torch.nn, or of one that inherits from it."""
    if isinstance(value, Module):
        from builder.code.reading.classes import base_of_module

        own = value.kind or (base_of_module(value.cls) if value.cls is not None else "Module")
        return name == "Module" or own == name
    if not isinstance(value, Layer):
        return False
    from builder import catalogue

    mro = catalogue.target_of(value.entry).__mro__  # type: ignore[attr-defined]
    return any(base.__name__ == name for base in mro)


@does("issubclass")
def issubclass_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    cls, wanted = args
    return isinstance(cls, UserClass) and wanted in cls.mro


@does("type")
def type_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    value = plain(args[0])
    if isinstance(value, Unknown | Differs):
        return (
            value
            if isinstance(value, Unknown)
            else reader.unknown("Which type this is depends on the mode or the data")
        )
    if isinstance(value, Mode | Question):
        return Known("bool")
    if isinstance(value, Module | Instance) and value.cls is not None:
        return value.cls
    if isinstance(value, Layer):
        return Known(value.entry.key)
    if isinstance(value, Partial):
        return Known("functools.partial")
    name = type(value).__name__
    return Known({"Tensor": "torch.Tensor", "Raw": "torch.nn.Parameter"}.get(name, name))


@does("callable")
def callable_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return isinstance(
        args[0], Function | Bound | Known | Module | Layer | Method | Partial | UserClass
    )


@does("inspect.isfunction")
def isfunction(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    value = args[0]
    if isinstance(value, Known):
        is_class = (
            value.path.startswith("torch.nn.") and value.path.rpartition(".")[2][:1].isupper()
        )
        return False if is_class else reader.unknown(f"Whether {value.path[:60]} is a function")
    return isinstance(value, Function)


@does("inspect.isclass")
def isclass(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    value = args[0]
    if isinstance(value, Known):
        return value.path.rpartition(".")[2][:1].isupper() or value.path in _KINDS
    return isinstance(value, UserClass)


@does("getattr")
def getattr_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """By a text, through our own tables, as `value.name` is."""
    from builder.code.reading import attributes

    name = plain(args[1])
    if not isinstance(name, str):
        return reader.unknown("getattr is asked with something that is no name")
    found = attributes.get(reader, args[0], name)
    if isinstance(found, Unknown) and len(args) > 2:
        touched = reader.state.get("touched")
        if touched is not None and args[2] is not None:
            touched.defaulted.add((id(args[0]), name))
        return args[2]
    return found


@does("setattr")
def setattr_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    from builder.code.reading import attributes

    name = plain(args[1])
    if not isinstance(name, str) or name.startswith("__"):
        raise reader.refuse("setattr is asked with something that is no name")
    attributes.put(reader, args[0], name, args[2])


@does("delattr")
def delattr_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> None:
    from builder.code.reading import deleting

    deleting.attribute(reader, args[0], str(plain(args[1])))


@does("hasattr")
def hasattr_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    from builder.code.reading import attributes

    name = plain(args[1])
    if isinstance(args[0], Differs):
        return on_each_side(reader, args[0], name, lambda v, n: hasattr_(reader, [v, n], {}))
    return isinstance(name, str) and not isinstance(attributes.get(reader, args[0], name), Unknown)


@does("id", "hash")
def id_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return reader.unknown("Where a value lies in memory is not known")


@does("slice")
def slice_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return slice(*args[:3])


@does("object")
def object_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return Instance(None)


@does("super")
def super_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    from builder.code.reading.values import Super

    if len(args) == 2 and isinstance(args[0], UserClass):
        return Super(args[1], args[0])
    raise reader.refuse("super() is asked in a way that is not known")
