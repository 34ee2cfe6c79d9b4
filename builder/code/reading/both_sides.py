"""What one side of a condition changes in place is not changed on the other: tensors, lists, objects."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from builder.code.reading.reader import Reader
from builder.code.reading.scopes import FileScope, Scope
from builder.code.reading.trace import Module, Trace
from builder.code.reading.values import Bound, Differs, Function, Instance, Lazy, Partial, Tensor
from builder.graph.model import Compare, Ref, TensorSpec


@dataclass(frozen=True, slots=True)
class Moved:
    """A tensor that was changed in place, and what it is afterwards."""

    tensor: Tensor
    ref: Ref
    spec: TensorSpec
    compared: Compare | None


Moves = dict[int, Moved]
"""By the tensor's id."""


def taken_back(trace: Trace, begin: int) -> Moves:
    """What was changed in place since the journal was `begin` long, which is undone."""
    moves: Moves = {}
    for tensor, ref, spec, compared in reversed(trace.moved[begin:]):
        found = Moved(tensor, tensor.ref, tensor.spec, tensor.compared)
        moves.setdefault(id(tensor), found)
        tensor.ref, tensor.spec, tensor.compared = ref, spec, compared
    del trace.moved[begin:]
    return moves


def done_again(trace: Trace, moves: Moves) -> None:
    """What was undone is as it was at the side's end."""
    for moved in moves.values():
        trace.move(moved.tensor, moved.ref, moved.spec)
        moved.tensor.compared = moved.compared


def at_end(tensor: Tensor, moves: Moves) -> Tensor:
    """The tensor as it is at the end of a side."""
    moved = moves.get(id(tensor))
    return tensor if moved is None else Tensor(moved.spec, moved.ref, tensor.item)


Held = Any
"""What an object held, in a copy of its own."""


class Contents:
    """The lists, dicts, sets and objects in reach of some values, each with what is in it now."""

    def __init__(self, reader: Reader, values: Iterable[Any]) -> None:
        self.reader = reader
        self.found: dict[int, tuple[Any, Held]] = {}
        waiting = list(values)
        while waiting:
            value = waiting.pop()
            held = _held(value)
            if held is None or id(value) in self.found:
                continue
            reader.budget.step()
            if _is_changing(value):
                self.found[id(value)] = (value, held.copy())
            else:
                self.found[id(value)] = (value, None)
            waiting += held.values() if isinstance(held, dict) else held

    def now(self) -> dict[int, Held]:
        """What each of them holds at this moment."""
        return {k: _held(v).copy() for k, (v, was) in self.found.items() if was is not None}

    def put(self, held: dict[int, Held]) -> None:
        """Lets each of them hold this."""
        for identity, wanted in held.items():
            inside = _held(self.found[identity][0])
            if isinstance(inside, list):
                inside[:] = wanted
            else:
                inside.clear()
                inside.update(wanted)

    def before(self) -> dict[int, Held]:
        return {k: was for k, (_, was) in self.found.items() if was is not None}

    def inside(self) -> list[Any]:
        """All that stands inside of one of them."""
        found = [_held(value) for value, _ in self.found.values()]
        return [
            part for held in found for part in (held.values() if isinstance(held, dict) else held)
        ]

    def differing(self, one: dict[int, Held], other: dict[int, Held]) -> list[Any]:
        """Those that hold another thing after the one side than after the other."""
        return [self.found[k][0] for k in one if k in other and one[k] != other[k]]


def kept_apart(contents: Contents, scope: Scope, value: Any, sides: dict[bool, Any]) -> str:
    """The one name by which a list or dict is known that holds other things on each side; "" if by others.

    `sides`: what it holds at the end of each.
    """
    named = [name for name, known in scope.names.items() if known is value]
    apart = all(isinstance(side, list | dict) for side in sides.values()) and len(named) == 1
    others = [*around(scope), *contents.inside()]
    return named[0] if apart and not any(other is value for other in others) else ""


def put_into(result: Any, value: Any, held: Any) -> Any:
    """What a side returns, with what a list or dict held there in its place."""
    if result is value:
        return held
    if result.__class__ in (tuple, list):
        return result.__class__(put_into(part, value, held) for part in result)
    return result


def around(scope: Scope) -> list[Any]:
    """What a call sees that lives on behind it: what it was given, and the names around its function."""
    found: list[Any] = list(scope.given)
    outer = scope.parent
    while outer is not None and outer.__class__ is not FileScope:
        found.append(outer)
        outer = outer.parent
    return found


def _is_changing(value: Any) -> bool:
    """What a module holds is looked after by `lasting`."""
    return isinstance(value, list | dict | set | Instance | Scope | Lazy)


def _held(value: Any) -> Any:
    """What a value holds, in the dict, list or set in which it does; None where it holds nothing."""
    if isinstance(value, list | tuple | dict | set):
        return value
    if isinstance(value, Lazy):
        return value.items
    if isinstance(value, Instance | Module):
        return value.attributes
    if isinstance(value, Differs):
        return (value.if_true, value.if_false)
    if isinstance(value, Scope):
        return None if value.__class__ is FileScope else value.names
    if isinstance(value, Function):
        return (value.scope,)
    if isinstance(value, Bound):
        return (value.function, value.receiver)
    if isinstance(value, Partial):
        return (value.target, value.args, value.kwargs)
    return None
