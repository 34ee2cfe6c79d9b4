"""From a class of torch.nn to its `Entry`: signature, type hints and docstring, then its override.

A class that introspects well needs no code here or elsewhere.
"""

from __future__ import annotations

import ast
import inspect
import re
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import torch
from torch import nn

from builder.catalogue.docs import (
    argument_help,
    first_sentence,
    page_of,
    quoted_words,
    sentence_about,
)
from builder.catalogue.entry import (
    REQUIRED,
    Entry,
    Family,
    Inferred,
    Parameter,
    ParameterType,
    Port,
)
from builder.catalogue.exclusions import EXCLUDED
from builder.catalogue.families import MODULE_FAMILIES
from builder.catalogue.overrides import OVERRIDES, Override
from builder.catalogue.rules import (
    CORRECTED,
    FAMILY_RANGES,
    FAMILY_SUGGESTED,
    HIDDEN,
    INFERRED_AXES,
    LARGEST_SIZE,
    RANGES,
    SUGGESTED,
    WORDING,
)
from builder.catalogue.words import LAYER_WORDS

PREFIX: Final = "torch.nn."
_UNKNOWN: Final = inspect.Parameter.empty
_NO_OVERRIDE: Final = Override()
_LONGEST_HELP: Final = 170  # characters: what fits beside a field of a form


def layers() -> Iterator[Entry]:
    """An entry for every module of torch.nn that can stand in a model, in alphabetical order."""
    for name in module_names():
        if name not in EXCLUDED:
            yield layer_entry(getattr(nn, name))


def module_names() -> list[str]:
    """The names of the public module classes of torch.nn."""
    return [
        name
        for name, value in sorted(vars(nn).items())
        if inspect.isclass(value) and issubclass(value, nn.Module) and not name.startswith("_")
    ]


def layer_entry(cls: type[nn.Module]) -> Entry:
    """What torch's own signatures and docs say about a layer, with its override laid over it."""
    name = cls.__name__
    override = OVERRIDES.get(name, _NO_OVERRIDE)
    ports, call_parameters, order = _forward(cls, override)
    parameters = tuple(_constructor(cls, override, ports[0].name))
    return Entry(
        key=PREFIX + name,
        name=name,
        kind="layer",
        family=_family(cls),
        parameters=parameters,
        call_parameters=call_parameters,
        ports=ports,
        parts=override.parts,
        order=order,
        one_of=override.one_of,
        inner=override.inner,
        help=override.help or first_sentence(cls.__doc__),
        link=page_of(PREFIX + name),
        words=LAYER_WORDS.get(name, ()),
    )


def _family(cls: type[nn.Module]) -> Family:
    override = OVERRIDES.get(cls.__name__, _NO_OVERRIDE)
    return override.family or MODULE_FAMILIES.get(cls.__module__.rpartition(".")[2], "other")


def _constructor(cls: type[nn.Module], override: Override, first_port: str) -> Iterator[Parameter]:
    if override.inner is not None:
        inner = getattr(nn, override.inner.key.removeprefix(PREFIX))
        inner_override = OVERRIDES.get(inner.__name__, _NO_OVERRIDE)
        yield from (
            p
            for p in _constructor(inner, inner_override, first_port)
            if p.name in override.inner.parameters
        )
    said = _said_about(cls)
    for argument in _signature(cls):
        hidden = argument.name in HIDDEN or argument.name in override.hide
        if hidden or argument.name.startswith("_"):
            continue
        parameter = _parameter(argument, said.get(argument.name, ""), cls)
        if (axis := INFERRED_AXES.get(argument.name)) is not None:
            parameter = replace(parameter, inferred=Inferred(first_port, axis))
        yield replace(parameter, **override.parameters.get(argument.name, {}))


def _forward(
    cls: type[nn.Module], override: Override
) -> tuple[tuple[Port, ...], tuple[Parameter, ...], tuple[str, ...]]:
    """The tensor inputs and the literal arguments of `forward`, and the order of both."""
    ports: list[Port] = []
    literals: list[Parameter] = []
    said = _said_about(cls)
    for argument in _arguments(cls.forward):
        port = _port(argument)
        if port is not None:
            ports.append(replace(port, **override.ports.get(argument.name, {})))
        elif argument.name not in override.hide:
            literals.append(_parameter(argument, said.get(argument.name, ""), cls))
    ports += override.more_ports
    literals += override.more_arguments
    return tuple(ports), tuple(literals), (*(p.name for p in ports), *(p.name for p in literals))


def _port(argument: _Argument) -> Port | None:
    """A port where the hint is a tensor, or a tuple of them, or where there is no hint at all."""
    optional = argument.default is not _UNKNOWN
    if argument.hint is _UNKNOWN:
        return Port(argument.name, optional=optional)
    for member in _members(argument.hint):
        if member is torch.Tensor:
            return Port(argument.name, optional=optional)
        inside = typing.get_args(member)
        if inside and all(part is torch.Tensor for part in inside):
            return Port(argument.name, optional=optional, many=True, length=len(inside))
    return None


@dataclass(frozen=True, slots=True)
class _Argument:
    """One argument of a signature; `hint` and `default` are inspect's empty mark where unknown."""

    name: str
    hint: Any
    default: Any


