"""Calls that torch spells in several ways, brought to the one the catalogue has.

Each function gets (reader, path, args, kwargs), the receiver of a method first among `args`, and gives
the result, or NotImplemented where the catalogue's own entry fits as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from builder import catalogue
from builder.code.reading.reader import Reader
from builder.code.reading.torch_calls import call_known, operation
from builder.code.reading.values import Dtype, Mode, Sym, Tensor, Unknown, plain
from builder.errors import NotFound
from builder.graph.model import Ref, Size
from builder.graph.symbols import probe_from_dim

Adapt = Callable[[Reader, str, list[Any], dict[str, Any]], Any]

ADAPTED: Final[dict[str, Adapt]] = {}
F: Final = "torch.nn.functional."


def adapts(*names: str) -> Callable[[Adapt], Adapt]:
    def keep(function: Adapt) -> Adapt:
        for name in names:
            ADAPTED[name] = function
        return function

    return keep


def taken(args: list[Any], kwargs: dict[str, Any], place: int, *names: str, default: Any) -> Any:
    """An argument by position or by one of its names."""
    if len(args) > place:
        return args[place]
    return next((kwargs[name] for name in names if name in kwargs), default)


def exists(key: str) -> bool:
    try:
        return catalogue.get(key).key == key
    except NotFound:
        return False


# Other spellings --------------------------------------------------------------------------------

_SAME: Final = {
    "concat": "torch.cat", "concatenate": "torch.cat", "mm": "operator.matmul",
    "dot": "operator.matmul", "mv": "operator.matmul", "spmm": "operator.matmul", "clip": "torch.clamp",
    "negative": "operator.neg", "multiply": "operator.mul", "subtract": "operator.sub",
    "true_divide": "operator.truediv", "absolute": "torch.abs",
    "swapaxes": "torch.transpose", "swapdims": "torch.transpose", "moveaxis": "torch.movedim",
    "upsample": F + "interpolate", "greater": "operator.gt", "less": "operator.lt",
    "greater_equal": "operator.ge", "less_equal": "operator.le", "not_equal": "operator.ne",
    "row_stack": "torch.vstack", "special_expit": "torch.sigmoid", "ger": "torch.outer",
    "eq": "operator.eq", "ne": "operator.ne", "lt": "operator.lt", "le": "operator.le",
    "gt": "operator.gt", "ge": "operator.ge", "bitwise_not": "operator.invert",
    "logical_not": "operator.invert", "remainder": "operator.mod", "matmul": "operator.matmul",
    "floor_divide": "operator.floordiv", "fix": "torch.trunc", "inverse": "torch.linalg.inv",
}  # fmt: skip


def _same(reader: Reader, path: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    name = path.rpartition(".")[2]
    if path == _SAME[name]:
        return NotImplemented
    if name == "logical_not":
        first = args[0] if args else kwargs.get("input")
        if not isinstance(first, Tensor) or first.spec.dtype != "bool":
            return NotImplemented
    if name in ("mm", "dot", "mv", "spmm"):
        kwargs = {
            {"mat2": "other", "tensor": "other", "vec": "other"}.get(k, k): v
            for k, v in kwargs.items()
        }
    return call_known(reader, _SAME[name], args, kwargs)


for _name in _SAME:
    ADAPTED[_name] = _same


@adapts("add", "sub", "mul", "div", "divide", "pow", "rsub")
def arithmetic(reader: Reader, path: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    from builder.code.reading.arithmetic import binary

    if len(args) == 2 and all(k in ("alpha", "rounding_mode", "out") for k in kwargs):
        special = any(plain(v) not in (None, 1) for v in kwargs.values())
        name = path.rpartition(".")[2]
        if not special:
            op = {
                "add": "Add",
                "sub": "Sub",
                "mul": "Mult",
                "div": "Div",
                "divide": "Div",
                "pow": "Pow",
                "rsub": "Sub",
            }
            sides = reversed(args) if name == "rsub" else args
            left, right = sides
            if name == "pow" and not isinstance(left, Tensor):
                return NotImplemented
            return binary(reader, op[name], left, right)
    key = f"torch.{path.rpartition('.')[2]}"
    mode = plain(kwargs.get("rounding_mode"))
    if mode in ("floor", "trunc") and len(args) == 2 and len(kwargs) == 1:
        # Not `//`: torch has no backward for it.
        given = {"input": args[0], "other": args[1], "rounding_mode": mode}
        return operation(reader, "torch.divide", given)
    raise reader.refuse(f"{key} with {', '.join(kwargs) or 'these arguments'} cannot be kept here")


@adapts("scatter", "scatter_")
def scattered(reader: Reader, path: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """scatter(dim, index, src) or scatter(dim, index, value), told apart by what is given."""
    if len(args) != 4:
        return NotImplemented
    name = "src" if isinstance(args[3], Tensor) else "value"
    return call_known(reader, path, args[:3], {**kwargs, name: args[3]})


# Results of two kinds -----------------------------------------------------------------------------


@adapts("max", "min")
def extremes(reader: Reader, path: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    other = taken(args, kwargs, 1, "other", default=None)
    if isinstance(other, Tensor):
        name = {"max": "torch.maximum", "min": "torch.minimum"}[path.rpartition(".")[2]]
        return operation(reader, name, {"input": args[0], "other": other})
    return NotImplemented


@adapts("std", "var")
def spread(reader: Reader, path: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """std(dim, unbiased, keepdim), or std(unbiased), or std(dim, correction=…)."""
    given: dict[str, Any] = {"input": args[0] if args else kwargs.get("input")}
    rest = args[1:]
    if rest and isinstance(plain(rest[0]), bool):
        given["correction"] = int(plain(rest.pop(0)))
    elif rest:
        given["dim"] = rest.pop(0)
        if rest:
            given["correction"] = int(bool(plain(rest.pop(0))))
        if rest:
            given["keepdim"] = rest.pop(0)
    for name, value in kwargs.items():
        if name == "unbiased":
            given["correction"] = int(bool(plain(value)))
        elif name != "input":
            given[{"axis": "dim", "keepdims": "keepdim"}.get(name, name)] = value
    if isinstance(given.get("dim"), list):
        given["dim"] = tuple(given["dim"])
    return operation(reader, f"torch.{path.rpartition('.')[2]}", given)


@adapts("norm")
def norm(reader: Reader, path: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if ".linalg." in path:
        order = taken(args, kwargs, 1, "ord", default=None)
        dim = taken(args, kwargs, 2, "dim", default=None)
        keepdim = taken(args, kwargs, 3, "keepdim", default=False)
        if isinstance(dim, tuple | list) and len(dim) == 2 and order is not None:
            return NotImplemented
    else:
        order = taken(args, kwargs, 1, "p", default="fro")
        dim = taken(args, kwargs, 2, "dim", "axis", default=None)
        keepdim = taken(args, kwargs, 3, "keepdim", default=False)
    order = 2.0 if order in ("fro", None) else order
    if not isinstance(plain(order), int | float):
        return NotImplemented
    given = {"input": args[0], "ord": float(plain(order)), "keepdim": keepdim}
    if dim is not None:
        given["dim"] = tuple(dim) if isinstance(dim, list) else dim
    return operation(reader, "torch.linalg.vector_norm", given)


@adapts("softmax", "log_softmax", "softmin")
def softmax(reader: Reader, path: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    name = path.rpartition(".")[2]
    value = taken(args, kwargs, 0, "input", default=None)
    dim = taken(args, kwargs, 1, "dim", "axis", default=None)
    dtype = kwargs.get("dtype")
    if not isinstance(value, Tensor):
        return NotImplemented
    if isinstance(dtype, Dtype):
        value = operation(reader, "torch.Tensor.to", {"input": value, "dtype": dtype})
    if dim is None:  # as torch guesses it, with a warning
        dim = 0 if len(value.spec.shape) in (0, 1, 3) else 1
        reader.note("softmax without a dim: torch takes " + str(dim) + " here.")
    return operation(reader, F + name, {"input": value, "dim": dim})


# Dropout ------------------------------------------------------------------------------------------


_ALWAYS: Final = {  # what draws in evaluation too
    "dropout": "torch.dropout", "dropout2d": "torch.feature_dropout",
    "dropout3d": "torch.feature_dropout", "alpha_dropout": "torch.alpha_dropout",
    "feature_alpha_dropout": "torch.feature_alpha_dropout",
}  # fmt: skip


@adapts("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout")
def dropout(reader: Reader, path: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """F.dropout(x, p, training): it drops in evaluation too where the mode is not handed on."""
    name = path.rpartition(".")[2]
    value = taken(args, kwargs, 0, "input", default=None)
    functional = path.startswith(F)
    p = taken(args, kwargs, 1, "p", default=0.5)
    mode = taken(args, kwargs, 2, "training", "train", default=True if functional else None)
    if not isinstance(value, Tensor) or isinstance(mode, Unknown):
        return NotImplemented
    if mode is False:
        return value
    if isinstance(mode, Mode) and not mode.negated:
        return operation(reader, F + name, {"input": value, "p": p})
    if plain(p) in (0, 0.0):
        return value
    always = _ALWAYS.get(name, "")
    if mode is True and always and exists(always):
        return operation(reader, always, {"input": value, "p": p, "train": True})
    raise reader.refuse(
        "This dropout also drops in evaluation, as it is not told the mode; that cannot be drawn here",
        "Write F.dropout(x, training=self.training), or use nn.Dropout.",
    )


# Activations in place -----------------------------------------------------------------------------

_ACTIVATIONS: Final = (
    "relu relu6 elu selu celu leaky_relu silu mish hardtanh hardswish hardsigmoid threshold rrelu"
)


@adapts(*_ACTIVATIONS.split())
def activation(reader: Reader, path: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    from builder.code.reading.binding import bound
    from builder.code.reading.torch_calls import entry_of, run_entry

    name = path.rpartition(".")[2]
    entry = entry_of(reader, F + name if path.startswith(F) else path)
    count = 1 + len(entry.call_parameters)
    if len(args) == count + 1:
        kwargs["inplace"] = args.pop()
    if plain(kwargs.get("inplace", False)) is not True:
        return NotImplemented
    kwargs.pop("inplace")
    given = bound(reader, entry, args, kwargs)
    old = given["input"]
    made = run_entry(reader, entry, given)
    step = reader.trace.steps[made.ref.node]
    step.in_place, step.changed = f"{name}_", old.ref
    reader.trace.move(old, made.ref, made.spec)
    return old


# Shapes -------------------------------------------------------------------------------------------


def sizes_of(value: Tensor) -> tuple[Any, ...]:
    """A tensor's sizes, each known by where it comes from."""
    return tuple(
        Sym(probe_from_dim(size), Size(value.ref, dim)) for dim, size in enumerate(value.spec.shape)
    )


