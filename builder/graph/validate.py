"""Whether a value is a graph at all: what a file, or a caller by hand, can get wrong.

This is not about shapes: an unwired port or a size that does not fit is a Diagnostic of `shapes`.
What is refused here would make edits, shapes or written code meaningless, or unsafe.
"""

from __future__ import annotations

from collections.abc import Iterator

from builder.errors import ProjectRefused, did_you_mean, quote
from builder.graph.allowed import (
    kind_word,
    plain_label,
    refuse_call_argument,
    refuse_constructor_argument,
    refuse_id,
    refuse_note,
    refuse_own_parts,
    refuse_owner_target,
    refuse_setting,
    refuse_target,
)
from builder.graph.allowed_norms import refuse_norms
from builder.graph.allowed_weights import refuse_tie, refuse_weight
from builder.graph.blocks import graphs
from builder.graph.limits import (
    MAX_FRAMES,
    MAX_NODES,
    refuse_frame,
    refuse_position,
    refuse_spec,
    refuse_unfolding,
)
from builder.graph.model import Graph, Node, Owner, Ref, iter_refs, refs_in
from builder.graph.names import can_be_name, containers_of, names_in, refuse_name, suggest_name

MAX_REPEAT = 1000
MAX_BLOCKS = 1000


def validate(graph: Graph) -> None:
    """Raises ProjectRefused with the first thing that keeps this value from being a network."""
    if sentence := why_invalid(graph):
        raise ProjectRefused(sentence)


def why_invalid(root: Graph, before: Graph | None = None) -> str | None:
    """The first thing that keeps this value from being a network, in a sentence; None if all is well.

    `before`: the network an edit began with, known to be one. What is the very same in both is looked at
    only for what others decide about it: names, order, what it reads. So an edit is checked in 0.5 ms at
    100 layers, not 5.
    """
    return next(_faults(root, before or Graph()), None)


def _faults(root: Graph, before: Graph) -> Iterator[str]:
    if len(root.blocks) > MAX_BLOCKS:
        yield f"The network has {len(root.blocks):,} blocks, of at most {MAX_BLOCKS:,}."
        return
    classes: set[str] = set()
    for scope, graph in graphs(root):
        if scope and scope != graph.name:
            yield f"The block {quote(scope)} calls itself {quote(graph.name)}: the two must be the same."
        if sentence := refuse_name(graph.name, classes, digits=False):
            yield f"The {'block' if scope else 'network'} {quote(graph.name)} needs another name. {sentence}"
        if scope and graph.blocks:
            yield f"The block {quote(scope)} holds blocks itself: they all stand at the network."
        classes.add(graph.name)
    for scope, graph in graphs(root):
        where = f"In the block {quote(scope)}: " if scope else ""
        known = before.blocks.get(scope, Graph()) if scope else before
        if known.settings != graph.settings:
            known = Graph()
        for sentence in _graph_faults(root, graph, bool(scope), classes, known):
            yield where + sentence
    if circle := _recursion(root):
        way = " → ".join(quote(b) for b in circle[:8])
        yield f"Blocks cannot contain themselves: {way}. Take one call out."
    elif sentence := refuse_unfolding(root):
        yield sentence


