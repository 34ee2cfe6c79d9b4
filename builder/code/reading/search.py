"""Inputs that nothing in the text says: shapes that the first layers take, tried one after the other."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import islice, product
from typing import Any, Final

from builder.code.reading.attributes import find_in_class
from builder.code.reading.modules import walk
from builder.code.reading.reader import Reader
from builder.code.reading.target import Found
from builder.code.reading.trace import Layer, Module, Raw
from builder.code.reading.values import Function, deep_plain
from builder.graph.model import BATCH, TensorSpec

_MOST: Final = 60  # attempts
_RECURRENT: Final = ("LSTM", "GRU", "RNN")
_SIDES: Final = (
    28,
    32,
    224,
    64,
    96,
    128,
    227,
    48,
    256,
    299,
    100,
    36,
    84,
    112,
    150,
    200,
    16,
    20,
    40,
    512,
    8,
    14,
    24,
    12,
    56,
    160,
    192,
    384,
)
_LENGTHS: Final = (32, 16, 8, 50, 100, 64, 28, 128, 10)


def searched(reader: Reader, found: Found) -> Iterator[list[TensorSpec]]:
    """Specs for the arguments of forward, the likeliest first."""
    names = _arguments(found)
    if not names:
        return
    choices = [_choices(reader, found, name, place) for place, name in enumerate(names)]
    if len(choices) == 1:
        for spec in islice(choices[0], _MOST):
            yield [spec]
        return
    same = [list(islice(c, 12)) for c in choices]
    for row in zip(*same, strict=False):
        yield list(row)
    for combination in islice(product(*same), _MOST):
        yield list(combination)


def _arguments(found: Found) -> list[str]:
    cls = found.module.cls
    forward = find_in_class(cls, "forward") if cls is not None else None
    if not isinstance(forward, Function):
        return ["input"]
    names = [a.arg for a in (*forward.node.args.posonlyargs, *forward.node.args.args)][1:]
    return names[: len(names) - len(forward.defaults)]


def _choices(reader: Reader, found: Found, name: str, place: int) -> Iterator[TensorSpec]:
    layer = _first_layer(found, name)
    low = name.lower()
    entry = layer.entry.name if layer is not None else ""
    given = {k: deep_plain(v) for k, v in layer.arguments.items()} if layer is not None else {}
    if "len" in low and entry in ("", *_RECURRENT) and _packs(reader):
        yield TensorSpec((BATCH,), "int64")
        return
    if "mask" in low and entry == "":
        yield TensorSpec((BATCH, 32), "bool")
    if entry == "Embedding" or (
        not entry
        and low
        in (
            "tokens",
            "input_ids",
            "idx",
            "ids",
            "src",
            "tgt",
            "trg",
            "token_ids",
            "tokens_ids",
            "text",
            "captions",
        )
    ):
        for length in _LENGTHS:
            yield TensorSpec((BATCH, length), "int64")
            if _packs(reader):  # mostly with the steps in front
                yield TensorSpec((length, BATCH), "int64")
        yield TensorSpec((BATCH,), "int64")
        return
    if entry.startswith("Conv") and entry[-2:] in ("1d", "2d", "3d"):
        yield from _pictures(reader, _size(given, "in_channels", 3), int(entry[-2]), entry)
        return
    if entry.startswith(("BatchNorm2d", "MaxPool2d", "AvgPool2d")):
        yield from _pictures(reader, _size(given, "num_features", 3), 2, entry)
    if entry in _RECURRENT:
        size = _size(given, "input_size", 10)
        for length in _LENGTHS:
            shape = (BATCH, length, size) if given.get("batch_first") else (length, BATCH, size)
            yield TensorSpec(shape)
        return
    if entry in ("Linear", "Bilinear"):
        yield from _vectors(found, _size(given, "in_features", 32))
        return
    for key in ("d_model", "embed_dim", "normalized_shape", "num_features", "input_size"):
        width = given.get(key)
        if isinstance(width, int):
            yield TensorSpec((BATCH, 16, width))
            yield TensorSpec((BATCH, width))
    every = (p for _, p in walk(found.module) if isinstance(p, Layer) and p is not layer)
    first = next((p for p in every if not _keeps_shape(p)), None)
    if first is not None and (layer is None or _keeps_shape(layer)):
        yield from _by_layer(reader, found, first)
    for _, part in walk(found.module):
        if isinstance(part, Raw):
            for width in reversed(part.spec.shape):
                if isinstance(width, int) and width > 1:
                    yield TensorSpec((BATCH, width))
    for channels in (3, 1):
        for side in (32, 28, 224, 64):
            yield TensorSpec((BATCH, channels, side, side))
    for size in (10, 32, 64, 784, 16, 1, 2, 128):
        yield TensorSpec((BATCH, size))
    yield TensorSpec((BATCH, 16, 64))
    yield TensorSpec((BATCH, 16), "int64")


def _packs(reader: Reader) -> bool:
    """Whether the text tells a recurrent layer how long each sequence is."""
    return "pack_padded_sequence" in reader.text


def _keeps_shape(layer: Layer) -> bool:
    """A dropout or activation takes any shape: the layer behind it says which one."""
    return layer.entry.family in ("activation", "dropout") or layer.entry.name == "Identity"


def _size(given: dict[str, Any], name: str, otherwise: int) -> int:
    """A size that a layer was made with, as far as it is one."""
    value = given.get(name)
    return value if type(value) is int and 0 < value < 2**31 else otherwise


def _by_layer(reader: Reader, found: Found, layer: Layer) -> Iterator[TensorSpec]:
    entry, given = layer.entry.name, {k: deep_plain(v) for k, v in layer.arguments.items()}
    if entry.startswith("Conv") and entry[-2:] in ("1d", "2d", "3d"):
        yield from _pictures(reader, _size(given, "in_channels", 3), int(entry[-2]), entry)
    elif entry == "Linear":
        yield from _vectors(found, _size(given, "in_features", 32))
    elif entry == "Embedding":
        for length in _LENGTHS:
            yield TensorSpec((BATCH, length), "int64")
    elif entry in _RECURRENT:
        size = _size(given, "input_size", 10)
        yield TensorSpec((BATCH, 16, size) if given.get("batch_first") else (16, BATCH, size))


def _pictures(reader: Reader, channels: int, rank: int, entry: str) -> Iterator[TensorSpec]:
    sides = list(_SIDES)
    text = reader.state.get("words", "")
    if rank == 2 and channels == 3 and "MNIST" not in text:
        sides = [32, 224, *[s for s in sides if s not in (32, 224)]]
        if "resize" in text.lower() or "imagenet" in text.lower():
            sides = [224, *[s for s in sides if s != 224]]
    if rank == 2 and channels == 1 and ("LeNet" in text or "lenet" in text):
        sides = [28, 32, *[s for s in sides if s not in (28, 32)]]
    if "Transpose" in entry:
        sides = [1, 4, 7, 8, *sides]
    if rank == 1:
        sides = [64, 128, 100, 32, 784, 1000, 256, 50, 1024, 16000]
    if rank == 3:
        sides = [16, 32, 64, 8]
    for side in sides:
        yield TensorSpec((BATCH, channels, *(side,) * rank))


def _vectors(found: Found, size: int) -> Iterator[TensorSpec]:
    """A vector of this size, or the picture that is flattened to it."""
    if _flattens(found):
        for channels in (1, 3):
            side = round((size / channels) ** 0.5)
            if side > 3 and channels * side * side == size:
                yield TensorSpec((BATCH, channels, side, side))
    yield TensorSpec((BATCH, size))
    yield TensorSpec((BATCH, 16, size))
    for side in (32, 224, 64, 28):
        yield TensorSpec((BATCH, 3, side, side))


def _flattens(found: Found) -> bool:
    cls = found.module.cls
    if cls is None:
        first = next(iter(found.module.members.values()), None)
        return isinstance(first, Layer) and first.entry.name == "Flatten"
    forward = find_in_class(cls, "forward")
    if not isinstance(forward, Function):
        return False
    names = {n.attr for n in ast.walk(forward.node) if isinstance(n, ast.Attribute)}
    return bool(names & {"view", "flatten", "reshape", "Flatten"})


def _first_layer(found: Found, argument: str) -> Layer | None:
    """The layer that an argument of forward goes into first, as far as can be seen."""
    return _into(found.module, argument, 0)


def _into(module: Module, argument: str, depth: int) -> Layer | None:
    if depth > 6:
        return None
    forward = find_in_class(module.cls, "forward") if module.cls is not None else None
    if not isinstance(forward, Function):
        if module.kind == "Sequential":
            return _first_of(next(iter(module.members.values()), None), depth)
        return None
    names = {argument}
    for node in _in_order(forward.node):
        if isinstance(node, ast.Assign) and _reads(node.value, names) and _is_passed_on(node.value):
            names |= {t.id for t in node.targets if isinstance(t, ast.Name)}
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if not (isinstance(node.func.value, ast.Name) and node.func.value.id == "self"):
            continue
        if any(_reads_plainly(a, names) for a in node.args):
            member = module.members.get(node.func.attr)
            place = next(i for i, a in enumerate(node.args) if _reads_plainly(a, names))
            found = _first_of(member, depth, place)
            if found is not None:
                return found
    return None


def _first_of(member: Any, depth: int, place: int = 0) -> Layer | None:
    if isinstance(member, Layer):
        return member if member.entry.name not in _PASSING else None
    if not isinstance(member, Module):
        return None
    if member.kind == "Sequential" and member.cls is None:
        for child in member.members.values():
            found = _first_of(child, depth + 1)
            if found is not None:
                return found
        return None
    forward = find_in_class(member.cls, "forward") if member.cls is not None else None
    if not isinstance(forward, Function):
        return _first_of(next(iter(member.members.values()), None), depth + 1)
    names = [a.arg for a in forward.node.args.args][1:]
    return _into(member, names[place], depth + 1) if place < len(names) else None


_PASSING: Final = frozenset({"Flatten", "Dropout", "Identity", "ReLU", "Dropout2d", "Unflatten"})


def _in_order(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        yield from _in_order(child)
        yield child


def _reads(node: ast.AST, names: set[str]) -> bool:
    return any(isinstance(n, ast.Name) and n.id in names for n in ast.walk(node))


def _is_passed_on(node: ast.AST) -> bool:
    """`x.view(…)`, `x.float()`, `F.relu(x)`: no layer of the network in between."""
    return not any(
        isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name) and n.value.id == "self"
        for n in ast.walk(node)
        if isinstance(n, ast.Attribute)
    )


def _reads_plainly(node: ast.AST, names: set[str]) -> bool:
    if isinstance(node, ast.Name):
        return node.id in names
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if isinstance(node.func.value, ast.Name) and node.func.value.id == "self":
            return False
        return any(_reads_plainly(a, names) for a in (node.func.value, *node.args))
    if isinstance(node, ast.Attribute | ast.Subscript):
        return _reads_plainly(node.value, names)
    return False
