"""Modules: what they are given, what they can be asked, and how they are called."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any, Final

from builder.code.reading import in_forward, lasting, norms, own_layers, torch_calls, weights
from builder.code.reading.attributes import NOTHING, find_in_class
from builder.code.reading.calling import bind, call_function, run_function
from builder.code.reading.gradients import without_gradient
from builder.code.reading.handed import Handed
from builder.code.reading.limits import MAX_NESTED
from builder.code.reading.reader import Reader
from builder.code.reading.trace import Frame, Layer, Module, Raw, tensors_in
from builder.code.reading.values import Bound, Function, Lazy, Tensor, Unknown, plain
from builder.errors import CodeRefused

Ask = Callable[[Reader, Module, list[Any], dict[str, Any]], Any]
METHODS: Final[dict[str, Ask]] = {}
_MEMBERS = (Layer, Module, Raw)


def answers(*names: str) -> Callable[[Ask], Ask]:
    def keep(function: Ask) -> Ask:
        for name in names:
            METHODS[name] = function
        return function

    return keep


def set_attribute(reader: Reader, module: Module, name: str, given: Any) -> None:
    """`self.name = given`: a layer or parameter becomes a member."""
    if name in ("forward", "__call__"):
        raise lasting.exchanged_forward(reader, name)
    if name == "training":
        lasting.refuse_mode(reader, name)
        return
    if reader.state.get("forward"):
        from builder.code.reading import states

        if given.__class__ is Tensor and states.put(reader, module, name, given):
            return
        lasting.note_write(reader, module, name, given)
    if isinstance(given, _MEMBERS):
        if not module.ready and module.cls is not None:
            raise reader.refuse(
                "A layer is given before super().__init__() is called", kind="raised",
                help="Call super().__init__() first.",
            )  # fmt: skip
        if reader.state.get("forward"):
            if isinstance(given, Layer) and name not in module.members:
                module.attributes[name] = given
                return
            raise reader.refuse("A layer is made or exchanged while the network runs")
        module.attributes.pop(name, None)
        module.members[name] = given
        return
    if name in module.members:
        from builder.code.reading.weights import buffer, empty_buffer

        member = module.members[name]
        if given is None:
            module.members[name] = None
            return
        if isinstance(given, Tensor) and (empty := empty_buffer(reader, module, name)) is not None:
            module.members[name] = buffer(reader, given, empty)
            return
        if isinstance(given, Tensor) and isinstance(member, Raw):
            if reader.state.get("forward"):
                raise reader.refuse("A parameter or buffer is changed while the network runs")
            if member.kind == "buffer":
                member.made = given
                return
        if isinstance(given, Unknown):
            module.members[name] = None
            module.attributes[name] = given
            return
        module.members.pop(name)
    module.attributes[name] = given


def call_module(reader: Reader, module: Module, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """`self.block(x)`: its forward, inside a frame of its own."""
    from builder.code.reading import states

    forward = find_in_class(module.cls, "forward") if module.cls is not None else NOTHING
    if module.cls is not None and not isinstance(forward, Function):
        called = find_in_class(module.cls, "__call__")
        forward = called if isinstance(called, Function) else NOTHING
    line, node = reader.line, reader.node
    reader.budget.depth += 1
    trace = reader.trace
    frame = trace.enter(module, line or 0, node)
    if frame.depth > MAX_NESTED:
        raise reader.budget.nested(module.line)
    depth, side, handed = reader.budget.depth - 1, trace.side, Handed(reader, frame)
    try:
        if module.broken is not None:
            raise module.broken
        if isinstance(forward, Function):
            names = bind(reader, forward, [module, *args], kwargs)
            first = forward.node.args.args[0].arg if forward.node.args.args else "self"
            for name, value in names.items():
                if name != first:
                    names[name] = handed.inside(name, value)
            if forward.wrapped == "no_grad":
                result = without_gradient(reader, lambda: run_function(reader, forward, names))
            else:
                result = run_function(reader, forward, names)
        else:
            root = frame.parent is trace.making
            wish = reader.state.get("called_with", "input") if root else "input"
            inner = [handed.inside(wish, value) for value in args]
            result = base_forward(reader, module, inner, kwargs)
        states.end(reader, frame)
    except CodeRefused as refusal:
        trace.leave(frame)
        states.given_up(reader, frame)
        result = own_layers.stand_in(reader, frame, module, args, kwargs, refusal)
        trace.side, reader.budget.depth, reader.line, reader.node = side, depth, line, node
        return result
    except BaseException:
        trace.leave(frame)
        raise
    trace.leave(frame)
    reader.budget.depth -= 1
    reader.line, reader.node = line, node
    handed.end()
    frame.result = result
    frame.exports = list(dict.fromkeys(t.ref for t in tensors_in(result)))
    return handed.back(result) if isinstance(result, list | dict | tuple) else result


def base_forward(reader: Reader, module: Module, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """The forward of a container, or of the layer a class inherits from."""
    if module.layer is not None:
        return reader.call(module.layer, args, kwargs)
    if module.kind == "Sequential":
        if len(args) != 1:
            raise reader.refuse("nn.Sequential takes one value", kind="raised")
        value = args[0]
        for name, child in module.members.items():
            if child is None:
                raise reader.refuse(f"The layer “{name}” is None", kind="raised")
            if isinstance(child, Layer):
                reader.line = child.line  # where it is made says more than where all are called
            before, value = value, reader.call(child, [value], {})
            reader.trace.called_by(child, module, name)
            if _passes_through(reader, child, before, value):
                # It keeps its place: the layers behind it are counted on.
                stand_in = Layer(torch_calls.entry_of(reader, "torch.nn.Identity"), {}, child.line)
                module.members[name] = stand_in
                value = reader.call(stand_in, [before], {})
        return value
    if module.does is not None:
        return reader.call(module.does, args, kwargs)
    if module.kind:
        raise reader.refuse(
            f"nn.{module.kind} cannot be called", kind="raised",
            help="Call what it holds one by one, or make it an nn.Sequential.",
        )  # fmt: skip
    raise without_forward(reader, module)


def without_forward(reader: Reader, module: Module) -> CodeRefused:
    """A class that does not say what it computes."""
    if module.cls is None:
        return reader.refuse("This module has no forward", "Write a class for it.", kind="raised")
    node = module.cls.node
    inside = [part for method in node.body for part in ast.walk(method) if part is not method]
    lost = next((p for p in inside if isinstance(p, ast.FunctionDef) and p.name == "forward"), None)
    return reader.refuse(
        f"“{module.cls.name[:40]}” has no forward, so it is not known what it computes",
        "Write def forward(self, x) beside its __init__."
        if lost is None
        else "Its forward stands inside another method: take some of its indentation away.",
        line=lost.lineno if lost is not None else node.lineno,
        kind="raised",
    )


def _passes_through(reader: Reader, child: Any, before: Any, after: Any) -> bool:
    """Whether a module of the text only prints, or checks, what goes through it."""
    if not isinstance(child, Module) or child.members or child.kind:
        return False
    if before.__class__ is not Tensor or after.__class__ is not Tensor:
        return False
    ref = after.ref
    while ref.node in reader.trace.entering and ref != before.ref:
        ref = reader.trace.entering[ref.node][1].outer
    return bool(ref == before.ref)


# What a module can be asked -----------------------------------------------------------------------


@answers("train")
def train(reader: Reader, module: Module, args: list[Any], kwargs: dict[str, Any]) -> Any:
    lasting.refuse_mode(reader, "train()")
    return module


@answers("eval")
def eval_(reader: Reader, module: Module, args: list[Any], kwargs: dict[str, Any]) -> Any:
    lasting.refuse_mode(reader, "eval()")
    return module


@answers("to", "cuda", "cpu", "float", "share_memory", "compile", "xpu", "type", "to_empty")
def itself(reader: Reader, module: Module, args: list[Any], kwargs: dict[str, Any]) -> Any:
    lasting.refuse_dtype(reader, args, kwargs)
    return module


@answers(
    "extra_repr", "summary", "save_hyperparameters", "log", "log_dict", "print",
)  # fmt: skip
def nothing(reader: Reader, module: Module, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return None


def _changing(name: str) -> Ask:
    def do(reader: Reader, module: Module, args: list[Any], kwargs: dict[str, Any]) -> Any:
        in_forward.refuse_change(reader, f"Weights are changed by .{name}()")
        return None

    return do


_CHANGING = "zero_grad load_state_dict reset_parameters init_weights freeze unfreeze"
METHODS.update({name: _changing(name) for name in _CHANGING.split()})


@answers("apply")
def apply(reader: Reader, module: Module, args: list[Any], kwargs: dict[str, Any]) -> Any:
    in_forward.refuse_change(reader, "Every layer is handed to a function by .apply()")
    given = args[0] if args else kwargs.get("fn")
    if norms.puts_on(reader, given):
        for part in norms.each_inside_out(module):
            reader.call(given, [part], {})
    else:
        found = [part for _, part in walk(module) if isinstance(part, Layer | Module)]
        lasting.applied(reader, given, found[::-1])
    return module


def _hook(name: str) -> Ask:
    return lambda reader, module, args, kwargs: lasting.hook(reader, name, args, kwargs)


for _name in lasting.HOOKS:
    METHODS[_name] = _hook(_name)


@answers("half", "double", "bfloat16")
def other_dtype(reader: Reader, module: Module, args: list[Any], kwargs: dict[str, Any]) -> Any:
    raise lasting.other_dtype(reader)


@answers("requires_grad_")
def requires_grad(reader: Reader, module: Module, args: list[Any], kwargs: dict[str, Any]) -> Any:
    wanted = plain(args[0]) if args else plain(kwargs.get("requires_grad", True))
    for _, part in walk(module):
        if isinstance(part, Layer):
            if part.frozen == (wanted is not False):
                in_forward.refuse_change(reader, "Whether a layer learns is set", weights.FREEZING)
            part.freeze(wanted is False)
        elif isinstance(part, Raw) and part.kind == "parameter":
            weights.let_learn(reader, part, wanted is not False)
    return module


def walk(module: Module, prefix: str = "") -> list[tuple[str, Layer | Module | Raw]]:
    """Every member with its path, in the order of `named_modules`."""
    found: list[tuple[str, Layer | Module | Raw]] = [(prefix, module)]
    for name, member in module.members.items():
        path = f"{prefix}.{name}" if prefix else name
        if isinstance(member, Module):
            found.extend(walk(member, path))
        elif member is not None:
            found.append((path, member))
    return found


@answers("parameters", "named_parameters")
def parameters(reader: Reader, module: Module, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return _parameters(reader, module, False)


def _parameters(reader: Reader, module: Module, named: bool) -> Lazy:
    from builder.code.reading.layers import parameters_of

    found: list[Any] = []
    for path, part in walk(module):
        if isinstance(part, Layer):
            found.extend(parameters_of(reader, part, named, path + ".").items)
        elif isinstance(part, Raw) and part.kind == "parameter":
            found.append((path, part) if named else part)
    return Lazy(found)


METHODS["named_parameters"] = lambda r, m, a, k: _parameters(r, m, True)


@answers("children")
def children(reader: Reader, module: Module, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return Lazy([m for m in module.members.values() if isinstance(m, Layer | Module)])


@answers("named_children")
def named_children(reader: Reader, module: Module, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return Lazy([(n, m) for n, m in module.members.items() if isinstance(m, Layer | Module)])


@answers("modules")
def modules(reader: Reader, module: Module, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return Lazy([m for _, m in _each_once(module)])


@answers("named_modules")
def named_modules(reader: Reader, module: Module, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return Lazy(_each_once(module))


def _each_once(module: Module) -> list[tuple[str, Layer | Module]]:
    """Modules and layers by their first path: torch gives one that stands under two names once."""
    found: dict[int, tuple[str, Layer | Module]] = {}
    for path, member in walk(module):
        if isinstance(member, Layer | Module):
            found.setdefault(id(member), (path, member))
    return list(found.values())


@answers("add_module", "register_module")
def add_module(reader: Reader, module: Module, args: list[Any], kwargs: dict[str, Any]) -> Any:
    name = args[0] if args else kwargs.get("name")
    value = args[1] if len(args) > 1 else kwargs.get("module")
    if isinstance(value, Unknown):
        raise reader.refuse_unknown(value)
    if value is not None and not isinstance(value, Layer | Module):
        raise reader.refuse("add_module needs a layer", kind="raised")
    module.members[_containers.member_name(reader, module, name)] = value


@answers("register_buffer")
def register_buffer(reader: Reader, module: Module, args: list[Any], kwargs: dict[str, Any]) -> Any:
    from builder.code.reading.weights import buffer

    name = args[0] if args else kwargs.get("name")
    value = args[1] if len(args) > 1 else kwargs.get("tensor")
    persistent = args[2] if len(args) > 2 else kwargs.get("persistent", True)
    key = _containers.member_name(reader, module, name, "buffer")
    if value is None:
        module.members[key] = None
        reader.state.setdefault("empty buffers", {})[id(module), key] = bool(plain(persistent))
        return
    module.members[key] = buffer(reader, value, bool(plain(persistent)))


@answers("register_parameter")
def register_parameter(
    reader: Reader, module: Module, args: list[Any], kwargs: dict[str, Any]
) -> Any:
    name = args[0] if args else kwargs.get("name")
    key = _containers.member_name(reader, module, name, "parameter")
    module.members[key] = args[1] if len(args) > 1 else kwargs.get("param")


@answers("forward")
def forward(reader: Reader, module: Module, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """`self.block.forward(x)` is a call like any other."""
    return base_forward(reader, module, args, kwargs)


@answers("__call__")
def called(reader: Reader, module: Module, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return call_module(reader, module, args, kwargs)


@answers("state_dict")
def state_dict(reader: Reader, module: Module, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """While it is made: the weights by their names, to look at and to be filled."""
    if reader.state.get("forward"):
        return reader.unknown("What weights hold is not looked into")
    return weights.state_of(reader, [(path, part) for path, part in walk(module)])


@answers("buffers", "named_buffers")
def state(reader: Reader, module: Module, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return reader.unknown("What weights hold is not looked into")


__all__ = ["Bound", "Frame", "call_function", "call_module", "walk"]

from builder.code.reading import containers as _containers  # noqa: E402
from builder.code.reading import named as _named  # noqa: E402, F401
