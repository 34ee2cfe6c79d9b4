"""A person's own words inside Streamlit's Markdown, without becoming Markdown."""

from __future__ import annotations

import re
from typing import Final

# Everything Markdown, Streamlit's :directives:, emoji shortcodes and $math$ give a meaning to.
_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:@^=&])")

# What Streamlit looks for once more after the escapes are undone: bare addresses become links,
# :material/…: a symbol, -- and -> and >= other characters. A word joiner between the two halves is
# not seen, allows no line break, and keeps them apart.
_JOINED: Final = re.compile(r"(?<=:)(?=[A-Za-z/])|(?<=@)|(?i:(?<=www)(?=\.))|(?<=[-<>~])(?=[-=>])")
_WORD_JOINER: Final = "\u2060"

# Characters that are not seen but turn the reading direction of the sentence around them.
_TURNING: Final = re.compile("[\u202a-\u202e\u2066-\u2069\x00]")


def plain(text: object) -> str:
    """The text as it is: names, file names and messages shown in labels and sentences."""
    words = _JOINED.sub(_WORD_JOINER, _TURNING.sub("�", " ".join(str(text).split())))
    return _SPECIAL.sub(r"\\\1", words)
