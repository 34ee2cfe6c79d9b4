"""Whether a second call of forward does what the first did, where it writes into what outlasts a call.

Lists, globals, counters and iterators that stand outside of forward keep what a call leaves in them. Where
one may have been written into, forward is read once more, and held against the first reading.
"""

from __future__ import annotations

import re
from typing import Any

from builder.code.reading.closed import is_random, must_refs
from builder.code.reading.reader import Reader
from builder.code.reading.trace import Frame, Module, Step, tensors_in
from builder.code.reading.values import Tensor


def written(reader: Reader, value: Any) -> None:
    """Remembers that forward wrote into a list, a dict, an object or a name around it."""
    if reader.state.get("forward") and id(value) not in reader.state.get("young", ()):
        reader.state["twice"] = True


def made(reader: Reader, value: Any) -> Any:
    """A list or dict that forward makes itself: it is a new one in each call."""
    if reader.state.get("forward") and reader.trace.frame is not reader.trace.making:
        reader.state.setdefault("young", {})[id(value)] = value
    return value


def refuse_lasting(reader: Reader, tensor: Tensor) -> None:
    """A tensor that was made outside of forward is written over in it. Errors: CodeRefused."""
    step = reader.trace.steps.get(tensor.ref.node)
    inside = reader.state.get("forward") and reader.trace.frame is not reader.trace.making
    if inside and step is not None and step.frame is reader.trace.making:
        raise reader.refuse(
            "A tensor that was made outside of forward is changed in place, and so goes from one call to the "
            "next",
            "Change a copy of it, such as w = w + 1.",
        )


def check(reader: Reader, module: Module, values: list[Any], frame: Frame) -> None:
    """Reads forward once more where it must. Errors: CodeRefused at the line that is another one then."""
    if not reader.state.pop("twice", False):
        return
    from builder.code.reading import states
    from builder.code.reading.modules import call_module

    trace, budget = reader.trace, reader.budget
    nodes, notes, items = budget.nodes, list(reader.notes), len(trace.making.items)
    trace.frame, trace.side, budget.depth = trace.making, (), 0
    reader.state["weights"], reader.state["cut"] = {}, {}
    states.begin(reader)
    call_module(reader, module, list(values), {})
    second = next(item for item in reversed(trace.making.items) if isinstance(item, Frame))
    states.settle(reader, second)
    line = _difference(reader, frame, second)
    for identity in [i for i, step in trace.steps.items() if step.frame.inside(second)]:
        del trace.steps[identity]
    del trace.making.items[items:]
    budget.nodes, reader.notes[:] = nodes, notes
    if line is not None:
        raise reader.refuse(
            "This is another thing in the second call of forward, as something goes from one call to the "
            "next, and a network here keeps nothing between calls",
            "Take it as an input of forward and return it, or make it anew in each call.",
            line=line,
        )


def _difference(reader: Reader, first: Frame, second: Frame) -> int | None:
    """The line of the first step that is another one; None where both calls are alike."""
    one, other = _Told(reader, first), _Told(reader, second)
    for a, b in zip(one.steps, other.steps, strict=False):
        if one.said(a) != other.said(b):
            return a.line
    if len(one.steps) != len(other.steps):
        longer = one.steps if len(one.steps) > len(other.steps) else other.steps
        return longer[min(len(one.steps), len(other.steps))].line
    if one.result(first) != other.result(second):
        return first.line or None
    return None


class _Told:
    """The steps of one call, as a text that is the same for a call that does the same."""

    def __init__(self, reader: Reader, frame: Frame) -> None:
        self.trace = trace = reader.trace
        self.names: dict[str, str] = {}
        self.steps: list[Step] = []
        for step in trace.steps.values():
            if self._is_constant(step):  # made anew or kept: it is the same in each call
                self.names[step.id] = f"({hash(self.said(step))})"
            elif step.frame.inside(frame):
                self.names[step.id] = f"'{len(self.steps)}'"
                self.steps.append(step)

    def _is_constant(self, step: Step) -> bool:
        if step.kind != "operation" or step.in_place or is_random(step):
            return False
        given = [a for name, a in step.arguments.items() if name != "device"]
        read = [ref.node for a in given for ref in must_refs(a, self.trace)]
        return all(self.names.get(node, "").startswith("(") for node in read)

    def said(self, step: Step) -> str:
        sides = [which for _, which in step.side]
        given = {name: a for name, a in step.arguments.items() if name != "device"}
        text = f"{step.kind} {given!r} {step.result!r} {id(step.owner)} {sides} {step.weight}"
        return f"{step.target if step.kind != 'branch' else ''} {self._named(text)}"

    def result(self, frame: Frame) -> str:
        return self._named(repr([tensor.ref for tensor in tensors_in(frame.result)]))

    def _named(self, text: str) -> str:
        return re.sub(r"'(#\d+)'", lambda found: self._name(found[1]), text)

    def _name(self, identity: str) -> str:
        while identity in self.trace.entering:
            identity = self.trace.entering[identity][1].outer.node
        return self.names.get(identity, identity)
