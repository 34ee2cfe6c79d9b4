"""What of torch is no operation: devices, modes, seeds, parameters, wrappers; and einops, by its words."""

from __future__ import annotations

import ast
import math
from typing import Any

from builder.code.reading.branches import Differs
from builder.code.reading.known import CALLS, does
from builder.code.reading.reader import Reader
from builder.code.reading.trace import Layer, Module
from builder.code.reading.values import Dtype, Known, Lazy, Method, Shape, Tensor, plain


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
    """A tensor, since 2018."""
    return args[0] if args else kwargs.get("data")


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
    return reader.unknown("Whether gradients are computed is not known here")


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
    if given is not True and not isinstance(given, str) and reader.state.get("forward"):
        raise reader.refuse(
            "Whether gradients are computed depends on the mode here",
            "In evaluation nobody asks for gradients: take the line away, or use torch.no_grad() for both.",
        )
    return Known("torch.mode()")


@does(
    "torch.compile",
    "torch.jit.script",
    "torch.nn.DataParallel",
    "torch.nn.parallel.DistributedDataParallel",
    "torch.jit.trace",
)
def wrapped(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if not args:
        return Method("wrapped", lambda r, given, named: given[0])
    return args[0]


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


def _einops(name: str) -> None:
    def do(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
        from builder.code.reading import patterns

        return getattr(patterns, name)(reader, args, kwargs)

    CALLS[f"einops.{name}"] = do


_einops("rearrange")
_einops("repeat")
_einops("reduce")

__all__ = ["Differs", "Layer", "Lazy", "Module"]
