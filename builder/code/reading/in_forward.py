"""What forward does to weights and layers of the network is read, or refused: nothing of it is dropped."""

from __future__ import annotations

import ast
from typing import Any, Final

from builder.code.reading.reader import Reader
from builder.code.reading.trace import Layer, Module, Raw
from builder.code.reading.values import Instance, Lazy, Unknown
from builder.errors import CodeRefused

_QUIET_ROOTS: Final = frozenset(
    {
        "print", "logging", "logger", "log", "warnings", "warn", "time", "tqdm", "wandb", "writer",
        "os", "sys", "gc", "datetime", "traceback", "pprint", "summary", "nvtx", "profiler", "console", "rich", "torchsummary", "torchinfo",
        "tensorboard", "mlflow", "loguru", "timeit", "plt", "matplotlib", "breakpoint", "pdb", "rank_zero_info",
    }
)  # fmt: skip
_QUIET_PATHS: Final = (
    "torch.cuda.", "torch.save", "torch.set_printoptions", "torch._assert", "torch._check",
    "torch.testing.", "torch.profiler.", "torch.autograd.profiler.", "torch.backends.",
    "torch.mps.", "numpy.testing.", "torch.jit.annotate",
)  # fmt: skip
_QUIET_METHODS: Final = frozenset(
    {
        "info", "debug", "warning", "warn", "error", "critical", "exception", "log", "log_dict",
        "add_scalar", "add_scalars", "add_histogram", "add_image", "add_images", "add_text",
        "write", "flush", "print", "set_description", "set_postfix", "record_function", "tic", "toc",
    }
)  # fmt: skip
_HELP: Final = (
    "A step of training belongs behind optimizer.step() in the training loop, and a start into __init__. "
    "In forward one weight can be changed by its name: self.fc.weight.data.clamp_(-1, 1)."
)


def refuse_change(reader: Reader, what: str, help: str = "") -> None:
    """Errors: CodeRefused where this happens while the network runs."""
    if reader.state.get("forward"):
        raise reader.refuse(f"{what} while the network runs, in each call", help or _HELP)


def touches(value: Any, depth: int = 4) -> bool:
    """Whether a value is, or holds, a part of the network."""
    from builder.code.reading.weights import Handle

    if isinstance(value, Module | Layer | Raw | Handle):
        return True
    if depth == 0:
        return False
    parts: Any = ()
    if isinstance(value, list | tuple | set):
        parts = value
    elif isinstance(value, dict):
        parts = value.values()
    elif isinstance(value, Lazy):
        parts = value.items
    elif isinstance(value, Instance):
        parts = value.attributes.values()
    return any(touches(part, depth - 1) for part in parts)


def is_quiet(path: str) -> bool:
    """Whether a function only looks, or speaks: nothing of a network changes by it."""
    names = path.split(".")
    return (
        names[0] in _QUIET_ROOTS
        or names[-1] in _QUIET_METHODS
        or (path + ".").startswith(_QUIET_PATHS)
    )


def check_call(reader: Reader, path: str, args: list[Any], kwargs: dict[str, Any]) -> None:
    """Errors: CodeRefused for a function that is not known here and is handed parts of the network."""
    if not reader.state.get("forward") or is_quiet(path):
        return
    name = path.rpartition(".")[2]
    fills = name.endswith("_") and not name.endswith("__")
    if fills or any(touches(value) for value in (*args, *kwargs.values())):
        raise reader.refuse(
            f"“{path[:60]}” may change weights or layers of the network in each call, and how is not known "
            "here",
            _HELP,
        )


def left_out(reader: Reader, node: ast.Expr, value: Unknown) -> CodeRefused | None:
    """Why a line of forward whose meaning is not known cannot be left out; None where it only looks."""
    call = node.value
    if not isinstance(call, ast.Call) or is_quiet(path_of(call.func)):
        return None
    return reader.refuse(
        value.reason, value.help or f"Take it away where it only looks. {_HELP}", line=node.lineno
    )


def path_of(node: ast.expr) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute | ast.Call | ast.Subscript):
        if isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        else:
            node = node.func if isinstance(node, ast.Call) else node.value
    return ".".join([node.id if isinstance(node, ast.Name) else "", *reversed(parts)])


def as_read(reader: Reader, value: Any) -> Any:
    """A parameter that `parameters()` gave, in forward: the tensor that it is."""
    from builder.code.reading.weights import Handle, weight_of, weight_of_layer

    if reader.state.get("forward"):
        if value.__class__ is Handle:
            return weight_of_layer(reader, value.layer, value.name)
        if value.__class__ is Raw:
            return weight_of(reader, value)
    return value


__all__ = ["as_read", "check_call", "is_quiet", "left_out", "refuse_change", "touches"]
