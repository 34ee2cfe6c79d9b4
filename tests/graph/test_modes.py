"""Outputs that a network gives in one mode only."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from builder.code import build_module, write_code
from builder.errors import CodeRefused, EditRefused, ProjectRefused
from builder.graph.edits import UNSET, SetCallArgument, apply
from builder.graph.model import Argument, Graph, Node, Owner, Ref, TensorSpec
from builder.graph.modes import given_in, main_output, main_place
from builder.graph.project import Project, from_json, to_json
from builder.graph.shapes import infer_shapes
from builder.graph.sides import MODE, find_sides
from builder.graph.validate import why_invalid
from builder.graph.words import key_parameters

WHEN = "when"


def two_heads(aux: Argument = "training", main: Argument = None) -> Graph:
    """x → stem → head; stem → aux, given while training."""
    sides: dict[str, Argument] = {"value": Ref("aux")}
    nodes = [
        Node("x", "input", "x", spec=TensorSpec(("N", 4))),
        Node("stem", "layer", "", "stem", {"input": Ref("x")}),
        Node("aux", "layer", "", "aux", {"input": Ref("stem")}),
        Node("drop", "layer", "", "drop", {"input": Ref("stem")}),
        Node("head", "layer", "", "head", {"input": Ref("drop")}),
        Node("beside", "output", "beside", "", sides | ({WHEN: aux} if aux else {})),
        Node("y", "output", "y", "", {"value": Ref("head"), **({WHEN: main} if main else {})}),
    ]
    owners = [
        Owner("stem", "stem", "torch.nn.Linear", {"out_features": 5}),
        Owner("aux", "aux", "torch.nn.Linear", {"out_features": 2}),
        Owner("drop", "drop", "torch.nn.Dropout"),
        Owner("head", "head", "torch.nn.Linear", {"out_features": 3}),
    ]
    return Graph("Net", {n.id: n for n in nodes}, {o.id: o for o in owners})


def test_each_mode_gives_its_outputs_in_order() -> None:
    graph = two_heads()
    assert [n.id for n in given_in(graph, training=True)] == ["beside", "y"]
    assert [n.id for n in given_in(graph, training=False)] == ["y"]
    assert infer_shapes(graph).result == TensorSpec(("N", 3))
    assert infer_shapes(graph).ok


def test_the_main_output_is_the_one_of_both_modes() -> None:
    assert main_output(two_heads()) == two_heads().nodes["y"]
    assert main_place(two_heads()) == 1
    assert main_output(two_heads(None)) is None
    assert main_output(two_heads("training", "evaluation")) is None


def test_what_an_output_of_one_mode_reads_runs_in_that_mode_where_it_stands() -> None:
    sides = find_sides(two_heads().nodes)
    assert sides.homes["aux"] == ((MODE, True),)
    assert sides.homes["stem"] == sides.homes["head"] == ()
    assert sides.moment("stem") < sides.moment("aux") < sides.moment("drop")


def test_code_gives_a_tuple_while_training_and_the_tensor_in_evaluation() -> None:
    graph = two_heads()
    model = build_module(graph)
    x = torch.randn(2, 4)
    assert isinstance(model.eval()(x), torch.Tensor)
    beside, y = model.train()(x)
    assert beside.shape == (2, 2) and y.shape == (2, 3)
    code = write_code(graph)
    assert "-> Tensor | tuple[Tensor, Tensor]:" in code
    assert "        if self.training:\n            return beside, x\n        return x\n" in code


def test_a_file_holds_the_mode_in_a_format_of_its_own() -> None:
    text = to_json(Project("heads", two_heads()))
    assert '"layerwise": 5' in text
    assert from_json(text).graph == two_heads()
    assert '"layerwise": 1' in to_json(Project("heads", two_heads(None)))
    with pytest.raises(ProjectRefused, match="is no mode: “training” or “evaluation”"):
        from_json(text.replace('"training"', '"testing"'))


def test_an_output_of_a_block_is_given_in_both_modes() -> None:
    block = replace(two_heads(), name="Heads")
    refused = why_invalid(
        Graph("Net", two_heads(None).nodes, two_heads(None).owners, blocks={"Heads": block})
    )
    assert refused is not None and "gives the same in every mode" in refused


def test_a_mode_that_gives_nothing_is_a_problem_and_no_code() -> None:
    graph = two_heads("training", "training")
    said = [problem.message for problem in infer_shapes(graph).errors]
    assert said == ["In evaluation the network gives nothing. Let “y” be given in both modes."]
    with pytest.raises(CodeRefused, match="gives nothing yet in evaluation"):
        write_code(graph)


def test_the_mode_of_an_output_is_edited_and_told() -> None:
    graph = two_heads(None)
    edit = SetCallArgument("beside", WHEN, "training")
    assert apply(graph, edit) == two_heads()
    assert key_parameters(
        two_heads(), two_heads().nodes["beside"], infer_shapes(graph).nodes["beside"]
    ) == ("only while training")
    assert apply(two_heads(), SetCallArgument("beside", WHEN, UNSET)) == graph
    with pytest.raises(EditRefused, match="is no mode"):
        apply(graph, SetCallArgument("beside", WHEN, "sometimes"))


@pytest.mark.parametrize("style", ["sequential", "ordered"])
def test_a_chain_is_refused_with_the_number_of_outputs(style: str) -> None:
    with pytest.raises(CodeRefused, match="has 2 outputs"):
        write_code(two_heads(), style)
