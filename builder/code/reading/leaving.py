"""What a network may give: tensors. Anything else beside them is refused by name, and None is told."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from builder.code.reading.forms import tell_form
from builder.code.reading.packing import UNPACK
from builder.code.reading.reader import Reader
from builder.code.reading.trace import Frame, tensors_in
from builder.code.reading.values import Method, Packed, Parts, Tensor, Unknown, plain
from builder.errors import CodeRefused


def no_output(reader: Reader, frame: Frame) -> CodeRefused:
    """A network that gives nothing, or a size, at the line that returns it."""
    return reader.refuse(
        "The network gives no tensor",
        "Let forward end with a return of a tensor, such as return self.fc(x).",
        line=_returned(reader) or frame.line or None,
    )


def other_outputs(reader: Reader) -> CodeRefused:
    """A network whose outputs are not the same on both sides of a condition on the data."""
    return reader.refuse(
        "On the two sides of a condition this network gives outputs that cannot be brought together",
        "Let both sides set one variable, to tensors of the same shape, and return it once.",
        line=_returned(reader),
    )


def _returned(reader: Reader) -> int | None:
    returned = reader.state.get("returned")
    return returned.lineno if isinstance(returned, ast.Return) else None


def check_outputs(reader: Reader, result: Any) -> None:
    """Errors: CodeRefused for an output that is no tensor, at the line that returns it."""
    line = _returned(reader)
    for name, value in _strangers(result, ""):
        if value is None:
            reader.note("None stands among what the network gives, and is left out.", line)
            continue
        place = f" “{name[:40]}”" if name else ""
        packed = isinstance(value, Packed)
        raise reader.refuse(
            f"The output{place} is no tensor but {_said(value)}",
            UNPACK if packed else "Return tensors only; what is known beforehand needs no network.",
            line=line,
        )
    tell_form(reader, result, line)


def _strangers(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    """What among the outputs is no tensor, with its key."""
    if isinstance(value, Tensor) or (isinstance(value, Parts) and value.ref is not None):
        return
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _strangers(part, key if isinstance(key, str) else name)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _strangers(part, name)
    elif not tensors_in(value):
        yield name, value


def _said(value: Any) -> str:
    if isinstance(value, Method):
        return f"the method {value.name}, without the brackets that call it"
    if isinstance(value, Unknown):
        return f"unknown: {value.reason}"
    if isinstance(value, Packed):
        return "packed sequences"
    known = plain(value)
    return str(known)[:40] if isinstance(known, bool | int | float | str) else "something else"
