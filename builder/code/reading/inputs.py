"""What goes into a network: as a person says it, as the text calls it, or by what its layers take."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from builder.code.reading.arithmetic import depends_on_batch
from builder.code.reading.attributes import find_in_class
from builder.code.reading.reader import Reader
from builder.code.reading.scopes import FileScope
from builder.code.reading.search import searched
from builder.code.reading.target import Found
from builder.code.reading.values import Function, Tensor, Unknown, plain
from builder.errors import CodeRefused, quote
from builder.graph.limits import refuse_spec
from builder.graph.model import BATCH, Ref, TensorSpec

_INPUT = re.compile(r"\s*(?:(?:torch\.)?(\w+)\s*)?[\[(]([^\])]*)[\])]\s*")
_ALONE = re.compile(r"\s*(?:N\s*[,x×]\s*)?\d{1,11}(?:\s*[,x×]\s*\d{1,11})*\s*,?\s*")
_OTHER_DTYPES = {"float": "float32", "long": "int64", "int": "int32", "double": "float64"}


@dataclass
class Attempt:
    """Values for the arguments of forward. `sure`: the text or a person says so."""

    values: list[Any]
    assumptions: tuple[str, ...] = ()
    sure: bool = False


def parse_inputs(inputs: Sequence[str] | None) -> list[Any] | None:
    """ "float32[N,1,28,28]" as specs. Errors: CodeRefused for what is none."""
    if inputs is None:
        return None
    return [_spec(text) for text in ([inputs] if isinstance(inputs, str) else inputs)]


def sizes_alone(text: str) -> tuple[int, ...] | None:
    """The sizes of one sample in "1, 8, 8", "1×8×8", "N, 1, 8, 8"; None for what is written otherwise."""
    return tuple(map(int, re.findall(r"\d+", text))) if _ALONE.fullmatch(text) else None


def _spec(text: str) -> TensorSpec:
    sizes = sizes_alone(text)
    text = text if sizes is None else f"float32[N, {', '.join(map(str, sizes))}]"
    found = _INPUT.fullmatch(text)
    if found is None:
        raise CodeRefused(
            f"{quote(text)} is no input.",
            help="Write the sizes of one sample, such as 1, 28, 28, or with a type float32[N, 1, 28, 28].",
        )
    dtype = _OTHER_DTYPES.get(found[1] or "float32", found[1] or "float32")
    shape: list[int | str] = []
    for size in filter(None, (part.strip() for part in found[2].split(","))):
        shape.append(int(size) if size.isdecimal() and len(size) < 12 else size)
    spec = TensorSpec(tuple(shape), dtype)
    if sentence := refuse_spec(spec):
        raise CodeRefused(f"{quote(text)} is no input. {sentence}")
    return spec


def tensor(spec: TensorSpec) -> Tensor:
    return Tensor(spec, Ref("outside"))


def candidates(reader: Reader, found: Found, given: list[Any] | None) -> Iterator[Attempt]:
    """What the network may be called with, the likeliest first."""
    reader.state["called_with"] = _called_with(reader, found)
    if given is not None:
        yield Attempt([tensor(spec) for spec in given], (), sure=True)
        return
    seen: set[str] = set()
    for attempt in (*_from_calls(reader, found), *_from_summaries(reader, found)):
        key = repr([v.spec if isinstance(v, Tensor) else v for v in attempt.values])
        if key not in seen:
            seen.add(key)
            yield attempt
    for values in searched(reader, found):
        key = repr(values)
        if key in seen:
            continue
        seen.add(key)
        said = ", ".join(f"{v.dtype}[{', '.join(map(str, v.shape))}]" for v in values)
        yield Attempt(
            [tensor(v) for v in values],
            (f"Its input is taken to be {said}: nothing in the text says it.",),
        )


def parameters_of(found: Found) -> list[ast.arg]:
    """The arguments of forward, without self."""
    cls = found.module.cls
    forward = find_in_class(cls, "forward") if cls is not None else None
    if not isinstance(forward, Function):
        return [ast.arg("x")]
    return [*forward.node.args.posonlyargs, *forward.node.args.args][1:]


def _called_with(reader: Reader, found: Found) -> str:
    """The variable in `model(image)`: how the input of an nn.Sequential is called."""
    for _, _, statement in _statements(reader.file):
        for node in ast.walk(statement):
            match node:
                case ast.Call(func=ast.Name(id=name), args=[ast.Name(id=given)]):
                    if name in found.variables:
                        return given
    return "input"


# Calls in the text --------------------------------------------------------------------------------


def _from_calls(reader: Reader, found: Found) -> list[Attempt]:
    """`model(x)` where x is a tensor that the text makes."""
    attempts = []
    names = {*found.variables}
    for scope, index, statement in _statements(reader.file):
        for node in ast.walk(statement):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            called = node.func
            is_model = (isinstance(called, ast.Name) and called.id in names) or (
                isinstance(called, ast.Call)
                and isinstance(called.func, ast.Name)
                and found.module.cls is not None
                and called.func.id == found.module.cls.name
            )
            if not is_model:
                continue
            values = _values_at(reader, scope, index, node)
            if values is not None:
                attempts.extend(_with_batch(reader, values))
    return attempts


def _statements(
    scope: FileScope, functions: bool = True
) -> Iterator[tuple[FileScope, int, ast.stmt]]:
    for index, statement in enumerate(scope.statements):
        if isinstance(statement, ast.FunctionDef):
            if functions and len(statement.args.args) == len(statement.args.defaults):
                yield from _statements(FileScope(statement.body, scope))
        elif not isinstance(statement, ast.ClassDef):
            yield scope, index, statement


def _values_at(reader: Reader, scope: FileScope, index: int, node: ast.Call) -> list[Any] | None:
    was, scope.position = scope.position, index
    reader.trace.frame = reader.trace.making
    try:
        values = [reader.evaluate(argument, scope) for argument in node.args]
    except CodeRefused as error:
        if error.kind == "limit":
            raise
        return None
    finally:
        scope.position = was
    return (
        values
        if all(_is_clear(v) for v in values) and any(isinstance(v, Tensor) for v in values)
        else None
    )


def _is_clear(value: Any) -> bool:
    if isinstance(value, Unknown):
        return False
    if isinstance(value, tuple):  # the two states of an LSTM
        return bool(value) and all(isinstance(part, Tensor) for part in value)
    return (
        isinstance(value, Tensor)
        or plain(value) is None
        or isinstance(plain(value), int | float | bool | str)
    )


def _with_batch(reader: Reader, values: list[Any]) -> list[Attempt]:
    """The first size stands for the batch, where it is the same for all tensors."""
    tensors = [v for v in values if isinstance(v, Tensor)]
    first = {v.spec.shape[0] for v in tensors if len(v.spec.shape) > 1}
    attempts = []
    if len(first) == 1:
        batched = []
        for value in values:
            if isinstance(value, Tensor):
                shape = value.spec.shape
                many = len(shape) > 1 or (len(shape) == 1 and shape[0] in first)
                spec = TensorSpec((BATCH, *shape[1:]) if many else shape, value.spec.dtype)
                batched.append(tensor(spec))
            else:
                batched.append(value)
        attempts.append(Attempt(batched, sure=True))
    fixed = [_fixed(value) for value in values]
    said: tuple[str, ...] = ("The batch size is fixed, as the text calls it.",)
    if any(isinstance(value, tuple) for value in values):
        said += ("Each tensor of a tuple that forward takes is read as an input of its own.",)
    attempts.append(Attempt(fixed, said, sure=True))
    return attempts


def _fixed(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_fixed(part) for part in value)
    return (
        tensor(TensorSpec(value.spec.shape, value.spec.dtype))
        if isinstance(value, Tensor)
        else value
    )


def _from_summaries(reader: Reader, found: Found) -> list[Attempt]:
    """`summary(model, (1, 28, 28))`, with or without the batch."""
    attempts = []
    for scope, index, statement in _statements(reader.file):
        for node in ast.walk(statement):
            if not isinstance(node, ast.Call) or not _is_summary(node.func):
                continue
            shape_node = next(
                (k.value for k in node.keywords if k.arg in ("input_size", "input_shape")), None
            )
            if shape_node is None and len(node.args) > 1:
                shape_node = node.args[1]
            if shape_node is None:
                continue
            was, scope.position = scope.position, index
            try:
                shape = reader.evaluate(shape_node, scope)
            except CodeRefused:
                continue
            finally:
                scope.position = was
            attempts.extend(_of_shape(shape))
    return attempts


def _is_summary(node: ast.expr) -> bool:
    name = (
        node.id
        if isinstance(node, ast.Name)
        else node.attr
        if isinstance(node, ast.Attribute)
        else ""
    )
    return name in ("summary", "torchsummary")


def _of_shape(shape: Any) -> list[Attempt]:
    if isinstance(shape, list) and shape and isinstance(shape[0], tuple):
        shape = shape[0]
    if not isinstance(shape, tuple | list):
        return []
    sizes = [plain(s) for s in shape]
    if not sizes or not all(isinstance(s, int) and s > 0 for s in sizes):
        return []
    with_batch = Attempt([tensor(TensorSpec((BATCH, *sizes)))], sure=True)
    has_batch = Attempt([tensor(TensorSpec((BATCH, *sizes[1:])))], sure=True)
    return [has_batch, with_batch] if len(sizes) == 4 else [with_batch, has_batch]


__all__ = ["Attempt", "candidates", "depends_on_batch", "parse_inputs"]
