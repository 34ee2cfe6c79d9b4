"""How a block of statements ends before its end."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any, Final


@dataclass(slots=True, eq=False)
class Returned:
    """`return value`."""

    value: Any
    node: ast.Return | None = None


class _Signal:
    pass


BREAK: Final = _Signal()
CONTINUE: Final = _Signal()
