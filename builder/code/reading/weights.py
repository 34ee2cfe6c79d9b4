"""Parameters and buffers of the text's own, and weights of layers that it reads or ties."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from builder.code.reading import in_forward, lasting
from builder.code.reading.reader import Reader
from builder.code.reading.trace import Layer, Module, Raw
from builder.code.reading.values import Members, Method, Tensor, Unknown, plain
from builder.graph.model import Ref, TensorSpec


@dataclass(slots=True, eq=False)
class Handle:
    """A parameter of a layer as `parameters()` gives it."""

    layer: Layer
    name: str


def parameter(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """`nn.Parameter(tensor)`."""
    value = args[0] if args else kwargs.get("data")
    grad = args[1] if len(args) > 1 else kwargs.get("requires_grad", True)
    if isinstance(value, Unknown):
        return value
    if isinstance(value, Raw):
        value = value.made
    refuse_same_memory(reader, value)
    if not isinstance(value, Tensor):
        return reader.unknown("nn.Parameter is made of a tensor")
    return Raw("parameter", value, reader.line or 0, plain(grad) is not False)


@dataclass(frozen=True, slots=True)
class Seen(Unknown):
    """A view of a layer's parameter, as `self.fc.weight.t()` in __init__."""


_VIEWS: Final = frozenset(
    {
        "t", "transpose", "view", "reshape", "permute", "squeeze", "unsqueeze", "flatten", "expand",
        "expand_as", "narrow", "select", "chunk", "split", "unbind", "view_as", "swapaxes", "movedim",
    }
)  # fmt: skip


def refuse_same_memory(reader: Reader, value: Any) -> None:
    """Errors: CodeRefused where a weight is made of another one, whose memory it then shares."""
    if isinstance(value, Handle | Seen) and not reader.state.get("forward"):
        raise reader.refuse(
            "Two weights would lie in one memory, each a parameter of its own",
            "Tie them: self.b.weight = self.a.weight. One that is turned around is read in forward: "
            "F.linear(x, self.enc.weight.t(), self.bias).",
        )


def buffer(reader: Reader, value: Any, persistent: bool) -> Raw:
    if isinstance(value, Unknown):
        raise reader.refuse_unknown(value)
    if isinstance(value, Raw):
        value = value.made
    if not isinstance(value, Tensor):
        raise reader.refuse("A buffer is a tensor", kind="raised")
    if (found := learning(reader, value, "")) is not None:
        return found
    return Raw("buffer", value, reader.line or 0, False, persistent)


def empty_buffer(reader: Reader, module: Module, name: str) -> bool | None:
    """Of `register_buffer("w", None)`, which may be given later, whether it is saved; else None."""
    if reader.state.get("forward") or module.members[name] is not None:
        return None
    found: bool | None = reader.state.get("empty buffers", {}).get((id(module), name))
    return found


def weight_of(reader: Reader, raw: Raw) -> Any:
    """A parameter or buffer as it is read: while modules are made, the parameter itself."""
    if not reader.state.get("forward"):
        return raw
    known = reader.state.setdefault("weights", {})
    key = (id(raw), id(reader.trace.frame), reader.trace.side)
    if key in known:
        return known[key]
    step = reader.trace.add(
        "weight",
        "",
        {},
        TensorSpec(raw.spec.shape, raw.spec.dtype),
        reader.line or 0,
        reader.node,
        raw,
    )
    known[key] = Tensor(raw.spec, Ref(step.id))
    return known[key]


def kept(reader: Reader, module: Module, name: str, tensor: Tensor) -> Any:
    """A plain tensor that a module holds: a buffer that is not saved."""
    step = reader.trace.steps.get(tensor.ref.node)
    if step is None or step.frame is not reader.trace.making:
        return tensor
    raw = learning(reader, tensor, name) or Raw("buffer", tensor, step.line, False, False)
    module.attributes.pop(name)
    module.members[name] = raw
    return weight_of(reader, raw)


def learning(reader: Reader, tensor: Tensor, name: str) -> Raw | None:
    """A tensor made with requires_grad=True: it learns, and what learns is a parameter here."""
    if not tensor.learns:
        return None
    said = f"“{name[:40]}” learns, so it" if name else "A buffer that learns"
    line = reader.trace.steps[tensor.ref.node].line
    reader.note(f"{said} is an nn.Parameter here: the state_dict and parameters() have it.", line)
    return Raw("parameter", tensor, line)


