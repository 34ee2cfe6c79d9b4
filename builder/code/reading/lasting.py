"""What lasts beyond a call: attributes written in forward, hooks, own train() and __call__, apply().

A network is what goes in and what comes out. What its text keeps for the next call, or hangs onto its
layers, has no place in a graph: it is refused by line, unless it plainly changes nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any, Final

from builder.code.reading.attributes import NOTHING, find_in_class
from builder.code.reading.closed import is_random, must_refs
from builder.code.reading.reader import Reader
from builder.code.reading.trace import Module, tensors_in
from builder.code.reading.values import (
    Bound,
    Dtype,
    Function,
    Instance,
    Known,
    Partial,
    Tensor,
    Unknown,
    UserClass,
)
from builder.errors import CodeRefused

# Attributes that forward writes --------------------------------------------------------------------

_Key = tuple[int, str]


class Touched:
    """Which attributes one run of forward reads and writes, in its order."""

    def __init__(self) -> None:
        self.before: set[_Key] = set()  # read as an earlier call left them
        self.written: dict[_Key, tuple[int | None, tuple[Any, ...]]] = {}
        self.read: set[_Key] = set()
        self.contents: dict[_Key, tuple[Any, list[int], int | None]] = {}
        self.was: dict[_Key, tuple[Module, Any]] = {}  # before it was written first
        self.defaulted: set[_Key] = set()  # asked for with a default, as it was not there
        self.filled: set[_Key] = set()  # None before the first call, as a cache is

    def restore(self) -> None:
        """What forward wrote is as it was before the call, but for what a second call finds filled."""
        for key, (module, value) in self.was.items():
            name = key[1]
            if key in self.filled:
                continue
            if value is _NONE:
                module.attributes.pop(name, None)
            else:
                module.attributes[name] = value


_NONE: Final = object()


def note_read(reader: Reader, module: Module, name: str) -> None:
    """Remembers that forward reads `self.name`. Errors: CodeRefused where it may be another value."""
    touched: Touched | None = reader.state.get("touched")
    if touched is None:
        return
    key = (id(module), name)
    if key not in touched.written:
        touched.before.add(key)
        value = module.attributes.get(name)
        if isinstance(value, list | dict) and key not in touched.contents:
            touched.contents[key] = (value, _held(value), reader.line)
        return
    touched.read.add(key)
    line, side = touched.written[key]
    if side and reader.trace.side[: len(side)] != side:
        raise reader.refuse(
            f"“self.{name[:40]}” is written on one side of a condition and read after it",
            "Keep it in a variable of forward instead.",
            line=line,
        )


def note_write(reader: Reader, module: Module, name: str, given: Any) -> None:
    """Remembers that forward writes `self.name`. Errors: CodeRefused for what the next call reads."""
    touched: Touched | None = reader.state.get("touched")
    if touched is None:
        return
    key = (id(module), name)
    touched.was.setdefault(key, (module, module.attributes.get(name, _NONE)))
    of_class = find_in_class(module.cls, name) if module.cls is not None else None
    fresh = module.attributes.get(name) is None and key not in touched.written
    fresh = fresh and key not in touched.defaulted and of_class in (NOTHING, None)
    if key in touched.before and not (fresh and _is_constant(reader, given)):
        raise _refused(reader, name, reader.line)
    if key in touched.before:
        touched.filled.add(key)
        reader.state["twice"] = True
    touched.written[key] = (reader.line, reader.trace.side)


def end_of_run(reader: Reader) -> None:
    """What forward wrote and never read is told. Errors: CodeRefused for a list that it made longer."""
    touched: Touched = reader.state["touched"]
    for (_, name), (value, held, line) in touched.contents.items():
        if _held(value) != held:
            raise _refused(reader, name, line)
    for key, (line, _) in touched.written.items():
        if key not in touched.read and key not in touched.before:
            reader.note(
                f"“self.{key[1][:40]}” is left out: forward sets it and never reads it.", line
            )


def _refused(reader: Reader, name: str, line: int | None) -> CodeRefused:
    return reader.refuse(
        f"“self.{name[:40]}” goes from one call of forward to the next, and a network here keeps nothing "
        "between calls",
        "Take it as an input of forward and return it, or make it anew in each call.",
        line=line,
    )


def refuse_kept(reader: Reader, function: Function, result: Any) -> None:
    """What lru_cache gives is the same in each call. Errors: CodeRefused for what is drawn anew here."""
    if tensors_in(result) and not _is_constant(reader, result):
        raise reader.refuse(
            f"What “{function.name[:40]}” gives is kept from one call of forward to the next",
            "Take the cache away, or make a buffer of it.",
        )


def _held(value: Any) -> list[int]:
    return [id(part) for part in (value.values() if isinstance(value, dict) else value)]


def _is_constant(reader: Reader, value: Any) -> bool:
    """Whether each call would make the same of it: it reads no tensor's numbers, and none at random."""
    trace = reader.trace
    waiting = [tensor.ref.node for tensor in tensors_in(value)]
    seen: set[str] = set()
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        step = trace.steps.get(node)
        if step is None or step.kind in ("input", "weight", "layer", "branch") or is_random(step):
            return False
        read = [a for name, a in step.arguments.items() if name != "device"]
        waiting += [ref.node for a in read for ref in must_refs(a, trace)]
    return not isinstance(value, Unknown)