def _signature(cls: type[nn.Module]) -> list[_Argument]:
    """The constructor's arguments; where the code hides them behind *args, the docstring has them."""
    declared = _arguments(cls.__init__)
    if declared:
        return declared
    written = re.match(r"__init__\((.*?)\)\s*$", (cls.__doc__ or "").strip().partition("\n")[0])
    if written is None:
        return []
    call = ast.parse(f"def f({written[1]}): ...").body[0]
    assert isinstance(call, ast.FunctionDef)
    defaults = [ast.literal_eval(value) for value in call.args.defaults]
    names = [a.arg for a in call.args.args]
    filled: Sequence[Any] = [_UNKNOWN] * (len(names) - len(defaults)) + defaults
    return [_Argument(n, _UNKNOWN, d) for n, d in zip(names, filled, strict=True)]


def _arguments(function: Any) -> list[_Argument]:
    named = [
        p
        for p in list(inspect.signature(function).parameters.values())[1:]
        if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
    ]
    if any(isinstance(p.annotation, str) for p in named):
        hints = typing.get_type_hints(function, localns={"Module": nn.Module})
        return [_Argument(p.name, hints.get(p.name, _UNKNOWN), p.default) for p in named]
    return [_Argument(p.name, p.annotation, p.default) for p in named]


def _parameter(argument: _Argument, said: str, cls: type[nn.Module]) -> Parameter:
    kind, optional, length, scalar, gaps = _kind(argument)
    members = _members(argument.hint)
    choices = next((typing.get_args(m) for m in members if typing.get_origin(m) is Literal), ())
    if kind == "str":
        choices = choices or quoted_words(said)
        if len(choices) > 1:
            kind = "choice"
    if kind in ("ints", "floats") and length is None:
        length = _dimensions(cls.__name__)
    if kind == "ints" and str in members:
        choices = quoted_words(said) or ("valid", "same")
    limits = _limits(argument.name, kind, _family(cls))
    required = argument.default is _UNKNOWN
    suggested = FAMILY_SUGGESTED.get((_family(cls), argument.name), SUGGESTED.get(argument.name))
    return Parameter(
        name=argument.name,
        type=kind,
        default=REQUIRED if required else argument.default,
        optional=optional,
        choices=choices if kind in ("choice", "ints") else (),
        minimum=limits.get("minimum"),
        maximum=limits.get("maximum"),
        length=length,
        scalar=scalar,
        gaps=gaps,
        suggested=suggested if required or argument.name == "batch_first" else None,
        help=_worded(argument.name, sentence_about(said)),
    )


def _worded(name: str, said: str) -> str:
    """Torch's sentence, or ours where it has none, only lists the choices, or has no end."""
    if name in CORRECTED:
        return CORRECTED[name]
    usable = said and said[0] not in "'\"" and len(said) <= _LONGEST_HELP
    return said if usable else WORDING.get(name, said)


def _limits(name: str, kind: ParameterType, family: Family) -> Mapping[str, float]:
    if kind not in ("int", "float", "ints", "floats"):
        return {}
    whole = {"minimum": -LARGEST_SIZE, "maximum": LARGEST_SIZE} if kind in ("int", "ints") else {}
    return FAMILY_RANGES.get((family, name)) or RANGES.get(name) or whole


def _kind(argument: _Argument) -> tuple[ParameterType, bool, int | None, bool, bool]:
    """(type, optional, tuple length, scalar allowed, gaps allowed) of an argument."""
    members = _members(argument.hint)
    optional = type(None) in members or argument.default is None
    for member in members:
        inside = typing.get_args(member)
        if inside and member is not Literal and typing.get_origin(member) in (tuple, list):
            numbers = {m for part in inside if part is not ... for m in _members(part)}
            length = None if ... in inside or typing.get_origin(member) is list else len(inside)
            kind: ParameterType = "floats" if float in numbers else "ints"
            scalar = bool({int, float} & set(members))
            gaps = type(None) in numbers
            return kind, optional and not gaps, length, scalar, gaps
    for plain_type, kind in _PLAIN_TYPES:
        if plain_type in members or (
            argument.hint is _UNKNOWN and isinstance(argument.default, plain_type)
        ):
            return kind, optional, None, False, False
    # Without hint and default (`embed_dim`, RNN's `input_size`) torch means a size.
    unknown = argument.hint is _UNKNOWN
    return ("int" if unknown else "str"), optional, None, False, False


_PLAIN_TYPES: Final[tuple[tuple[type, ParameterType], ...]] = (
    (bool, "bool"),
    (float, "float"),
    (int, "int"),
    (str, "str"),
)


def _members(hint: Any) -> tuple[Any, ...]:
    """The alternatives of a union, or the hint alone."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return typing.get_args(hint)
    return (hint,)


def _dimensions(class_name: str) -> int | None:
    """How many spatial sizes a layer has by its name: MaxPool2d has 2; None where it does not say."""
    found = re.search(r"([123])d$", class_name)
    return int(found[1]) if found else None


def _said_about(cls: type[nn.Module]) -> dict[str, str]:
    """What the docstrings say of the arguments, of the constructor's and of `forward`'s."""
    return {**argument_help(cls.forward.__doc__), **argument_help(cls.__doc__)}
