"""Which layers and operations exist: every module of torch.nn that can stand in a model, by
introspection with a few overrides, and the operations real models use between them.

    entries()["torch.nn.Linear"].parameter("out_features").minimum  # 1
    [entry.name for entry in search("fully connected")]             # ["Linear", …]
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from builder.catalogue.calls import (
    build_layer,
    call_arguments,
    defaults_for,
    is_optional,
    parts_of,
    split_inner,
    target_of,
)
from builder.catalogue.entry import Entry
from builder.catalogue.example import Example, example
from builder.catalogue.exclusions import EXCLUDED
from builder.catalogue.families import FAMILIES
from builder.catalogue.literals import DTYPES, check_literal
from builder.catalogue.literals import to_torch as _to_torch
from builder.catalogue.tensors import TENSORS
from builder.catalogue.words import POPULAR
from builder.errors import NotFound, did_you_mean, quote

if TYPE_CHECKING:
    from typing import Any

    from builder.catalogue.finding import SearchIndex

__all__ = [
    "DTYPES",
    "FAMILIES",
    "TENSORS",
    "Example",
    "build_layer",
    "call_arguments",
    "canonical",
    "check_literal",
    "defaults_for",
    "entries",
    "example",
    "get",
    "is_optional",
    "parts_of",
    "search",
    "split_inner",
    "target_of",
    "to_torch",
]

_PREFIXES = ("torch.", "operator.")
# Where an operation of one name does the same: torch.linalg.diagonal is another one.
_OTHERS_BY_NAME = frozenset(
    {"torch.Tensor.unfold", "torch.dropout", "torch.layer_norm", "torch.rms_norm"}
)
"""Operations that share a name with one of the palette and take other arguments."""
_SAME_BY_NAME = frozenset({"torch", "torch.Tensor", "torch.nn.functional", "operator"})


@cache
def entries() -> Mapping[str, Entry]:
    """All layers and operations by key, by family, the ones people reach for most first."""
    # Torch is imported here and not with the package: `import builder` stays quick.
    from builder.catalogue.introspection import layers
    from builder.catalogue.operations import OPERATIONS

    found = [*layers(), *(operation.entry for operation in OPERATIONS)]
    families = list(FAMILIES)
    popular = {key: place for place, key in enumerate(POPULAR)}
    order = sorted(
        enumerate(found),
        key=lambda item: (
            families.index(item[1].family),
            popular.get(item[1].key, len(popular)),
            item[1].kind,
            item[0],
        ),
    )
    return MappingProxyType({entry.key: entry for _, entry in order})


def get(key: str) -> Entry:
    """The entry of a key; another spelling of the same operation (`canonical`) is understood.

    Also of a tensor owned without a layer ("parameter", "buffer"), and of every operation of torch
    that the palette does not show ("torch.addmm", "torch.Tensor.add_", "torch.zeros").

    Errors: NotFound, with the nearest name, or why torch has it and the catalogue not.
    """
    found = entries().get(canonical(key)) or TENSORS.get(key) or _unlisted(key)
    if found is None:
        raise NotFound(_not_found(key))
    return found


def _unlisted(key: str) -> Entry | None:
    if not key.startswith(_PREFIXES):
        return None
    from builder.catalogue.operations.unlisted import unlisted

    return unlisted(key)


def _not_found(key: str) -> str:
    name = key.rpartition(".")[2]
    if key in (f"torch.nn.{name}", name) and name in EXCLUDED:
        return f"{quote(name)} cannot be a layer here: {EXCLUDED[name]}."
    names = {entry.name.lower(): entry.name for entry in reversed(list(entries().values()))}
    near = names.get(name.lower())
    hint = f"Did you mean {quote(near)}?" if near else ""
    hint = hint or did_you_mean(key, entries()) or did_you_mean(name, names.values())
    return f"There is no layer or operation {quote(key)}. {hint}".strip()


def canonical(key: str) -> str:
    """The key under which an operation is kept: "torch.add" → "operator.add".

    A key that is kept, or is no other spelling of one, comes back as it is.
    """
    if key in entries() or key in _OTHERS_BY_NAME or not key.startswith(_PREFIXES):
        return key
    owner, _, name = key.rpartition(".")
    return _operations_by_name().get(name, key) if owner in _SAME_BY_NAME else key


@cache
def _operations_by_name() -> Mapping[str, str]:
    operations = [e for e in entries().values() if e.kind == "operation"]
    last = {entry.key.rpartition(".")[2]: entry.key for entry in reversed(operations)}
    return {**last, **{entry.name: entry.key for entry in reversed(operations)}}


def search(text: str, limit: int = 20) -> list[Entry]:
    """What a person may mean: by name, everyday word, family or help; small slips are forgiven.

    An exact name comes first, then an everyday word said exactly, the beginning of a name, other
    words, the family, the help. An empty text lists the palette.
    """
    return _index().find(text, limit)


@cache
def _index() -> SearchIndex:
    from builder.catalogue.finding import index_of

    return index_of(entries())


def to_torch(
    entry: Entry | str, arguments: Mapping[str, Any], training: bool = False
) -> dict[str, Any]:
    """Literal arguments as torch takes them; see `builder.catalogue.literals.to_torch`."""
    return _to_torch(get(entry) if isinstance(entry, str) else entry, arguments, training)
