"""The import lines of a file: only what its text uses."""

from __future__ import annotations

from collections.abc import Iterator
from types import CodeType


def import_lines(code: str, *typing: str) -> list[str]:
    """The import lines for the names used in `code`, in the order isort gives them.

    `typing`: what it uses of typing, beside Any.
    """
    # No attribute or variable is called so (`builder.code.writing.naming`): these are the modules.
    used = set(_names(compile(code, "<code>", "exec", dont_inherit=True)))
    types = [*(["Any"] if "Any" in used else []), *typing]
    standard = [
        *(["from collections import OrderedDict"] if "OrderedDict" in used else []),
        *([f"from typing import {', '.join(types)}"] if types else []),
    ]
    names = [name for name in ("Tensor", "nn") if name in used]
    packing = [n for n in ("pack_padded_sequence", "pad_packed_sequence") if n in used]
    torch = [
        *(["import torch"] if "torch" in used else []),
        *(["import torch.nn.functional as F"] if "F" in used else []),
        *([f"from torch import {', '.join(names)}"] if names else []),
        *([f"from torch.nn.utils.rnn import {', '.join(packing)}"] if packing else []),
    ]
    return [*standard, *([""] if standard and torch else []), *torch]


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
