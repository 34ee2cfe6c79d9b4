"""What of torch is no operation: devices, modes, seeds, parameters, wrappers; and einops, by its words."""

from __future__ import annotations

import ast
import math
from typing import Any

import torch

from builder.code.reading.known import CALLS, does
from builder.code.reading.reader import Reader
from builder.code.reading.trace import Layer, Module, Raw
from builder.code.reading.values import (
    Differs,
    Dtype,
    Instance,
    Known,
    Lazy,
    Method,
    Question,
    Shape,
    Tensor,
    Unknown,
    plain,
)
from builder.graph.model import GradEnabled


@does("torch.nn.Parameter", "torch.nn.parameter.Parameter")
def parameter(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    from builder.code.reading.weights import parameter as made

    return made(reader, args, kwargs)


@does("torch.nn.Buffer")
def buffer(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    from builder.code.reading.weights import buffer as made

    return made(reader, args[0], plain(kwargs.get("persistent", True)) is True)


@does(
    "random.seed", "numpy.random.seed", "torch.set_default_device", "torch.set_num_threads",
    "torch.cuda.empty_cache", "torch.set_printoptions", "torch.autograd.set_detect_anomaly",
    "torch.set_float32_matmul_precision", "torch.backends.cudnn.benchmark", "torch._assert",
)  # fmt: skip
def nothing(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return None


@does("torch.manual_seed", "torch.cuda.manual_seed", "torch.cuda.manual_seed_all")
def seed(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> None:
    if reader.state.get("forward"):
        raise reader.refuse(
            "forward sets the seed, so that each call draws the same numbers",
            "Set it once, before training; numbers that stay the same can be a buffer.",
        )


@does("torch.set_default_dtype", "torch.set_default_tensor_type")
def default_dtype(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> None:
    given = args[0] if args else next(iter(kwargs.values()), None)
    if isinstance(given, Dtype) and given.name == "float32":
        return
    if str(getattr(given, "path", given)) in ("torch.FloatTensor", "torch.cuda.FloatTensor"):
        return
    raise reader.refuse(
        "Another dtype than float32 becomes that of all layers here",
        "Take this line away: all layers are float32.",
    )


def check_settings(reader: Reader) -> None:
    """What lines of the text set for all that follows them. Errors: CodeRefused for a default dtype."""
    for node in ast.walk(reader.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            if name in ("set_default_dtype", "set_default_tensor_type"):
                reader.line = node.lineno
                default_dtype(reader, [reader.evaluate(a, reader.file) for a in node.args[:1]], {})


@does("torch.autograd.Variable")
def variable(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """A tensor, since 2018, through which no gradient goes back."""
    from builder.code.reading.gradients import cut

    given = args[0] if args else kwargs.get("data")
    return cut(reader, given) if isinstance(given, Tensor) else given


@does("torch.nn.Transformer.generate_square_subsequent_mask")
def causal_mask(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """As torch makes it: -inf above the diagonal."""
    from builder.code.reading import factories
    from builder.code.reading.torch_calls import operation

    size = args[0] if args else kwargs.get("sz")
    rest = {k: v for k, v in kwargs.items() if k in ("device", "dtype")}
    full = factories.made(reader, "torch.full", [(size, size), -math.inf], rest)
    return operation(reader, "torch.triu", {"input": full, "diagonal": 1})


@does("torch.device")
def device(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return Known("device")


@does(
    "torch.cuda.is_available",
    "torch.backends.mps.is_available",
    "torch.cuda.is_bf16_supported",
    "torch.jit.is_scripting",
    "torch.jit.is_tracing",
    "torch.cuda.device_count",
    "torch.backends.mps.is_built",
    "torch.is_autocast_enabled",
)
def not_here(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return False


@does("torch.is_grad_enabled")
def grad(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if not reader.state.get("forward"):
        return reader.unknown("Whether gradients are computed is not known here")
    if reader.state.get("gradients set"):
        raise reader.refuse(
            "Whether gradients are recorded is set in the network and asked there as well",
            "Take the torch.enable_grad() away.",
        )
    return False if reader.trace.quiet else Question(GradEnabled())


@does("torch.no_grad", "torch.inference_mode")
def no_grad(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return Known("torch.no_grad()")


@does("torch.autocast", "torch.cuda.amp.autocast", "torch.amp.autocast")
def autocast(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if reader.state.get("forward"):
        reader.note("autocast is left out: everything is computed in float32.")
    return Known("torch.mode()")


@does("torch.set_grad_enabled", "torch.enable_grad")
def mode(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    given = plain(args[0]) if args else plain(kwargs.get("mode", True))
    if given is False:
        return Known("torch.no_grad()")
    from builder.code.reading.gradients import refuse_enabling

    refuse_enabling(reader)
    if reader.state.get("forward"):
        reader.state["gradients set"] = True
    if given is not True and not isinstance(given, str) and reader.state.get("forward"):
        raise reader.refuse(
            "Whether gradients are computed depends on the mode here",
            "In evaluation nobody asks for gradients: take the line away, or use torch.no_grad() for both.",
        )
    return Known("torch.mode()")


def _wrapper(path: str, prefix: str) -> None:
    def wrapped(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
        given = args[0] if args else kwargs.get("module", kwargs.get("model"))
        if given is None:
            return Method("wrapped", lambda r, given, named: given[0])
        if prefix and isinstance(given, Module | Layer):
            reader.note(
                f"{path.replace('torch.nn.', 'nn.')} is left out. The keys of its checkpoints begin with "
                f"“{prefix}”; they are read without it."
            )
        return given

    CALLS[path] = wrapped


_wrapper("torch.jit.script", "")
_wrapper("torch.jit.trace", "")
_wrapper("torch.compile", "_orig_mod.")
_wrapper("torch.nn.DataParallel", "module.")
_wrapper("torch.nn.parallel.DistributedDataParallel", "module.")


@does("torch.utils.checkpoint.checkpoint")
def checkpoint(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    rest = {k: v for k, v in kwargs.items() if k not in ("use_reentrant", "preserve_rng_state")}
    return reader.call(args[0], args[1:], rest)


@does("torch.Size")
def size(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    from builder.code.reading.iterating import items_of

    return Shape(items_of(reader, args[0]) if args else ())


@does("torch.is_tensor")
def is_tensor(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return isinstance(args[0], Tensor)


@does("torch.numel")
def numel(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    from builder.code.reading.tensors import METHODS

    return METHODS["numel"](reader, args[0], [], {})


@does("torch.typename", "torch.get_default_dtype")
def dtype(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return Dtype("float32")


@does("torch.broadcast_tensors")
def broadcast(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    from builder.code.reading.adapting import sizes_of
    from builder.code.reading.torch_calls import operation

    total = args[0]
    for other in args[1:]:
        total = operation(reader, "operator.add", {"input": total, "other": other})
    shape = sizes_of(total)
    return tuple(
        operation(reader, "torch.broadcast_to", {"input": a, "shape": shape}) for a in args
    )


@does(
    "torch.nn.utils.parameters_to_vector",
    "torch.save",
    "torch.load",
    "torch.nn.utils.clip_grad_norm_",
    "torch.onnx.export",
)
def outside(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return reader.unknown("Files and training are not part of a network")


@does("torch.nn.Embedding.from_pretrained", "torch.nn.EmbeddingBag.from_pretrained")
def from_pretrained(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """A table of weights that is given: a layer of its sizes, frozen where nothing else is said."""
    from builder.code.reading import layers
    from builder.code.reading.weights import starts_otherwise

    table = args[0] if args else kwargs.get("embeddings")
    rest = [*args[1:], kwargs.get("freeze", True)]
    if isinstance(table, Unknown):
        return table
    if not isinstance(table, Tensor | Raw) or len(table.spec.shape) != 2:
        return reader.unknown("The sizes of these weights are not known")
    others = {k: v for k, v in kwargs.items() if k not in ("embeddings", "freeze")}
    made = layers.make(reader, "torch.nn.Embedding", list(table.spec.shape), others)
    if isinstance(made, Layer):
        made.freeze(plain(rest[0]) is not False)
        starts_otherwise(reader, Raw("parameter", table, 0) if isinstance(table, Tensor) else table)
    return made


@does("torch.finfo", "torch.iinfo", "numpy.finfo", "numpy.iinfo")
def limits_of(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """`torch.finfo(x.dtype).min`."""
    given = args[0] if args else Dtype("float32")
    name = given.name if isinstance(given, Dtype) else ""
    dtype = getattr(torch, name, None) if name else None  # a dtype of ours
    if not isinstance(dtype, torch.dtype) or dtype.is_complex or dtype == torch.bool:
        return reader.unknown("The limits of this dtype are not known")
    if dtype.is_floating_point:
        info = torch.finfo(dtype)
        floats = ("min", "max", "eps", "tiny", "smallest_normal", "resolution", "bits")
        return Instance(None, {n: getattr(info, n) for n in floats})
    whole = torch.iinfo(dtype)
    return Instance(None, {n: getattr(whole, n) for n in ("min", "max", "bits")})


def _einops(name: str) -> None:
    def do(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
        from builder.code.reading import patterns

        return getattr(patterns, name)(reader, args, kwargs)

    CALLS[f"einops.{name}"] = do


def _einops_layer(title: str, name: str) -> None:
    """The word as a layer: `Rearrange("b c h w -> b (c h w)")`."""

    def do(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
        def forward(r: Reader, given: list[Any], named: dict[str, Any]) -> Any:
            return CALLS[f"einops.{name}"](r, [*given, *args], dict(kwargs))

        reader.counter += 1
        own = Method(title, forward)
        return Module(f"m{reader.counter}", None, "", reader.line or 0, ready=True, does=own)

    CALLS[f"einops.layers.torch.{title}"] = do


_einops("einsum")
_einops("pack")
_einops("unpack")
_einops_layer("Rearrange", "rearrange")
_einops_layer("Reduce", "reduce")
_einops("rearrange")
_einops("repeat")
_einops("reduce")

__all__ = ["Differs", "Layer", "Lazy", "Module"]
