"""Gives the component's script the name its content asks for: `python -m builder.ui.workbench.rename`."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

ASSETS: Final = Path(__file__).with_name("assets")
_DIGITS: Final = 8


def script() -> Path:
    """The one script in the folder of assets."""
    [found] = ASSETS.glob("index-*.js")
    return found


def name_for(content: bytes) -> str:
    """The file name that goes with a content."""
    return f"index-{hashlib.sha256(content).hexdigest()[:_DIGITS]}.js"


if __name__ == "__main__":
    current = script()
    current.rename(ASSETS / name_for(current.read_bytes()))
