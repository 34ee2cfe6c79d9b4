"""Small networks for the tests of this room, written with few words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from builder import catalogue
from builder.catalogue.entry import Entry
from builder.catalogue.example import example
from builder.catalogue.feed import Feed
from builder.graph.model import Argument, Graph, Literals, Node, Norm, Owner, Ref, TensorSpec

MODULES = ("sequential", "ordered", "module", "functional", "mixed")
"""The styles that make an nn.Module."""


class Net:
    """A graph being written: each method adds a node and gives a reference to it."""

    def __init__(self, name: str = "Net", **settings: Literals) -> None:
        self.name, self.settings = name, settings
        self.nodes: dict[str, Node] = {}
        self.owners: dict[str, Owner] = {}
        self.blocks: dict[str, Graph] = {}

    def input(self, name: str, *shape: int | str, dtype: str = "float32") -> Ref:
        return self._add(Node(name, "input", name, spec=TensorSpec(shape, dtype)))

    def layer(self, name: str, kind: str, *read: Ref, **arguments: Any) -> Ref:
        """A layer of torch.nn that reads `read` at its first ports."""
        entry = catalogue.get(f"torch.nn.{kind}")
        ports = {p.name: ref for p, ref in zip(entry.ports, read, strict=False)}
        ports |= {n: arguments.pop(n) for n in list(arguments) if _is_call(entry, n)}
        self.owners[name] = Owner(name, name, entry.key, arguments)
        return self._add(Node(name, "layer", target=name, arguments=ports))

    def tensor(self, name: str, kind: str, *size: Argument, **arguments: Any) -> Ref:
        """A raw tensor ("parameter" or "buffer") and what gives it."""
        given = {"size": size, **arguments} if "made_by" not in arguments else arguments
        self.owners[name] = Owner(name, name, kind, given)
        return self.weight(name)

    def weight(self, owner: str, path: str = "") -> Ref:
        """What gives a tensor of an owner: raw ones without a path."""
        count = sum(n.kind == "weight" and n.target == owner for n in self.nodes.values())
        identity = f"{owner}_{path or 'tensor'}{count or ''}".replace(".", "_")
        given = {"name": path} if path else {}
        return self._add(Node(identity, "weight", target=owner, arguments=given))

    def tie(self, owner: str, path: str, other: str, other_path: str) -> None:
        """Makes a parameter of one owner that of another."""
        ties = {**self.owners[owner].ties, path: (other, other_path)}
        self.owners[owner] = replace(self.owners[owner], ties=ties)

    def norm(self, owner: str, kind: str, **arguments: Literals) -> None:
        """Computes a weight of a layer: kind "spectral_norm", or "parametrizations.spectral_norm"."""
        found = self.owners[owner]
        norms = (*found.norms, Norm(f"torch.nn.utils.{kind}", arguments))
        self.owners[owner] = replace(found, norms=norms)

    def again(self, owner: str, *read: Ref) -> Ref:
        """Another call of a layer."""
        first = next(n for n in self.nodes.values() if n.target == owner)
        ports = dict(zip(first.arguments, read, strict=False))
        count = sum(n.target == owner for n in self.nodes.values()) + 1
        return self._add(Node(f"{owner}_call{count}", "layer", target=owner, arguments=ports))

    def op(self, name: str, key: str, *read: Ref, **arguments: Argument) -> Ref:
        """An operation; `read` fill its first ports."""
        entry = catalogue.get(key)
        ports: dict[str, Argument] = {p.name: r for p, r in zip(entry.ports, read, strict=False)}
        return self._add(Node(name, "operation", name, entry.key, {**ports, **arguments}))

    def block(
        self,
        name: str,
        block: Graph,
        *read: Ref,
        repeat: int = 1,
        shared: bool = False,
        **given: Any,
    ) -> Ref:
        """A call of a block, which is added to the network."""
        self.blocks[block.name] = block
        self.owners[name] = Owner(
            name, name, f"block:{block.name}", given, repeat=repeat, shared=shared
        )
        ports = {p.name: r for p, r in zip(block.inputs, read, strict=True)}
        return self._add(Node(name, "layer", target=name, arguments=ports))

    def branch(self, name: str, condition: Argument, if_true: Ref, if_false: Ref) -> Ref:
        arguments = {"condition": condition, "if_true": if_true, "if_false": if_false}
        return self._add(Node(name, "branch", name, arguments=arguments))

    def output(self, value: Ref, name: str = "y") -> Ref:
        return self._add(Node(name, "output", name, arguments={"value": value}))

    def graph(self, blocks: Mapping[str, Graph] | None = None) -> Graph:
        return Graph(
            self.name, self.nodes, self.owners, self.settings, {**self.blocks, **(blocks or {})}
        )

    def _add(self, node: Node) -> Ref:
        assert node.id not in self.nodes
        self.nodes[node.id] = node
        return Ref(node.id)


def _is_call(entry: Entry, name: str) -> bool:
    return entry.port(name) is not None or any(p.name == name for p in entry.call_parameters)


def chain(*layers: tuple[str, str, dict[str, Any]], shape: tuple[Any, ...] = ("N", 16)) -> Graph:
    """Layers (name, kind, arguments) one behind the other."""
    net = Net()
    value = net.input("x", *shape)
    for name, kind, arguments in layers:
        value = net.layer(name, kind, value, **arguments)
    net.output(value)
    return net.graph()


def example_graph(entry: Entry) -> Graph:
    """One use of an entry, with its inferred arguments left out and each part of its result shown."""
    found = example(entry)
    net = Net("Example")
    ports: dict[str, Argument] = {}
    for port, feed in found.inputs.items():
        if isinstance(feed, tuple):
            ports[port] = tuple(_input(net, f"{port}{i}", f) for i, f in enumerate(feed))
        else:
            ports[port] = _input(net, port, feed)
    inferred = {p.name for p in entry.parameters if p.inferred is not None}
    arguments = {n: a for n, a in found.arguments.items() if n not in inferred}
    node = Node("node", "operation", "node", entry.key, {**ports, **found.call})
    if entry.kind == "layer":
        net.owners["owner"] = Owner("owner", "layer", entry.key, arguments)
        node = Node("node", "layer", "", "owner", {**ports, **found.call})
    net.nodes["node"] = node
    parts = catalogue.parts_of(entry, {**found.arguments, **found.call, **ports})
    for i, path in enumerate([part.path for part in parts] or [()]):
        net.output(Ref("node", path), f"y{i}")
    return net.graph()


def _input(net: Net, name: str, feed: Feed) -> Ref:
    return net.input(name, *feed.shape, dtype=feed.dtype)


def without_shapes(graph: Graph) -> Graph:
    """The network with inputs of which nothing is known."""
    nodes = {
        key: replace(node, spec=None) if node.kind == "input" else node
        for key, node in graph.nodes.items()
    }
    return replace(graph, nodes=nodes)


def whole_tuples() -> dict[str, Graph]:
    """Networks that give all that one layer or operation gives, shapes known and not."""
    lstm, chunk, beside, bare = Net(), Net(), Net(), Net()
    x = lstm.input("x", "N", 5, 4)
    lstm.output(lstm.layer("lstm", "LSTM", x, input_size=4, hidden_size=3))
    chunk.output(chunk.op("chunk", "torch.chunk", chunk.input("x", "N", 6), chunks=2, dim=1))
    x = beside.input("x", "N", 6)
    beside.output(beside.op("split", "torch.split", x, split_size=2, dim=1))
    beside.output(x, "z")
    x = bare.input("x", "N", 5, 8)
    sizes = {"embed_dim": 8, "num_heads": 2, "batch_first": True}
    bare.output(bare.layer("mha", "MultiheadAttention", x, x, x, need_weights=False, **sizes))
    known = {"lstm": lstm.graph(), "chunk": chunk.graph(), "beside": beside.graph()}
    known["mha"] = bare.graph()
    weightless = Net()
    x = weightless.input("x", "N", 5, 8)
    weightless.layer("mha", "MultiheadAttention", x, x, x, need_weights=False, **sizes)
    weightless.output(Ref("mha", (1,)))
    known["weightless"] = weightless.graph()
    return known | {f"{name}_unknown": without_shapes(graph) for name, graph in known.items()}
