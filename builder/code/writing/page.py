"""The text as it grows, with the lines that belong to each layer."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from builder.code.writing.layout import INDENT, fits

_LONGEST_NOTE = 1000  # characters that are written


@dataclass(frozen=True)
class Written:
    """Code with its source map.

    `lines`: node id → the line numbers (from 1) that make or call it; for a node inside a block the
    key is "<block>/<node id>".
    """

    text: str
    lines: Mapping[str, tuple[int, ...]]


@dataclass
class Page:
    """Lines of code, each with the keys of the nodes it belongs to."""

    lines: list[str] = field(default_factory=list)
    marks: dict[str, list[int]] = field(default_factory=dict)

    def write(self, lines: Iterable[str], keys: Iterable[str] = ()) -> None:
        """Adds lines that belong to the nodes of `keys`."""
        start = len(self.lines)
        self.lines.extend(lines)
        self.mark(keys, start)

    def mark(self, keys: Iterable[str], start: int) -> None:
        """Says that the lines from `start` to the end belong to the nodes of `keys`."""
        for key in keys:
            self.marks.setdefault(key, []).extend(range(start, len(self.lines)))

    def say(self, lines: list[str], comment: str = "", keys: Iterable[str] = ()) -> None:
        """Adds a statement with a comment: at its end where there is room, else in front of it."""
        if comment and len(lines) == 1 and fits(f"{lines[0]}  # {comment}"):
            lines = [f"{lines[0]}  # {comment}"]
        elif comment:
            indent = len(lines[0]) - len(lines[0].lstrip())
            above = f"{' ' * indent}# {comment}"
            lines = [above, *lines] if fits(above) else lines
        self.write(lines, keys)

    @property
    def first_statement(self) -> str:
        """The first line that is no comment, "" where there is none."""
        return next((line for line in self.lines if not line.lstrip().startswith("#")), "")

    def append(self, other: Page) -> None:
        """Adds another page behind this one."""
        start = len(self.lines)
        self.lines.extend(other.lines)
        for key, places in other.marks.items():
            self.marks.setdefault(key, []).extend(start + place for place in places)

    def written(self) -> Written:
        lines = {key: tuple(sorted({p + 1 for p in places})) for key, places in self.marks.items()}
        return Written("\n".join(self.lines) + "\n", lines)


def note_lines(note: str, level: int) -> list[str]:
    """A person's note as comment lines. What a tool might obey (`# noqa`, `# type:`) is only text
    here, as each line begins with "Note:" or a dash and holds no second mark of a comment.
    """
    words = "".join(_harmless(c) for c in note[:_LONGEST_NOTE]).split()
    lines: list[str] = []
    for word in words:
        if lines and fits(f"{lines[-1]} {word}"):
            lines[-1] += f" {word}"
        else:
            lines.append(f"{indented(level)}{'# -' if lines else '# Note:'} {word}")
    return lines


def _harmless(character: str) -> str:
    """Letters, digits and signs as they are; control marks and direction marks a space."""
    if unicodedata.category(character)[0] in "CZ":
        return " "
    return "♯" if character == "#" else character


def indented(level: int) -> str:
    """The spaces in front of a line."""
    return " " * (INDENT * level)
