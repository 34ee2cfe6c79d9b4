"""einops' patterns as operations of torch: `rearrange(x, "b (h d) -> b h d", h=4)`."""

from __future__ import annotations

import re
from typing import Any, Final

from builder.code.reading.adapting import sizes_of
from builder.code.reading.arithmetic import binary
from builder.code.reading.iterating import items_of
from builder.code.reading.reader import Reader
from builder.code.reading.torch_calls import operation
from builder.code.reading.values import Known, Sym, Tensor, plain

_TOKEN: Final = re.compile(r"\(|\)|[A-Za-z_]\w*|1|\.\.\.")
_JOINED: Final = "(...)"
"""Dots between brackets: the dimensions in their place become one."""
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_REDUCTIONS: Final = {
    "mean": "torch.mean",
    "sum": "torch.sum",
    "max": "torch.amax",
    "min": "torch.amin",
}

Axes = list[list[str]]


def rearrange(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """Splits, reorders and joins dimensions."""
    tensor, left, right, sizes = _taken_apart(reader, args[0], args[1], kwargs)
    flat = [axis for group in left for axis in group]
    wanted = [axis for group in right for axis in group if axis != "1"]
    if sorted(flat) != sorted(wanted):
        raise reader.refuse("Both sides of the pattern need the same names", kind="raised")
    return _put_together(reader, tensor, flat, right, sizes)


def reduce(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """Averages, sums or takes the largest along the dimensions that are left out."""
    kind = plain(args[2]) if len(args) > 2 else plain(kwargs.pop("reduction", None))
    if kind not in _REDUCTIONS:
        raise reader.refuse("This reduction cannot be read")
    tensor, left, right, sizes = _taken_apart(reader, args[0], args[1], kwargs)
    flat = [axis for group in left for axis in group]
    wanted = {axis for group in right for axis in group}
    gone = tuple(i for i, axis in enumerate(flat) if axis not in wanted)
    if gone:
        tensor = operation(reader, _REDUCTIONS[kind], {"input": tensor, "dim": gone})
    return _put_together(reader, tensor, [a for a in flat if a in wanted], right, sizes)


def repeat(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """Repeats along new dimensions."""
    tensor, left, right, sizes = _taken_apart(reader, args[0], args[1], kwargs)
    flat = [axis for group in left for axis in group]
    wanted = [axis for group in right for axis in group if axis != "1"]
    new = [axis for axis in wanted if axis not in flat]
    for axis in new:
        if axis not in sizes:
            raise reader.refuse(f"The pattern does not say how large “{axis}” is", kind="raised")
    order = [axis for axis in wanted if axis in flat]
    tensor = _ordered(reader, tensor, flat, order)
    for place, axis in enumerate(wanted):
        if axis in new:
            tensor = operation(reader, "torch.unsqueeze", {"input": tensor, "dim": place})
    if new:
        grown = tuple(sizes[axis] if axis in new else -1 for axis in wanted)
        tensor = operation(reader, "torch.Tensor.expand", {"input": tensor, "sizes": grown})
    return _put_together(reader, tensor, wanted, right, sizes)


def einsum(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """`einsum(q, k, "b i d, b j d -> b i j")`: torch's own, whose axes are single letters."""
    *tensors, pattern = (plain(a) for a in args)
    if not isinstance(pattern, str) or pattern.count("->") != 1 or "(" in pattern:
        raise reader.refuse("This pattern cannot be read")
    names = list(dict.fromkeys(re.findall(r"[A-Za-z_]\w*", pattern)))
    if len(names) > len(_LETTERS) or re.sub(r"[\w\s,]|->|\.\.\.", "", pattern):
        raise reader.refuse("This pattern cannot be read")
    letters = dict(zip(names, _LETTERS, strict=False))
    short = re.sub(r"[A-Za-z_]\w*", lambda found: letters[found[0]], pattern).replace(" ", "")
    return reader.call(Known("torch.einsum"), [short, *tensors], {})


def pack(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """`pack([a, b], "b * d")`: the dimensions at the star made one, and all behind each other."""
    tensors, before, after = _at_the_star(reader, args[0], args[1])
    shapes, flat = [], []
    for tensor in tensors:
        sizes = sizes_of(tensor)
        if len(sizes) < before + after:
            raise reader.refuse("This tensor has fewer dimensions than the pattern", kind="shape")
        inner = sizes[before : len(sizes) - after]
        shapes.append(inner)
        count: Any = 1
        for size in inner:
            count = binary(reader, "Mult", count, size)
        if len(inner) != 1:
            whole = (*sizes[:before], count, *sizes[len(sizes) - after :])
            tensor = operation(reader, "torch.reshape", {"input": tensor, "shape": whole})
        flat.append(tensor)
    joined = operation(reader, "torch.cat", {"tensors": tuple(flat), "dim": before})
    return (joined, shapes)


def unpack(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """`unpack(x, shapes, "b * d")`: what `pack` put together, apart again."""
    (tensor,), before, _ = _at_the_star(reader, [args[0]], args[2])
    shapes = [tuple(items_of(reader, shape)) for shape in items_of(reader, args[1])]
    counts: list[Any] = []
    for shape in shapes:
        count: Any = 1
        for size in shape:
            count = binary(reader, "Mult", count, size)
        counts.append(count)
    given = {"input": tensor, "split_size": tuple(counts), "dim": before}
    parts = list(operation(reader, "torch.split", given))
    found = []
    for part, shape in zip(parts, shapes, strict=True):
        if len(shape) != 1:
            sizes = sizes_of(part)
            whole = (*sizes[:before], *shape, *sizes[before + 1 :])
            part = operation(reader, "torch.reshape", {"input": part, "shape": whole})
        found.append(part)
    return found


def _at_the_star(reader: Reader, tensors: Any, pattern: Any) -> tuple[list[Tensor], int, int]:
    """The tensors, and how many dimensions stand before and behind the star."""
    names = plain(pattern).split() if isinstance(plain(pattern), str) else []
    found = items_of(reader, tensors)
    if names.count("*") != 1 or not all(isinstance(t, Tensor) for t in found):
        raise reader.refuse("This pattern cannot be read")
    return found, names.index("*"), len(names) - names.index("*") - 1


def _taken_apart(
    reader: Reader, tensor: Any, pattern: Any, kwargs: dict[str, Any]
) -> tuple[Tensor, Axes, Axes, dict[str, Any]]:
    """The tensor with one dimension for each name of the left side."""
    pattern = plain(pattern)
    if isinstance(tensor, list | tuple):
        tensor = operation(reader, "torch.stack", {"tensors": tuple(tensor), "dim": 0})
    if not isinstance(tensor, Tensor) or not isinstance(pattern, str) or pattern.count("->") != 1:
        raise reader.refuse("This pattern cannot be read")
    one, other = pattern.split("->")
    left, right = _groups(reader, one), _groups(reader, other)
    left, right = _without_dots(reader, tensor, left, right)
    sizes: dict[str, Any] = dict(kwargs)
    own = sizes_of(tensor)
    if len(left) != len(own):
        raise reader.refuse(
            f"The pattern has {len(left)} dimensions, and the tensor {len(own)}", kind="shape"
        )
    shape: list[Any] = []
    for group, size in zip(left, own, strict=True):
        unknown = [axis for axis in group if axis not in sizes and axis != "1"]
        if len(unknown) > 1:
            raise reader.refuse(
                f"The pattern does not say how large “{unknown[0]}” is", kind="raised"
            )
        rest: Any = size
        for axis in group:
            if axis in sizes and len(group) > 1:
                rest = binary(reader, "FloorDiv", rest, sizes[axis])
        if unknown:
            sizes[unknown[0]] = rest
        shape.extend(1 if axis == "1" else sizes[axis] for axis in group)
    if any(len(group) != 1 for group in left):
        tensor = operation(reader, "torch.reshape", {"input": tensor, "shape": tuple(shape)})
    kept = [[axis for axis in group if axis != "1"] for group in left]
    ones = [i for i, axis in enumerate(a for group in left for a in group) if axis == "1"]
    for place in reversed(ones):
        tensor = operation(reader, "torch.squeeze", {"input": tensor, "dim": place})
    return tensor, kept, right, sizes


def _put_together(
    reader: Reader, tensor: Tensor, flat: list[str], right: Axes, sizes: dict[str, Any]
) -> Tensor:
    wanted = [axis for group in right for axis in group if axis != "1"]
    tensor = _ordered(reader, tensor, flat, wanted)
    if all(len(group) == 1 and group[0] != "1" for group in right):
        return tensor
    shape: list[Any] = []
    for group in right:
        size: Any = 1
        for axis in group:
            if axis != "1":
                size = (
                    sizes[axis]
                    if size == 1 and not isinstance(size, Sym)
                    else binary(reader, "Mult", size, sizes[axis])
                )
        shape.append(size)
    return operation(reader, "torch.reshape", {"input": tensor, "shape": tuple(shape)})  # type: ignore[no-any-return]


def _ordered(reader: Reader, tensor: Tensor, flat: list[str], wanted: list[str]) -> Tensor:
    if flat == wanted:
        return tensor
    dims = tuple(flat.index(axis) for axis in wanted)
    return operation(reader, "torch.permute", {"input": tensor, "dims": dims})  # type: ignore[no-any-return]


def _groups(reader: Reader, side: str) -> Axes:
    if len(side) > 200 or _TOKEN.sub("", side).strip():
        raise reader.refuse("This pattern cannot be read")
    found: Axes = []
    inside: list[str] | None = None
    for token in _TOKEN.findall(side):
        if token == "(":
            inside = []
        elif token == ")":
            if inside is None:
                raise reader.refuse("This pattern cannot be read")
            found.append(inside)
            inside = None
        elif inside is not None:
            inside.append(_JOINED if token == "..." else token)
        else:
            found.append([token])
    return found


def _without_dots(reader: Reader, tensor: Tensor, left: Axes, right: Axes) -> tuple[Axes, Axes]:
    if ["..."] not in left:
        if any(axis in ("...", _JOINED) for group in (*left, *right) for axis in group):
            raise reader.refuse("Dots of this kind cannot be read in a pattern")
        return left, right
    count = len(tensor.spec.shape) - len(left) + 1
    names = [[f"_dot{i}"] for i in range(max(0, count))]

    def joined(group: list[str]) -> list[str]:
        every = [name for part in names for name in part]
        return [n for axis in group for n in (every if axis == _JOINED else [axis])]

    def opened(side: Axes) -> Axes:
        parts = (names if group == ["..."] else [joined(group)] for group in side)
        return [axis for part in parts for axis in part]

    return opened(left), opened(right)
