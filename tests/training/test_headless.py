"""`train(...)` and `Supervisor.start(...)` with real networks and sets, from project to run."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import builder
from builder import gallery
from builder.code import write_code
from builder.data import DataChoice, load_dataset, plan_fit
from builder.errors import JobRefused
from builder.graph.edits import AddNode, apply
from builder.graph.project import Project
from builder.training.callbacks.progress import Progress
from builder.training.headless import chosen_settings, resume_run, train
from builder.training.job import JobRequest
from builder.training.run import open_run
from builder.training.settings import TrainingSettings
from builder.training.store import Store
from builder.training.supervisor import Supervisor


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAYERWISE_HOME", str(tmp_path / "home"))


@pytest.fixture
def moons() -> Project:
    return gallery.project("moons_mlp")


def test_iris_is_learned(moons: Project, tmp_path: Path) -> None:
    iris = load_dataset("iris")
    edit = plan_fit(moons.graph, iris).edit
    assert edit is not None
    run = train(
        Project("Iris", apply(moons.graph, edit)), iris, folder=tmp_path / "run", epochs=60, lr=0.01
    )
    assert run.state == "finished"
    assert run.metrics()[-1]["validation"]["accuracy"] >= 0.9
    assert run.dataset().classes == ("setosa", "versicolor", "virginica")


def test_what_is_trained_is_the_code_on_the_screen(moons: Project, tmp_path: Path) -> None:
    run = train(moons, "moons", folder=tmp_path / "run", epochs=1)
    assert run.code == write_code(moons.graph, "module")
    assert run.graph == moons.graph
    assert run.module().state_dict().keys() == run.state_dict().keys()
    assert open_run(tmp_path / "run").settings.epochs == 1


def test_the_verbs_of_the_package_are_these(moons: Project, tmp_path: Path) -> None:
    run = builder.train(moons, "moons", folder=tmp_path / "run", epochs=1)
    assert builder.open_run(run.path) == run


def test_a_run_without_a_folder_gets_one_of_its_own(moons: Project) -> None:
    first, second = (train(moons, "moons", epochs=1).path for _ in range(2))
    assert first != second
    assert first.parent.name == "headless"


def test_progress_rises_to_one(moons: Project, tmp_path: Path) -> None:
    told: list[Progress] = []
    train(moons, "moons", folder=tmp_path / "run", epochs=4, on_progress=told.append)
    shares = [progress["share"] for progress in told]
    assert shares == sorted(shares)
    assert (shares[-1], told[-1]["epoch"], told[-1]["epochs"]) == (1.0, 4, 4)
    assert set(told[-1]["metrics"]) == {
        "loss", "accuracy", "validation loss", "validation accuracy",
    }  # fmt: skip


def test_the_callers_threads_and_random_numbers_stay_as_they_were(
    moons: Project, tmp_path: Path
) -> None:
    torch.manual_seed(1)
    expected, threads = torch.rand(3), torch.get_num_threads()
    torch.manual_seed(1)
    train(moons, "moons", folder=tmp_path / "run", epochs=1)
    assert torch.equal(torch.rand(3), expected)
    assert torch.get_num_threads() == threads


def test_another_optimizer_leaves_the_settings_of_the_old_one_behind(
    moons: Project, tmp_path: Path
) -> None:
    project = replace(moons, training={"optimizer": "sgd", "momentum": 0.9, "lr": 0.5, "epochs": 1})
    run = train(project, "moons", folder=tmp_path / "run", optimizer="adam")
    assert run.settings == TrainingSettings.of(epochs=1)


def test_a_folder_that_holds_a_run_is_not_written_over(moons: Project, tmp_path: Path) -> None:
    train(moons, "moons", folder=tmp_path / "run", epochs=1)
    with pytest.raises(JobRefused, match="holds a run already"):
        train(moons, "moons", folder=tmp_path / "run", epochs=1)


def test_a_finished_run_can_go_on_and_equals_one_that_was_longer(
    moons: Project, tmp_path: Path
) -> None:
    long = train(moons, "moons", folder=tmp_path / "long", epochs=6)
    short = train(moons, "moons", folder=tmp_path / "short", epochs=3)
    with pytest.raises(JobRefused, match="All 3 epochs of this run are done"):
        resume_run(short.path)
    longer = resume_run(short.path, epochs=6)
    expected = long.state_dict()
    assert all(torch.equal(expected[k], v) for k, v in longer.state_dict().items())


@pytest.mark.parametrize(
    ("design", "data", "settings"),
    [
        ("digits_cnn", "digits", {}),
        ("linear_regression", "line", {"optimizer": "sgd", "loss": "huber"}),
        ("residual", "digits", {"optimizer": "adamw"}),
        ("train_branch", "digits_flat", {}),
    ],
)
def test_networks_of_the_gallery_train(
    design: str, data: str, settings: dict[str, object], tmp_path: Path
) -> None:
    choice = DataChoice("digits", shape=(64,)) if data == "digits_flat" else DataChoice(data)
    run = train(
        gallery.project(design), load_dataset(choice), folder=tmp_path / "run", epochs=2, **settings
    )
    assert run.state == "finished", run.sentence
    losses = [epoch["train"]["loss"] for epoch in run.metrics()]
    assert losses[-1] < losses[0]


def test_a_job_of_the_page_runs_in_the_background(moons: Project) -> None:
    supervisor = Supervisor(Store())
    try:
        request = JobRequest(
            moons, DataChoice("moons"), TrainingSettings.of(epochs=2), "anna", project_id="p1"
        )
        run_id = supervisor.start(request)
        while supervisor.store.get(run_id, "anna").active:
            time.sleep(0.02)
        card = supervisor.store.get(run_id, "anna")
        assert (card.state, card.name, card.summary["project"]) == ("finished", moons.name, "p1")
        assert (card.summary["data"], card.summary["optimizer"], card.summary["lr"]) == (
            "Moons", "adam", 0.001,
        )  # fmt: skip
    finally:
        supervisor.close()


def test_a_job_that_cannot_run_leaves_nothing_behind(moons: Project) -> None:
    supervisor = Supervisor(Store())
    try:
        with pytest.raises(JobRefused, match="Iris gives N×4, but the input “x” takes N×2"):
            supervisor.start(JobRequest(moons, DataChoice("iris"), TrainingSettings(), "anna"))
        assert supervisor.store.runs("anna") == []
        assert list(supervisor.store.folders.iterdir()) == []
    finally:
        supervisor.close()


def test_what_is_good_to_know_before_a_run_is_told(moons: Project, tmp_path: Path) -> None:
    told: list[str] = []
    ended = replace(moons, graph=apply(moons.graph, AddNode("torch.nn.Softmax")))
    train(ended, "moons", folder=tmp_path / "run", epochs=1, on_warning=told.append)
    assert told == [
        "The network ends with Softmax, and cross-entropy applies a softmax itself: it learns "
        "slowly. Remove Softmax."
    ]


def test_another_goal_leaves_the_loss_of_the_old_one_behind(moons: Project) -> None:
    project = replace(moons, training={"loss": "cross_entropy", "epochs": 3})
    assert chosen_settings(project, {"goal": "input"}) == TrainingSettings.of(
        goal="input", epochs=3
    )


def test_a_run_equals_the_loop_people_write_with_fused_on_one_thread(
    moons: Project, tmp_path: Path
) -> None:
    run = train(moons, "moons", folder=tmp_path / "run", epochs=2, lr=0.01, batch_size=32)
    part, threads = load_dataset("moons").train, torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model, loss = run.module(), torch.nn.CrossEntropyLoss()
    for layer in model.modules():
        if isinstance(layer, torch.nn.Linear):
            layer.reset_parameters()
    rows = torch.utils.data.TensorDataset(*part)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, fused=True)
    for _ in range(2):
        for x, y in torch.utils.data.DataLoader(rows, batch_size=32, shuffle=True):
            optimizer.zero_grad()
            loss(model(x), y).backward()
            optimizer.step()
    torch.set_num_threads(threads)
    expected = run.state_dict(2)
    assert all(torch.equal(expected[k], v) for k, v in model.state_dict().items())
