"""What a tensor can be asked: its sizes and dtype, and its methods."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from builder.code.reading import in_forward
from builder.code.reading.adapting import sizes_of
from builder.code.reading.again import refuse_lasting
from builder.code.reading.gradients import written
from builder.code.reading.reader import Reader
from builder.code.reading.torch_calls import call_known, operation
from builder.code.reading.values import (
    Device,
    Dtype,
    Known,
    Method,
    Numbers,
    Shape,
    Sym,
    Tensor,
    plain,
)
from builder.graph.model import Calc, Size
from builder.graph.symbols import probe_from_dim

Ask = Callable[[Reader, Tensor, list[Any], dict[str, Any]], Any]
METHODS: Final[dict[str, Ask]] = {}
_CASTS: Final = {
    "float": "float32", "double": "float64", "half": "float16", "bfloat16": "bfloat16",
    "long": "int64", "int": "int32", "short": "int16", "char": "int8", "byte": "uint8",
    "bool": "bool",
}  # fmt: skip
_HERE: Final = frozenset(
    {"cuda", "cpu", "pin_memory", "xpu", "contiguous_", "retain_grad", "share_memory_"}
)


def answers(*names: str) -> Callable[[Ask], Ask]:
    def keep(function: Ask) -> Ask:
        for name in names:
            METHODS[name] = function
        return function

    return keep


def attribute(reader: Reader, tensor: Tensor, name: str) -> Any:
    """`x.shape`, `x.dtype`, or a method of x."""
    if name == "shape":
        return Shape(sizes_of(tensor))
    if name == "dtype":
        return Dtype(tensor.spec.dtype)
    if name == "device":
        return Device(tensor)
    if name == "ndim":
        return len(tensor.spec.shape)
    if name in ("T", "mT"):
        rank = len(tensor.spec.shape)
        if rank == 2:
            return operation(reader, "torch.transpose", {"input": tensor, "dim0": 0, "dim1": 1})
        if name == "T":
            dims = tuple(range(rank))[::-1]
            return operation(reader, "torch.permute", {"input": tensor, "dims": dims})
        return operation(reader, "torch.transpose", {"input": tensor, "dim0": -2, "dim1": -1})
    if name == "data":
        return operation(reader, "torch.Tensor.detach", {"input": tensor})
    if name in ("real", "imag"):
        return operation(reader, f"torch.{name}", {"input": tensor})
    if name == "requires_grad":
        if reader.state.get("forward"):
            reader.note("“.requires_grad” of a tensor is taken to be False.")
        return tensor.learns
    if name == "is_cuda":
        return False
    if name in METHODS:
        ask = METHODS[name]
        return Method(name, lambda r, args, kwargs: ask(r, tensor, args, kwargs))
    if name.startswith("_") or name in _REFUSED:
        raise reader.refuse(
            f"“.{name[:40]}” of a tensor is no part of a network",
            "Take it away, or do what it does in the code that trains the network.",
        )
    path = f"torch.Tensor.{name}"
    if name.endswith("_") and not name.endswith("__"):
        return Method(name, lambda r, args, kwargs: _in_place(r, path, tensor, args, kwargs))
    return Method(name, lambda r, args, kwargs: call_known(r, path, [tensor, *args], kwargs))


_REFUSED: Final = frozenset(
    {
        "backward", "grad", "register_hook", "apply_", "map_", "set_", "storage",
        "untyped_storage", "data_ptr", "grad_fn", "is_leaf",
    }
)  # fmt: skip

_PLAIN_FORM: Final = {
    "add_": "operator.add", "sub_": "operator.sub", "mul_": "operator.mul",
    "div_": "operator.truediv", "relu_": "torch.nn.functional.relu", "clamp_": "torch.clamp",
    "sigmoid_": "torch.sigmoid", "tanh_": "torch.tanh", "exp_": "torch.exp", "sqrt_": "torch.sqrt",
    "masked_fill_": "torch.Tensor.masked_fill", "neg_": "operator.neg", "abs_": "torch.abs",
    "pow_": "operator.pow", "unsqueeze_": "torch.unsqueeze", "squeeze_": "torch.squeeze",
    "transpose_": "torch.transpose", "t_": "torch.Tensor.t", "log_": "torch.log",
    "clip_": "torch.clamp",
}  # fmt: skip


def _in_place(
    reader: Reader, path: str, tensor: Tensor, args: list[Any], kwargs: dict[str, Any]
) -> Any:
    """`x.add_(y)`: the plain operation where nothing else sees the difference (see `structure`)."""
    name = path.rpartition(".")[2]
    if name == "requires_grad_":
        let_learn(reader, tensor, args[0] if args else kwargs.get("requires_grad", True))
        return tensor
    refuse_lasting(reader, tensor)
    args = [written(reader, value) for value in args]
    kwargs = {name: written(reader, value) for name, value in kwargs.items()}
    form = _PLAIN_FORM.get(name)
    if form is None or kwargs.get("alpha") is not None:
        result = call_known(reader, path, [tensor, *args], kwargs)
        if isinstance(result, Tensor):
            reader.trace.move(tensor, result.ref, result.spec)
        return tensor
    old = tensor.ref
    result = call_known(reader, form, [tensor, *args], kwargs)
    step = reader.trace.steps.get(result.ref.node)
    if step is not None and result.ref != old:
        step.in_place, step.changed = name, old
        if result.spec.dtype != tensor.spec.dtype:
            step.must_stay = True
    reader.trace.move(tensor, result.ref, result.spec)
    return tensor


def let_learn(reader: Reader, tensor: Tensor, given: Any) -> None:
    """`.requires_grad_()`: what learns is a parameter; of a value of forward it is told."""
    if not reader.state.get("forward"):
        tensor.learns = plain(given) is not False
        return
    step = reader.trace.steps.get(tensor.ref.node)
    if step is not None and step.kind == "weight":
        in_forward.refuse_change(
            reader, "Whether a weight learns is set",
            "Freeze it in __init__; to end gradients at a place, use .detach().",
        )  # fmt: skip
    reader.note(
        "Left out: that a tensor of forward requires a gradient. What goes into a layer does."
    )


@answers("size")
def size(reader: Reader, tensor: Tensor, args: list[Any], kwargs: dict[str, Any]) -> Any:
    dim = args[0] if args else kwargs.get("dim")
    if dim is None:
        return Shape(sizes_of(tensor))
    place = plain(dim)
    rank = len(tensor.spec.shape)
    if not isinstance(place, int) or not -rank <= place < rank:
        raise reader.refuse(
            f"A tensor of {rank} dimensions has no size {str(place)[:20]}", kind="shape"
        )
    return Sym(probe_from_dim(tensor.spec.shape[place]), Size(tensor.ref, place))


@answers("__len__")
def length(reader: Reader, tensor: Tensor, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return size(reader, tensor, [0], {})


@answers("dim", "ndimension")
def dim(reader: Reader, tensor: Tensor, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return len(tensor.spec.shape)


@answers("numel", "nelement")
def numel(reader: Reader, tensor: Tensor, args: list[Any], kwargs: dict[str, Any]) -> Any:
    result: Any = 1
    for part in sizes_of(tensor):
        result = (
            part
            if result == 1
            else Sym(result.value * part.value, Calc("*", result.expr, part.expr))
        )
    return result


@answers("item")
def item(reader: Reader, tensor: Tensor, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if any(part != 1 for part in tensor.spec.shape):
        raise reader.refuse("Only a tensor of one number has an item", kind="shape")
    from builder.code.reading.constants import numbers_of

    known = numbers_of(reader, tensor)
    if known is not None:
        return known.item()
    found = Tensor(tensor.spec, tensor.ref, item=True)
    found.compared = tensor.compared
    return found


@answers("stride")
def stride(reader: Reader, tensor: Tensor, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return reader.unknown("The strides of a tensor are not known")


@answers("is_contiguous", "is_floating_point", "is_complex")
def is_contiguous(reader: Reader, tensor: Tensor, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return reader.unknown("How a tensor lies in memory is not known")


METHODS["is_floating_point"] = lambda r, t, a, k: "float" in t.spec.dtype
METHODS["is_complex"] = lambda r, t, a, k: "complex" in t.spec.dtype
METHODS["get_device"] = lambda r, t, a, k: -1


@answers(*_HERE)
def here(reader: Reader, tensor: Tensor, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return tensor


@answers("to", "type")
def to(reader: Reader, tensor: Tensor, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """A dtype is a step; a device is none: where a network runs is chosen elsewhere."""
    wanted = kwargs.get("dtype")
    for value in [*args, *kwargs.values()]:
        if isinstance(value, Dtype):
            wanted = value
        elif isinstance(value, Tensor):
            wanted = Dtype(value.spec.dtype)
        elif isinstance(value, str) and value in _TENSOR_TYPES:
            wanted = Dtype(_TENSOR_TYPES[value])
        elif isinstance(value, Known) and value.path.rpartition(".")[2] in _TENSOR_TYPES:
            wanted = Dtype(_TENSOR_TYPES[value.path.rpartition(".")[2]])
    if not args and not kwargs:
        return reader.unknown("The name of a tensor's type")
    strange = next((v for v in (*args, *kwargs.values()) if _is_strange(v)), None)
    if strange is not None:
        raise reader.refuse(f"A tensor of {strange.path[:40]} cannot be kept", "Use torch.float32.")
    if wanted is None:
        return tensor
    return operation(reader, "torch.Tensor.to", {"input": tensor, "dtype": wanted})


def _is_strange(value: Any) -> bool:
    """A dtype that a graph cannot hold, as torch.float8_e5m2."""
    name = value.path.rpartition(".")[2] if isinstance(value, Known) else ""
    return (
        name.startswith(("float", "uint", "complex", "chalf", "bits", "q"))
        and name not in _TENSOR_TYPES
    )


_TENSOR_TYPES: Final = {
    "FloatTensor": "float32", "LongTensor": "int64", "DoubleTensor": "float64",
    "IntTensor": "int32", "BoolTensor": "bool", "ByteTensor": "uint8", "HalfTensor": "float16",
    "torch.FloatTensor": "float32", "torch.LongTensor": "int64", "torch.cuda.FloatTensor": "float32",
    "torch.cuda.LongTensor": "int64",
}  # fmt: skip


def _cast(name: str) -> Ask:
    def cast(reader: Reader, tensor: Tensor, args: list[Any], kwargs: dict[str, Any]) -> Any:
        key = f"torch.Tensor.{name}"
        known = {"float", "double", "half", "long", "int", "bool"}
        if name in known:
            return operation(reader, key, {"input": tensor})
        return operation(reader, "torch.Tensor.to", {"input": tensor, "dtype": _CASTS[name]})

    return cast


for _name in _CASTS:
    METHODS[_name] = _cast(_name)


@answers("new_zeros", "new_ones", "new_full", "new_empty", "new_tensor")
def new(reader: Reader, tensor: Tensor, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return NotImplemented


for _name in ("new_zeros", "new_ones", "new_full", "new_empty", "new_tensor"):

    def _new(
        reader: Reader, tensor: Tensor, args: list[Any], kwargs: dict[str, Any], name: str = _name
    ) -> Any:
        from builder.code.reading.factories import made

        path = "torch." + name.removeprefix("new_")
        start = {"dtype": Dtype(tensor.spec.dtype), "device": Device(tensor)}
        return made(reader, path, args, {**start, **kwargs})

    METHODS[_name] = _new


@answers("new")
def new_like(reader: Reader, tensor: Tensor, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """`x.new(2, 3)`, the old spelling of new_empty; `x.new([1, 2])` of new_tensor."""
    sizes = bool(args) and (args[0].__class__ is Shape or not isinstance(args[0], list | tuple))
    return METHODS["new_empty" if sizes else "new_tensor"](reader, tensor, args, kwargs)


@answers("tolist", "numpy")
def out_of_torch(reader: Reader, tensor: Tensor, args: list[Any], kwargs: dict[str, Any]) -> Any:
    from builder.code.reading.constants import numbers_of

    known = numbers_of(reader, tensor)
    if known is not None:
        return known.tolist()
    said = "A tensor's numbers are not known before the network runs"
    help = "Use torch's own functions: they work on the tensor itself."
    return Numbers(said, reader.line, help, of=tensor)
