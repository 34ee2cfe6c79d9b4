"""Repairs of tensors without a layer, and of ties."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from builder.graph.allowed_norms import norm_words
from builder.graph.edits import SetArgument, SetNorms, SetTie
from builder.graph.model import Argument, refs_in
from builder.graph.repairs.case import Candidate, Case


def _size(case: Case) -> Iterator[Candidate]:
    """As wide as what it is joined with."""
    for reader in case.graph.readers_of(case.node.id):
        for ref in refs_in(reader):
            spec = case.tensor(ref)
            if spec is not None and spec.shape and isinstance(spec.shape[-1], int):
                yield _set(case, "size", (spec.shape[-1],))
    yield _set(case, "size", (1,), 1)


def _init(case: Case) -> Iterator[Candidate]:
    owner = case.graph.stands_for(case.node)
    size = owner.arguments.get("size") if owner is not None else None
    for init in ("normal", "uniform", "zeros"):
        yield _set(case, "init", init, init == "zeros")
    if isinstance(size, tuple) and len(size) == 1:
        yield _set(case, "size", (*size, *size), 2)
    yield _set(case, "dtype", "float32", 1)
    yield _set(case, "requires_grad", False, 2)


def _tied(case: Case) -> Iterator[Candidate]:
    owner = case.graph.stands_for(case.node)
    for path in owner.ties if owner is not None else ():
        label = f"Untie {path + ' of ' if path else ''}{case.label}"
        yield Candidate(label, SetTie(case.node.id, path, scope=case.scope))


def _norm(case: Case) -> Iterator[Candidate]:
    """Along torch's own axis, or a weight of its own."""
    owner = case.graph.owner_of(case.node)
    norms = owner.norms if owner is not None else ()
    for place, norm in enumerate(norms):
        before, after, said = norms[:place], norms[place + 1 :], norm_words(norm)
        if "dim" in norm.arguments:
            given = {n: a for n, a in norm.arguments.items() if n != "dim"}
            usual = (*before, replace(norm, arguments=given), *after)
            edit = SetNorms(case.node.id, usual, scope=case.scope)
            yield Candidate(f"Reset dim of the {said} of {case.label}", edit)
        edit = SetNorms(case.node.id, (*before, *after), scope=case.scope)
        yield Candidate(f"Take the {said} of {case.label} away", edit, 1)


def _set(case: Case, name: str, value: Argument, tier: int = 0) -> Candidate:
    shown = value if not isinstance(value, tuple) else ", ".join(map(str, value))
    edit = SetArgument(case.node.id, name, value, scope=case.scope)
    return Candidate(f"Set {name} of {case.label} to {shown}", edit, tier)


CANDIDATES: Mapping[str, Callable[[Case], Iterator[Candidate]]] = {
    "raw_size": _size,
    "raw_init": _init,
    "tied": _tied,
    "norm": _norm,
}
