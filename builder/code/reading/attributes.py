"""`value.name`: of modules, objects, classes, tensors, and of Python's own values."""

from __future__ import annotations

from typing import Any

from builder.code.reading import in_forward
from builder.code.reading.again import written
from builder.code.reading.reader import Reader
from builder.code.reading.scopes import Scope
from builder.code.reading.trace import Layer, Module, Raw
from builder.code.reading.values import (
    Array,
    Bound,
    Differs,
    Dtype,
    Function,
    Instance,
    Known,
    Lazy,
    Members,
    Method,
    Mode,
    Named,
    Packed,
    Partial,
    Parts,
    Shape,
    Super,
    Sym,
    Tensor,
    Unknown,
    UserClass,
    plain,
)
from builder.errors import did_you_mean

_NOTHING = object()
_HELD = ("_modules", "_parameters", "_buffers")


class ClassScope(Scope):
    """The body of a class: its functions do not see its names."""

    __slots__ = ("declared_fields",)

    def __init__(self, parent: Scope) -> None:
        super().__init__(parent)
        self.declared_fields: list[str] = []


def get(reader: Reader, value: Any, name: str) -> Any:
    """`value.name`."""
    kind = value.__class__
    if kind is Module:
        return of_module(reader, value, name)
    if kind is Tensor:
        from builder.code.reading.tensors import attribute

        return attribute(reader, value, name)
    if kind is Known:
        from builder.code.reading.known import resolve

        return resolve(reader, f"{value.path}.{name}")
    if kind is Instance:
        return of_instance(reader, value, name)
    if kind is UserClass:
        return of_class(reader, value, name)
    if kind is Super:
        return of_super(reader, value, name)
    if kind is Layer:
        from builder.code.reading.layers import attribute as of_layer

        return of_layer(reader, value, name)
    if kind is Raw:
        from builder.code.reading.weights import attribute as of_raw

        return of_raw(reader, value, name)
    if isinstance(value, Unknown):
        return value
    if kind is Packed:
        from builder.code.reading.packing import attribute as of_packed

        return of_packed(reader, value, name)
    if kind is Array:
        from builder.code.reading.arrays import attribute as of_array

        return of_array(reader, value, name)
    if kind is Parts and name in value.names:
        return value[value.names.index(name)]
    if kind is Named and name in value.fields:
        return value[value.fields.index(name)]
    if kind is Function or kind is Bound:
        function = value.function if kind is Bound else value
        if name in ("__name__", "__qualname__"):
            return function.name
        return reader.unknown(f"“.{name[:40]}” of a function is not known")
    if kind is Partial and name in ("func", "args", "keywords"):
        return {"func": value.target, "args": value.args, "keywords": value.kwargs}[name]
    if kind is Dtype:
        return reader.unknown("What torch knows of a dtype is not worked out")
    if kind is Differs:
        from builder.code.reading.twofold import method

        return method(reader, value, name)
    if kind is Mode:
        return reader.unknown("The mode has no parts")
    if kind is Sym:
        value, kind = value.value, value.value.__class__
    from builder.code.reading.natives import method_of

    found = method_of(reader, value, name)
    if found is not None:
        return found
    if value is None:
        raise reader.refuse(f"None has no “.{name[:40]}”", kind="raised")
    return reader.unknown(f"“.{name[:40]}” is not known here")


def find_in_class(cls: Any, name: str, after: UserClass | None = None) -> Any:
    """A name in a class and those it inherits from; `_NOTHING` where there is none."""
    order = cls.mro
    if after is not None:
        order = order[order.index(after) + 1 :] if after in order else ()
    for base in order:
        if isinstance(base, UserClass) and name in base.body:
            return base.body[name]
    return _NOTHING


def bound(reader: Reader, found: Any, receiver: Any, cls: Any) -> Any:
    """What an attribute of a class is, asked of an object."""
    if isinstance(found, Function):
        if found.kind == "property":
            return reader.call(found, [receiver], {})
        if found.kind == "static":
            return found
        if found.kind == "class":
            return Bound(found, cls)
        return Bound(found, receiver)
    return found


