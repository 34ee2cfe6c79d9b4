"""copy.deepcopy: layers and modules of their own, made alike."""

from __future__ import annotations

from typing import Any

from builder.code.reading.reader import Reader
from builder.code.reading.trace import Layer, Module, Raw
from builder.code.reading.values import Instance
from builder.errors import CodeRefused


def copied(reader: Reader, value: Any, known: dict[int, Any]) -> Any:
    """A value with layers, modules and lists of its own."""
    if id(value) in known:
        return known[id(value)]
    reader.budget.step()
    if isinstance(value, Layer):
        reader.budget.layer()
        if not reader.state.get("forward") and _has_weights(reader, value):
            reader.note(
                "A copy of a layer starts with the same numbers in the text; here each draws its own start, "
                "until a checkpoint brings both."
            )
        made: Any = Layer(value.entry, dict(value.arguments), value.line, value.frozen)
        made.still, made.norms = dict(value.still), value.norms
    elif isinstance(value, Raw):
        made = Raw(value.kind, value.made, value.line, value.requires_grad, value.persistent)
        made.initialised, made.copied = value.initialised, True
    elif isinstance(value, Module):
        reader.budget.layer()
        reader.counter += 1
        made = Module(
            f"m{reader.counter}", value.cls, value.kind, value.line, frozen=value.frozen, ready=True
        )
        known[id(value)] = made
        made.given = dict(value.given)
        for name, given in value.given.items():
            reader.trace.settings[f"{made.id}:{name}"] = getattr(given, "value", given)
        made.attributes = {n: copied(reader, v, known) for n, v in value.attributes.items()}
        made.members = {
            n: None if m is None else copied(reader, m, known) for n, m in value.members.items()
        }
        made.layer = None if value.layer is None else copied(reader, value.layer, known)
        _own_settings(made, value.id)
    elif isinstance(value, list):
        made = [copied(reader, v, known) for v in value]
    elif type(value) is tuple:
        made = tuple(copied(reader, v, known) for v in value)
    elif isinstance(value, dict):
        made = {k: copied(reader, v, known) for k, v in value.items()}
    elif isinstance(value, Instance):
        made = Instance(value.cls)
        known[id(value)] = made
        made.attributes = {n: copied(reader, v, known) for n, v in value.attributes.items()}
    else:
        return value
    known[id(value)] = made
    return made


def _has_weights(reader: Reader, layer: Layer) -> bool:
    from builder.code.reading.layers import parameters_of

    try:
        return bool(parameters_of(reader, layer, False, "").items)
    except CodeRefused:
        return False  # it is refused where it is used


def _own_settings(module: Module, before: str) -> None:
    """What followed the original's settings follows those of the copy."""
    from builder.code.reading.values import Sym, renamed

    def follow(value: Any) -> Any:
        if isinstance(value, Sym):
            return Sym(value.value, renamed(value.expr, f"{before}:", f"{module.id}:"))
        return value

    def walk(part: Module) -> None:
        part.attributes = {n: follow(v) for n, v in part.attributes.items()}
        part.given = (
            {n: follow(v) for n, v in part.given.items()} if part is not module else part.given
        )
        for member in part.members.values():
            if isinstance(member, Layer):
                member.arguments = {n: follow(v) for n, v in member.arguments.items()}
            elif isinstance(member, Module):
                walk(member)

    walk(module)
