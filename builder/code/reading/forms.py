"""In what form a network gives its outputs: here always one tensor or a tuple; another form is told."""

from __future__ import annotations

from typing import Any

from builder.code.reading.reader import Reader
from builder.code.reading.trace import tensors_in
from builder.code.reading.values import Instance, Named, Parts, Tensor


def tell_form(reader: Reader, result: Any, line: int | None) -> None:
    """Adds a note where the text gives a dict, a list, an object, or tuples inside of one another."""
    said = _form(result)
    if not said:
        return
    count = len(tensors_in(result))
    ours = "the tensor itself" if count == 1 else f"a tuple of {count} tensors"
    reader.note(f"The network gives {ours} here; in the text it is {said}.", line)


def _form(result: Any) -> str:
    """What the text gives; "" where it is the same here."""
    if isinstance(result, Tensor) or (isinstance(result, Parts) and result.ref is not None):
        return ""
    if isinstance(result, dict):
        return f"a dict with {', '.join(str(key)[:40] for key in list(result)[:8])}"
    if isinstance(result, Instance):
        return f"an object of “{result.cls.name[:40]}”" if result.cls is not None else "an object"
    if isinstance(result, Named):
        return f"a named tuple with {', '.join(result.fields[:8])[:80]}"
    if isinstance(result, list):
        return "a list"
    given = [part for part in result if part is not None] if isinstance(result, tuple) else []
    if len(given) == 1 and len(tensors_in(given[0])) == 1:
        return "a tuple of one"
    inside = [part for part in given if not isinstance(part, Tensor)]
    return "a tuple with others inside of it" if inside else ""
