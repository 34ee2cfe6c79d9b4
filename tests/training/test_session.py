"""Training from a run folder: what is learned, to which bits, and what is left on disk."""

from __future__ import annotations

import errno
import json
import math
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from builder.gallery import project
from builder.training import checkpoints
from builder.training.callbacks import Callback, commits
from builder.training.folder import RunFolder
from builder.training.headless import prepare_resume, resume_run
from builder.training.loop import EpochResult, Training
from builder.training.prepare import evaluation_rows, job_of, make_plan
from builder.training.run import open_run
from builder.training.session import build_model, run_session
from builder.training.settings import TrainingSettings
from builder.training.tensors import RunData
from tests.training.support import LINE, MLP, line, moons, write_folder


def trained(path: Path, **changes: object) -> RunFolder:
    folder = write_folder(path, **changes)  # type: ignore[arg-type]
    run_session(folder, 1)
    return folder


def weights(folder: RunFolder, epoch: int | None = None) -> dict[str, torch.Tensor]:
    return open_run(folder.path).state_dict(epoch)


def equal(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def hand_written_loop(
    model: nn.Module,
    x: torch.Tensor,
    y: torch.Tensor,
    criterion: nn.Module,
    epochs: int,
    **how: object,
) -> list[float]:
    """The tutorial's loop, with a DataLoader, as in seed 003."""
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, fused=True)
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    means = []
    for _ in range(epochs):
        total = 0.0
        for inputs, labels in loader:
            optimizer.zero_grad()
            loss = criterion(model(inputs), labels)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        means.append(total / len(x))
    return means


def test_it_learns_two_moons(tmp_path: Path) -> None:
    folder = trained(tmp_path / "run", epochs=60, lr=0.02)
    last = open_run(folder.path).metrics()[-1]
    assert folder.ending().state == "finished"
    assert last["validation"]["accuracy"] >= 0.95
    assert last["train"]["loss"] < 0.2


@pytest.mark.parametrize("goal", ["target", "input"])
def test_a_network_that_writes_in_place_leaves_the_data_as_they_are(
    tmp_path: Path, goal: str
) -> None:
    code = LINE.replace("nn.Linear(2, 1)", "nn.Sequential(nn.ELU(inplace=True), nn.Linear(2, 2))")
    x = line().parts["train"][0]
    data = RunData({"train": (x, x.clone()), "validation": (x.clone(), x.clone())}, "number")
    folder = trained(
        tmp_path / "run", data=data, code=code, loss="mse", optimizer="sgd", lr=1e-12, epochs=4,
        goal=goal,
    )  # fmt: skip
    metrics = open_run(folder.path).metrics()
    first = metrics[0]["train"]["loss"]  # the same rows, and weights that hardly move
    losses = [e[part]["loss"] for e in metrics for part in ("train", "validation")]
    assert losses == [pytest.approx(first, rel=1e-6)] * 8


def test_it_finds_the_line_and_says_how_well(tmp_path: Path) -> None:
    folder = trained(
        tmp_path / "run", data=line(), code=LINE, loss="mse", output=(1,), epochs=60,
        optimizer="sgd", lr=0.1,
    )  # fmt: skip
    found = weights(folder)
    assert found["head.weight"].tolist() == [
        [pytest.approx(2, abs=1e-3), pytest.approx(-1, abs=1e-3)]
    ]
    figures = folder.ending().figures["validation"]
    assert figures["mae"] < 1e-3
    assert figures["r2"] == pytest.approx(1, abs=1e-5)


def test_same_seed_same_weights_to_the_last_bit(tmp_path: Path) -> None:
    first = trained(tmp_path / "a", epochs=3, seed=5)
    second = trained(tmp_path / "b", epochs=3, seed=5)
    other = trained(tmp_path / "c", epochs=3, seed=6)
    assert equal(weights(first), weights(second))
    assert not equal(weights(first), weights(other))


def test_weights_and_losses_are_those_of_a_hand_written_loop(tmp_path: Path) -> None:
    folder = trained(tmp_path / "run", epochs=4, lr=0.01, seed=11)
    x, y = moons().parts["train"]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(11)
    model = build_model(folder.model)
    losses = hand_written_loop(model, x, y, nn.CrossEntropyLoss(), epochs=4)
    torch.set_num_threads(threads)
    assert equal(weights(folder), model.state_dict())
    assert [e["train"]["loss"] for e in open_run(folder.path).metrics()] == losses


