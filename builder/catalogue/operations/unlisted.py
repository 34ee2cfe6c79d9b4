"""Operations beyond the palette: every function and tensor method of torch that computes a tensor.

People's own code uses far more of torch than a palette can show. Which names are meant is torch's own
list (`torch.overrides`), less what does more than compute (files, hooks, storages, gradients); how
they are called is read from torch's schemas and signatures. Nothing here is looked up by a name that
is not on that list.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final, Literal

import torch

from builder.catalogue.entry import REQUIRED, Entry, Parameter, ParameterType, Port
from builder.catalogue.making import MAKING

_SPACES: Final = (
    "torch.", "torch.Tensor.", "torch.nn.functional.", "torch.linalg.", "torch.special.", "torch.fft.",
)  # fmt: skip

_REFUSED: Final = frozenset(
    {
        # files, other libraries, other processes and devices
        "save", "load", "from_file", "from_numpy", "from_dlpack", "to_dlpack", "frombuffer", "numpy",
        "share_memory_", "pin_memory", "record_stream", "module_load", "cuda", "cpu", "ipu", "xpu",
        "hpu", "mtia", "to_mkldnn", "to_sparse", "__array__", "__array_wrap__", "reinforce",
        # gradients, hooks and storages: no values
        "backward", "register_hook", "register_post_accumulate_grad_hook", "retain_grad",
        "requires_grad_", "storage", "untyped_storage", "storage_offset", "data_ptr", "set_",
        "resize_", "resize_as_", "resize", "resize_as", "apply_", "map_", "map2_", "as_strided",
        "as_strided_", "set_data", "detach_", "rename", "rename_", "align_to", "align_as",
        "refine_names", "names", "grad", "autocast", "set_printoptions", "handle_torch_function",
        "as_subclass", "new", "is_shared", "stft_", "quantize_per_tensor", "swap_tensors",
        # no tensors
        "item", "tolist", "size", "stride", "dim", "numel", "nelement", "ndimension",
        "element_size", "type", "get_device", "is_contiguous", "is_same_size", "equal", "allclose",
        "is_storage", "result_type", "promote_types", "can_cast", "numpy_T", "nbytes", "itemsize",
        "dim_order", "sym_float", "sym_ite", "sym_max", "sym_min", "sym_not", "sym_sqrt", "sym_sum",
    }
)  # fmt: skip

_TYPES: Final[Mapping[str, ParameterType]] = {
    "int": "int", "SymInt": "int", "number": "float", "Scalar": "float", "float": "float",
    "bool": "bool", "str": "str", "List[int]": "ints", "List[float]": "floats",
    "ScalarType": "dtype",
}  # fmt: skip
# Where a tensor lies and how it is laid out is no part of what a network computes.
_LEFT_OUT: Final = frozenset(
    {
        "out",
        "layout",
        "device",
        "pin_memory",
        "memory_format",
        "generator",
        "non_blocking",
        "inplace",
    }
)
_OPERATORS: Final = frozenset({"operator.setitem"})


@cache
def unlisted(key: str) -> Entry | None:
    """The entry of an operation the palette does not show; None for what is none.

    Keys as torch has them: "torch.addmm", "torch.Tensor.add_", "torch.nn.functional.linear".
    """
    if key in MAKING:
        return MAKING[key]
    if key not in names():
        return None
    form: Literal["function", "method"] = (
        "method" if key.startswith("torch.Tensor.") else "function"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        arguments = _from_signature(key) or _from_schemas(key)
    if not arguments:
        return None
    ports = tuple(a for a in arguments if isinstance(a, Port))
    if not ports or (ports[0].many and form == "method"):
        return None
    return Entry(
        key=key,
        name=key.rpartition(".")[2],
        kind="operation",
        family="other",
        call_parameters=tuple(a for a in arguments if isinstance(a, Parameter)),
        ports=ports,
        form=form,
        order=tuple(a.name for a in arguments),
        help="An operation of torch.",
    )


@cache
def names() -> frozenset[str]:
    """The keys of every operation that may be called, the palette's among them."""
    overrides = torch.overrides
    found = set()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for functions in overrides.get_overridable_functions().values():
            found |= {overrides.resolve_name(function) or "" for function in functions}
    known = {_public(name) for name in found}
    return frozenset(key for key in known if _is_allowed(key)) | MAKING.keys()


def _public(name: str) -> str:
    return name.replace("torch.functional.", "torch.")


def _is_allowed(key: str) -> bool:
    space, _, name = key.rpartition(".")
    if f"{space}." not in _SPACES or name.startswith(("_", "is_", "q_", "sparse_", "quantize")):
        return False
    return name not in _REFUSED and not name.startswith(("new_", "set_", "get_", "sym_"))


# Reading how they are called ---------------------------------------------------------------------


