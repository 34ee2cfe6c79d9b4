"""Whether a network is a chain: one layer behind the other, each reading only what it follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from builder import catalogue
from builder.catalogue.entry import Entry
from builder.catalogue.packing import LENGTHS, packs
from builder.code.writing.counterparts import copied, counterpart_of, similar_layer
from builder.errors import NotFound, quote
from builder.graph.model import OPAQUE, Argument, Graph, Node, Owner, Ref, iter_refs, with_refs
from builder.graph.report import NodeReport, ShapeReport

_ONLY = "nn.Sequential can only hold layers that follow one another"


@dataclass(frozen=True)
class Link:
    """One place in a chain: a layer (`entry`, constructor arguments set) or a block (`owner.block`)."""

    node: Node
    owner: Owner | None
    entry: Entry | None
    arguments: Mapping[str, Argument]


@dataclass(frozen=True)
class NoChain:
    """Why a graph is no chain."""

    reason: str


def chain_of(graph: Graph, report: ShapeReport, ties: bool = False) -> list[Link] | NoChain:
    """The links of a chain in order, or the reason why it is none, naming the node.

    `ties`: layers may share weights, which then is said in a line of its own.
    """
    inputs, outputs = graph.inputs, graph.outputs
    if len(inputs) != 1 or len(outputs) != 1:
        many = "inputs" if len(inputs) != 1 else "outputs"
        count = len(inputs) if len(inputs) != 1 else len(outputs)
        said = f"has {count} {many}" if count else f"has no {many[:-1]} yet"
        return NoChain(f"This network {said}: nn.Sequential takes one value and gives one.")
    if refused := _kept_apart(graph, ties):
        return NoChain(refused)
    before = Ref(inputs[0].id)
    links: list[Link] = []
    seen: dict[str, str] = {}
    for node in graph.nodes.values():
        if node.bypassed and node.kind not in ("input", "output"):
            continue
        resolved = with_refs(node, graph.resolve)
        if node.kind == "input":
            continue
        label = quote(graph.label(node.id))
        if node.kind == "output":
            if resolved.arguments.get("value") != before:
                return _not_last(graph, resolved, before)
            continue
        link = link_of(graph, resolved, report.nodes.get(node.id))
        if isinstance(link, NoChain):
            return link
        reason = _reads_otherwise(graph, link.node, before, label)
        if reason is not None:
            return reason
        if link.owner is not None and link.owner.id in seen:
            known = report.nodes.get(node.id)
            if known is None or known.parameters or known.buffers:
                return NoChain(
                    f"{quote(link.owner.name)} is called twice with the same weights, which "
                    "cannot be written as one expression."
                )
        if link.owner is not None:
            seen[link.owner.id] = node.id
        links.append(link)
        before = Ref(node.id)
    return links


def _kept_apart(graph: Graph, ties: bool) -> str | None:
    """What a network owns beside layers that follow one another: tensors, ties, layers kept only."""
    for owner in graph.owners.values():
        name = quote(owner.name)
        if owner.raw:
            return f"{name} is a tensor of your own: {_ONLY}."
        if owner.target == OPAQUE:
            return f"{name} is code of your own, of which nobody knows whether it takes one value."
        if owner.ties and not (ties and _can_be_said(graph, owner)):
            other = quote(graph.owners[next(iter(owner.ties.values()))[0]].name)
            return f"{name} has a weight that is one of {other}; in nn.Sequential each has its own."
        if graph.is_made(owner) and not any(not c.bypassed for c in graph.calls_of(owner.id)):
            return f"{name} is kept, but nothing calls it; nn.Sequential runs all that it holds."
    weight = next((n for n in graph.nodes.values() if n.kind == "weight"), None)
    return f"{quote(graph.label(weight.id))} is read by itself: {_ONLY}." if weight else None


def _can_be_said(graph: Graph, owner: Owner) -> bool:
    """Whether the ties of a layer are between layers of the chain itself, both called."""
    called = {node.target for node in graph.nodes.values() if node.kind == "layer"}
    return owner.id in called and all(
        "." not in mine + theirs and other in called for mine, (other, theirs) in owner.ties.items()
    )


def _not_last(graph: Graph, output: Node, last: Ref) -> NoChain:
    value = output.arguments.get("value")
    if not isinstance(value, Ref):
        return NoChain("The output shows no value yet, so there is no chain to write.")
    if value.path:
        return _gives_several(graph, value.node)
    given, end = quote(graph.label(value.node)), quote(graph.label(last.node))
    return NoChain(f"The output is {given}, but {end} runs last: {_ONLY}.")


def link_of(graph: Graph, node: Node, known: NodeReport | None) -> Link | NoChain:
    """What an nn.Sequential holds for a node that reads past bypassed ones, or why it cannot.

    Whether it stands in a row with others is not asked here. `known`: its shapes.
    """
    label = quote(graph.label(node.id))
    owner = graph.owner_of(node)
    if node.kind == "branch":
        return NoChain(f"{label} is a branch, so this network is no chain: {_ONLY}.")
    if owner is not None and owner.block is not None:
        if owner.shared and owner.repeat > 1:
            return NoChain(
                f"{label} runs the same weights {owner.repeat} times, which cannot be written as "
                "one expression."
            )
        return Link(node, owner, None, owner.arguments)
    key = owner.target if owner is not None else node.target
    try:
        entry = catalogue.get(key)
    except NotFound as error:
        return NoChain(f"{label} is unknown: {error}")
    if owner is None:
        return _operation_link(node, entry, label, known)
    if not entry.chain:
        if packs(entry) and node.arguments.get(LENGTHS) is not None:
            return NoChain(
                f"{label} reads sequences of several lengths, which are packed in front of it: {_ONLY}."
            )
        if entry.parts:
            return _gives_several(graph, node.id)
        return NoChain(f"{label} reads several values, so this network is no chain: {_ONLY}.")
    return Link(node, owner, entry, owner.arguments)


def _gives_several(graph: Graph, node_id: str) -> NoChain:
    return NoChain(
        f"{quote(graph.label(node_id))} gives a tuple, and only a part of it goes on: nn.Sequential "
        "hands on all that a layer gives."
    )


def _operation_link(
    node: Node, entry: Entry, label: str, known: NodeReport | None
) -> Link | NoChain:
    read = [a for n, a in node.arguments.items() if entry.port(n) is not None]
    if sum(len(a) if isinstance(a, tuple) else isinstance(a, Ref) for a in read) > 1:
        return NoChain(f"{label} joins two values, so this network is no chain: {_ONLY}.")
    if any(a is not None and not isinstance(a, Ref | tuple) for a in read):
        return NoChain(f"{label} computes with a number, which no layer does: {_ONLY}.")
    counterpart = counterpart_of(node, known)
    if counterpart is None:
        layer = similar_layer(node)
        if layer is not None:
            return NoChain(
                f"{label} is an operation. {layer} does the same: replace {label} by it."
            )
        return NoChain(
            f"{label} is the operation {entry.name}, which no layer of torch.nn stands for: {_ONLY}."
        )
    given = {n: a for n, a in node.arguments.items() if entry.port(n) is None}
    layer_entry = catalogue.get(counterpart.key)
    if any(ref for name in counterpart.arguments for ref in iter_refs(given.get(name))):
        return NoChain(
            f"{label} is given a size that is only known as it runs; nn.{layer_entry.name} takes numbers."
        )
    # What a layer is made with is no reading: of an operation only its tensors remain.
    reading = {n: a for n, a in node.arguments.items() if entry.port(n) is not None}
    link_node = replace(node, arguments=reading)
    return Link(link_node, None, layer_entry, copied(counterpart, given))


def _reads_otherwise(graph: Graph, node: Node, before: Ref, label: str) -> NoChain | None:
    refs = [a for a in node.arguments.values() if a is not None]
    reads = [a for a in refs if isinstance(a, Ref | tuple)]
    if reads[:1] == [before] and len(reads) == 1:
        entry_arguments = [a for a in refs if not isinstance(a, Ref)]
        if graph.owner_of(node) is None or not entry_arguments:
            return None
        return NoChain(f"{label} is called with arguments of its own: {_ONLY}.")
    if not reads:
        return NoChain(f"{label} reads nothing yet: choose what it reads.")
    first = reads[0]
    if len(reads) > 1 or not isinstance(first, Ref):
        return NoChain(f"{label} reads several values, so this network is no chain: {_ONLY}.")
    if first.path:
        return _gives_several(graph, first.node)
    source, last = quote(graph.label(first.node)), quote(graph.label(before.node))
    return NoChain(f"{label} reads {source} and not {last} in front of it: {_ONLY}.")
