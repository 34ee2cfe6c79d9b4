"""The corpus: whole texts as people publish them, enrolled by `text` from the files `corpus_*`.

Each is read, written, built and held against the original bit for bit by `test_corpus`; one that
cannot be read is enrolled with a word of the sentence that refuses it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Text:
    """`executed`: what is exchanged before the test runs the original (libraries that are not here).

    `refused`: a part of the reason, where the text cannot be read. `call`: for `harness.check`.
    """

    source: str
    executed: tuple[tuple[str, str], ...] = ()
    refused: str = ""
    call: dict[str, Any] = field(default_factory=dict)


TEXTS: dict[str, Text] = {}


def text(
    name: str,
    source: str,
    *,
    executed: tuple[tuple[str, str], ...] = (),
    refused: str = "",
    **call: Any,
) -> None:
    """Enrols a text."""
    assert name not in TEXTS, name
    TEXTS[name] = Text(source, executed, refused, call)
