"""Names that may stand in code, whatever a graph holds: the last line of defence.

Names are checked where a person gives them (`builder.graph.names`). A graph made by hand may hold
anything, so every name that reaches a text passes through a `Namespace` here and nowhere else.
"""

from __future__ import annotations

import builtins
import re
import unicodedata
from collections.abc import Iterable

from builder.graph.model import Node
from builder.graph.names import can_be_name, name_for, safe_identifier
from builder.graph.names import class_name as as_class_name

LONGEST_ATTRIBUTE = 64  # characters
LONGEST_VARIABLE = 30
_GENERIC = re.compile(r"(x|input)?_?\d*")
_MORE = frozenset({"_", "__debug__", "NotImplemented", "Ellipsis", "Any", "__name__", "slice"})


class Namespace:
    """Names in use beside each other: attributes of a class, variables of a function, classes."""

    def __init__(self, taken: Iterable[str] = (), longest: int = LONGEST_ATTRIBUTE) -> None:
        self._taken = {*taken, *_MORE}
        self._longest = longest

    def claim(self, wish: str, otherwise: str = "layer") -> str:
        """The wish as an identifier that is free here and means nothing else to Python or torch.

        "0" becomes "layer0", as nn.Module has no attribute 0; a name in use gets a number.
        """
        if self._longest == LONGEST_ATTRIBUTE and can_be_name(wish, False):
            return self._free(wish)  # "_fc", "fc_": the `state_dict` has the person's own name
        return self._free(_identifier(wish, otherwise))

    def claim_class(self, wish: str) -> str:
        """The wish as a class name that is free here."""
        return self._free(_identifier(as_class_name(str(wish)), "Model"))

    def _free(self, name: str) -> str:
        base = name = _shortened(name, self._longest)
        number = 2
        while name in self._taken:
            name = (
                f"{_shortened(base, self._longest - 6)}{'_' if base[-1:].isdigit() else ''}{number}"
            )
            number += 1
        self._taken.add(name)
        return name


def given_name(node: Node) -> str:
    """What a person calls the value of a call, "" where its name only says what it does: "cat1"."""
    name = node.name
    if _GENERIC.fullmatch(name.lower()) or hasattr(builtins, name) or not can_be_name(name, False):
        return ""
    if node.kind == "layer":
        return name
    usual = node.kind != "operation" or _stem(name) == _stem(name_for(node.target))
    return "" if usual else name


def _stem(name: str) -> str:
    return name.rstrip("0123456789").rstrip("_")


def says_nothing(input_name: str) -> bool:
    """Whether a lone input of this name is called `x`: "x", "input", "input_1"."""
    return _GENERIC.fullmatch(input_name.lower()) is not None


def _identifier(wish: str, otherwise: str) -> str:
    text = str(wish)[: 4 * LONGEST_ATTRIBUTE]
    if text.isascii() and text.isdigit():
        text = f"{otherwise}{text}"
    name = safe_identifier(text if text.strip(" _") else otherwise)
    # Held again here, as this text is executed.
    stable = name.isidentifier() and unicodedata.normalize("NFKC", name) == name
    return name if stable and not name.startswith("_") else otherwise


def _shortened(name: str, longest: int) -> str:
    short = unicodedata.normalize("NFKC", name[:longest])
    # A cut may leave what Python would read as another name, or a name that means something.
    return short if short == name else safe_identifier(short.rstrip("_") or "layer")