def test_initial_weights_are_kept_as_epoch_0(tmp_path: Path) -> None:
    folder = trained(tmp_path / "run", epochs=2, seed=3)
    torch.manual_seed(3)
    assert equal(weights(folder, 0), build_model(folder.model).state_dict())
    assert open_run(folder.path).epochs() == [0, 1, 2]


def test_validation_draws_no_random_number_of_training(tmp_path: Path) -> None:
    drawing = MLP.replace("return self", "torch.rand(1); return self")
    with_validation = trained(tmp_path / "a", code=drawing, epochs=3)
    data = moons()
    only_train = type(data)({"train": data.parts["train"]}, "classes", data.classes)
    without = trained(tmp_path / "b", code=drawing, data=only_train, epochs=3)
    assert equal(weights(with_validation), weights(without))


def test_a_diverging_loss_ends_with_the_reason_and_keeps_good_weights(tmp_path: Path) -> None:
    folder = trained(
        tmp_path / "run", data=line(), code=LINE, loss="mse", output=(1,),
        optimizer="sgd", lr=1e6, epochs=50,
    )  # fmt: skip
    ending = folder.ending()
    assert ending.state == "failed"
    assert ending.sentence.startswith("Training diverged in epoch 1")
    assert "The learning rate of 1e+06 is the likely cause: try 0.01." in ending.sentence
    assert all(torch.isfinite(value).all() for value in weights(folder).values())


def test_a_loss_that_is_no_number_names_its_batch(tmp_path: Path) -> None:
    data = line()
    x, y = data.parts["train"]
    y = y.clone()
    y[40] = math.nan
    broken = type(data)({**data.parts, "train": (x, y)}, "number", title="Line")
    folder = trained(tmp_path / "run", data=broken, code=LINE, loss="mse", output=(1,), epochs=5)
    assert "in epoch 1 at batch" in folder.ending().sentence
    assert "not a number" in folder.ending().sentence


def test_a_broken_model_fails_in_one_sentence_and_keeps_its_traceback(tmp_path: Path) -> None:
    folder = trained(tmp_path / "run", code=MLP.replace("nn.Linear(16, 2)", "nn.Linear(15, 2)"))
    assert folder.ending().state == "failed"
    assert folder.ending().sentence.startswith("Training failed with RuntimeError: “mat1")
    assert "Traceback" in folder.error.read_text()


def test_a_run_without_validation_rows_trains(tmp_path: Path) -> None:
    data = moons()
    alone = type(data)({"train": data.parts["train"]}, "classes", data.classes)
    folder = trained(tmp_path / "run", data=alone, epochs=1)
    assert folder.ending().state == "finished"
    assert open_run(folder.path).metrics()[0]["validation"] is None


def test_an_autoencoder_learns_its_input(tmp_path: Path) -> None:
    code = LINE.replace("nn.Linear(2, 1)", "nn.Linear(2, 2)")
    folder = trained(
        tmp_path / "run", code=code, loss="mse", output=(2,), goal="input", epochs=40, lr=0.05
    )
    assert folder.ending().figures["validation"]["mae"] < 0.05


@pytest.mark.parametrize("name", ["sgd", "adam", "adamw", "rmsprop", "adagrad"])
def test_every_optimizer_lowers_the_loss(tmp_path: Path, name: str) -> None:
    folder = trained(tmp_path / "run", optimizer=name, lr=0.02, epochs=8)
    losses = [e["train"]["loss"] for e in open_run(folder.path).metrics()]
    assert losses[-1] < losses[0]


FADING = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(2, 2)
        self.calls = 0

    def forward(self, x):
        if self.training:
            self.calls += 1
        return self.head(x) * (float("nan") if self.calls > 15 else 1.0)
