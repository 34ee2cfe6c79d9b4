"""Recurrent layers that are told how long each sequence is: shapes, problems, repairs, files."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from builder import catalogue
from builder.code import StyleRefused, build_module, styles, write_code
from builder.graph.edits import apply
from builder.graph.layout import Strided
from builder.graph.model import Graph, Ref, Size, TensorSpec
from builder.graph.outcome import judge
from builder.graph.project import Project, from_json, to_json
from builder.graph.repairs import repairs_for
from builder.graph.sequence_lengths import steps_of
from builder.graph.shapes import infer_shapes
from builder.inspection.batch import inputs_for
from tests.code.networks import Net
from tests.code.reference import Reference, _packed

KINDS = ["RNN", "LSTM", "GRU"]


def tagger(kind: str = "GRU", told: Any = None, batch_first: bool = True, **call: Any) -> Graph:
    """A recurrent layer on N×7×5, told by an input of int64[N], and a Linear on its output."""
    net = Net()
    x = net.input("x", *(("N", 7, 5) if batch_first else (7, "N", 5)))
    shape, dtype = told or (("N",), "int64")
    lengths = net.input("lengths", *shape, dtype=dtype)
    net.layer("rnn", kind, x, hidden_size=6, batch_first=batch_first, lengths=lengths, **call)
    net.output(net.layer("fc", "Linear", Ref("rnn", (0,)), out_features=2))
    return net.graph()


@pytest.mark.parametrize("total", [None, 7, 9])
@pytest.mark.parametrize("is_sorted", [True, False])
@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_shapes_and_the_order_in_memory_are_those_of_the_cpu(
    kind: str, batch_first: bool, is_sorted: bool, total: int | None
) -> None:
    """Where the longest sequence fills the input."""
    entry = catalogue.get(f"torch.nn.{kind}")
    made = {"input_size": 5, "hidden_size": 6, "batch_first": batch_first}
    literals: dict[str, Any] = {"enforce_sorted": is_sorted}
    if total is not None:
        literals["total_length"] = total
    shape = (3, 7, 5) if batch_first else (7, 3, 5)
    inputs = {"input": TensorSpec(shape), "lengths": TensorSpec((3,), "int64")}
    outcome = judge(entry, made, inputs, literals)
    assert outcome.result is not None, outcome.refusal
    layer = catalogue.build_layer(entry, made)
    given = {"lengths": torch.tensor([7, 4, 1]), **literals}
    result = _packed(layer, [torch.rand(shape)], {}, given)
    assert outline(outcome.result) == outline(result)


def outline(value: Any) -> Any:
    """Shapes, and whether each lies in plain order."""
    if isinstance(value, tuple):
        return tuple(outline(part) for part in value)
    if isinstance(value, torch.Tensor):
        return tuple(value.shape), value.is_contiguous()
    return value.shape, not isinstance(value, Strided)


@pytest.mark.parametrize("kind", KINDS)
def test_the_code_computes_what_torch_does_by_its_own_lines(kind: str) -> None:
    net = Net()
    x, lengths = net.input("x", "N", 7, 5), net.input("lengths", "N", dtype="int64")
    told = {"lengths": lengths, "enforce_sorted": False, "total_length": Size(x, 1)}
    net.layer("rnn", kind, x, hidden_size=6, batch_first=True, num_layers=2, **told)
    net.output(Ref("rnn", (0,)), "steps")
    net.output(Ref("rnn", (1,)), "state")
    graph = net.graph()
    inputs = [torch.rand(4, 7, 5), torch.tensor([2, 6, 1, 5])]
    torch.manual_seed(0)
    reference = Reference(graph)
    wanted = reference.run([i.clone() for i in inputs])
    for style in ("module", "functional", "mixed"):
        torch.manual_seed(0)
        given = build_module(graph, style).eval()(*inputs)
        torch.testing.assert_close(given, wanted, rtol=0, atol=0)
    assert given[0].shape == (4, 7, 6) and not given[0][2, 1:].any()


def test_styles_that_cannot_write_it_say_so_and_name_one_that_can() -> None:
    net = Net()
    x = net.input("x", "N", 7, 5)
    whole = net.op("lengths", "torch.full", size=(Size(x, 0),), fill_value=7, dtype="int64")
    net.layer("rnn", "GRU", x, hidden_size=6, batch_first=True, lengths=whole)
    net.output(Ref("rnn", (1,)))
    for style in styles().values():
        if style.key in ("module", "functional", "mixed"):
            assert "pack_padded_sequence(" in write_code(net.graph(), style.key)
            continue
        with pytest.raises(StyleRefused) as caught:
            write_code(net.graph(), style.key)
        assert str(caught.value).endswith(" can write it.")
    with pytest.raises(StyleRefused, match="it reads sequences of several lengths, packed"):
        write_code(tagger(), "manual")


def test_names_of_people_never_stand_in_the_way_of_packing() -> None:
    net = Net()
    x = net.input("pack_padded_sequence", "N", 7, 5)
    lengths = net.input("packed", "N", dtype="int64")
    again = net.input("total_length", "N", 7, 6)
    net.layer("pad_packed_sequence", "GRU", x, hidden_size=6, batch_first=True, lengths=lengths)
    net.output(net.op("sum", "operator.add", Ref("pad_packed_sequence", (0,)), again))
    model = build_module(net.graph())
    given = model(torch.rand(3, 7, 5), torch.tensor([7, 2, 1]), torch.zeros(3, 7, 6))
    assert given.shape == (3, 7, 6) and not given[2, 1:].any()


# Problems ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "sentence", "repair"),
    [
        (
            (("N",), "float32"),
            "GRU “rnn” takes whole numbers at “lengths” but receives real numbers (float32), from "
            "“lengths”. Turn them into whole numbers with .long().",
            "Insert .long() before “rnn”",
        ),
        (
            (("N", 1), "int64"),
            "GRU “rnn” needs one length for each of its N sequences but receives N×1 at “lengths”, "
            "from “lengths”. Give it a tensor of N whole numbers.",
            "Insert squeeze(dim=1) before “rnn”",
        ),
        (
            (("N", 7), "int64"),
            "GRU “rnn” needs one length for each of its N sequences but receives N×7 at “lengths”, "
            "from “lengths”. Give it a tensor of N whole numbers.",
            "Take the lengths of “rnn” away",
        ),
    ],
)
def test_lengths_that_do_not_fit_are_told_and_mended(
    told: tuple[tuple[Any, ...], str], sentence: str, repair: str
) -> None:
    graph = tagger(told=told, total_length=7)
    (problem,) = infer_shapes(graph).errors
    assert problem.message == sentence
    first = repairs_for(graph, problem)[0]
    assert first.label == repair
    assert not infer_shapes(apply(graph, first.edit)).problems


def test_a_single_sequence_has_no_lengths() -> None:
    net = Net()
    x, lengths = net.input("x", 7, 5), net.input("lengths", "N", dtype="int64")
    net.layer("rnn", "GRU", x, hidden_size=6, batch_first=True, lengths=lengths)
    net.output(Ref("rnn", (0,)))
    (problem,) = infer_shapes(net.graph()).errors
    assert "receives a single one, 7×5" in problem.message
    assert repairs_for(net.graph(), problem)


def test_a_total_length_without_lengths_is_told_and_taken_out() -> None:
    net = Net()
    net.layer(
        "rnn", "GRU", net.input("x", "N", 7, 5), hidden_size=6, batch_first=True, total_length=9
    )
    net.output(Ref("rnn", (0,)))
    (problem,) = infer_shapes(net.graph()).problems
    assert (problem.kind, problem.severity) == ("idle_length", "warning")
    assert infer_shapes(net.graph()).nodes["rnn"].result[0].shape == ("N", 7, 6)  # type: ignore
    (repair,) = [r for r in repairs_for(net.graph(), problem) if "out" in r.label]
    assert not infer_shapes(apply(net.graph(), repair.edit)).problems


# Files, inputs -------------------------------------------------------------------------------------


def test_a_project_file_keeps_the_lengths() -> None:
    graph = tagger(enforce_sorted=False, total_length=Size(Ref("x"), 1))
    assert from_json(to_json(Project("p", graph))).graph == graph


def test_inputs_that_are_drawn_are_lengths_that_can_be() -> None:
    graph = tagger()
    report = infer_shapes(graph)
    assert steps_of(graph, report, "lengths") == 7 and steps_of(graph, report, "x") is None
    assert "lengths = torch.full((4,), 7)" in write_code(graph)
    model = build_module(graph)
    values = inputs_for(graph, (3,), model)
    assert values["lengths"].tolist() == [7, 7, 7]
    assert model(*values.values()).shape == (3, 7, 2)


def test_lengths_are_found_through_blocks_and_casts() -> None:
    inner = tagger(batch_first=False)
    net = Net("Outer")
    x, lengths = net.input("x", 7, "N", 5), net.input("told", "N", dtype="float32")
    whole = net.op("long", "torch.Tensor.long", lengths)
    net.output(net.block("reader", inner, x, whole))
    graph = net.graph()
    assert steps_of(graph, infer_shapes(graph), "told") == 7
    exec(compile(write_code(graph), "model", "exec"), {"__name__": "__main__"})
