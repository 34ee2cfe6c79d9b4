"""The autograd graph is that of a real forward pass: its parameters, its shapes, its limits."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import torch

from builder.errors import InspectionRefused
from builder.graph.model import Graph, Node, Owner, Ref, TensorSpec
from builder.graph.project import load_project
from builder.inspection import autograd, theme
from builder.inspection.autograd import autograd_graph
from tests.test_house import ROOT

from .networks import chain, mlp, repeated

DESIGNS = sorted((ROOT / "builder" / "gallery" / "designs").glob("*.json"))


def boxes(source: str) -> list[str]:
    return re.findall(r'^  n\d+ \[label="(.*?)"', source, re.MULTILINE)


def test_it_names_every_parameter_with_its_shape() -> None:
    drawn = autograd_graph(mlp(), (5,))
    assert drawn.parameters == (
        "fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias", "fc3.weight", "fc3.bias",
    )  # fmt: skip
    assert r"fc1.weight\n(12, 16)" in boxes(drawn.dot)
    assert boxes(drawn.dot).count("ReluBackward0") == 2
    assert boxes(drawn.dot).count("AddmmBackward0") == 3


@pytest.mark.parametrize(
    ("batch", "given", "result"),
    [((), (16,), (1,)), ((5,), (5, 16), (5, 1)), ((4, 5), (4, 5, 16), (4, 5, 1))],
)
def test_the_batch_shape_is_the_persons(
    batch: tuple[int, ...], given: tuple[int, ...], result: tuple[int, ...]
) -> None:
    drawn = autograd_graph(mlp(), batch)
    assert (drawn.inputs, drawn.outputs) == ({"x": given}, {"y": result})
    assert f"({', '.join(map(str, result))})" in boxes(drawn.dot)


def test_a_single_sample_of_one_feature_is_seed_002() -> None:
    drawn = autograd_graph(chain({"fc": ("Linear", {"out_features": 1})}, ("N", 1)), ())
    # The last one is what the result is a view of: Linear computes one row and flattens it.
    assert boxes(drawn.dot) == [
        "(1)", "ViewBackward0", "AddmmBackward0", r"fc.bias\n(1)", "AccumulateGrad",
        "TBackward0", r"fc.weight\n(1, 1)", "AccumulateGrad", "(1, 1)",
    ]  # fmt: skip


def test_saved_tensors_and_attributes_come_on_demand() -> None:
    plain, saved = autograd_graph(mlp(), (5,)), autograd_graph(mlp(), (5,), show_saved=True)
    attributes = autograd_graph(mlp(), (5,), show_attrs=True)
    assert saved.nodes > plain.nodes
    assert r"result\n(5, 12)" in boxes(saved.dot)
    assert any("mat1_sym_sizes: (5, 12)" in box for box in boxes(attributes.dot))
    assert "sym_sizes" not in plain.dot


def test_a_parameter_that_is_saved_too_stays_a_parameter() -> None:
    graph = chain({"conv": ("Conv2d", {"out_channels": 2, "kernel_size": 3})}, ("N", 1, 8, 8))
    drawn = autograd_graph(graph, (2,), show_saved=True)
    assert r"conv.weight\n(2, 1, 3, 3)" in boxes(drawn.dot)


def test_one_network_gives_one_text_with_no_address_in_it() -> None:
    first, again = autograd_graph(mlp(), (5,)), autograd_graph(mlp(), (5,))
    assert first.dot == again.dot
    assert not re.search(r"\d{9,}", first.dot)


def test_it_disturbs_no_randomness() -> None:
    state = torch.get_rng_state()
    autograd_graph(mlp(), (3,))
    assert torch.equal(state, torch.get_rng_state())


def test_parameters_wear_their_layers_colour() -> None:
    graph = chain({"conv": ("Conv2d", {"out_channels": 2, "kernel_size": 3})}, ("N", 1, 8, 8))
    light, dark = autograd_graph(graph, (2,)).dot, autograd_graph(graph, (2,), dark=True).dot
    assert theme.family_colours("convolution").fill in light
    assert theme.family_colours("convolution", True).fill in dark
    assert theme.ink(True).text in dark


def test_several_outputs_and_the_parts_of_a_tuple_are_all_drawn() -> None:
    graph = Graph(
        "Two",
        {
            "x": Node("x", "input", "x", spec=TensorSpec(("N", 4))),
            "a": Node("a", "layer", target="oa", arguments={"input": Ref("x")}),
            "b": Node("b", "layer", target="ob", arguments={"input": Ref("x")}),
            "p": Node("p", "output", "p", arguments={"value": Ref("a")}),
            "q": Node("q", "output", "q", arguments={"value": Ref("b")}),
        },
        {"oa": Owner("oa", "left", "torch.nn.Linear", {"out_features": 2}),
         "ob": Owner("ob", "right", "torch.nn.Linear", {"out_features": 3})},
    )  # fmt: skip
    assert autograd_graph(graph, (7,)).outputs == {"p": (7, 2), "q": (7, 3)}

    lstm = chain({"lstm": ("LSTM", {"hidden_size": 3, "batch_first": True})}, ("N", 5, 4))
    drawn = autograd_graph(lstm, (2,))
    assert drawn.outputs == {"y[0]": (2, 5, 3), "y[1][0]": (1, 2, 3), "y[1][1]": (1, 2, 3)}
    assert "lstm.weight_ih_l0" in drawn.parameters


def test_tokens_are_drawn_within_the_embedding() -> None:
    graph = chain(
        {"embed": ("Embedding", {"num_embeddings": 3, "embedding_dim": 4})}, ("N", 6), "int64"
    )
    assert autograd_graph(graph, (50,)).outputs == {"y": (50, 6, 4)}


def test_repeated_blocks_name_each_repetition() -> None:
    names = autograd_graph(repeated(), (2,)).parameters
    assert len(names) == 12 and "steps.5.fc.weight" in names


def test_what_is_frozen_is_left_out_and_said() -> None:
    graph = mlp()
    owners = {**graph.owners, "o_fc1": replace(graph.owners["o_fc1"], frozen=True)}
    drawn = autograd_graph(replace(graph, owners=owners), (2,))
    assert "fc1.weight" not in drawn.parameters
    assert drawn.note == "Frozen, so autograd leaves them out: fc1.weight, fc1.bias."


def test_a_network_without_parameters_says_that_nothing_is_learned() -> None:
    drawn = autograd_graph(chain({"relu": ("ReLU", {})}), (2,))
    assert drawn.parameters == ()
    assert drawn.note.startswith("Nothing here is learned")
    assert boxes(drawn.dot) == ["(2, 16)"]


def test_a_network_with_a_problem_is_refused_in_its_words() -> None:
    with pytest.raises(InspectionRefused, match="Mend this first: Linear “fc”"):
        autograd_graph(chain({"fc": ("Linear", {"in_features": 9, "out_features": 2})}))


def test_a_batch_that_does_not_fit_gets_one_sentence_with_the_shape() -> None:
    graph = chain({"conv": ("Conv2d", {"out_channels": 2, "kernel_size": 3})}, ("N", 1, 8, 8))
    with pytest.raises(InspectionRefused, match="does not run on an input of 4×5×1×8×8"):
        autograd_graph(graph, (4, 5))


def test_batchnorm_on_one_sample_gets_its_own_sentence() -> None:
    graph = chain({"bn": ("BatchNorm1d", {})})
    with pytest.raises(InspectionRefused, match="BatchNorm cannot learn from a single sample"):
        autograd_graph(graph, (1,))
    assert autograd_graph(graph, (1,), training=False).outputs == {"y": (1, 16)}


def test_a_network_too_big_is_refused_before_it_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builder.code.build_module", lambda *_: pytest.fail("it was built"))
    wide = chain({"fc": ("Linear", {"out_features": 40_000_000})})
    with pytest.raises(InspectionRefused, match="GiB"):
        autograd_graph(wide, (1,))
    with pytest.raises(InspectionRefused, match="GiB"):
        autograd_graph(chain({"fc": ("Linear", {"out_features": 10_000})}), (100_000,))


def test_too_many_boxes_are_refused_with_both_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autograd, "MOST_NODES", 10)
    with pytest.raises(InspectionRefused, match="up to 10 can be drawn"):
        autograd_graph(mlp(), (5,))


def test_a_deep_network_does_not_exhaust_the_interpreter() -> None:
    deep = chain(
        {f"relu{i}": ("ReLU", {}) for i in range(1_200)} | {"fc": ("Linear", {"out_features": 1})}
    )
    front = chain(
        {"fc": ("Linear", {"out_features": 16})} | {f"relu{i}": ("ReLU", {}) for i in range(1_200)}
    )
    assert autograd_graph(deep, (2,)).parameters == ("fc.weight", "fc.bias")
    assert autograd_graph(front, (2,)).nodes > 1_200


@pytest.mark.parametrize("design", DESIGNS, ids=lambda path: path.stem)
def test_every_design_of_the_gallery_is_drawn_with_all_its_parameters(design) -> None:  # type: ignore[no-untyped-def]
    from builder.code import parameter_table

    graph = load_project(design).graph
    drawn = autograd_graph(graph, (2,), show_saved=True, show_attrs=True)
    assert drawn.parameters == tuple(row.name for row in parameter_table(graph) if row.trainable)
