"""The weights of a run, listed and looked up as seed 001 does, equal to what PyTorch holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from builder.code import build_module
from builder.errors import InspectionRefused, NotFound
from builder.inspection.layers import layers_of
from builder.inspection.statistics import statistics_table, summary
from builder.inspection.weights import Weight, look_up, printed, values_at, weights, weights_of

from .networks import chain, mlp, repeated


@pytest.fixture(scope="module")
def listed() -> list[Weight]:
    torch.manual_seed(0)
    return weights_of(build_module(mlp()).state_dict(), layers_of(mlp()))


def test_weights_are_listed_by_name_and_by_index(listed: list[Weight]) -> None:
    assert [(w.attribute, w.indexed_name) for w in listed] == [
        ("model.fc1.weight", "model[0].weight"), ("model.fc1.bias", "model[0].bias"),
        ("model.fc2.weight", "model[2].weight"), ("model.fc2.bias", "model[2].bias"),
        ("model.fc3.weight", "model[4].weight"), ("model.fc3.bias", "model[4].bias"),
    ]  # fmt: skip
    assert listed[2].shape == (10, 12) and listed[2].learned and listed[2].family == "linear"


def test_the_numbers_are_the_modules_own(listed: list[Weight]) -> None:
    torch.manual_seed(0)
    model = build_module(mlp())
    assert (listed[0].array == model.fc1.weight.detach().numpy()).all()


@pytest.mark.parametrize(
    "text",
    [
        "model[2].weight",
        "model.fc2.weight",
        "fc2.weight",
        "[2].weight",
        " model[2].weight ",
        "model[-3].weight",
    ],
)
def test_every_way_of_asking_finds_the_same_weight(text: str, listed: list[Weight]) -> None:
    found = look_up(text, listed, layers_of(mlp()))
    assert [w.name for w in found.weights] == ["fc2.weight"]
    assert (
        found.layer is not None
        and found.layer.words == "Linear(in_features=12, out_features=10, bias=True)"
    )


def test_a_layer_gives_all_its_weights_and_a_relu_none(listed: list[Weight]) -> None:
    found = look_up("model[2]", listed, layers_of(mlp()))
    assert [w.name for w in found.weights] == ["fc2.weight", "fc2.bias"]
    relu = look_up("model[1]", listed, layers_of(mlp()))
    assert relu.weights == () and relu.layer is not None and relu.layer.words == "ReLU()"


@pytest.mark.parametrize(
    ("text", "shape"),
    [("model.fc1.weight[0]", (16,)), ("model.fc1.weight[0, 3]", ()), ("fc1.weight[:, 1:3]", (12, 2)),
     ("fc1.weight[-1][:5]", (5,)), ("model[0].weight[2]", (16,))],
)  # fmt: skip
def test_a_part_can_be_asked_for(text: str, shape: tuple[int, ...], listed: list[Weight]) -> None:
    found = look_up(text, listed, layers_of(mlp()))
    assert values_at(found.weights[0], found.index).shape == shape


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("model.fc4.weight", "Did you mean “model.fc"),
        ("model[9].weight", "the indices 0 to 4"),
        ("model[-6]", "the indices 0 to 4"),
        ("fc1.weight[99]", "outside of model.fc1.weight, whose dimension 0 has size 12"),
        ("fc1.weight[0,0,0]", "has 2 dimensions"),
        ("fc1.weight[a]", "not a place in a tensor"),
        ("__import__('os').system('true')", "is not a way to name a weight"),
        ("model.fc1.weight; import os", "is not a way to name a weight"),
        ("model.__class__", "names nothing"),
        ("model[1].weight", "model[1] is ReLU “relu1”: it has no weights."),
        ("model[-2].bias[0]", "it has no weights."),
        ("relu1.weight", "model.relu1 is ReLU “relu1”: it has no weights."),
        ("", "is not a way to name a weight"),
        ("(" * 5_000, "is not a way to name a weight"),
        ("model" + "[0" * 5_000, "is not a way to name a weight"),
    ],
)
def test_what_names_nothing_gets_one_sentence(
    text: str, sentence: str, listed: list[Weight]
) -> None:
    with pytest.raises(InspectionRefused) as refusal:
        look_up(text, listed, layers_of(mlp()))
    assert sentence in str(refusal.value)
    assert len(str(refusal.value)) < 300


def test_a_network_that_is_no_chain_has_names_only() -> None:
    from builder.graph.project import load_project
    from tests.test_house import ROOT

    graph = load_project(ROOT / "builder/gallery/designs/two_branches.json").graph
    listed = weights_of(build_module(graph).state_dict(), layers_of(graph))
    assert all(w.indexed_name is None for w in listed)
    with pytest.raises(InspectionRefused, match="this network is no chain"):
        look_up("model[0].weight", listed, layers_of(graph))


def test_weights_inside_a_repeated_block_have_both_names() -> None:
    listed = weights_of(build_module(repeated()).state_dict(), layers_of(repeated()))
    assert len(listed) == 12
    assert listed[-2].attribute == "model.steps[5].fc.weight"
    found = look_up("model.steps[5].fc.weight[0]", listed, layers_of(repeated()))
    assert found.weights[0].name == "steps.5.fc.weight" and found.index == (0,)


def test_buffers_are_told_from_what_is_learned() -> None:
    graph = chain({"bn": ("BatchNorm1d", {})})
    listed = weights_of(build_module(graph).state_dict(), layers_of(graph))
    assert [(w.name, w.learned) for w in listed] == [
        ("bn.weight", True), ("bn.bias", True), ("bn.num_batches_tracked", False),
        ("bn.running_mean", False), ("bn.running_var", False),
    ]  # fmt: skip
    assert listed[3].indexed_name == "model[0].running_mean"


def test_it_prints_as_pytorch_does(listed: list[Weight]) -> None:
    torch.manual_seed(0)
    model = build_module(mlp())
    assert printed(listed[3]) == str(model.fc2.bias)
    assert printed(listed[3], (slice(0, 2),)) == str(model.fc2.bias.detach()[0:2])


def test_half_precision_keeps_its_numbers() -> None:
    value = torch.tensor([1.5, -2.0])
    for dtype in (torch.bfloat16, torch.float16, torch.float64):
        weight = weights_of({"w": value.to(dtype)}, [])[0]
        assert weight.array.tolist() == [1.5, -2.0]
        assert weight.dtype == str(dtype).removeprefix("torch.")


def test_the_table_of_all_parameters_says_how_far_each_has_moved(listed: list[Weight]) -> None:
    moved = weights_of({"fc1.bias": torch.from_numpy(listed[1].array) * 3}, layers_of(mlp()))
    frame = statistics_table(moved, listed)
    assert frame.loc[0, "Change"] == pytest.approx(2.0)
    assert frame.loc[0, "Parameter"] == "fc1.bias"
    assert list(summary({"Epoch 0": listed[1], "Epoch 9": moved[0]})[""]) == ["Epoch 0", "Epoch 9"]


def test_a_run_gives_its_weights_before_and_after(tmp_path: Path) -> None:
    from builder.graph.project import load_project
    from builder.training import train
    from tests.test_house import ROOT

    project = load_project(ROOT / "builder/gallery/designs/digits_cnn.json")
    run = train(project, "digits", folder=tmp_path / "run", epochs=1, batch_size=256)

    before, after = weights(run, 0), weights(run, 1)

    assert [w.name for w in before] == [w.name for w in after] == [w.name for w in weights(run)]
    assert (after[0].array == run.state_dict(1)[after[0].name].numpy()).all()
    assert not np.array_equal(before[0].array, after[0].array)
    with pytest.raises(NotFound, match="epoch 7"):
        weights(run, 7)