def of_module(reader: Reader, module: Module, name: str) -> Any:
    if reader.state.get("touched") is not None:
        from builder.code.reading.lasting import note_read

        note_read(reader, module, name)
        now = reader.state["assigned"].get((id(module), name))
        if now is not None:
            return now
    found = module.attributes.get(name, _NOTHING)
    if found is not _NOTHING:
        if found.__class__ is Tensor and reader.state.get("forward"):
            from builder.code.reading.weights import kept

            return kept(reader, module, name, found)
        return found
    member = module.members.get(name, _NOTHING)
    if member is not _NOTHING and (
        module.cls or module.kind not in ("ModuleList", "ParameterList")
    ):
        if isinstance(member, Raw):
            from builder.code.reading.weights import weight_of

            return weight_of(reader, member)
        return member
    if name == "training":
        return Mode()
    if module.cls is not None:
        inherited = find_in_class(module.cls, name)
        if inherited is not _NOTHING:
            return bound(reader, inherited, module, module.cls)
    if name == "__class__":
        return module.cls or Known(f"torch.nn.{module.kind}")
    if name in _HELD:
        return _held(reader, module, name)
    from builder.code.reading.modules import METHODS

    method = METHODS.get(name)
    if method is not None:
        return Method(name, lambda r, args, kwargs: method(r, module, args, kwargs))
    if module.layer is not None:
        from builder.code.reading.layers import attribute

        return attribute(reader, module.layer, name)
    if name == "__dict__":
        return reader.unknown("What a module holds is not looked into")
    if (
        module.cls is not None
        and (getter := find_in_class(module.cls, "__getattr__")) is not _NOTHING
    ):
        return reader.call(Bound(getter, module), [name], {})
    near = did_you_mean(name, [*module.members, *module.attributes])
    return Unknown(
        f"{_class_name(module)} has no “{name[:60]}”.", reader.line,
        f"{near} Give it in __init__, or paste the class it comes from.".lstrip(),
    )  # fmt: skip


def _held(reader: Reader, module: Module, name: str) -> Members:
    from builder.code.reading.weights import weight_of

    if name == "_modules":
        return Members({n: m for n, m in module.members.items() if isinstance(m, Layer | Module)})
    kind = "parameter" if name == "_parameters" else "buffer"
    raws = [(n, m) for n, m in module.members.items() if isinstance(m, Raw) and m.kind == kind]
    return Members({n: weight_of(reader, raw) for n, raw in raws})


def _class_name(module: Module) -> str:
    return f"“{module.cls.name[:40]}”" if module.cls is not None else f"nn.{module.kind}"


def of_instance(reader: Reader, value: Instance, name: str) -> Any:
    if name in value.attributes:
        return value.attributes[name]
    if value.cls is not None:
        found = find_in_class(value.cls, name)
        if found is not _NOTHING:
            return bound(reader, found, value, value.cls)
        if name == "__class__":
            return value.cls
        if value.cls.kind == "dataclass" and name == "__dict__":
            return dict(value.attributes)
    if name == "__dict__":
        return dict(value.attributes)
    return reader.unknown(f"This object has no “{name[:60]}”")


def of_class(reader: Reader, cls: UserClass, name: str) -> Any:
    found = find_in_class(cls, name)
    if found is not _NOTHING:
        if isinstance(found, Function) and found.kind == "class":
            return Bound(found, cls)
        return found
    if name == "__name__":
        return cls.name
    if name == "__init__":
        from builder.code.reading.classes import base_init

        return Method(name, lambda r, args, kwargs: base_init(r, args[0], args[1:], kwargs))
    if name == "apply" and Known("torch.autograd.Function") in cls.mro:
        return reader.unknown(
            f"“{cls.name[:40]}” is an autograd.Function with a backward of its own, which a network here "
            "cannot hold",
            "Where backward is what autograd does anyway, call its forward as a plain function.",
        )
    return reader.unknown(f"The class “{cls.name[:40]}” has no “{name[:40]}”")


