"""Layers of torch.nn: made from the catalogue, called, and asked for what they were made with."""

from __future__ import annotations

import inspect
from functools import cache
from typing import Any, Final

from builder import catalogue
from builder.catalogue.entry import REQUIRED, Entry
from builder.code.reading import in_forward, lasting, norms, packing
from builder.code.reading.reader import Reader
from builder.code.reading.torch_calls import evaluated, run_layer
from builder.code.reading.trace import Layer
from builder.code.reading.values import (
    Differs,
    Dtype,
    Function,
    Known,
    Lazy,
    Method,
    Mode,
    Tensor,
    Unknown,
    deep_plain,
    plain,
)
from builder.errors import NotFound, did_you_mean
from builder.graph import meta
from builder.graph.model import OPAQUE
from builder.graph.symbols import CannotEvaluate

PREFIX: Final = "torch.nn."
_LEFT_OUT: Final = frozenset({"device", "dtype"})
_ACTIVATIONS: Final = {
    "torch.nn.functional.relu": "relu", "torch.relu": "relu", "torch.nn.functional.gelu": "gelu",
    "torch.nn.ReLU": "relu", "torch.nn.GELU": "gelu",
}  # fmt: skip


def make(reader: Reader, path: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """`nn.Linear(3, 4)`. An Unknown where the catalogue has no such layer."""
    name = path.removeprefix(PREFIX)
    lazy = name.startswith("Lazy")
    name = name.removeprefix("Lazy") if lazy else name
    try:
        entry = catalogue.get(PREFIX + name)
    except NotFound as error:
        return Unknown(f"nn.{name[:40]} cannot be a layer here: {error}", reader.line)
    if name == "Identity":
        args, kwargs = [], {}  # it takes anything, and does nothing with it
    if any(isinstance(value, Tensor) for value in (*args, *kwargs.values())):
        raise reader.refuse(
            f"nn.{name} makes a layer, and a tensor is given to it",
            f"Make the layer first and give it the tensor then: nn.{name}(…)(x). Functions such as "
            "F.relu(x) take the tensor at once.", kind="raised",
        )  # fmt: skip
    order = list(constructor_order(PREFIX + name))
    if lazy:
        inferred = {p.name for p in entry.parameters if p.inferred is not None}
        order = [n for n in order if n not in inferred]
    given = dict(zip(order, args, strict=False))
    if len(args) > len(order):
        raise reader.refuse(f"nn.{name} is given more values than it takes", kind="raised")
    twice = next((n for n in kwargs if n in given), None)
    if twice is not None:
        raise reader.refuse(f"nn.{name} is given “{twice}” twice", kind="raised")
    given.update(kwargs)
    if entry.inner is not None:
        _take_inner(reader, entry, given)
    arguments = {}
    for key, value in given.items():
        kept = _argument(reader, entry, key, value)
        if kept is not _SKIP:
            arguments[key] = kept
    reader.budget.layer()
    layer = Layer(entry, arguments, reader.line or 0)
    for value in given.values():
        if isinstance(value, Unknown):
            return value
    return layer


_SKIP: Final = object()


def _argument(reader: Reader, entry: Entry, name: str, value: Any) -> Any:
    if name in _LEFT_OUT:
        if isinstance(value, Dtype) and value.name != "float32":
            raise reader.refuse(f"A layer of {value.name} cannot be kept: all layers are float32")
        return _SKIP
    if isinstance(value, Unknown):
        return value
    parameter = entry.parameter(name)
    if parameter is None or all(p.name != name for p in entry.parameters):
        default = constructor_order(entry.key).get(name, _SKIP)
        if default is not _SKIP and _same(default, plain(value)):
            return _SKIP
        if default is _SKIP:
            near = did_you_mean(name, constructor_order(entry.key))
            raise reader.refuse(f"nn.{entry.name} takes no “{name[:40]}”", near, kind="raised")
        raise reader.refuse(
            f"nn.{entry.name} with {name}={str(plain(value))[:40]} cannot be kept here"
        )
    if name == "activation" and isinstance(value, Known | Function | Layer):
        path = value.path if isinstance(value, Known) else ""
        if isinstance(value, Layer) and not value.arguments:
            path = value.entry.key
        if path in _ACTIVATIONS:
            return _ACTIVATIONS[path]
        raise reader.refuse(f"This activation cannot be kept inside nn.{entry.name}")
    if parameter.type == "bool" and type(plain(value)) is int:
        value = bool(plain(value))
    if isinstance(value, Lazy):
        value = value.items
    if isinstance(value, list):
        value = tuple(value)
    if isinstance(value, Differs | Mode | Tensor):
        raise reader.refuse(f"nn.{entry.name} is made with a value that is not known then")
    return value


def _same(one: Any, other: Any) -> bool:
    return one is other or (type(one) is type(other) and bool(one == other))


def _take_inner(reader: Reader, entry: Entry, given: dict[str, Any]) -> None:
    """nn.TransformerEncoder(layer, num_layers): what its layer was made with becomes its own."""
    assert entry.inner is not None
    inner = given.pop(entry.inner.argument, None)
    if not isinstance(inner, Layer) or inner.entry.key != entry.inner.key:
        raise reader.refuse(f"nn.{entry.name} can only be read with a layer of torch inside")
    for name, value in inner.arguments.items():
        given[name] = value
    if "norm" in given:
        given["norm"] = _final_norm(reader, entry, given["norm"], inner)


def _final_norm(reader: Reader, entry: Entry, norm: Any, inner: Layer) -> bool:
    """`norm=nn.LayerNorm(d_model)`: the one that people put behind the last layer."""
    if norm is None:
        return False
    if isinstance(norm, Layer) and norm.entry.key == "torch.nn.LayerNorm":
        size = plain(norm.arguments.get("normalized_shape"))
        if isinstance(size, tuple) and len(size) == 1:
            size = plain(size[0])
        others = {k: plain(v) for k, v in norm.arguments.items() if k != "normalized_shape"}
        usual = all((k, v) in (("eps", 1e-5), ("bias", True)) for k, v in others.items())
        if size == plain(inner.arguments.get("d_model")) and usual:
            return True
    raise reader.refuse(
        f"nn.{entry.name} can only keep norm=nn.LayerNorm(d_model) here",
        "Call that layer behind it in forward instead.",
    )


@cache
def constructor_order(key: str) -> dict[str, Any]:
    """The constructor's arguments in order, each with its default."""
    cls = catalogue.target_of(catalogue.get(key))
    found: dict[str, Any] = {}
    signature = inspect.signature(cls.__init__)
    for parameter in list(signature.parameters.values())[1:]:
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            found[parameter.name] = parameter.default
    if not found:  # RNN and its kin take *args
        found = {p.name: p.default for p in catalogue.get(key).parameters}
    return found


def call_layer(reader: Reader, layer: Layer, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """`self.fc(x)`."""
    from builder.code.reading.binding import bound

    for value in (*args, *kwargs.values()):
        if isinstance(value, Unknown):
            raise reader.refuse_unknown(value)
    if packing.holds((*args, *kwargs.values())):
        _check_arguments(reader, layer)
        return packing.call_layer(reader, layer, args, kwargs)
    if layer.entry.key == OPAQUE:
        from builder.code.reading import own_layers

        return own_layers.call(reader, layer, args, kwargs)
    _check_arguments(reader, layer)
    if layer.entry.name == "Identity" and args:
        args = args[:1]
    given = bound(reader, packing.without_packing(layer.entry), args, kwargs)
    return run_layer(reader, layer, given)


def _check_arguments(reader: Reader, layer: Layer) -> None:
    for name, value in layer.arguments.items():
        if isinstance(value, Unknown):
            raise reader.refuse_unknown(value)
        parameter = layer.entry.parameter(name)
        known = plain(value)
        if parameter is not None and isinstance(known, float) and parameter.type in ("int", "ints"):
            raise reader.refuse(
                f"nn.{layer.entry.name} takes a whole number for {name}", kind="raised"
            )


def module_of(reader: Reader, layer: Layer) -> Any:
    """The layer on the meta device, as far as its sizes are known."""
    arguments = dict(layer.known or {})
    for name, value in layer.arguments.items():
        arguments[name] = evaluated(reader, value)
    try:
        return meta.build(layer.entry, arguments)
    except (TypeError, ValueError, RuntimeError, CannotEvaluate, ZeroDivisionError):
        raise reader.refuse(
            f"nn.{layer.entry.name} cannot be made with these values", kind="shape"
        ) from None


def attribute(reader: Reader, layer: Layer, name: str) -> Any:
    """`self.fc.in_features`, `self.fc.weight`."""
    chosen = name != "bias"  # of a made layer that is its weight, not what it was made with
    if name in layer.arguments and chosen:
        return _as_held(reader, layer, name)
    if name == "training":
        return Mode()
    if name in _METHODS:
        return Method(name, lambda r, args, kwargs: _method(r, layer, name, args, kwargs))
    if name == "generate_square_subsequent_mask":
        return Known("torch.nn.Transformer.generate_square_subsequent_mask")
    if name == "forward":
        return Method(name, lambda r, args, kwargs: call_layer(r, layer, args, kwargs))
    if name == "__class__":
        return Known(layer.entry.key)
    parameter = layer.entry.parameter(name) if chosen else None
    if parameter is not None and parameter.default is not REQUIRED and parameter.inferred is None:
        return _as_held(reader, layer, name)
    module = module_of(reader, layer)
    weights = module._parameters
    if name in weights or name in module._buffers:
        if weights.get(name) is None and module._buffers.get(name) is None:
            return None
        from builder.code.reading.weights import weight_of_layer

        return weight_of_layer(reader, layer, name)
    if (inside := norms.part(reader, layer, name)) is not None:
        return inside
    value = vars(module).get(name)
    if isinstance(value, bool | int | float | str) or (
        isinstance(value, tuple) and all(isinstance(v, bool | int | float | str) for v in value)
    ):
        return value
    return reader.unknown(f"nn.{layer.entry.name} has no “{name[:40]}” that is known here")


def _as_held(reader: Reader, layer: Layer, name: str) -> Any:
    """What a layer keeps of an argument: kernel_size=3 of a Conv2d is (3, 3)."""
    parameter = layer.entry.parameter(name)
    given = layer.arguments.get(name, parameter.default if parameter is not None else None)
    if layer.known is None and any(
        p.inferred is not None and p.name not in layer.arguments for p in layer.entry.parameters
    ):
        return given  # a lazy layer, which is not made yet
    held = vars(module_of(reader, layer)).get(name, given)
    simple = isinstance(held, bool | int | float | str | None) or (
        isinstance(held, tuple) and all(isinstance(v, bool | int | float | str) for v in held)
    )
    if not simple or held == deep_plain(given):
        return given
    if isinstance(held, tuple) and held == (plain(given),) * len(held):
        return (given,) * len(held)
    return held


_METHODS: Final = frozenset(
    [
        "to", "cuda", "cpu", "train", "eval", "apply", "requires_grad_", "parameters", "named_parameters",
        "float", "half", "double", "bfloat16", "type", "children", "modules", "named_children",
        "named_modules", "reset_parameters", "state_dict", "load_state_dict", "flatten_parameters",
        "zero_grad", "get_submodule", "register_parameter", *lasting.HOOKS,
    ]
)  # fmt: skip


def _method(
    reader: Reader, layer: Layer, name: str, args: list[Any], kwargs: dict[str, Any]
) -> Any:
    if name in ("train", "eval"):
        lasting.refuse_mode(reader, f"{name}()")
        return layer
    if name in ("reset_parameters", "load_state_dict", "zero_grad"):
        in_forward.refuse_change(reader, f"Weights are changed by .{name}()")
    if name == "state_dict":
        return state_of(reader, layer)
    if name == "apply":
        in_forward.refuse_change(reader, "A layer is handed to a function by .apply()")
        lasting.applied(reader, args[0] if args else kwargs.get("fn"), [layer])
        return layer
    if name in lasting.HOOKS:
        return lasting.hook(reader, name, args, kwargs)
    if name in ("to", "cuda", "cpu", "float", "type"):
        lasting.refuse_dtype(reader, args, kwargs)
        return layer
    if name == "requires_grad_":
        still = plain(args[0] if args else kwargs.get("requires_grad", True)) is False
        if still != layer.frozen:
            in_forward.refuse_change(reader, "Whether a layer learns is set")
        layer.freeze(still)
        return layer
    if name in ("parameters", "named_parameters"):
        return parameters_of(reader, layer, name == "named_parameters", "")
    if name in ("children", "named_children"):
        return Lazy([])
    if name == "modules":
        return Lazy([layer])
    if name == "register_parameter":
        set_attribute(reader, layer, str(plain(args[0])), args[1])
        return None
    if name == "get_submodule":
        path = str(plain(args[0]))
        found = norms.part(reader, layer, path)
        return found if found is not None else reader.unknown("There is no such module")
    if name == "named_modules":
        return Lazy([("", layer)])
    if name in ("half", "double", "bfloat16"):
        raise lasting.other_dtype(reader)
    return None


def state_of(reader: Reader, layer: Layer) -> Any:
    """The `state_dict` of one layer."""
    from builder.code.reading import weights

    if reader.state.get("forward"):
        return reader.unknown("What weights hold is not looked into")
    return weights.state_of(reader, [("", layer)])


def parameters_of(reader: Reader, layer: Layer, named: bool, prefix: str) -> Lazy:
    from builder.code.reading.weights import Handle

    if layer.norms:
        present = list(norms.shapes_of(reader, layer))
    else:
        own = module_of(reader, layer)._parameters
        present = [n for n in own if own[n] is not None]
    handles: list[Any] = [Handle(layer, n) for n in present]
    if named:
        return Lazy([(prefix + n, h) for n, h in zip(present, handles, strict=True)])
    return Lazy(handles)


def _can_change(reader: Reader, layer: Layer, name: str, given: Any) -> bool:
    """Whether a layer that was made so from the start would be the same."""
    parameter, value = layer.entry.parameter(name), deep_plain(given)
    if reader.state.get("forward") or parameter is None or isinstance(value, Unknown):
        return False
    if layer.entry.family == "convolution":
        usual = plain(layer.arguments.get("padding_mode", "zeros")) == "zeros"
        whole = isinstance(value, int | tuple) and name in ("stride", "padding", "dilation")
        return usual and whole and not isinstance(plain(layer.arguments.get("padding")), str)
    if name == "kernel_size":  # of pooling alone: what has weights has them of that size
        return layer.entry.family == "pooling"
    return isinstance(value, bool | int | float | tuple)


def set_attribute(reader: Reader, layer: Layer, name: str, given: Any) -> None:
    """`self.fc.weight = …` ties, `self.fc.out_features = …` is refused."""
    if name in ("forward", "__call__"):
        raise lasting.exchanged_forward(reader, name)
    if name == "training":
        lasting.refuse_mode(reader, name)
        return
    from builder.code.reading.weights import tie

    module = module_of(reader, layer)
    if (
        name in lasting.SETTINGS
        and name in vars(module)
        and _can_change(reader, layer, name, given)
    ):
        layer.arguments[name] = given
        return
    if name in module._parameters or (layer.norms and name in norms.shapes_of(reader, layer)):
        tie(reader, layer, name, given)
    elif (
        name in layer.arguments
        or layer.entry.parameter(name) is not None
        or name in module._buffers
        or name in vars(module)
    ):
        raise reader.refuse(
            f"nn.{layer.entry.name} is changed after it was made",
            "Give it the right value where it is made.",
        )
