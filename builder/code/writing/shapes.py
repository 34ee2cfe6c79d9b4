"""Shapes and types in words of the code: `# (N, 16, 10, 10)`, `Tensor`, docstrings."""

from __future__ import annotations

from collections.abc import Sequence

from builder.code.writing.layout import WIDTH, width
from builder.graph.model import Value


def shape_text(value: Value | None) -> str:
    """`(N, 16, 10, 10)`; "scalar" for no sizes; several shapes separated by commas."""
    if value is None:
        return ""
    if isinstance(value, tuple):
        parts = [shape_text(part) for part in value]
        return ", ".join(parts) if all(parts) else ""
    if not value.shape:
        return "scalar"
    return f"({', '.join(map(str, value.shape))}{',' if len(value.shape) == 1 else ''})"


def part_of(value: Value | None, path: tuple[int, ...]) -> Value | None:
    """A part of a tuple result, None where there is none."""
    for index in path:
        if not isinstance(value, tuple) or not 0 <= index < len(value):
            return None
        value = value[index]
    return value


def type_text(value: Value | None) -> str:
    """The type hint of a value."""
    if value == ():
        return "None"
    if not isinstance(value, tuple):
        return "Tensor"
    return tuple_type([type_text(part) for part in value])


def tuple_type(parts: list[str]) -> str:
    """`tuple[Tensor, Tensor]`, `tuple[Tensor, ...]` for many."""
    if len(parts) > 3 and all(part == parts[0] for part in parts):
        return f"tuple[{parts[0]}, ...]"
    return f"tuple[{', '.join(parts)}]" if parts else "tuple[()]"


def summary(
    inputs: list[tuple[str, Value | None]],
    outputs: list[Value | None],
    otherwise: str,
    trained: Sequence[Value | None] = (),
) -> str:
    """One line for a docstring: “Maps (N, 1, 28, 28) to (N, 10).” where the shapes are known.

    `trained`: what is given while training, where that is something else.
    """
    taken = [shape_text(value) for _, value in inputs]
    given = [shape_text(value) for value in outputs]
    also = [shape_text(value) for value in trained]
    if not taken or not given or not all(taken) or not all(given) or not all(also):
        return otherwise
    if len(inputs) > 1:
        taken = [f"{name} {shape}" for (name, _), shape in zip(inputs, taken, strict=True)]
    text = f"Maps {_and(taken)} to {_and(given)}."
    if also and width(text := f"{text[:-1]}; while training to {_and(also)}.") > WIDTH - 10:
        text = f"Maps {_and(taken)} to {_and(given)}; while training it gives others."
    return text if width(text) <= WIDTH - 10 else otherwise


def _and(parts: list[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
