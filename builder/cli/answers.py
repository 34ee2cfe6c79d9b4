"""What every command says and how it ends."""

from __future__ import annotations

import json
import sys
from typing import Any

DONE, PROBLEMS, REFUSED = 0, 1, 2


def print_json(value: Any) -> None:
    """The result, on standard output."""
    print(json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False))


def say(text: str) -> None:
    """A message, on standard error: standard output holds results only."""
    print(text, file=sys.stderr)
