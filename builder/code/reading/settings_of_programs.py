"""Where programs keep their numbers: argparse with its defaults, SimpleNamespace, dataclass fields."""

from __future__ import annotations

from typing import Any, Final

from builder.code.reading.known import does
from builder.code.reading.reader import Reader
from builder.code.reading.values import Instance, Known, Method, Unknown, plain


@does("types.SimpleNamespace", "argparse.Namespace")
def namespace(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return Instance(None, dict(kwargs))


@does("dataclasses.field")
def field(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if "default" in kwargs:
        return kwargs["default"]
    if "default_factory" in kwargs:
        return Instance(None, {"factory": kwargs["default_factory"]})
    return Unknown("A field without a default.", reader.line)


@does("dataclasses.asdict")
def asdict(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return dict(args[0].attributes) if isinstance(args[0], Instance) else args[0]


@does("dataclasses.replace")
def replace(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return Instance(args[0].cls, {**args[0].attributes, **kwargs})


@does("enum.auto")
def auto(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    reader.counter += 1
    return reader.counter


@does("vars")
def vars_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if args and isinstance(args[0], Instance):
        return dict(args[0].attributes)
    return reader.unknown("vars() is not looked into")


@does("argparse.ArgumentParser")
def parser(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return _parser({})


def _parser(values: dict[str, Any]) -> Instance:
    made = Instance(None)
    made.attributes = {
        "add_argument": Method("add_argument", lambda r, a, k: _add(r, values, a, k)),
        "parse_args": Method("parse_args", lambda r, a, k: Instance(None, dict(values))),
        "parse_known_args": Method(
            "parse_known_args", lambda r, a, k: (Instance(None, dict(values)), [])
        ),
        "set_defaults": Method("set_defaults", lambda r, a, k: values.update(k)),
        "add_argument_group": Method("add_argument_group", lambda r, a, k: _parser(values)),
    }
    return made


_TYPES: Final = {"int": int, "float": float, "str": str}


def _add(reader: Reader, values: dict[str, Any], args: list[Any], kwargs: dict[str, Any]) -> None:
    names = [str(plain(a)) for a in args]
    long = next((n for n in names if n.startswith("--")), names[0] if names else "")
    name = str(plain(kwargs.get("dest") or long.lstrip("-").replace("-", "_")))
    action = plain(kwargs.get("action"))
    default = kwargs.get("default")
    if "default" not in kwargs:
        default = {"store_true": False, "store_false": True}.get(str(action))
        if default is None and not long.startswith("-"):
            default = Unknown(f"“{name[:40]}” is given on the command line.", reader.line)
    kind = kwargs.get("type")
    known = plain(default)
    if isinstance(kind, Known) and kind.path in _TYPES and isinstance(known, str):
        try:
            default = _TYPES[kind.path](known[:400])
        except ValueError:
            default = Unknown("A default that is no number.", reader.line)
    values[name] = default
