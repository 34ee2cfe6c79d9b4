"""The words in which operations are declared: `op(...)` and one short function a parameter type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Final, Literal

import torch

from builder.catalogue.docs import argument_help, first_sentence, page_of, sentence_about
from builder.catalogue.entry import REQUIRED, Entry, Family, Parameter, ParameterType, Part, Port
from builder.catalogue.feed import Feed
from builder.catalogue.literals import DTYPES
from builder.catalogue.rules import LARGEST_SIZE, RANGES, WORDING

Form = Literal["function", "method", "infix", "index"]
F: Final = "torch.nn.functional."

X: Final = Port("input")
OTHER: Final = Port("other")
OTHER_OR_NUMBER: Final = Port("other", number=True)


@dataclass(frozen=True)
class Operation:
    """A declared operation: its entry, and the tensors its example reads (2×3×4 where not said)."""

    entry: Entry
    feeds: Mapping[str, Feed | tuple[Feed, ...]] = field(default_factory=dict)


def op(
    key: str,
    family: Family,
    *arguments: Port | Parameter,
    name: str = "",
    form: Form = "function",
    symbol: str = "",
    parts: tuple[Part, ...] = (),
    training: str = "",
    one_of: tuple[tuple[str, ...], ...] = (),
    doc: str = "",
    link: str = "",
    help: str = "",
    words: str = "",
    feeds: Mapping[str, Feed | tuple[Feed, ...]] = MappingProxyType({}),
) -> Operation:
    """Declares an operation; `arguments` in the order of the call, `words` separated by commas.

    `doc`: the public name whose docstring and page describe it, where that is not the key.
    """
    page = doc or key
    described = attrgetter(page.removeprefix("torch."))(torch).__doc__
    said = argument_help(described)
    parameters = (a for a in arguments if isinstance(a, Parameter))
    entry = Entry(
        key=key,
        name=name or key.rpartition(".")[2],
        kind="operation",
        family=family,
        call_parameters=tuple(_explained(p, said.get(p.name, "")) for p in parameters),
        # The port a chain feeds comes first, wherever the call has it (torch.where's second).
        ports=tuple(
            sorted((a for a in arguments if isinstance(a, Port)), key=lambda a: a.name != "input")
        ),
        parts=parts,
        form=form,
        symbol=symbol,
        order=tuple(a.name for a in arguments),
        training=training,
        one_of=one_of,
        help=help or first_sentence(described),
        link=link or page_of(page),
        words=tuple(w.strip() for w in words.split(",") if w.strip()),
    )
    return Operation(entry, feeds)


def _explained(parameter: Parameter, said: str) -> Parameter:
    if parameter.help:
        return parameter
    return replace(parameter, help=sentence_about(said) or WORDING.get(parameter.name, ""))


def integer(name: str, default: Any = REQUIRED, **more: Any) -> Parameter:
    """A whole number."""
    return _number(name, "int", default, **more)


def real(name: str, default: Any = REQUIRED, **more: Any) -> Parameter:
    """A number."""
    return _number(name, "float", default, **more)


def integers(name: str, default: Any = REQUIRED, **more: Any) -> Parameter:
    """A whole number or a tuple of them."""
    return _number(name, "ints", default, scalar=more.pop("scalar", True), **more)


def reals(name: str, default: Any = REQUIRED, **more: Any) -> Parameter:
    """A number or a tuple of them."""
    return _number(name, "floats", default, scalar=more.pop("scalar", True), **more)


def flag(name: str, default: Any = False, **more: Any) -> Parameter:
    """True or False."""
    return Parameter(name, "bool", default, optional=default is None, **more)


def choice(name: str, default: Any, choices: str, **more: Any) -> Parameter:
    """One of some words, separated by spaces."""
    return Parameter(name, "choice", default, choices=tuple(choices.split()), **more)


def dtype(default: Any = REQUIRED, **more: Any) -> Parameter:
    """A tensor's type by its name."""
    about = {"help": "The type of the result.", **more}
    return Parameter("dtype", "dtype", default, optional=default is None, choices=DTYPES, **about)


def _number(name: str, kind: ParameterType, default: Any, **more: Any) -> Parameter:
    whole = {"minimum": -LARGEST_SIZE, "maximum": LARGEST_SIZE} if "int" in kind else {}
    limits = {**(RANGES.get(name) or whole), **more}
    return Parameter(name, kind, default, optional=default is None, **limits)


# `dim` as most reductions have it: None reduces everything, a tuple several dimensions.
DIMS: Final = integers("dim", None, suggested=1)
KEEPDIM: Final = flag("keepdim")


def dim(default: Any = REQUIRED, suggested: int | None = None) -> Parameter:
    """One dimension, counted from the front or (negative) from the back."""
    return integer("dim", default, suggested=suggested)
