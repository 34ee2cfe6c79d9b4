"""How operations move, merge, drop and mix axes, by name; None wherever that cannot be told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from builder.graph.model import Slice, TensorSpec, Value
from builder.graph.symbols import is_batch

Names: TypeAlias = tuple[str, ...]

BATCH: Final = "batch"
FEATURES: Final = "features"

_Read: TypeAlias = Sequence[tuple[TensorSpec, Names | None]]
_Parts: TypeAlias = Mapping[tuple[int, ...], Names | None]

_STAYING: Final = frozenset(
    {"contiguous", "roll", "flip", "tril", "triu", "narrow", "index_select", "gather", "tile"}
    | {"take_along_dim", "repeat", "repeat_interleave", "expand", "expand_as", "broadcast_to"}
    | {"topk", "sort", "argsort", "cat", "hstack", "vstack", "chunk", "split"}
)
_MOST_PARTS: Final = 64


def alike(value: Value | None, read: _Read) -> Names | None:
    """Of what is worked out number by number: the names of what has the shape of the result already."""
    if not isinstance(value, TensorSpec):
        return None
    said = {names for tensor, names in read if names and tensor.shape == value.shape}
    return said.pop() if len(said) == 1 else None


def mixed(value: TensorSpec | None, names: Names | None) -> Names | None:
    """The last axis is made anew of all its numbers: features."""
    if value is None:
        return None
    if names is None:
        fine = len(value.shape) == 2 and is_batch(value.shape[0])
        return (BATCH, FEATURES) if fine else None
    return (*names[:-1], FEATURES) if FEATURES not in names[:-1] else None


def product(read: Sequence[Names | None]) -> Names | None:
    """Of a matrix product: the rows of the first, the columns of the second."""
    if len(read) != 2 or not read[0] or not read[1] or min(len(read[0]), len(read[1])) < 2:
        return None
    one, other = read[0], read[1]
    if len(one) == len(other) and one[:-2] != other[:-2]:
        return None
    longer = one if len(one) >= len(other) else other
    return (*longer[:-2], one[-2], other[-1])


def attention(value: Value | None) -> Names | None:
    """Of the weights of an attention: from which place to which one is looked."""
    if not isinstance(value, TensorSpec) or not value.shape:
        return None
    heads = ("heads",) if len(value.shape) == 4 else ()
    if not is_batch(value.shape[0]) or len(value.shape) not in (3, 4):
        return None
    return (BATCH, *heads, "queries", "keys")


def moved(name: str, arguments: Mapping[str, object], value: Value | None, read: _Read) -> _Parts:
    """What an operation that moves, merges or drops axes gives, part by part."""
    if not read:
        return {}
    tensor, names = read[0]
    if name in ("cat", "hstack", "vstack"):
        every = {names for _, names in read}
        names = every.pop() if len(every) == 1 else None
    if names is None:
        return {(): _unknown_before(value)}
    if name in ("reshape", "view", "unflatten", "Unflatten"):
        return {(): _reshaped(tensor, value, names)}
    if name in _STAYING:
        found: Names | None = names
    elif name in ("select", "unbind"):
        found = _dropped(names, arguments.get("dim"), keep=False)
    elif name == "squeeze":
        found = _squeezed(names, tensor, arguments.get("dim"))
    elif name in ("permute", "transpose", "movedim"):
        found = _permuted(name, names, arguments)
    elif name in ("flatten", "Flatten"):
        found = _flattened(names, arguments.get("start_dim"), arguments.get("end_dim"))
    elif name == "getitem":
        found = _indexed(names, arguments.get("index"))
    elif "dim" in arguments and "keepdim" in arguments:
        found = _dropped(names, arguments["dim"], keep=arguments["keepdim"] is True)
    else:
        return {}
    parts = len(value) if isinstance(value, tuple) else 0
    return {(): found, **{(i,): found for i in range(min(parts, _MOST_PARTS))}}


def _unknown_before(value: Value | None) -> Names | None:
    if isinstance(value, TensorSpec) and len(value.shape) == 1 and is_batch(value.shape[0]):
        return (BATCH,)
    return None


def _reshaped(before: TensorSpec, value: Value | None, names: Names) -> Names | None:
    """Numbers put into other axes: known only where nothing moves, or all of a sample is one row."""
    if not isinstance(value, TensorSpec):
        return None
    if value.shape == before.shape:
        return names
    rows = len(value.shape) == 2 and names[0] == BATCH and value.shape[0] == before.shape[0]
    return (BATCH, FEATURES) if rows else None


def _place(dim: object, rank: int) -> int | None:
    if not isinstance(dim, int) or isinstance(dim, bool) or not -rank <= dim < rank:
        return None
    return dim % rank


def _places(dims: object, rank: int) -> list[int] | None:
    """Dimensions, counted from the front; None where one of them is not known."""
    listed = dims if isinstance(dims, tuple) else (dims,)
    found = [_place(dim, rank) for dim in listed]
    known = [place for place in found if place is not None]
    return known if len(known) == len(found) else None


def _dropped(names: Names, dims: object, *, keep: bool) -> Names | None:
    if keep:
        return names
    gone = list(range(len(names))) if dims is None else _places(dims, len(names))
    return None if gone is None else tuple(n for i, n in enumerate(names) if i not in gone)


def _squeezed(names: Names, tensor: TensorSpec, dims: object) -> Names | None:
    gone = list(range(len(names))) if dims is None else _places(dims, len(names))
    if gone is None:
        return None
    return tuple(n for i, n in enumerate(names) if i not in gone or tensor.shape[i] != 1)


def _permuted(name: str, names: Names, arguments: Mapping[str, object]) -> Names | None:
    rank = len(names)
    order = list(range(rank))
    if name == "permute":
        found = _places(arguments.get("dims"), rank)
        return tuple(names[i] for i in found) if found and sorted(found) == order else None
    if name == "transpose":
        pair = _places((arguments.get("dim0"), arguments.get("dim1")), rank)
        if pair is None:
            return None
        order[pair[0]], order[pair[1]] = order[pair[1]], order[pair[0]]
        return tuple(names[i] for i in order)
    source = _places(arguments.get("source"), rank)
    target = _places(arguments.get("destination"), rank)
    if source is None or target is None or len(set(source)) != len(set(target)):
        return None
    order = [i for i in order if i not in source]
    for place, i in sorted(zip(target, source, strict=True)):
        order.insert(place, i)
    return tuple(names[i] for i in order)


def _flattened(names: Names, start: object, end: object) -> Names | None:
    pair = _places((start, end), len(names))
    if pair is None or pair[0] > pair[1]:
        return None
    first, last = pair
    whole = first == 1 and last == len(names) - 1 and names[0] == BATCH
    merged = FEATURES if whole else "·".join(names[first : last + 1])
    return (*names[:first], merged, *names[last + 1 :])


def _indexed(names: Names, index: object) -> Names | None:
    """x[:, 0] drops the second axis; None for an index of tensors, or one that adds axes."""
    parts = list(index) if isinstance(index, tuple) else [index]
    if parts.count(...) > 1 or len(parts) - parts.count(...) > len(names):
        return None
    if ... in parts:
        at = parts.index(...)
        parts[at : at + 1] = [Slice()] * (len(names) - len(parts) + 1)
    left: list[str] = []
    for name, part in zip(names, parts, strict=False):
        if isinstance(part, Slice):
            left.append(name)
        elif not isinstance(part, int) or isinstance(part, bool):
            return None
    return (*left, *names[len(parts) :])