def weight_of_layer(reader: Reader, layer: Layer, name: str) -> Any:
    """`self.fc.weight`."""
    from builder.code.reading import norms
    from builder.code.reading.layers import module_of

    if not reader.state.get("forward"):
        return Handle(layer, name)
    norms.refuse_computed(reader, layer, name)
    module = module_of(reader, layer)
    value = module._parameters.get(name)
    value = value if value is not None else module._buffers[name]
    spec = TensorSpec(tuple(value.shape), str(value.dtype).removeprefix("torch."))
    return weight_step(reader, layer, name, spec)


def weight_step(reader: Reader, layer: Layer, name: str, spec: TensorSpec) -> Tensor:
    """A tensor of a layer as forward reads it."""
    step = reader.trace.add("weight", "", {}, spec, reader.line or 0, reader.node, layer)
    step.weight = name
    return Tensor(spec, Ref(step.id))


def state_of(reader: Reader, parts: list[tuple[str, Any]]) -> Members:
    """The `state_dict` while a module is made: each name with the weight itself."""
    from builder.code.reading.layers import module_of

    found: dict[str, Any] = {}
    for path, part in parts:
        if isinstance(part, Raw) and (part.kind == "parameter" or part.persistent):
            found[path] = part
        elif isinstance(part, Layer):
            for name in module_of(reader, part).state_dict():
                found[f"{path}.{name}" if path else name] = Handle(part, name)
    return Members(found)


def starts_otherwise(reader: Reader, value: Handle | Raw) -> None:
    """What a text makes of the numbers that a weight starts with is left out."""
    if isinstance(value, Raw) and not (value.kind == "parameter" or value.persistent):
        raise reader.refuse(
            "The numbers of this tensor are changed after it was made, and no checkpoint has them",
            "Work it out before it is given to the network.",
        )
    reader.note("How the layers' weights start is left to PyTorch; a checkpoint brings others.")


def attribute(reader: Reader, raw: Raw, name: str) -> Any:
    """What a parameter can be asked while modules are made."""
    if name in ("shape", "size", "dtype", "device", "ndim", "dim", "numel"):
        from builder.code.reading.tensors import attribute as of_tensor

        return of_tensor(reader, raw.made, name)
    if name == "requires_grad":
        return raw.requires_grad
    if name not in ("requires_grad_", "register_hook") and reader.state.get("forward"):
        from builder.code.reading.tensors import attribute as of_tensor

        return of_tensor(reader, weight_of(reader, raw), name)
    if name == "data":
        return raw
    if name == "requires_grad_":
        return Method(name, lambda r, args, kwargs: _requires_grad(r, raw, args))
    if name == "register_hook":
        return Method(name, lambda r, args, kwargs: lasting.hook(r, name, args, kwargs))
    if name.endswith("_"):
        return Method(name, lambda r, args, kwargs: _filled(r, raw, name, args, kwargs))
    from builder.code.reading.tensors import attribute as of_tensor

    return of_tensor(reader, raw.made, name)


def _filled(reader: Reader, raw: Raw, name: str, args: list[Any], kwargs: dict[str, Any]) -> Raw:
    """`self.scale.data.fill_(2)`: as nn.init does it; a buffer is changed itself."""
    if raw.kind == "parameter":
        from builder.code.reading.initialising import filled

        by_init = {"zero_": "zeros_", "fill_": "constant_"}.get(name, name)
        if by_init in ("zeros_", "constant_", "normal_", "uniform_"):
            filled(reader, by_init, [raw, *args], kwargs)
        else:
            starts_otherwise(reader, raw)
        return raw
    from builder.code.reading.tensors import attribute as of_tensor

    reader.call(of_tensor(reader, raw.made, name), args, kwargs)
    return raw


def _requires_grad(reader: Reader, raw: Raw, args: list[Any]) -> Raw:
    let_learn(reader, raw, not (args and plain(args[0]) is False))
    return raw


def let_learn(reader: Reader, raw: Raw, wanted: bool) -> None:
    """`self.scale.requires_grad = False`."""
    if wanted != raw.requires_grad:
        in_forward.refuse_change(reader, "Whether a weight learns is set", FREEZING)
    raw.requires_grad = wanted


FREEZING: Final = "Freeze it in __init__; to end gradients at a place, use .detach()."


def tie(reader: Reader, layer: Layer, name: str, given: Any) -> None:
    """`self.head.weight = self.emb.weight`."""
    in_forward.refuse_change(reader, f"“{name[:40]}” of a layer is exchanged")
    ties = reader.state.setdefault("ties", [])
    if isinstance(given, Handle):
        ties.append((layer, name, given.layer, given.name, reader.line))
        return
    if isinstance(given, Raw):
        reader.note("A layer starts with values of its own making; a checkpoint brings the others.")
        return
    refuse_same_memory(reader, given)
    if isinstance(given, Unknown):
        reader.note("What this weight starts with is left to PyTorch.")
        return
    raise reader.refuse("This weight is exchanged for something that is no parameter")


