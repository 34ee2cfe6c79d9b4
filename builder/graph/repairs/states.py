"""Repairs of the states that a recurrent layer begins with, and of the lengths it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from builder.catalogue.packing import LENGTHS, TOTAL_LENGTH
from builder.errors import quote
from builder.graph.edits import UNSET, DeleteNode, Edit, SetCallArgument, Several
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


def _lengths(case: Case) -> Iterator[Candidate]:
    """A tensor of that shape, or none: then every sequence is as long as the input."""
    spec = case.arriving(LENGTHS)
    if spec is not None and len(spec.shape) == 2 and spec.shape[1] == 1:
        yield from case.insert([("torch.squeeze", {"dim": 1})], port=LENGTHS)
    yield from _fitting(case)
    yield _no_lengths(case)


def _fitting(case: Case) -> Iterator[Candidate]:
    """The inputs with one whole number for each sample."""
    for node in case.graph.inputs:
        spec = case.tensor(Ref(node.id))
        whole = spec is not None and spec.dtype == "int64" and len(spec.shape) == 1
        if whole and Ref(node.id) not in case.refs(LENGTHS):
            name = quote(case.graph.label(node.id))
            yield case.read(Ref(node.id), f"Read {name} as lengths", port=LENGTHS)


def _length_dtype(case: Case) -> Iterator[Candidate]:
    yield from case.insert([("torch.Tensor.long", {})], port=LENGTHS)
    yield from _fitting(case)
    yield _no_lengths(case)


def _no_lengths(case: Case) -> Candidate:
    edits: list[Edit] = [
        SetCallArgument(case.node.id, name, UNSET, scope=case.scope)
        for name in (LENGTHS, TOTAL_LENGTH)
        if name in case.node.arguments
    ]
    for node in case.graph.inputs:  # one that said nothing else
        if case.refs(LENGTHS) == [Ref(node.id)] and len(case.graph.readers_of(node.id)) == 1:
            edits.append(DeleteNode(node.id, scope=case.scope))
    label = f"Take the lengths of {case.label} away"
    return Candidate(label, Several(tuple(edits), label), 2)


def _idle_length(case: Case) -> Iterator[Candidate]:
    yield case.leave_out(TOTAL_LENGTH)


CANDIDATES: Mapping[str, Callable[[Case], Iterator[Candidate]]] = {
    "states": _states,
    "packed_rank": _lengths,
    "packed_lengths": _lengths,
    "packed_dtype": _length_dtype,
    "idle_length": _idle_length,
}
