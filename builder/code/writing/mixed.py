"""The style `mixed`: an nn.Module whose stretches of layers in a row are nn.Sequentials.

The network is rewritten into one in which each such stretch is a block of layers named "0", "1", …,
which the style `module` writes as an nn.Sequential. Convolutions and what follows the flattening are
two stretches, `features` and `classifier`, as torchvision has them; layers named “encoder1” and
“decoder1” an `encoder` and a `decoder`; a repeated block stays on its own.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from builder import catalogue
from builder.code.writing.chain import Link, NoChain, link_of
from builder.code.writing.module import write_module
from builder.code.writing.page import Written
from builder.code.writing.scopes import find_scopes
from builder.graph.model import (
    BLOCK_PREFIX,
    Argument,
    Graph,
    Node,
    Owner,
    Ref,
    Setting,
    TensorSpec,
    map_refs,
    with_refs,
)
from builder.graph.names import class_name, containers_of, suggest_name
from builder.graph.report import ShapeReport
from builder.graph.shapes import infer_shapes

_FEWEST = 2  # elements that make a stretch
_INPUT, _OUTPUT = "x", "y"
_PARTS = frozenset(
    {
        "backbone",
        "classifier",
        "decoder",
        "encoder",
        "features",
        "generator",
        "head",
        "neck",
        "stem",
    }
)
"""What people call the parts of a network, and their layers by: “encoder1”."""
_FLATTENING = frozenset({"torch.nn.Flatten"})


@dataclass(frozen=True)
class _Stretch:
    """Layers in a row. `source`: the value the first one reads; `taken`: its shape.

    `alike`: each gives what it takes.
    """

    links: tuple[Link, ...]
    source: Ref
    taken: TensorSpec
    alike: bool = False

    @property
    def last(self) -> str:
        """The node whose value the stretch gives."""
        return self.links[-1].node.id


def write_mixed(graph: Graph, report: ShapeReport, name: str | None = None) -> Written:
    """The network as nn.Module classes that hold nn.Sequentials.

    Errors: CodeRefused where something needed is not known yet.
    """
    mixed, origin = with_sequentials(graph, report)
    if mixed is graph:
        return write_module(graph, report, name)
    written = write_module(mixed, infer_shapes(mixed), name)
    lines: dict[str, tuple[int, ...]] = {}
    for key, found in written.lines.items():
        for real in origin.get(key, (key,)):
            lines[real] = tuple(sorted({*lines.get(real, ()), *found}))
    return Written(written.text, lines)


def with_sequentials(
    graph: Graph, report: ShapeReport
) -> tuple[Graph, Mapping[str, tuple[str, ...]]]:
    """The same network with its stretches as blocks, and where the lines of the new nodes belong.

    The second: key in the source map → the keys of the nodes it was in `graph`.
    """
    scopes = find_scopes(graph, report)
    inline = {name for name, scope in scopes.items() if scope.inline}
    blocks = dict(graph.blocks)
    origin: dict[str, tuple[str, ...]] = {}
    changed: dict[str, Graph] = {}
    for name, scope in scopes.items():
        if name in inline or not scope.uses:
            continue
        known = scope.uses[0].report
        stretches = [*_stretches(scope.graph, known, inline)]
        if stretches:
            changed[name] = _grouped(scope.graph, name, stretches, blocks, origin)
    if not changed:
        return graph, {}
    blocks |= {name: block for name, block in changed.items() if name}
    return replace(changed.get("", graph), blocks=blocks), origin


# Finding stretches -------------------------------------------------------------------------------


def _stretches(graph: Graph, report: ShapeReport, inline: set[str]) -> Iterator[_Stretch]:
    """The longest runs of nodes that stand in a row, each read by the next one alone."""
    run: list[Link] = []
    live = [
        with_refs(node, graph.resolve)
        for node in graph.nodes.values()
        if not (node.bypassed and node.kind not in ("input", "output"))
    ]
    readers = _readers(live)
    bound = _bound(graph)
    for node in live:
        link = _element(graph, node, report, inline, bound)
        if run and (link is None or not _follows(readers, run[-1].node.id, link.node)):
            yield from _as_stretch(run, report)
            run = []
        if link is not None:
            run.append(link)
    yield from _as_stretch(run, report)


def _as_stretch(run: Sequence[Link], report: ShapeReport) -> Iterator[_Stretch]:
    if len(run) < _FEWEST or all(link.owner is None for link in run):
        return
    if any(_has_setting(value) for link in run for value in link.arguments.values()):
        return  # an nn.Sequential has no constructor that takes them
    first = next(ref for ref in run[0].node.arguments.values() if isinstance(ref, Ref))
    known = report.nodes.get(first.node)
    if known is not None and isinstance(known.result, TensorSpec) and not first.path:
        given = [report.nodes[link.node.id].result for link in run]
        alike = all(result == known.result for result in given)
        yield from _split(_Stretch(tuple(run), first, known.result, alike), report)


def _element(
    graph: Graph, node: Node, report: ShapeReport, inline: set[str], bound: Container[str]
) -> Link | None:
    """What an nn.Sequential holds for a node; None where it can hold nothing for it."""
    if node.kind not in ("layer", "operation"):
        return None
    known = report.nodes.get(node.id)
    link = link_of(graph, node, known)
    if isinstance(link, NoChain) or known is None or not isinstance(known.result, TensorSpec):
        return None
    owner = link.owner
    shared = owner is not None and len(graph.calls_of(owner.id)) > 1
    if shared and known.parameters + known.buffers:
        return None
    if owner is not None and (owner.block in inline or owner.id in bound):
        return None
    if owner is not None and owner.block is not None and owner.repeat > 1:
        return None  # an nn.Sequential of its own, by its own name
    read = [value for value in link.node.arguments.values() if value is not None]
    return link if len(read) == 1 and isinstance(read[0], Ref) and not read[0].path else None


def _bound(graph: Graph) -> frozenset[str]:
    """The owners that something reads a tensor of, or is tied to: they keep their places."""
    read = {node.target for node in graph.nodes.values() if node.kind == "weight"}
    ties = {
        o.id: {source for source, _ in o.ties.values()} for o in graph.owners.values() if o.ties
    }
    return frozenset(read.union(ties, *ties.values()))


def _has_setting(argument: Argument) -> bool:
    if isinstance(argument, tuple):
        return any(_has_setting(part) for part in argument)
    return isinstance(argument, Setting) or hasattr(argument, "op")


def _readers(live: Sequence[Node]) -> dict[str, list[str]]:
    """Who reads each node."""
    found: dict[str, list[str]] = {}
    for node in live:
        for read in {ref.node for value in node.arguments.values() for ref in _refs(value)}:
            found.setdefault(read, []).append(node.id)
    return found


def _follows(readers: Mapping[str, Sequence[str]], before: str, node: Node) -> bool:
    """Whether a node reads the one in front of it, and nothing else does."""
    read = next((ref for ref in node.arguments.values() if isinstance(ref, Ref)), None)
    return read == Ref(before) and list(readers.get(before, ())) == [node.id]


def _refs(argument: Argument) -> list[Ref]:
    found: list[Ref] = []

    def note(ref: Ref) -> Ref:
        found.append(ref)
        return ref

    map_refs(argument, note)
    return found


def _split(stretch: _Stretch, report: ShapeReport) -> Iterator[_Stretch]:
    """A stretch in its parts: an encoder and a decoder by the names of their layers, or two where
    pictures are flattened. Whole, unless all parts have layers enough.
    """
    links = stretch.links
    cuts = _new_parts(links) or [i for i, k in enumerate(links) if _key(k) in _FLATTENING][:1]
    ends = [0, *cuts, len(links)]
    if any(end - start < _FEWEST for start, end in pairwise(ends)):
        yield stretch
        return
    source, taken = stretch.source, stretch.taken
    for start, end in pairwise(ends):
        yield _Stretch(links[start:end], source, taken, stretch.alike)
        given = report.nodes[links[end - 1].node.id].result
        assert isinstance(given, TensorSpec)  # `_element` held it
        source, taken = Ref(links[end - 1].node.id), given


def _new_parts(links: Sequence[Link]) -> list[int]:
    """Where a part begins that is called otherwise than the one before: “decoder1” behind “encoder1”."""
    found: list[int] = []
    before = ""
    for place, link in enumerate(links):
        part = _part(link)
        if part and before and part != before:
            found.append(place)
        before = part or before
    return found


def _part(link: Link) -> str:
    """The part of a network that a layer's name says it belongs to, "" for none."""
    word = re.match(r"[a-z]+", link.owner.name) if link.owner is not None else None
    return word[0] if word is not None and word[0] in _PARTS else ""


