"""Python's own functions of texts: str, repr, chr, ord."""

from __future__ import annotations

from typing import Any

from builder.code.reading.known import does
from builder.code.reading.reader import Reader
from builder.code.reading.values import Dtype, deep_plain, plain


@does("str", "repr")
def str_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    value = deep_plain(args[0]) if args else ""
    if isinstance(value, str | int | float | None):
        return str(value)
    if isinstance(value, Dtype):
        return f"torch.{value.name}"
    return reader.unknown("This value as a text is not worked out")


@does("chr")
def chr_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    number = plain(args[0])
    if type(number) is int and 0 <= number < 0x110000:
        return chr(number)
    return reader.unknown("This is no character")


@does("ord")
def ord_(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if isinstance(args[0], str) and len(args[0]) == 1:
        return ord(args[0])
    return reader.unknown("This is no character")
