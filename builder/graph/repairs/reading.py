"""Candidates for a port that reads nothing: which value it most likely read, or should."""

from __future__ import annotations

from collections.abc import Iterator

from builder.errors import quote
from builder.graph.edits import AddNode, SetArgument, SetCallArgument, Several
from builder.graph.model import Argument, Node, Ref, primary_input
from builder.graph.repairs.case import Candidate, Case
from builder.graph.repairs.ranks import parts_of

_SOURCES_TRIED = 4


def not_wired(case: Case) -> Iterator[Candidate]:
    """The values that come before, the nearest first."""
    if case.port == "indices":
        yield from indices(case)
    if not case.graph.inputs:
        yield from no_input(case)
    earlier = []
    for node in case.graph.nodes.values():
        if node.id == case.node.id:
            break
        if node.kind != "output" and case.reports[node.id].result is not None:
            earlier.append(node)
    # What nobody reads any more is what the wire came from, most likely.
    unread = [node for node in earlier if not _is_read(case, node)]
    nearest = earlier[: -_SOURCES_TRIED - 1 : -1]
    port = case.entry.port(case.port) if case.entry else None
    many = port is not None and port.many
    if many:
        yield from _several(case, unread, earlier)
    for node in {n.id: n for n in (*reversed(unread), *nearest)}.values():
        tier = 0 if node is earlier[-1] or node in unread else 1
        for ref, name in _readable(case, node):
            before = primary_input(node)
            argument: Argument = (ref, before if before is not None else ref) if many else ref
            edit = SetCallArgument(case.node.id, case.port, argument, scope=case.scope)
            yield Candidate(f"Read {name}", edit, tier)


def _is_read(case: Case, node: Node) -> bool:
    return any(reader.id != case.node.id for reader in case.graph.readers_of(node.id))


def _readable(case: Case, node: Node) -> Iterator[tuple[Ref, str]]:
    """A node's value, or each part of it that is a tensor, with its name."""
    name, value = quote(case.graph.label(node.id)), case.reports[node.id].result
    if not isinstance(value, tuple):
        yield Ref(node.id), name
        return
    for part, path in parts_of(case, Ref(node.id)):
        ref = Ref(node.id, path)
        if case.tensor(ref) is not None:
            yield ref, name if path == (0,) else f"part {part} of {name}"


def _several(case: Case, unread: list[Node], earlier: list[Node]) -> Iterator[Candidate]:
    """All that nobody reads; or that and another value of its dimensions, the nearest first."""
    if len(unread) > 1:
        yield _reading(case, unread)
    for one in unread[-1:]:
        spec = case.tensor(Ref(one.id))
        for other in reversed(earlier):
            fits = case.tensor(Ref(other.id))
            if other is one or spec is None or fits is None:
                continue
            if len(fits.shape) == len(spec.shape) and fits.shape[2:] == spec.shape[2:]:
                yield _reading(case, [one, other])


def _reading(case: Case, nodes: list[Node]) -> Candidate:
    names = " and ".join(quote(case.graph.label(node.id)) for node in nodes)
    refs = tuple(Ref(node.id) for node in nodes)
    edit = SetCallArgument(case.node.id, case.port, refs, scope=case.scope)
    return Candidate(f"Read {names}", edit)


def indices(case: Case) -> Iterator[Candidate]:
    """The indices of the nearest MaxPool before, as part 1 of its result."""
    found: Node | None = None
    for node in case.graph.nodes.values():
        if node.id == case.node.id:
            break
        entry = case.entry_of(node)
        if entry is not None and entry.key.startswith("torch.nn.MaxPool"):
            found = node
    if found is None:
        return
    name = quote(case.graph.label(found.id))
    edits: list[SetArgument | SetCallArgument] = []
    if case.chosen("return_indices", found) is not True:
        edits.append(SetArgument(found.id, "return_indices", True, scope=case.scope))
        for node in case.graph.readers_of(found.id):
            for port, argument in node.arguments.items():
                if argument == Ref(found.id):
                    first = Ref(found.id, (0,))
                    edits.append(SetCallArgument(node.id, port, first, scope=case.scope))
    wired = Ref(found.id, (1,))
    edits.append(SetCallArgument(case.node.id, "indices", wired, scope=case.scope))
    label = f"Take the indices of {name}"
    yield Candidate(label, Several(tuple(edits), label))


def no_input(case: Case) -> Iterator[Candidate]:
    """An input in front."""
    add = AddNode("input", id=_free("x", case), scope=case.scope)
    yield Candidate("Add an input", add, 1)
    for port in case.entry.ports[:1] if case.entry else ():
        wire = SetCallArgument(case.node.id, port.name, Ref(add.id or "x"), scope=case.scope)
        label = f"Add an input in front of {case.label}"
        yield Candidate(label, Several((add, wire), label))


def _free(stem: str, case: Case) -> str:
    number, identity = 1, stem
    while identity in case.graph.nodes:
        number += 1
        identity = f"{stem}_{number}"
    return identity


CANDIDATES = {
    "not_wired": not_wired,
    "unknown_source": not_wired,
    "indices": indices,
    "no_input": no_input,
}
