"""Layers that cannot be read: their text is kept as it is, and the network around them is read on.

A submodule of the text whose `__init__` or `forward` is refused becomes a layer of own code, which is
asked for the shape it gives. What it gives while reading is tried: the shape that it receives, then the
sizes that the layers behind it take. The person is asked all the same: nothing of this goes into the graph.
"""

from __future__ import annotations

import ast
import math
import textwrap
from typing import Any, Final

from builder.catalogue.entry import Entry
from builder.code.reading.attributes import find_in_class
from builder.code.reading.reader import Reader
from builder.code.reading.scopes import USUAL
from builder.code.reading.torch_calls import argument_of
from builder.code.reading.trace import Frame, Layer, Module
from builder.code.reading.values import Function, Tensor, UserClass, deep_plain
from builder.errors import CodeRefused
from builder.graph import opaque
from builder.graph.model import OPAQUE, Argument, Ref, TensorSpec

_TAKEN_IN: Final = ("in_features", "in_channels", "num_features", "normalized_shape", "input_size")
MOST_TRIES: Final = 24


def can_stand_alone(refusal: CodeRefused) -> bool:
    """Whether a refusal is about what cannot be read, and not a mistake or a limit."""
    return refusal.kind == ""


def stand_in(
    reader: Reader,
    frame: Frame,
    module: Module,
    args: list[Any],
    kwargs: dict[str, Any],
    refusal: CodeRefused,
) -> Any:
    """What the call of a module gives that cannot be read. Errors: the refusal, where it must stay."""
    root = _root(reader, frame)
    if root is None or root is module or not can_stand_alone(refusal):
        raise refusal
    if not _others(root, module):
        raise refusal
    layer = _kept(reader, module, refusal)
    if layer is None:
        raise refusal
    _forget(reader, frame)
    reader.state.setdefault("stood in", refusal)
    replaced = reader.state.setdefault("replaced", [])
    for parent in _modules(root):
        for name, member in parent.members.items():
            if member is module:
                parent.members[name] = layer
                replaced.append((parent, name, module))
    return call(reader, layer, args, kwargs)


def put_back(reader: Reader) -> None:
    """The modules themselves again, where the network could not be read so."""
    for parent, name, module in reader.state.pop("replaced", ()):
        parent.members[name] = module


