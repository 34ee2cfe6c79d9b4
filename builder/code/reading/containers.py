"""nn.Sequential, nn.ModuleList, nn.ModuleDict and the lists of parameters."""

from __future__ import annotations

import functools
from typing import Any, Final

from torch import nn

from builder.code.reading import again
from builder.code.reading.iterating import items_of
from builder.code.reading.reader import Reader
from builder.code.reading.trace import Layer, Module, Raw
from builder.code.reading.values import Function, Known, Lazy, Unknown, plain

_LISTS: Final = ("Sequential", "ModuleList", "ParameterList")


@functools.cache
def _own(kind: str) -> frozenset[str]:
    """What every module of a kind has itself: torch adds nothing under these names."""
    return frozenset(dir(getattr(nn, kind or "Module")()))


def make(reader: Reader, kind: str, args: list[Any], kwargs: dict[str, Any]) -> Module:
    """`nn.Sequential(…)` and its kin."""
    reader.budget.layer()
    reader.counter += 1
    module = Module(f"m{reader.counter}", None, kind, reader.line or 0, ready=True)
    fill(reader, module, args, kwargs)
    return module


def fill(reader: Reader, module: Module, args: list[Any], kwargs: dict[str, Any]) -> None:
    """What a container is made with."""
    if not args and kwargs:
        args = [next(iter(kwargs.values()))]
    if module.kind == "Sequential":
        if len(args) == 1 and isinstance(args[0], dict):
            _put_all(reader, module, args[0])
            return
        for value in args:
            _append(reader, module, value)
        return
    if not args or args[0] is None:
        return
    given = args[0]
    if module.kind in ("ModuleDict", "ParameterDict"):
        if not isinstance(given, dict):
            given = {plain(pair[0]): pair[1] for pair in map(tuple, items_of(reader, given))}
        _put_all(reader, module, given)
        return
    for value in items_of(reader, given):
        _append(reader, module, value)


def _put_all(reader: Reader, module: Module, given: dict[Any, Any]) -> None:
    for name, value in given.items():
        key = (
            str(plain(name))
            if module.kind == "ParameterDict"
            else member_name(reader, module, name)
        )
        module.members[key] = _checked(reader, value)


def member_name(reader: Reader, module: Module, name: Any, what: str = "layer") -> str:
    """The name a layer is added under. Errors: CodeRefused for one that torch refuses."""
    key, taken = str(plain(name)), _own(module.kind)
    if not key or "." in key or (key in taken and key not in module.members):
        why = f"every module has a “{key}” of its own" if key in taken else "PyTorch refuses it"
        raise reader.refuse(
            f"“{key[:60]}” cannot be the name of a {what}: {why}",
            f"Give the {what} another name.", kind="raised",
        )  # fmt: skip
    return key


def _append(reader: Reader, module: Module, value: Any) -> None:
    module.members[str(len(module.members))] = _checked(reader, value)


def _checked(reader: Reader, value: Any) -> Any:
    if isinstance(value, Unknown):
        raise reader.refuse_unknown(value)
    if isinstance(value, Layer | Module | Raw):
        return value
    if isinstance(value, Known) and value.path.startswith("torch.nn."):
        raise reader.refuse(
            f"{value.path.rpartition('.')[2]} stands here without brackets", kind="raised",
            help="A layer is made with (): nn.ReLU().",
        )  # fmt: skip
    if isinstance(value, Function | Known):
        raise reader.refuse("A container holds layers, not functions", kind="raised")
    if value is None:
        return None
    raise reader.refuse("A container holds layers, and this is none", kind="raised")


def grown(reader: Reader, left: list[Any] | Module, right: Any) -> Any:
    """`layers += others`, of a list or of a container of layers."""
    if isinstance(left, list):
        again.written(reader, left)
        left.extend(items_of(reader, right))
        reader.budget.items(len(left))
        return left
    if left.kind not in _LISTS:
        raise reader.refuse("Only lists of layers can be added to", kind="raised")
    return _extend(reader, left, [right], {})