def _graph_faults(
    root: Graph, graph: Graph, inside: bool, classes: set[str], known: Graph
) -> Iterator[str]:
    if max(len(graph.nodes), len(graph.owners), len(graph.settings)) > MAX_NODES:
        yield f"There are {len(graph.nodes):,} nodes, of at most {MAX_NODES:,}."
        return
    if len(graph.frames) > MAX_FRAMES:
        yield f"There are {len(graph.frames):,} frames and notes, of at most {MAX_FRAMES:,}."
        return
    for identity, frame in graph.frames.items():
        if known.frames.get(identity) is frame:
            continue
        if sentence := refuse_id(identity) or refuse_frame(frame):
            yield f"The frame {quote(frame.title or identity)} cannot be drawn. {sentence}"
    every, taken = names_in(graph), set(classes)
    for name, value in graph.settings.items():
        if sentence := _name_fault(name, taken, every | classes) or refuse_setting(value):
            yield f"The setting {quote(name)} cannot stand. {sentence}"
    taken -= classes - set(graph.settings)
    containers = containers_of(owner.name for owner in graph.owners.values())
    for key, owner in graph.owners.items():
        if sentence := _name_fault(owner.name, taken, every, digits=True):
            yield f"The layer {quote(owner.name)} needs another name. {sentence}"
        elif owner.name in containers:
            free = quote(suggest_name(owner.name, every))
            yield f"Others stand inside {quote(owner.name)}, so no layer can be it. Name it {free}."
        if known.owners.get(key) is owner and owner.block is None:
            continue
        yield from _id_faults(key, owner.id)
        yield from _owner_faults(root, graph, owner)
    earlier: dict[str, Node] = {}
    for key, node in graph.nodes.items():
        if node.kind not in ("layer", "weight"):
            name = node.name or node.id
            if sentence := _name_fault(name, taken, every):
                yield f"{kind_word(node)} {quote(name)} needs another name. {sentence}"
        if not _same_call(graph, known, node) or not _reads_earlier(node, earlier):
            yield from _id_faults(key, node.id)
            yield from _node_faults(root, graph, node, inside, earlier)
        earlier[key] = node


def _same_call(graph: Graph, known: Graph, node: Node) -> bool:
    """Whether a node is the very same in both graphs, and calls the same layer; never for a block."""
    if known.nodes.get(node.id) is not node:
        return False
    owner = graph.owners.get(node.target)
    return node.kind not in ("layer", "weight") or (
        owner is not None and owner.block is None and known.owners.get(node.target) is owner
    )


def _reads_earlier(node: Node, earlier: dict[str, Node]) -> bool:
    """Whether all a node reads stands before it and gives a value."""
    sources = (earlier.get(ref.node) for ref in refs_in(node))
    return all(source is not None and source.kind != "output" for source in sources)


def _name_fault(name: str, taken: set[str], every: set[str], digits: bool = False) -> str | None:
    """Why a name cannot stand beside those before it, proposing one that is free among all."""
    if name not in taken and can_be_name(name, digits):
        taken.add(name)
        return None
    return refuse_name(name, every if name in taken else every - {name}, digits)


def _id_faults(key: str, identity: str) -> Iterator[str]:
    if sentence := refuse_id(identity):
        yield sentence
    if key != identity:
        yield f"What stands under the id {quote(key)} has the id {quote(identity)}: make them the same."


def _owner_faults(root: Graph, graph: Graph, owner: Owner) -> Iterator[str]:
    if sentence := refuse_owner_target(root, owner.target):
        yield f"The layer {quote(owner.name)} cannot be made. {sentence}"
        return
    if sentence := refuse_own_parts(root, owner):
        yield sentence
    for path, tie in owner.ties.items():
        if sentence := refuse_tie(root, graph, owner, path, tie):
            yield sentence
    if sentence := refuse_norms(owner):
        yield sentence
    if not 1 <= owner.repeat <= MAX_REPEAT:
        yield f"The block {quote(owner.name)} repeats {quote(owner.repeat)} times: from 1 to {MAX_REPEAT} it can."
    if owner.block is None and (owner.repeat != 1 or owner.shared):
        yield f"The layer {quote(owner.name)} cannot repeat: put it into a block, which can."
    yield from _among_faults(owner.among, owner.name)
    for name, value in owner.arguments.items():
        if sentence := refuse_constructor_argument(root, graph, owner, name, value):
            yield sentence


