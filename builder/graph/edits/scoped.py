"""What every edit that works in one graph has in common."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Final


class Unset(Enum):
    """The type of `UNSET`."""

    UNSET = "unset"

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = Unset.UNSET
"""Takes a value away: the argument is inferred again, or torch's default; a port is unwired."""


@dataclass(frozen=True)
class Scoped:
    """`scope` names the block an edit works in; "" is the network itself."""

    scope: str = field(default="", kw_only=True)
