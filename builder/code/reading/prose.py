"""Code between sentences, as on a page copied without its fences, and code that lost its indentation.

A line is left out only where it cannot be code: words in a row, what a print of a network shows, the
rest of a sentence. Anything else that Python does not understand is still refused.
"""

from __future__ import annotations

import ast
import keyword
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_LONGEST: Final = 200  # lines of one statement
_MOST_LINES: Final = 4000
_WORDS: Final = re.compile(r"[A-Za-z’'\-]+(?:\s+[A-Za-z’'\-]+){2,}")
_QUOTED: Final = re.compile(r"""#.*|"[^"]*"?|(?<!\w)'[^']*'?""")
_PRINTED: Final = re.compile(r"\s*\(\w+\): \w+\(|.*\bParameter containing:$")
_TITLE: Final = re.compile(
    r"(\d+[.)] |[-*•–] |#{1,6} |©).*|[\w .,’'-]+[:;]|[),.;:].*|"
    r"[A-Z][\w’'-]*:?(?: [\w.,’'()/-]*[\w.)’'])+[.:!?]?"
)
_BLOCK: Final = re.compile(r"(?:(?:async )?def|class)\s+(\w+).*:\s*(?:#.*)?")


@dataclass
class Code:
    """The code of a page, other lines empty, and what was done to it."""

    text: str
    sentences: tuple[str, ...]


def without_prose(text: str) -> Code | None:
    """None where a line is neither code nor a sentence."""
    lines = text.split("\n")
    if len(lines) > _MOST_LINES:
        return None
    kept = [""] * len(lines)
    left_out, restored, at = 0, [], 0
    while at < len(lines):
        if not lines[at].strip():
            at += 1
            continue
        chunk = None if _is_sentence(lines, at) else _statement(lines, at)
        if chunk is None and (name := _is_head(lines, at)):
            chunk = _indented(lines, at)
            restored += [name] if chunk is not None else []
        if chunk is not None:
            kept[at : at + len(chunk)] = chunk
            at += len(chunk)
        elif _is_sentence(lines, at):
            left_out += 1
            at += 1
        else:
            return None
    if not any(kept):
        return None
    said = (
        f"The indentation of “{name[:60]}” was lost: a method is taken to end with its return."
        for name in restored
    )
    count = f"{left_out} lines are" if left_out > 1 else "One line is"
    return Code(
        "\n".join(kept), (*said, f"{count} left out, being no Python.") if left_out else (*said,)
    )


def _statement(lines: list[str], at: int) -> list[str] | None:
    """The lines of the statement that begins here; None where there is none."""
    if lines[at][:1].isspace():
        return None
    for end in range(at + 1, min(len(lines), at + _LONGEST) + 1):
        if end < len(lines) and _goes_on(lines, end):
            continue
        if _parses("\n".join(lines[at:end])):
            return lines[at:end]
        if end - at == 1 and not re.search(r"[(\[{\\\"'@:]", lines[at]):
            return None
    return None


def _goes_on(lines: list[str], at: int) -> bool:
    """Whether a line belongs to what stands above it: it is indented, or else, except, finally."""
    after = next((line for line in lines[at:] if line.strip()), "")
    return after[:1].isspace() or re.match(r"(else|elif|except|finally)\b", after) is not None


def _parses(text: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _is_sentence(lines: list[str], at: int) -> bool:
    line = lines[at]
    if _parses(line):
        return False
    begins = re.match(r"\w*", line.strip())
    is_statement = begins is not None and keyword.iskeyword(begins[0])
    if re.fullmatch(r"from [\w. ]+|(in|is|or|and|as) .*", line) and " import" not in line:
        return True
    title = _TITLE.fullmatch(line.strip()) is not None and not is_statement
    if title or _PRINTED.match(line) or re.fullmatch(r"\w+\.", line.strip()):
        return True
    if re.fullmatch(r"\w+\(", line.strip()):
        after = next((line for line in lines[at + 1 :] if line.strip()), "")
        return _PRINTED.match(after) is not None
    if line[:1].isspace():
        return False
    return any(_in_a_row(found[0].split()) for found in _WORDS.finditer(_QUOTED.sub("", line)))


def _in_a_row(words: list[str]) -> bool:
    """Whether three words follow each other of which none is one of Python's."""
    row = 0
    for word in words:
        row = 0 if keyword.iskeyword(word) else row + 1
        if row == 3:
            return True
    return False


# Indentation that was lost ----------------------------------------------------------------------------


def _is_head(lines: list[str], at: int) -> str:
    """The name of a class or function whose next line is not indented; "" for none."""
    found = _BLOCK.fullmatch(lines[at])
    after = next((line for line in lines[at + 1 :] if line.strip()), "")
    return found[1] if found and after and not after[:1].isspace() else ""


def _indented(lines: list[str], at: int) -> list[str] | None:
    """A class or function with its indentation, as far as that is sure: no block stands in a method."""
    made = [lines[at]]
    is_class = lines[at].startswith("class")
    inside = not is_class  # a function
    for line in _levels(lines, at, is_class, inside):
        if line is None:
            return None
        made.append(line)
    while made and not made[-1].strip():
        made.pop()
    return made if _parses("\n".join(made)) else None


def _levels(lines: list[str], at: int, is_class: bool, inside: bool) -> Iterator[str | None]:
    step, open_brackets, seen = (" " * 4 if is_class else ""), 0, False
    name = _BLOCK.fullmatch(lines[at])
    for line in lines[at + 1 :]:
        bare = re.sub(r"#.*", "", line).rstrip()
        if open_brackets or not line.strip():
            yield line
        elif re.match(r"(def |@)", line) and is_class:
            inside, seen = True, True
            yield step + line
        elif re.match(r"(class |import |from |def |@)", line) or (seen and not inside):
            return
        elif bare.endswith(":"):
            yield None
            return
        elif name and re.search(rf"\b{name[1]}\(", bare) and "super(" not in bare:
            return
        else:
            yield (step + " " * 4 if inside else step) + line
            if inside and re.match(r"return\b", line):
                inside, seen = False, True
        open_brackets = max(
            0, open_brackets + sum(c in "([{" for c in bare) - sum(c in ")]}" for c in bare)
        )
