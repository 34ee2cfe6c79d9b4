"""The ways in which people break a network, for any network: where it then shows, and nothing more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from builder import catalogue
from builder.graph.model import (
    Graph,
    Node,
    Owner,
    Ref,
    TensorSpec,
    Value,
    map_refs,
    primary_input,
    refs_in,
    with_refs,
)
from builder.graph.report import NodeReport, ShapeReport
from builder.graph.shapes import infer_shapes


@dataclass(frozen=True)
class Broken:
    """A broken network. `at`: the (block, node) at which the first problem may be, usually one."""

    way: str
    name: str
    graph: Graph
    at: frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Site:
    """One graph of a network, the root ("") or a block, with what is known there."""

    root: Graph
    block: str
    reports: tuple[ShapeReport, ...]

    @property
    def graph(self) -> Graph:
        return self.root.blocks[self.block] if self.block else self.root

    def report(self, node: str) -> NodeReport:
        return self.reports[0].nodes[node]

    def result(self, node: str) -> Value | None:
        return self.report(node).result

    def target(self, node: Node) -> str:
        owner = self.graph.owner_of(node)
        return owner.target if owner else node.target

    def name(self, node: Node) -> str:
        return self.target(node).rpartition(".")[2]

    def layers(self, *names: str) -> Iterator[Node]:
        """The nodes that call one of these, the first call of each owner."""
        seen = set()
        for node in self.graph.nodes.values():
            if self.name(node) in names and (node.kind != "layer" or node.target not in seen):
                seen.add(node.target)
                yield node

    def put(self, graph: Graph) -> Graph:
        """The whole network with this graph changed."""
        if not self.block:
            return graph
        return replace(self.root, blocks={**self.root.blocks, self.block: graph})

    def with_argument(self, node: Node, **arguments: Any) -> Graph:
        owner = self.graph.owners[node.target]
        changed = replace(owner, arguments={**owner.arguments, **arguments})
        return self.put(replace(self.graph, owners={**self.graph.owners, owner.id: changed}))

    def with_node(self, node: Node) -> Graph:
        return self.put(replace(self.graph, nodes={**self.graph.nodes, node.id: node}))

    def inserted(self, after: str, node: Node, owner: Owner | None = None) -> Graph:
        """A node that reads `after`, read by all that read `after` before."""
        nodes: dict[str, Node] = {}
        for old in self.graph.nodes.values():
            nodes[old.id] = with_refs(old, lambda r: Ref(node.id) if r.node == after else r)
            if old.id == after:
                nodes[after] = old
                nodes[node.id] = node
        owners = {**self.graph.owners, **({owner.id: owner} if owner else {})}
        return self.put(replace(self.graph, nodes=nodes, owners=owners))

    def without(self, node: Node) -> Graph:
        """A node deleted: its readers read what came into it."""
        into = primary_input(node) or Ref("")
        nodes = {
            other.id: with_refs(other, lambda r: into if r.node == node.id else r)
            for other in self.graph.nodes.values()
            if other.id != node.id
        }
        return self.put(replace(self.graph, nodes=nodes))

    def at(self, *nodes: str) -> frozenset[tuple[str, str]]:
        return frozenset((self.block, node) for node in nodes)

    def behind(self, node: str) -> list[str]:
        """What depends on a node, in this graph."""
        reached = {node}
        for other in self.graph.nodes.values():
            if any(ref.node in reached for ref in refs_in(other)):
                reached.add(other.id)
        return [n for n in self.graph.nodes if n in reached and n != node]


def sites(root: Graph) -> list[Site]:
    """The root and its blocks, with every size that is inferred written down as a person would."""
    report = infer_shapes(root)
    found: dict[str, tuple[ShapeReport, ...]] = {"": (report,)}
    _bodies(root, root, report, found)
    pinned = _pinned(root, found[""])
    blocks = {n: _pinned(b, found[n]) if n in found else b for n, b in root.blocks.items()}
    pinned = replace(pinned, blocks=blocks)
    return [Site(pinned, name, reports) for name, reports in found.items()]


def _bodies(
    root: Graph, graph: Graph, report: ShapeReport, found: dict[str, tuple[ShapeReport, ...]]
) -> None:
    for node in graph.nodes.values():
        owner = graph.owner_of(node)
        if owner is not None and owner.block is not None:
            bodies = report.nodes[node.id].body
            found[owner.block] = found.get(owner.block, ()) + bodies
            for body in bodies:
                _bodies(root, root.blocks[owner.block], body, found)


def _pinned(graph: Graph, reports: tuple[ShapeReport, ...]) -> Graph:
    owners = dict(graph.owners)
    for node in graph.nodes.values():
        owner = graph.owner_of(node)
        if owner is None or owner.block is not None:
            continue
        given = [report.nodes[node.id].arguments for report in reports]
        if all(arguments == given[0] for arguments in given):
            owners[owner.id] = replace(owner, arguments=dict(given[0]))
    return replace(graph, owners=owners)


def breaks(root: Graph) -> Iterator[Broken]:
    """Every way that applies, at every place where it does."""
    for site in sites(root):
        for way, breaker in WAYS.items():
            for name, graph, at in breaker(site):
                yield Broken(way, f"{site.block or 'root'}: {name}", graph, at)


Breaks = Iterator[tuple[str, Graph, frozenset[tuple[str, str]]]]


def wrong_in_features(site: Site) -> Breaks:
    """The number of the layer before the last change, twice too many, the one of its own result."""
    for node in site.layers("Linear", "LSTM", "GRU"):
        name = "in_features" if site.name(node) == "Linear" else "input_size"
        right = site.report(node.id).arguments[name]
        own = site.report(node.id).arguments.get("out_features")
        wrong = {right * 2, right + 1, own or right} - {right}  # type: ignore[operator]
        for number in sorted(wrong, key=str):
            changed = site.with_argument(node, **{name: number})
            yield f"{node.id}.{name}={number}", changed, site.at(node.id)


def missing_flatten(site: Site) -> Breaks:
    """Deleted: its readers read the picture."""
    for node in site.layers("Flatten", "flatten", "view"):
        readers = [n.id for n in site.graph.readers_of(node.id)]
        changed = site.without(node)
        yield f"without {node.id}", changed, site.at(*readers)


def swapped_channels(site: Site) -> Breaks:
    """in_channels of another layer, and pictures with their channels last."""
    for node in site.layers("Conv2d", "ConvTranspose2d"):
        right = site.report(node.id).arguments.get("in_channels")
        if "in_channels" not in site.graph.owners[node.target].arguments:
            continue
        for number in sorted({1, 3, site.report(node.id).arguments["out_channels"]} - {right}):  # type: ignore[type-var]
            changed = site.with_argument(node, in_channels=number)
            yield f"{node.id}.in_channels={number}", changed, site.at(node.id)
        before = primary_input(node)
        if before is not None and site.graph.nodes[before.node].kind != "branch":
            turn = Node("turn", "operation", "turn", "torch.permute", {
                "input": before, "dims": (0, 2, 3, 1),
            })  # fmt: skip
            changed = site.with_node(replace(node, arguments={"input": Ref("turn")}))
            again = Site(changed, site.block, site.reports)
            order = _with_before(again.graph, turn, node.id)
            # With as many channels as pixels in a row it fits: a picture is then no mistake to see.
            if site.report(node.id).inputs["input"].shape[3] != right:  # type: ignore[union-attr]
                yield f"channels last before {node.id}", again.put(order), site.at(node.id)
    for node in site.graph.inputs:
        spec = node.spec
        if spec is None or site.block or len(spec.shape) != 4 or spec.shape[1] == spec.shape[3]:
            continue
        wrong = TensorSpec((spec.shape[0], *spec.shape[2:], spec.shape[1]), spec.dtype)
        changed = site.with_node(replace(node, spec=wrong))
        first = _first_to_mind(site, node.id)
        if not all(_counts_channels(site.root, *at) for at in first):
            first = _downstream(site, node.id)
        yield f"{node.id} as {wrong}", changed, first


def _counts_channels(root: Graph, block: str, node: str) -> bool:
    graph = root.blocks[block] if block else root
    owner = graph.owner_of(graph.nodes[node])
    return owner is None or not owner.target.endswith("Conv2d") or "in_channels" in owner.arguments


def wrong_batch_norm(site: Site) -> Breaks:
    """One dimension too many or too few; put in where there is none."""
    for node in site.layers("BatchNorm1d", "BatchNorm2d"):
        for kind in {"BatchNorm1d", "BatchNorm2d", "BatchNorm3d"} - {site.name(node)}:
            owner = replace(site.graph.owners[node.target], target=f"torch.nn.{kind}")
            changed = replace(site.graph, owners={**site.graph.owners, owner.id: owner})
            yield f"{node.id} as {kind}", site.put(changed), site.at(node.id)
    for node in site.layers("Conv2d", "Linear"):
        for kind in ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d"):
            spec = site.result(node.id)
            fits = {2: "BatchNorm1d", 3: "BatchNorm1d", 4: "BatchNorm2d"}
            if not isinstance(spec, TensorSpec) or fits[len(spec.shape)] == kind:
                continue
            owner = Owner("added_norm", "added_norm", f"torch.nn.{kind}")
            norm = Node(
                "added_norm", "layer", target="added_norm", arguments={"input": Ref(node.id)}
            )
            yield (
                f"{kind} behind {node.id}",
                site.inserted(node.id, norm, owner),
                site.at("added_norm"),
            )


def too_big_a_step(site: Site) -> Breaks:
    """A kernel larger than the picture, or strides that leave another size than was counted on."""
    for node in site.layers("Conv2d", "MaxPool2d", "AvgPool2d"):
        for kernel in (999, (999, 3)):
            changed = site.with_argument(node, kernel_size=kernel)
            yield f"{node.id}.kernel_size={kernel}", changed, site.at(node.id)
        for stride in (4, 40):
            changed = site.with_argument(node, stride=stride)
            if infer_shapes(changed).ok:
                continue  # an AdaptiveAvgPool takes what comes
            yield f"{node.id}.stride={stride}", changed, _downstream(site, node.id)


def unequal_merge(site: Site) -> Breaks:
    """A width changed on one way into a merge, and a shortcut around a layer that changes the size."""
    for node in site.layers("add", "sub", "cat"):
        for ref in refs_in(node):
            giver = site.graph.nodes[ref.node]
            owner = site.graph.owner_of(giver)
            for width in ("out_features", "out_channels"):
                if owner is None or width not in owner.arguments:
                    continue
                changed = site.with_argument(giver, **{width: int(owner.arguments[width]) + 3})  # type: ignore[arg-type]
                if infer_shapes(changed).ok:
                    continue  # the layers behind take what comes
                where = {node.id, *site.behind(node.id)} if site.name(node) == "cat" else {node.id}
                yield f"{giver.id}.{width} before {node.id}", changed, site.at(*where)
    for node in site.layers("Linear", "Conv2d"):
        before = primary_input(node)
        into, out = site.report(node.id).inputs.get("input"), site.result(node.id)
        if before is None or not isinstance(into, TensorSpec) or not isinstance(out, TensorSpec):
            continue
        if any(a != b and 1 not in (a, b) for a, b in zip(into.shape, out.shape, strict=True)):
            ports = {"input": Ref(node.id), "other": before}
            add = Node("shortcut", "operation", "shortcut", "operator.add", ports)
            yield f"shortcut around {node.id}", site.inserted(node.id, add), site.at("shortcut")


def integers(site: Site) -> Breaks:
    """Whole numbers where real ones are computed with; the Embedding left out."""
    for node in site.graph.inputs:
        if site.block or node.spec is None or node.spec.dtype != "float32":
            continue
        wrong = replace(node, spec=TensorSpec(node.spec.shape, "int64"))
        yield f"{node.id} of int64", site.with_node(wrong), _first_to_mind(site, node.id)
    for node in site.layers("Embedding"):
        changed = site.without(node)
        yield f"without {node.id}", changed, _first_to_mind(site, node.id)


def tuples(site: Site) -> Breaks:
    """The whole of an LSTM, of a pooling with indices, of a chunk, into the next layer."""
    for node in site.graph.nodes.values():
        for port, argument in node.arguments.items():
            if isinstance(argument, Ref) and argument.path:
                arguments = {**node.arguments, port: Ref(argument.node)}
                changed = site.with_node(replace(node, arguments=arguments))
                yield f"{node.id} reads all of {argument.node}", changed, site.at(node.id)
    for node in site.layers("MaxPool2d"):
        changed = site.with_argument(node, return_indices=True)
        calls = [n.id for n in site.graph.calls_of(node.target)]
        first = {r.id for call in calls for r in site.graph.readers_of(call)}
        yield f"{node.id} with indices", changed, site.at(*first) | _downstream(site, node.id)
    for node in site.layers("Linear"):
        into = site.report(node.id).inputs.get("input")
        readers = [r for r in site.graph.readers_of(node.id) if r.kind in ("layer", "operation")]
        if len(readers) != 1 or not isinstance(into, TensorSpec):
            continue
        parts = Node("parts", "operation", "parts", "torch.chunk", {
            "input": Ref(node.id), "chunks": 1, "dim": -1,
        })  # fmt: skip
        yield f"a chunk behind {node.id}", site.inserted(node.id, parts), site.at(readers[0].id)


def wrong_heads(site: Site) -> Breaks:
    """Heads that do not divide embed_dim; attention put in where there is a sequence."""
    for node in site.layers("MultiheadAttention"):
        for heads in (3, 5, 7):
            yield (
                f"{node.id}.num_heads={heads}",
                site.with_argument(node, num_heads=heads),
                site.at(node.id),
            )
    for node in site.layers("Embedding"):
        for heads in (3, 5, 7):
            arguments = {"num_heads": heads, "batch_first": True}
            owner = Owner("heads", "heads", "torch.nn.MultiheadAttention", arguments)
            ports = dict.fromkeys(("query", "key", "value"), Ref(node.id))
            attention = Node("heads", "layer", target="heads", arguments=ports)
            graph = site.inserted(node.id, attention, owner)
            changed = Site(graph, site.block, site.reports)
            nodes = {
                n.id: with_refs(n, lambda r: Ref("heads", (0,)) if r.node == "heads" else r)
                for n in changed.graph.nodes.values()
            }
            whole = changed.put(replace(changed.graph, nodes=nodes))
            yield f"{heads} heads behind {node.id}", whole, site.at("heads")


def cut_wires(site: Site) -> Breaks:
    """Every wire in turn."""
    for node in site.graph.nodes.values():
        for port, argument in node.arguments.items():
            if isinstance(argument, Ref):
                rest = {n: a for n, a in node.arguments.items() if n != port}
                changed = site.with_node(replace(node, arguments=rest))
                if not any(p.severity == "error" for p in infer_shapes(changed).problems):
                    continue  # the port is optional
                yield f"{node.id}.{port} cut", changed, site.at(node.id)
            elif isinstance(argument, tuple) and any(isinstance(a, Ref) for a in argument):
                gone = map_refs(argument, lambda r: Ref("gone"))
                changed = site.with_node(replace(node, arguments={**node.arguments, port: gone}))
                yield f"{node.id}.{port} lost", changed, site.at(node.id)


def _with_before(graph: Graph, node: Node, before: str) -> Graph:
    nodes: dict[str, Node] = {}
    for old in graph.nodes.values():
        if old.id == before:
            nodes[node.id] = node
        nodes[old.id] = old
    return replace(graph, nodes=nodes)


def _first_to_mind(site: Site, source: str) -> frozenset[tuple[str, str]]:
    """The layers a value reaches first that compute with it: past what only passes it on."""
    found: set[tuple[str, str]] = set()
    waiting = [(site.block, source)]
    while waiting:
        block, node_id = waiting.pop()
        graph = site.root.blocks[block] if block else site.root
        for reader in graph.readers_of(node_id):
            found.add((block, reader.id))
            owner = graph.owner_of(reader)
            if owner is not None and owner.block is not None:
                ports = [i.id for i in site.root.blocks[owner.block].inputs]
                waiting += [(owner.block, port) for port in ports]
            else:
                key = owner.target if owner else reader.target
                entry = catalogue.entries().get(key)
                if entry is None or entry.family in ("shape", "arithmetic", "other", "activation"):
                    waiting.append((block, reader.id))
    return frozenset(found)


def _downstream(site: Site, node: str) -> frozenset[tuple[str, str]]:
    """What depends on a node, also behind the calls of its block."""
    found = set(site.at(node, *site.behind(node)))
    if site.block:
        for graph, block in ((site.root, ""), *((b, n) for n, b in site.root.blocks.items())):
            calls = [n for n in graph.nodes.values() if _calls(graph, n, site.block)]
            outer = Site(site.root, block, ())
            found |= {at for call in calls for at in outer.at(call.id, *outer.behind(call.id))}
            found |= site.at(*site.graph.nodes)  # a later call meets what an earlier one gave
    inner = {
        owner.block
        for block, node_id in found
        for graph in [site.root.blocks[block] if block else site.root]
        if (owner := graph.owner_of(graph.nodes[node_id])) is not None and owner.block
    }
    return frozenset(found | {(b, n) for b in inner if b for n in site.root.blocks[b].nodes})


def _calls(graph: Graph, node: Node, block: str) -> bool:
    owner = graph.owner_of(node)
    return owner is not None and owner.block == block


WAYS: dict[str, Callable[[Site], Breaks]] = {
    "wrong in_features": wrong_in_features,
    "missing Flatten": missing_flatten,
    "channels swapped": swapped_channels,
    "BatchNorm of the wrong dimension": wrong_batch_norm,
    "kernel or stride too big": too_big_a_step,
    "merge of unequal shapes": unequal_merge,
    "integers": integers,
    "a tuple": tuples,
    "heads": wrong_heads,
    "a cut wire": cut_wires,
}