def call(reader: Reader, layer: Layer, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """A call of a layer of own code: one step more, whose result is tried."""
    names = opaque.ports_of(str(layer.arguments["source"]), str(layer.arguments["call"]))
    if len(args) > len(names):
        raise reader.refuse("This layer is given more values than its forward takes", kind="raised")
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    arguments: dict[str, Argument] = {
        name: argument_of(reader, value) for name, value in given.items() if value is not None
    }
    first = next((v for v in given.values() if isinstance(v, Tensor)), None)
    if first is None:
        raise reader.refuse("Code of your own is given no tensor here")
    result = _tried(reader, first.spec)
    step = reader.trace.add("layer", "", arguments, result, reader.line or 0, reader.node, layer)
    layer.known = {}
    reader.budget.node()
    return Tensor(result, Ref(step.id))


def tries(reader: Reader) -> int:
    """How many shapes there are to try for what own layers give; 0 where there are none."""
    return min(int(reader.state.get("shapes to try", 0)), MOST_TRIES)


def _tried(reader: Reader, received: TensorSpec) -> TensorSpec:
    """The shape it is taken to give in this run of the network."""
    found = [received]
    rank = len(received.shape)
    for size in reader.state.get("sizes", ()):
        shapes = [(*received.shape[:-1], size)] if rank > 1 else []
        if rank > 2:
            shapes += [(received.shape[0], size), (received.shape[0], size, *received.shape[2:])]
        found += [TensorSpec(shape, received.dtype) for shape in shapes]
    if received.dtype != "float32":
        found += [TensorSpec(spec.shape, "float32") for spec in found]
    found = list(dict.fromkeys(found))
    reader.state["shapes to try"] = max(len(found), reader.state.get("shapes to try", 0))
    place: int = reader.state.get("try", 0)
    return found[min(place, len(found) - 1)]


def _root(reader: Reader, frame: Frame) -> Module | None:
    at: Frame | None = frame
    while at is not None and at.parent is not None and at.parent is not reader.trace.making:
        at = at.parent
    return at.module if at is not None else None


def _modules(module: Module) -> list[Module]:
    found = [module]
    for member in module.members.values():
        if isinstance(member, Module):
            found += _modules(member)
    return found


def _others(root: Module, module: Module) -> bool:
    """Whether the network has layers beside this module and those that are like it."""
    strange = [m for m in _modules(root) if m is module or m.broken or m.cls is module.cls]
    inside = {id(part) for one in strange if one is not root for part in _modules(one)}
    return any(
        isinstance(member, Layer)
        for part in _modules(root)
        if id(part) not in inside
        for member in part.members.values()
    )


def note_sizes(reader: Reader, root: Module) -> None:
    """The sizes that layers of the network take: what comes out of an own layer may have one."""
    sizes: dict[int, None] = {}
    for part in _modules(root):
        for member in part.members.values():
            if isinstance(member, Layer):
                taken = [deep_plain(member.arguments.get(name)) for name in _TAKEN_IN]
                sizes |= {t: None for t in taken if isinstance(t, int) and not isinstance(t, bool)}
    reader.state["sizes"] = list(sizes)


# What is kept -------------------------------------------------------------------------------------


def _kept(reader: Reader, module: Module, refusal: CodeRefused) -> Layer | None:
    """The module as a layer of own code; None where its text cannot stand by itself."""
    cls, made = module.cls, _call_text(module)
    if cls is None or made is None or cls.scope is not reader.file:
        return None
    if not isinstance(find_in_class(cls, "forward"), Function):
        return None
    source = _source(reader, cls)
    if opaque.refuse_part("source", source) or opaque.refuse_part("call", made):
        return None
    entry = Entry(
        key=OPAQUE, name=cls.name, kind="layer", family="other", parameters=(), call_parameters=(),
        ports=(), form="function", order=(), help="Code of your own.",
    )  # fmt: skip
    reader.note(
        f"“{cls.name[:40]}” is kept as code of your own: {refusal.reason} Say what shape it gives.",
        refusal.line,
    )
    return Layer(entry, {"source": source, "call": made}, module.line)


def _call_text(module: Module) -> str | None:
    """`Strange(3)`: how the text made it; None where it was given more than plain values."""
    if module.cls is None or module.made_with is None:
        return None
    args, kwargs = module.made_with
    values = [_literal(value) for value in (*args, *kwargs.values())]
    if any(value is None for value in values):
        return None
    names = ["" for _ in args] + [f"{name}=" for name in kwargs]
    written = ", ".join(f"{n}{v}" for n, v in zip(names, values, strict=True))
    return f"{module.cls.name}({written})"


def _literal(value: Any) -> str | None:
    known = deep_plain(value)
    if isinstance(known, float):
        return repr(known) if math.isfinite(known) else None
    if known is None or isinstance(known, bool | int | str):
        return repr(known)
    if isinstance(known, list | tuple):
        parts = [_literal(part) for part in known]
        if any(part is None for part in parts):
            return None
        inside = ", ".join(str(part) for part in parts)
        comma = "," if isinstance(known, tuple) and len(parts) == 1 else ""
        return f"[{inside}]" if isinstance(known, list) else f"({inside}{comma})"
    return None


def _source(reader: Reader, cls: UserClass) -> str:
    """The class's text, and behind each other all of the file that it uses."""
    scope, wanted = reader.file, {reader.file.statements.index(cls.node)}
    waiting: list[ast.stmt] = [cls.node]
    usual: dict[str, None] = {}
    while waiting:
        for name in sorted(_free(waiting.pop())):
            if name in USUAL and name not in scope.bindings:
                usual[USUAL[name][1]] = None
            for index in scope.bindings.get(name, ()):
                if index not in wanted:
                    wanted.add(index)
                    waiting.append(scope.statements[index])
    lines = reader.text.split("\n")
    text, large = "".join(f"{line}\n" for line in usual), False
    for index in sorted(wanted):
        statement, was_large = scope.statements[index], large
        large = isinstance(statement, ast.ClassDef | ast.FunctionDef)
        decorators = getattr(statement, "decorator_list", ())
        first = min([statement.lineno, *(d.lineno for d in decorators)])
        part = textwrap.dedent("\n".join(lines[first - 1 : statement.end_lineno]))
        text += ("\n\n" if text and (large or was_large) else "") + part + "\n"
    return text


def _free(node: ast.AST) -> set[str]:
    """The names that a piece of the text reads from around it."""
    if isinstance(node, ast.Name):
        return {node.id} if isinstance(node.ctx, ast.Load) else set()
    found = {name for child in ast.iter_child_nodes(node) for name in _free(child)}
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        own = {part.arg for part in ast.walk(node) if isinstance(part, ast.arg)}
        own |= {
            part.id
            for part in ast.walk(node)
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
        }
        found -= own
    return found


def _forget(reader: Reader, frame: Frame) -> None:
    """Takes back what the call had done so far."""
    trace = reader.trace
    for identity in [i for i, step in trace.steps.items() if step.frame.inside(frame)]:
        del trace.steps[identity]
    assert frame.parent is not None
    frame.parent.items.remove(frame)