def _key(link: Link) -> str:
    return link.entry.key if link.entry is not None else ""


# Making blocks of them ---------------------------------------------------------------------------


def _grouped(
    graph: Graph,
    scope: str,
    stretches: Sequence[_Stretch],
    blocks: dict[str, Graph],
    origin: dict[str, tuple[str, ...]],
) -> Graph:
    """The graph with each stretch as one call of a new block, which is added to `blocks`."""
    calls: dict[str, Node] = {}
    inside = {link.node.id for stretch in stretches for link in stretch.links}
    called = {node.target for node in graph.nodes.values() if node.id not in inside}
    moved = {link.owner.id for s in stretches for link in s.links if link.owner is not None}
    owners = {k: owner for k, owner in graph.owners.items() if k in called or k not in moved}
    places = {key: place for place, key in enumerate(graph.owners)}
    attributes = {owner.name for owner in owners.values()}
    attributes |= containers_of(attributes) | set(graph.settings)
    for stretch in stretches:
        name = suggest_name(_title(graph, stretch), attributes)
        attributes.add(name)
        owner = suggest_name(f"o_{name}", owners)
        port = _INPUT
        again = _repeated(stretch)
        if again is not None:
            owners[owner] = replace(again, id=owner, name=name, repeat=len(stretch.links))
            port = next(iter(stretch.links[0].node.arguments))
        else:
            block = suggest_name(f"{class_name(name)}Of{class_name(scope or graph.name)}", blocks)
            blocks[block] = _as_block(block, stretch)
            owners[owner] = Owner(owner, name, BLOCK_PREFIX + block)
        # Made where its first layer was: the same seed gives the same weights.
        made = [places[li.owner.id] for li in stretch.links if li.owner is not None]
        places[owner] = min(made, default=len(places))
        # Under the last one's id, so that whoever reads it reads the block.
        name = stretch.links[-1].node.name
        calls[stretch.last] = Node(stretch.last, "layer", name, owner, {port: stretch.source})
        keys = [f"{scope}/{link.node.id}" if scope else link.node.id for link in stretch.links]
        origin[keys[-1]] = tuple(keys)
        for link, key in zip(stretch.links, keys, strict=True) if again is None else ():
            origin[f"{block}/{link.node.id}"] = (key,)
    nodes = {
        key: calls.get(key, node)
        for key, node in graph.nodes.items()
        if key in calls or key not in inside
    }
    ordered = {key: owners[key] for key in sorted(owners, key=places.__getitem__)}
    return replace(graph, nodes=nodes, owners=ordered)


