"""How long an edit takes until its feedback is there: `apply` and `infer_shapes`.

    python benchmarks/edit_feedback.py

Each round changes the width of the layer in the middle to one never seen before, so that this layer
and those that follow from it are really asked again on the meta device. Goal: at most 5 ms at 100
layers (95th percentile).
"""

from __future__ import annotations

import gc
import statistics
import time

from builder.graph.edits import SetArgument, apply
from builder.graph.model import Graph, Node, Owner, Ref, TensorSpec
from builder.graph.shapes import forget, infer_shapes

ROUNDS = 100
GOAL_MILLISECONDS = 5.0
SIZES = (10, 100, 1000)


def mlp(layers: int) -> Graph:
    """Linear and ReLU in turn, 64 wide."""
    kinds = [("Linear", {"out_features": 64}), ("ReLU", {})]
    return chain(TensorSpec(("N", 64)), [kinds[i % 2] for i in range(layers)])


def conv_bn_relu(layers: int) -> Graph:
    """Conv2d, BatchNorm2d and ReLU in turn, 16 channels on 32×32."""
    conv = ("Conv2d", {"out_channels": 16, "kernel_size": 3, "padding": 1})
    kinds = [conv, ("BatchNorm2d", {}), ("ReLU", {})]
    return chain(TensorSpec(("N", 3, 32, 32)), [kinds[i % 3] for i in range(layers)])


def chain(spec: TensorSpec, kinds: list[tuple[str, dict[str, int]]]) -> Graph:
    """Layers one behind the other."""
    nodes = {"x": Node("x", "input", "x", spec=spec)}
    owners = {}
    last = "x"
    for i, (kind, arguments) in enumerate(kinds):
        name = f"{kind.lower()}{i}"
        owners[name] = Owner(name, name, f"torch.nn.{kind}", arguments)
        nodes[name] = Node(name, "layer", target=name, arguments={"input": Ref(last)})
        last = name
    nodes["out"] = Node("out", "output", "out", arguments={"value": Ref(last)})
    return Graph("Chain", nodes, owners)


def middle(graph: Graph) -> tuple[str, str]:
    """The layer with a width that stands nearest to the middle, and its argument."""
    wide = [
        (node.id, name)
        for node in graph.nodes.values()
        for name in ("out_features", "out_channels")
        if (owner := graph.owner_of(node)) is not None and name in owner.arguments
    ]
    return wide[len(wide) // 2]


def measure(graph: Graph) -> tuple[float, float, float]:
    """Milliseconds: the first pass with nothing remembered, then the median and the p95 of edits."""
    forget()
    start = time.perf_counter()
    infer_shapes(graph)
    first = (time.perf_counter() - start) * 1000
    node, argument = middle(graph)
    times = []
    for i in range(ROUNDS):
        start = time.perf_counter()
        graph = apply(graph, SetArgument(node, argument, 65 + i))
        report = infer_shapes(graph)
        times.append((time.perf_counter() - start) * 1000)
        assert not report.problems, report.problems[0].message
    return first, statistics.median(times), statistics.quantiles(times, n=20)[-1]


def main() -> None:
    """Prints the table."""
    infer_shapes(mlp(4))  # imports, and torch's first use of the meta device
    infer_shapes(conv_bn_relu(6))
    gc.collect()
    gc.freeze()  # as the app does after its imports
    print(f"{'network':<14}{'layers':>7}{'first pass':>13}{'edit p50':>11}{'edit p95':>11}   goal")
    for make in (mlp, conv_bn_relu):
        for layers in SIZES:
            first, median, high = measure(make(layers))
            goal = ""
            if layers == 100:
                goal = f"≤ {GOAL_MILLISECONDS:g} ms: {'met' if high <= GOAL_MILLISECONDS else 'missed'}"
            print(
                f"{make.__name__:<14}{layers:>7}{first:>10.1f} ms{median:>8.2f} ms{high:>8.2f} ms   {goal}"
            )


if __name__ == "__main__":
    main()
