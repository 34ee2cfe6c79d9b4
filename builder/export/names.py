"""What people called things, in files that are run: a comment's words, a literal, a file's name."""

from __future__ import annotations

import unicodedata
from typing import Any, Final

_SAID: Final = frozenset(" .,;:!?+-=%&/()'’–—×·°")
_MOST_CHARACTERS: Final = 80
_MOST_IN_A_FILE_NAME: Final = 60
_DEVICES: Final = frozenset(
    {"con", "prn", "aux", "nul", *(f"{d}{n}" for d in ("com", "lpt") for n in range(10))}
)
"""Names of Windows's devices, which no file there may have."""


def as_comment(text: object, most: int = _MOST_CHARACTERS) -> str:
    """A person's text in one line of a comment, docstring or Markdown: letters, digits, plain signs."""
    kept = "".join(
        c if unicodedata.category(c)[0] in "LN" or c in _SAID else " "
        for c in str(text)[: 4 * most]
    )
    flat = " ".join(kept.split())
    return (flat if len(flat) <= most else f"{flat[: most - 1]}…") or "data without a name"


def as_literal(value: Any) -> str:
    """A number, bool or text as Python, in ASCII."""
    return ascii(value) if isinstance(value, bool | int | float | str) else "None"


def file_stem(name: str) -> str:
    """A name for a file on any system, without its ending: "My Net!" gives "my_net".

    Letters of every script stay, of signs none.
    """
    kept = ""
    for sign in unicodedata.normalize("NFKC", name[: 4 * _MOST_IN_A_FILE_NAME]).lower():
        kind = unicodedata.category(sign)[0]
        of_a_letter = kind == "M" and kept[-1:].strip()  # a vowel sign
        kept += sign if kind in "LN" or of_a_letter else " "
    stem = "_".join(kept.split())[:_MOST_IN_A_FILE_NAME].strip("_") or "network"
    return f"{stem}_net" if stem in _DEVICES else stem
