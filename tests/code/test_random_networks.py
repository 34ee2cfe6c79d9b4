"""Random networks: what is written computes what the graph means, with the shapes it shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from hypothesis import HealthCheck, given, settings
from torch import nn

from builder.code import build_module, why_not_chain, write_code
from builder.graph.model import Graph, TensorSpec, Value
from builder.graph.shapes import infer_shapes
from builder.graph.symbols import dim_per_sample
from tests.code.networks import MODULES
from tests.code.reference import Reference, random_inputs
from tests.code.test_catalogue import assert_same
from tests.strategies import chains, graphs

QUIET = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
BATCH = 3


def shapes_of(value: Any) -> Any:
    return tuple(map(shapes_of, value)) if isinstance(value, tuple) else tuple(value.shape)


def expected_shapes(value: Value | None) -> Any:
    if isinstance(value, tuple):
        return tuple(map(expected_shapes, value))
    assert isinstance(value, TensorSpec)
    return tuple(d if isinstance(d, int) else BATCH * dim_per_sample(d) for d in value.shape)


@QUIET
@given(graphs())
def test_a_network_computes_what_its_graph_means(graph: Graph) -> None:
    report = infer_shapes(graph)
    torch.manual_seed(0)
    model = build_module(graph, report=report)
    torch.manual_seed(0)
    reference = Reference(graph)
    assert_same(list(model.state_dict().values()), reference.values())
    inputs = random_inputs(graph, BATCH)
    for training in (False, True):
        torch.manual_seed(1)
        result = model.train(training)(*inputs)
        torch.manual_seed(1)
        assert_same(result, reference.run(inputs, training))
        assert shapes_of(result) == expected_shapes(report.result)


@QUIET
@given(chains())
def test_a_chain_is_the_same_in_every_style(graph: Graph) -> None:
    report = infer_shapes(graph)
    assert why_not_chain(graph, report=report) is None
    models = []
    for style in MODULES:
        torch.manual_seed(0)
        models.append(build_module(graph, style, report=report))
    assert_all_the_same(graph, models)


@QUIET
@given(graphs())
def test_a_network_is_the_same_in_every_style(graph: Graph) -> None:
    report = infer_shapes(graph)
    models = []
    for style in ("module", "functional", "mixed"):
        torch.manual_seed(0)
        models.append(build_module(graph, style, report=report))
    assert_all_the_same(graph, models)


def assert_all_the_same(graph: Graph, models: Sequence[nn.Module]) -> None:
    """Same weights in the same order, same outputs to the last bit."""
    first, *others = models
    inputs = random_inputs(graph, BATCH)
    for other in others:
        assert_same(list(first.state_dict().values()), list(other.state_dict().values()))
    for training in (False, True):
        results = []
        for model in models:
            torch.manual_seed(1)
            results.append(model.train(training)(*inputs))
        for result in results[1:]:
            assert_same(results[0], result)


@QUIET
@given(graphs())
def test_frozen_layers_are_frozen_in_the_module(graph: Graph) -> None:
    report = infer_shapes(graph)
    model = build_module(graph, report=report)
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    total = sum(p.numel() for p in model.parameters())
    assert (total, trainable) == (report.totals.parameters, report.totals.trainable)


@QUIET
@given(graphs())
def test_writing_twice_gives_the_same_text(graph: Graph) -> None:
    assert write_code(graph) == write_code(graph)
