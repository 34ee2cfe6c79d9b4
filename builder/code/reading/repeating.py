"""Equal modules one behind the other: what a loop over a ModuleList, or an nn.Sequential of them, does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from builder.code.reading.closed import Closed, Tree
from builder.code.reading.trace import Frame, Module, Step, Trace
from builder.graph.model import Ref


@dataclass
class Run:
    """Calls of all children of a container, in their order. `length`: how many items they are."""

    container: Module
    frames: list[Frame]
    length: int
    whole: Frame | None = None  # the call of an nn.Sequential that holds them


def runs_in(
    items: list[Step | Frame],
    tree: Tree,
    closed: Closed,
    trace: Trace,
    outer: Callable[[Ref], Ref],
) -> dict[int, Run]:
    """Where among the items of one level such runs begin."""
    found: dict[int, Run] = {}
    for at, item in enumerate(items):
        if not isinstance(item, Frame) or item.module is None:
            continue
        module = item.module
        if module.kind == "Sequential" and module.cls is None:
            frames = [f for f in item.items if isinstance(f, Frame)]
            if len(frames) == len(item.items) and _is_run(module, frames, closed, outer):
                found[at] = Run(module, frames, 1, item)
        parent = tree.parents.get(id(module))
        if parent is None or parent.kind != "ModuleList" or parent.cls is not None:
            continue
        count = len(parent.members)
        frames = [f for f in items[at : at + count] if isinstance(f, Frame)]
        if len(frames) == count and _is_run(parent, frames, closed, outer):
            found[at] = Run(parent, frames, count)
    return found


def _is_run(
    container: Module, frames: list[Frame], closed: Closed, outer: Callable[[Ref], Ref]
) -> bool:
    children = list(container.members.values())
    if len(children) < 2 or len(frames) != len(children):
        return False
    if list(container.members) != [str(place) for place in range(len(children))]:
        return False  # a repeated block counts its rounds from 0
    if any(frame.module is not child for frame, child in zip(frames, children, strict=True)):
        return False
    if len({id(frame.module) for frame in frames}) != len(frames):
        return False
    if not all(closed.is_block(frame.module) for frame in frames):
        return False
    if any(len(closed.frames.get(id(frame.module), ())) != 1 for frame in frames):
        return False
    if len({id(frame.node) for frame in frames}) != 1:
        return False
    first = frames[0]
    count = len(first.exports)
    entering = [outer(e.outer) for e in first.inputs]
    for before, frame in pairwise(frames):
        given = [outer(e.outer) for e in frame.inputs]
        if len(given) != len(entering) or len(frame.exports) != count or count > len(given):
            return False
        if not all(
            user.inside(before) or user is frame
            for ref in before.exports
            for user in closed.uses.get(ref, ())
            if not (
                before.parent is not None
                and before.parent.module is container
                and user is before.parent
            )
        ):
            return False
        if [e.spec.shape for e in frame.inputs] != [e.spec.shape for e in first.inputs]:
            return False
        if given[:count] != before.exports or given[count:] != entering[count:]:
            return False
    return True
