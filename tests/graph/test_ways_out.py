"""Ways out that hold: what a sentence or a repair says is true of the values that arrive."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from builder.graph.edits import DeleteNode, apply
from builder.graph.model import Graph, Node, Ref, TensorSpec, format_value
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


def unbatched_picture() -> Graph:
    net = Net(3, 6, 6)
    net.layer("conv", "Conv2d", out_channels=4, kernel_size=3)
    net.layer("it", "BatchNorm2d")
    return net.done()


def whole_mean() -> Graph:
    net = Net("N", 4, dtype="int64")
    net.op("it", "torch.mean", input=Ref("x"), dim=1)
    return net.done()


def masked() -> Graph:
    net = Net("N", 4)
    net.nodes["k"] = Node("k", "input", "k", spec=TensorSpec(("N", 4)))
    net.op("it", "torch.Tensor.masked_fill", input=Ref("x"), mask=Ref("k"), value=0.0)
    return net.done()


def without_input() -> Graph:
    return apply(layer("Linear", "N", 4, out_features=3), DeleteNode("x"))


@pytest.mark.parametrize(
    ("make", "label"),
    [
        (unbatched_picture, "Put N in front of the sizes of “x”"),
        (whole_mean, "Insert .float() before “it”"),
        (masked, "Insert .bool() before “it”"),
        (without_input, "Add an input in front of “it”"),
    ],
)
def test_the_first_way_out_is_the_right_one(make: Callable[[], Graph], label: str) -> None:
    assert first_repair(make()) == label


def one_hot() -> Graph:
    net = Net("N", 4, dtype="int64")
    net.op("it", "torch.nn.functional.one_hot", input=Ref("x"))
    return net.done()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: layer("LayerNorm", 5, "N"),
            "LayerNorm “it” normalises the last size, but receives 5×N, from “x”, where that is the "
            "batch. Permute the batch to the front.",
        ),
        (
            lambda: layer("Linear", "N", 0, out_features=3),
            "Linear “it” receives nothing to work on: a size of N×0 from “x” is 0.",
        ),
        (
            one_hot,
            "one_hot “it” has no num_classes, so its result would be as wide as the largest number in "
            "the data, and no layer behind it could be built. Set num_classes to the number of classes.",
        ),
    ],
)
def test_a_sentence_says_it_in_our_words(make: Callable[[], Graph], sentence: str) -> None:
    assert infer_shapes(make()).problems[0].message == sentence


def joined(kind: str, key: str, layers: int = 1, part: tuple[int, ...] = (1,)) -> Graph:
    """A layer's N×4 and a state of layers×N×4, joined."""
    net = Net("N", 6, 8)
    net.layer("rnn", kind, hidden_size=4, num_layers=layers, batch_first=True)
    net.node(Node("mean", "operation", "mean", "torch.mean", {"input": Ref("x"), "dim": 1}))
    net.layer("fc", "Linear", out_features=4)
    both = Ref("fc"), Ref("rnn", part)
    ports = (
        {"tensors": both, "dim": 1} if key == "torch.cat" else {"input": both[0], "other": both[1]}
    )
    net.node(Node("it", "operation", "it", key, ports))
    return net.done()


@pytest.mark.parametrize(
    ("kind", "part", "state"),
    [("GRU", (1,), "h_n"), ("LSTM", (1, 0), "h_n"), ("LSTM", (1, 1), "c_n")],
)
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize(("key", "given"), [("torch.cat", "N×8"), ("operator.add", "N×4")])
def test_of_a_state_that_meets_features_the_last_layer_is_taken(
    kind: str, part: tuple[int, ...], state: str, layers: int, key: str, given: str
) -> None:
    graph = joined(kind, key, layers, part)
    assert first_repair(graph) == f"Take the last layer of {state} of “rnn”"
    (problem,) = infer_shapes(graph).problems
    mended = infer_shapes(apply(graph, repairs_for(graph, problem)[0].edit))
    assert mended.problems == () and str(mended.result) == given


def test_a_state_added_to_features_is_warned_of() -> None:
    (problem,) = infer_shapes(joined("GRU", "operator.add")).problems
    assert problem.severity == "warning"
    assert problem.message == (
        "add “it” receives N×4 from “fc” and 1×N×4 from “rnn”. A state has its layers in front of the "
        "batch, and so would the result. Take the last layer of the state."
    )


def test_steps_that_stand_in_front_of_the_batch_are_no_state() -> None:
    net = Net(5, "N", 4)
    net.layer("rnn", "GRU", hidden_size=4)
    net.node(
        Node("last", "operation", "last", "operator.getitem", {"input": Ref("x"), "index": -1})
    )
    net.node(
        Node(
            "it",
            "operation",
            "it",
            "operator.add",
            {"input": Ref("last"), "other": Ref("rnn", (0,))},
        )
    )
    assert not [p for p in infer_shapes(net.done()).problems if p.node == "it"]


@pytest.mark.parametrize(
    ("kind", "shape", "arguments"),
    [
        ("Linear", ("N", 8), {"out_features": 2}),
        ("Conv2d", ("N", 3, 8, 8), {"out_channels": 2, "kernel_size": 3}),
    ],
)
def test_of_complex_numbers_float_keeps_the_real_part_and_the_sentence_says_so(
    kind: str, shape: tuple[int | str, ...], arguments: dict[str, Any]
) -> None:
    (problem,) = infer_shapes(layer(kind, *shape, dtype="complex64", **arguments)).problems
    assert problem.message == (
        f"{kind} “it” has float32 weights but receives complex64, from “x”. Turn it into float32 with "
        ".float(), which keeps the real part."
    )


def weightless(read: Ref, then: str | None = None) -> Graph:
    """Attention that is not asked for its weights, and what reads it."""
    net = Net("N", 5, 8)
    net.owns("mha", "MultiheadAttention", num_heads=2, batch_first=True)
    x = Ref("x")
    net.call("mha", "mha", query=x, key=x, value=x, need_weights=False)
    net.last = net.layer("it", then, read) if then is not None else read
    return net.done()


@pytest.mark.parametrize(
    ("then", "who", "severity"), [(None, "Output “out”", "warning"), ("ReLU", "ReLU “it”", "error")]
)
def test_weights_that_attention_does_not_give_are_said_not_to_be_there(
    then: str | None, who: str, severity: str
) -> None:
    graph = weightless(Ref("mha", (1,)), then)
    (problem,) = infer_shapes(graph).problems
    assert (problem.severity, problem.port) == (severity, "value" if then is None else "input")
    assert problem.message == (
        f"{who} reads the weights of “mha”, but there are no weights: its need_weights is False. Set "
        "need_weights of “mha” to True."
    )
    assert first_repair(graph) == "Set need_weights of “mha” to True"
    mended = infer_shapes(apply(graph, repairs_for(graph, problem)[0].edit))
    assert mended.problems == () and str(mended.result) == "N×5×5"


def test_what_attention_gives_without_its_weights_is_a_tensor_and_none() -> None:
    report = infer_shapes(weightless(Ref("mha")))
    assert report.problems == () and format_value(report.result) == "(N×5×8, None)"