def _repeated(stretch: _Stretch) -> Owner | None:
    """The first of a stretch of nothing but equal blocks, which is one repeated; else None."""
    first, *others = stretch.links
    owner = first.owner
    if owner is None or owner.block is None or owner.repeat > 1 or not stretch.alike:
        return None
    same = all(
        other.owner is not None
        and (other.owner.target, other.owner.frozen, other.owner.repeat)
        == (owner.target, owner.frozen, 1)
        and repr(other.owner.arguments) == repr(owner.arguments)
        for other in others
    )
    return owner if same else None


def _title(graph: Graph, stretch: _Stretch) -> str:
    """What the nn.Sequential is called."""
    part = next(filter(None, map(_part, stretch.links)), "")
    if part:
        return part
    families = {link.entry.family for link in stretch.links if link.entry is not None}
    if "convolution" in families:
        return "features"
    flattened = _key(stretch.links[0]) in _FLATTENING
    ends = any(node.kind == "output" for node in graph.readers_of(stretch.last))
    return "classifier" if flattened and ends else "layers"


def _as_block(name: str, stretch: _Stretch) -> Graph:
    nodes: dict[str, Node] = {_INPUT: Node(_INPUT, "input", _INPUT, spec=stretch.taken)}
    owners: dict[str, Owner] = {}
    before = Ref(_INPUT)
    for place, link in enumerate(stretch.links):
        given = link.owner or Owner("", "", _key(link), link.arguments)
        owner = replace(given, id=link.node.id, name=str(place))
        owners[owner.id] = owner
        (port,) = [key for key, value in link.node.arguments.items() if value is not None]
        if link.owner is None:
            port = catalogue.get(owner.target).ports[0].name
        node = replace(link.node, kind="layer", target=owner.id, arguments={port: before})
        nodes[node.id] = node
        before = Ref(node.id)
    nodes[_OUTPUT] = Node(_OUTPUT, "output", _OUTPUT, arguments={"value": before})
    return Graph(name, nodes, owners)
