"""What lies on disk: metrics, weights, data and endings, whole or not at all."""

from __future__ import annotations

import errno
import json
import math
import os
from pathlib import Path

import pytest
import torch
from torch import nn

from builder.errors import DataRefused, LayerwiseError, NotFound
from builder.home import (
    StorageRefused,
    owner_folder,
    sweep_temporary_files,
    write_atomically,
)
from builder.training import checkpoints
from builder.training.checkpoints import epochs_to_keep
from builder.training.folder import Ending, RunFolder
from builder.training.metrics_log import MetricsLog, finite, read_points, rewind
from builder.training.processes import ProcessMark, this_process
from builder.training.run import open_run
from builder.training.tensors import RunData, load_data, save_data


def epoch(number: int, loss: float = 1.0) -> dict[str, object]:
    return {"kind": "epoch", "epoch": number, "train": {"loss": loss}, "validation": None}


# --- metrics.jsonl --------------------------------------------------------------------------------


def test_a_reader_gets_only_what_is_new(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path / "metrics.jsonl")
    log.append({"kind": "start", "epochs": 3}, epoch(1))
    first = read_points(log.path)
    assert (first.fresh, len(first.epochs), first.start) == (
        True,
        1,
        {"kind": "start", "epochs": 3},
    )
    log.append(epoch(2))
    second = read_points(log.path, first.position)
    assert (second.fresh, [e["epoch"] for e in second.epochs]) == (False, [2])
    assert read_points(log.path, second.position).epochs == ()


def test_half_a_line_is_left_for_later_and_rubbish_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"kind": "epoch", "epoch": 1}\nnot json\n[1]\n\xff\xfe\n{"kind": "epo')
    found = read_points(path)
    assert [e["epoch"] for e in found.epochs] == [1]
    with open(path, "ab") as file:
        file.write(b'ch", "epoch": 2}\n')
    assert [e["epoch"] for e in read_points(path, found.position).epochs] == [2]


def test_a_reader_of_nothing_gets_nothing(tmp_path: Path) -> None:
    assert read_points(tmp_path / "metrics.jsonl").epochs == ()


def test_after_a_rewind_the_reader_starts_over(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path / "metrics.jsonl")
    log.append(epoch(1), {"kind": "step", "epoch": 2, "step": 9}, epoch(2), epoch(3))
    log.append({**epoch(4), "partial": True})
    before = read_points(log.path).position
    rewind(log.path, 1)
    after = read_points(log.path, before)
    assert (after.fresh, [e["epoch"] for e in after.epochs], after.steps) == (True, [1], ())


def test_json_has_no_infinity_so_its_reason_is_written_instead() -> None:
    assert finite({"train": {"loss": math.inf, "mae": 2.0}, "x": math.nan}) == {
        "train": {"loss": None, "mae": 2.0, "not_finite": {"loss": "infinite"}},
        "x": None,
        "not_finite": {"x": "not a number"},
    }


# --- weights --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("epochs", "size", "kept"),
    [
        (3, 1000, {0, 1, 2, 3}),
        (49, 1000, set(range(50))),
        (10, 125_000_000, {0, 1, 3, 10}),  # four times 125 MB fit
        (10, 10**12, {0, 10}),
    ],
)
def test_which_epochs_keep_their_weights(epochs: int, size: int, kept: set[int]) -> None:
    assert epochs_to_keep(epochs, size) == kept


@pytest.mark.parametrize("epochs", [50, 51, 100, 1000, 999_999])
def test_long_runs_keep_fifty_epochs_with_the_first_and_the_last(epochs: int) -> None:
    kept = epochs_to_keep(epochs, 1000)
    assert 45 <= len(kept) <= 50
    assert {0, 1, epochs} <= kept


def model_and_optimizer() -> tuple[nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 1))
    return model, torch.optim.Adam(model.parameters(), lr=0.1, fused=True)


def steps(model: nn.Module, optimizer: torch.optim.Optimizer, count: int) -> None:
    for _ in range(count):
        optimizer.zero_grad()
        model(torch.randn(8, 3)).square().mean().backward()
        optimizer.step()


def test_a_resumed_state_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    model, optimizer = model_and_optimizer()
    steps(model, optimizer, 3)
    checkpoints.save_resume(tmp_path, 1, checkpoints.snapshot(model), optimizer, step=3)
    steps(model, optimizer, 3)
    again, other = model_and_optimizer()
    assert checkpoints.load_resume(tmp_path, 1, again, other)["step"] == 3
    steps(again, other, 3)
    assert all(
        torch.equal(a, b)
        for a, b in zip(model.state_dict().values(), again.state_dict().values(), strict=True)
    )


def test_tied_weights_are_saved(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False))
    model[1].weight = model[0].weight
    checkpoints.save_weights(tmp_path, 0, checkpoints.snapshot(model))
    assert list(checkpoints.load_weights(tmp_path, 0)) == ["0.weight", "1.weight"]