def handle_attribute(reader: Reader, handle: Handle, name: str) -> Any:
    """What a layer's parameter can be asked while modules are made."""
    from builder.code.reading.norms import shapes_of

    shape = shapes_of(reader, handle.layer).get(handle.name, ())
    if name == "shape":
        return shape
    if name in ("size", "dim", "numel"):
        answers: dict[str, Any] = {"size": shape, "dim": len(shape)}
        count = 1
        for size in shape:
            count *= size
        answers["numel"] = count
        chosen = answers[name]
        return Method(
            name,
            lambda r, args, kwargs: chosen[plain(args[0])] if args and name == "size" else chosen,
        )
    if name == "requires_grad":
        return not (handle.layer.frozen or handle.name in handle.layer.still)
    if name == "ndim":
        return len(shape)
    if name in ("data", "grad") and not reader.state.get("forward"):
        return handle
    if name in _NEW and reader.state.get("forward"):
        return Method(name, lambda r, args, kwargs: _new(r, name, args, kwargs))
    if name == "requires_grad_":
        return Method(
            name,
            lambda r, args, kwargs: freeze(
                r, handle, args[0] if args else kwargs.get("requires_grad", True)
            ),
        )
    if name == "register_hook":
        return Method(name, lambda r, args, kwargs: lasting.hook(r, name, args, kwargs))
    if reader.state.get("forward") and name not in _OF_PLACE:
        from builder.code.reading.tensors import attribute as of_tensor

        return of_tensor(reader, in_forward.as_read(reader, handle), name)
    if name in ("T", "mT"):
        return Seen("What a weight holds is not looked into", reader.line)
    if name in _VIEWS:
        seen = Seen("What a weight holds is not looked into", reader.line)
        return Method(name, lambda r, args, kwargs: seen)
    if name.endswith("_"):
        return Method(name, lambda r, args, kwargs: _handle_filled(r, handle))
    if name in ("to", "detach", "uniform", "copy"):
        return Method(name, lambda r, args, kwargs: handle)
    return reader.unknown("What a weight holds is not looked into")


def _handle_filled(reader: Reader, handle: Handle) -> Handle:
    """`self.fc.weight.data.uniform_(-b, b)` in __init__."""
    starts_otherwise(reader, handle)
    return handle


_OF_PLACE: Final = frozenset({"device", "dtype", "is_cuda", "layout", "grad", "type", "to"})
_NEW: Final = {
    "new": "torch.empty", "new_empty": "torch.empty", "new_zeros": "torch.zeros",
    "new_ones": "torch.ones", "new_full": "torch.full",
}  # fmt: skip


def _new(reader: Reader, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """`next(self.parameters()).new_zeros(2, n, 8)`: a tensor of that size, beside the inputs."""
    from builder.code.reading.factories import made

    if name == "new" and not all(isinstance(plain(a), int) for a in args):
        raise reader.refuse("What .new(…) is given is no size", "Use new_tensor or torch.tensor.")
    return made(reader, _NEW[name], args, dict(kwargs))


def freeze(reader: Reader, handle: Handle, given: Any) -> Handle:
    """`self.fc.bias.requires_grad = False`: a layer is frozen once all of its parameters are."""
    from builder.code.reading.layers import parameters_of

    wanted, layer = plain(given), handle.layer
    if wanted is not True and wanted is not False:
        raise reader.refuse(
            "Whether this weight is trained is not known here", "Write True or False."
        )
    names = [h.name for h in parameters_of(reader, layer, False, "").items]
    still = dict.fromkeys(names, reader.line or layer.line) if layer.frozen else dict(layer.still)
    if wanted:
        still.pop(handle.name, None)
    else:
        still[handle.name] = reader.line or layer.line
    if (handle.name in layer.still or layer.frozen) == wanted:
        in_forward.refuse_change(reader, "Whether a weight learns is set", FREEZING)
    layer.freeze(len(still) == len(names))
    layer.still = {} if layer.frozen else still
    return handle


def check_freezing(reader: Reader, layer: Layer) -> None:
    """A layer is trained or frozen as a whole. Errors: CodeRefused at the line that freezes a part."""
    if layer.still:
        names = " and ".join(layer.still)
        raise reader.refuse(
            f"Only {names} of this nn.{layer.entry.name} is frozen, and a layer is frozen as a whole here",
            "Freeze the whole layer with .requires_grad_(False), or let all of it learn.",
            line=max(layer.still.values()),
        )
