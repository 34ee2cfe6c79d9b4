"""What stands in the way of a training is said before it starts, with ways out that were tried."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from builder import gallery
from builder.data import DataChoice, load_dataset
from builder.errors import JobRefused
from builder.graph.edits import AddNode, GroupIntoBlock, SetArgument, SetFrozen, apply
from builder.graph.model import Argument, Graph
from builder.graph.project import Project
from builder.graph.shapes import infer_shapes
from builder.training import check as check_module
from builder.training.check import Problem, Remedy, check_job, check_plan
from builder.training.gradients import nothing_learns
from builder.training.headless import train
from builder.training.job import JobRequest
from builder.training.prepare import run_data
from builder.training.settings import TrainingSettings
from builder.training.tensors import RunData


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAYERWISE_HOME", str(tmp_path))


def request(design: str = "moons_mlp", data: str = "moons", **settings: object) -> JobRequest:
    return JobRequest(
        gallery.project(design), DataChoice(data), TrainingSettings.of(**settings), "anna"
    )


def errors(job: JobRequest) -> list[Problem]:
    return [p for p in check_job(job) if p.severity == "error"]


def follow(job: JobRequest, remedy: Remedy) -> JobRequest:
    """The job after a click on a remedy."""
    project, settings = job.project, job.settings
    if remedy.edit is not None:
        project = replace(project, graph=apply(project.graph, remedy.edit))
    if remedy.settings:
        settings = TrainingSettings.from_json({**settings.to_json(), **remedy.settings})
    return replace(job, project=project, settings=settings, data=remedy.data or job.data)


def test_a_network_that_fits_its_data_has_nothing_in_the_way() -> None:
    assert check_job(request()) == ()


def test_no_data_is_one_sentence() -> None:
    (problem,) = check_job(replace(request(), data=None))
    assert (problem.kind, problem.severity) == ("data", "error")
    assert problem.message == "No data is chosen. Choose a data set on the Data page."


@pytest.mark.parametrize(
    ("design", "data"), [("moons_mlp", "iris"), ("digits_mlp", "digits"), ("lenet5", "digits")]
)
def test_every_way_out_of_a_wrong_input_leads_to_a_job_that_can_start(
    design: str, data: str
) -> None:
    job = request(design, data)
    (problem,) = errors(job)
    assert problem.kind == "data"
    assert problem.remedies
    for remedy in problem.remedies:
        assert errors(follow(job, remedy)) == [], remedy.label


def test_a_problem_in_the_network_comes_with_its_repairs() -> None:
    job = request()
    graph = job.project.graph
    node = next(n.id for n in graph.nodes.values() if n.kind == "layer")
    broken = apply(graph, SetArgument(node, "in_features", 3))
    (problem,) = errors(replace(job, project=Project("p", broken)))
    assert problem.kind == "network"
    assert problem.diagnostic is not None and problem.diagnostic.node == node
    fixed = follow(replace(job, project=Project("p", broken)), problem.remedies[0])
    assert errors(fixed) == []


def test_a_loss_for_another_target_offers_the_right_one() -> None:
    job = request(loss="mse")
    (problem,) = errors(job)
    assert (
        "Mean squared error is not for this target, which is one of 2 classes." in problem.message
    )
    assert problem.remedies[0].label == "Use Cross-entropy"
    assert check_job(follow(job, problem.remedies[0])) == ()


def test_a_softmax_too_many_is_removed_by_a_click() -> None:
    job = request()
    last = [n.id for n in job.project.graph.nodes.values() if n.kind == "layer"][-1]
    softmax = apply(job.project.graph, AddNode("torch.nn.Softmax", after=last))
    job = replace(job, project=Project("p", softmax))
    (warning,) = check_job(job)
    assert (warning.severity, warning.remedies[0].label) == ("warning", "Remove Softmax")
    assert check_job(follow(job, warning.remedies[0])) == ()


def test_a_sigmoid_that_cannot_reach_the_target_is_told() -> None:
    job = request("mlp_10_20_10_1", "diabetes")
    last = [n.id for n in job.project.graph.nodes.values() if n.kind == "layer"][-1]
    bounded = apply(job.project.graph, AddNode("torch.nn.Sigmoid", after=last))
    job = replace(job, project=Project("p", bounded))
    (warning,) = check_job(job)
    assert "Sigmoid, which gives 0 to 1, but the target lies between" in warning.message
    assert check_job(follow(job, warning.remedies[0])) == ()


def test_an_autoencoder_is_asked_whether_it_wants_its_input_back() -> None:
    job = request("autoencoder", "digits")
    warning = next(p for p in check_job(job) if p.severity == "warning")
    assert warning.remedies[0].label == "Learn to give back the input"
    job = follow(job, warning.remedies[0])
    (problem,) = errors(job)
    job = follow(job, problem.remedies[0])
    (warning,) = check_job(job)
    assert "Sigmoid, which gives 0 to 1, but the target lies between" in warning.message
    assert check_job(follow(job, warning.remedies[0])) == ()


def test_a_last_batch_of_one_row_is_told_before_batchnorm_meets_it() -> None:
    graph = gallery.project("moons_mlp").graph
    first = next(n.id for n in graph.nodes.values() if n.kind == "layer")
    normed = apply(graph, AddNode("torch.nn.BatchNorm1d", after=first))
    rows = len(load_dataset("moons").train.x)
    job = replace(request(batch_size=rows - 1), project=Project("p", normed))
    (problem,) = errors(job)
    assert problem.message == (
        f"{rows} rows in batches of {rows - 1} leave one row for the last batch, and BatchNorm "
        "needs at least two."
    )
    assert errors(follow(job, problem.remedies[0])) == []


def test_a_batch_size_of_one_is_every_batch_not_the_last() -> None:
    graph = gallery.project("moons_mlp").graph
    first = next(n.id for n in graph.nodes.values() if n.kind == "layer")
    normed = apply(graph, AddNode("torch.nn.BatchNorm1d", after=first))
    job = replace(request(batch_size=1), project=Project("p", normed))
    (problem,) = errors(job)
    assert problem.message == (
        "With a batch size of 1 every batch is a single row, and BatchNorm needs at least two."
    )
    assert errors(follow(job, problem.remedies[0])) == []


def test_a_single_row_for_training_is_told_to_batchnorm() -> None:
    graph = gallery.project("moons_mlp").graph
    first = next(n.id for n in graph.nodes.values() if n.kind == "layer")
    normed = Project("p", apply(graph, AddNode("torch.nn.BatchNorm1d", after=first)))
    one = RunData({"train": (torch.zeros(1, 2), torch.zeros(1).long())}, "classes", ("a", "b"))
    (problem,) = check_plan(normed, one, TrainingSettings())
    assert problem.message.startswith("Your data has a single row for training")


def test_too_little_memory_is_told_with_the_batch_that_fits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(check_module, "available_bytes", lambda device: 2_000_000)
    job = request("digits_cnn", "digits", batch_size=512)
    (problem,) = errors(job)
    assert problem.kind == "memory"
    assert "GB are free" in problem.message
    if problem.remedies:
        assert errors(follow(job, problem.remedies[0])) == []


def ended_by(*targets: str, frozen: bool = False) -> JobRequest:
    """Two moons, with operations put before the output."""
    job = request()
    graph = job.project.graph
    for owner in [n.id for n in graph.nodes.values() if n.kind == "layer"] if frozen else []:
        graph = apply(graph, SetFrozen(owner, True))
    for target in targets:
        graph = apply(graph, AddNode(target))
    return replace(job, project=Project("p", graph))


def test_a_detach_before_the_output_is_told_and_removed_by_a_click() -> None:
    job = ended_by("torch.Tensor.detach", "torch.nn.Identity")
    (problem,) = errors(job)
    assert problem.message == (
        "Nothing that learns gets a gradient from the output: “detach1” lets no gradient through. "
        "Remove it."
    )
    assert problem.diagnostic is not None
    assert problem.diagnostic.node in job.project.graph.nodes
    assert errors(follow(job, problem.remedies[0])) == []


def test_a_layer_that_learns_after_a_detach_is_enough() -> None:
    assert errors(ended_by("torch.Tensor.detach", "torch.nn.Linear")) == []


def test_whole_numbers_before_the_output_carry_no_gradient() -> None:
    job = ended_by("torch.argmax", "torch.Tensor.float")
    messages = [p.message for p in errors(job)]
    assert (
        "Nothing that learns gets a gradient from the output: “argmax1” gives int64, through which "
        "no gradient passes. Let the output read what comes before it."
    ) in messages


@pytest.mark.parametrize("after", [(), ("torch.Tensor.detach",)])
def test_a_layer_that_learns_but_leads_nowhere_does_not_count(after: tuple[str, ...]) -> None:
    job = ended_by(*after, frozen=True)
    graph = job.project.graph
    aside = AddNode("torch.nn.Linear", after=graph.inputs[0].id, id="aside", name="aside")
    read = {n.id: dict(n.arguments) for n in graph.nodes.values()}
    graph = apply(graph, aside)
    nodes = {k: replace(n, arguments=read.get(k, n.arguments)) for k, n in graph.nodes.items()}
    (problem,) = errors(replace(job, project=Project("p", replace(graph, nodes=nodes))))
    assert problem.message.startswith(
        "Nothing that learns is on the way to the output: “aside” learns, but is not part of it."
    )


def test_a_detach_inside_a_block_is_found_there() -> None:
    job = ended_by("torch.Tensor.detach")
    graph = job.project.graph
    last = next(n.id for n in graph.nodes.values() if n.target == "torch.Tensor.detach")
    job = replace(job, project=Project("p", apply(graph, GroupIntoBlock((last,), "Tail"))))
    (problem,) = errors(job)
    assert problem.diagnostic is not None and len(problem.diagnostic.scope) == 1
    assert errors(follow(job, problem.remedies[0])) == []


@pytest.mark.parametrize("design", list(gallery.designs()))
def test_every_design_of_the_gallery_learns(design: str) -> None:
    graph = gallery.project(design).graph
    assert nothing_learns(graph, infer_shapes(graph)) is None


def with_a_frozen(target: str, **arguments: Argument) -> tuple[JobRequest, str]:
    """Two moons with a frozen layer after the first one, and the id of its node."""
    job = request()
    graph = job.project.graph
    first = next(n.id for n in graph.nodes.values() if n.kind == "layer")
    graph = apply(graph, AddNode(target, after=first, id="norm", name="norm", arguments=arguments))
    graph = apply(graph, SetFrozen("norm", True))
    return replace(job, project=Project("p", graph)), "norm"


def test_a_frozen_batchnorm_is_told_to_move_its_statistics() -> None:
    job, node = with_a_frozen("torch.nn.BatchNorm1d")
    (warning,) = check_job(job)
    assert warning.severity == "warning"
    assert warning.message == (
        "BatchNorm1d “norm” is frozen, but training still moves its running mean and variance. "
        "Set its momentum to 0 to keep them."
    )
    assert warning.diagnostic is not None and warning.diagnostic.node == node
    kept = follow(job, warning.remedies[0])
    assert check_job(kept) == ()
    run = train(kept.project, "moons", epochs=2)
    assert run.state_dict(2)["norm.running_mean"].tolist() == [0.0] * 16


def test_a_frozen_batchnorm_in_a_block_is_told_too() -> None:
    job, node = with_a_frozen("torch.nn.BatchNorm1d")
    graph = apply(job.project.graph, GroupIntoBlock((node,), "Tail"))
    job = replace(job, project=Project("p", graph))
    (warning,) = check_job(job)
    assert warning.diagnostic is not None and len(warning.diagnostic.scope) == 1
    assert check_job(follow(job, warning.remedies[0])) == ()


@pytest.mark.parametrize(
    ("target", "arguments"),
    [
        ("torch.nn.BatchNorm1d", {"track_running_stats": False}),
        ("torch.nn.BatchNorm1d", {"momentum": 0.0}),
        ("torch.nn.LayerNorm", {}),
        ("torch.nn.Linear", {}),
    ],
)
def test_a_frozen_layer_without_statistics_is_no_warning(
    target: str, arguments: dict[str, Argument]
) -> None:
    job, _ = with_a_frozen(target, **arguments)
    assert [p for p in check_job(job) if p.diagnostic] == []


def test_the_memory_of_a_batch_is_that_many_times_the_memory_of_a_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = request(batch_size=100)
    rows = run_data(job.dataset())  # type: ignore[arg-type]
    totals = infer_shapes(job.project.graph).totals
    needed = totals.memory_bytes + 2 * rows.bytes + 100 * 2 * totals.activation_bytes
    free = {"bytes": 0}
    monkeypatch.setattr(check_module, "available_bytes", lambda device: free["bytes"])
    free["bytes"] = int(needed / 0.9) + 2
    assert errors(job) == []
    free["bytes"] = int(needed / 0.9) - 2
    (problem,) = errors(job)
    assert problem.remedies[0].label == "Use a batch size of 99"


def test_a_device_that_is_not_here_offers_the_processor() -> None:
    job = request(device="cuda:77")
    (problem,) = errors(job)
    assert problem.message == "There is no device “cuda:77” here. Choose the processor."
    assert check_job(follow(job, problem.remedies[0])) == ()


def test_two_inputs_cannot_be_fed_by_one_set() -> None:
    (problem,) = errors(request("two_inputs", "digits"))
    assert problem.message == (
        "A data set feeds one input, but the network has 2: “image”, “table”."
    )


def test_an_empty_network_cannot_be_trained() -> None:
    assert errors(replace(request(), project=Project("p", Graph())))


def test_train_refuses_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(JobRefused, match="Moons gives N×2, but the input"):
        train(gallery.project("digits_mlp"), "moons", folder=tmp_path / "run")
    assert not (tmp_path / "run").exists()
