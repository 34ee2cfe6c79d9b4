"""`spectral_norm(nn.Conv2d(…))`: layers whose weights are computed from others, put on and taken off."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any, Final

from builder.catalogue.norms import NORMS
from builder.code.reading.known import CALLS, does
from builder.code.reading.reader import Reader
from builder.code.reading.trace import Layer, Module
from builder.code.reading.values import Bound, Function, Known, Method, Unknown, plain
from builder.graph.allowed_norms import refuse_norms
from builder.graph.model import Norm, Owner, TensorSpec
from builder.graph.norms import CannotCompute, with_norm

_HELP: Final = "Wrap each layer where it is made: self.conv = spectral_norm(nn.Conv2d(…))."


def _wrapper(key: str) -> None:
    def do(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
        return _normalized(reader, key, args, kwargs)

    CALLS[key] = do


for _key in NORMS:
    _wrapper(_key)
    _wrapper(f"{_key}.{_key.rpartition('.')[2]}")  # torch.nn.utils.weight_norm.weight_norm


def _normalized(reader: Reader, key: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """The layer that is given, with one more weight that is computed."""
    entry = NORMS[key]
    given = dict(zip(("module", *(p.name for p in entry.parameters)), args, strict=False))
    if len(args) > len(entry.parameters) + 1 or set(given) & set(kwargs):
        raise reader.refuse(f"{entry.name} is given more than it takes", kind="raised")
    given |= kwargs
    module = given.pop("module", None)
    if isinstance(module, Unknown):
        return module
    layer = _layer(reader, module, entry.name)
    arguments = {name: plain(value) for name, value in given.items()}
    if entry.name == "weight norm" and arguments.get("dim", 0) is None:
        arguments["dim"] = -1  # as torch takes it
    norm = Norm(
        key,
        {
            name: value
            for name, value in arguments.items()
            if (p := entry.parameter(name)) is None or value != p.default
        },
    )
    norms = (*layer.norms, norm)
    if sentence := refuse_norms(Owner("", layer.entry.name, layer.entry.key, norms=norms)):
        raise reader.refuse(sentence.rstrip("."))
    from builder.code.reading.layers import module_of

    if module_of(reader, layer)._parameters.get(norm.name) is None:
        raise reader.refuse(
            f"nn.{layer.entry.name} has no parameter “{norm.name[:40]}” that {entry.name} could compute",
            kind="raised",
        )
    layer.norms = norms
    return module


def _layer(reader: Reader, module: Any, name: str) -> Layer:
    if reader.state.get("forward"):
        raise reader.refuse(f"forward puts {name} on a layer, in each call anew", _HELP)
    found = module.layer if isinstance(module, Module) else module
    if not isinstance(found, Layer):
        raise reader.refuse(f"Only the weight of a single layer of torch.nn can have {name}", _HELP)
    return found


def shapes_of(reader: Reader, layer: Layer) -> dict[str, tuple[int, ...]]:
    """The parameters of a layer by name as torch lists them, those of computed weights in place of these."""
    return {n: size for n, (size, learns) in _tensors(reader, layer).items() if learns}


@dataclass(frozen=True, slots=True, eq=False)
class Inside:
    """A module inside a layer that keeps what its weights are computed from: `conv.parametrizations`."""

    layer: Layer
    path: str


def part(reader: Reader, layer: Layer, path: str) -> Any:
    """`conv.weight_g`, or `conv.parametrizations.weight`; None for what a layer has not."""
    if not layer.norms:
        return None
    known = shapes_of(reader, layer)
    if path in known:
        from builder.code.reading.weights import Handle, weight_step

        if not reader.state.get("forward"):
            return Handle(layer, path)
        return weight_step(reader, layer, path, TensorSpec(known[path]))
    if any(name.startswith(f"{path}.") for name in known):
        return Inside(layer, path)
    return None


def attribute(reader: Reader, inside: Inside, name: str) -> Any:
    """`conv.parametrizations.weight`."""
    if name == "register_parameter":
        return Method(name, lambda r, args, kwargs: put(r, inside, str(plain(args[0])), args[1]))
    found = part(reader, inside.layer, f"{inside.path}.{name}")
    return (
        found if found is not None else reader.unknown("What computes a weight is not looked into")
    )


def put(reader: Reader, inside: Inside, name: str, given: Any) -> None:
    """`conv.parametrizations.weight.original0 = …` ties."""
    from builder.code.reading.weights import tie

    tie(reader, inside.layer, f"{inside.path}.{name}", given)


def keeps_buffers(reader: Reader, layer: Layer) -> bool:
    """Whether calls of a layer change what it keeps, as running statistics are."""
    return any(not learns for _, learns in _tensors(reader, layer).values())


def _tensors(reader: Reader, layer: Layer) -> dict[str, tuple[tuple[int, ...], bool]]:
    from builder.code.reading.layers import module_of

    module = module_of(reader, layer)
    found = {n: (TensorSpec(tuple(p.shape)), True) for n, p in module.named_parameters()}
    found |= {n: (TensorSpec(tuple(b.shape)), False) for n, b in module.named_buffers()}
    try:
        for norm in layer.norms:
            found = with_norm(found, norm, layer.entry.key)
    except CannotCompute as reason:
        raise reader.refuse(f"This nn.{layer.entry.name} {str(reason).rstrip('.')}") from None
    return {n: (tuple(map(int, spec.shape)), learns) for n, (spec, learns) in found.items()}


def refuse_computed(reader: Reader, layer: Layer, name: str, line: int | None = None) -> None:
    """Errors: CodeRefused where a weight that is read or tied is computed anew in each call."""
    norm = next((norm for norm in layer.norms if norm.name == name), None)
    if norm is not None:
        raise reader.refuse(
            f"The {name} of this nn.{layer.entry.name} is computed anew in each call, by "
            f"{NORMS[norm.kind].name}, and is read or tied by itself here",
            "Call the layer, or take the normalization away.",
            line=line,
        )


@does(
    "torch.nn.utils.remove_weight_norm",
    "torch.nn.utils.remove_spectral_norm",
    "torch.nn.utils.weight_norm.remove_weight_norm",
    "torch.nn.utils.spectral_norm.remove_spectral_norm",
    "torch.nn.utils.parametrize.remove_parametrizations",
)
def removed(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """The layer with a weight of its own again."""
    given = dict(zip(("module", "name", "tensor_name"), (*args[:2], *args[1:2]), strict=False))
    given |= kwargs
    module = given.get("module")
    if isinstance(module, Unknown):
        return module
    layer = _layer(reader, module, "another norm")
    name = plain(given.get("tensor_name", given.get("name", "weight")))
    if all(norm.name != name for norm in layer.norms):
        raise reader.refuse(
            "Nothing computes this weight, so nothing can be removed", kind="raised"
        )
    layer.norms = tuple(norm for norm in layer.norms if norm.name != name)
    return module


@does(
    "torch.nn.utils.parametrize.register_parametrization",
    "torch.nn.utils.weight_norm.WeightNorm.apply",
    "torch.nn.utils.spectral_norm.SpectralNorm.apply",
)
def own_parametrization(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    raise reader.refuse(
        "A weight is computed by a formula of your own, which cannot be drawn",
        "Use weight_norm, spectral_norm or orthogonal of torch.nn.utils.parametrizations.",
    )


@does(
    *(
        f"torch.nn.utils.prune.{name}"
        for name in (
            *("identity", "random_unstructured", "l1_unstructured", "random_structured"),
            *("ln_structured", "global_unstructured", "custom_from_mask"),
        )
    )
)
def pruned(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    raise reader.refuse(
        "Pruning puts masks on the weights of a network, which cannot be drawn",
        "Read the network without it, and prune what was trained.",
    )


def puts_on(reader: Reader, given: Any) -> bool:
    """Whether a function of the text, given to apply(), calls one of those above."""
    function = given.function if isinstance(given, Bound) else given
    if not isinstance(function, Function):
        return False
    named = {a.arg for a in ast.walk(function.node.args) if isinstance(a, ast.arg)}
    for call in ast.walk(function.node):
        if not isinstance(call, ast.Call):
            continue
        root = call.func
        while isinstance(root, ast.Attribute):
            root = root.value
        if isinstance(root, ast.Name) and root.id not in named:
            found = reader.evaluate(call.func, function.scope)
            if isinstance(found, Known) and found.path in _PATHS:
                return True
    return False


def each_inside_out(module: Module) -> list[Layer | Module]:
    """What apply() visits: every layer and module once, those inside before what holds them."""
    found: dict[int, Layer | Module] = {}
    for member in module.members.values():
        if isinstance(member, Module):
            found |= {id(inner): inner for inner in each_inside_out(member)}
        elif isinstance(member, Layer):
            found[id(member)] = member
    return [*found.values(), module]


_PATHS: Final = frozenset(path for path, do in CALLS.items() if do.__module__ == __name__)
