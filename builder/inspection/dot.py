"""Writing DOT, the text Graphviz reads, so that a person's names stay text."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Mapping, Sequence
from urllib.parse import quote as percent_encode
from urllib.parse import unquote

Attributes = Mapping[str, str | int | float]

_LONGEST_LINE = 48


def node_name(path: Sequence[str]) -> str:
    """The DOT name of a node: its id, behind those of the block calls it stands in."""
    return "/".join(percent_encode(part, safe="") for part in path)


def node_path(name: str) -> tuple[str, ...]:
    """What `node_name` was given: node ids from the root down."""
    return tuple(unquote(part) for part in name.split("/"))


def node(name: str, **attributes: str | int | float) -> str:
    """One node statement. A label made by `label` goes in as it is, all else as quoted text."""
    return f'"{name}" [{_list(attributes)}]'


def edge(tail: str, head: str, **attributes: str | int | float) -> str:
    """One edge statement."""
    return f'"{tail}" -> "{head}" [{_list(attributes)}]'


class Label(str):
    """Graphviz's HTML-like markup: only `label` makes it, from escaped text."""

    __slots__ = ()


def label(
    title: str, details: Sequence[str] = (), quiet: Sequence[str] = (), ink: str = ""
) -> Label:
    """A bold first line, plain lines under it, and quieter ones in the colour `ink`."""
    lines = [f"<b>{text(title)}</b>"] if title else []
    lines += [f'<font point-size="12">{text(line)}</font>' for line in details if line]
    lines += [f'<font point-size="11" color="{ink}">{text(line)}</font>' for line in quiet if line]
    return Label("<" + "<br/>".join(lines or [" "]) + ">")


def text(words: str) -> str:
    """Words as Graphviz's markup shows them: nothing in them is read as a tag, one line, not long."""
    flat = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in words[:400])
    flat = " ".join(flat.split())
    short = flat if len(flat) <= _LONGEST_LINE else flat[: _LONGEST_LINE - 1] + "…"
    return html.escape(short) or " "


def quoted(words: str) -> str:
    """Words between double quotes, backslashes and line breaks made harmless."""
    flat = "".join(" " if unicodedata.category(c)[0] == "C" else c for c in words)
    return '"' + flat.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _list(attributes: Attributes) -> str:
    return " ".join(
        f"{name}={value if isinstance(value, Label) else quoted(str(value))}"
        for name, value in attributes.items()
    )
