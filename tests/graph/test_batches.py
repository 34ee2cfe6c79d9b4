"""What a call does with the rows of a batch: a batch that is too small, and rows that are mixed."""

from __future__ import annotations

from typing import Any

import pytest

from builder import catalogue
from builder.graph import meta
from builder.graph.edits import apply
from builder.graph.model import Graph, Ref, Slice
from builder.graph.repairs import repairs_for
from builder.graph.shapes import infer_shapes
from tests.graph.sound_networks import Net
from tests.graph.test_checks import op

SMALL: list[tuple[str, dict[str, Any], int]] = [
    ("torch.topk", {"k": 8, "dim": 0}, 8),
    ("torch.select", {"dim": 0, "index": 8}, 9),
    ("torch.select", {"dim": 0, "index": -3}, 3),
    ("torch.narrow", {"dim": 0, "start": 2, "length": 8}, 10),
    ("torch.chunk", {"chunks": 8, "dim": 0}, 8),
    ("torch.diagonal", {}, 16),
    ("operator.getitem", {"index": 8}, 9),
    ("operator.getitem", {"index": Slice(None, 8)}, 8),
]
MIXED: list[tuple[str, dict[str, Any]]] = [
    ("torch.flip", {"dims": (0,)}),
    ("torch.flip", {"dims": (-2, -1)}),
    ("torch.roll", {"shifts": 1, "dims": 0}),
    ("torch.roll", {"shifts": 1}),
    ("torch.sort", {"dim": 0}),
    ("torch.argsort", {"dim": -2}),
    ("torch.cumsum", {"dim": 0}),
    ("torch.nn.functional.normalize", {"dim": 0}),
    ("torch.reshape", {"shape": (16, -1)}),
]


def kinds(graph: Graph) -> list[str]:
    return [p.kind for p in infer_shapes(graph).problems if p.node == "it"]


@pytest.mark.parametrize(("key", "arguments", "least"), SMALL)
def test_what_needs_a_larger_batch_than_the_last_one_says_how_large(
    key: str, arguments: dict[str, Any], least: int
) -> None:
    (problem,) = (p for p in infer_shapes(op(key, "N", 16, **arguments)).problems if p.node == "it")
    assert (problem.kind, problem.severity) == ("least_batch", "warning")
    assert f"works only for N ≥ {least} on N×16, from “x”" in problem.message


@pytest.mark.parametrize(("key", "arguments", "least"), SMALL)
def test_torch_agrees_about_the_smallest_batch(
    key: str, arguments: dict[str, Any], least: int
) -> None:
    import torch

    def runs(rows: int) -> object:
        entry = catalogue.get(key)
        values = {"input": torch.zeros(rows, 16)}
        literals = {name: meta.to_torch(value) for name, value in arguments.items()}
        positional, keywords = catalogue.call_arguments(entry, {**values, **literals})
        try:
            result = catalogue.target_of(entry)(*positional, **keywords)
        except (RuntimeError, IndexError):
            return None
        return len(result) if isinstance(result, tuple) and key == "torch.chunk" else _shape(result)

    assert runs(least) == runs(least * 8)
    assert runs(least - 1) != runs(least)


def _shape(result: Any) -> object:
    return tuple(result[0].shape) if isinstance(result, tuple) else tuple(result.shape)


def test_what_takes_from_each_sample_needs_no_larger_batch() -> None:
    assert kinds(op("torch.topk", "N", 16, k=8, dim=1)) == []
    assert kinds(op("operator.getitem", "N", 16, index=(Slice(), 8))) == []
    assert kinds(op("torch.chunk", "N", 16, chunks=2, dim=0)) == []  # two halves of a batch


@pytest.mark.parametrize(("key", "arguments"), MIXED)
def test_rows_that_meet_each_other_are_a_warning(key: str, arguments: dict[str, Any]) -> None:
    assert kinds(op(key, "N", 16, **arguments)) == ["rows_mixed"]


def test_the_sentence_names_the_dimension_and_is_mended_by_another() -> None:
    graph = op("torch.flip", "N", 3, 32, 32, dims=(0,))
    (problem,) = infer_shapes(graph).problems
    assert problem.message == (
        "flip “it” works along the batch of N×3×32×32 from “x” (dims=(0,)): it mixes the rows of a batch, "
        "so what one sample gives depends on the others. Set dims to (-1,)."
    )
    first, *_ = repairs_for(graph, problem)
    assert first.label == "Set dims to (-1,)"
    assert infer_shapes(apply(graph, first.edit)).problems == ()


@pytest.mark.parametrize(
    ("key", "arguments"),
    [
        ("torch.flip", {"dims": (1,)}),
        ("torch.cumsum", {"dim": -1}),
        ("torch.transpose", {"dim0": 0, "dim1": 1}),
        ("torch.unsqueeze", {"dim": 0}),
        ("torch.reshape", {"shape": (-1, 4, 4)}),
        ("torch.Tensor.view", {"shape": (-1, 8)}),
    ],
)
def test_rows_that_stay_by_themselves_raise_no_alarm(key: str, arguments: dict[str, Any]) -> None:
    assert kinds(op(key, "N", 16, **arguments)) == []


def test_large_pictures_are_tried_with_small_sides() -> None:
    assert kinds(op("torch.roll", "N", 3, 512, 512, shifts=1, dims=0)) == ["rows_mixed"]
    assert kinds(op("torch.roll", "N", 3, 512, 512, shifts=1, dims=3)) == []


def test_an_operation_that_does_not_name_the_batch_is_not_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def tried(*_: object) -> None:
        raise AssertionError("it was tried")

    monkeypatch.setattr("builder.graph.checks.batches._least_batch", tried)
    monkeypatch.setattr("builder.graph.checks.batches._mixes", tried)
    net = Net("N", 7, 12)
    net.op("mean", "torch.mean", input=Ref("x"), dim=1)
    net.op("sort", "torch.sort", input=net.last, dim=1)
    net.layer("fc", "Linear", Ref("sort", (0,)), out_features=3)
    assert infer_shapes(net.done()).problems == ()
