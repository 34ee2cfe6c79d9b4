"""Small networks that the tests of edits start from, and short ways to look at them."""

from __future__ import annotations

from builder.graph.model import Graph, Node, Owner, Ref, TensorSpec

NN = "torch.nn."


def layer(graph: Graph, name: str, target: str, reads: str, **arguments: object) -> Graph:
    """The graph with a layer at its end that reads a node."""
    owner = Owner(name, name, target if ":" in target else NN + target, arguments)  # type: ignore[arg-type]
    port = "x" if ":" in target else "input"
    node = Node(name, "layer", "", name, {port: Ref(reads)})
    return Graph(
        graph.name,
        {**graph.nodes, name: node},
        {**graph.owners, name: owner},
        graph.settings,
        graph.blocks,
    )


def operation(graph: Graph, name: str, target: str, **arguments: object) -> Graph:
    """The graph with an operation at its end."""
    node = Node(name, "operation", name, target, arguments)  # type: ignore[arg-type]
    return Graph(
        graph.name, {**graph.nodes, name: node}, graph.owners, graph.settings, graph.blocks
    )


def output(graph: Graph, reads: str, name: str = "output") -> Graph:
    """The graph with an output at its end."""
    node = Node(name, "output", name, "", {"value": Ref(reads)})
    return Graph(
        graph.name, {**graph.nodes, name: node}, graph.owners, graph.settings, graph.blocks
    )


def start(*shape: int | str, name: str = "Model") -> Graph:
    """A graph with the input x."""
    x = Node("x", "input", "x", spec=TensorSpec(shape or ("N", 8)))
    return Graph(name, {"x": x})


def mlp() -> Graph:
    """x → fc1 → relu → fc2 → output, all 8 wide."""
    graph = layer(start(), "fc1", "Linear", "x", out_features=8)
    graph = layer(layer(graph, "relu", "ReLU", "fc1"), "fc2", "Linear", "relu", out_features=8)
    return output(graph, "fc2")


def skip() -> Graph:
    """x → fc1 → relu → add(relu, x) → output."""
    graph = layer(layer(start(), "fc1", "Linear", "x", out_features=8), "relu", "ReLU", "fc1")
    graph = operation(graph, "add", "operator.add", input=Ref("relu"), other=Ref("x"))
    return output(graph, "add")


def wires(graph: Graph) -> list[str]:
    """Who reads what, in running order: ["fc1: x", "add: relu x", …]; inputs stand alone."""
    lines = []
    for node in graph.nodes.values():
        read = [_text(part) for a in node.arguments.values() for part in _flat(a)]
        lines.append(f"{node.id}: {' '.join(r for r in read if r)}" if read else node.id)
    return lines


def _flat(argument: object) -> list[object]:
    return [p for a in argument for p in _flat(a)] if isinstance(argument, tuple) else [argument]


def _text(argument: object) -> str:
    if not isinstance(argument, Ref):
        return ""
    return argument.node + "".join(f"[{i}]" for i in argument.path)
