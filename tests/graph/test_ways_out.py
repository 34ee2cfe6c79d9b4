"""Ways out that hold: what a sentence or a repair says is true of the values that arrive."""

from __future__ import annotations

from typing import Any

import pytest

from builder.graph.edits import apply
from builder.graph.model import Graph, Ref
from builder.graph.repairs import repairs_for
from builder.graph.shapes import infer_shapes
from tests.graph.sound_networks import Net


def layer(kind: str, *shape: int | str, dtype: str = "float32", **arguments: Any) -> Graph:
    net = Net(*shape, dtype=dtype)
    net.layer("it", kind, **arguments)
    return net.done()


def squeezed(*shape: int | str, **arguments: Any) -> Graph:
    net = Net(*shape)
    net.op("it", "torch.squeeze", input=Ref("x"), **arguments)
    return net.done()


def first_repair(graph: Graph) -> str:
    return repairs_for(graph, infer_shapes(graph).problems[0])[0].label


def test_softmax_is_not_sent_to_a_last_size_that_is_the_batch() -> None:
    graph = layer("Softmax", 7, "N")
    (problem,) = infer_shapes(graph).problems
    assert problem.message.endswith("Set dim to 0.")
    assert first_repair(graph) == "Set dim to 0"


@pytest.mark.parametrize("arguments", [{}, {"dim": 0}])
def test_a_squeeze_that_would_take_a_batch_of_one_is_warned_of(arguments: dict[str, Any]) -> None:
    graph = squeezed("N", 1, 8, **arguments)
    (problem,) = infer_shapes(graph).problems
    assert problem.severity == "warning"
    assert problem.message == (
        "squeeze “it” also takes away the batch of N×1×8 from “x” where it is a batch of one. Set dim "
        "to 1."
    )
    assert first_repair(graph) == "Set dim to 1"
    mended = apply(graph, repairs_for(graph, problem)[0].edit)
    assert infer_shapes(mended).problems == ()
    assert str(infer_shapes(mended).result) == "N×8"


def test_a_squeeze_of_another_size_is_not_warned_of() -> None:
    assert infer_shapes(squeezed("N", 8, 1, dim=-1)).problems == ()


def test_bilinear_costs_a_multiply_add_for_each_weight() -> None:
    net = Net("N", 4)
    net.owns("it", "Bilinear", out_features=3, in1_features=4, in2_features=4)
    net.call("it", "it", input1=Ref("x"), input2=Ref("x"))
    assert infer_shapes(net.done()).nodes["it"].flops == 2 * 4 * 4 * 3
