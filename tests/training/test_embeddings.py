"""What an Embedding would fail of in training is told before, at its layer, with what would help."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from builder import gallery, load_dataset
from builder.errors import JobRefused
from builder.graph.edits import GroupIntoBlock, apply
from builder.graph.model import Graph, Node, Owner, Ref, TensorSpec
from builder.graph.project import Project
from builder.graph.shapes import infer_shapes
from builder.training.check import Problem, check_plan
from builder.training.embeddings import indices_out_of_range
from builder.training.headless import train
from builder.training.prepare import run_data
from builder.training.settings import TrainingSettings
from builder.training.tensors import RunData


def words(largest: int = 9, **embedding: Any) -> tuple[Project, RunData]:
    """Three numbers a row as indices into ten vectors, and rows that reach to `largest`."""
    layers: dict[str, tuple[str, dict[str, Any]]] = {
        "table": ("Embedding", {"num_embeddings": 10, "embedding_dim": 4, **embedding}),
        "flatten": ("Flatten", {}),
        "head": ("Linear", {"out_features": 2}),
    }
    nodes = {
        "x": Node("x", "input", "x", spec=TensorSpec(("N", 3))),
        "whole": Node("whole", "operation", "whole", "torch.Tensor.long", {"input": Ref("x")}),
    }
    last = "whole"
    for name in layers:
        nodes[name] = Node(name, "layer", "", name, {"input": Ref(last)})
        last = name
    nodes["out"] = Node("out", "output", "out", "", {"value": Ref(last)})
    owners = {k: Owner(k, k, f"torch.nn.{layer}", given) for k, (layer, given) in layers.items()}
    x = torch.arange(40 * 3).reshape(40, 3).remainder(10).float()
    validation = x.clone()
    validation[3, 1] = largest
    y = torch.arange(40).remainder(2)
    parts = {"train": (x, y), "validation": (validation, y)}
    return Project("Words", Graph("Words", nodes, owners)), RunData(parts, "classes", ("a", "b"))


def errors(project: Project, data: RunData, **settings: Any) -> list[Problem]:
    found = check_plan(project, data, TrainingSettings.of(**settings))
    return [p for p in found if p.severity == "error"]


def follow(project: Project, problem: Problem) -> Project:
    edit = problem.remedies[0].edit
    assert edit is not None
    return Project("Words", apply(project.graph, edit))


def test_an_index_beyond_the_table_is_told_with_the_rows_that_are_needed() -> None:
    project, data = words(largest=23)
    (problem,) = errors(project, data)
    assert problem.message == (
        "Embedding “table” has num_embeddings=10 and takes 0 to 9, but the data gives it 23. "
        "Set num_embeddings to 24."
    )
    assert problem.diagnostic is not None and problem.diagnostic.node == "table"
    assert errors(follow(project, problem), data) == []


def test_indices_within_the_table_are_nothing_to_tell() -> None:
    assert errors(*words(largest=9)) == []


def test_the_table_inside_a_block_is_found_there() -> None:
    project, data = words(largest=23)
    grouped = Project("Words", apply(project.graph, GroupIntoBlock(("table", "flatten"), "Front")))
    (problem,) = errors(grouped, data)
    assert problem.diagnostic is not None and len(problem.diagnostic.scope) == 1
    assert errors(follow(grouped, problem), data) == []


def test_standardised_numbers_are_no_indices() -> None:
    project, _ = words()
    iris = load_dataset("iris", columns=("sepal length", "sepal width", "petal length"))
    rows = run_data(iris)
    report = infer_shapes(project.graph)
    (found,) = indices_out_of_range(project.graph, report, rows, iris)
    assert "Choose on the Data page not to standardise" in found.diagnostic.message
    choice = found.remedies[0].data
    assert choice is not None and choice.standardise is False
    plain = load_dataset(choice)
    assert list(indices_out_of_range(project.graph, report, run_data(plain), plain)) == []


def test_numbers_below_0_are_told_with_what_to_add() -> None:
    (problem,) = errors(*words(largest=-2))
    assert problem.message.endswith("the data gives it -2. Add 2 to what it reads.")


def test_whole_numbers_feed_a_network_that_takes_them() -> None:
    tokens = torch.randint(0, 1000, (16, 50))
    data = RunData({"train": (tokens, torch.arange(16).remainder(2))}, "classes", ("a", "b"))
    assert check_plan(gallery.project("transformer"), data, TrainingSettings()) == ()
    tokens[0, 0] = 1000
    (problem,) = check_plan(gallery.project("transformer"), data, TrainingSettings())
    assert "“embedding” has num_embeddings=1000" in problem.message


def test_looking_at_the_rows_draws_no_random_numbers() -> None:
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    errors(*words(largest=23))
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "rmsprop"])
def test_sparse_gradients_are_refused_for_optimizers_that_cannot_take_them(optimizer: str) -> None:
    project, data = words(sparse=True)
    (problem,) = errors(project, data, optimizer=optimizer)
    assert problem.message.startswith("Embedding “table” has sparse=True, and ")
    assert problem.message.endswith("Set sparse to False, or choose SGD or Adagrad.")
    assert [r.label for r in problem.remedies] == ["Set sparse to False", "Use SGD", "Use Adagrad"]
    assert errors(follow(project, problem), data, optimizer=optimizer) == []


@pytest.mark.parametrize(
    "settings",
    [
        {"optimizer": "sgd", "momentum": 0.9},
        {"optimizer": "sgd", "weight_decay": 0.1},
        {"optimizer": "adagrad", "weight_decay": 0.1},
    ],
)
def test_options_that_need_whole_gradients_are_refused(settings: dict[str, Any]) -> None:
    (problem,) = errors(*words(sparse=True), **settings)
    assert problem.message.endswith("Set sparse to False, or set that to 0.")


@pytest.mark.parametrize("optimizer", ["sgd", "adagrad"])
def test_sparse_gradients_train_with_the_optimizers_that_take_them(
    optimizer: str, tmp_path: Path
) -> None:
    project, data = words(sparse=True)
    run = train(project, data, folder=tmp_path / "run", epochs=2, optimizer=optimizer)
    assert run.state == "finished", run.sentence


def test_train_refuses_sparse_gradients_before_anything_is_written(tmp_path: Path) -> None:
    project, data = words(sparse=True)
    with pytest.raises(JobRefused, match="Adam takes no sparse gradients"):
        train(project, data, folder=tmp_path / "run", epochs=1)
    assert not (tmp_path / "run").exists()
