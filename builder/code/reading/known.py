"""Names of Python and of libraries that a text may use, and what calling them means here.

Every name is looked up in our own tables by its text. Nothing is imported or fetched from a library
because a text names it.
"""

from __future__ import annotations

import builtins
import math
import string
from collections.abc import Callable
from typing import Any, Final

from builder.code.reading import in_forward
from builder.code.reading.reader import Reader
from builder.code.reading.values import Dtype, Known, Unknown

Do = Callable[[Reader, list[Any], dict[str, Any]], Any]
CALLS: Final[dict[str, Do]] = {}
"""Full name → what a call of it does."""

_DTYPES: Final = {
    **{name: name for name in (
        "float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8",
        "bool", "complex64",
    )},
    "float": "float32", "double": "float64", "half": "float16", "long": "int64", "int": "int32",
    "short": "int16", "cfloat": "complex64", "cdouble": "complex128", "complex128": "complex128",
}  # fmt: skip
_CONSTANTS: Final[dict[str, Any]] = {
    "math.pi": math.pi, "math.e": math.e, "math.inf": math.inf, "math.nan": math.nan,
    "math.tau": math.tau, "numpy.pi": math.pi, "numpy.inf": math.inf, "numpy.newaxis": None,
    "numpy.e": math.e, "torch.inf": math.inf, "torch.pi": math.pi, "torch.nan": math.nan,
    "torch.e": math.e, "torch.newaxis": None, "torch.__version__": "2.13.0",
    "typing.TYPE_CHECKING": False, "sys.maxsize": 2**63 - 1,
    **{f"string.{name}": getattr(string, name) for name in (
        "ascii_letters", "ascii_lowercase", "ascii_uppercase", "digits", "hexdigits", "octdigits",
        "punctuation", "printable", "whitespace",
    )},
}  # fmt: skip
LIBRARIES: Final = frozenset(
    {
        "torch", "math", "numpy", "collections", "functools", "itertools", "typing", "argparse",
        "dataclasses", "types", "copy", "random", "os", "sys", "time", "einops", "abc", "enum",
        "warnings", "operator", "typing_extensions", "pytorch_lightning", "lightning",
        "__future__", "logging", "torchsummary", "torchinfo", "contextlib", "numbers", "string", "inspect",
    }
)  # fmt: skip
_BUILTINS: Final = frozenset(name for name in vars(builtins) if not name.startswith("_"))


def builtin(name: str) -> Any:
    """A name that Python has by itself; None where there is none."""
    if name in ("__name__",):
        return "__main__"
    if name in ("__file__",):
        return "model.py"
    if name == "Ellipsis":
        return ...
    return Known(name) if name in _BUILTINS else None


def resolve(reader: Reader, path: str) -> Any:
    """What stands behind a dotted name."""
    from builder.code.reading import libraries

    libraries.ready()
    if path in _CONSTANTS:
        return _CONSTANTS[path]
    head, _, name = path.rpartition(".")
    if name == "__name__" and head:
        return head.rpartition(".")[2]
    if head == "torch" and name in _DTYPES:
        return Dtype(_DTYPES[name])
    if head == "numpy" and name in _DTYPES:
        return Dtype(_DTYPES[name])
    if head in ("torch.nn.modules", "torch.nn.modules.module"):
        return Known(f"torch.nn.{name}")
    if head.startswith("torch.nn.modules.") and name[:1].isupper():
        return Known(f"torch.nn.{name}")
    return Known(path)


def call_path(reader: Reader, path: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """A call of a known name."""
    from builder.code.reading import factories, libraries

    libraries.ready()
    do = CALLS.get(path)
    if do is not None:
        return do(reader, args, kwargs)
    if path.startswith("torch.nn.init."):
        from builder.code.reading.initialising import filled

        return filled(reader, path.rpartition(".")[2], args, kwargs)
    if path.startswith("torch.") and path.removeprefix("torch.") in factories.NAMES:
        return factories.made(reader, path, args, dict(kwargs))
    if path.startswith("torch.nn.functional.") or _is_function(path):
        return _torch(reader, path, args, kwargs)
    if path.endswith(".__init__") and args:
        from builder.code.reading.classes import base_init

        return base_init(reader, args[0], args[1:], kwargs)  # nn.Module.__init__(self)
    if path.startswith("torch.nn.") and path.count(".") == 2:
        return _layer(reader, path, args, kwargs)
    if path.startswith("torch.Tensor."):
        from builder.code.reading import attributes

        return reader.call(
            attributes.get(reader, args[0], path.rpartition(".")[2]), args[1:], kwargs
        )
    in_forward.check_call(reader, path, args, kwargs)
    said = f"What {path[:60]} gives is not worked out here."
    if path.startswith(("random.", "secrets.", "numpy.random.")):
        said = f"What {path[:60]} gives is another number each time, and none of PyTorch's."
    return Unknown(said, reader.line, _instead(path))


def _instead(path: str) -> str:
    """What would help where a library's function is not known."""
    library = path.partition(".")[0]
    if library in ("random", "secrets") or path.startswith("numpy.random."):
        return "In forward draw with torch.rand, and choose by torch.where; in __init__ write a number."
    if library == "numpy":
        return "Use torch's own function of that kind: its tensors stay in the network."
    return "Write the number it gives, or do it with PyTorch's own functions."


def _torch(reader: Reader, path: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    from builder.code.reading.torch_calls import call_known

    for value in (*args, *kwargs.values()):
        if isinstance(value, Unknown):
            if reader.state.get("forward"):
                raise reader.refuse_unknown(value)
            return value
    return call_known(reader, path, args, kwargs)


def _is_function(path: str) -> bool:
    """torch.cat, torch.linalg.norm: small letters behind torch, of the kinds that compute."""
    parts = path.split(".")
    if parts[0] == "operator" and len(parts) == 2:
        return True
    if parts[0] != "torch" or not parts[-1][:1].islower():
        return False
    if len(parts) == 2:
        return True
    return len(parts) == 3 and parts[1] in ("linalg", "special", "fft")


def _layer(reader: Reader, path: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    from builder.code.reading import classes, containers, layers

    name = path.rpartition(".")[2]
    if name in classes.CONTAINERS:
        return containers.make(reader, name, args, kwargs)
    if name == "Module":
        from builder.code.reading.trace import Module

        reader.counter += 1
        return Module(f"m{reader.counter}", None, "", reader.line or 0, ready=True)
    return layers.make(reader, path, args, kwargs)


def does(*paths: str) -> Callable[[Do], Do]:
    """Marks what a call of some names does."""

    def keep(function: Do) -> Do:
        for path in paths:
            CALLS[path] = function
        return function

    return keep