def _from_schemas(key: str) -> list[Port | Parameter]:
    """Ports and parameters of an operation written in C++: its overloads as one."""
    space, _, name = key.rpartition(".")
    prefix = {"torch.linalg": "linalg_", "torch.special": "special_", "torch.fft": "fft_"}
    found = torch._C._jit_get_schemas_for_operator(f"aten::{prefix.get(space, '')}{name}")
    overloads = [o for o in found if _is_plain(o)]
    if not overloads:
        return []
    overloads.sort(key=lambda o: -len(o.arguments))
    merged: dict[str, list[Any]] = {}
    for overload in overloads:
        for argument in overload.arguments:
            if argument.name not in _LEFT_OUT:
                merged.setdefault(argument.name, []).append(argument)
    order = _merged_order([[a.name for a in o.arguments if a.name in merged] for o in overloads])
    arguments = []
    for name in order:
        each = merged[name]
        needed = len(each) == len(overloads) and not any(a.has_default_value() for a in each)
        made = _argument("input" if name == "self" else name, each, needed)
        if made is None and needed:
            return []
        if made is not None:
            arguments.append(made)
    return arguments


def _is_plain(schema: Any) -> bool:
    """Whether an overload takes and gives tensors and literals only, and writes into no `out`."""
    kinds = [_kind(a.type) for a in schema.arguments if a.name not in _LEFT_OUT]
    if any(a.name == "out" for a in schema.arguments) or "Dimname" in str(schema):
        return False
    tensors = any(kind in ("Tensor", "List[Tensor]") for kind in kinds)
    results = [str(r.type) for r in schema.returns]
    return tensors and bool(results) and all("Tensor" in result for result in results)


def _kind(kind: Any) -> str:
    text = str(kind)
    if text.startswith("Optional[") and text.endswith("]"):
        text = text[len("Optional[") : -1]
    return text.replace("SymInt", "int")


def _merged_order(orders: Iterable[list[str]]) -> list[str]:
    """The longest order, with what only others have behind what stands before it there."""
    merged: list[str] = []
    for order in orders:
        for place, name in enumerate(order):
            if name not in merged:
                before = [merged.index(other) for other in order[:place] if other in merged]
                merged.insert(max(before) + 1 if before else 0, name)
    return merged


def _argument(name: str, each: list[Any], needed: bool) -> Port | Parameter | None:
    kinds = {_kind(a.type) for a in each}
    if kinds & {"Tensor"}:
        optional = not needed or any(str(a.type).startswith("Optional") for a in each)
        return Port(name, optional=optional, number=bool(kinds & {"number", "Scalar", "float"}))
    if kinds & {"List[Tensor]", "List[Optional[Tensor]]"}:
        return Port(name, optional=not needed, many=True)
    kind = next((_TYPES[k] for k in sorted(kinds, key=len, reverse=True) if k in _TYPES), None)
    if kind is None:
        return None
    if kind == "int" and name == "dtype":  # schemas have types as numbers
        kind = "dtype"
    default = REQUIRED if needed else _default(each)
    return Parameter(
        name, kind, default, optional=not needed, scalar=kind in ("ints", "floats"),
        choices=_dtypes() if kind == "dtype" else (),
    )  # fmt: skip


def _default(each: list[Any]) -> object:
    values = [a.default_value for a in each if a.has_default_value()]
    value = values[0] if values and len(values) == len(each) else None
    return value if isinstance(value, bool | int | float | str) else None


def _dtypes() -> tuple[str, ...]:
    from builder.catalogue.literals import DTYPES

    return DTYPES


def _from_signature(key: str) -> list[Port | Parameter]:
    """Ports and parameters of an operation written in Python, by its annotations."""
    target: Any = torch
    for part in key.split(".")[1:]:
        target = getattr(target, part)
    try:
        signature = inspect.signature(target)
    except (TypeError, ValueError):
        return []
    found: list[Port | Parameter] = []
    for name, parameter in signature.parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            return []
        if name in _LEFT_OUT or name.startswith("_"):
            continue
        made = _annotated("input" if name == "self" else name, parameter)
        if made is None:
            return []
        found.append(made)
    return found


def _annotated(name: str, parameter: inspect.Parameter) -> Port | Parameter | None:
    note, default = str(parameter.annotation), parameter.default
    required = default is inspect.Parameter.empty
    if parameter.annotation is inspect.Parameter.empty:
        if name in ("input", "tensor"):
            return Port(name)
        return None if required else _by_default(name, default)
    if "Tensor" in note:
        return Port(name, optional=not required, many="List" in note or "Sequence" in note)
    for text, kind in _ANNOTATED:
        if text in note:
            return Parameter(
                name, kind, REQUIRED if required else default, optional=not required,
                scalar=kind in ("ints", "floats"), choices=_dtypes() if kind == "dtype" else (),
            )  # fmt: skip
    return None


_ANNOTATED: Final[tuple[tuple[str, ParameterType], ...]] = (
    ("BroadcastingList", "ints"), ("list[int]", "ints"), ("List[int]", "ints"), ("tuple[int", "ints"),
    ("bool", "bool"), ("dtype", "dtype"), ("DType", "dtype"), ("float", "float"), ("int", "int"),
    ("str", "str"),
)  # fmt: skip


def _by_default(name: str, default: object) -> Parameter | None:
    kinds: tuple[tuple[type, ParameterType], ...] = (
        (bool, "bool"), (int, "int"), (float, "float"), (str, "str"),
    )  # fmt: skip
    for kind, said in kinds:
        if isinstance(default, kind):
            return Parameter(name, said, default, optional=True)
    return Parameter(name, "float", None, optional=True) if default is None else None
