"""The batch shape a person types, and the values made for it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from builder.errors import InspectionRefused
from builder.graph.model import Graph, Node, TensorSpec
from builder.inspection.batch import inputs_for, parse_batch_shape, with_batch


@pytest.mark.parametrize(
    ("text", "shape"),
    [("5", (5,)), ("4, 5", (4, 5)), ("4 5", (4, 5)), ("(4, 5)", (4, 5)), ("4×5", (4, 5)), ("4x5", (4, 5)),
     ("(5,)", (5,)), ("", ()), ("  ", ()), ("()", ())],
)  # fmt: skip
def test_a_batch_shape_is_read_as_it_is_typed(text: str, shape: tuple[int, ...]) -> None:
    assert parse_batch_shape(text) == shape


@pytest.mark.parametrize(
    "text",
    ["five", "x", "-1", "2.5", "0", "1e3", "1000000", "9" * 400, "1 1 1 1 1", "٣", "5; import os"],
)
def test_anything_else_gets_one_sentence(text: str) -> None:
    with pytest.raises(InspectionRefused) as refusal:
        parse_batch_shape(text)
    assert len(str(refusal.value)) < 300


@pytest.mark.parametrize(("batch", "shape"), [((), (16,)), ((5,), (5, 16)), ((4, 5), (4, 5, 16))])
def test_the_batch_takes_the_place_of_n(batch: tuple[int, ...], shape: tuple[int, ...]) -> None:
    assert with_batch(TensorSpec(("N", 16)), batch) == shape


def test_n_may_stand_anywhere_and_be_multiplied() -> None:
    assert with_batch(TensorSpec((7, "N", 3)), (2,)) == (7, 2, 3)
    assert with_batch(TensorSpec(("2N", 3)), (4, 5)) == (40, 3)


def test_token_ids_are_known_to_the_smallest_embedding() -> None:
    graph = Graph(nodes={"t": Node("t", "input", "tokens", spec=TensorSpec(("N", 50), "int64"))})
    module = nn.Sequential(nn.Embedding(7, 2), nn.Embedding(3, 2))
    values = inputs_for(graph, (40,), module)["tokens"]
    assert values.dtype == torch.int64
    assert set(values.unique().tolist()) == {0, 1, 2}


def test_making_values_disturbs_no_randomness() -> None:
    graph = Graph(nodes={"x": Node("x", "input", "x", spec=TensorSpec(("N", 4)))})
    state = torch.get_rng_state()
    first, again = (inputs_for(graph, (2,), nn.Identity())["x"] for _ in range(2))
    assert torch.equal(first, again)
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("dtype", ["float64", "bfloat16", "bool", "complex64", "int32", "uint8"])
def test_every_dtype_has_values(dtype: str) -> None:
    graph = Graph(nodes={"x": Node("x", "input", "x", spec=TensorSpec(("N", 4), dtype))})
    assert inputs_for(graph, (2,), nn.Identity())["x"].dtype == getattr(torch, dtype)
