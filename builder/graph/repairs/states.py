"""Repairs of the states that a recurrent layer begins with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from builder.errors import quote
from builder.graph.edits import SetCallArgument
from builder.graph.model import Argument, Ref
from builder.graph.repairs.case import Candidate, Case


def _states(case: Case) -> Iterator[Candidate]:
    """Both states of the LSTM that one is read of, else none."""
    given = case.node.arguments.get("hx")
    for ref in given if isinstance(given, tuple) else (given,):
        pair = _pair(case, ref) if isinstance(ref, Ref) else None
        if pair and isinstance(ref, Ref):
            label = f"Read both states of {quote(case.graph.label(ref.node))}"
            yield Candidate(label, _set(case, pair))
    yield Candidate(f"Begin {case.label} with zeros", _set(case, None), 1)


def _pair(case: Case, ref: Ref) -> tuple[Ref, Ref] | None:
    """The two parts that stand beside each other in the result a reference is a part of."""
    both = Ref(ref.node, (*ref.path[:-1], 0)), Ref(ref.node, (*ref.path[:-1], 1))
    specs = [case.tensor(one) for one in both]
    return both if ref.path and None not in specs and ref in both else None


def _set(case: Case, value: Argument) -> SetCallArgument:
    return SetCallArgument(case.node.id, "hx", value, scope=case.scope)


CANDIDATES: Mapping[str, Callable[[Case], Iterator[Candidate]]] = {"states": _states}
