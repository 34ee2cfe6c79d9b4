"""A person's own words inside Streamlit's Markdown, without becoming Markdown."""

from __future__ import annotations

import re
from typing import Final

# Everything Markdown, Streamlit's :directives:, emoji shortcodes and $math$ give a meaning to.
_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:@^=])")


def plain(text: object) -> str:
    """The text as it is: names, file names and messages shown in labels and sentences."""
    return _SPECIAL.sub(r"\\\1", " ".join(str(text).split()))
