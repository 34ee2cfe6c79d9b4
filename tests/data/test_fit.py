"""Fitting a network to a set: tried on every design of the gallery with sets of every kind."""

from __future__ import annotations

import pytest

from builder.data import Dataset, disagreements, load_dataset, plan_fit
from builder.errors import DataRefused
from builder.gallery import designs, project
from builder.graph.edits import apply
from builder.graph.model import Graph, Literals, Node, Owner, Ref, TensorSpec
from builder.graph.shapes import infer_shapes

SETS = ("digits", "iris", "diabetes")


def chain(shape: tuple[str | int, ...], *layers: tuple[str, dict[str, Literals]]) -> Graph:
    nodes = {"x": Node("x", "input", "x", spec=TensorSpec(shape))}
    owners = {}
    last = "x"
    for i, (layer, arguments) in enumerate(layers):
        owners[f"o{i}"] = Owner(f"o{i}", f"l{i}", f"torch.nn.{layer}", arguments)
        nodes[f"n{i}"] = Node(f"n{i}", "layer", target=f"o{i}", arguments={"input": Ref(last)})
        last = f"n{i}"
    nodes["out"] = Node("out", "output", "output", arguments={"value": Ref(last)})
    return Graph("Model", nodes, owners)


def fitted(graph: Graph, dataset: Dataset) -> Graph:
    edit = plan_fit(graph, dataset).edit
    assert edit is not None
    return apply(graph, edit)


MLP = chain(
    ("N", 784), ("Linear", {"out_features": 128}), ("ReLU", {}), ("Linear", {"out_features": 10})
)
YES_NO = chain(("N", 16), ("Linear", {"out_features": 1}), ("Sigmoid", {}))


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("key", tuple(designs()))
def test_a_design_either_fits_after_one_click_or_says_what_is_in_the_way(
    key: str, name: str
) -> None:
    graph, dataset = project(key).graph, load_dataset(name)
    try:
        fit = plan_fit(graph, dataset)
    except DataRefused as refusal:
        assert str(refusal).endswith((".", "?"))
        assert disagreements(graph, dataset)
        return
    after = apply(graph, fit.edit) if fit.edit else graph
    report = infer_shapes(after)
    assert report.ok
    prepared = load_dataset(fit.choice)
    assert disagreements(after, prepared, report) == ()
    assert after.inputs[0].spec == prepared.input_spec


def test_a_network_of_rows_gets_a_flatten_in_front_of_pictures() -> None:
    digits = load_dataset("digits")
    fit = plan_fit(MLP, digits)
    said = "This sets the input to N×1×8×8 and puts a Flatten behind the input. Parameters: 102k "
    assert fit.sentence.startswith(said)
    after = fitted(MLP, digits)
    assert [o.target for o in after.owners.values()].count("torch.nn.Flatten") == 1
    again = plan_fit(after, digits)
    assert again.edit is None
    assert again.sentence == "The network fits this data as it is."


def test_the_last_width_becomes_the_number_of_classes() -> None:
    after = fitted(MLP, load_dataset("wine"))
    assert after.owners["o2"].arguments["out_features"] == 3
    assert after.owners["o0"].arguments["out_features"] == 128


def test_sizes_that_were_set_for_another_input_are_inferred_again() -> None:
    graph = chain(("N", 16), ("Linear", {"in_features": 16, "out_features": 3}))
    after = fitted(graph, load_dataset("iris"))
    assert "in_features" not in after.owners["o0"].arguments


def test_two_classes_meet_a_single_output_as_yes_or_no() -> None:
    cancer = load_dataset("breast_cancer")
    fit = plan_fit(YES_NO, cancer)
    assert fit.choice.task == "binary"
    assert "as yes or no" in fit.sentence
    assert fit.edit is not None
    after = apply(YES_NO, fit.edit)
    assert after.owners["o0"].arguments["out_features"] == 1
    assert disagreements(after, load_dataset(fit.choice)) == ()


def test_a_network_without_layers_gets_one() -> None:
    after = fitted(chain(("N", 784)), load_dataset("iris"))
    assert [o.target for o in after.owners.values()] == ["torch.nn.Linear"]
    wide_as_wanted = fitted(chain(("N", 2)), load_dataset("moons"))
    assert [o.target for o in wide_as_wanted.owners.values()] == ["torch.nn.Linear"]


def test_everyone_who_reads_the_input_reads_the_flattened_one() -> None:
    graph = project("two_branches").graph
    after = fitted(graph, load_dataset("digits"))
    source = after.inputs[0].id
    assert len(after.readers_of(source)) == 1


def test_an_autoencoder_is_fitted_to_give_back_its_input() -> None:
    graph = project("autoencoder").graph
    iris = load_dataset("iris")
    fit = plan_fit(graph, iris, goal="input")
    assert fit.edit is not None
    assert infer_shapes(apply(graph, fit.edit)).result == TensorSpec(("N", 4))


def test_classes_chosen_by_name_give_an_output_each() -> None:
    cancer = load_dataset("breast_cancer", task="classes")
    fit = plan_fit(YES_NO, cancer)
    assert fit.choice.task == "classes" and fit.edit is not None
    assert infer_shapes(apply(YES_NO, fit.edit)).result == TensorSpec(("N", 2))


def test_an_autoencoder_of_rows_takes_pictures_as_flat_rows() -> None:
    graph = project("autoencoder").graph
    fit = plan_fit(graph, load_dataset("digits"), goal="input")
    assert fit.choice.shape == (64,) and fit.edit is not None
    assert fit.sentence.startswith("This takes each row as 64 numbers, sets the input to N×64")
    assert infer_shapes(apply(graph, fit.edit)).result == TensorSpec(("N", 64))


def test_an_autoencoder_made_a_classifier_is_told() -> None:
    fit = plan_fit(project("autoencoder").graph, load_dataset("digits"))
    assert "no longer gives back its input" in fit.sentence
    assert "no longer" not in plan_fit(MLP, load_dataset("digits")).sentence


@pytest.mark.parametrize(
    ("graph", "name", "words"),
    [
        (project("lenet5").graph, "iris", "reads pictures, and “Iris” gives rows of 4 numbers"),
        (project("two_inputs").graph, "iris", "this network has 2 inputs"),
        (project("transformer").graph, "iris", "takes whole numbers (int64)"),
        (chain((5, "N", 3), ("Linear", {"out_features": 2})), "iris", "gives its rows first"),
    ],
)
def test_what_cannot_fit_is_refused_with_the_reason(graph: Graph, name: str, words: str) -> None:
    dataset = load_dataset(name)
    with pytest.raises(DataRefused) as refused:
        plan_fit(graph, dataset)
    assert words in str(refused.value)


def test_disagreements_name_both_shapes() -> None:
    found = disagreements(MLP, load_dataset("iris"))
    assert [(d.kind, d.node) for d in found] == [("input", "x"), ("output", "out")]
    assert found[0].message == "“Iris” gives N×4, but the input “x” takes N×784."
    assert found[1].message == (
        "The target “species” is 3 classes and needs N×3, but the network gives N×10."
    )


def test_one_output_for_two_classes_is_told_with_both_ways_out() -> None:
    graph = chain(("N", 2), ("Linear", {"out_features": 1}))
    (found,) = disagreements(graph, load_dataset("moons"))
    assert found.message.endswith("Choose the task “yes or no”, or let the last layer give 2.")
