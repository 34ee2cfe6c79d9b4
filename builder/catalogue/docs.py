"""Torch's docstrings as plain text: the first sentence, and what is said about each argument.

The docstrings are reStructuredText with LaTeX inside; a form shows neither. What is written here
takes the markup away and keeps the words.
"""

from __future__ import annotations

import inspect
import re
from typing import Final

DOCS: Final = "https://docs.pytorch.org/docs/stable/"

_SIGNATURE = re.compile(r"^[\w.]+\s*\((?:[^()]|\([^()]*\))*\)\s*(?:->.*)?$", re.S)
_SECTION = re.compile(r"^(Args|Arguments|Parameters|Keyword args|Keyword arguments)\s*:\s*$", re.I)
_ARGUMENT = re.compile(r"^\*{0,2}([A-Za-z_]\w*)\s*(\([^:]*\))?\s*:(?!:)\s*(.*)$")
_SENTENCE = re.compile(r"(?<!e\.g)(?<!i\.e)(?<!E\.g)(?<!vs)(?<!etc)(?<!w\.r\.t)\.(?=\s|$)")
_DEFAULT = re.compile(
    r"\s*\(?Default(?:s to| value is)?\s*:?\s*[^\s.,)]+(?:\.\d+)?\)?\.?\s*$", re.I
)

_LATEX: Final = {
    r"\times": "×", r"\cdot": "·", r"\cdots": "…", r"\dots": "…", r"\ldots": "…", r"\infty": "∞",
    r"\leq": "≤", r"\le": "≤", r"\geq": "≥", r"\ge": "≥", r"\sqrt": "√", r"\alpha": "α",
    r"\beta": "β", r"\gamma": "γ", r"\lambda": "λ", r"\epsilon": "ε", r"\sigma": "σ",
    r"\sum": "Σ", r"\prod": "Π", r"\in": "∈", r"\pm": "±", r"\neq": "≠", r"\approx": "≈",
    r"\left": "", r"\right": "", r"\lfloor": "⌊", r"\rfloor": "⌋", r"\quad": " ", r"\,": " ",
}  # fmt: skip


def page_of(name: str) -> str:
    """The address of the page of docs.pytorch.org about a public name of torch."""
    return f"{DOCS}generated/{name}.html"


def first_sentence(doc: str | None) -> str:
    """The first sentence of a docstring as plain text; "" when there is none."""
    for paragraph in _paragraphs(doc):
        text = plain(paragraph)
        if not text or _SIGNATURE.match(" ".join(paragraph.split())):
            continue
        sentence = _SENTENCE.split(text, maxsplit=1)[0].strip().rstrip(":,")
        if sentence:
            return sentence[0].upper() + sentence[1:] + "."
    return ""


def argument_help(doc: str | None) -> dict[str, str]:
    """What a docstring says about each argument: name → raw text, in the order it is written."""
    found: dict[str, str] = {}
    margin = -1  # the indentation of argument names in the section being read, -1 outside one
    name = ""
    for line in inspect.cleandoc(doc or "").splitlines():
        if _SECTION.match(line.strip()):
            margin, name = 0, ""
            continue
        if margin < 0 or not line.strip():
            continue
        indent = len(line) - len(line.lstrip())
        if indent == 0:
            margin = -1
            continue
        match = _ARGUMENT.match(line.strip())
        if match and (margin == 0 or indent <= margin):
            margin, name = indent, match[1]
            found.setdefault(name, "")
            found[name] = found[name] or match[3]
        elif name and indent > margin:
            found[name] = f"{found[name]} {line.strip()}".strip()
    return found


def sentence_about(text: str) -> str:
    """One argument's raw text as a plain sentence, without the default (a form shows it apart)."""
    flat = re.sub(r"\s*\((?:required|default = [^)]*)\)", "", plain(text))
    flat = re.sub(
        r"^A boolean value that when set to True, this module", "If True, the layer", flat
    )
    flat = _DEFAULT.sub("", flat).strip()
    flat = _DEFAULT.sub("", _SENTENCE.split(flat, maxsplit=1)[0].strip()).rstrip(" ,;:")
    return flat[0].upper() + flat[1:] + "." if flat else ""


def quoted_words(text: str) -> tuple[str, ...]:
    """The words an argument's text offers in quotes: ``'zeros'``, ``'reflect'`` → ("zeros", …)."""
    return tuple(dict.fromkeys(re.findall(r"``?['\"]([a-z][\w-]*)['\"]``?", text)))


def plain(text: str) -> str:
    """Takes reStructuredText and LaTeX away and keeps the words, on one line."""
    flat = " ".join(text.split())
    flat = re.sub(r":math:`([^`]*)`", lambda m: _plain_math(m[1]), flat)
    flat = re.sub(r":[\w:]+:`~?([^`<]*?)\s*(?:<[^>]*>)?`", lambda m: m[1].split(".")[-1], flat)
    flat = re.sub(r"`([^`<]+?)\s*<[^>]*>`__?", r"\1", flat)
    flat = re.sub(r"`([^`]+)`__?(?!\w)", r"\1", flat)
    flat = re.sub(r"\*\*([^*]+)\*\*", r"\1", flat)
    flat = flat.replace("``", "").replace("`", "").replace("\\", "")
    return " ".join(flat.split())


def _plain_math(latex: str) -> str:
    for _ in range(4):  # nested braces: \frac{\text{a}}{b}
        latex = re.sub(
            r"\\(?:text|mathrm|mathcal|mathbf|operatorname)\s*\{+([^{}]*)\}+", r"\1", latex
        )
        latex = re.sub(
            r"\\frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}",
            lambda m: f"{_grouped(m[1])}/{_grouped(m[2])}",
            latex,
        )
        latex = re.sub(r"([_^])\{([^{}]*)\}", r"\1\2", latex)
    latex = re.sub(r"\\[A-Za-z]+|\\,", lambda m: _LATEX.get(m[0], m[0][1:]), latex)
    return " ".join(re.sub(r"[{}\\]", "", latex).split())


def _grouped(latex: str) -> str:
    """In brackets where a fraction written on one line needs them."""
    return f"({latex})" if re.search(r"\S\s*[-+*]\s*\S", latex) else latex


def _paragraphs(doc: str | None) -> list[str]:
    """A docstring's paragraphs of running text: no directives (`.. note::`) and what hangs on them."""
    kept: list[str] = []
    for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(doc or "")):
        if paragraph.startswith((" ", "..", ">>>")):
            continue
        # A signature written directly above the text, as the built-in functions have it.
        lines = paragraph.splitlines()
        kept.append(
            "\n".join(lines[1:]) if len(lines) > 1 and _SIGNATURE.match(lines[0]) else paragraph
        )
    return kept
