"""Dimensions that torch reads without a batch: what it runs is no error, what it misreads is said."""

from __future__ import annotations

from typing import Any

import pytest

from builder.graph.diagnostics import Diagnostic
from builder.graph.model import Graph
from builder.graph.repairs import repairs_for
from builder.graph.shapes import infer_shapes
from tests.graph.sound_networks import Net


def one(kind: str, *shape: int | str, **arguments: Any) -> Graph:
    net = Net(*shape)
    net.layer("it", kind, **arguments)
    return net.done()


def problem(graph: Graph) -> Diagnostic:
    (found,) = [p for p in infer_shapes(graph).problems if p.node == "it"]
    return found


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        ("MaxPool1d", {"kernel_size": 2}),
        ("AvgPool1d", {"kernel_size": 2}),
        ("AdaptiveAvgPool1d", {"output_size": 4}),
    ],
)
def test_pooling_of_features_runs_and_is_only_warned_of(
    kind: str, arguments: dict[str, Any]
) -> None:
    graph = one(kind, "N", 8, **arguments)
    report = infer_shapes(graph)
    assert report.ok
    assert str(report.result) == "N×4"
    assert "Torch reads the batch as channels, which here gives the same." in problem(graph).message


def test_a_convolution_along_the_batch_is_only_warned_of() -> None:
    graph = one("Conv1d", 4, "N", out_channels=2, kernel_size=1)
    assert infer_shapes(graph).ok
    assert problem(graph).message.endswith(
        "Torch reads one sequence without a batch, N as its length."
    )


def test_a_convolution_that_would_take_the_batch_for_channels_stays_an_error() -> None:
    graph = one("Conv1d", "N", 8, out_channels=2, kernel_size=1)
    assert not infer_shapes(graph).ok
    assert "unflatten them into a sequence, or use Linear" in problem(graph).message


def test_sequences_are_not_called_pictures() -> None:
    graph = one("Conv1d", "N", 4, 2, out_channels=2, kernel_size=5)
    assert problem(graph).message.endswith("or shrink the sequence less before.")


def test_padding_the_batch_is_warned_of() -> None:
    graph = one("ZeroPad2d", "N", 8, padding=1)
    found = problem(graph)
    assert found.severity == "warning"
    assert "pads the last 2 sizes of N×8, from “x”, and the batch is one of them." in found.message
    assert infer_shapes(one("ZeroPad2d", "N", 8, 8, padding=1)).problems == ()


@pytest.mark.parametrize("kind", ["Dropout1d", "Dropout2d"])
def test_features_get_a_plain_dropout(kind: str) -> None:
    graph = one(kind, "N", 8)
    found = problem(graph)
    assert found.message.endswith("Dropout says what is meant.")
    assert repairs_for(graph, found)[0].label == f"Use Dropout in place of {kind}"
