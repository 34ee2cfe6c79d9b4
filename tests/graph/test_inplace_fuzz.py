"""Random networks with in-place layers: an error is found exactly where torch's backward pass fails."""

from __future__ import annotations

import random

import torch
from torch import Tensor

from builder import catalogue
from builder.graph.model import Graph, Ref
from builder.graph.shapes import infer_shapes
from tests.graph.sound_networks import Net

SEEDS = range(600)
PLAIN = ("Linear", "Sigmoid", "ReLU", "Tanh", "Identity", "LayerNorm")
IN_PLACE = ("ReLU", "ELU", "SiLU", "Hardtanh", "Dropout")
SUMS = ("operator.add", "operator.mul")


def random_network(seed: int) -> Graph:
    """3 to 8 calls, each of one of the last three values; sums and products of any two."""
    draw = random.Random(seed)
    net, values = Net("N", 6), [Ref("x")]
    for i in range(draw.randint(3, 8)):
        source, chance = draw.choice(values[-3:]), draw.random()
        if chance < 0.25:
            other = draw.choice(values)
            value = net.op(f"n{i}", draw.choice(SUMS), input=source, other=other)
        elif chance < 0.33:
            value = net.op(f"n{i}", "torch.Tensor.view", input=source, shape=(-1, 6))
        elif chance < 0.66:
            value = net.layer(f"n{i}", draw.choice(IN_PLACE), source, inplace=True)
        else:
            kind = draw.choice(PLAIN)
            more = {"out_features": 6} if kind == "Linear" else {}
            value = net.layer(f"n{i}", kind, source, **more)
        values.append(value)
    return net.done()


def backward_fails(graph: Graph) -> bool:
    report, values = infer_shapes(graph), {"x": torch.rand(3, 6)}
    for node in graph.nodes.values():
        if node.kind in ("input", "output"):
            continue
        owner = graph.owner_of(node)
        entry = catalogue.get(owner.target if owner else node.target)
        target = catalogue.target_of(entry)
        if owner is not None:
            target = catalogue.build_layer(entry, report.nodes[node.id].arguments)
        read = {n: values[a.node] if isinstance(a, Ref) else a for n, a in node.arguments.items()}
        positional, keywords = catalogue.call_arguments(entry, read, training=True)
        values[node.id] = target(*positional, **keywords)
    result: Tensor = values[list(graph.nodes)[-2]]
    if not result.requires_grad:
        return False
    try:
        result.sum().backward()  # type: ignore[no-untyped-call]
    except RuntimeError as error:
        assert "modified by an inplace operation" in str(error)
        return True
    return False


def test_an_error_is_found_exactly_where_torchs_backward_pass_fails() -> None:
    failed = 0
    for seed in SEEDS:
        graph = random_network(seed)
        found = [p.message for p in infer_shapes(graph).errors]
        fails = backward_fails(graph)
        assert bool(found) == fails, (seed, found)
        failed += fails
    assert 20 <= failed <= len(SEEDS) // 2