def _node_faults(
    root: Graph, graph: Graph, node: Node, inside: bool, earlier: dict[str, Node]
) -> Iterator[str]:
    label = plain_label(graph, node)
    if node.kind == "layer" and node.target not in graph.owners:
        yield f"The node {quote(node.id)} calls {quote(node.target)}, which does not exist. {did_you_mean(node.target, graph.owners)}".rstrip()
        return
    if node.kind == "weight" and (sentence := refuse_weight(root, graph, node)):
        yield sentence
        return
    if node.kind == "layer" and graph.owners[node.target].raw:
        yield f"The node {quote(node.id)} calls {quote(label)}, which is a tensor: read it by a weight node."
        return
    if node.kind == "operation" and (sentence := refuse_target(root, node.target, "operation")):
        yield f"The operation {quote(label)} cannot be done. {sentence}"
        return
    if node.kind == "weight" and node.bypassed:
        yield f"{kind_word(node)} {quote(label)} cannot be bypassed."
    if node.kind in ("input", "output", "branch"):
        if node.target:
            yield f"{kind_word(node)} {quote(label)} calls nothing, yet it has the target {quote(node.target)}."
        if node.bypassed and node.kind != "branch":
            yield f"{kind_word(node)} {quote(label)} cannot be bypassed."
    if node.kind == "input":
        if node.spec is None and not inside:
            yield f'The input {quote(label)} needs a shape, such as ["N", 64].'
    elif node.spec is not None:
        yield f"{kind_word(node)} {quote(label)} has a shape of its own; only inputs do."
    if node.spec is not None and (sentence := refuse_spec(node.spec)):
        yield f"The input {quote(label)} cannot be read. {sentence}"
    if node.position is not None and (sentence := refuse_position(node.position)):
        yield sentence
    if sentence := refuse_note(node.note):
        yield sentence
    yield from _among_faults(node.among, label)
    for name, value in node.arguments.items():
        if sentence := refuse_call_argument(root, graph, node, name, value):
            yield sentence
            continue
        for ref in iter_refs(value):
            if ref.node not in earlier:
                yield _order_fault(graph, node, ref)


def _among_faults(among: tuple[str, ...], label: str) -> Iterator[str]:
    if len(set(among)) < len(among):
        yield f"What {quote(label)} stood among names an id twice. Leave “among” out."
    yield from (sentence for i in among if (sentence := refuse_id(i)))


def _order_fault(graph: Graph, node: Node, ref: Ref) -> str:
    reader, source = (
        quote(plain_label(graph, node)),
        quote(plain_label(graph, graph.nodes[ref.node])),
    )
    if path := way_back(graph, ref.node, node.id):
        circle = " → ".join(plain_label(graph, graph.nodes[i]) for i in path[:8])
        return f"{reader} reads {source}, and so the values go in a cycle ({quote(circle, 200)}). Cut one of these wires."
    return f"{reader} reads {source}, which comes later. Put {source} before {reader} in the list of nodes."


def way_back(graph: Graph, source: str, reader: str) -> list[str]:
    """The nodes from `reader` to `source` if `source` is worked out from it, else an empty list."""
    follows = {source: ""}
    waiting = [source]
    while waiting:
        identity = waiting.pop()
        if identity == reader:
            path = [identity]
            while path[-1] != source:
                path.append(follows[path[-1]])
            return path
        node = graph.nodes.get(identity)
        for argument in node.arguments.values() if node else ():
            for ref in iter_refs(argument):
                if ref.node not in follows:
                    follows[ref.node] = identity
                    waiting.append(ref.node)
    return []


def _recursion(root: Graph) -> list[str]:
    """A chain of blocks that ends where it began, or nothing."""
    done: set[str] = set()
    for start in root.blocks:
        path: list[tuple[str, list[str]]] = [(start, _calls(root, start))]
        while path:
            name, left = path[-1]
            if not left:
                done.add(name)
                path.pop()
                continue
            child = left.pop()
            names = [step for step, _ in path]
            if child in names:
                return [*names[names.index(child) :], child]
            if child not in done:
                path.append((child, _calls(root, child)))
    return []


def _calls(root: Graph, block: str) -> list[str]:
    return [o.uses for o in root.blocks[block].owners.values() if o.uses and o.uses in root.blocks]
