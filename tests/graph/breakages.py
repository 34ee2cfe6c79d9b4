"""Ways to break a network, each with the node at which the problem must be found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from builder import catalogue
from builder.graph.model import (
    Graph,
    Node,
    Ref,
    TensorSpec,
    map_refs,
    primary_input,
    with_refs,
)
from builder.graph.shapes import infer_shapes


@dataclass(frozen=True)
class Broken:
    """`at`: the nodes at which the problem may be reported (usually one)."""

    name: str
    graph: Graph
    at: tuple[str, ...]


def with_argument(graph: Graph, node: str, name: str, value: Any) -> Graph:
    owner = graph.owners[graph.nodes[node].target]
    changed = replace(owner, arguments={**owner.arguments, name: value})
    return replace(graph, owners={**graph.owners, owner.id: changed})


def without_argument(graph: Graph, node: str, name: str) -> Graph:
    owner = graph.owners[graph.nodes[node].target]
    arguments = {n: v for n, v in owner.arguments.items() if n != name}
    return replace(graph, owners={**graph.owners, owner.id: replace(owner, arguments=arguments)})


def with_call(graph: Graph, node: str, **arguments: Any) -> Graph:
    old = graph.nodes[node]
    changed = replace(old, arguments={**old.arguments, **arguments})
    return replace(graph, nodes={**graph.nodes, node: changed})


def without_node(graph: Graph, node: str) -> Graph:
    """Its readers read what came into it."""
    into = primary_input(graph.nodes[node])
    assert into is not None
    nodes = {
        n.id: with_refs(n, lambda r: into if r.node == node else r)
        for n in graph.nodes.values()
        if n.id != node
    }
    return replace(graph, nodes=nodes)


def with_target(graph: Graph, node: str, target: str) -> Graph:
    owner = graph.owners[graph.nodes[node].target]
    return replace(graph, owners={**graph.owners, owner.id: replace(owner, target=target)})


def with_input(graph: Graph, *shape: int | str, dtype: str = "float32") -> Graph:
    node = replace(graph.nodes["x"], spec=TensorSpec(shape, dtype))
    return replace(graph, nodes={**graph.nodes, "x": node})


def breakages(graph: Graph) -> Iterator[Broken]:
    """Every way that applies to a network, at every place where it does."""
    report = infer_shapes(graph)
    for node in graph.nodes.values():
        owner = graph.owner_of(node)
        if owner is not None:
            entry = catalogue.get(owner.target)
            found = report.nodes[node.id]
            yield from _wrong_sizes(graph, node, dict(found.arguments), found.inferred)
            yield from _wrong_values(graph, node, dict(owner.arguments))
            yield from _wrong_layers(graph, node, entry.name)
        yield from _wrong_calls(graph, node)
        yield from _wrong_wires(graph, node)
    yield from _wrong_ends(graph)


def _wrong_sizes(
    graph: Graph, node: Node, arguments: dict[str, Any], inferred: frozenset[str]
) -> Iterator[Broken]:
    for name in inferred:
        for wrong in (arguments[name] * 2, max(arguments[name] - 1, arguments[name] + 1)):
            yield Broken(
                f"{node.id}.{name}={wrong}", with_argument(graph, node.id, name, wrong), (node.id,)
            )
    for name in ("kernel_size", "groups", "num_heads", "nhead", "num_groups", "upscale_factor"):
        if name in arguments:
            wrong = {"kernel_size": 999, "upscale_factor": 5}.get(
                name, 3 if arguments[name] != 3 else 5
            )
            broken = with_argument(graph, node.id, name, wrong)
            target = graph.owners[node.target].target
            if name == "kernel_size" and ("Transpose" in target or "Unpool" in target):
                continue  # what makes pictures larger takes any kernel
            yield Broken(f"{node.id}.{name}={wrong}", broken, (node.id,))
    if "output_size" not in arguments and graph.owners[node.target].target.endswith(
        "ConvTranspose2d"
    ):
        yield Broken(
            f"{node.id}.output_padding",
            with_argument(graph, node.id, "output_padding", 2),
            (node.id,),
        )
    if graph.owners[node.target].target.endswith("MaxPool2d"):
        yield Broken(f"{node.id}.padding", with_argument(graph, node.id, "padding", 4), (node.id,))


def _wrong_values(graph: Graph, node: Node, chosen: dict[str, Any]) -> Iterator[Broken]:
    for name, old in chosen.items():
        if isinstance(old, bool) or not isinstance(old, int | float) or name == "dim":
            continue
        for wrong in (-7, 10**30, "many", None):
            broken = with_argument(graph, node.id, name, wrong)
            parameter = catalogue.get(graph.owners[node.target].target).parameter(name)
            if parameter is not None and catalogue.check_literal(parameter, wrong) is None:
                continue
            yield Broken(f"{node.id}.{name}={wrong}", broken, (node.id,))
        parameter = catalogue.get(graph.owners[node.target].target).parameter(name)
        if parameter is not None and parameter.required:
            yield Broken(
                f"{node.id} without {name}", without_argument(graph, node.id, name), (node.id,)
            )
    for name in ("out_features", "out_channels"):
        if name in chosen:
            broken = with_argument(graph, node.id, name, 2_000_000_000)
            yield Broken(f"{node.id}.{name} huge", broken, (node.id,))
    if "batch_first" in chosen:
        broken = without_argument(graph, node.id, "batch_first")
        yield Broken(f"{node.id} without batch_first", broken, (node.id,))
    if "dim" in chosen:
        yield Broken(f"{node.id}.dim=5", with_argument(graph, node.id, "dim", 5), (node.id,))
        yield Broken(f"{node.id}.dim=0", with_argument(graph, node.id, "dim", 0), (node.id,))


def _wrong_layers(graph: Graph, node: Node, name: str) -> Iterator[Broken]:
    swaps = {
        "BatchNorm1d": "BatchNorm2d",
        "BatchNorm2d": "BatchNorm1d",
        "InstanceNorm2d": "InstanceNorm3d",
        "Conv2d": "Conv1d",
        "MaxPool2d": "MaxPool3d",
        "AvgPool2d": "AvgPool1d",
        "AdaptiveAvgPool2d": "AdaptiveAvgPool3d",
    }
    if name in swaps and not (name == "MaxPool2d" and "indices" in str(graph.owners[node.target])):
        target = f"torch.nn.{swaps[name]}"
        yield Broken(f"{node.id} as {swaps[name]}", with_target(graph, node.id, target), (node.id,))
    if name == "Flatten":
        readers = tuple(n.id for n in graph.readers_of(node.id))
        yield Broken(f"without {node.id}", without_node(graph, node.id), readers)
    if name in ("Conv2d", "MaxPool2d", "BatchNorm2d") and primary_input(node) == Ref("x"):
        first = tuple(n.id for n in graph.readers_of("x"))
        yield Broken("features into a picture layer", with_input(graph, "N", 64), first)
        yield Broken("a sequence into a picture layer", with_input(graph, "N", 20, 8), first)


def _wrong_calls(graph: Graph, node: Node) -> Iterator[Broken]:
    if node.target == "torch.cat":
        yield Broken("cat along dim 2", with_call(graph, node.id, dim=2), (node.id,))
        yield Broken("cat along dim 7", with_call(graph, node.id, dim=7), (node.id,))
    if node.target == "torch.Tensor.view":
        sizes = node.arguments["shape"]
        assert isinstance(sizes, tuple)
        for wrong in ((sizes[0], 100), (sizes[0], 3, 5), (32, sizes[1]), (sizes[0], -1, -1)):
            yield Broken(f"view {wrong[1:]}", with_call(graph, node.id, shape=wrong), (node.id,))
    if node.target == "torch.mean":
        yield Broken("mean over dim 4", with_call(graph, node.id, dim=4), (node.id,))
    if node.target == "operator.getitem":
        yield Broken("index 50", with_call(graph, node.id, index=(..., 50, 0)), (node.id,))
    if node.target == "operator.add":
        for source in (
            r.node for r in graph.nodes[node.id].arguments.values() if isinstance(r, Ref)
        ):
            for width in ("out_channels", "num_groups"):
                giver = graph.nodes[source]
                owner = graph.owner_of(giver)
                if owner is not None and width in owner.arguments and width == "out_channels":
                    yield Broken(
                        "add of unequal", with_argument(graph, source, width, 5), (node.id,)
                    )
        convs = [n for n in graph.nodes.values() if n.kind == "layer" and n.id == "conv2"]
        for conv in convs:
            broken = with_argument(graph, conv.id, "out_channels", 24)
            yield Broken("add after 24 channels", broken, (node.id,))
            broken = with_argument(graph, conv.id, "stride", 2)
            yield Broken("add after stride 2", broken, (node.id,))
            broken = with_argument(graph, conv.id, "padding", 0)
            yield Broken("add without padding", broken, (node.id,))


def _wrong_wires(graph: Graph, node: Node) -> Iterator[Broken]:
    for name, argument in node.arguments.items():
        if not isinstance(argument, Ref):
            continue
        rest = {n: a for n, a in node.arguments.items() if n != name}
        unwired = replace(graph, nodes={**graph.nodes, node.id: replace(node, arguments=rest)})
        yield Broken(f"{node.id}.{name} unwired", unwired, (node.id,))
        if argument.path:
            whole = with_call(graph, node.id, **{name: Ref(argument.node)})
            yield Broken(f"{node.id} reads the tuple", whole, (node.id,))
        lost = with_call(graph, node.id, **{name: Ref("gone")})
        yield Broken(f"{node.id} reads what is gone", lost, (node.id,))
    if node.kind == "layer" and node.id not in ("lstm",) and graph.readers_of(node.id):
        into = primary_input(node)
        skipped = {
            n.id: replace(
                n,
                arguments={
                    k: map_refs(a, lambda r: into if r.node == node.id and into else r)
                    for k, a in n.arguments.items()
                },
            )
            for n in graph.nodes.values()
        }
        broken = replace(graph, nodes=skipped)
        if node.id in ("relu1", "drop", "relu2", "norm"):
            yield Broken(f"{node.id} left unused", broken, (node.id,))


def _wrong_ends(graph: Graph) -> Iterator[Broken]:
    last = list(graph.nodes)[-2]
    nodes = {i: n for i, n in graph.nodes.items() if n.kind != "output"}
    yield Broken("no output", replace(graph, nodes=nodes), (last,))
    order = list(graph.nodes)
    order[1], order[2] = order[2], order[1]
    swapped = replace(graph, nodes={i: graph.nodes[i] for i in order})
    yield Broken("two nodes swapped", swapped, (order[1],))
    spec = graph.nodes["x"].spec
    assert spec is not None
    other = "float32" if spec.dtype == "int64" else "int64"
    first = [n.id for n in graph.readers_of("x")]
    if any(n.target == "flatten" for n in graph.readers_of("x")):
        first = ["fc1"]
    yield Broken(f"input {other}", with_input(graph, *spec.shape, dtype=other), tuple(first))
