"""Small networks, written out by hand so that the tests depend on no other room's edits."""

from __future__ import annotations

from collections.abc import Mapping

from builder.graph.model import Argument, Dim, Graph, Node, Owner, Ref, TensorSpec


def chain(
    layers: Mapping[str, tuple[str, Mapping[str, Argument]]],
    shape: tuple[Dim, ...] = ("N", 16),
    dtype: str = "float32",
    name: str = "Net",
) -> Graph:
    """An input "x", layers by name as (torch.nn class, arguments), an output "y"."""
    nodes = {"x": Node("x", "input", "x", spec=TensorSpec(shape, dtype))}
    owners = {}
    before = "x"
    for label, (kind, arguments) in layers.items():
        owners[f"o_{label}"] = Owner(f"o_{label}", label, f"torch.nn.{kind}", arguments)
        nodes[label] = Node(label, "layer", target=f"o_{label}", arguments={"input": Ref(before)})
        before = label
    nodes["y"] = Node("y", "output", "y", arguments={"value": Ref(before)})
    return Graph(name, nodes, owners)


def mlp() -> Graph:
    """Seed 001's 16-12-10-1."""
    return chain(
        {
            "fc1": ("Linear", {"out_features": 12}),
            "relu1": ("ReLU", {}),
            "fc2": ("Linear", {"out_features": 10}),
            "relu2": ("ReLU", {}),
            "fc3": ("Linear", {"out_features": 1}),
        }
    )


def repeated() -> Graph:
    """A block of Linear and ReLU, called six times in a row, between an input and an output."""
    block = chain(
        {"fc": ("Linear", {"out_features": 8}), "relu": ("ReLU", {})}, ("N", 8), name="Step"
    )
    return Graph(
        "Deep",
        {
            "x": Node("x", "input", "x", spec=TensorSpec(("N", 8))),
            "steps": Node("steps", "layer", target="o", arguments={"x": Ref("x")}),
            "y": Node("y", "output", "y", arguments={"value": Ref("steps")}),
        },
        {"o": Owner("o", "steps", "block:Step", repeat=6)},
        blocks={"Step": block},
    )
