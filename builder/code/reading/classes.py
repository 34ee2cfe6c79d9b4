"""Classes and functions as the text defines them, and the objects made of them."""

from __future__ import annotations

import ast
from typing import Any, Final

from builder.code.reading.attributes import NOTHING, ClassScope, find_in_class
from builder.code.reading.calling import bind, call_function, run_function
from builder.code.reading.lasting import check_class, check_protocol
from builder.code.reading.own_layers import can_stand_alone
from builder.code.reading.protocol import check_making
from builder.code.reading.reader import Reader, statement
from builder.code.reading.scopes import Scope
from builder.code.reading.trace import Module
from builder.code.reading.values import (
    Function,
    Instance,
    Known,
    Named,
    Sym,
    Unknown,
    UserClass,
    plain,
)
from builder.errors import CodeRefused
from builder.graph.model import Setting

CONTAINERS: Final = ("Sequential", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict")
_TRANSPARENT: Final = frozenset(
    {
        "functools.wraps", "functools.lru_cache", "functools.cache", "torch.no_grad",
        "torch.jit.export", "torch.jit.ignore", "torch.jit.script", "torch.jit.unused",
        "typing.override", "typing.final", "abc.abstractmethod", "abstractmethod",
        "torch.jit.script_method", "torch.compile", "torch.inference_mode",
        "contextlib.contextmanager", "torch.cuda.amp.autocast", "torch.fx.wrap",
    }
)  # fmt: skip


@statement(ast.FunctionDef, ast.AsyncFunctionDef)
def function(reader: Reader, node: ast.FunctionDef, scope: Scope) -> None:
    outer: Scope = scope
    if isinstance(scope, ClassScope) and scope.parent is not None:
        outer = scope.parent
    made: Any = Function(
        node.name,
        node,
        outer,
        [reader.evaluate(d, scope) for d in node.args.defaults],
        {
            a.arg: reader.evaluate(d, scope)
            for a, d in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
            if d is not None
        },
    )
    for decorator in reversed(node.decorator_list):
        made = _decorated(reader, decorator, made, scope)
    scope.set(node.name, made)


def _decorated(reader: Reader, decorator: ast.expr, made: Any, scope: Scope) -> Any:
    if isinstance(decorator, ast.Attribute) and decorator.attr in ("setter", "deleter"):
        getter = scope.names.get(made.name, made)
        if decorator.attr == "setter" and isinstance(getter, Function):
            getter.wrapped = made
        return getter
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    known = reader.evaluate(target, scope)
    if isinstance(known, Known):
        kind = {
            "staticmethod": "static", "classmethod": "class", "property": "property",
            "functools.cached_property": "property", "abc.abstractproperty": "property",
        }.get(known.path)  # fmt: skip
        if kind is not None and isinstance(made, Function):
            made.kind = kind
            return made
        if known.path in ("torch.no_grad", "torch.inference_mode") and isinstance(made, Function):
            made.wrapped = "no_grad"
        if known.path in ("torch.enable_grad", "torch.set_grad_enabled"):
            reader.state["gradients set"] = True
        if known.path in ("functools.lru_cache", "functools.cache") and isinstance(made, Function):
            made.wrapped = made.wrapped or "cached"
        if known.path in ("torch.autocast", "torch.cuda.amp.autocast", "torch.amp.autocast"):
            reader.note(
                "autocast is left out: everything is computed in float32.", made.node.lineno
            )
        if known.path in ("dataclasses.dataclass",) or known.path in _TRANSPARENT:
            return made
    if isinstance(known, Unknown):
        reader.note(f"The decorator of “{made.name[:40]}” is left out: {known.reason}")
        return made
    if isinstance(known, Function):
        return reader.call(reader.evaluate(decorator, scope), [made], {})
    return made


@statement(ast.ClassDef)
def class_(reader: Reader, node: ast.ClassDef, scope: Scope) -> None:
    bases = []
    for base in node.bases:
        found = reader.evaluate(base, scope)
        bases.append(found)
    inner = ClassScope(scope)
    made = UserClass(node.name, node, tuple(bases), inner.names, scope)
    for part in node.body:
        reader.execute(part, inner)
    for value in inner.names.values():
        if isinstance(value, Function) and value.owner is None:
            value.owner = made
    made.fields = tuple(dict.fromkeys(inner.declared_fields))
    made.mro = _order(made)
    metaclass = next((k.value for k in node.keywords if k.arg == "metaclass"), None)
    check_making(reader, made, reader.evaluate(metaclass, scope) if metaclass else None)
    made.kind = _kind(reader, node, made, scope)
    if made.kind == "enum":
        for name, value in list(made.body.items()):
            if not isinstance(value, Function) and not name.startswith("_"):
                made.body[name] = Instance(made, {"name": name, "value": value})
    scope.set(node.name, _decorated_class(reader, node, made, scope))


def _decorated_class(reader: Reader, node: ast.ClassDef, made: UserClass, scope: Scope) -> Any:
    """`@register("mlp")`: what a decorator of the text gives; those of others change nothing here."""
    result: Any = made
    for decorator in reversed(node.decorator_list):
        known = reader.evaluate(decorator, scope)
        if isinstance(known, Function):
            result = reader.call(known, [result], {})
        elif isinstance(known, Unknown):
            reader.note(f"The decorator of “{made.name[:40]}” is left out: {known.reason}")
    return result if isinstance(result, UserClass) else made


def _kind(reader: Reader, node: ast.ClassDef, made: UserClass, scope: Scope) -> str:
    for decorator in node.decorator_list:
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        known = reader.evaluate(target, scope)
        if isinstance(known, Known) and known.path.startswith("dataclasses.dataclass"):
            return "dataclass"
    for base in made.mro:
        if isinstance(base, Known) and base.path in ("typing.NamedTuple",):
            return "namedtuple"
        if isinstance(base, Known) and base.path in ("enum.Enum", "enum.IntEnum", "enum.StrEnum"):
            return "enum"
        if isinstance(base, UserClass) and base is not made and base.kind == "dataclass":
            return "dataclass"
    return ""


def _order(cls: UserClass) -> tuple[Any, ...]:
    """The class, then what it inherits from, each behind all that inherit from it."""
    found: list[Any] = []
    for base in cls.bases:
        for part in base.mro if isinstance(base, UserClass) else (base,):
            if part in found:
                found.remove(part)
            found.append(part)
    return (cls, *found)


def base_of_module(cls: UserClass) -> str | None:
    """The class of torch.nn that a class inherits from: "Module", "Sequential", "Linear"; or None."""
    for base in cls.mro:
        if isinstance(base, Known) and base.path.startswith("torch.nn."):
            return base.path.rpartition(".")[2]
        if isinstance(base, Known) and base.path in _MODULES_OF_OTHERS:
            return "Module"
    return None


_MODULES_OF_OTHERS: Final = frozenset(
    {
        "pytorch_lightning.LightningModule", "lightning.LightningModule", "lightning.pytorch.LightningModule",
        "pl.LightningModule", "L.LightningModule", "torch.jit.ScriptModule", "torch.nn.modules.Module",
    }
)  # fmt: skip


def instantiate(reader: Reader, cls: UserClass, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """An object of a class of the text: a module, or something plain."""
    base = base_of_module(cls)
    if base is not None:
        return _module(reader, cls, base, args, kwargs)
    if cls.kind == "namedtuple":
        return _named(reader, cls, args, kwargs)
    if cls.kind == "enum":
        for value in cls.body.values():
            if (
                isinstance(value, Instance)
                and args
                and value.attributes.get("value") == plain(args[0])
            ):
                return value
        raise reader.refuse("There is no such member", kind="raised")
    unknown = next((b for b in cls.mro if isinstance(b, Unknown)), None)
    if (refusal := check_protocol(reader, cls)) is not None:
        raise refusal
    made = Instance(cls)
    init = find_in_class(cls, "__init__")
    if isinstance(init, Function):
        call_function(reader, init, [made, *args], kwargs)
    elif cls.kind == "dataclass":
        _fill(reader, cls, made, args, kwargs)
    elif unknown is not None:
        return Unknown(unknown.reason, unknown.line, unknown.help)
    return made


def _fields(cls: UserClass) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for base in reversed(cls.mro):
        if isinstance(base, UserClass):
            for name in base.fields:
                found[name] = base.body.get(name, NOTHING)
    return found


def _fill(
    reader: Reader, cls: UserClass, made: Instance, args: list[Any], kwargs: dict[str, Any]
) -> None:
    for place, (name, default) in enumerate(_fields(cls).items()):
        if place < len(args):
            made.attributes[name] = args[place]
        elif name in kwargs:
            made.attributes[name] = kwargs[name]
        elif default is NOTHING:
            raise reader.refuse(f"“{cls.name[:40]}” is not given “{name[:40]}”", kind="raised")
        elif (
            isinstance(default, Instance)
            and default.cls is None
            and "factory" in default.attributes
        ):
            made.attributes[name] = reader.call(default.attributes["factory"], [], {})
        else:
            made.attributes[name] = default
    after = find_in_class(cls, "__post_init__")
    if isinstance(after, Function):
        call_function(reader, after, [made], {})


def _named(reader: Reader, cls: UserClass, args: list[Any], kwargs: dict[str, Any]) -> Any:
    values = []
    for place, (name, default) in enumerate(_fields(cls).items()):
        value = args[place] if place < len(args) else kwargs.get(name, default)
        if value is NOTHING:
            raise reader.refuse(f"“{cls.name[:40]}” is not given “{name[:40]}”", kind="raised")
        values.append(value)
    return Named(values, tuple(_fields(cls)))


def _module(
    reader: Reader, cls: UserClass, base: str, args: list[Any], kwargs: dict[str, Any]
) -> Module:
    reader.budget.layer()
    reader.counter += 1
    kind = base if base in CONTAINERS else ""
    made = Module(f"m{reader.counter}", cls, kind, reader.line or 0)
    made.made_with = (list(args), dict(kwargs))
    made.broken = check_class(reader, cls)
    init = find_in_class(cls, "__init__")
    if not isinstance(init, Function):
        base_init(reader, made, args, kwargs)
        return made
    names = bind(reader, init, [made, *args], kwargs)
    wanted = init.node.args
    own = [a.arg for a in (*wanted.posonlyargs, *wanted.args, *wanted.kwonlyargs)][1:]
    for name in own:
        value = names[name]
        if plain(value).__class__ in (int, float, bool):
            made.given[name] = value
            key = f"{made.id}:{name}"
            reader.trace.settings[key] = plain(value)
            names[name] = Sym(plain(value), Setting(key))
    line, depth = reader.line, reader.budget.depth
    try:
        run_function(reader, init, names)
    except CodeRefused as refusal:
        if not can_stand_alone(refusal):
            raise
        made.broken, made.ready, reader.budget.depth = made.broken or refusal, True, depth
    reader.line = line
    return made


def base_init(reader: Reader, receiver: Any, args: list[Any], kwargs: dict[str, Any]) -> None:
    """`super().__init__(…)` where what comes next is a class of torch, or nothing."""
    if not isinstance(receiver, Module) or receiver.cls is None:
        if (
            isinstance(receiver, Instance)
            and receiver.cls is not None
            and receiver.cls.kind == "dataclass"
        ):
            _fill(reader, receiver.cls, receiver, args, kwargs)
        return
    base = base_of_module(receiver.cls)
    receiver.ready = True
    if base in CONTAINERS:
        from builder.code.reading.containers import fill

        fill(reader, receiver, args, kwargs)
    elif base not in (None, "Module"):
        from builder.code.reading.layers import make

        made = make(reader, f"torch.nn.{base}", args, kwargs)
        if isinstance(made, Unknown):
            raise reader.refuse_unknown(made)
        receiver.layer = made
