"""The text as people have it: a file, a notebook, a page with code in fences, a console session."""

from __future__ import annotations

import ast
import json
import re
import textwrap
import warnings

from builder.code.reading.limits import MAX_LINES, MAX_SOURCE, MAX_SYNTAX_NODES
from builder.code.reading.prose import without_prose
from builder.errors import CodeRefused, quote

MAX_NOTEBOOK = 30_000_000  # characters: most of them pictures
MAX_QUOTED = 160  # characters of a line that is shown
_FENCE = re.compile(
    r"^[ \t]*(?:```|~~~)[ \t]*(?:python|py|Python|pycon|\{python\})?[ \t]*\n(.*?)(?:^[ \t]*(?:```|~~~)|\Z)",
    re.M | re.S,
)
_MAGIC = re.compile(r"^(\s*)([%!?]|@title|\$ ).*$", re.M)


def tree_of(source: str) -> ast.Module:
    """The syntax of a text. Errors: CodeRefused with the line that Python does not understand."""
    text = notebook(source) if is_notebook(source) else source
    lines = text.count("\n")
    if len(text) > MAX_SOURCE or lines > MAX_LINES:
        raise CodeRefused(
            f"The text has {len(text):,} characters in {lines:,} lines, of at most {MAX_SOURCE:,} "
            f"in {MAX_LINES:,}.", help="Paste only the part with the network.", kind="limit",
        )  # fmt: skip
    text = text.replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff")
    if "\0" in text:
        raise CodeRefused(
            "A character without a sign (NUL) stands here, as in a file that is no text.",
            line=text[: text.index("\0")].count("\n") + 1,
            help="Save the file as text in UTF-8, or paste the code itself.",
        )
    first: CodeRefused | None = None
    for reading in (_as_it_is, _dedented, _without_magics, _out_of_fences, _without_prompts):
        candidate = reading(text)
        if candidate is None:
            continue
        try:
            tree = _parsed(candidate)
            tree.text = candidate  # type: ignore[attr-defined]
            return tree
        except CodeRefused as refusal:
            if refusal.kind == "limit":
                raise
            first = first or refusal
    assert first is not None
    code = without_prose(text) if first.kind != "limit" else None
    if code is None:
        raise first
    tree = _parsed(code.text)
    tree.text, tree.sentences = code.text, code.sentences  # type: ignore[attr-defined]
    return tree


def is_notebook(source: str) -> bool:
    """Whether a text is a notebook's JSON."""
    return '"cells"' in source[:MAX_SOURCE] and source.lstrip("\ufeff \n\t").startswith("{")


def line_of(source: str, line: int | None) -> str:
    """A line of a text, of a notebook that of its code; "" where there is none. Shortened, safe to show."""
    if line is None or len(source) > MAX_NOTEBOOK:
        return ""
    try:
        text = notebook(source) if is_notebook(source) else source
    except (CodeRefused, MemoryError):
        return ""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return quote(lines[line - 1], MAX_QUOTED)[1:-1] if 0 < line <= len(lines) else ""


def place_of(source: str, line: int | None) -> str:
    """Where a line stands, in words: "line 4", of a notebook "cell [7], line 2"; "" for none.

    A cell goes by the number that Jupyter shows at it, else it is counted: "code cell 3, line 2".
    """
    if line is None:
        return ""
    if len(source) <= MAX_NOTEBOOK and is_notebook(source):
        first = 1
        for name, code in _cells(source):
            length = code.count("\n") + 1
            if line < first + length:
                return f"{name}, line {max(1, line - first + 1)}"
            first += length + 1
    return f"line {line}"


