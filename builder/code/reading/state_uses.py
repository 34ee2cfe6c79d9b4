"""Who reads what is kept for the next call (`states`), and who might see that its buffer is written over."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from builder.code.reading.effects import shares
from builder.code.reading.trace import Frame, Module, Raw, Step, Trace, tensors_in
from builder.code.reading.values import Tensor
from builder.graph.model import GradEnabled, Ref, Training, iter_refs

_LINEAR: Final = ("add", "sub", "rsub", "neg")  # whose way back needs none of their values


@dataclass(slots=True, eq=False)
class State:
    """An attribute that goes from one call to the next. `writes`: the copies into its buffer."""

    module: Module
    name: str
    raw: Raw
    line: int
    plain: bool  # a buffer only because it is kept
    writes: list[Step] = field(default_factory=list)
    given: list[Ref] = field(default_factory=list)  # what is kept, with its gradient
    merges: set[str] = field(default_factory=set)  # branches that only the end of a side needs
    learns: bool = False
    left: Tensor | None = None  # what the last call of its module left, with its gradient


class Uses:
    """Who reads each value of a call. None stands for what is no step: a result, or a module."""

    def __init__(self, trace: Trace, frame: Frame, writes: set[str]) -> None:
        self.trace, self.writes = trace, writes
        self.steps = [s for s in trace.steps.values() if s.frame.inside(frame)]
        self.found: dict[str, list[Step | None]] = {}
        for step in self.steps:
            for argument in step.arguments.values():
                for ref in iter_refs(argument):
                    self.found.setdefault(ref.node, []).append(step)
        for inner, entering in trace.entering.values():
            if inner.inside(frame):
                self.found.setdefault(entering.outer.node, []).append(None)
        for each in frames_in(frame):
            for tensor in tensors_in(each.result):
                self.found.setdefault(tensor.ref.node, []).append(None)

        self.same: dict[str, str] = {}
        for step in self.steps:
            if step.kind == "branch" or (
                step.kind == "operation" and (shares(step) or step.in_place)
            ):
                read = [ref for a in step.arguments.values() for ref in iter_refs(a)]
                changed = [step.changed] if step.changed is not None else []
                for ref in read if step.kind == "branch" else [*changed, *read[:1]]:
                    self.same[self._first(ref.node)] = self._first(step.id)
        for inner, entering in trace.entering.values():
            if inner.inside(frame):
                self.same[self._first(entering.id)] = self._first(entering.outer.node)

    def _first(self, node: str) -> str:
        while (before := self.same.get(node, node)) != node:
            node = before
        return node

    def memory(self, node: str) -> list[Step]:
        """The steps that give what may lie in the memory of a value."""
        first = self._first(node)
        return [step for step in self.steps if self._first(step.id) == first]

    def reads_of(self, raw: Raw) -> list[Step]:
        return [s for s in self.steps if s.kind == "weight" and s.owner is raw]

    def is_needed(self, state: State, node: str) -> bool:
        """Whether anything but the keeping itself reads a value."""
        for step in self.found.get(node, ()):
            if step is None:
                return True
            only_kept = step.id in state.merges or step.target == "torch.Tensor.detach"
            if step not in state.writes and not (only_kept and not self.is_needed(state, step.id)):
                return True
        return False

    def is_safe(self, state: State, node: str, since: int) -> bool:
        """Whether nobody sees that a value lies in the buffer's own memory, which is written over.

        `since`: when the buffer was read.
        """
        for step in self.found.get(node, ()):
            if step is not None and step in state.writes:
                continue
            if step is None or _changes(step, node):
                return False
            if any(since < w.order < step.order for w in state.writes):
                return False
            if step.kind == "branch" or (step.kind == "operation" and is_view(step)):
                if not self.is_safe(state, step.id, since):
                    return False
                continue
            name = step.target.rpartition(".")[2].removesuffix("_")
            if step.kind != "operation" or (name not in _LINEAR and self._learns(step)):
                return False
        return True

    def _learns(self, step: Step) -> bool:
        return leads_to(self.trace, [Ref(step.id)], is_no_buffer)

    def writers(self, state: State, node: str) -> Iterable[Step]:
        """What changes a value in place, or something that lies in its memory."""
        for step in self.found.get(node, ()):
            if step is None or step in state.writes:
                continue
            if _changes(step, node):
                yield step
            elif step.kind == "branch" or (step.kind == "operation" and is_view(step)):
                yield from self.writers(state, step.id)


def is_view(step: Step) -> bool:
    """Whether what a step gives may lie in the memory of what it reads, which it leaves as it is."""
    return shares(step) and not is_in_place(step)


def is_in_place(step: Step) -> bool:
    name = step.target.rpartition(".")[2]
    return bool(step.in_place) or name == "setitem" or (name[-1:] == "_" and name[-2:] != "__")


def _changes(step: Step, node: str) -> bool:
    """Whether a step writes over a value."""
    written = [step.changed] if step.changed is not None else iter_refs(step.arguments.get("input"))
    return is_in_place(step) and any(ref.node == node for ref in written)


def frames_in(frame: Frame) -> list[Frame]:
    """A call, and all calls inside of it."""
    inner = [found for item in frame.items if isinstance(item, Frame) for found in frames_in(item)]
    return [frame, *inner]


def is_buffer(step: Step) -> bool:
    """Whether a step gives a buffer, which never learns."""
    raw = step.owner
    return step.kind == "weight" and isinstance(raw, Raw) and raw.kind == "buffer"


def is_no_buffer(step: Step) -> bool:
    """Whether a gradient may be asked for of what a step gives."""
    return not is_buffer(step)


def leads_to(trace: Trace, refs: Iterable[Ref], wanted: Callable[[Step], bool]) -> bool:
    """Whether a gradient of these values goes to such a weight, layer or input while training."""
    seen: set[str] = set()
    waiting = [ref.node for ref in refs]
    while waiting:
        node = waiting.pop()
        while node in trace.entering:
            node = trace.entering[node][1].outer.node
        if node in seen or (step := trace.steps.get(node)) is None:
            continue
        seen.add(node)
        dtype = getattr(step.result, "dtype", "float32")
        if not dtype.startswith(("float", "bfloat", "complex")) or step.target.endswith(".detach"):
            continue
        if step.quiet and step.kind != "weight":
            continue
        if step.kind in ("weight", "layer", "input") and wanted(step):
            return True
        if step.kind == "branch":
            sides = ["if_true", "if_false"]
            only_then = isinstance(step.arguments["condition"], Training | GradEnabled)
            read = [step.arguments[side] for side in (sides[:1] if only_then else sides)]
        else:
            read = list(step.arguments.values())
        waiting += [ref.node for argument in read for ref in iter_refs(argument)]
    return False
