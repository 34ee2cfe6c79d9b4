"""A person's own text in an export: only where it is, but for comments, docstrings and layout, what we write."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from typing import Final

from builder.code.live import Shown, show
from builder.errors import CodeRefused
from builder.export.subject import Subject
from builder.graph.project import Project

TAKES_TEXT: Final = ("py", "zip", "ipynb")
"""The formats that hold the network as text."""
_OWN: Final = (
    "The text is your own, with your comments; but for them, its docstrings and its layout it is what "
    "Layerwise writes."
)
_NOT_OWN: Final = (
    "Your own text is not in this file: it says the network in another way than Layerwise does, and "
    "only what Layerwise writes is run for a proof. Download on the Code page gives your text."
)
_ABOVE: Final = (
    b"# A line\n# and another.\n\n"  # a proof stands above, so no line names an encoding
)
_NAMES_ENCODING: Final = re.compile(r"^[ \t]*#.*coding[:=]")  # for one who takes the proof away
_ENDS: Final = frozenset("\r\v\f\x1c\x1d\x1e\x85\u2028\u2029")  # of lines, for some readers only


def with_own_text(subject: Subject, project: Project) -> Subject:
    """The same with the person's own text of that style, and a note on it; as it is where they have none.

    Their text is read, never run here, and comes into a file only where its syntax tree is that of the
    written one: the clean interpreter then runs the program it would have run anyway.
    """
    own = project.texts.get(subject.style)
    if own is None or own.text == subject.source:
        return subject
    mine = own.text.replace("\r\n", "\n")
    before = Shown(subject.style, own.graph or project.graph, mine, edited=True)
    try:
        text = show(project.graph, subject.style, before, subject.source).text
    except CodeRefused:
        text = mine
    if text != subject.source and is_written(text, subject.source):
        return replace(subject, source=text.rstrip() + "\n", note=_OWN, written=subject.source)
    return replace(subject, note=_NOT_OWN)


def is_written(text: str, written: str) -> bool:
    """Whether a text is the written program: equal but for comments, docstrings and layout."""
    if _ENDS & set(text) or any(map(_NAMES_ENCODING.search, text.split("\n")[:2])):
        return False
    program = _program(text)
    return program is not None and program == _program(written)


def _program(text: str) -> str | None:
    """The syntax tree of the bytes that would lie in a file, without docstrings; None for no Python."""
    try:
        tree = ast.parse(_ABOVE + text.encode("utf-8"))
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
                and ast.get_docstring(node, clean=False) is not None
            ):
                del node.body[0]
        return ast.dump(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