def of_super(reader: Reader, value: Super, name: str) -> Any:
    receiver = value.receiver
    if not isinstance(receiver, Module | Instance | UserClass):
        raise reader.refuse("super() is asked of something that is no object of a class")
    if not isinstance(receiver, UserClass) and receiver.cls is None:
        return reader.unknown(f"What super().{name[:40]} does is not known")
    cls = receiver if isinstance(receiver, UserClass) else receiver.cls
    found = find_in_class(cls, name, value.after)
    if found is not _NOTHING:
        return bound(reader, found, receiver, cls)
    if name == "__init__":
        from builder.code.reading.classes import base_init

        return Method(name, lambda r, args, kwargs: base_init(r, receiver, args, kwargs))
    if name == "__setattr__":
        return Method(name, lambda r, args, kwargs: put(r, receiver, plain(args[0]), args[1]))
    if isinstance(receiver, Module):
        from builder.code.reading.modules import METHODS, base_forward

        if name in ("forward", "__call__"):
            return Method(name, lambda r, args, kwargs: base_forward(r, receiver, args, kwargs))
        method = METHODS.get(name)
        if method is not None:
            return Method(name, lambda r, args, kwargs: method(r, receiver, args, kwargs))
    return reader.unknown(f"What super().{name[:40]} does is not known")


def super_here(reader: Reader, scope: Scope) -> Any:
    """`super()` without arguments: from the method that is running."""
    at: Scope | None = scope
    while at is not None:
        function = at.function
        if isinstance(function, Function) and function.owner is not None:
            first = (
                at.names.get(function.node.args.args[0].arg) if function.node.args.args else None
            )
            if isinstance(first, Module | Instance | UserClass):
                return Super(first, function.owner)
        at = at.parent
    raise reader.refuse("super() stands outside of a class here")


def put(reader: Reader, value: Any, name: str, given: Any) -> None:
    """`value.name = given`."""
    from builder.code.reading.protocol import set_property

    if value.__class__ is Module:
        from builder.code.reading.modules import set_attribute

        if isinstance(given, Layer | Module | Raw) or not set_property(reader, value, name, given):
            set_attribute(reader, value, name, given)
    elif isinstance(value, Instance):
        if set_property(reader, value, name, given):
            return
        written(reader, value)
        value.attributes[name] = given
    elif isinstance(value, UserClass):
        if reader.state.get("forward"):
            raise reader.refuse(
                f"“{value.name[:40]}.{name[:40]}” goes from one call of forward to the next, and a network "
                "here keeps nothing between calls",
                "Take it as an input of forward and return it.",
            )
        value.body[name] = given
    elif isinstance(value, Layer):
        from builder.code.reading.layers import set_attribute as set_of_layer

        set_of_layer(reader, value, name, given)
    elif isinstance(value, Raw):
        if name == "requires_grad":
            from builder.code.reading.weights import let_learn as let_weight_learn

            let_weight_learn(reader, value, plain(given) is not False)
        elif name == "data":
            from builder.code.reading.weights import refuse_same_memory

            in_forward.refuse_change(reader, "The data of a weight is exchanged")
            refuse_same_memory(reader, given)
            reader.note("What a parameter starts with is read as it is first made.")
    elif isinstance(value, Tensor):
        if name not in ("requires_grad", "data", "grad"):
            return
        if name == "data":
            raise reader.refuse("The data of a tensor cannot be exchanged in a network")
        if name == "requires_grad":
            from builder.code.reading.tensors import let_learn

            let_learn(reader, value, given)
    elif value.__class__.__name__ == "Handle":
        if name == "requires_grad":
            from builder.code.reading.weights import freeze

            freeze(reader, value, given)
        else:
            from builder.code.reading.weights import refuse_same_memory, starts_otherwise

            in_forward.refuse_change(reader, f"“.{name[:40]}” of a weight is exchanged")
            if name != "data" or given is not value:  # `m.weight.data *= 0.2` gives itself
                refuse_same_memory(reader, given)
            if name == "data":
                starts_otherwise(reader, value)
    elif value.__class__.__name__ == "Inside":
        from builder.code.reading import norms

        norms.put(reader, value, name, given)
    elif isinstance(value, Function | Bound) and reader.state.get("forward"):
        raise reader.refuse(
            f"“.{name[:40]}” of a function goes from one call of forward to the next, and a network here "
            "keeps nothing between calls",
            "Take it as an input of forward and return it.",
        )
    elif isinstance(value, Unknown | Function | Bound | Known):
        if isinstance(value, Unknown) and reader.state.get("forward"):
            raise reader.refuse_unknown(value)
    elif isinstance(value, Lazy | Shape | Parts):
        raise reader.refuse("This value has no attributes to set", kind="raised")
    else:
        raise reader.refuse("This value has no attributes to set", kind="raised")


NOTHING = _NOTHING
