"""The import lines of a file: only what its text uses."""

from __future__ import annotations

import ast


def import_lines(code: str) -> list[str]:
    """The import lines for the names used in `code`, in the order isort gives them."""
    used = {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}
    standard = ["from typing import Any"] if "Any" in used else []
    names = [name for name in ("Tensor", "nn") if name in used]
    torch = [
        *(["import torch"] if "torch" in used else []),
        *(["import torch.nn.functional as F"] if "F" in used else []),
        *([f"from torch import {', '.join(names)}"] if names else []),
    ]
    return [*standard, *([""] if standard and torch else []), *torch]