def joined(reader: Reader, left: Module, right: Any) -> Module:
    """`layers + others`: a new container of the same kind with the layers of both."""
    if left.kind not in _LISTS:
        raise reader.refuse("Only lists of layers can be added to", kind="raised")
    if left.kind == "Sequential" and not (isinstance(right, Module) and right.kind == left.kind):
        raise reader.refuse("An nn.Sequential is added to another one only", kind="raised")
    both = [*left.members.values(), *items_of(reader, right)]
    return make(reader, left.kind, both if left.kind == "Sequential" else [both], {})


def part_of(reader: Reader, module: Module, wanted: slice) -> Module:
    """`layers[:3]`: a container of its own with the same layers."""
    items = list(module.members.items())[wanted]
    part = Module(module.id, module.cls, module.kind, reader.line or 0, ready=True)
    if module.kind == "Sequential":
        part.members = dict(items)
    else:
        part.members = {str(i): child for i, (_, child) in enumerate(items)}
    part.attributes = {"__part__": True}
    return part


def set_element(reader: Reader, module: Module, key: Any, given: Any) -> None:
    value = _checked(reader, given)
    if isinstance(key, int):
        names = list(module.members)
        if not -len(names) <= key < len(names):
            raise reader.refuse("There is no such element", kind="raised")
        key = names[key]
    module.members[str(key)] = value


def _grow(reader: Reader, module: Module, args: list[Any], kwargs: dict[str, Any]) -> Any:
    _append(reader, module, args[0])
    return module


def _extend(reader: Reader, module: Module, args: list[Any], kwargs: dict[str, Any]) -> Any:
    for value in items_of(reader, args[0]):
        _append(reader, module, value)
    return module


def _insert(reader: Reader, module: Module, args: list[Any], kwargs: dict[str, Any]) -> Any:
    children = list(module.members.values())
    children.insert(plain(args[0]), _checked(reader, args[1]))
    module.members = {str(i): child for i, child in enumerate(children)}
    return module


def _update(reader: Reader, module: Module, args: list[Any], kwargs: dict[str, Any]) -> Any:
    fill(reader, module, args, kwargs)


def _pop(reader: Reader, module: Module, args: list[Any], kwargs: dict[str, Any]) -> Any:
    key = plain(args[0]) if args else -1
    names = list(module.members)
    name = names[key] if isinstance(key, int) else key
    if name not in module.members:
        raise reader.refuse("There is no such layer", kind="raised")
    found = module.members.pop(name)
    if module.kind != "ModuleDict":
        module.members = {str(i): child for i, child in enumerate(module.members.values())}
    return found


def _only_of(*kinds: str) -> Any:
    def keep(do: Any) -> Any:
        def ask(reader: Reader, module: Module, args: list[Any], kwargs: dict[str, Any]) -> Any:
            if module.kind not in kinds:
                return reader.unknown("This module is no container")
            return do(reader, module, args, kwargs)

        return ask

    return keep


def _install() -> None:
    from builder.code.reading.modules import METHODS

    lists, dicts = _LISTS, ("ModuleDict", "ParameterDict")
    METHODS["append"] = _only_of(*lists)(_grow)
    METHODS["extend"] = _only_of(*lists)(_extend)
    METHODS["insert"] = _only_of(*lists)(_insert)
    METHODS["pop"] = _only_of(*lists, *dicts)(_pop)
    METHODS["update"] = _only_of(*dicts)(_update)
    METHODS["keys"] = _only_of(*dicts)(lambda r, m, a, k: Lazy(list(m.members), view=True))
    METHODS["values"] = _only_of(*dicts)(
        lambda r, m, a, k: Lazy(list(m.members.values()), view=True)
    )
    METHODS["items"] = _only_of(*dicts)(lambda r, m, a, k: Lazy(list(m.members.items()), view=True))
    METHODS["__len__"] = _only_of(*lists, *dicts)(lambda r, m, a, k: len(m.members))


_install()
