"""The data sets that exist: `register` one, list their `cards`, find one by name.

    register(Source("stairs", describe=stairs_card, load=stairs))

Built-in sets come through the same door: `builder.data.builtin` and `builder.data.generators` are
imported at the first question, and register theirs as a stranger would.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from builder.data.card import Card, OptionValue, check_options
from builder.errors import NotFound, did_you_mean, quote

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

_BUILT_IN = ("builder.data.builtin", "builder.data.generators")

Options: TypeAlias = Mapping[str, OptionValue]


@dataclass(frozen=True)
class Columns:
    """A table: one column is the target, the others are features."""

    table: pa.Table
    target: str


@dataclass(frozen=True)
class Samples:
    """Arrays that are no table: `x` (rows, *shape) float32; `y` (rows,) int64 classes or float32."""

    x: npt.NDArray[np.float32]
    y: npt.NDArray[np.int64] | npt.NDArray[np.float32]


Content: TypeAlias = Columns | Samples


@dataclass(frozen=True)
class Source:
    """One data set: `describe` makes its card for some options, `load` its content.

    Both get every option of the card, checked. The same options must give the same bytes.
    """

    key: str
    describe: Callable[[Options], Card]
    load: Callable[[Options], Content]


_sources: dict[str, Source] = {}


def register(source: Source) -> None:
    """Adds a data set. Errors: ValueError for a key that is taken, or a card of another key."""
    if source.key in _sources:
        raise ValueError(f"A data set {quote(source.key)} is registered already.")
    if source.describe({}).key != source.key:
        raise ValueError(f"The card of {quote(source.key)} carries another key.")
    _sources[source.key] = source


def unregister(key: str) -> None:
    """Takes a data set away again; an unknown key is no error."""
    _sources.pop(key, None)


def cards() -> dict[str, Card]:
    """Every data set's card with its default options, in the order of a gallery."""
    _register_built_in()
    return {key: source.describe({}) for key, source in _sources.items()}


def source(key: str) -> Source:
    """The data set of that name. Errors: NotFound with the nearest name."""
    _register_built_in()
    if key not in _sources:
        hint = did_you_mean(key, _sources) or f"There are {', '.join(_sources)}."
        raise NotFound(f"There is no data set {quote(key)}. {hint}")
    return _sources[key]


def card_of(key: str, options: Mapping[str, object] | None = None) -> Card:
    """A data set's card for some options. Errors: NotFound; DataRefused for a bad option."""
    found = source(key)
    plain = found.describe({})
    return found.describe(check_options(plain.title, plain.options, options or {}))


@functools.cache
def _register_built_in() -> None:
    for module in _BUILT_IN:
        importlib.import_module(module)