def test_weights_that_are_not_kept_name_those_that_are(tmp_path: Path) -> None:
    for number in (0, 4):
        checkpoints.save_weights(tmp_path, number, {"w": torch.zeros(1)})
    with pytest.raises(NotFound, match=r"epoch 2 are not kept\. There are those of 0, 4\."):
        checkpoints.load_weights(tmp_path, 2)


def test_a_full_disk_is_one_sentence_and_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_atomically(tmp_path / "a.json", "old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageRefused, match=r"is full: nothing was written\. Delete past runs"):
        write_atomically(tmp_path / "a.json", "new")
    with pytest.raises(StorageRefused, match="is full"):
        checkpoints.save_weights(tmp_path, 0, {"w": torch.zeros(1)})
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]
    assert (tmp_path / "a.json").read_text() == "old"


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LayerwiseError, match="file is a file, so it cannot be"):
        checkpoints.save_weights(tmp_path / "file" / "x", 0, {"w": torch.zeros(1)})


def test_what_a_killed_writer_left_is_swept(tmp_path: Path) -> None:
    (tmp_path / ".epoch-00001.safetensors.99-0.tmp").write_bytes(b"half")
    (tmp_path / "epoch-00000.safetensors").write_bytes(b"whole")
    sweep_temporary_files(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["epoch-00000.safetensors"]


# --- data, endings, owners ------------------------------------------------------------------------


def test_data_comes_back_as_it_was(tmp_path: Path) -> None:
    x, y = torch.rand(5, 1, 2, 2), torch.tensor([0, 1, 0, 1, 1])
    data = RunData({"train": (x, y)}, "classes", ("no", "yes"), "ill", title="Ünïcode")
    save_data(data, tmp_path / "data.safetensors")
    found = load_data(tmp_path / "data.safetensors")
    assert torch.equal(found.parts["train"][0], x)
    assert torch.equal(found.parts["train"][1], y)
    assert (found.kind, found.classes, found.target, found.title) == (
        "classes",
        ("no", "yes"),
        "ill",
        "Ünïcode",
    )
    assert (found.rows, found.row_shape, found.target_shape) == ({"train": 5}, (1, 2, 2), ())


def test_a_broken_data_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data.safetensors").write_bytes(b"\x80\x04pickle")
    with pytest.raises(DataRefused):
        load_data(tmp_path / "data.safetensors")


def test_an_attempt_is_claimed_once(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert folder.begin(1, this_process())
    assert not folder.begin(1, ProcessMark(1, "another"))
    assert not folder.void(1)
    assert folder.worker(1) == this_process()
    assert folder.attempts == 1


def test_an_ending_comes_back(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert folder.ending() is None
    folder.write_ending(Ending("failed", "No.", 3, 1.5, {"train": {"loss": math.nan}}, 2))
    found = folder.ending()
    assert found is not None
    assert (found.state, found.sentence, found.epoch, found.attempt) == ("failed", "No.", 3, 2)
    assert found.figures["train"]["loss"] is None
    (tmp_path / "end.json").write_text('{"state": "fin')
    assert folder.ending() is None


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"it has no job\.json"):
        open_run(tmp_path)
    (tmp_path / "job.json").write_text(json.dumps({"layerwise_run": 99}))
    with pytest.raises(NotFound, match="this one reads version 1"):
        open_run(tmp_path)


@pytest.mark.parametrize("owner", ["", "..", "a/b", "a.b", "x" * 65, "ä", None])
def test_an_owner_is_never_a_path(
    owner: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LAYERWISE_HOME", str(tmp_path))
    with pytest.raises(NotFound):
        owner_folder(owner)


def test_a_checkpoint_cut_short_names_its_epoch(tmp_path: Path) -> None:
    model = nn.Linear(2, 2)
    optimizer = torch.optim.Adam(model.parameters())
    checkpoints.save_weights(tmp_path, 3, checkpoints.snapshot(model))
    checkpoints.save_resume(tmp_path, 4, checkpoints.snapshot(model), optimizer)
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(NotFound, match="The weights of epoch 3 cannot be read: epoch-00003"):
        checkpoints.load_weights(tmp_path, 3)
    with pytest.raises(NotFound, match="epoch 4 cannot be read"):
        checkpoints.load_weights(tmp_path, 4)
    with pytest.raises(NotFound, match="epoch 4 cannot be read"):
        checkpoints.load_resume(tmp_path, 4, model, optimizer)


@pytest.mark.parametrize(
    "text",
    ["{}", '{"state": "finished"}', "[1]", "", '{"state": [1], "figures": {}}', "null"],
)
def test_an_ending_or_a_mark_without_its_keys_is_none(tmp_path: Path, text: str) -> None:
    folder = RunFolder(tmp_path)
    (tmp_path / "end.json").write_text(text)
    assert folder.ending() is None
    (tmp_path / "workers").mkdir()
    (tmp_path / "workers" / "1.json").write_text(text)
    mark = folder.worker(1)
    assert mark is not None
    assert not mark.alive
    assert not mark.void
    assert folder.worker(2) is None
