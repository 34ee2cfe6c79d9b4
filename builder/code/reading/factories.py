"""Tensors the text makes of nothing, outside of forward: `torch.randn(5, 2)`. Their shape is what counts."""

from __future__ import annotations

from typing import Any, Final

from builder.code.reading.arithmetic import depends_on_batch
from builder.code.reading.iterating import items_of
from builder.code.reading.reader import Reader
from builder.code.reading.torch_calls import argument_of
from builder.code.reading.values import Dtype, Lazy, Sym, Tensor, Unknown, deep_plain, plain
from builder.graph.model import Argument, Ref, TensorSpec
from builder.graph.symbols import dim_from_probe

_OF_SHAPE: Final = frozenset({"zeros", "ones", "empty", "randn", "rand"})
_OLD: Final = {"FloatTensor": "float32", "LongTensor": "int64", "Tensor": "float32"}


def made(reader: Reader, path: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """A tensor of the shape that a factory gives; NotImplemented for what is none."""
    name = path.rpartition(".")[2]
    shape = _shape(reader, name, args, kwargs)
    if shape is None:
        return NotImplemented
    if isinstance(shape, Unknown):
        return shape
    dtype = kwargs.get("dtype")
    spec = TensorSpec(tuple(dim_from_probe(s) for s in shape), _dtype(name, args, dtype))
    arguments: dict[str, Argument] = {"size": tuple(shape)}
    if name in _OF_SHAPE:
        given = args or [kwargs.get("size", ())]
        if len(given) == 1 and isinstance(given[0], tuple | list | Lazy):
            given = items_of(reader, given[0])
        arguments["size"] = tuple(argument_of(reader, g) for g in given)
    for place, value in enumerate(args):
        if isinstance(plain(value), int | float | bool):
            arguments[f"_{place}"] = argument_of(reader, value)
    step = reader.trace.add("operation", path, arguments, spec, reader.line or 0, reader.node)
    return Tensor(spec, Ref(step.id))


def _dtype(name: str, args: list[Any], dtype: Any) -> str:
    if isinstance(dtype, Dtype):
        return dtype.name
    if name in _OLD:
        return _OLD[name]
    if name in ("randint", "randperm"):
        return "int64"
    if name in ("arange", "full", "tensor", "as_tensor"):
        values = _flat(deep_plain(args[1] if name == "full" and len(args) > 1 else args))
        if any(isinstance(v, float) for v in values):
            return "float32"
        if values and all(isinstance(v, bool) for v in values):
            return "bool"
        return "int64"
    return "float32"


def _flat(value: Any) -> list[Any]:
    if isinstance(value, list | tuple):
        return [leaf for part in value for leaf in _flat(part)]
    return [value]


def _shape(reader: Reader, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    bad = next((a for a in (*args, *kwargs.values()) if isinstance(a, Unknown)), None)
    if name in _OF_SHAPE or name in _OLD:
        if bad is not None and not isinstance(kwargs.get("device"), Unknown):
            return bad
        given = args or [kwargs.get("size", ())]
        if name in _OLD and given and isinstance(given[0], list):
            return _of_literal(reader, given[0])
        return _sizes(reader, given)
    if name == "full":
        return _sizes(reader, [args[0]] if args else [kwargs.get("size", ())])
    if name == "randint":
        size = kwargs.get("size", next((a for a in args if isinstance(a, tuple | list)), None))
        return None if size is None else _sizes(reader, [size])
    if name in ("arange", "range"):
        return _count(reader, args, kwargs)
    if name == "linspace":
        steps = args[2] if len(args) > 2 else kwargs.get("steps", 100)
        return _sizes(reader, [steps])
    if name == "randperm":
        return _sizes(reader, args[:1])
    if name == "eye":
        return _sizes(reader, [args[0], args[1] if len(args) > 1 else args[0]])
    if name in ("tensor", "as_tensor"):
        return (
            bad if bad is not None else _of_literal(reader, args[0] if args else kwargs.get("data"))
        )
    return None


def _sizes(reader: Reader, given: list[Any]) -> Any:
    if len(given) == 1 and isinstance(given[0], tuple | list | Lazy):
        given = items_of(reader, given[0])
    bad = next((g for g in given if isinstance(g, Unknown)), None)
    if bad is not None:
        return bad
    sizes = [plain(g) for g in given]
    if not all(isinstance(s, int) and not isinstance(s, bool) and 0 <= s < 2**40 for s in sizes):
        return None
    return sizes


def _count(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    start, step = 0, 1
    if len(args) == 1:
        (end,) = args
    elif len(args) >= 2:
        start, end = args[:2]
        step = args[2] if len(args) > 2 else kwargs.get("step", 1)
    else:
        end = kwargs.get("end")
    if depends_on_batch(end):
        return [plain(end)] if plain(start) == 0 and plain(step) == 1 else None
    numbers = [plain(n) for n in (start, end, step)]
    if not all(isinstance(n, int | float) for n in numbers) or numbers[2] == 0:
        return None
    return [max(0, -int(-(numbers[1] - numbers[0]) // numbers[2]))]


def _of_literal(reader: Reader, value: Any) -> Any:
    if isinstance(value, list | tuple):
        inner = [_of_literal(reader, part) for part in value]
        if not inner:
            return [0]
        return (
            None if inner[0] is None or isinstance(inner[0], Unknown) else [len(value), *inner[0]]
        )
    if isinstance(value, Tensor):
        return None
    return [] if isinstance(plain(value), int | float) else None


__all__ = ["Sym", "made"]
