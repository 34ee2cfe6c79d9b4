"""Keys of select boxes whose words change while their choices stay the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def worded(key: str, words: Iterable[object]) -> str:
    """The key of a select box that shows these words: other words are another box.

    The browser sends back the words it shows, not the choice behind them. After an undo or a repair
    "fc1 · N×32" reads "fc1 · N×64"; under one key Streamlit would take the old words for something
    new that a person chose, and hand them to the callback.
    """
    said = "\0".join(str(word) for word in words)
    return f"{key}.{hashlib.blake2b(said.encode('utf-8', 'replace'), digest_size=6).hexdigest()}"