_PROTOCOL: Final = ("__setattr__", "__getattribute__", "__delattr__", "__new__")

# What a class does beside its forward ----------------------------------------------------------------


def check_class(reader: Reader, cls: UserClass) -> CodeRefused | None:
    """Why a class does more than its forward says; None where it does not."""
    for name in ("train", "eval"):
        found = find_in_class(cls, name)
        if isinstance(found, Function) and not _only_passes_on(found, name):
            return reader.refuse(
                f"{name}() of “{cls.name[:40]}” does more than to switch the mode, as one that keeps some "
                "layers in evaluation",
                f"Take {name}() away; a layer that shall not be trained can be frozen.",
                line=found.node.lineno,
            )
    if (refusal := check_protocol(reader, cls)) is not None:
        return refusal
    called, forward = find_in_class(cls, "__call__"), find_in_class(cls, "forward")
    both = isinstance(called, Function) and isinstance(forward, Function)
    if both and not _only_passes_on(called, "__call__", "forward"):
        return reader.refuse(
            f"“{cls.name[:40]}” has a __call__ of its own beside its forward",
            "Move what it does into forward, and take __call__ away.",
            line=called.node.lineno,
        )
    return None


def check_protocol(reader: Reader, cls: UserClass) -> CodeRefused | None:
    """Why the lines of a class, or of what uses it, mean another thing than they say."""
    for name in _PROTOCOL:
        found = find_in_class(cls, name)
        if isinstance(found, Function) and not _only_passes_on(found, name):
            return reader.refuse(
                f"“{cls.name[:40]}” has a {name} of its own, which changes what its lines mean",
                f"Take {name} away, and write in __init__ and forward what it does.",
                line=found.node.lineno,
            )
    return None


def _only_passes_on(function: Function, *names: str) -> bool:
    """`return super().train(mode)`, and nothing else but a docstring, a print, or `return self`."""
    body = function.node.body
    if not isinstance(body, list):
        return False
    for statement in body:
        if isinstance(statement, ast.Pass):
            continue
        if not isinstance(statement, ast.Expr | ast.Return):
            return False
        value = statement.value
        if isinstance(statement, ast.Return) and isinstance(value, ast.Constant):
            return value.value is None
        if value is None or isinstance(value, ast.Constant | ast.Name):
            continue
        if not isinstance(value, ast.Call):
            return False
        named = value.func
        if isinstance(named, ast.Name) and named.id == "print":
            continue
        plain_arguments = all(isinstance(a, ast.Name | ast.Starred) for a in value.args)
        if not (isinstance(named, ast.Attribute) and named.attr in names and plain_arguments):
            return False
    return True


def refuse_mode(reader: Reader, name: str) -> None:
    """`.eval()` while the network runs is refused; while it is made, `.train()` undoes it."""
    if reader.state.get("forward"):
        raise reader.refuse(
            f"The mode of a layer is set while the network runs, by .{name}",
            "Use the function with its mode as an argument, such as F.dropout(x, p, training=False) or "
            "F.batch_norm.",
        )
    if reader.budget.depth and name in ("eval()", "training"):
        reader.note(
            f"Left out: .{name} in __init__, which the .train() that training begins with undoes."
        )


def other_dtype(reader: Reader) -> CodeRefused:
    """Of `.half()`: final, so that nothing else is read in place of that network."""
    return reader.refuse(
        "All layers are float32 here",
        "Take this away; the written network can be given .half() or .double() as well.",
        kind="behind",
    )