@adapts("view_as", "reshape_as")
def shaped_as(reader: Reader, path: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    other = taken(args, kwargs, 1, "other", default=None)
    key = {"view_as": "torch.Tensor.view", "reshape_as": "torch.reshape"}[path.rpartition(".")[2]]
    return operation(reader, key, {"input": args[0], "shape": sizes_of(other)})


@adapts("t", "adjoint")
def turned(reader: Reader, path: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    value = args[0]
    if len(value.spec.shape) < 2:
        return value
    return operation(reader, "torch.transpose", {"input": value, "dim0": 0, "dim1": 1})


@adapts("mean", "sum", "prod", "cumsum", "cumprod")
def with_dtype(reader: Reader, path: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """`x.sum(dtype=…)` casts before it computes."""
    dtype = kwargs.pop("dtype", None)
    if isinstance(dtype, Dtype) and args:
        cast = operation(reader, "torch.Tensor.to", {"input": args[0], "dtype": dtype})
        return call_known(reader, path, [cast, *args[1:]], kwargs)
    if dtype is None and "dtype" not in kwargs:
        return NotImplemented
    return NotImplemented


@adapts("unfold", "embedding", "batch_norm", "instance_norm", "embedding_bag")
def not_the_same(reader: Reader, path: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """torch, torch.nn.functional and Tensor each have one of this name, with other arguments."""
    if exists(path):
        return NotImplemented
    raise reader.refuse(f"{path} is not among the operations a network can hold here")


@adapts("layer_norm", "rms_norm")
def normalised(reader: Reader, path: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """F.layer_norm(x, shape, weight, bias, eps): with weights it is torch's own function."""
    name = path.rpartition(".")[2]
    order: tuple[str, ...] = ("input", "normalized_shape", "weight", "bias", "eps")
    if name == "rms_norm":
        order = ("input", "normalized_shape", "weight", "eps")
    given = {**dict(zip(order, args, strict=False)), **kwargs}
    given = {k: v for k, v in given.items() if v is not None}
    if "weight" in given or "bias" in given:
        return operation(reader, f"torch.{name}", given)
    return operation(reader, F + name, given)


@adapts("cat", "stack", "hstack", "vstack")
def merged(reader: Reader, path: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    values = taken(args, kwargs, 0, "tensors", default=None)
    if isinstance(values, Tensor):  # a tensor is gone through row by row
        from builder.code.reading.iterating import items_of

        rows = items_of(reader, values)
        return call_known(reader, path, [tuple(rows), *args[1:]], kwargs)
    return NotImplemented


@adapts("flatten")
def flatten(reader: Reader, path: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return NotImplemented


@adapts("squeeze")
def squeeze(reader: Reader, path: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return NotImplemented


@adapts("numel", "dim", "ndimension", "size", "is_tensor", "is_floating_point", "stride")
def asked(reader: Reader, path: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    from builder.code.reading.tensors import METHODS

    method = METHODS.get(path.rpartition(".")[2])
    if method is None or not args or not isinstance(args[0], Tensor):
        return (
            isinstance(args[0], Tensor) if path.endswith("is_tensor") and args else NotImplemented
        )
    return method(reader, args[0], args[1:], kwargs)


__all__ = ["ADAPTED", "Ref", "sizes_of"]