def _parsed(text: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except IndentationError as error:
        raise CodeRefused(
            "The indentation of this line is not as Python wants it; it may have been lost in copying.",
            line=error.lineno or 1,
            help="Copy the code from where its lines are still indented: the body of a class, a function, "
            "an if or a loop stands four spaces further in.",
        ) from None
    except SyntaxError as error:
        said = error.msg.rstrip(".?")  # of Python's own sentences some end with "?"
        raise CodeRefused(
            f"Python does not understand this line: {said}.", line=error.lineno or 1,
            help="Mend it, or paste the code without what stands around it.",
        ) from None  # fmt: skip
    except (ValueError, OverflowError):
        raise CodeRefused("The text holds characters that no program has.", line=1) from None
    except (RecursionError, MemoryError):
        raise CodeRefused(
            "The text is nested too deeply to be read.", line=1, kind="limit",
            help="Paste only the part with the network.",
        ) from None  # fmt: skip
    count = sum(1 for _ in ast.walk(tree))
    if count > MAX_SYNTAX_NODES:
        raise CodeRefused(
            f"The text has {count:,} parts, of at most {MAX_SYNTAX_NODES:,}.", kind="limit",
            help="Paste only the part with the network.",
        )  # fmt: skip
    return tree


def _as_it_is(text: str) -> str | None:
    return text


def _dedented(text: str) -> str | None:
    plain = textwrap.dedent(text)
    return plain if plain != text else None


def _without_magics(text: str) -> str | None:
    """Notebook commands as comments, so that lines stay where they are."""
    plain = _MAGIC.sub(lambda m: f"{m[1]}pass  # {m[0].strip()[:40]}", text)
    return textwrap.dedent(plain) if plain != text else None


def _out_of_fences(text: str) -> str | None:
    """The code of a page, everything else as empty lines."""
    if "```" not in text and "~~~" not in text:
        return None
    lines = [""] * (text.count("\n") + 1)
    for found in _FENCE.finditer(text):
        start = text.count("\n", 0, found.start(1))
        block = textwrap.dedent(found[1])
        try:
            _parsed(_MAGIC.sub(r"\1pass", block))
        except CodeRefused:
            continue  # what a program printed, or half of one
        for place, line in enumerate(_MAGIC.sub(r"\1pass", block).split("\n")):
            if start + place < len(lines):
                lines[start + place] = line
    return "\n".join(lines)


def _without_prompts(text: str) -> str | None:
    """`>>>` and `...` taken away, what was printed left out."""
    if ">>> " not in text:
        return None
    kept = []
    for line in text.split("\n"):
        bare = line.lstrip()
        kept.append(bare[4:] if bare.startswith((">>> ", "... ")) else "")
    return "\n".join(kept)


def notebook(text: str) -> str:
    """The code cells of a notebook, one behind the other. Errors: CodeRefused."""
    if len(text) > MAX_NOTEBOOK:
        raise CodeRefused(
            f"The notebook has {len(text):,} characters, of at most {MAX_NOTEBOOK:,}.", kind="limit",
            help="Clear its outputs and save it again.",
        )  # fmt: skip
    try:
        return "\n\n".join(code for _, code in _cells(text))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise CodeRefused(
            "This is no notebook that can be read.", help="Save it again as .ipynb."
        ) from None


def _cells(text: str) -> list[tuple[str, str]]:
    """(name, code) of the cells of a notebook that hold code."""
    cells = [c for c in json.loads(text)["cells"] if c.get("cell_type") == "code"]
    parts = []
    for number, cell in enumerate(cells, 1):
        count = cell.get("execution_count")
        ran = isinstance(count, int) and not isinstance(count, bool)
        name = f"cell [{count}]" if ran else f"code cell {number}"
        code = cell.get("source", "")
        code = "".join(code) if isinstance(code, list) else str(code)
        if code.lstrip().startswith("%%") and not code.lstrip().startswith(("%%time", "%%capture")):
            continue
        code = _MAGIC.sub(r"\1pass", code)
        try:
            _parsed(code)
        except CodeRefused as refusal:
            if refusal.kind == "limit":
                raise
            continue
        parts.append((name, code))
    return parts