def refuse_dtype(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> None:
    """`.to(torch.float64)`. Errors: CodeRefused."""
    given = [v for v in (*args, *kwargs.values()) if isinstance(v, Dtype | Tensor)]
    names = [v.name if isinstance(v, Dtype) else v.spec.dtype for v in given]
    if any(name != "float32" for name in names):
        raise other_dtype(reader)


def exchanged_forward(reader: Reader, name: str) -> CodeRefused:
    return reader.refuse(
        f"{name} is exchanged for another function",
        "Write what it does in the forward of a class of its own.",
    )


# Hooks and apply -------------------------------------------------------------------------------------


def hook(reader: Reader, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """`register_forward_hook(fn)`: left out where fn plainly changes nothing. Errors: CodeRefused."""
    given = args[0] if args else kwargs.get("hook")
    if not _only_looks(given):
        raise reader.refuse(
            f"What {name} adds is run beside forward and may change what the network computes",
            "Do it in forward, or take the hook away.",
        )
    reader.note(f"Left out, as it only looks: the hook of {name}.")
    return Instance(None)


def _function_of(given: Any) -> Function | None:
    found = given.function if isinstance(given, Bound) else given
    return found if isinstance(found, Function) else None


def _only_looks(given: Any) -> bool:
    """Whether a hook returns nothing, and writes into nothing that it is handed."""
    function = _function_of(given)
    if function is None:
        return isinstance(given, Known) and given.path == "print"
    node = function.node
    handed = {a.arg for a in ast.walk(node.args) if isinstance(a, ast.arg)}
    handed -= {node.args.args[0].arg} if isinstance(given, Bound) and node.args.args else set()
    for part in ast.walk(node):
        if isinstance(part, ast.Return | ast.Yield) and not _is_nothing(part.value):
            return False
        if isinstance(part, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Delete) and any(
            _root(target) in handed for target in _targets(part)
        ):
            return False
        name = part.func.attr if _is_method(part) else ""  # type: ignore[attr-defined]
        if name.endswith("_") and not name.endswith("__"):
            return False
    if isinstance(node, ast.Lambda):
        call = node.body
        looks = isinstance(call, ast.Call) and (
            (isinstance(call.func, ast.Attribute) and call.func.attr in ("append", "update", "add"))
            or (isinstance(call.func, ast.Name) and call.func.id == "print")
        )
        return looks or _is_nothing(call)
    return True


def _is_method(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)


def _is_nothing(value: ast.expr | None) -> bool:
    return value is None or (isinstance(value, ast.Constant) and value.value is None)


def _targets(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.Assign | ast.Delete):
        every = [part for t in node.targets for part in _parts(t)]
        return [t for t in every if not isinstance(t, ast.Name)]
    target: ast.expr = node.target  # type: ignore[attr-defined]
    return [target] if isinstance(node, ast.AugAssign) or not isinstance(target, ast.Name) else []


def _parts(target: ast.expr) -> list[ast.expr]:
    """The single targets of `a.x, a.y = …`."""
    if isinstance(target, ast.Tuple | ast.List):
        return [part for inner in target.elts for part in _parts(inner)]
    return _parts(target.value) if isinstance(target, ast.Starred) else [target]


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


HOOKS: Final = (
    "register_forward_hook", "register_forward_pre_hook", "register_full_backward_hook",
    "register_full_backward_pre_hook", "register_backward_hook", "register_hook",
)  # fmt: skip
SETTINGS: Final = frozenset(
    {
        "eps", "momentum", "p", "inplace", "negative_slope", "stride", "padding", "dilation",
        "kernel_size",
    }
)  # fmt: skip
"""What a layer was made with and may be changed before it runs."""
_STARTING: Final = frozenset({"data"})
_CHANGING: Final = frozenset(
    {
        *HOOKS, "eval", "train", "requires_grad_", "add_module", "register_module",
        "register_parameter", "register_buffer", "half", "double",
    }
)  # fmt: skip


def applied(reader: Reader, given: Any, parts: Sequence[Any]) -> None:
    """`self.apply(fn)`: how weights start is left to PyTorch. Errors: CodeRefused where fn does more.

    `parts`: the modules in the order torch goes through them. A fn that sets what layers were made with
    is done on each.
    """
    whole = given.target if isinstance(given, Partial) else given
    function = _function_of(whole)
    if function is None:
        reader.note(
            "What apply(…) is given is not in the text; it is taken to set how weights start."
        )
        return
    skipped = isinstance(whole, Bound) + (len(given.args) if isinstance(given, Partial) else 0)
    parameters = function.node.args.args[skipped:]
    module = parameters[0].arg if parameters else ""
    for part in ast.walk(function.node):
        changes, is_setting = "", False
        if isinstance(part, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Delete):
            for target in _targets(part):
                attribute = target if isinstance(target, ast.Attribute) else None
                if attribute and _root(target) == module and attribute.attr not in _STARTING:
                    changes = f"sets .{attribute.attr[:40]}"
                    is_setting = attribute.attr in SETTINGS
        elif isinstance(part, ast.Call):
            name = part.func
            if isinstance(name, ast.Attribute) and name.attr in _CHANGING:
                changes = f"calls .{name.attr}()"
            elif isinstance(name, ast.Name) and name.id in ("setattr", "delattr"):
                changes = f"calls {name.id}()"
        if is_setting and not reader.state.get("forward"):
            for layer in parts:
                reader.call(given, [layer], {})
            return
        if changes:
            raise reader.refuse(
                f"apply() runs “{function.name[:40]}” on every layer, which {changes} of them",
                "Make the layers so from the start; apply() may only set how their weights start.",
                line=getattr(part, "lineno", None),
            )
    reader.note("How the layers' weights start is left to PyTorch; a checkpoint brings others.")