"""


def test_the_last_good_weights_stay_when_a_later_epoch_breaks(tmp_path: Path) -> None:
    folder = trained(
        tmp_path / "run", code=FADING, epochs=9
    )  # 6 batches an epoch: the 16th is in 3
    assert folder.ending().sentence.startswith(
        "Training diverged in epoch 3 at batch 4: the loss is"
    )
    run = open_run(folder.path)
    assert run.epochs() == [0, 1, 2]
    assert [e["epoch"] for e in run.metrics()] == [1, 2]
    assert all(torch.isfinite(value).all() for value in run.state_dict().values())
    assert len(run.points().steps) >= 6  # what the last epoch did can be seen


def test_memory_that_runs_out_is_named(tmp_path: Path) -> None:
    hungry = MLP.replace("return self", "torch.empty(10**14); return self")
    folder = trained(tmp_path / "run", code=hungry)
    assert folder.ending().state == "failed"
    assert folder.ending().sentence.startswith(
        "There is not enough memory for this training. Choose a smaller batch size"
    )


@pytest.mark.parametrize(
    ("result", "loss", "sentence"),
    [
        ("self.head(x).detach()", "mse", "Nothing that learns gets a gradient from the output."),
        ("torch.relu_(self.head(x).exp())", "mse", "Set inplace to False"),
        ("torch.relu_(self.head.weight).sum() + x[:, :1]", "mse", "Set inplace to False"),
        ("self.head(x) + 9", "bce", "End with Sigmoid, or choose BCE with logits."),
    ],
)
def test_what_torch_says_of_known_mistakes_is_put_into_words(
    tmp_path: Path, result: str, loss: str, sentence: str
) -> None:
    code = "import torch\n" + LINE.replace("self.head(x)", result)
    folder = trained(tmp_path / "run", data=line(), code=code, loss=loss, output=(1,))
    assert folder.ending().state == "failed"
    assert sentence in folder.ending().sentence
    assert "RuntimeError" in folder.error.read_text("utf-8")


def test_a_disk_that_fills_up_interrupts_and_the_run_goes_on_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_folder(tmp_path / "run", epochs=6)
    whole = trained(tmp_path / "whole", epochs=6)
    put = checkpoints.put_in_place

    def full(temporary: Path, path: Path) -> None:
        if "00003" in path.name:
            raise OSError(errno.ENOSPC, "No space left on device")
        put(temporary, path)

    monkeypatch.setattr(commits, "COMMIT_EVERY_SECONDS", 0.0)
    monkeypatch.setattr(checkpoints, "put_in_place", full)
    ending = run_session(folder, 1)
    assert (ending.state, ending.epoch) == ("interrupted", 2)
    assert "is full: nothing was written. Delete past runs or free some space" in ending.sentence
    monkeypatch.undo()
    prepare_resume(folder)
    assert run_session(folder, 2).state == "finished"
    assert equal(weights(folder), weights(whole))
    assert not list(folder.checkpoints.glob(".*"))


def test_ctrl_c_in_a_script_keeps_the_run_for_later(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "run", epochs=50)

    class CtrlC(Callback):
        def on_epoch(self, training: Training, result: EpochResult) -> None:
            if result.epoch == 5:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_session(folder, 1, callbacks=[CtrlC()])
    assert folder.ending().state == "interrupted"
    prepare_resume(folder)
    assert run_session(folder, 2).epoch == 50


# --- the test rows --------------------------------------------------------------------------------


def with_test_rows(x: torch.Tensor, y: torch.Tensor) -> RunData:
    data = moons()
    return RunData({**data.parts, "test": (x, y)}, "classes", data.classes, title="Moons")


class _StopsAfter(Callback):
    def __init__(self, folder: RunFolder, epoch: int) -> None:
        self.folder, self.epoch = folder, epoch

    def on_epoch(self, training: Training, result: EpochResult) -> None:
        if result.epoch == self.epoch:
            self.folder.want_stop()


def test_test_rows_are_evaluated_once_with_the_last_weights(tmp_path: Path) -> None:
    x, y = moons().parts["validation"]
    folder = trained(tmp_path / "run", data=with_test_rows(x, y), epochs=3)
    ending = folder.ending()
    assert ending.figures["test"] == ending.figures["validation"]  # the same rows, eval mode
    assert ending.sentence.endswith(f" Test accuracy {ending.figures['test']['accuracy']:.1%}.")
    only = moons().parts
    without = trained(tmp_path / "without", data=RunData(only, "classes", ("a", "b")), epochs=3)
    assert equal(weights(folder), weights(without))
    assert "test" not in without.ending().figures
    assert "Test" not in without.ending().sentence


def test_a_stopped_run_tells_its_test_result_and_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    drawing = MLP.replace("return self", "torch.rand(1); return self")
    data = with_test_rows(*moons().parts["validation"])
    straight = trained(tmp_path / "a", data=data, code=drawing, epochs=4)
    folder = write_folder(tmp_path / "b", data=data, code=drawing, epochs=4)
    stopped = run_session(folder, 1, callbacks=[_StopsAfter(folder, 2)])
    assert stopped.state == "stopped"
    assert stopped.sentence == (
        "Stopped in epoch 2 of 4. What was learned is kept. "
        f"Test accuracy {stopped.figures['test']['accuracy']:.1%}."
    )
    assert folder.ending() == stopped
    prepare_resume(folder)
    run_session(folder, 2)
    assert equal(weights(folder), weights(straight))
    assert folder.ending().figures == straight.ending().figures


def test_test_rows_that_cannot_be_evaluated_cost_only_their_figures(tmp_path: Path) -> None:
    broken = MLP.replace("return self", "assert_rows(x); return self") + (
        "\n\ndef assert_rows(x):\n    if len(x) == 7:\n        raise RuntimeError('no')\n"
    )
    x, y = moons().parts["validation"]
    folder = trained(tmp_path / "run", data=with_test_rows(x[:7], y[:7]), code=broken, epochs=2)
    assert folder.ending().state == "finished"
    assert "test" not in folder.ending().figures


def test_a_headless_run_tells_its_test_result(tmp_path: Path) -> None:
    from builder.gallery import project
    from builder.training import train

    data = with_test_rows(*moons().parts["validation"])
    run = train(project("moons_mlp"), data, folder=tmp_path / "run", epochs=2)
    assert run.ending is not None
    assert " Test accuracy " in run.sentence
    assert set(run.ending.figures) == {"train", "validation", "test"}


def test_lines_of_the_log_that_say_no_epoch_end_no_run(tmp_path: Path) -> None:
    folder = trained(tmp_path, epochs=2)
    bad = [
        {"kind": "epoch"},
        {"kind": "epoch", "epoch": "9", "seconds": 1.0, "train": {}},
        {"kind": "epoch", "epoch": 9, "seconds": 1.0, "train": [1]},
        {"kind": "epoch", "epoch": 9, "seconds": 1.0, "train": {"accuracy": "high"}},
    ]
    with folder.metrics.open("a") as log:
        log.writelines(json.dumps(line) + "\n" for line in bad)
    run = resume_run(tmp_path, epochs=3)
    assert (run.state, run.ending.epoch if run.ending else 0) == ("finished", 3)


def test_validation_takes_no_more_rows_than_a_training_step_was_checked_for() -> None:
    assert evaluation_rows(batch_size=32, activation_bytes=2_000) == 1024  # small: all at once
    assert evaluation_rows(batch_size=32, activation_bytes=1_000_000) == 64
    assert evaluation_rows(batch_size=32, activation_bytes=100_000_000) == 32
    assert evaluation_rows(batch_size=1, activation_bytes=10**12) == 1
    assert evaluation_rows(batch_size=4096, activation_bytes=0) == 1024


PEAK = MLP.replace("def forward(self, x):", "def forward(self, x):\n        assert len(x) <= 48")


def test_a_run_validates_and_tests_in_the_steps_its_job_says(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, with_test_rows(*moons().parts["train"]), PEAK, batch_size=48)
    folder.write_job({**folder.job(), "evaluation_rows": 48})
    ending = run_session(folder, 1)
    assert (ending.state, "test" in ending.figures) == ("finished", True), ending.sentence


def test_a_plan_says_how_many_rows_are_evaluated_at_once() -> None:
    plan = make_plan(project("moons_mlp"), moons(), TrainingSettings.of(batch_size=16))
    assert job_of(plan, "")["evaluation_rows"] == plan.evaluation_rows == 1024
