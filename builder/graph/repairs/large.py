"""Candidates for what is too large: for this machine, or for torch to count."""

from __future__ import annotations

from collections.abc import Iterator

from builder.graph.edits import SetFrozen
from builder.graph.repairs.case import Candidate, Case
from builder.graph.repairs.wires import value

_STEPS = 6  # each a quarter of the one before


def too_large(case: Case) -> Iterator[Candidate]:
    """The size halved until it fits; frozen where that is enough."""
    name = case.parameter
    old = case.argument(name) if name else None
    if isinstance(old, int):
        size = 1 << max(old.bit_length() - 1, 0)
        if size == old:
            size //= 2
        while size >= 64:
            size //= 4
            yield case.set(name, size, tier=0)
    yield Candidate(f"Freeze {case.label}", SetFrozen(case.node.id, True, scope=case.scope), 2)


def too_large_number(case: Case) -> Iterator[Candidate]:
    """What a new layer starts with, or a part of the number."""
    old = case.argument(case.parameter) if case.parameter else None
    if isinstance(old, int) and old < 2**62:
        yield from too_large(case)
    yield from value(case)


def too_large_model(case: Case) -> Iterator[Candidate]:
    """The widest argument of the largest layer, made smaller."""
    owner = case.graph.owner_of(case.node)
    if owner is None:
        return
    sizes = [
        (v, n) for n, v in owner.arguments.items() if isinstance(v, int) and not isinstance(v, bool)
    ]
    if sizes:
        size, name = max(sizes)
        for _ in range(4):
            size //= 4
            if size > 0:
                yield case.set(name, size)


def too_large_result(case: Case) -> Iterator[Candidate]:
    """Every number the person set, made smaller."""
    owner = case.graph.owner_of(case.node)
    held = owner.arguments if owner is not None else case.node.arguments
    for name, old in held.items():
        if isinstance(old, bool) or not isinstance(old, int | float) or old <= 2:
            continue
        size = old
        for _ in range(_STEPS):
            size = size // 4 if isinstance(size, int) else size / 4
            if size >= 1:
                yield case.set(name, size)
        if isinstance(old, float):
            yield case.set(name, 2.0, tier=1)


CANDIDATES = {
    "too_large": too_large,
    "too_large_number": too_large_number,
    "too_large_model": too_large_model,
    "too_large_result": too_large_result,
}
